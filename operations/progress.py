"""How many bytes of how many are through, of a work that takes longer than two seconds."""

from __future__ import annotations

from ingest.progress import Progress


class Bytes:
    """Counts bytes, and says how many of how many: on a terminal in one line, else now and then."""

    def __init__(self, what: str, total: int) -> None:
        self._progress = Progress(what)
        self._total = max(total, 1)
        self._done = 0

    def __call__(self, number: int) -> None:
        """Count some more bytes."""
        self._done += number
        if self._progress.is_due:
            percent = min(100, 100 * self._done // self._total)
            self._progress.tell(f"{percent} % of {self._total / 1e6:,.0f} MB")

    def end(self) -> None:
        """Leave the line as it was before."""
        self._progress.end()
