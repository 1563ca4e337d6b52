"""One run at a time on a state folder."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ingest.damage import damage_of_lock
from ingest.problem import Damaged, InUse, Problem

SECONDS_TO_WAIT = 60  # for somebody who has the state folder for a moment
HELD = "CHATCIJFERS_LOCK_HELD"
SECONDS_BETWEEN_TRIES = 0.2
# Its owner's group may pass through, to the releases, and read nothing on the way.
STATE_FOLDER_MODE = 0o710


@contextmanager
def hold(data: Path, wait_seconds: float = 0) -> Iterator[None]:
    """Keep every other run off the state folder `data` for the length of a `with` block.

    The lock is the kernel's (flock on `data/lock`), so that it ends with the process, however that
    ends. A process whose parent holds it already (CHATCIJFERS_LOCK_HELD=1 in its environment) goes
    on at once. Creates `data` if it is missing: its owner can use it, its group pass through it to
    the releases.

    Raises InUse if another run still holds the lock after `wait_seconds`, Problem if there can be
    no lock.
    """
    make_private_folder(data, STATE_FOLDER_MODE)
    damage = damage_of_lock(data)
    if damage:
        raise Damaged(damage)
    if os.environ.get(HELD) == "1":
        yield
        return
    with _open_private(data / "lock") as file:
        _wait_for(file, data, wait_seconds)
        _describe(file, _description())
        try:
            yield
        finally:
            _describe(file, "")


def make_private_folder(folder: Path, mode: int = 0o700) -> None:
    """Create a folder that only its owner can enter; leave one that exists as it is.

    An umask takes nothing from `mode`. Raises Problem if it cannot be created.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(mode)
    except OSError as error:
        raise Problem(
            f"The state folder {folder} cannot be made ({error.strerror}). "
            "Name another one with --data or CHATCIJFERS_DATA."
        ) from None


def _open_private(path: Path):
    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        return os.fdopen(opened, "r+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise Problem(
            f"The state folder cannot be locked: {path} cannot be written ({error.strerror}). "
            "The state folder has to belong to whoever runs this."
        ) from None


def _wait_for(file, data: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "it does not say which"
                raise InUse(
                    f"Another run is using {data} ({holder}). Wait until it has ended, "
                    "or give this one a state folder of its own with --data."
                ) from None
            time.sleep(SECONDS_BETWEEN_TRIES)


def _describe(file, text: str) -> None:
    with suppress(OSError):  # a lock without a description is a lock, also on a full disk
        os.truncate(file.fileno(), 0)
        os.pwrite(file.fileno(), text.encode(), 0)


def _description() -> str:
    command = Path(sys.argv[0]).parent.name if sys.argv[0].endswith("__main__.py") else ""
    name = command or Path(sys.argv[0]).name or "python"
    now = datetime.now().astimezone()
    return f"{name}, process {os.getpid()}, since {now:%Y-%m-%d %H:%M:%S}"
