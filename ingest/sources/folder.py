"""Logs in a folder and the folders below it."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from ingest.problem import OutOfReach, Problem
from ingest.recognition import is_named_as_log
from ingest.wording import printable

UNFINISHED = re.compile(
    r".*(\.(part|tmp|partial|filepart|crdownload|swp)|~)", re.IGNORECASE | re.DOTALL
)
SECONDS_OF_AN_UPLOAD = 24 * 60 * 60
NO_FILE = {
    stat.S_IFIFO: "a pipe, and no file",
    stat.S_IFSOCK: "a socket, and no file",
    stat.S_IFCHR: "a device, and no file",
    stat.S_IFBLK: "a device, and no file",
}


@dataclass(frozen=True)
class File:
    """A file on this machine; with an `obstacle`, it cannot be opened."""

    name: str
    path: Path
    no_log: str = ""
    obstacle: str = ""

    def open(self) -> BinaryIO:
        """Open the bytes as they were delivered. Raises OSError."""
        if self.obstacle:
            raise OSError(0, self.obstacle)
        stream = self.path.open("rb", buffering=0)
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # another since it was found
            stream.close()
            raise OSError(0, "it is no file")
        return stream

    def written_at(self) -> datetime:
        """Say when it was last written, in UTC without a zone. Raises OSError."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC).replace(tzinfo=None)


def find(location: str, apart_from: Path) -> list[File]:
    """Find what may be logs in a folder and below it, sorted by name; links are followed.

    That is every file that is neither hidden nor still being uploaded. Raises Problem if there is
    no such folder or it may not be read, and OutOfReach if it does not answer. A folder below it
    that cannot be read is listed as a file that cannot.
    """
    root = _path(location)
    try:
        if root.is_dir():
            return sorted(_walk(root, apart_from), key=lambda file: file.name)
    except PermissionError as error:
        raise Problem(
            f"The folder of logs {printable(str(error.filename or root))} may not be read by this "
            "account. Give it the right to read and list that folder."
        ) from None
    except OSError as error:
        raise OutOfReach(
            f"The folder of logs {printable(str(error.filename or root))} cannot be read "
            f"({error.strerror}). Bring it back, or name another one with LOGS=, --logs "
            "or CHATCIJFERS_LOGS."
        ) from None
    raise Problem(
        f"There is no folder of logs at {root}. Name it with LOGS=, --logs or CHATCIJFERS_LOGS."
    )


def _path(location: str) -> Path:
    if "://" in location:
        parts = urlsplit(location)
        if parts.netloc not in ("", "localhost"):
            raise Problem(
                f"{location} names another machine. Write file:///path for a folder here."
            )
        return Path(unquote(parts.path))
    return Path(location).absolute()


def _walk(root: Path, apart_from: Path) -> Iterator[File]:
    state = _identity(apart_from) if apart_from.exists() else None
    seen = {_identity(root)}
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listed:
                entries = list(listed)
        except OSError as error:
            if folder == root:
                raise
            yield _unreadable(folder, root, error)
            continue
        for entry in entries:
            path = Path(folder, entry.name)
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    identity = _identity(path)
                    if identity not in seen and identity != state:
                        seen.add(identity)
                        folders.append(path)
                else:
                    yield from _look_at(entry, path, root)
            except OSError as error:
                if entry.is_symlink() and not is_named_as_log(entry.name):
                    yield File(_name(path, root), path, no_log=_leads_nowhere(error))
                else:
                    yield _unreadable(path, root, error)


def _look_at(entry: os.DirEntry, path: Path, root: Path) -> Iterator[File]:
    name = _name(path, root)
    if entry.is_file():
        if not UNFINISHED.fullmatch(entry.name):
            yield File(name, path)
        elif time.time() - entry.stat().st_mtime > SECONDS_OF_AN_UPLOAD:
            yield File(name, path, no_log="an upload that was not finished")
        return
    try:
        kind = NO_FILE.get(stat.S_IFMT(os.stat(path).st_mode), "no file")
    except OSError as error:
        kind = _leads_nowhere(error)
    if is_named_as_log(entry.name):
        yield File(name, path, obstacle=f"it is {kind}")
    else:
        yield File(name, path, no_log=kind)


def _unreadable(path: Path, root: Path, error: OSError) -> File:
    reason = error.strerror or type(error).__name__
    return File(_name(path, root), path, obstacle=reason)


def _leads_nowhere(error: OSError) -> str:
    return f"a link that leads nowhere ({error.strerror})"


def _identity(folder) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _name(path: Path, root: Path) -> str:
    relative = os.fsencode(path.relative_to(root))
    return printable(relative.decode("utf-8", errors="backslashreplace"))
