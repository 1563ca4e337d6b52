"""A consistent copy of all that cannot be made again.

That is the warehouse (the events of logs that may be gone, the ledger, what a person decided) and
the releases (what readers have seen). Settings are the helpline's own folder, under its owner's
version control. The key of the pseudonyms is never part of it: who has both can look people up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ingest.lock import SECONDS_TO_WAIT, hold, make_private_folder
from ingest.problem import Problem
from ingest.settings import name_of
from ingest.warehouse import open_warehouse, require_whole, run
from ingest.wording import counted
from ingest.workspace import Workspace
from operations import restoring
from operations.aging import sweep
from operations.files import explain
from operations.progress import Bytes
from operations.store import Entry, Manifest, Store
from publish.place import UNFINISHED


def backup(workspace: Workspace, now: datetime | None = None) -> Manifest:
    """Make a backup, under the lock of the state folder; return what it holds.

    Contents that the store has already are not copied again. Each one that is copied is read back.
    Raises Problem if there is nothing to back up, or if it cannot be written; then the backups that
    were there are as they were, and what was begun is removed by the next one.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    with hold(workspace.data, SECONDS_TO_WAIT):
        restoring.carry_through(workspace)
        if not os.path.lexists(workspace.warehouse):
            raise Problem(
                f"There is nothing to back up: {workspace.data} holds no warehouse. `make run` "
                "makes one."
            )
        fingerprint = _settle(workspace)
        try:
            make_private_folder(workspace.backups)
            return _backup(workspace, Store(workspace.backups), fingerprint, now)
        except OSError as error:
            raise explain(
                error,
                f"the backup in {workspace.backups}",
                "the backups that were there are as they were",
            ) from None


def _settle(workspace: Workspace) -> str:
    """Have the warehouse take in what a killed process left in its log; return its key's print."""
    with open_warehouse(workspace.warehouse) as connection:
        run(connection, "checkpoint warehouse")
        require_whole(connection, workspace.warehouse)
        [(fingerprint,)] = run(connection, "select key_fingerprint from warehouse.raw.warehouse")
    return fingerprint


def _backup(workspace: Workspace, store: Store, fingerprint: str, now: datetime) -> Manifest:
    known = _known_lists(store)
    releases = {path.name: path for path in _releases(workspace)}
    wanted = {name: _files(path) for name, path in releases.items()}
    unknown = [
        path
        for name, files in wanted.items()
        for path in files
        if not _same(store, known.get(name, {}).get(_name(path, releases[name])), path)
    ]
    sizes = workspace.warehouse.stat().st_size + sum(path.stat().st_size for path in unknown)
    progress = Bytes("backup", sizes)
    lists = {
        name: store.add_list(_entries(store, files, releases[name], known.get(name, {}), progress))
        for name, files in wanted.items()
    }
    latest = workspace.published / "latest"
    manifest = Manifest(
        name=store.next_name(now),
        made_at=now,
        helpline=name_of(workspace.helpline),
        key_fingerprint=fingerprint,
        latest=latest.resolve().name if latest.exists() else None,
        files={"warehouse.duckdb": store.add(workspace.warehouse, progress)},
        releases=lists,
    )
    progress.end()
    store.keep(manifest)
    sweep(workspace, store)
    return manifest


def _known_lists(store: Store) -> dict[str, dict[str, Entry]]:
    """Give what the last backup says of each release; nothing where it cannot be read."""
    manifests = store.manifests()
    known = {}
    for release, digest in manifests[-1].releases.items() if manifests else ():
        try:
            known[release] = store.list_of(digest)
        except Problem:
            continue
    return known


def _releases(workspace: Workspace) -> Iterator[Path]:
    for path in sorted((workspace.published / "releases").glob("*")):
        if path.is_dir() and not path.name.startswith((UNFINISHED, ".")):
            yield path


def _files(release: Path) -> list[Path]:
    return sorted(path for path in release.rglob("*") if path.is_file())


def _name(path: Path, release: Path) -> str:
    return path.relative_to(release).as_posix()


def _same(store: Store, entry: Entry | None, path: Path) -> bool:
    """Tell whether a file is one that the store has, by its size and its time of change."""
    if entry is None or not store.has(entry):
        return False
    status = path.stat()
    return (status.st_size, status.st_mtime_ns) == (entry.bytes, entry.changed_ns)


def _entries(
    store: Store,
    files: list[Path],
    release: Path,
    known: dict[str, Entry],
    progress: Callable[[int], None],
) -> dict[str, Entry]:
    """Give the entries of a release's files, copying those that the store does not have."""
    return {
        name: known[name] if _same(store, known.get(name), path) else store.add(path, progress)
        for path in files
        for name in [_name(path, release)]
    }


def tell(manifest: Manifest, backups: Path) -> str:
    """Say what a backup holds, and what it does not."""
    size = sum(entry.bytes for entry in manifest.files.values()) / 1e6
    return (
        f"Backup {manifest.name} in {backups}: the warehouse ({size:,.1f} MB) and "
        f"{counted(len(manifest.releases), 'release')}.\n"
        "Not in it, on purpose: the key of the pseudonyms, which has to be kept elsewhere, and the "
        "helpline's settings, which belong under version control."
    )
