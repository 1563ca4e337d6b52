"""Airflow's own database: made or brought up to date, and rid of runs that were interrupted.

Only for processes in the environment of `dags.environment.for_airflow`, and while nothing else uses
the same database. `python -m dags.metadata` also lets the schedule start runs.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from airflow.configuration import AIRFLOW_HOME
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, State, TaskInstanceState
from sqlalchemy import select, update

POOL = "warehouse"


def prepare() -> DAG:
    """Make the database ready: schema, pool, no run that claims to be under way, the DAG.

    Returns the DAG `nightly`; raises RuntimeError if its file cannot be loaded.
    """
    _bring_up_to_date()
    _make_pool()
    _close_interrupted_runs()
    return _load()


def prepare_stack() -> DAG:
    """Make the database ready for a stack, in which a scheduler may be at work meanwhile.

    So no run is closed: the scheduler itself notices tasks that no longer tell of themselves.
    Returns the DAG `nightly`; raises RuntimeError if its file cannot be loaded.
    """
    initdb()
    _make_pool()
    return _load()


def activate() -> None:
    """Let the schedules of all DAGs start runs."""
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))


def _make_pool() -> None:
    with create_session() as session:
        Pool.create_or_update_pool(
            POOL, 1, "One task at a time opens the warehouse.", False, session=session
        )


def _bring_up_to_date() -> None:
    """Create or migrate the schema, unless this very version of Airflow has done so before."""
    home = Path(AIRFLOW_HOME)
    stamp = home / "metadata-version"
    airflow = version("apache-airflow")
    if (home / "airflow.db").exists() and stamp.exists() and stamp.read_text() == airflow:
        return
    initdb()
    stamp.write_text(airflow)


def _close_interrupted_runs() -> None:
    """Mark as failed what a killed process left behind, before a scheduler takes it up."""
    with create_session() as session:
        runs = select(DagRun.run_id).where(DagRun.state.in_(State.unfinished_dr_states))
        session.execute(
            update(TaskInstance)
            .where(TaskInstance.run_id.in_(runs), TaskInstance.state.in_(State.unfinished))
            .values(state=TaskInstanceState.FAILED)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(DagRun)
            .where(DagRun.state.in_(State.unfinished_dr_states))
            .values(state=DagRunState.FAILED)
            .execution_options(synchronize_session=False)
        )


def _load() -> DAG:
    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    (bundle,) = manager.get_all_dag_bundles()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    if bag.import_errors or not bag.dags:
        raise RuntimeError(f"the DAG cannot be loaded: {bag.import_errors}")
    sync_bag_to_db(bag, bundle.name, bundle.version)
    return bag.dags["nightly"]


if __name__ == "__main__":
    prepare()
    activate()
