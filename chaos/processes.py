"""The processes of a night: finding them, and killing them as a power cut or the kernel would."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

from chaos.scene import MARK

SECONDS_BETWEEN_LOOKS = 0.05


def find(mark: str) -> dict[int, str]:
    """Give the processes that carry a mark in their environment, each with what it runs."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = _name((folder / "cmdline").read_bytes())
    return dict(sorted(found.items()))


def kill_all(mark: str) -> None:
    """Kill -9 every process with a mark at once: all are stopped before the first one dies.

    None of them can still do anything about the death of another, as in a power cut.
    """
    stopped: dict[int, str] = {}
    while fresh := find(mark).keys() - stopped.keys():
        for process in fresh:
            _signal(process, signal.SIGSTOP)
            stopped[process] = ""
    for process in stopped:
        _signal(process, signal.SIGKILL)


def kill_one(mark: str, choice: random.Random) -> str:
    """Kill -9 one process with a mark, as a kernel without memory would; give what it ran.

    Gives an empty name if there is none any more.
    """
    there = find(mark)
    if not there:
        return ""
    process = choice.choice(list(there))
    _signal(process, signal.SIGKILL)
    return there[process]


def wait_for_end(mark: str, patience: float) -> dict[int, str]:
    """Wait until no process carries a mark; give those that still do after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (left := find(mark)) and time.monotonic() < deadline:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return left


def _signal(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _name(command: bytes) -> str:
    """Name what a process runs in a word or two: `dags.night`, `dbt build`."""
    words = [word.decode(errors="replace") for word in command.split(b"\0") if word]
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    for place, word in enumerate(words[:-1]):
        if Path(word).name == "dbt":
            plain = (one for one in words[place + 1 :] if not one.startswith("-"))
            return f"dbt {next(plain, '')}".strip()
    return Path(words[0]).name if words else "a process"
