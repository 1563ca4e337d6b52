"""A backup put back: whole, or carried through by the next run.

What the backup holds is copied beside its place and checked; then a note is written of what goes
where, and each thing is exchanged with what was there. A process that is killed before the note
leaves everything as it was; one that is killed after it leaves the rest to the next run.
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ingest.disk import sync
from ingest.key import read_key
from ingest.lock import SECONDS_TO_WAIT, hold, make_private_folder
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations.files import explain, read_json, write_json
from operations.progress import Bytes
from operations.store import Manifest, Store
from publish.place import OPEN_FOLDER, exchange, make_shared_folder, point
from publish.publications import LostHistoryError, find_newest, read_history

log = logging.getLogger("chatcijfers.restore")

STAGE = ".restoring"
ASIDE = "replaced-"
STAMP = "%Y-%m-%dT%H%M%SZ"
LOG_OF_WAREHOUSE = "warehouse.duckdb.wal"


def restore(
    workspace: Workspace, name: str = "latest", now: datetime | None = None
) -> tuple[Manifest, list[Path]]:
    """Put a backup into a state folder, which may be new; give its manifest and what lies aside.

    The key has to be there already, and has to be the one of the backup. What was there is moved
    aside and never removed. Raises Problem, and changes nothing, if the backup is damaged, if the
    key does not fit, if the backup holds no warehouse any more, or if there is no room.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC)
    with hold(workspace.data, SECONDS_TO_WAIT):
        carry_through(workspace)
        store = Store(workspace.backups)
        manifest = store.manifest(name)
        _require_warehouse(manifest, store)
        _require_key(workspace, manifest)
        try:
            _stage(workspace, store, manifest)
            _keep_what_was_seen(workspace)
            _open_folders(_stages(workspace)["releases"] / "releases")
            _write_note(workspace, manifest, now)
            aside = carry_through(workspace)
        except OSError as error:
            raise explain(
                error,
                f"what the backup {manifest.name} holds, into {workspace.data}",
                "nothing was removed",
            ) from None
        finally:
            if not is_interrupted(workspace):
                _clear(workspace)
    return manifest, aside


def verify(workspace: Workspace, name: str = "latest") -> Manifest:
    """Read every file of a backup again. Raises Problem that names the first damaged one."""
    store = Store(workspace.backups)
    manifest = store.manifest(name)
    contents = list(store.contents(manifest))
    progress = Bytes("verify", sum(entry.bytes for _, entry in contents))
    for path, entry in contents:
        store.check(path, entry, progress)
    progress.end()
    return manifest


def is_interrupted(workspace: Workspace) -> bool:
    """Tell whether a restore was begun that has to be carried through."""
    return _note(workspace).exists()


def carry_through(workspace: Workspace) -> list[Path]:
    """Finish a restore that was interrupted; return what lies aside. The caller holds the lock.

    Raises Problem if it cannot be finished yet.
    """
    if not is_interrupted(workspace):
        return []
    note = read_json(_note(workspace))
    try:
        aside = _put_in_place(workspace, note)
        _note(workspace).unlink()
        sync(workspace.operations)
    except OSError as error:
        raise explain(
            error, f"the backup {note['backup']}, which is being restored", "nothing was removed"
        ) from None
    _clear(workspace)
    return aside


def _require_warehouse(manifest: Manifest, store: Store) -> None:
    if manifest.is_aged:
        usable = [one.name for one in store.manifests() if not one.is_aged]
        raise Problem(
            f"The backup {manifest.name} holds no warehouse any more: only the last backups keep "
            f"theirs (CHATCIJFERS_KEEP_BACKUPS). These do: {', '.join(usable) or 'none'}."
        )


def _require_key(workspace: Workspace, manifest: Manifest) -> None:
    try:
        key = read_key(workspace)
    except Problem as problem:
        raise Problem(
            f"Nothing was restored. {problem} A backup holds no key: put the helpline's own, which "
            f"was kept elsewhere, at {workspace.key_file} (mode 0600), and never make a new one."
        ) from None
    if key.fingerprint != manifest.key_fingerprint:
        raise Problem(
            f"Nothing was restored: the key is another one than that of the backup "
            f"{manifest.name} (fingerprint {key.fingerprint}, not {manifest.key_fingerprint}). "
            "Everyone in it would become somebody else. Put the key back that it was made with."
        )


def _stage(workspace: Workspace, store: Store, manifest: Manifest) -> None:
    """Copy all that the backup holds beside its place, checking each file on the way."""
    _clear(workspace)
    make_shared_folder(workspace.published)
    stages = _stages(workspace)
    for stage in stages.values():
        make_private_folder(stage)
    (stages["releases"] / "releases").mkdir()
    contents = list(store.contents(manifest))
    progress = Bytes("restore", sum(entry.bytes for _, entry in contents))
    for name, entry in contents:
        kind, _, inside = name.partition("published/")
        stage = stages["warehouse"] / kind if not inside else stages["releases"] / inside
        store.take(name, entry, stage, progress)
    progress.end()
    for stage in stages.values():
        for path in stage.rglob("*"):
            if path.is_dir():
                sync(path)


def _keep_what_was_seen(workspace: Workspace) -> None:
    """Put the newest release beside those of the backup, if it knows of more that was public.

    What readers have seen since the backup was made goes on counting. If it cannot be read, or is
    no continuation of what the backup holds, it stays with what is moved aside.
    """
    staged = _stages(workspace)["releases"]
    try:
        newest = find_newest(workspace.published)
        here, there = read_history(workspace.published), read_history(staged)
    except LostHistoryError as lost:
        log.warning("What readers have seen since the backup was made cannot be kept: %s", lost)
        return
    if len(here.contents) <= len(there.contents):
        return
    if here.digest(len(there.contents)) != there.digest():
        log.warning(
            "The releases that are moved aside do not go on from those of the backup: what they "
            "showed readers does not count any more."
        )
        return
    shutil.copytree(newest, staged / "releases" / newest.name, symlinks=True, dirs_exist_ok=True)
    log.info("Kept beside the backup's: the release %s, which readers have seen.", newest.name)


def _open_folders(releases: Path) -> None:
    """Give the folders of releases the modes that publishing gives them: those of their files.

    A folder can be entered by whoever may read something in it.
    """
    folders = [path for path in releases.rglob("*") if path.is_dir()]
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        modes = [path.stat().st_mode & 0o777 for path in folder.iterdir()]
        folder.chmod(_entered(modes))
    releases.chmod(OPEN_FOLDER)  # by whoever comes for what is for everybody


def _entered(modes: list[int]) -> int:
    readable = 0o400
    for mode in modes:
        readable |= mode & 0o444
    return 0o700 | readable | readable >> 2


def _stages(workspace: Workspace) -> dict[str, Path]:
    """Say where things wait to be put in place: on the same disk as their place."""
    return {"warehouse": workspace.data / STAGE, "releases": workspace.published / STAGE}


def _places(workspace: Workspace) -> dict[str, tuple[Path, Path]]:
    """Give what is exchanged: where it waits, and where it belongs."""
    stages = _stages(workspace)
    return {
        "releases": (stages["releases"] / "releases", workspace.published / "releases"),
        "warehouse": (stages["warehouse"] / "warehouse.duckdb", workspace.warehouse),
    }


def _write_note(workspace: Workspace, manifest: Manifest, now: datetime) -> None:
    """Write down what goes where; from here on the restore is carried through."""
    content = {
        "backup": manifest.name,
        "latest": manifest.latest,
        "aside": _free_name(workspace, f"{ASIDE}{now:{STAMP}}"),
        "inodes": {kind: waits.stat().st_ino for kind, (waits, _) in _places(workspace).items()},
    }
    write_json(_note(workspace), content)


def _free_name(workspace: Workspace, name: str) -> str:
    """Give a name under which nothing lies aside yet: two restores may fall in one second."""
    names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    stages = _stages(workspace).values()
    return next(one for one in names if not any(stage.with_name(one).exists() for stage in stages))


def put_aside_at(folder: Path) -> datetime | None:
    """Say when a restore put aside what is in a folder, by its name; None if it has another."""
    stamp = folder.name.removeprefix(ASIDE)[: len("2026-11-23T020138Z")]
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _put_in_place(workspace: Workspace, note: dict) -> list[Path]:
    """Exchange what waits with what is there, unless that was done; move the old aside."""
    _move_log_aside(workspace, note)
    for kind, (waits, place) in _places(workspace).items():
        if not place.exists() or place.stat().st_ino != note["inodes"][kind]:
            exchange(waits, place) if place.exists() else waits.rename(place)
            sync(place.parent)
    latest = workspace.published / "latest"
    if note["latest"]:
        point(latest, workspace.published / "releases" / note["latest"])
    else:
        latest.unlink(missing_ok=True)
    return _move_aside(workspace, note["aside"])


def _move_log_aside(workspace: Workspace, note: dict) -> None:
    """Keep the old warehouse's own log with it: the restored one must not be given it."""
    log = workspace.data / LOG_OF_WAREHOUSE
    place = workspace.warehouse
    is_restored = place.exists() and place.stat().st_ino == note["inodes"]["warehouse"]
    if log.exists() and not is_restored:
        log.rename(workspace.data / STAGE / LOG_OF_WAREHOUSE)


def _move_aside(workspace: Workspace, name: str) -> list[Path]:
    """Rename what was there before, now in the stages, to names that nobody takes away."""
    aside = []
    for stage in _stages(workspace).values():
        kept = stage.with_name(name)
        if stage.is_dir() and any(stage.iterdir()):
            stage.rename(kept)
        if kept.is_dir():
            aside.append(kept)
    return aside


def _clear(workspace: Workspace) -> None:
    """Remove what a restore left that never came to its note, or empty folders of one that did."""
    for stage in _stages(workspace).values():
        with suppress(FileNotFoundError):
            shutil.rmtree(stage)


def _note(workspace: Workspace) -> Path:
    return workspace.operations / "restoring.json"


def tell(manifest: Manifest, aside: list[Path], workspace: Workspace) -> str:
    """Say what was restored, where the old lies, and what comes next."""
    lines = [f"Restored {manifest.name} into {workspace.data}; latest is {manifest.latest}."]
    if aside:
        lines.append(
            "What was there before lies in "
            + " and ".join(os.fspath(path) for path in aside)
            + ": remove it once all is well. If readers saw releases that the backup does not "
            "have, they are there."
        )
    lines.append("The next run goes on from here: `make run`, or tonight's.")
    return "\n".join(lines)
