"""The steps of a night, for every DAG that ends with a release."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, task

from dags.announcements import Announcer

RELEASE = Asset("chatcijfers://published/latest")

# One task at a time opens the warehouse. What needs a person is not tried again, but announced.
DEFAULTS = {"pool": "warehouse", "retries": 0, "on_failure_callback": Announcer()}

# Of every DAG that somebody starts.
BY_HAND = {
    "schedule": None,
    "catchup": False,
    "max_active_runs": 1,
    "is_paused_upon_creation": False,
    "default_args": DEFAULTS,
    "tags": ["chatcijfers"],
}

# A share, a server or a network may be back in a while. What a person has to put right is the same
# the next time, and so is a mistake in the software.
WHEN_OUT_OF_REACH = ExceptionRetryPolicy(
    rules=[RetryRule("ingest.problem.OutOfReach", RetryAction.RETRY, reason="tried again later")],
    default=RetryAction.FAIL,
)
# Of every task that reads logs.
OF_SOURCES = {
    "retries": 3,
    "retry_delay": timedelta(minutes=10),
    "retry_policy": WHEN_OUT_OF_REACH,
}


def night():
    """Pull, judge, transform, protect, judge, publish, retain; return the first of these tasks."""

    @task(**OF_SOURCES)
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

    @task(outlets=[RELEASE], on_success_callback=Announcer())
    def publish():
        from dags.stage import carry_out
        from publish import release

        carry_out(release.release)

    @task
    def retain():
        from dags.stage import carry_out
        from operations import nightly

        carry_out(nightly.retain)

    first = pull()
    made = first >> judge_deliveries() >> transform() >> protect() >> judge_figures()
    made >> publish() >> retain()
    return first
