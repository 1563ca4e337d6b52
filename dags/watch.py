"""Every hour: is all well? It fails if not, and tells whoever it was told to tell.

- `look` is what `make health` says: it fails if there is no new release for 36 hours
  (`CHATCIJFERS_HEALTH_HOURS`), if others can read the state folder, if the disk is nearly full, if
  the last backup is too old, or if the clock is wrong. It notes failed runs, what the
  logs lack (files, lines, whole logs), and a `public/` that is held back.

It fails every hour until it is put right, and each trouble is announced once. It waits for no other
task, so that it also notices a run that hangs.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from dags.announcements import Announcer


@dag(
    schedule=CronTriggerTimetable("7 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": 0,
        "on_failure_callback": Announcer(),
        "on_success_callback": Announcer(),
    },
    tags=["chatcijfers"],
    doc_md=__doc__,
)
def watch():
    """Look whether all is well."""

    @task(execution_timeout=timedelta(minutes=10))
    def look():
        from airflow.sdk.exceptions import AirflowFailException

        from ingest.problem import Problem
        from ingest.workspace import Workspace
        from operations.health import examine

        try:
            report = examine(Workspace.from_environment())
        except Problem as problem:
            raise AirflowFailException(str(problem)) from None
        print(report)
        if not report.is_well:
            raise AirflowFailException(str(report))

    look()


watch()
