"""The nightly DAG as Airflow sees it, and what a person sees of a run."""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from dags import environment, health, progress, stage, transformation
from ingest import lock
from ingest.problem import OutOfReach, Problem
from ingest.workspace import Workspace
from operations import runs
from tests import events

BRUSSELS = ZoneInfo("Europe/Brussels")
NUPRAATIKEROVER = environment.ROOT / "helplines/nupraatikerover"
DAGS = {"nightly", "watch", "backup", "backfill", "restore"}
IN_ORDER = [
    "pull",
    "judge_deliveries",
    "transform",
    "protect",
    "judge_figures",
    "publish",
    "retain",
]


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """Everything that Airflow finds in the folder of DAGs."""
    state = tmp_path_factory.mktemp("airflow")
    workspace = Workspace(state, str(state / "logs"), NUPRAATIKEROVER)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.for_airflow(workspace).items():
            patch.setenv(name, value)
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(environment.ROOT / "dags")


@pytest.fixture(scope="module")
def dag(bag):
    return bag.dags["nightly"]


def starts_after(dag, moment: datetime) -> datetime:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import DataInterval, TimeRestriction
    from pendulum import instance

    info = coerce_to_core_timetable(dag.timetable).next_dagrun_info(
        last_automated_data_interval=DataInterval.exact(instance(moment)),
        restriction=TimeRestriction(earliest=None, latest=None, catchup=True),
    )
    return info.run_after.astimezone(moment.tzinfo)


def test_the_folder_holds_the_dags_and_no_error(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == DAGS
    files = {Path(statistics.file).name for statistics in bag.dagbag_stats}
    assert files == {f"{name}.py" for name in DAGS}


@pytest.mark.parametrize("name", sorted(DAGS))
def test_a_dag_file_is_short(name):
    assert len((environment.ROOT / f"dags/{name}.py").read_text().splitlines()) < 100


@pytest.mark.parametrize("name", sorted(DAGS))
def test_a_dag_says_what_it_does_and_a_failure_is_announced(bag, name):
    dag = bag.dags[name]
    for task in dag.tasks:
        assert f"`{task.task_id}`" in dag.doc_md
        assert [type(one).__name__ for one in task.on_failure_callback] == ["Announcer"]
    assert dag.max_active_runs == 1
    assert dag.catchup is False


def test_the_watch_waits_for_no_run_and_every_other_task_for_the_warehouse(bag):
    pools = {
        name: {(task.pool, task.pool_slots) for task in dag.tasks} for name, dag in bag.dags.items()
    }
    assert pools.pop("watch") == {("default_pool", 1)}
    assert set().union(*pools.values()) == {("warehouse", 1)}


def test_a_backup_follows_every_release(bag):
    (asset,) = bag.dags["backup"].schedule
    assert asset.uri == "chatcijfers://published/latest"


def test_a_backfill_has_the_steps_of_a_night_after_its_own(bag):
    steps = [task.task_id for task in bag.dags["backfill"].topological_sort()]
    assert steps == ["pull_more", *IN_ORDER]


@pytest.mark.parametrize("name", ["backfill", "restore"])
def test_what_is_started_by_hand_starts_and_describes_its_parameters(bag, name):
    dag = bag.dags[name]
    assert dag.is_paused_upon_creation is False
    assert dag.params
    assert all(dag.params.get_param(key).description for key in dag.params)


@pytest.mark.parametrize(
    "night_before", ["2022-03-26", "2022-03-27", "2022-10-29", "2022-10-30", "2022-12-31"]
)
def test_the_run_starts_at_half_past_three_also_when_the_clocks_change(dag, night_before):
    before = datetime.fromisoformat(f"{night_before} 03:30").replace(tzinfo=BRUSSELS)
    following = starts_after(dag, before)
    assert following.strftime("%H:%M") == "03:30"
    assert (following.date() - before.date()).days == 1


@pytest.fixture
def nightly_of(monkeypatch):
    """The nightly DAG as its file gives it for the helpline's folder that the environment names."""

    def parse(helpline: Path):
        monkeypatch.setenv("CHATCIJFERS_HELPLINE", str(helpline))
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(environment.ROOT / "dags/nightly.py").dags["nightly"]

    return parse


@pytest.mark.parametrize(
    ("zone", "starts_on", "at_odd_hours"),
    [
        ("America/New_York", "2022-03-10", set()),
        ("Asia/Kathmandu", "2022-03-10", set()),
        # Where clocks change at three and at four, the night of the change still comes once.
        ("Europe/Athens", "2022-03-24", {"04:30"}),
        ("Europe/Athens", "2022-10-27", set()),
    ],
)
def test_the_night_begins_by_the_helplines_clock_and_once(
    nightly_of, tmp_path, zone, starts_on, at_odd_hours
):
    nightly = nightly_of(events.helpline(tmp_path, timezone=zone))
    at = datetime.fromisoformat(f"{starts_on} 03:30").replace(tzinfo=ZoneInfo(zone))
    nights = [at := starts_after(nightly, at) for _ in range(6)]
    days = [night.date() for night in nights]
    assert days == [days[0] + timedelta(days=number) for number in range(6)]
    assert {night.strftime("%H:%M") for night in nights} - {"03:30"} <= at_odd_hours


@pytest.mark.parametrize(
    "settings", [None, "timezone = [", "name = 'x'", "timezone = 'Mars/Olympus'", "timezone = 1"]
)
def test_a_night_begins_whatever_is_wrong_with_the_settings_and_it_is_said(
    nightly_of, tmp_path, caplog, settings
):
    if settings is not None:
        (tmp_path / "helpline.toml").write_text(settings)
    nightly = nightly_of(tmp_path)
    at = datetime(2022, 7, 1, 3, 30, tzinfo=UTC)
    assert starts_after(nightly, at) == at + timedelta(days=1)
    assert environment.timezone(tmp_path) == "UTC"
    assert f"The time zone of {tmp_path / 'helpline.toml'} cannot be read" in caplog.text


def test_nights_that_were_missed_are_not_caught_up_and_never_overlap(dag):
    assert dag.catchup is False
    assert dag.max_active_runs == 1


def test_the_tasks_follow_each_other(dag):
    assert [task.task_id for task in dag.topological_sort()] == IN_ORDER
    for task, following in itertools.pairwise(IN_ORDER):
        assert dag.get_task(task).downstream_task_ids == {following}


def test_a_gate_is_not_tried_again(dag):
    assert {task.task_id for task in dag.tasks if task.retries} == {"pull"}


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (OutOfReach("the share is away"), "retry"),
        (Problem("there are no logs"), "fail"),
        (OSError("no room"), "fail"),
        (KeyError("a mistake"), "fail"),
    ],
)
def test_a_pull_is_tried_again_only_if_the_source_was_out_of_reach(dag, error, action):
    pull = dag.get_task("pull")
    assert pull.retry_policy.evaluate(error, try_number=1, max_tries=3).action.value == action


@pytest.mark.parametrize("error", [OutOfReach("the share is away"), Problem("there are no logs")])
def test_only_out_of_reach_passes_a_stage_and_the_reason_is_kept(tmp_path, monkeypatch, error):
    from airflow.sdk.exceptions import AirflowFailException

    kept = {}
    ti = SimpleNamespace(
        dag_id="nightly", run_id="r", task_id="pull", try_number=4, max_tries=3,
        xcom_push=lambda key, value: kept.update({key: value}),
    )  # fmt: skip
    monkeypatch.setenv("CHATCIJFERS_DATA", str(tmp_path))
    monkeypatch.setenv(lock.HELD, "1")
    monkeypatch.setattr(stage, "get_current_context", lambda: {"ti": ti})

    def room(_workspace):
        raise error

    passes = OutOfReach if isinstance(error, OutOfReach) else AirflowFailException
    with pytest.raises(passes, match=str(error)):
        stage.carry_out(room)
    assert kept == {"reason": str(error)}
    last = runs.read(Workspace.from_environment(), "nightly")
    assert (last.task, last.state, last.reason) == ("pull", "failed", str(error))


def test_the_release_is_an_asset_of_publish(dag):
    assert [asset.uri for asset in dag.get_task("publish").outlets] == [
        "chatcijfers://published/latest"
    ]


def test_airflow_keeps_its_state_under_data_and_tells_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////elsewhere/airflow.db")
    variables = environment.for_airflow(Workspace(tmp_path, "logs", tmp_path / "helpline"))
    assert variables["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" not in variables
    assert variables["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert variables["TMPDIR"] == str(tmp_path / "tmp")
    assert variables["DO_NOT_TRACK"] == "1"


@pytest.mark.parametrize(
    ("setting", "cron"), [(None, "30 3 * * *"), (" ", "30 3 * * *"), ("0 5 * * 1-5", "0 5 * * 1-5")]
)
def test_the_night_begins_when_the_setting_says(monkeypatch, setting, cron):
    monkeypatch.delenv("CHATCIJFERS_SCHEDULE", raising=False)
    if setting is not None:
        monkeypatch.setenv("CHATCIJFERS_SCHEDULE", setting)
    assert environment.schedule() == cron


@pytest.mark.parametrize(
    ("answer", "part", "status"),
    [
        ('{"scheduler": {"status": "healthy"}}', "scheduler", 0),
        ('{"scheduler": {"status": "unhealthy"}}', "scheduler", 1),
        ('{"scheduler": {"status": "healthy"}}', "dag_processor", 1),
        ("no JSON", "scheduler", 1),
        (None, "scheduler", 1),
    ],
)
def test_a_part_is_healthy_only_if_the_api_server_says_so(tmp_path, answer, part, status):
    file = tmp_path / "health"
    if answer is not None:
        file.write_text(answer)
    assert health.main(part, file.as_uri()) == status


def test_what_dbt_could_not_build_is_named_with_its_reason(tmp_path):
    results = tmp_path / "run_results.json"
    results.write_text(
        json.dumps(
            {
                "results": [
                    {"unique_id": "model.c.attempts", "status": "success", "message": "OK"},
                    {"unique_id": "model.c.shifts", "status": "error", "message": "No\n column"},
                    {"unique_id": "test.c.assert_it.1", "status": "fail", "message": "Got 2"},
                    {"unique_id": "model.c.figures", "status": "skipped", "message": None},
                ]
            }
        )
    )
    assert transformation.failures(results) == ["shifts: No column", "assert_it: Got 2"]
    assert transformation.failures(tmp_path / "none.json") == []


def test_a_transformation_that_fails_says_what_dbt_said(tmp_path, monkeypatch):
    fallen = [sys.executable, "-c", "print('dbt fell over'); exit(2)"]
    monkeypatch.setattr(transformation, "dbt", lambda *_: fallen)
    with pytest.raises(Problem, match="- dbt fell over"):
        transformation.build(Workspace(tmp_path, "logs", tmp_path))


def test_a_transformation_without_room_says_what_to_do(tmp_path, monkeypatch):
    full = "print('IO Error: could not write: No space left on device'); exit(2)"
    monkeypatch.setattr(transformation, "dbt", lambda *_: [sys.executable, "-c", full])
    with pytest.raises(Problem, match=r"There is no room left .* Make room in the state folder"):
        transformation.build(Workspace(tmp_path, "logs", tmp_path))


def test_a_transformation_waits_for_dbt_to_have_read_ahead(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path, "logs", tmp_path)
    note = tmp_path / "note"
    program = """
import sys, time
time.sleep(float(sys.argv[1]))
open(sys.argv[2], "a").write(sys.argv[3])
"""

    def dbt(_workspace: Workspace, command: str, *_options: str) -> list[str]:
        seconds = "1" if command == "parse" else "0"
        return [sys.executable, "-c", program, seconds, str(note), f"{command} "]

    monkeypatch.setattr(transformation, "dbt", dbt)
    with transformation.read_ahead(workspace):
        transformation.build(workspace)
    assert note.read_text() == "parse build "


def test_the_progress_of_a_run_is_read_from_airflows_database(tmp_path):
    database = tmp_path / "airflow.db"
    assert progress.Run.latest(database) == 0
    with sqlite3.connect(database) as connection:
        connection.executescript(
            """
            create table dag_run (id integer, dag_id text, run_id text);
            create table task_instance (
                dag_id text, run_id text, task_id text, state text, try_number integer,
                start_date text
            );
            create table xcom (dag_id text, run_id text, key text, value text);
            insert into dag_run values (1, 'nightly', 'a'), (2, 'nightly', 'b');
            insert into task_instance values
                ('nightly', 'a', 'pull', 'success', 1, '1'),
                ('nightly', 'b', 'judge_deliveries', 'failed', 1, '3'),
                ('nightly', 'b', 'pull', 'success', 2, '2'),
                ('nightly', 'b', 'transform', 'upstream_failed', 0, '4');
            insert into xcom values ('nightly', 'b', 'reason', '"The gate \\u201cone\\u201d."');
            """
        )
    assert progress.Run.latest(database) == 2
    night = progress.Run(database, after=1)
    assert night.tasks() == [
        progress.Task("pull", "success", 2),
        progress.Task("judge deliveries", "failed", 1),
    ]
    assert night.reason() == "The gate “one”."
    assert progress.Run(database, after=2).reason() is None
