"""Every night at half past three: what the logs brought goes, through two gates, to the analysts.

- `pull` reads new deliveries from the logs, pseudonymised on the way in. A source that does not
  answer is tried again.
- `judge_deliveries` is the first gate: is each delivery fit to transform? A bad one is set apart,
  and the others go on.
- `transform` has dbt build and test all models, from the raw tables to the figures.
- `protect` is disclosure control: what becomes public when a month has closed, and what is hidden
  so that nobody is given away.
- `judge_figures` is the second gate: are the figures fit to publish, and does what is public stand
  up to an attacker?
- `publish` writes a release and puts it in place in one move.

Whatever fails, the latest release stays as it was, and it is announced. A failed gate is not tried
again: the same data would fail it again. A night that was missed needs nothing: each run reads
whatever was not loaded before.
"""

from airflow.sdk import CronTriggerTimetable, dag

from dags import steps

# The clocks change at two and at three: half past three comes exactly once in every night.
EVERY_NIGHT = CronTriggerTimetable("30 3 * * *", timezone="Europe/Brussels")


@dag(
    schedule=EVERY_NIGHT,
    catchup=False,
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    tags=["chatcijfers"],
    doc_md=__doc__,
)
def nightly():
    """Pull, judge, transform, protect, judge, publish."""
    steps.night()


nightly()
