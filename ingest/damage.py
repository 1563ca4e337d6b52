"""What of the state folder is damaged, and the command that mends it.

What can be told from outside is looked at before anything is opened; what only shows when it is
read (a block of the warehouse that has flipped) is told in the same words then.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from shlex import quote
from urllib.parse import quote as quoted_in_address

from ingest.problem import Damaged
from ingest.workspace import Workspace

RUNBOOK = 'docs/operations.md has it under "Damaged state".'
# Where the files of a kind say that they are one.
DUCKDB_MARK, DUCKDB_MARK_AT = b"DUCK", 8
SQLITE_MARK = b"SQLite format 3\0"


def require_sound(workspace: Workspace) -> None:
    """Raise Damaged if something of a state folder is; looks at it, and opens no warehouse."""
    found = find_damage(workspace)
    if found:
        raise Damaged("\n".join(found))


def find_damage(workspace: Workspace) -> list[str]:
    """Say of everything in a state folder that is damaged what it is, and the command for it."""
    looks = (
        damage_of_warehouse(workspace.warehouse),
        damage_of_latest(workspace.published),
        damage_of_airflow(workspace.airflow_home),
        damage_of_lock(workspace.data),
        damage_of_lock(workspace.airflow_home),
    )
    return [damage for damage in looks if damage]


def damage_of_warehouse(path: Path) -> str | None:
    """Say what is wrong with the warehouse's file, as far as one can tell without opening it."""
    if not os.path.lexists(path):
        return None
    what = _what_it_is(path)
    if what:
        return tell_of_warehouse(path, f"it is {what}")
    try:
        with path.open("rb") as file:
            start = file.read(DUCKDB_MARK_AT + len(DUCKDB_MARK))
    except OSError:
        return None  # who opens it says why it cannot be read
    if start and start[DUCKDB_MARK_AT:] != DUCKDB_MARK:
        return tell_of_warehouse(path, "it is no DuckDB file")
    return None


def tell_of_warehouse(path: Path, what: str) -> str:
    """Say that the warehouse is damaged, how, and how it is mended."""
    data = quote(str(path.parent))
    return (
        f"The warehouse {path} is damaged: {what}. Put the last backup in its place with "
        f"`.venv/bin/python -m operations restore --data {data}`; the damaged file is kept aside. "
        f"What can be done without a backup: {RUNBOOK}"
    )


def damage_of_latest(published: Path) -> str | None:
    """Say what is wrong with the link to the latest release: it has to lead to a release."""
    latest = published / "latest"
    if not os.path.lexists(latest):
        return None
    if not latest.is_symlink():
        what, away = f"it is {_kind_of(latest)}, no link", f"mv {{}} {{}}.damaged-{os.getpid()}"
    else:
        try:
            os.stat(latest)
        except OSError as error:
            what, away = _why_it_leads_nowhere(error, latest), "rm {}"
        else:
            return None
    newest = _newest_release(published)
    place = quote(str(latest))
    commands = [away.replace("{}", place)]
    if newest:
        commands.append(f"ln -s {quote(f'releases/{newest}')} {place}")
    remedy = (
        "Make it lead to the newest release"
        if newest
        else "No release is left to lead to: restore a backup once it is out of the way"
    )
    return (
        f"The link {latest} to the latest release is damaged: {what}. {remedy}: "
        f"`{' && '.join(commands)}`. {RUNBOOK}"
    )


def damage_of_airflow(home: Path) -> str | None:
    """Say what is wrong with Airflow's own database, if it is the file of `make run`."""
    database = home / "airflow.db"
    if not os.path.lexists(database):
        return None
    what = _what_it_is(database) or _what_sqlite_says(database)
    if not what:
        return None
    return (
        f"Airflow's own database {database} is damaged: {what}. No figure rests on it: remove it "
        f"with `rm -r {quote(str(database))}*`, and the next run makes another one; only the list "
        f"of past runs is lost. {RUNBOOK}"
    )


def damage_of_lock(folder: Path) -> str | None:
    """Say what is wrong with the lock of a folder: it has to be a plain file, whatever it says."""
    lock = folder / "lock"
    if not os.path.lexists(lock) or (lock.is_file() and not lock.is_symlink()):
        return None
    return (
        f"The lock {lock} is damaged: it is {_kind_of(lock)}, no file. Nobody can hold it: see "
        f"that no run is on, and remove it with `rm -r {quote(str(lock))}`. {RUNBOOK}"
    )


def _what_it_is(path: Path) -> str | None:
    """Say what is there instead of a file, or of a link to one; None if it is one."""
    try:
        os.stat(path)
    except OSError as error:
        return _why_it_leads_nowhere(error, path) if path.is_symlink() else None
    return None if path.is_file() else f"{_kind_of(path)}, no file"


def _kind_of(path: Path) -> str:
    if path.is_symlink():
        return "a link"
    return "a folder" if path.is_dir() else "a file" if path.is_file() else "a pipe or device"


def _why_it_leads_nowhere(error: OSError, link: Path) -> str:
    if error.errno == errno.ELOOP:
        return "a link that leads round to itself"
    return f"a link to {link.readlink()}, where nothing is that can be read"


def _what_sqlite_says(database: Path) -> str | None:
    """Have SQLite check a database; None if it is whole, not begun yet, or in use."""
    try:
        with database.open("rb") as file:
            start = file.read(len(SQLITE_MARK))
        if start and start != SQLITE_MARK:
            return "it is no SQLite file"
        address = f"file:{quoted_in_address(str(database))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            [(verdict,), *_] = connection.execute("pragma quick_check(1)").fetchall()
    except sqlite3.OperationalError:
        return None  # somebody else has it; a damaged one is a DatabaseError
    except sqlite3.DatabaseError as error:
        return f"SQLite says: {error}"
    except OSError:
        return None
    return None if verdict == "ok" else "SQLite finds pages in it that do not fit together"


def _newest_release(published: Path) -> str | None:
    """Name the release that was put in place last, by what it says itself."""
    placed = {}
    for run in published.glob("releases/*/run.json"):
        try:
            said = json.loads(run.read_text(encoding="utf-8"))
            placed[run.parent.name] = str(said.get("placed_at") or said["ended_at"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return max(placed, key=lambda name: (placed[name], name), default=None)
