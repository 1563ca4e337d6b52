"""Putting folders in place so that a reader, or a power cut, never meets a part of one."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.disk import sync

# Anybody can enter a release, and read what is for everybody: a web server say, as another user.
# All else is for the owner's group.
FOR_EVERYBODY = ("public", "site")
OPEN_FOLDER = 0o755
OPEN_FILE = 0o644
CLOSED_FOLDER = 0o750
CLOSED_FILE = 0o640
UNFINISHED = ".building-"
HERE = -100  # AT_FDCWD of openat(2)
EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)


@contextmanager
def unfinished(parent: Path, name: str) -> Iterator[Path]:
    """Make a folder to build in, beside where it will lie; it is gone at the end of the block."""
    building = parent / f"{UNFINISHED}{name}-{os.getpid()}"
    building.mkdir(mode=CLOSED_FOLDER)
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def make_shared_folder(folder: Path) -> None:
    """Make a folder that anybody can enter, with any parents; leave one that exists."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(OPEN_FOLDER)


def remove_stale(parent: Path) -> None:
    """Remove what runs that were killed left unfinished."""
    for path in parent.glob(f"{UNFINISHED}*-*"):
        if not _is_running(path.name.rpartition("-")[2]):
            is_folder = path.is_dir() and not path.is_symlink()
            shutil.rmtree(path) if is_folder else path.unlink()


def _is_running(process: str) -> bool:
    if process == str(os.getpid()):
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def put_in_place(building: Path, folder: Path) -> None:
    """Rename a finished folder to where it belongs, once all of it is on the disk.

    If something lies there it is exchanged for the new folder in the same instant, and removed.
    """
    _make_durable(building)
    if folder.exists():
        exchange(building, folder)
    else:
        building.rename(folder)
    sync(folder.parent)


def point(link: Path, folder: Path) -> None:
    """Make `link` a relative symbolic link to `folder`, at once; leave it alone if it is one."""
    target = os.path.relpath(folder, link.parent)
    if link.is_symlink() and os.fspath(link.readlink()) == target:
        return
    fresh = link.with_name(f"{UNFINISHED}{link.name}-{os.getpid()}")
    fresh.symlink_to(target)
    os.replace(fresh, link)
    sync(link.parent)


def _make_durable(folder: Path) -> None:
    """Set the modes of all files and folders, and wait until they are on the disk."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(mode(path, folder))
        sync(path)


def mode(path: Path, release: Path) -> int:
    """Give the mode of a release's folder, or of a file or folder in it."""
    within = path.relative_to(release).parts
    is_open = not within or within[0] in FOR_EVERYBODY
    if path.is_dir():
        return OPEN_FOLDER if is_open else CLOSED_FOLDER
    return OPEN_FILE if is_open else CLOSED_FILE


def exchange(one: Path, other: Path) -> None:
    """Exchange two folders in one instant where the file system can, else with two renames."""
    library = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if library.renameat2(HERE, paths[0], HERE, paths[1], EXCHANGE) == 0:
        return
    aside = one.with_name(f"{UNFINISHED}aside-{os.getpid()}")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
