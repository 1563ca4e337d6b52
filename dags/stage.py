"""What each task of the nightly DAG does around its room's one function."""

from __future__ import annotations

import os
from collections.abc import Callable

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from ingest import lock
from ingest.problem import OutOfReach, Problem
from ingest.workspace import Workspace

REASON = "reason"
SECONDS_TO_WAIT = 60  # for someone who is accepting or withdrawing a delivery meanwhile


def carry_out(room: Callable[[Workspace], object]) -> None:
    """Call a room on the workspace of the environment, inside a running task.

    The task has the state folder to itself, like a run from the command line. Why it failed is kept
    with the run under the name REASON, for `make run` and the UI.

    Raises AirflowFailException for a Problem: it needs a person, so no second try is made.
    OutOfReach goes on to the task's retry policy; anything else is a mistake in the software.
    """
    workspace = Workspace.from_environment()
    try:
        with lock.hold(workspace.data, SECONDS_TO_WAIT):
            os.environ[lock.HELD] = "1"  # the task's process, and all that it starts, holds it now
            room(workspace)
    except OutOfReach as problem:
        _keep(str(problem))
        raise
    except Problem as problem:
        _keep(str(problem))
        raise AirflowFailException(str(problem)) from None
    except OSError as error:
        _keep(f"{error.strerror or error}: {error.filename or 'a file'}.")
        raise


def _keep(reason: str) -> None:
    get_current_context()["ti"].xcom_push(key=REASON, value=reason)
