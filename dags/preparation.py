"""What a state folder lacks before its first run: a place for temporary files, a key, logs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from dags import environment, processes
from dags.progress import Parts
from ingest import key
from ingest.lock import make_private_folder
from ingest.problem import Problem
from ingest.workspace import Workspace


def prepare(workspace: Workspace) -> None:
    """Make a place for temporary files and, if there is none, a key; the caller holds the lock.

    Raises Problem if one cannot be made, or if the key that is there is no good.
    """
    _empty(workspace.temporary)
    if key.make_key(workspace):
        print(f"  made the pseudonyms' key: {workspace.key_file} (keep a copy somewhere safe)")


def _empty(folder: Path) -> None:
    """Make a folder, or remove what runs that were killed left in it: nobody else uses it now."""
    make_private_folder(folder)
    for left_over in folder.iterdir():
        if left_over.is_dir() and not left_over.is_symlink():
            shutil.rmtree(left_over)
        else:
            left_over.unlink()


def write_simulated_logs(workspace: Workspace, parts: Parts) -> None:
    """Write the simulated logs, the same every time, unless the workspace has logs of its own.

    Raises Problem if they cannot be written.
    """
    if not workspace.is_simulated:
        return
    command = [sys.executable, "-m", "simulation", "--out", workspace.logs]
    with parts.measure("simulation"):
        done = subprocess.run(
            command,
            cwd=environment.ROOT,
            capture_output=True,
            text=True,
            preexec_fn=processes.die_with_parent,
        )
        if done.returncode != 0:
            raise Problem(f"The logs could not be simulated. {done.stderr.strip()}")
