"""Where logs come from. A source is a module with one function, `find(location, apart_from)`.

It returns the log files it finds, sorted by name, as objects with the members of `LogFile`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from ingest.patience import Patience
from ingest.problem import Problem
from ingest.sources import folder

SOURCES = {"": folder, "file": folder}
NAMES = "*.ndjson, *.jsonl or *.json, plain or with .gz or .zst"


class LogFile(Protocol):
    """One delivered file."""

    name: str
    """Its name within the source, with slashes."""

    def open(self) -> BinaryIO:
        """Open the bytes as they were delivered. Raises OSError."""

    def written_at(self) -> datetime:
        """Say when it was last written, in UTC without a zone. Raises OSError."""


def find_files(location: str, apart_from: Path) -> list[LogFile]:
    """Find the log files at `location`, a folder or a URL, sorted by name.

    `apart_from` is the state folder: nothing in it is a log unless `location` lies inside it.
    Finding them, opening one and reading a piece of it may take as long as CHATCIJFERS_PATIENCE
    says, each. Raises Problem if no source knows the location, or if there is no log in it, and
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
    if not files:
        raise Problem(
            f"There are no logs in {location}: nothing there is called {NAMES}. "
            "Name the right folder with --logs or CHATCIJFERS_LOGS."
        )
    return [_Patient(file, patience) for file in files]


@dataclass(frozen=True)
class _Patient:
    """A delivered file that is given up when it does not answer."""

    file: LogFile
    patience: Patience

    @property
    def name(self) -> str:
        return self.file.name

    def open(self) -> BinaryIO:
        return _PatientStream(self)

    def written_at(self) -> datetime:
        return self.patience.call(f"The log {self.name}", self.file.written_at)


class _PatientStream(io.RawIOBase):
    """The bytes of a file that is given up when it does not answer."""

    def __init__(self, file: _Patient) -> None:
        super().__init__()
        self._what = f"The log {file.name}"
        self._patience = file.patience
        self._stream: BinaryIO | None = None
        self._stream = self._call(file.file.open)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._call(self._stream.readinto, buffer)

    def read(self, size: int = -1) -> bytes:
        return self._call(self._stream.read, size)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._stream:
                self._stream.close()

    def _call(self, function, *arguments):
        return self._patience.call(self._what, function, *arguments)
