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
- `retain` deletes the events of years that are older than the helpline keeps them, once their
  figures are published and stored.

Whatever fails, the latest release stays as it was. A failed gate is not tried again: the same data
would fail it again.
"""

from datetime import timedelta

from airflow.sdk import (
    Asset,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    dag,
    task,
)

from dags import environment

RELEASE = Asset("chatcijfers://published/latest")

# A share, a server or a network may be back in a while. What a person has to put right is the same
# the next time, and so is a mistake in the software.
WHEN_OUT_OF_REACH = ExceptionRetryPolicy(
    rules=[RetryRule("ingest.problem.OutOfReach", RetryAction.RETRY, reason="tried again later")],
    default=RetryAction.FAIL,
)


@dag(
    schedule=CronTriggerTimetable(environment.schedule(), timezone=environment.TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args={"pool": "warehouse", "retries": 0},
    tags=["chatcijfers"],
    doc_md=__doc__,
)
def nightly():
    """Pull, judge, transform, protect, judge, publish, retain."""

    @task(retries=3, retry_delay=timedelta(minutes=10), retry_policy=WHEN_OUT_OF_REACH)
    def pull():
        import ingest
        from dags.stage import carry_out

        carry_out(ingest.pull)

    @task
    def judge_deliveries():
        from dags.stage import carry_out
        from expectations import deliveries

        carry_out(deliveries.judge)

    @task
    def transform():
        from dags import transformation
        from dags.stage import carry_out

        carry_out(transformation.build)

    @task
    def protect():
        from dags.stage import carry_out
        from publish import protect

        carry_out(protect.protect)

    @task
    def judge_figures():
        from dags.stage import carry_out
        from expectations import figures

        carry_out(figures.judge)

    @task(outlets=[RELEASE])
    def publish():
        from dags.stage import carry_out
        from publish import release

        carry_out(release.release)

    @task
    def retain():
        from dags.stage import carry_out
        from operations import retention

        carry_out(retention.retain)

    made = pull() >> judge_deliveries() >> transform() >> protect() >> judge_figures()
    made >> publish() >> retain()


nightly()
