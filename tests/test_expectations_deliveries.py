"""The first gate: what is quarantined, what goes through, and what is only worth a warning."""

from __future__ import annotations

import errno
import json
import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.__main__ import main
from expectations.deliveries import LISTED_QUARANTINES, SUITE, judge
from expectations.outcome import Outcome
from ingest.problem import Problem
from ingest.workspace import Workspace
from tests.test_expectations_clean import change, clean_workspace


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return clean_workspace(tmp_path)


def deliver(
    name: str, events: int = 0, rejects: int = 0, blank: int = 0, status: str = "loaded"
) -> str:
    """Give the SQL for one delivery; what was set aside of it was not JSON."""
    return f"""
        insert into raw.deliveries values (
            '{name}', '{name}.ndjson', 1, {events + rejects + blank}, {events}, {rejects}, {blank},
            '{status}', null, 'r1', timestamp '2022-03-02 03:30:00'
        );
        insert into raw.rejects select '{name}', range, 'not_json' from range({rejects});
    """


def happen(log_events: dict[date, int]) -> str:
    """Give the SQL for clicks at noon: so many on each day, in a delivery that was accepted."""
    days = ", ".join(f"(date '{day}', {events})" for day, events in log_events.items())
    return f"""
        insert into raw.events (
            delivery_id, line_number, event_id, source_id, event_type, occurred_at, unfit_fields
        )
        select
            repeat('b2', 32), 1, uuid(), uuid(), 'helpline.button.clicked', day + time '12:00', 0
        from (select day, unnest(range(events)) from (values {days}) as days (day, events))
    """


def ledger(workspace: Workspace) -> dict[str, tuple[str, str | None]]:
    """Give status and reason of every delivery."""
    with duckdb.connect(workspace.warehouse, read_only=True) as connection:
        rows = connection.execute("select delivery_id, status, status_reason from raw.deliveries")
        return {name: (status, reason) for name, status, reason in rows.fetchall()}


UNREADABLE = deliver("unreadable", rejects=12)
MESSY = deliver("messy", events=1899, rejects=101, blank=50)
WEEKS = [date(2022, 1, 3) + timedelta(weeks=week) for week in range(6)]
LOUD = happen({**dict.fromkeys(WEEKS, 36), WEEKS[-1]: 101})
QUIET = happen({**dict.fromkeys(WEEKS, 36), WEEKS[-1]: 3})
REFUSED = "insert into raw.refusals values ('a.gz', 'it ends too early', timestamp '2022-03-02')"

DEFECTS = {
    "something_is_readable": UNREADABLE,
    "few_lines_are_set_aside": MESSY,
    "volumes_are_usual": LOUD,
    "no_file_is_refused": REFUSED,
}


def test_every_expectation_has_a_planted_defect():
    declared = {item.meta["name"] for expectations in SUITE.values() for item in expectations}
    assert DEFECTS.keys() == declared


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_caught_by_its_expectation_alone(name, workspace):
    assert [finding.success for finding in judge(workspace).findings] == [True] * len(DEFECTS)
    change(workspace, DEFECTS[name])

    outcome = judge(workspace)

    assert [finding.name for finding in outcome.findings if not finding.success] == [name]
    assert outcome.finding(name).broken == 1
    assert outcome.passed


def test_what_is_not_fit_is_quarantined_and_the_others_go_through(workspace, caplog):
    before = ledger(workspace)
    change(workspace, UNREADABLE + MESSY + deliver("empty", blank=3) + deliver("fine", events=3))

    judge(workspace)

    after = ledger(workspace)
    assert after == before | {
        "unreadable": ("quarantined", "none of its 12 lines could be read: not_json 12"),
        "messy": (
            "quarantined",
            "101 of its 2000 lines (5.05 %) were set aside: not_json 101; "
            "more than 5 % and more than 100 is too many",
        ),
        "empty": ("quarantined", "it holds no lines"),
        "fine": ("loaded", None),
    }
    assert "python -m ingest accept|withdraw messy --reason" in caplog.text


def test_every_quarantined_delivery_is_named_every_night(workspace, caplog):
    caplog.set_level("INFO")
    more = LISTED_QUARANTINES + 2
    change(workspace, "".join(deliver(f"q{n:02}", 3, status="quarantined") for n in range(more)))

    assert all(finding.success for finding in judge(workspace).findings)

    assert f"{more} quarantined." in caplog.text
    assert "Quarantined q00.ndjson (q00): no reason was noted." in caplog.text
    assert "python -m ingest accept|withdraw q09 --reason" in caplog.text
    assert "q10" not in caplog.text
    assert "2 more that are quarantined" in caplog.text


def test_what_was_found_is_not_half_written_on_a_full_disk(workspace, monkeypatch):
    judge(workspace)
    before = (workspace.gates / "deliveries.json").read_bytes()

    def write_half(path, text, **_options):
        path.write_bytes(text[:9].encode())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(Problem, match=r"There is no room left .* Make room in the state folder"):
        judge(workspace)
    assert [file.name for file in workspace.gates.iterdir()] == ["deliveries.json"]
    assert (workspace.gates / "deliveries.json").read_bytes() == before


@pytest.mark.parametrize(
    "delivery",
    [
        deliver("at both limits", events=1900, rejects=100),
        deliver("many of very many", events=9999, rejects=500),
        deliver("few of very few", events=1, rejects=100),
        deliver("accepted", rejects=500, status="accepted"),
        deliver("withdrawn", rejects=500, status="withdrawn"),
    ],
)
def test_what_is_within_a_limit_or_was_decided_on_is_left_alone(delivery, workspace):
    change(workspace, delivery)
    before = ledger(workspace)

    assert all(finding.success for finding in judge(workspace).findings)
    assert ledger(workspace) == before


def test_the_outcome_is_the_same_the_night_after(workspace):
    change(workspace, UNREADABLE + MESSY + LOUD)
    judge(workspace)
    first = (workspace.gates / "deliveries.json").read_bytes()

    judge(workspace)

    assert (workspace.gates / "deliveries.json").read_bytes() == first
    assert (
        Outcome.read(workspace.gates, "deliveries").finding("few_lines_are_set_aside").broken == 1
    )


@pytest.mark.parametrize(("events", "is_unusual"), [(QUIET, True), (LOUD, True), ("", False)])
def test_an_unusual_volume_warns_with_day_and_numbers(events, is_unusual, workspace, caplog):
    change(workspace, events or happen(dict.fromkeys(WEEKS, 36)))

    finding = judge(workspace).finding("volumes_are_usual")

    assert finding.severity == "warning"
    assert finding.success is not is_unusual
    if is_unusual:
        [example] = finding.examples
        assert (example["log"], example["local_date"]) == ("button", "2022-02-07")
        assert example["usual_events"] == 36
        said = f"button 2022-02-07 (events {example['events']}, usual_events 36)"
        assert said in caplog.text


def test_events_of_a_quarantined_delivery_make_no_volume(workspace):
    change(workspace, LOUD.replace("repeat('b2', 32)", "'messy'") + ";" + MESSY)

    assert judge(workspace).finding("volumes_are_usual").success


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert main(["deliveries", "--data", str(tmp_path)]) == 1
    assert "There is no warehouse" in capsys.readouterr().err


def test_the_file_says_each_expectation_in_plain_words(workspace):
    judge(workspace)
    content = json.loads((workspace.gates / "deliveries.json").read_text(encoding="utf-8"))

    assert content["gate"] == "deliveries"
    assert len(content["input"]) == 64
    assert all(finding["says"].endswith(".") for finding in content["findings"])


def test_without_a_warehouse_there_is_nothing_to_judge(tmp_path):
    with pytest.raises(Problem, match="There is no warehouse"):
        judge(Workspace(data=tmp_path, logs="", helpline=tmp_path))
