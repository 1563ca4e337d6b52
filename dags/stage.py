"""What each task does around its room's one function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from ingest import lock, modes
from ingest.problem import OutOfReach, Problem
from ingest.warehouse import private_files
from ingest.workspace import Workspace
from operations import restoring, runs

REASON = "reason"


def carry_out(room: Callable[[Workspace], object]) -> None:
    """Call a room on the workspace of the environment, inside a running task.

    The task has the state folder to itself, like a run from the command line, and refuses one that
    others can read. A restore that was interrupted is carried through first. Why the task failed is
    kept with the run under the name REASON, for `make run` and the UI, and in the state folder for
    the health check.

    A task that is ended from outside (SIGTERM, SIGKILL) leaves the note that it is running: the
    health check then knows that it was cut off.

    Raises AirflowFailException for a Problem: it needs a person, so no second try is made.
    OutOfReach goes on to the task's retry policy; anything else is a mistake in the software.
    """
    workspace = Workspace.from_environment()
    last = _this_task(workspace)
    try:
        with _alone(workspace):
            runs.note(workspace, last)
            restoring.carry_through(workspace)
            modes.check(workspace)
            room(workspace)
            _succeed(workspace, last)
    except OutOfReach as problem:
        _fail(workspace, last, str(problem), is_tried_again=True)
        raise
    except Problem as problem:
        _fail(workspace, last, str(problem))
        raise AirflowFailException(str(problem)) from None
    except OSError as error:
        _fail(workspace, last, f"{error.strerror or error}: {error.filename or 'a file'}.")
        raise
    except Exception:
        runs.note(workspace, replace(last, state=runs.FAILED, at=datetime.now(UTC)))
        raise


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Have the state folder, and have whatever the room starts know that it is held."""
    with private_files(), lock.hold(workspace.data, lock.SECONDS_TO_WAIT):
        before = os.environ.get(lock.HELD)
        os.environ[lock.HELD] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[lock.HELD]


def _this_task(workspace: Workspace) -> runs.LastTask:
    ti = get_current_context()["ti"]
    before = runs.read(workspace, ti.dag_id)
    return runs.LastTask(
        ti.dag_id,
        ti.run_id,
        ti.task_id,
        runs.RUNNING,
        datetime.now(UTC),
        succeeded_at=before.succeeded_at if before else None,
    )


def _succeed(workspace: Workspace, last: runs.LastTask) -> None:
    """Note that the task ended well; the last one of a run ends the run."""
    ended = datetime.now(UTC)
    is_end = not get_current_context()["task"].downstream_task_ids
    succeeded_at = ended if is_end else last.succeeded_at
    runs.note(workspace, replace(last, state=runs.SUCCESS, at=ended, succeeded_at=succeeded_at))


def _fail(
    workspace: Workspace, last: runs.LastTask, reason: str, is_tried_again: bool = False
) -> None:
    """Keep why the task failed; one that is tried again has not failed yet."""
    ti = get_current_context()["ti"]
    ti.xcom_push(key=REASON, value=reason)
    waits = is_tried_again and ti.try_number <= ti.max_tries
    state = runs.WAITING if waits else runs.FAILED
    runs.note(workspace, replace(last, state=state, at=datetime.now(UTC), reason=reason))
