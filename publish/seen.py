"""What readers have seen, held against what the warehouse knows of it.

Every release hands the whole history of `public/` on to the next. The warehouse notes after each
release how many contents there were, and the hash of all of them: a history that is shorter or
another one than that has been lost or changed since, and is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest.lock import make_private_folder
from ingest.problem import Problem
from ingest.warehouse import fill, open_warehouse, run, transaction
from ingest.workspace import Workspace
from publish.publications import LostHistoryError, Publications, read_history, remedy

FORGOTTEN = "forgotten-"


@dataclass(frozen=True)
class Noted:
    """How many contents of `public/` there were, and the hash of all of them (SHA-256, hex)."""

    contents: int
    sha256: str

    @classmethod
    def of(cls, history: Publications) -> Noted:
        """Give what is noted of a history."""
        return cls(len(history.contents), history.digest())

    def is_kept_in(self, history: Publications) -> bool:
        """Tell whether a history holds all that was noted, as it was."""
        has_all = len(history.contents) >= self.contents
        return has_all and history.digest(self.contents) == self.sha256


def read_seen(connection: duckdb.DuckDBPyConnection, published: Path) -> Publications:
    """Read all that readers have seen so far.

    `connection` has the warehouse as `warehouse`. Raises Problem if a release's history cannot be
    read, or if what the releases say is less, or something else, than what the warehouse noted.
    """
    history = read_history(published)
    noted = read_noted(connection)
    if noted and not noted.is_kept_in(history):
        raise Problem(
            f"The releases in {published / 'releases'} do not say what readers have seen: the "
            f"warehouse noted {noted.contents} contents of public/, of which "
            f"{_what_is_left(noted, history)}. {remedy(published)}"
        )
    return history


def _what_is_left(noted: Noted, history: Publications) -> str:
    left = len(history.contents)
    return f"{left} are left" if left < noted.contents else "not all are as they were"


def read_noted(connection: duckdb.DuckDBPyConnection) -> Noted | None:
    """Read what the warehouse noted after the last release; None before the first one."""
    rows = run(connection, "select contents, sha256 from warehouse.raw.public_history")
    return Noted(*rows[0]) if rows else None


def note_seen(workspace: Workspace, history: Publications) -> None:
    """Note in the warehouse what readers have seen now, if it is more than what it knows."""
    with open_warehouse(workspace.warehouse) as connection:
        seen = Noted.of(history)
        if read_noted(connection) != seen:
            with transaction(connection):
                _note(connection, seen)


def _note(connection: duckdb.DuckDBPyConnection, seen: Noted) -> None:
    run(connection, "delete from warehouse.raw.public_history")
    row = (str(seen.contents), seen.sha256)
    fill(connection, "warehouse.raw.public_history", [row], 2)


def forget(workspace: Workspace, reason: str, author: str, now: datetime | None = None) -> str:
    """Take what is left of the history for all that there was; say what that is.

    Releases whose history cannot be read are moved aside, never removed. Who decided it, and why,
    stays in the warehouse. The caller holds the lock. Raises Problem if there is nothing to forget.
    """
    now = now or datetime.now(UTC)
    published = workspace.published
    with open_warehouse(workspace.warehouse) as connection:
        noted = read_noted(connection)
        aside = _set_aside_unreadable(published, now)
        history = read_history(published)
        if not aside and (noted is None or noted.is_kept_in(history)):
            raise Problem("There is nothing to forget: the releases hold all that readers saw.")
        known = f"{noted.contents}" if noted else None
        kept = Noted.of(history)
        decision = ("forgotten", f"{now.date()}", author, reason, known, f"{kept.contents}")
        with transaction(connection):
            fill(connection, "warehouse.raw.public_decisions", [decision], len(decision))
            _note(connection, kept)
    moved = [f"Taken away: {path}." for path in aside]
    return " ".join([f"What readers have seen is now {kept.contents} contents of public/.", *moved])


def _set_aside_unreadable(published: Path, now: datetime) -> list[Path]:
    """Move releases aside, and a link to none, until the history of what is left can be read."""
    moved = []
    while (unreadable := _first_unreadable(published)) is not None:
        if unreadable.is_symlink():
            unreadable.unlink()  # `latest`, which points nowhere
            moved.append(unreadable)
        else:
            folder = published / f"{FORGOTTEN}{now:%Y-%m-%dT%H%M%SZ}"
            make_private_folder(folder)
            moved.append(folder / unreadable.name)
            unreadable.rename(moved[-1])
    return moved


def _first_unreadable(published: Path) -> Path | None:
    try:
        read_history(published)
    except LostHistoryError as lost:
        return lost.release
    return None
