"""`python -m dags run`: the night, now, through Airflow, with all that a first run lacks."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dags import environment, preconditions, preparation, processes, transformation
from dags.progress import MARKS, Parts, Run, models_so_far
from ingest import lock
from ingest.problem import Problem
from ingest.warehouse import Withheld
from ingest.workspace import Workspace
from operations.losses import NOTHING_READ, Story, read_story
from publish import show

SECONDS_BETWEEN_LOOKS = 0.1
AIRFLOW = "Airflow"
PULL, TRANSFORM, JUDGE_FIGURES = "pull", "transform", "judge figures"
BYTES_TO_WORK_WITH = 1_000_000


def run(workspace: Workspace, anew: str | None = None) -> None:
    """Run the nightly DAG once on a workspace, and print its parts, main figures and release.

    `anew` is why a new warehouse is made beside releases of one that is gone. Raises Problem, with
    the reason in plain words, if there is no release in the end or if another run is using the same
    state folder.
    """
    started = time.monotonic()
    parts = Parts()
    helpline = preconditions.require(workspace)
    print(f"The night of {helpline.name}, into {workspace.data}")
    with lock.hold(workspace.data):
        preconditions.require_warehouse(workspace, helpline, anew)
        with _airflow_to_itself(workspace):
            preparation.prepare(workspace)
            _through_airflow(workspace, parts)
        print(f"  all in all          {time.monotonic() - started:5.1f} s\n")
        print(show.show(workspace.published / "latest"))
        print(f"\n{_what_the_logs_lack(workspace)}")


def _what_the_logs_lack(workspace: Workspace) -> Story | str:
    """Give the story of what the logs lack, one line if nothing; or why it cannot be told."""
    try:
        return read_story(workspace.warehouse, workspace.data)
    except (Problem, Withheld) as problem:
        return f"What the logs lack could not be read. {problem}"


@contextlib.contextmanager
def _airflow_to_itself(workspace: Workspace) -> Iterator[None]:
    """Keep `python -m dags up` away: its scheduler would take up the tasks of this run as well."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.hold(workspace.airflow_home))
        except Problem as problem:
            raise Problem(f"{problem} If that is `make up`: its UI can start the run.") from None
        yield


def _through_airflow(workspace: Workspace, parts: Parts) -> None:
    """Run the DAG in a process of its own, whose words go to a file, and print each task's part."""
    database = environment.metadata(workspace)
    log = workspace.airflow_home / "logs" / f"run-{datetime.now():%Y-%m-%dT%H%M%S}.log"
    night = Run(database, after=Run.latest(database))
    variables = environment.for_airflow(workspace) | {lock.HELD: "1"}
    process = processes.start([sys.executable, "-m", "dags.night"], variables, log)
    try:
        preparation.write_simulated_logs(workspace, parts)  # while Airflow makes itself ready
        process.stdin.close()
        with transformation.read_ahead(workspace):
            _follow(process, night, parts, log)
    finally:
        processes.stop([process])
    if process.returncode != 0:
        raise Problem(_what_went_wrong(workspace, night, log))


def _follow(process: subprocess.Popen, night: Run, parts: Parts, log: Path) -> None:
    """Print tasks as they begin and end; what is not theirs of the time is Airflow's."""
    started = time.monotonic()
    before = sum(parts.seconds.values())
    parts.begin(AIRFLOW)
    seen: dict[tuple[str, int], str] = {}
    while True:
        is_over = process.poll() is not None  # and so is what is read after this
        for task in night.tasks():
            turn = task.name, task.attempt
            if turn not in seen:
                parts.end()
                parts.begin(task.name)
            if task.state in MARKS and seen.get(turn) != task.state:
                parts.end(MARKS[task.state])
                if task.state == "up_for_retry":
                    print(f"  {night.reason()} It is tried again later; Ctrl-C ends the run.")
            seen[turn] = task.state
            if parts.is_live and (task.name, task.state) == (TRANSFORM, "running"):
                parts.tell(models_so_far(log))
        if is_over:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)
    parts.end("✗")
    others = sum(parts.seconds.values()) - before - parts.seconds[AIRFLOW]
    parts.seconds[AIRFLOW] = time.monotonic() - started - others


def _what_went_wrong(workspace: Workspace, night: Run, log: Path) -> str:
    """Say where and why a run failed, what became of the release, and what the logs lack."""
    tasks = night.tasks()
    last = tasks[-1].name if tasks else ""
    reason = night.reason() or _reason_of_its_own(log)
    story = _what_the_logs_lack(workspace) if workspace.warehouse.exists() else ""
    if isinstance(story, Story) and story.is_nothing_read:
        if last == JUDGE_FIGURES:
            reason = "There is nothing to count."  # and so the gate finds no figures
        elif last == PULL:
            story = story.without(NOTHING_READ)  # it is the very reason
    where = f"in the task `{last}`" if last else "before its first task"
    outcome = "The release is in place." if last == "retain" else "Nothing was published."
    told = f"The run failed {where}. {reason}\n{outcome} The whole story: {log}"
    is_worth_telling = isinstance(story, Story) and story.lacks
    return f"{told}\n\n{story}" if is_worth_telling else told


def _reason_of_its_own(log: Path) -> str:
    """Say why a run failed that could not say so itself."""
    if shutil.disk_usage(log.parent).free < BYTES_TO_WORK_WITH:
        return "There is no room left in the state folder. Make room, and run again."
    return "This is a mistake in the software: please report it, with the log."
