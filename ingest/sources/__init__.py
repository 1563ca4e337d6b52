"""Where logs come from. A source is a module with one function, `find(location, apart_from)`.

It returns the log files it finds, sorted by name, as objects with the two members of `LogFile`.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

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


def find_files(location: str, apart_from: Path) -> list[LogFile]:
    """Find the log files at `location`, a folder or a URL, sorted by name.

    `apart_from` is the state folder: nothing in it is a log unless `location` lies inside it.
    Raises Problem if no source knows the location, or if there is no log in it.
    """
    scheme, found, _ = location.partition("://")
    source = SOURCES.get(scheme.lower() if found else "")
    if source is None:
        raise Problem(
            f"Logs cannot be read from {scheme}:// yet. Give a folder, as a path or as file:///path."
        )
    files = source.find(location, apart_from)
    if not files:
        raise Problem(
            f"There are no logs in {location}: nothing there is called {NAMES}. "
            "Name the right folder with --logs or CHATCIJFERS_LOGS."
        )
    return files
