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
from ingest.deliveries import set_status
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
            0, '{status}', null, 'r1', timestamp '2022-03-02 03:30:00'
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


def quarantined(workspace: Workspace) -> set[str]:
    """Give the deliveries that are quarantined."""
    return {name for name, (status, _) in ledger(workspace).items() if status == "quarantined"}


UNREADABLE = deliver("unreadable", rejects=12)
MESSY = deliver("messy", events=1899, rejects=101, blank=50)
WEEKS = [date(2022, 1, 3) + timedelta(weeks=week) for week in range(6)]
LOUD = happen({**dict.fromkeys(WEEKS, 36), WEEKS[-1]: 101})
QUIET = happen({**dict.fromkeys(WEEKS, 36), WEEKS[-1]: 3})
REFUSED = "insert into raw.refusals values ('a.gz', 'it ends too early', timestamp '2022-03-02')"


def exclude(
    field: str, value: str, expected: int, starts_at: str = "null", ends_at: str = "null"
) -> str:
    """Give the SQL for an exclusion; its bounds are SQL."""
    return f"""
        insert or replace into raw.exclusions values (
            '{field} {value}', '{field}', '{value}', 'a test', 'me', {expected},
            {starts_at}, {ends_at}
        );
    """


def take(
    delivery: str, events: int, *, first: int = 0, day: str = "2022-02-07", **fields: str
) -> str:
    """Give the SQL for clicks of a delivery on one day: as many, numbered from `first`."""
    names = "".join(f", {name}" for name in fields)
    values = "".join(f", '{value}'" for value in fields.values())
    return f"""
        insert into raw.events (
            delivery_id, line_number, event_id, source_id, event_type,
            occurred_at, unfit_fields{names}
        )
        select
            '{delivery}', range, md5(range::varchar)::uuid, uuid(), 'helpline.button.clicked',
            timestamp '{day} 12:00', 0{values}
        from range({first}, {first + events});
    """


BOT = exclude("page", "/bot", 50)
FLOOD = BOT + deliver("deluge", events=151) + take("deluge", 151, page="/bot")
FADED = exclude("page", "/bot", 101, ends_at="timestamp '2022-02-01'") + happen({WEEKS[-1]: 1})

DEFECTS = {
    "something_is_readable": UNREADABLE,
    "few_lines_are_set_aside": MESSY,
    "exclusions_take_out_what_was_expected": FLOOD,
    "exclusions_find_their_events": FADED,
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
    change(workspace, "".join(deliver(f"q{n:02}", rejects=3) for n in range(more)))

    for _ in range(2):
        caplog.clear()
        assert judge(workspace).finding("something_is_readable").broken == more

    assert f"{more} quarantined." in caplog.text
    assert "Quarantined q00.ndjson (q00): none of its 3 lines could be read" in caplog.text
    assert "python -m ingest accept|withdraw q09 --reason" in caplog.text
    assert "q10" not in caplog.text
    assert "2 more that are quarantined" in caplog.text


def test_what_was_found_is_not_half_written_on_a_full_disk(workspace, monkeypatch):
    judge(workspace)
    before = snapshot(workspace.gates)

    def write_half(path, text, **_options):
        path.write_bytes(text[:9].encode())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(Problem, match=r"There is no room left .* Make room in the state folder"):
        judge(workspace)
    assert snapshot(workspace.gates) == before


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Give the names of all that lies in a folder, and the bytes of its files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


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


def test_an_exclusion_that_takes_out_far_too_much_is_told_with_its_remedy(workspace, caplog):
    change(workspace, FLOOD + deliver("calm", 1) + take("calm", 1, first=999, page="/"))

    judge(workspace)

    assert ledger(workspace)["calm"] == ("loaded", None)
    status, reason = ledger(workspace)["deluge"]
    assert status == "quarantined"
    assert reason == (
        "with this delivery, which holds 151 such lines, the exclusion page /bot has taken out 151 "
        "events where 50 were expected; mend exclusions.csv and it goes through the next night, or "
        "accept it as it is"
    )
    assert f"Quarantined deluge.ndjson (deluge): {reason}." in caplog.text


def test_what_an_exclusion_takes_out_is_added_up_over_deliveries_as_they_came(workspace):
    change(
        workspace,
        BOT
        + "".join(deliver(name, 80) + take(name, 80, page="/bot") for name in ("a", "a again"))
        + deliver("b", 70) + take("b", 70, first=80, page="/bot")
        + deliver("c", 1) + take("c", 1, first=150, page="/bot")
        + deliver("d", 1) + take("d", 1, first=150, page="/bot")
        + deliver("e", 1) + take("e", 1, first=999, page="/"),
    )  # fmt: skip

    judge(workspace)

    assert quarantined(workspace) == {"c", "d"}
    # What came first counts first, whatever it is called.
    change(workspace, "update raw.deliveries set loaded_at = '2022-03-01' where delivery_id = 'c'")
    judge(workspace)
    assert quarantined(workspace) == {"b", "d"}


VISITOR = "00000000-0000-0000-0000-00000000077a"
JUST_THEN = "timestamp '2022-02-07 12:00'"
JUST_AFTER = "timestamp '2022-02-07 12:00:00.000001'"
TOO_MANY_OR_NOT = [
    # what is excluded, what the events hold, how many there are, whether that is too many
    (exclude("page", "/a", 0), {"page": "/a"}, 100, False),
    (exclude("page", "/b", 0), {"page": "/b"}, 101, True),
    (exclude("page", "/c", 100), {"page": "/c"}, 200, False),
    (exclude("page", "/d", 100), {"page": "/d"}, 201, True),
    (exclude("page", "/e", 300), {"page": "/e"}, 600, False),
    (exclude("page", "/f", 300), {"page": "/f"}, 601, True),
    (exclude("page", "/g", 0, starts_at=JUST_THEN), {"page": "/g"}, 101, True),
    (exclude("page", "/h", 0, starts_at=JUST_AFTER), {"page": "/h"}, 101, False),
    (exclude("page", "/i", 0, ends_at=JUST_AFTER), {"page": "/i"}, 101, True),
    (exclude("page", "/j", 0, ends_at=JUST_THEN), {"page": "/j"}, 101, False),
    (exclude("button", "busy", 0), {"button": "busy"}, 101, True),
    (exclude("button", "open", 0), {"page": "open", "button": "closed"}, 101, False),
    (exclude("campaign", "tv", 0), {"campaign": "tv"}, 101, True),
    (exclude("campaign", "radio", 0), {"page": "radio", "campaign": "web"}, 101, False),
    (exclude("visitor", VISITOR, 0), {"visitor_id": VISITOR}, 101, True),
]


def test_too_many_is_twice_what_was_expected_and_a_hundred_more(workspace):
    for number, (exclusion, fields, events, _) in enumerate(TOO_MANY_OR_NOT):
        name = f"case {number}"
        change(workspace, exclusion + deliver(name, events) + take(name, events, **fields))

    finding = judge(workspace).finding("exclusions_take_out_what_was_expected")

    too_many = {f"case {number}" for number, case in enumerate(TOO_MANY_OR_NOT) if case[-1]}
    assert quarantined(workspace) == too_many
    assert finding.broken == len(too_many)


@pytest.mark.parametrize(
    "mended",
    [
        exclude("page", "/bot", 151),
        exclude("page", "/bot", 50, ends_at="timestamp '2022-01-01'"),
        "delete from raw.exclusions",
    ],
)
def test_a_mended_exclusion_lets_its_deliveries_through_the_next_night(mended, workspace, caplog):
    caplog.set_level("INFO")
    change(workspace, FLOOD + MESSY)
    judge(workspace)
    assert ledger(workspace)["deluge"][0] == "quarantined"

    change(workspace, mended)
    judge(workspace)

    assert ledger(workspace)["deluge"] == ("loaded", None)
    assert ledger(workspace)["messy"][0] == "quarantined"
    assert caplog.text.count("Quarantined deluge.ndjson") == 1


@pytest.mark.parametrize(("status", "still_counts"), [("accepted", True), ("withdrawn", False)])
def test_what_a_person_decided_of_an_exclusion_stands(status, still_counts, workspace):
    change(workspace, FLOOD + deliver("next", 1) + take("next", 1, first=999, page="/bot"))
    judge(workspace)
    set_status(workspace.warehouse, "deluge", status, "seen")

    for _ in range(2):
        judge(workspace)
        assert ledger(workspace)["deluge"] == (status, "seen")
        assert ledger(workspace)["next"][0] == ("quarantined" if still_counts else "loaded")
    change(workspace, "delete from raw.exclusions")
    judge(workspace)
    assert ledger(workspace)["deluge"] == (status, "seen")


TOO_FEW_OR_NOT = [
    # how many are expected, until when, how many there are, whether that is too few
    (101, JUST_THEN, 0, True),
    (100, JUST_THEN, 0, False),
    (101, JUST_AFTER, 0, False),  # the logs do not tell yet
    (101, "null", 0, False),
    (302, JUST_THEN, 150, True),
    (302, JUST_THEN, 151, False),
]


def test_an_exclusion_that_ended_without_its_events_is_warned_of(workspace, caplog):
    change(workspace, deliver("last", 1) + take("last", 1))
    for number, (expected, ends_at, found, _) in enumerate(TOO_FEW_OR_NOT):
        page = f"/{number}"
        change(workspace, exclude("page", page, expected, ends_at=ends_at) + deliver(page, found))
        change(workspace, take(page, found, day="2022-02-06", page=page))

    finding = judge(workspace).finding("exclusions_find_their_events")

    assert finding.severity == "warning"
    assert [example["exclusion"] for example in finding.examples] == [
        f"page /{number}" for number, case in enumerate(TOO_FEW_OR_NOT) if case[-1]
    ]
    assert "page /4 (found_events 150, expected_events 302)" in caplog.text


def test_a_log_that_is_covered_past_an_exclusion_ends_it(workspace):
    covered = f"""
        {exclude("page", "/bot", 101, ends_at="timestamp '2022-02-08'")}
        {deliver("x", 1)} {take("x", 1)}
        update raw.events
        set ends_at = timestamp '2022-02-08', event_type = 'helpline.log.covered'
        where delivery_id = 'x'
    """
    change(workspace, covered)
    assert not judge(workspace).finding("exclusions_find_their_events").success
    change(workspace, "update raw.deliveries set status = 'withdrawn' where delivery_id = 'x'")
    assert judge(workspace).finding("exclusions_find_their_events").success


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
