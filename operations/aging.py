"""What is removed in time: databases of old releases and backups, and old logs of Airflow.

All else of a release stays, for it is the history of what was public. What has been removed is
removed already the next time, so that this can be interrupted at any point.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.problem import Problem
from ingest.workspace import Workspace
from operations import overdue
from operations.limits import Limit
from operations.store import Store
from publish.notes import REMOVED, database_removed_at, note, placed_at
from publish.place import UNFINISHED
from publish.verify import DATABASE, MANIFEST

log = logging.getLogger("chatcijfers.backups")

SECONDS_A_DAY = 86_400
LONGEST_LOG = 50_000_000  # bytes
KEPT_OF_A_LOG = 1_000_000
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Aged:
    """What was removed now: databases of releases, backups that lost theirs, files of logs."""

    releases: int
    backups: int
    logs: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"Removed: the databases of {self.releases} old releases and {self.backups} old "
            f"backups, and {self.logs} old logs."
        )


def age(workspace: Workspace, now: datetime | None = None) -> Aged:
    """Remove what is too old to be kept whole. The caller holds the lock of the state folder.

    The latest release, and the last CHATCIJFERS_KEEP_RELEASES that were put in place, keep their
    databases; so do the last CHATCIJFERS_KEEP_BACKUPS backups, with their warehouses. Logs that
    nobody wrote to for CHATCIJFERS_KEEP_LOG_DAYS days go. Raises Problem for a setting that is
    none, or if something cannot be removed.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    kept_days = Limit.KEEP_LOG_DAYS.read()
    try:
        return Aged(
            releases=_age_releases(workspace.published, Limit.KEEP_RELEASES.read(), now),
            backups=_age_backups(workspace, Limit.KEEP_BACKUPS.read(), now),
            logs=_remove_logs(workspace.airflow_home / "logs", now, kept_days),
        )
    except OSError as error:
        raise Problem(
            f"What is too old could not be removed: {error.filename or workspace.data} "
            f"({error.strerror}). The state folder has to belong to whoever runs this; the next "
            "run tries again."
        ) from None


def _age_releases(published: Path, kept: int, now: datetime) -> int:
    latest = (published / "latest").resolve()
    releases = [
        path.parent
        for path in (published / "releases").glob(f"*/{MANIFEST}")
        if not path.parent.name.startswith(UNFINISHED)
    ]
    newest_first = sorted(
        releases,
        key=lambda path: (path.resolve() == latest, placed_at(path) or LONG_AGO),
        reverse=True,
    )
    removed = 0
    for release in newest_first[kept:]:
        if (release / DATABASE).exists() and release.resolve() != latest:
            if database_removed_at(release) is None:
                note(release, REMOVED, now)  # first, so that a missing database is never damage
            (release / DATABASE).unlink()
            removed += 1
    return removed


def _age_backups(workspace: Workspace, kept: int, now: datetime) -> int:
    store = Store(workspace.backups)
    old = [one for one in store.manifests()[:-kept] if not one.is_aged]
    for manifest in old:
        store.age(manifest, now)
    if store.names():
        sweep(workspace, store)
    return len(old)


def sweep(workspace: Workspace, store: Store) -> None:
    """Remove what no backup holds any more, or note for the health check why it has to stay."""
    try:
        store.sweep()
        overdue.note(workspace, overdue.BACKUPS, None)
    except Problem as problem:
        log.warning("Old contents of backups are kept, for one is damaged: %s", problem)
        overdue.note(workspace, overdue.BACKUPS, str(problem))


def _remove_logs(logs: Path, now: datetime, kept_days: int) -> int:
    """Remove files that are older, by the clock that dated them, and the folders left empty."""
    before = min(now.timestamp(), time.time()) - kept_days * SECONDS_A_DAY
    removed = 0
    for path in sorted(logs.rglob("*"), reverse=True):
        with suppress(FileNotFoundError):  # Airflow removes some by itself meanwhile
            status = path.lstat()
            is_old = status.st_mtime < before
            if path.is_symlink():
                if not path.exists():
                    path.unlink()
            elif path.is_dir():
                if is_old and not any(path.iterdir()):
                    path.rmdir()
            elif is_old:
                path.unlink()
                removed += 1
            elif status.st_size > LONGEST_LOG and path.parent == logs:
                _cut(path)
    return removed


def _cut(log: Path) -> None:
    """Leave the end of a long log that a process goes on appending to."""
    with log.open("r+b") as file:
        file.seek(-KEPT_OF_A_LOG, os.SEEK_END)
        end = file.read().partition(b"\n")[2]
    os.truncate(log, 0)
    with log.open("ab") as file:
        file.write(end)
