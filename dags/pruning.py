"""Airflow's own records of long ago, removed by Airflow's own command."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from dags.environment import of_this_place
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations.limits import Limit

log = logging.getLogger("chatcijfers.prune")

# Tables with a row for each run, task, login or event. The others are as long as the list of DAGs.
TABLES = (
    "asset_event",
    "callback",
    "dag_run",
    "deadline",
    "import_error",
    "job",
    "log",
    "revoked_token",
    "task_instance",
    "task_instance_history",
    "task_reschedule",
    "trigger",
    "xcom",
)


def prune(workspace: Workspace, now: datetime | None = None) -> None:
    """Remove rows older than CHATCIJFERS_KEEP_LOG_DAYS days from Airflow's database, for good.

    A task may not open that database itself, so this runs `airflow db clean` in the environment
    that Airflow was started with. The last run of each DAG stays. Raises Problem if it fails.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=Limit.KEEP_LOG_DAYS.read())
    command = [
        *(sys.executable, "-m", "airflow", "db", "clean", "--yes", "--skip-archive"),
        *("--clean-before-timestamp", before.isoformat(timespec="seconds")),
        *("--tables", ",".join(TABLES), "--error-on-cleanup-failure"),
    ]
    done = subprocess.run(command, env=of_this_place(workspace), capture_output=True, text=True)
    if done.returncode != 0:
        log.warning("%s", done.stderr[-4000:])
        raise Problem(
            "Airflow's old records could not be removed; its own words are in this task's log. "
            "Nothing else is affected: the next backup's run tries again."
        )
    log.info("Airflow's records from before %s are removed.", f"{before:%Y-%m-%d}")
