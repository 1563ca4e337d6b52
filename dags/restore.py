"""By hand: a backup is put back, and what was there before is kept aside.

- `put_back` checks every file of the backup and the key, and then exchanges warehouse and releases
  with those of the backup. A damaged backup, or another key, is refused, and nothing changes.

Runs wait meanwhile. A night that was half way when it happened publishes nothing and says so; the
next one goes on from what was restored, and reads again whatever the backup did not know yet. To
restore on a new machine, use `make restore` there (docs/operations.md).
"""

from airflow.sdk import Param, dag, task

from dags import steps


@dag(
    **steps.BY_HAND,
    doc_md=__doc__,
    params={
        "backup": Param(
            "latest",
            type="string",
            title="Backup",
            description="Its name or number, as `.venv/bin/python -m operations backups` lists "
            "them; `latest` is the last one.",
        )
    },
)
def restore():
    """Put a backup back."""

    @task
    def put_back(params: dict):
        from dags.stage import carry_out
        from operations import restoring

        def restored(workspace):
            print(restoring.tell(*restoring.restore(workspace, params["backup"]), workspace))

        carry_out(restored)

    put_back()


restore()
