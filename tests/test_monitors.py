"""Monitors and robots: the first gate tells them, and its line of exclusions.csv takes them out."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import ingest
from expectations import deliveries
from ingest.workspace import Workspace
from tests import events, reference
from tests.models import Models, read_figures

MONTH = "2022-03"
COVERED = [events.covered(log, "2022-03-01", "2022-04-20") for log in ("button", "chat")]
# One who needs help, on a Thursday evening that is open.
VISITED = [
    events.click("anna", "2022-03-03 20:01:40", page="/"),
    events.request("one", "anna", "2022-03-03 20:02:30"),
    events.answer("one", "ben", "2022-03-03 20:03"),
]
ALONE = [events.click(None, "2022-03-03 20:07:20", page="/chat")]
WHOLE_DAY = 288


def beats(times: int = WHOLE_DAY, minutes: float = 5) -> list[datetime]:
    """Give the moments of a monitor that starts at midnight."""
    start = datetime(2022, 3, 3)
    return [start + timedelta(minutes=minutes * number) for number in range(times)]


def click_each(visitor=None, **fields) -> list[dict]:
    """Give the clicks of a monitor."""
    return [events.click(visitor, moment, **fields) for moment in beats()]


def request_each() -> list[dict]:
    """Give what a monitor leaves that opens a chat and closes it again."""
    return [
        event
        for number, moment in enumerate(beats())
        for event in (
            events.request(f"probe {number}", None, moment),
            events.abandon(f"probe {number}", moment + timedelta(seconds=2)),
        )
    ]


@pytest.fixture
def night(tmp_path: Path, models: Models, key: str):
    """Give a function that runs a night on logs with lines of exclusions.csv."""

    def run(logs: list[dict], exclusions: list[str]) -> tuple[dict[str, int], str]:
        """Give the month's figures by name, and what the first gate says of a beat, if anything."""
        helpline = events.helpline(
            tmp_path / "helpline", pages=["/", "/chat", "/probe"], exclusions=exclusions
        )
        events.deliver(tmp_path / "logs", "all.ndjson", logs + COVERED)
        workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), helpline)
        ingest.pull(workspace)
        found = deliveries.judge(workspace).finding("nothing_beats_like_a_clock").examples
        models.build(workspace.warehouse)
        figures = read_figures(workspace.warehouse)
        by_rule = reference.figures_of(reference.Log(tmp_path / "logs", helpline, key))
        assert {cell: figures[cell] for cell in by_rule} == by_rule
        month = {
            cell[0]: int(value or 0)
            for cell, (value, _) in figures.items()
            if cell[1:] == (MONTH, "", "")
        }
        return month, "; ".join(example["because"] for example in found)

    return run


@pytest.mark.parametrize(
    ("monitor", "attempts", "missed", "line", "taken_out"),
    [
        (
            click_each(),
            288,
            36,
            "no_visitor,,2022-03-03T00:00:00+01:00,2022-03-03T23:55:01+01:00",
            288,
        ),
        (click_each(page="/probe"), 288, 36, "no_visitor,/probe,2022-03-03T00:00:00+01:00,", 288),
        (click_each("watchdog"), 1, 0, "visitor,", 288),
        (request_each(), 288, 36, "no_visitor,,2022-03-03T00:00:00+01:00,", 2 * 288),
    ],
    ids=["anywhere", "on a page", "with a visitor", "in the chat"],
)
def test_a_monitor_is_told_and_one_line_takes_it_out(
    monitor, attempts, missed, line, taken_out, night
):
    logs = VISITED + monitor

    month, told = night(logs, [])

    assert month["excluded_events"] == 0
    assert (month["attempts"], month["missed_attempts"]) == (1 + attempts, missed)
    assert f": robot 2022-03-03,{line}" in told
    month, told = night(logs, [told.rpartition(": ")[2]])
    assert told == ""
    assert month["excluded_events"] == taken_out
    assert (month["attempts"], month["answered_attempts"], month["missed_attempts"]) == (1, 1, 0)


def test_who_has_no_visitor_elsewhere_stays(night):
    """A page keeps the line to the monitor; without one it takes all without a visitor."""
    logs = VISITED + ALONE + click_each(page="/probe")
    exclusion = partial(events.exclusion, "monitor", "no_visitor", expected_events=288)

    month, told = night(logs, [exclusion("/probe")])
    assert (month["missed_attempts"], month["excluded_events"], told) == (1, 288, "")

    day = ("2022-03-03", "2022-03-04")
    month, told = night(logs, [exclusion("", *day)])
    assert (month["missed_attempts"], month["excluded_events"], told) == (0, 289, "")
