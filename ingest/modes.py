"""Who else on this machine could read or write what lies in the state folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.lock import STATE_FOLDER_MODE
from ingest.problem import Problem
from ingest.workspace import Workspace

OTHERS = 0o007
OTHERS_WRITE = 0o002
GROUP = 0o070
GROUP_WRITES = 0o020
# What a person has to do with most of these is the same; a long list would hide that.
LISTED = 8


@dataclass(frozen=True)
class Opened:
    """A file or folder whose mode lets in somebody who has no business there."""

    path: Path
    mode: int
    remedy: str

    def __str__(self) -> str:
        """Say which, how it is open, and what closes it."""
        return f"{self.path} has mode {self.mode:04o}: close it with `{self.remedy}`"


def check(workspace: Workspace) -> None:
    """Refuse a state folder in which others could read what is pseudonymous, or write anything.

    Nothing is closed in silence: who opened it may have let somebody read it, and has to know. An
    empty folder that was made beforehand is closed, for nothing can have been read there. Raises
    Problem that names each path, its mode and the command that closes it.
    """
    if workspace.data.is_dir() and not any(workspace.data.iterdir()):
        _close_if_own(workspace.data)
    found = find_opened(workspace)
    if found:
        more = f"\n… and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise Problem(
            "Others than the owner can get at what is in the state folder:\n"
            + "\n".join(f"- {one}" for one in found[:LISTED])
            + more
            + "\nClose it, find out who opened it and why, and run again."
        )


def find_opened(workspace: Workspace) -> list[Opened]:
    """List what others could read or write though it is not for them, by what is closed first.

    Looks at the folders, and at the files of the latest release; not at each file of each release,
    nor at work files and what is Airflow's, which the state folder guards.
    """
    return [
        Opened(path, mode, remedy.format(path=path))
        for path, forbidden, remedy in _rules(workspace)
        for mode in [_mode(path)]
        if mode is not None and mode & forbidden
    ]


def _rules(workspace: Workspace) -> Iterator[tuple[Path, int, str]]:
    """Give each path with the bits that it must not have, and what takes them away."""
    data, published = workspace.data, workspace.published
    yield data, OTHERS | GROUP_WRITES, f"chmod {STATE_FOLDER_MODE:o} {{path}}"
    private = [
        *(workspace.warehouse, workspace.warehouse.with_name("warehouse.duckdb.wal")),
        *(workspace.backups, workspace.airflow_home / "passwords.json", data / "sql_history"),
    ]
    for path in private:
        yield path, OTHERS | GROUP, "chmod go= {path}"
    for path in (published, published / "releases"):
        yield path, OTHERS_WRITE | GROUP_WRITES, "chmod go-w {path}"
    for path in published.glob("releases/*/internal"):
        yield path, OTHERS | GROUP_WRITES, "chmod 750 {path}"
    for path in Path(os.path.realpath(published / "latest")).glob("internal/*"):
        yield path, OTHERS | GROUP_WRITES, "chmod 640 {path}"


def _mode(path: Path) -> int | None:
    """Give the mode of a path that exists and is no link."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return None if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)


def _close_if_own(folder: Path) -> None:
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(STATE_FOLDER_MODE)
