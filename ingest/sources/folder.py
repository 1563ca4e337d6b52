"""Logs in a folder and the folders below it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from ingest.problem import OutOfReach, Problem

# A file that is still being written (.part, .tmp) has another ending, hidden ones begin with a dot.
LOG_NAME = re.compile(r"[^.].*\.(ndjson|jsonl|json)(\.gz|\.zst)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class File:
    """A log file on this machine."""

    name: str
    path: Path

    def open(self) -> BinaryIO:
        """Open the bytes as they were delivered. Raises OSError."""
        return self.path.open("rb", buffering=0)

    def written_at(self) -> datetime:
        """Say when it was last written, in UTC without a zone. Raises OSError."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC).replace(tzinfo=None)


def find(location: str, apart_from: Path) -> list[File]:
    """Find the log files in a folder and below it, sorted by name; links are followed.

    Raises Problem if there is no such folder or it may not be read, and OutOfReach if it, or one
    below it, does not answer.
    """
    root = _path(location)
    try:
        if root.is_dir():
            return sorted(_walk(root, apart_from), key=lambda file: file.name)
    except PermissionError as error:
        raise Problem(
            f"The folder of logs {error.filename or root} may not be read by this account. "
            "Give it the right to read and list that folder."
        ) from None
    except OSError as error:
        raise OutOfReach(
            f"The folder of logs {error.filename or root} cannot be read ({error.strerror}). "
            "Bring it back, or name another one with --logs or CHATCIJFERS_LOGS."
        ) from None
    raise Problem(f"There is no folder of logs at {root}. Name it with --logs or CHATCIJFERS_LOGS.")


def _path(location: str) -> Path:
    if "://" in location:
        parts = urlsplit(location)
        if parts.netloc not in ("", "localhost"):
            raise Problem(
                f"{location} names another machine. Write file:///path for a folder here."
            )
        return Path(unquote(parts.path))
    return Path(location).absolute()


def _walk(root: Path, apart_from: Path):
    state = _identity(apart_from) if apart_from.exists() else None
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_raise):
        identity = _identity(folder)
        if identity in seen or (identity == state and Path(folder) != root):
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if LOG_NAME.fullmatch(name) and not path.is_dir() and not path.is_fifo():
                yield File(_printable(path.relative_to(root)), path)


def _identity(folder) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", errors="replace")


def _raise(error: OSError) -> None:
    raise error
