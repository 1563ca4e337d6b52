"""The reference against figures that were worked out by hand, and against itself.

A folder of tests/golden is a case: logs, a helpline, `expected.csv` with rows that must be exactly
so, and a README that says how each number comes about. They are the same with any key.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests import reference, strategies
from tests.events import (
    KEY,
    abandon,
    answer,
    click,
    covered,
    end,
    helpline,
    moment,
    pack,
    register,
    request,
    schedule,
)

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def read_expected(case: str) -> dict[reference.Cell, reference.Row]:
    with (GOLDEN / case / "expected.csv").open(encoding="utf-8", newline="") as lines:
        return {
            (row["figure"], row["period"], row["breakdown"], row["category"]): (
                Decimal(row["value"]) if row["value"] else None,
                row["obs_status"],
            )
            for row in csv.DictReader(lines)
        }


def count_case(case: str) -> dict[reference.Cell, reference.Row]:
    return reference.figures(GOLDEN / case / "logs", GOLDEN / case / "helpline", KEY)


@pytest.fixture
def always_open(tmp_path: Path) -> Path:
    hours = [f"2020-01-01,,{weekday},00:00,24:00,1" for weekday in range(1, 8)]
    return helpline(tmp_path / "helpline", opening_hours=hours)


def read(folder: Path, *events, **options) -> reference.Log:
    return reference.Log([("log.ndjson", pack(events))], folder, KEY, **options)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("key", [KEY, "another key, in which pseudonyms sort otherwise"])
def test_golden_case_is_as_worked_out_by_hand(case, key):
    expected = read_expected(case)
    counted = reference.figures(GOLDEN / case / "logs", GOLDEN / case / "helpline", key)
    assert {cell: counted.get(cell) for cell in expected} == expected


def test_a_month_has_no_rows_but_those_expected():
    counted = {cell for cell in count_case("a_whole_month") if cell[1] == "2022-02"}
    assert counted == set(read_expected("a_whole_month"))


def test_months_outside_the_covered_range_have_no_row():
    periods = {cell[1] for cell in count_case("coverage")}
    assert periods == {"2022", *(f"2022-{month:02}" for month in range(1, 8))}


def test_lines_are_set_aside_for_their_reason():
    case = GOLDEN / "deliveries"
    log = reference.Log(case / "logs", case / "helpline", KEY)
    assert [(line, reason) for _, line, reason in log.rejects] == [
        (2, "before_start"),
        (7, "not_utf8"),
        (8, "not_json"),
        (9, "not_an_event"),
        (11, "not_an_event"),
        (12, "unknown_type"),
        (13, "bad_time"),
        (14, "in_future"),
        (15, "no_session"),
        (16, "no_session"),
        (17, "bad_channel"),
        (18, "bad_coverage"),
        (19, "bad_coverage"),
    ]


def test_an_event_is_in_the_future_more_than_a_day_after_loading(always_open):
    log = read(
        always_open,
        click("anna", "2022-03-02 12:00"),
        click("anna", "2022-03-02 12:00:00.000001"),
        loaded_at=datetime.fromisoformat(moment("2022-03-01 12:00")),
    )
    assert [(line, reason) for _, line, reason in log.rejects] == [(2, "in_future")]


def test_pseudonyms_are_those_of_openssl(always_open):
    log = read(always_open, click(7, "2022-03-01 12:00"), request("s1", "7", "2022-03-01 12:01"))
    assert {event.visitor for event in log.events} == {"f1e2fdbb-7b94-4c68-5829-8af49d738bf0"}
    log = read(always_open, answer("s1", 7, "2022-03-01 12:00", id=12))
    assert log.events[0].id == "02ef4a5c-a83e-6417-8715-dbef338e4426"
    assert log.events[0].responder != "f1e2fdbb-7b94-4c68-5829-8af49d738bf0"


@pytest.mark.parametrize(
    ("pause", "attempts"),
    [
        (timedelta(minutes=30), 1),
        (timedelta(minutes=30, microseconds=1), 2),
        (timedelta(0), 1),
    ],
)
def test_an_attempt_goes_on_for_half_an_hour_and_no_microsecond_more(always_open, pause, attempts):
    first = datetime(2022, 3, 27, 0, 45, tzinfo=UTC)
    log = read(always_open, click("anna", first), click("anna", first + pause))
    assert len(log.attempts) == attempts


def test_a_request_counts_as_contact_only_in_a_chat_session(always_open):
    log = read(
        always_open,
        request("s1", "anna", "2022-03-01 12:00", channel="mail"),
        request("s1", "anna", "2022-03-01 13:00", channel="chat"),
        request("s2", None, "2022-03-01 14:00", channel="chat"),
        request("s2", "ben", "2022-03-01 15:00", channel="mail"),
        answer("s2", "r1", "2022-03-01 15:00"),
    )
    assert [(attempt.visitor is None, attempt.outcome) for attempt in log.attempts] == [
        (True, "missed"),
        (False, "answered"),
    ]
    assert log.conversations[0].person[0] == "session"


def test_of_copies_the_earliest_counts_then_the_first_by_its_fields(always_open):
    at = "2022-03-01 12:00"
    log = read(
        always_open,
        register("s1", at, id=1, gender="male"),
        register("s1", at, id=1),
        register("s1", at, id=1, gender="male", age=9),
        register("s1", at, id=1, gender="male", age=10, referred_by="awel"),
        register("s1", "2022-03-01 12:00:00.000001", id=1, gender="female"),
        end("s1", at, id=2),
        abandon("s1", at, id=2),
        click("anna", at, id=1),
    )
    ended, registered = sorted(log.of_type(reference.ABANDONED, reference.REGISTERED), key=_type)
    assert (registered.gender, registered.age, registered.referred_by) == ("male", 9, None)
    assert ended.type == reference.ABANDONED
    assert len(log.events) == 3


def _type(event: reference.Event) -> str:
    return event.type


def test_an_appointment_that_was_moved_counts_as_moved(always_open):
    log = read(
        always_open,
        schedule("s1", "anna", "2022-03-01 12:00", scheduled_for="2022-03-08 15:00"),
        schedule("s1", "anna", "2022-03-02 12:00", scheduled_for="2022-03-07 15:00"),
        schedule("s1", "anna", "2022-03-03 12:00"),
        answer("s1", "r1", "2022-03-07 15:02"),
    )
    assert log.conversations[0].wait == timedelta(minutes=2)


def test_the_days_of_a_quarantined_delivery_are_provisional(always_open):
    whole = [covered(log, "2022-01-01", "2022-05-01") for log in ("button", "chat")]
    bad = pack([click("ben", "2022-02-10 12:00"), "half a line", *whole])
    log = read(always_open, *whole, click("anna", "2022-02-01"), quarantined=[("bad.ndjson", bad)])
    figures = reference.figures_of(log)
    assert figures["clicks", "2022-02", "", ""] == (Decimal(1), "P")
    assert figures["attempts", "2022-02", "", ""] == (Decimal(1), "P")
    assert figures["conversations", "2022-02", "", ""] == (Decimal(0), "A")
    assert figures["clicks", "2022-03", "", ""] == (Decimal(0), "A")
    assert figures["clicks", "2022", "", ""] == (Decimal(1), "P")


def test_callers_are_counted_once_by_their_first_session_with_a_value(always_open):
    def conversation(session, client, when, **noted):
        return [
            request(session, None, when),
            answer(session, "r1", when),
            register(session, when, client=client, **noted),
        ]

    log = read(
        always_open,
        *conversation("s1", "k1", "2022-01-31"),
        *conversation("s2", "k1", "2022-02-01", gender="female", topics=["", "home", "violence"]),
        *conversation("s3", "k1", "2022-02-02", gender="male", age=121),
        *conversation("s4", "k1", "2022-02-03", gender="male", age="24", topics=["bullying"]),
        *conversation("s5", "k2", "2022-02-04", gender="no code of the list", age=0),
    )
    assert reference.callers_by(log, "gender", "2022-01") == {"unknown": 1}
    assert reference.callers_by(log, "gender", "2022") == {"female": 1, "unlisted": 1}
    assert reference.callers_by(log, "age_band", "2022-02") == {"21-24": 1, "under_9": 1}
    assert reference.callers_by(log, "topic", "2022-02") == {"home": 1, "unknown": 1}


@pytest.mark.parametrize("day", ["2022-03-26", "2022-03-27", "2022-10-30"])
def test_open_minutes_are_the_minutes_that_are_open(tmp_path, day):
    hours = [
        "2022-01-01,,6,23:30,24:00,1",
        "2022-01-01,,7,01:05,03:20,2",
        "2022-01-01,,7,02:40,04:00,1",
    ]
    here = reference.Helpline(helpline(tmp_path, opening_hours=hours))
    day = date.fromisoformat(day)
    start, following = here.start_of(day), here.start_of(day + timedelta(days=1))
    minute = timedelta(minutes=1)
    instants = [start + n * minute for n in range((following - start) // minute)]
    minutes = Counter(here.local(instant).hour for instant in instants if here.is_open(instant))
    assert +here.open_minutes(day)[0] == minutes


def test_quantiles_are_continuous_and_rounded_half_up():
    values = [Fraction(n) for n in (4, 1, 2, 3)]
    assert reference.quantile(values, Fraction(1, 2)) == Fraction(5, 2)
    assert reference.quantile(values, Fraction(9, 10)) == Fraction(37, 10)
    assert reference.quantile([], Fraction(1, 2)) is None
    assert reference.round_half_up(Fraction(5, 2), 0) == 3
    assert reference.round_half_up(Fraction(9, 4), 1) == Decimal("2.3")


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(delivered=strategies.nights())
def test_order_of_arrival_changes_nothing_and_identities_hold(tmp_path_factory, delivered):
    folder = strategies.helpline_of(tmp_path_factory.mktemp("helpline"))
    files = [file for night in delivered for file in night]
    figures = reference.figures(files, folder, KEY)
    assert reference.figures(files[::-1], folder, KEY) == figures
    value = {cell: amount for cell, (amount, _) in figures.items() if amount is not None}
    for period in {period for figure, period, *_ in value if figure == "attempts"}:
        now = {figure: value.get((figure, period, "", "")) for figure in reference.FIGURES}
        outcomes = ("answered_attempts", "missed_attempts", "out_of_hours_attempts")
        assert now["attempts"] == sum(now[outcome] for outcome in outcomes)
        for breakdown in ("weekday", "hour", "hour_of_week"):
            cells = [cell for cell in value if cell[:3] == ("attempts", period, breakdown)]
            assert now["attempts"] == sum(value[cell] for cell in cells)
        for part in ("missed_pressers", "out_of_hours_pressers", "unreached_pressers"):
            assert now[part] <= now["pressers"]
        assert now["conversations"] is None or now["conversations"] <= now["answered_sessions"]
    for figure, period, breakdown, category in value:
        if figure == "new_callers" and len(period) == 4:
            by_chat = value["callers", period, "channel", "chat"]
            assert value[figure, period, breakdown, category] == by_chat
