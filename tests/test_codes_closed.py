"""Codes are closed, never deleted: what events or public figures hold keeps its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

import ingest
from expectations import figures
from expectations.outcome import GateFailed
from ingest.helpline import load_helpline
from ingest.problem import Problem
from ingest.workspace import Workspace
from tests.models import Models, read_figures
from tests.nights import GOLDEN, run_night, workspace_of


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    """The golden sessions with a helpline of the test's own."""
    golden = workspace_of("sessions", tmp_path)
    shutil.copytree(GOLDEN / "sessions" / "helpline", tmp_path / "helpline")
    return Workspace(golden.data, golden.logs, tmp_path / "helpline")


def rewrite(workspace: Workspace, change) -> None:
    path = workspace.helpline / "codes.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def without(start: str):
    return lambda lines: [line for line in lines if not line.startswith(start)]


def closed(start: str, last_day: str, first_day: str = ""):
    """Add the two columns of dates, and close one code."""

    def change(lines: list[str]) -> list[str]:
        dated = [f"{lines[0]},valid_from,valid_to"]
        for line in lines[1:]:
            dates = f"{first_day},{last_day}" if line.startswith(start) else ","
            dated.append(f"{line},{dates}")
        return dated

    return change


@pytest.mark.parametrize(
    "start", ["topic,bullying", "gender,girl", "referred_by,awel", "scheduled_by,responder"]
)
def test_a_code_that_events_hold_cannot_go(workspace, start):
    ingest.pull(workspace)
    before = workspace.warehouse.read_bytes()
    rewrite(workspace, without(start))
    with pytest.raises(Problem) as told:
        ingest.pull(workspace)
    breakdown, code = start.split(",")
    assert f"{breakdown} {code} (" in str(told.value)
    assert "events" in str(told.value)
    assert "closed, never deleted" in str(told.value)
    assert f"  {start}," in str(told.value)
    assert ",,LAST DAY" in str(told.value)
    assert workspace.warehouse.read_bytes() == before


def test_a_code_that_public_figures_hold_cannot_go(workspace):
    rewrite(workspace, lambda lines: [*lines, "topic,school,School,School,3"])
    ingest.pull(workspace)
    with duckdb.connect(str(workspace.warehouse)) as warehouse:
        warehouse.execute(
            "create schema disclosure; create table disclosure.publications as"
            " select 'topic' as breakdown, 'school' as category"
        )
    rewrite(workspace, without("topic,school"))
    with pytest.raises(Problem, match=r"topic school \(1 public figures\)"):
        ingest.pull(workspace)


def test_a_code_that_nothing_holds_may_go(workspace):
    rewrite(workspace, lambda lines: [*lines, "topic,scholl,School,School,3"])
    ingest.pull(workspace)
    rewrite(workspace, without("topic,scholl"))
    ingest.pull(workspace)


def test_the_line_that_is_told_is_one_that_can_be_read(workspace):
    ingest.pull(workspace)
    rewrite(workspace, without("topic,home"))
    with pytest.raises(Problem) as told:
        ingest.pull(workspace)
    line = str(told.value).splitlines()[-1].strip().replace("LAST DAY", "2022-12-31")
    rewrite(workspace, lambda lines: [*closed("none", "")(lines), line])
    ingest.pull(workspace)
    codes = load_helpline(workspace.helpline).tables["codes"]
    assert ("topic", "home", "Thuis", "Home", "2", None, "2022-12-31") in codes


def test_a_closed_code_counts_who_has_it_and_no_zeros_after_its_last_day(workspace, models: Models):
    rewrite(
        workspace,
        lambda lines: closed("topic,gone", "2021-12-31")(
            [*lines, "topic,gone,Weg,Gone,7", "topic,soon,Straks,Soon,8"]
        ),
    )
    rewrite(
        workspace,
        lambda lines: [
            line.replace("topic,soon,Straks,Soon,8,,", "topic,soon,Straks,Soon,8,2030-01-01,")
            for line in lines
        ],
    )
    run_night(workspace, models)  # and both gates pass
    found = read_figures(workspace.warehouse)
    topics = {cell[3] for cell in found if cell[:3] == ("callers", "2022", "topic")}
    assert "bullying" in topics
    assert topics.isdisjoint({"gone", "soon"})
    rewrite(workspace, lambda lines: [line.replace("2021-12-31", "2022-01-01") for line in lines])
    rewrite(
        workspace,
        lambda lines: [
            f"{line}2021-12-31" if line.startswith("topic,bullying") else line for line in lines
        ],
    )
    ingest.pull(workspace)
    models.build_in(workspace)
    again = read_figures(workspace.warehouse)
    assert again["callers", "2022", "topic", "gone"][0] == 0
    whole = ("callers", "2022", "topic", "bullying")
    assert again[whole] == found[whole]


def test_the_gate_misses_a_zero_that_should_be_there(workspace, models: Models):
    rewrite(
        workspace,
        lambda lines: closed("topic,gone", "2022-12-31")([*lines, "topic,gone,Weg,Gone,7"]),
    )
    run_night(workspace, models)
    with duckdb.connect(str(workspace.warehouse)) as warehouse:
        warehouse.execute("delete from figures.figures where category = 'gone' and period = '2022'")
    with pytest.raises(GateFailed, match="every_cell_is_there"):
        figures.judge(workspace)
