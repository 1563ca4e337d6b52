"""Where logs come from. A source is a module with one function, `find(location, apart_from)`.

It returns the files it finds, sorted by name, as objects with the members of `Found`.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from ingest.patience import Patience
from ingest.problem import Problem
from ingest.sources import folder

SOURCES = {"": folder, "file": folder}
SLOWEST = 100_000  # bytes a second, below which a file is not waited for


class Found(Protocol):
    """A file that a source has found."""

    name: str
    """Its name within the source, with slashes; printable."""

    no_log: str
    """What it is instead of a log, if that can be told without opening it; else empty."""

    def open(self) -> BinaryIO:
        """Open the bytes as they were delivered. Raises OSError."""

    def written_at(self) -> datetime:
        """Say when it was last written, in UTC without a zone. Raises OSError."""


def find_files(location: str, apart_from: Path) -> list[LogFile]:
    """Find the files at `location`, a folder or a URL, that may be logs, sorted by name.

    `apart_from` is the state folder: nothing in it is a log unless `location` lies inside it.
    Finding them, opening one and reading a piece of it may take as long as CHATCIJFERS_PATIENCE
    says, each. Raises Problem if no source knows the location, or if there is nothing in it, and
    OutOfReach if it does not answer.
    """
    patience = Patience.from_environment()
    scheme, found, _ = location.partition("://")
    source = SOURCES.get(scheme.lower() if found else "")
    if source is None:
        raise Problem(
            f"Logs cannot be read from {scheme}:// yet. Give a folder, as a path or as file:///path."
        )
    files = patience.call(f"The folder of logs {location}", source.find, location, apart_from)
    return [LogFile(file, patience) for file in files]


@dataclass(frozen=True)
class LogFile:
    """A file that may be a log, and is given up when it does not answer."""

    file: Found
    patience: Patience

    @property
    def name(self) -> str:
        """Its name within the source, with slashes; printable."""
        return self.file.name

    @property
    def no_log(self) -> str:
        """What it is instead of a log, if that can be told without opening it; else empty."""
        return self.file.no_log

    def open(self) -> OpenFile:
        """Open the bytes as they were delivered. Raises OSError, and OutOfReach."""
        return OpenFile(self)

    def written_at(self) -> datetime:
        """Say when it was last written, in UTC without a zone. Raises OSError, and OutOfReach."""
        return self.patience.call(f"The log {self.name}", self.file.written_at)

    def time_limit(self, size: int) -> float:
        """Give the seconds in which all of it has to be read."""
        return self.patience.seconds + size / SLOWEST


class OpenFile(io.RawIOBase):
    """The bytes that a file has when it is opened; it is given up when it does not answer.

    `size` is how many there are. What is written behind them meanwhile is not read.
    """

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self._what = f"The log {file.name}"
        self._patience = file.patience
        self._stream: BinaryIO | None = None
        self._at = 0
        self._stream, self.size = self._call(_open, file.file)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on from `offset`, counted from the start."""
        self._at = self._call(self._stream.seek, offset, whence)
        return self._at

    def readinto(self, buffer) -> int:
        """Read as many bytes as there are, and as fit."""
        wanted = memoryview(buffer)[: max(self.size - self._at, 0)]
        done = self._call(self._stream.readinto, wanted) if wanted.nbytes else 0
        self._at += done
        return done

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; all that are left without one."""
        left = max(self.size - self._at, 0)
        wanted = left if size < 0 else min(size, left)
        content = self._call(self._stream.read, wanted) if wanted else b""
        self._at += len(content)
        return content

    def close(self) -> None:
        """Close it, once."""
        if not self.closed:
            super().close()
            if self._stream:
                self._stream.close()

    def _call(self, function, *arguments):
        return self._patience.call(self._what, function, *arguments)


def _open(file: Found) -> tuple[BinaryIO, int]:
    stream = file.open()
    return stream, os.fstat(stream.fileno()).st_size
