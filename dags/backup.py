"""After every release: a backup of all that cannot be made again, but for the key.

- `prune` removes Airflow's own records of runs older than `CHATCIJFERS_KEEP_LOG_DAYS` days.
- `back_up`, whatever became of that, copies the warehouse and the releases to
  `CHATCIJFERS_BACKUPS`, what is there already not again, and reads back what it wrote.

The key of the pseudonyms is never in a backup: it is kept elsewhere.
"""

from airflow.sdk import dag, task

from dags import steps


@dag(
    schedule=[steps.RELEASE],
    catchup=False,
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    tags=["chatcijfers"],
    doc_md=__doc__,
)
def backup():
    """Prune what Airflow remembers, and back up."""

    @task(trigger_rule="all_done")
    def back_up():
        from dags.stage import carry_out
        from operations import backup

        carry_out(backup.backup)

    @task
    def prune():
        from dags import pruning
        from dags.stage import carry_out

        carry_out(pruning.prune)

    prune() >> back_up()


backup()
