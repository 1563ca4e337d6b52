"""Every night at half past three: what the logs brought goes, through two gates, to the analysts.

Half past three it is by the clock of the helpline, whose time zone stands in helpline.toml.

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
- `retain` lets go of what has had its time: events of years that are older than the helpline keeps
  them, keys of closed years, databases of old releases and backups, old logs.

Whatever fails before `publish`, the latest release stays as it was; if `retain` fails, the night's
release is in place. Either is announced. A failed gate is not tried
again: the same data would fail it again. A night that was missed needs nothing: each run reads
whatever was not loaded before.
"""

from airflow.sdk import CronTriggerTimetable, dag

from dags import environment, steps
from ingest.workspace import Workspace

TIMEZONE = environment.timezone(Workspace.from_environment().helpline)


@dag(
    schedule=CronTriggerTimetable(environment.schedule(), timezone=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    tags=["chatcijfers"],
    doc_md=__doc__,
)
def nightly():
    """Pull, judge, transform, protect, judge, publish, retain."""
    steps.night()


nightly()
