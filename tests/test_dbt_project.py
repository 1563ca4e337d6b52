"""The dbt project as a whole: its own tests pass, and nothing in it goes without a description."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

import ingest
from ingest.workspace import Workspace
from tests.models import PROJECT, run_dbt

CASE = Path(__file__).parent / "golden" / "a_whole_month"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which dbt has built and tested everything, unit tests included."""
    data = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", "a key for tests, long enough to be one")
        workspace = Workspace(data, str(CASE / "logs"), CASE / "helpline")
        ingest.pull(workspace)
    done = run_dbt(workspace.dbt_target, workspace.warehouse, "build")
    assert done.returncode == 0, done.stdout
    return data


@pytest.fixture(scope="module")
def manifest(built: Path) -> dict:
    return json.loads((built / "dbt" / "manifest.json").read_text())


def test_every_unit_test_and_data_test_was_run(built: Path, manifest: dict):
    results = json.loads((built / "dbt" / "run_results.json").read_text())["results"]
    outcomes = {result["unique_id"]: result["status"] for result in results}
    tests = [name for name in manifest["nodes"] if name.startswith("test.")]
    assert len(manifest["unit_tests"]) >= 10
    for name in [*tests, *manifest["unit_tests"]]:
        assert outcomes[name] == "pass", name


def test_every_column_that_exists_is_described(built: Path, manifest: dict):
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as warehouse:
        existing = warehouse.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall()
    described = {
        (node["schema"], node["name"], column["name"])
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
        if node.get("description")
        for column in node["columns"].values()
        if column["description"]
    }
    used = {(node["schema"], node["name"]) for node in manifest["sources"].values()}
    expected = {row for row in existing if row[0] != "raw" or row[:2] in used}
    assert expected - described == set()
    assert described - set(existing) == set()


def test_marts_and_figures_keep_their_contract(manifest: dict):
    kept = {
        node["name"]: node["config"]["contract"]["enforced"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in ("marts", "figures")
    }
    assert {"attempts", "conversations", "hours_of_week", "shifts", "figures"} <= kept.keys()
    assert all(kept.values())


def test_every_figure_is_measured_by_the_model_that_it_names(built: Path):
    with duckdb.connect(str(built / "warehouse.duckdb"), read_only=True) as warehouse:
        named = warehouse.execute(
            "select figure, kind, model from figures.figure_definitions"
        ).fetchall()
        measured = {
            model: {
                row[0]
                for row in warehouse.execute(f"select figure from figures.{model}").fetchall()
            }
            for model in {model for _, _, model in named}
        }
    # One month has no year before it, and its helpline takes nothing out.
    silent = {figure for figure, kind, _ in named if kind == "change"} | {"excluded_events"}
    for figure, _, model in named:
        assert figure in measured[model] | silent, f"{model} does not measure {figure}"


@pytest.mark.parametrize(
    ("defect", "problem"),
    [
        ("set parts = 'nobody' where figure = 'answer_rate'", "its part nobody does not fit it"),
        (
            "set parts = 'clicks' where figure = 'callers_share_percent'",
            "its part clicks does not fit it",
        ),
        ("set parts = null where figure = 'clicks_per_month'", "it has the wrong number of parts"),
        ("set period_types = 'day' where figure = 'clicks'", "it is given for no period"),
        ("set version = 2 where figure = 'clicks'", "its version is not that of its last change"),
    ],
)
def test_a_definition_that_does_not_fit_is_found(
    built: Path, manifest: dict, defect: str, problem: str
):
    name = "test.chatcijfers.assert_definitions_hold_together"
    with duckdb.connect() as memory:
        memory.execute(f"attach '{built / 'warehouse.duckdb'}' as built (read_only)")
        memory.execute("attach ':memory:' as warehouse")
        memory.execute("create schema warehouse.figures")
        for seed in ("figure_definitions", "definition_changes"):
            memory.execute(f"create table warehouse.figures.{seed} as from built.figures.{seed}")
        memory.execute(f"update warehouse.figures.figure_definitions {defect}")
        found = memory.execute(manifest["nodes"][name]["compiled_code"]).fetchall()
    assert any(said.startswith(problem) for _, said in found), found


@pytest.mark.parametrize(
    "model",
    sorted((PROJECT / "models").rglob("*.sql")),
    ids=lambda path: path.stem,
)
def test_every_model_says_its_grain_first(model: Path):
    assert model.read_text().startswith("-- Grain: ")
