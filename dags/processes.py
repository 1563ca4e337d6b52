"""Child processes that never outlive the one that started them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In a child, before its program: ask Linux to end it when its parent ends, however it does.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    """Start a command in a process group of its own, whose output is added to the file `log`.

    Its standard input is a pipe, for who wants to tell it something.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def stop(children: list[subprocess.Popen], patience: float = 20) -> None:
    """End children and all they started: politely, after `patience` seconds by force."""
    for child in children:
        _signal(child, signal.SIGTERM)
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=patience)
    for child in children:
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
