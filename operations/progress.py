"""How far a work is that takes longer than two seconds."""

from __future__ import annotations

import sys
import time

SECONDS_BEFORE = 2.0
SECONDS_BETWEEN = 1.0
SECONDS_BETWEEN_LINES = 15.0


class Bytes:
    """Counts bytes, and says how many of how many: on a terminal in one line, else now and then."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = max(total, 1)
        self._done = 0
        self._is_live = sys.stderr.isatty()
        self._next = time.monotonic() + SECONDS_BEFORE

    def __call__(self, number: int) -> None:
        """Count some more bytes."""
        self._done += number
        if time.monotonic() >= self._next:
            every = SECONDS_BETWEEN if self._is_live else SECONDS_BETWEEN_LINES
            self._next = time.monotonic() + every
            percent = min(100, 100 * self._done // self._total)
            ends = ("\r\x1b[K", "") if self._is_live else ("", "\n")
            said = f"{ends[0]}{self._what}: {percent} % of {self._total / 1e6:,.0f} MB"
            print(said, end=ends[1], file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line as it was before."""
        if self._is_live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
