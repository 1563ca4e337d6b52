"""The first gate: what is quarantined, what goes through, and what is only worth a warning."""

from __future__ import annotations

import errno
import itertools
import json
import os
import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from expectations import contacts
from expectations.__main__ import main
from expectations.deliveries import LISTED_QUARANTINES, SUITE, judge
from expectations.outcome import Outcome
from expectations.validation import EXAMPLES
from ingest.cells import instant
from ingest.deliveries import set_status
from ingest.problem import Problem
from ingest.workspace import Workspace
from tests.test_expectations_clean import change, clean_workspace


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return clean_workspace(tmp_path)


def deliver(
    name: str,
    events: int = 0,
    rejects: int = 0,
    blank: int = 0,
    status: str = "loaded",
    **not_lost: int,
) -> str:
    """Give the SQL for one delivery: what was set aside of it was not JSON, or is not lost."""
    reasons = {"not_json": rejects, **not_lost}
    set_aside = sum(reasons.values())
    return f"""
        insert into raw.deliveries by name select
            '{name}' as delivery_id, 'sha of {name}' as sha256, '{name}' as keyed_id,
            '{name}.ndjson' as file,
            1 as bytes, {events + set_aside + blank} as lines, {events} as events,
            {set_aside} as rejects, {blank} as blank_lines, '{status}' as status, 'r1' as reading,
            timestamp '2022-03-02 03:30:00' as loaded_at;
    """ + "".join(
        f"""
        insert into raw.rejects by name select
            '{name}' as delivery_id, range as line_number, '{reason}' as reason
        from range({lines});
        """
        for reason, lines in reasons.items()
    )


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
HALF_LOST = deliver("half lost", events=12, rejects=13)
MESSY = deliver("messy", events=1899, rejects=101, blank=50)
WEEKS = [date(2022, 1, 3) + timedelta(weeks=week) for week in range(6)]
LOUD = happen({**dict.fromkeys(WEEKS, 36), WEEKS[-1]: 101})
QUIET = happen({**dict.fromkeys(WEEKS, 36), WEEKS[-1]: 3})
REFUSED = """
    insert into raw.refusals by name select
        'a.gz' as file, 'it ends too early' as reason, timestamp '2022-03-02' as refused_at
"""
PASSED_OVER = """
    insert into raw.passed_over by name select
        'a.xlsx' as file, 'it is a workbook' as reason, timestamp '2022-03-02' as seen_at
"""


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


SOMEBODY = "00000000-0000-0000-0000-00000000050b"
BEGINS = "2022-02-07T20:00:00Z"


def press(starts_at: str, gaps: Iterable[float], *, status: str = "accepted", **fields: str) -> str:
    """Give the SQL for clicks of a delivery: the first at an instant, the others so long after."""
    moments = list(itertools.accumulate(gaps, initial=0))
    fields = {"event_type": "helpline.button.clicked", **fields}
    columns = "".join(f", '{value}' as {name}" for name, value in fields.items())
    name = f"pressed {uuid.uuid4()}"
    return (
        deliver(name, len(moments), status=status)
        + f"""
        insert into raw.events by name select
            '{name}' as delivery_id, row_number() over () as line_number, uuid() as event_id,
            uuid() as source_id, 0 as unfit_fields,
            timestamp '{starts_at.rstrip("Z")}' + to_milliseconds(after) as occurred_at{columns}
        from (select unnest({[round(1000 * moment) for moment in moments]}) as after);
    """
    )


def irregular(events: int) -> list[float]:
    """Give gaps of which no two on end are the same: this many events."""
    return [60 + 7 * (number % 5) for number in range(events - 1)]


CARRIED = press(BEGINS, irregular(51), visitor_id=SOMEBODY)
MONITOR = press(BEGINS, [300] * 21)
BOT = exclude("page", "/bot", 50)
FLOOD = BOT + deliver("deluge", events=151) + take("deluge", 151, page="/bot")
FADED = exclude("page", "/bot", 101, ends_at="timestamp '2022-02-01'") + happen({WEEKS[-1]: 1})

DEFECTS = {
    "something_is_readable": UNREADABLE,
    "more_lines_are_kept_than_lost": HALF_LOST,
    "few_lines_are_lost": MESSY,
    "exclusions_take_out_what_was_expected": FLOOD,
    "exclusions_find_their_events": FADED,
    "volumes_are_usual": LOUD,
    "no_visitor_carries_a_month": CARRIED,
    "nothing_beats_like_a_clock": MONITOR,
    "no_file_is_refused": REFUSED,
    "no_file_is_passed_over": PASSED_OVER,
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
    change(workspace, UNREADABLE + HALF_LOST + MESSY + deliver("fine", events=3))

    judge(workspace)

    remedy = (
        "`python -m ingest rejects {}` says in which lines; deliver it again, sound, and withdraw "
        "this one, or accept it as it is"
    )
    after = ledger(workspace)
    assert after == before | {
        "unreadable": (
            "quarantined",
            f"none of its 12 lines could be read: not_json 12; {remedy.format('unreadable')}",
        ),
        "half lost": (
            "quarantined",
            "13 of its 25 lines (52.00 %) are lost: not_json 13; more than half of 20 or more "
            f"lines is too many; {remedy.format('half lost')}",
        ),
        "messy": (
            "quarantined",
            "101 of its 2000 lines (5.05 %) are lost: not_json 101; "
            f"more than 5 % and more than 100 is too many; {remedy.format('messy')}",
        ),
        "fine": ("loaded", None),
    }
    # People know a delivery by what it holds now, not by what it held when it came first.
    assert "Quarantined messy.ndjson (messy): 101 of its" in caplog.text
    assert "python -m ingest accept|withdraw messy --reason" in caplog.text


def test_every_quarantined_delivery_is_named_every_night(workspace, caplog):
    caplog.set_level("INFO")
    more = LISTED_QUARANTINES + 2
    change(workspace, "".join(deliver(f"q{n:02}", rejects=10) for n in range(more)))

    for _ in range(2):
        caplog.clear()
        assert judge(workspace).finding("something_is_readable").broken == more

    assert f"{more} quarantined." in caplog.text
    assert "Quarantined q00.ndjson (q00): none of its 10 lines" in caplog.text
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
        deliver("an empty file"),
        deliver("blank", blank=30),
        deliver("unreadable, but few", rejects=9),
        deliver("most of few", events=1, rejects=18),
        deliver("half of many", events=10, rejects=10),
        deliver("nothing that is lost", closed_period=150, other_type=150, before_start=150),
        deliver("few of it is lost", other_type=500, rejects=9),
        deliver("at the limit of what counts", events=1900, rejects=100, before_start=400),
        deliver("accepted", rejects=500, status="accepted"),
        deliver("withdrawn", rejects=500, status="withdrawn"),
    ],
)
def test_what_is_within_a_limit_or_was_decided_on_is_left_alone(delivery, workspace):
    change(workspace, delivery)
    before = ledger(workspace)

    assert all(finding.success for finding in judge(workspace).findings)
    assert ledger(workspace) == before


@pytest.mark.parametrize(
    ("delivery", "name"),
    [
        (deliver("few at all", rejects=10, blank=5), "something_is_readable"),
        (deliver("most of twenty", events=9, rejects=11), "more_lines_are_kept_than_lost"),
        (deliver("all but", rejects=20, other_type=80), "more_lines_are_kept_than_lost"),
        # Of what counts it is 6 %, of all lines 3 %.
        (deliver("six", events=1880, rejects=120, before_start=2000), "few_lines_are_lost"),
        (deliver("closed", events=1880, rejects=120, closed_period=2000), "few_lines_are_lost"),
    ],
)
def test_what_is_just_beyond_a_limit_is_kept_out(delivery, name, workspace):
    change(workspace, delivery)

    assert [found.name for found in judge(workspace).findings if not found.success] == [name]
    assert len(quarantined(workspace)) == 1


def test_the_outcome_is_the_same_the_night_after(workspace):
    change(workspace, UNREADABLE + MESSY + LOUD)
    judge(workspace)
    first = (workspace.gates / "deliveries.json").read_bytes()

    judge(workspace)

    assert (workspace.gates / "deliveries.json").read_bytes() == first
    assert Outcome.read(workspace.gates, "deliveries").finding("few_lines_are_lost").broken == 1


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


def test_without_a_visitor_are_the_events_that_could_have_one(workspace):
    """A registration has no visitor either, and no press of somebody else is taken out."""
    pressed = {"page": "/a"}
    change(
        workspace,
        exclude("no_visitor", "", 400, starts_at=f"timestamp '{BEGINS}'")
        + exclude("no_visitor", "/a", 100)
        + press("2022-02-07T19:00:00Z", irregular(10), **pressed)
        + press(BEGINS, irregular(20), **pressed)
        + press(BEGINS, irregular(30))
        + press(BEGINS, irregular(40), event_type="helpline.session.requested", channel="mail")
        + press(BEGINS, irregular(50), event_type="helpline.session.scheduled", channel="chat")
        + press(BEGINS, irregular(60), event_type="helpline.session.registered")
        + press(BEGINS, irregular(70), visitor_id=SOMEBODY, **pressed),
    )

    with duckdb.connect() as connection:
        connection.execute(f"attach '{workspace.warehouse}' as warehouse (read_only)")
        connection.execute("use warehouse")
        contacts.prepare(connection)
        taken_out = connection.execute(
            "select exclusion, count(*) from matched_events group by exclusion order by exclusion"
        ).fetchall()

    assert taken_out == [("no_visitor ", 20 + 30 + 40 + 50), ("no_visitor /a", 10 + 20)]


CARRYING_OR_NOT = [
    # how many contact events of one visitor, of others in the month, whether that is too many
    (51, 204, False),  # a fifth of it
    (51, 203, True),
    (50, 10, False),
]


@pytest.mark.parametrize(("own", "others", "is_too_many"), CARRYING_OR_NOT)
def test_one_visitor_with_more_than_a_fifth_of_a_month_is_warned_of(
    own, others, is_too_many, workspace
):
    change(workspace, press(BEGINS, irregular(others)))
    change(workspace, press(BEGINS, irregular(own), visitor_id=SOMEBODY))
    # Neither is a contact event, and both would go with the visitor.
    mail = {"event_type": "helpline.session.requested", "channel": "mail"}
    change(workspace, press(BEGINS, irregular(7), visitor_id=SOMEBODY, **mail))

    finding = judge(workspace).finding("no_visitor_carries_a_month")

    assert finding.severity == "warning"
    assert finding.success is not is_too_many


def test_who_carries_a_month_is_told_with_the_line_that_takes_them_out(workspace, caplog):
    again = {"event_type": "helpline.session.requested", "channel": "chat"}
    change(workspace, press("2022-12-31T21:00:00Z", irregular(40), visitor_id=SOMEBODY))
    change(workspace, press("2022-12-30T22:00:00Z", irregular(40), visitor_id=SOMEBODY, **again))
    change(workspace, press("2022-12-02T22:00:00Z", irregular(20)))

    outcome = judge(workspace)

    assert outcome.passed
    line = f"robot 2022-12-01,visitor,{SOMEBODY},2022-12-01,2023-01-01,REASON,AUTHOR,80"
    said = f"in 2022-12 one visitor, {SOMEBODY}, made 80 of 100 clicks and chat requests (80 %)"
    assert said in caplog.text
    assert line in caplog.text
    change(workspace, written(line))
    assert judge(workspace).finding("no_visitor_carries_a_month").success


def written(line: str) -> str:
    """Give the SQL for a line of exclusions.csv of a helpline in Brussels."""
    name, field, value, *bounds, reason, author, expected = line.split(",")
    read = instant(ZoneInfo("Europe/Brussels"))
    starts_at, ends_at = (f"timestamp '{read(bound)}'" if bound else "null" for bound in bounds)
    return f"""
        insert into raw.exclusions by name select
            '{name}' as exclusion, '{field}' as field, '{value}' as value, {starts_at} as starts_at,
            {ends_at} as ends_at, '{reason}' as reason, '{author}' as author,
            {expected} as expected_events
    """


def test_a_visitor_of_a_delivery_that_does_not_count_carries_nothing(workspace):
    pressed = press(BEGINS, [300] * 60, visitor_id=SOMEBODY, status="withdrawn")
    change(workspace, pressed)

    assert all(finding.success for finding in judge(workspace).findings)


VISITED = {"visitor_id": SOMEBODY}
BEATING_OR_NOT = [
    # gaps in seconds, fields of the events, whether that is a beat
    ([300] * 20, {}, False),
    ([300] * 21, {}, True),
    ([300] * 20 + [301] + [300] * 20, {}, False),
    ([300.3, 299.8] * 11, {}, True),  # to the second
    ([300, 301] * 30, {}, False),
    ([3600] * 21, VISITED, True),
    ([3600] * 20, VISITED, False),
    ([30] * 21, {"page": "/a"}, True),
    ([0] * 40, {}, False),  # a source that gives dates without a time
    ([0, 60] * 21, {}, True),  # two at each beat are one beat
    ([60] * 21, {"event_type": "helpline.session.requested", "channel": "chat"}, True),
    ([60] * 21, {"event_type": "helpline.session.requested", "channel": "mail"}, False),
    ([60] * 21, {"event_type": "helpline.session.scheduled", "channel": "chat"}, False),
]


@pytest.mark.parametrize(("gaps", "fields", "is_beat"), BEATING_OR_NOT)
def test_the_same_gap_more_than_twenty_times_on_end_is_warned_of(gaps, fields, is_beat, workspace):
    change(workspace, press(BEGINS, gaps, **fields))

    outcome = judge(workspace)

    assert outcome.finding("nothing_beats_like_a_clock").severity == "warning"
    broken = {finding.name for finding in outcome.findings if not finding.success}
    assert broken == ({"nothing_beats_like_a_clock"} if is_beat else set())


def test_a_beat_is_seen_through_what_happens_on_other_pages(workspace, caplog):
    change(workspace, press(BEGINS, [300] * 30, page="/a"))
    change(workspace, press(BEGINS.replace("00Z", "07Z"), [190] * 20, page="/b"))

    judge(workspace)

    line = "robot 2022-02-07,no_visitor,/a,2022-02-07T21:00:00+01:00,2022-02-07T23:30:01+01:00,"
    said = (
        "events without a visitor on the page /a come 30 times 300 seconds after the one before, "
        "from 2022-02-07T21:00:00+01:00 to 2022-02-07T23:30:01+01:00."
    )
    assert said in caplog.text
    assert f"a later ends_at what follows too: {line}REASON,AUTHOR,31\n" in caplog.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "no_visitor,,"),
        ({"page": "/a"}, "no_visitor,/a,"),
        (VISITED, f"visitor,{SOMEBODY},"),
    ],
)
def test_the_line_that_is_told_takes_a_beat_out(fields, told, workspace):
    """Also where somebody else's press parts it, and where the clocks change meanwhile."""
    begins = "2022-03-26T20:00:00Z"
    others = fields if not fields.get("visitor_id") else {**fields, "page": "/b"}
    change(workspace, press(begins, [300] * 100, **fields))
    change(workspace, press("2022-03-27T00:01:40Z", [], **others))

    [example] = judge(workspace).finding("nothing_beats_like_a_clock").examples

    line = example["because"].rpartition(": ")[2]
    assert line.startswith(f"robot 2022-03-26,{told}2022-03-26T21:00:00+01:00,2022-03-27T06:20:01+")
    assert line.endswith("+02:00,REASON,AUTHOR,102")
    change(workspace, written(line))
    assert all(finding.success for finding in judge(workspace).findings)


def test_of_many_beats_a_few_are_told_and_the_others_counted(workspace, caplog):
    many = EXAMPLES + 2
    change(
        workspace,
        "".join(
            press(BEGINS, [60 + n] * 21, visitor_id=str(uuid.UUID(int=n))) for n in range(many)
        ),
    )

    finding = judge(workspace).finding("nothing_beats_like_a_clock")

    assert (finding.broken, len(finding.examples)) == (many, EXAMPLES)
    assert caplog.text.count("takes it out") == EXAMPLES
    assert "… and 2 more\n" in caplog.text


def test_a_session_that_goes_with_its_request_beats_no_more(workspace):
    request = {"event_type": "helpline.session.requested", "channel": "chat"}
    session = str(uuid.uuid4())
    change(
        workspace,
        exclude("visitor", SOMEBODY, 1)
        + press(BEGINS, [], session_id=session, visitor_id=SOMEBODY, **request)
        + press("2022-02-07T20:05:00Z", [300] * 30, session_id=session, **request),
    )

    assert judge(workspace).finding("nothing_beats_like_a_clock").success


def test_copies_of_a_beat_make_it_no_longer(workspace, caplog):
    monitor = press(BEGINS, [300] * 30)
    copies = "insert into raw.events from raw.events where occurred_at >= timestamp '2022-02-07'"
    change(workspace, monitor + copies)

    [example] = judge(workspace).finding("nothing_beats_like_a_clock").examples

    assert (example["times"], example["events"]) == (30, 31)


def test_a_file_that_is_no_log_is_named_with_what_it_is(workspace, caplog):
    change(workspace, PASSED_OVER.replace("a.xlsx", "a\x1b[2J.xlsx"))

    judge(workspace)

    assert r"a\x1b[2J.xlsx it is a workbook" in caplog.text


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
