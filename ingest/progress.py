"""How far a work is that takes longer than two seconds."""

from __future__ import annotations

import sys
import time

SECONDS_BEFORE = 2.0
SECONDS_BETWEEN = 1.0
SECONDS_BETWEEN_LINES = 15.0
ANEW = "\r\x1b[K"  # carriage return, and clear the line


class Progress:
    """Says how far a work is: on a terminal in one line, else in a line now and then."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_live = sys.stderr.isatty()
        self._next = time.monotonic() + SECONDS_BEFORE

    @property
    def is_due(self) -> bool:
        """Whether it is time to say it again."""
        return time.monotonic() >= self._next

    def tell(self, so_far: str) -> None:
        """Say how far it is, if that is due."""
        if not self.is_due:
            return
        every = SECONDS_BETWEEN if self._is_live else SECONDS_BETWEEN_LINES
        self._next = time.monotonic() + every
        start, end = (ANEW, "") if self._is_live else ("", "\n")
        print(f"{start}{self._what}: {so_far}", end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line as it was before."""
        if self._is_live:
            print(ANEW, end="", file=sys.stderr, flush=True)
