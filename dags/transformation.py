"""dbt, as one stage of the night: every model and every data test, in a process of its own.

The process frees the warehouse when it ends. Unit tests are left to `make test`: they are about the
code, not about tonight's data.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dags.environment import QUIET, ROOT
from dags.processes import die_with_parent, stop
from ingest.damage import tell_of_warehouse
from ingest.problem import Problem, is_damaged, is_full, no_room
from ingest.workspace import Workspace

PROJECT = ROOT / "dbt_project"
FAILED = ("error", "fail", "runtime error")

log = logging.getLogger("chatcijfers.transform")


def build(workspace: Workspace) -> None:
    """Build and test every model in the warehouse; dbt's own words go to this module's log.

    Raises Problem, naming the models and tests that failed, if dbt does not end well.
    """
    results = workspace.dbt_target / "run_results.json"
    said = []
    with _target_to_itself(workspace):
        results.unlink(missing_ok=True)
        process = subprocess.Popen(
            dbt(workspace, "build", "--exclude-resource-type", "unit_test"),
            env=_variables(workspace),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent,
        )
        with process:
            for line in process.stdout:
                said.append(line.rstrip())
                log.info("%s", said[-1])
    if process.returncode != 0:
        reasons = failures(results) or [line for line in said if line.strip()][-5:]
        what = "dbt could not build the models:\n" + "\n".join(f"- {one}" for one in reasons)
        if any(is_full(line) for line in (*reasons, *said)):
            what += f"\n{no_room('the warehouse')}"
        if any(is_damaged(line) for line in (*reasons, *said)):
            how = "parts of it are missing or not as they were written"
            what += f"\n{tell_of_warehouse(workspace.warehouse, how)}"
        raise Problem(what)


@contextlib.contextmanager
def read_ahead(workspace: Workspace) -> Iterator[None]:
    """Have dbt read its project while other work is done inside, unless it remembers it.

    It takes dbt seconds, the first time, and needs no warehouse. A `build` that comes too early
    waits for it; what is wrong with the project, `build` will say.
    """
    if (workspace.dbt_target / "partial_parse.msgpack").exists():
        yield
        return
    with _target_to_itself(workspace) as held:
        process = subprocess.Popen(
            dbt(workspace, "parse"),
            env=_variables(workspace),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[held],  # so that the lock is its own
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        yield
    finally:
        stop([process])


@contextlib.contextmanager
def _target_to_itself(workspace: Workspace) -> Iterator[int]:
    """Wait for every other dbt to leave the target folder; give the descriptor that locks it."""
    workspace.dbt_target.mkdir(exist_ok=True)
    with (workspace.dbt_target / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def dbt(workspace: Workspace, *arguments: str) -> list[str]:
    """Return a dbt command on the project, its state under the workspace."""
    settings = {
        "--project-dir": PROJECT,
        "--profiles-dir": PROJECT,
        "--target-path": workspace.dbt_target,
        "--log-path": workspace.dbt_target / "logs",
        "--log-level-file": "none",  # the task's log has it
    }
    program = Path(sys.executable).parent / "dbt"
    options = [str(part) for setting in settings.items() for part in setting]
    return [str(program), "--no-use-colors", *arguments, *options]


def _variables(workspace: Workspace) -> dict[str, str]:
    return os.environ | QUIET | {"CHATCIJFERS_WAREHOUSE": str(workspace.warehouse)}


def failures(results: Path) -> list[str]:
    """Name what failed in dbt's run_results.json, with dbt's reasons; nothing without a file."""
    if not results.exists():
        return []
    return [
        f"{result['unique_id'].split('.')[2]}: {' '.join((result['message'] or '').split())}"
        for result in json.loads(results.read_text())["results"]
        if result["status"] in FAILED
    ]
