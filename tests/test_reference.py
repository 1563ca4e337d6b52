"""The reference against figures that were worked out by hand, and against itself.

A folder of tests/golden is a case: logs, a helpline, `expected.csv` with rows that must be exactly
so, and a README that says how each number comes about.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests import reference, strategies
from tests.events import (
    KEY,
    abandon,
    answer,
    click,
    covered,
    end,
    exclusion,
    helpline,
    moment,
    pack,
    published,
    register,
    request,
    schedule,
)

GOLDEN = Path(__file__).parent / "golden"
DEFINITIONS = Path(__file__).parent.parent / "dbt_project" / "seeds" / "figure_definitions.csv"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def read_expected(case: str) -> dict[reference.Cell, reference.Row]:
    return {cell: (value, status) for cell, (value, status, _) in read_rows(case).items()}


def read_rows(case: str) -> dict[reference.Cell, tuple[Decimal | None, str, str | None]]:
    """Read value, status and, where the case has a column for it, break of every expected row."""
    with (GOLDEN / case / "expected.csv").open(encoding="utf-8", newline="") as lines:
        return {
            (row["figure"], row["period"], row["breakdown"], row["category"]): (
                Decimal(row["value"]) if row["value"] else None,
                row["obs_status"],
                row.get("break"),
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
def test_golden_case_is_as_worked_out_by_hand(case, key):
    expected = read_expected(case)
    log = reference.Log(GOLDEN / case / "logs", GOLDEN / case / "helpline", key)
    counted = reference.figures_of(log)
    assert {cell: counted.get(cell) for cell in expected} == expected
    breaks = {cell: row[2] for cell, row in read_rows(case).items() if row[2] is not None}
    assert {cell: reference.break_of(log, *cell[:2]) for cell in breaks} == breaks


# But for the pseudonym of an exclusion, which is that of one key.
@pytest.mark.parametrize("case", sorted(set(CASES) - {"exclusions"}))
def test_golden_case_is_the_same_with_a_key_in_which_pseudonyms_sort_otherwise(case):
    assert count_case(case).items() >= read_expected(case).items()


def test_a_month_has_no_rows_but_those_expected():
    counted = {cell for cell in count_case("a_whole_month") if cell[1] == "2022-02"}
    assert counted == set(read_expected("a_whole_month"))


def test_months_outside_the_covered_range_have_no_row():
    periods = {cell[1] for cell in count_case("coverage")}
    months = {f"2022-{month:02}" for month in range(1, 8)}
    weeks = {"2021-W52", *(f"2022-W{week:02}" for week in range(1, 28))}
    assert periods == {"2022"} | months | weeks


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
    assert figures["conversations", "2022-02", "", ""] == (Decimal(0), "P")
    assert figures["clicks", "2022-03", "", ""] == (Decimal(0), "P")
    assert figures["clicks", "2022", "", ""] == (Decimal(1), "P")

    bad = pack([click("ben", "2022-02-10 12:00")])
    named = [("bad-2022-02-11.ndjson", bad)]
    log = read(always_open, *whole, click("anna", "2022-02-01"), quarantined=named)
    figures = reference.figures_of(log)
    assert figures["clicks", "2022-02", "", ""] == (Decimal(1), "P")
    assert figures["conversations", "2022-02", "", ""] == (Decimal(0), "A")
    assert figures["clicks", "2022-03", "", ""] == (Decimal(0), "A")


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
    assert reference.round_half_up(Fraction(-31, 2), 0) == -15
    assert reference.round_half_up(Fraction(-47, 3), 0) == -16


def test_every_defined_figure_is_counted_as_its_definition_says():
    with DEFINITIONS.open(encoding="utf-8", newline="") as lines:
        defined = {row["figure"]: row for row in csv.DictReader(lines)}
    assert defined.keys() == reference.FIGURES.keys()
    for name, figure in reference.FIGURES.items():
        row = defined[name]
        assert figure.base == ((row["basis"],) if row["basis"] != "both" else reference.BOTH)
        assert figure.decimals == int(row["decimals"])
        assert figure.breakdowns == tuple(row["breakdowns"].split())
        assert set(figure.periods) == set(row["period_types"].split())
        assert figure.has_total == (row["kind"] != "share")
    parts = reference.CHANGES | reference.MEANS
    parts |= {figure: part for figure, (part, _) in reference.SHARES.items()}
    assert {name: row["parts"] for name, row in defined.items() if name in parts} == parts
    rest_on_hours = {name for name, row in defined.items() if row["breaks_with"]}
    assert rest_on_hours == {
        name for name in defined if parts.get(name, name) in reference.RESTS_ON_HOURS
    }


def test_periods_have_their_days():
    assert reference.period_of("2022-W52")[2:] == (date(2022, 12, 26), date(2023, 1, 1))
    assert reference.period_of("2020-W53")[2:] == (date(2020, 12, 28), date(2021, 1, 3))
    assert reference.period_of("2020-01/2020-10")[2:] == (date(2020, 1, 1), date(2020, 10, 31))
    assert reference.period_of("2022-02")[1:] == ("month", date(2022, 2, 1), date(2022, 2, 28))
    assert reference.week_of(date(2021, 1, 3)) == "2020-W53"
    assert reference.year_before("2020-11/2021-02") == "2019-11/2020-02"


def covered_from(starts_at: str, ends_at: str) -> list[dict]:
    return [covered(log, starts_at, ends_at) for log in ("button", "chat")]


def test_a_week_counts_its_covered_days_and_a_range_its_valued_months(tmp_path):
    ranges = ["2021-11/2022-01", "2021-01/2021-11", "2022-02/2022-04"]
    folder = helpline(tmp_path, published=[published("clicks", name, 1) for name in ranges])
    log = read(
        folder,
        *covered_from("2021-12-29", "2022-01-01"),
        *(click(None, day) for day in ("2021-12-27", "2021-12-29", "2022-01-01", "2022-01-02")),
    )
    figures = reference.figures_of(log)
    clicks = {cell[1]: row for cell, row in figures.items() if cell[0] == "clicks" and not cell[2]}
    assert clicks == {
        "2021-12": (Decimal(2), "P"),  # that of 27 December too: its month has a value
        "2021": (Decimal(2), "P"),
        "2021-W52": (Decimal(1), "P"),
        "2021-11/2022-01": (Decimal(2), "P"),
    }
    assert reference.closed_periods(log) == dict.fromkeys(sorted(clicks), False)


def test_changes_and_means_are_of_periods_with_a_value(tmp_path):
    ranges = ["2022-01/2022-03"]
    folder = helpline(tmp_path, published=[published("clicks", name, 1) for name in ranges])
    days = ["2021-01-05"] * 8 + ["2021-03-05"] + ["2022-01-05"] * 3 + ["2022-02-05"]
    log = read(
        folder,
        *covered_from("2021-01-01", "2021-02-01"),
        *covered_from("2021-03-01", "2022-04-11"),
        *(click(None, f"{day} {12 + n % 8}:00") for n, day in enumerate(days)),
    )
    figures = reference.figures_of(log)
    assert figures["clicks", "2021-02", "", ""] == (None, "O")
    changes = {cell[1]: row for cell, row in figures.items() if cell[0] == "clicks_change_percent"}
    assert changes == {
        "2022-01": (Decimal(-62), "A"),  # 3 of 8: -62.5
        "2022-02": (None, "O"),
        "2022-03": (Decimal(-100), "A"),
        "2022-04": (None, "P"),  # of no click at all
        "2022": (Decimal(-56), "P"),  # 4 of 9: -55.6
        "2022-01/2022-03": (Decimal(-56), "P"),
    }
    means = {cell[1]: row for cell, row in figures.items() if cell[0] == "clicks_per_month"}
    assert means == {
        "2021": (Decimal("0.8"), "P"),  # 9 in 11 months
        "2022": (Decimal("1.0"), "P"),
        "2022-01/2022-03": (Decimal("1.3"), "A"),
    }


def test_shares_are_of_the_total_of_their_period(always_open):
    log = read(
        always_open,
        *(
            event
            for number, gender in enumerate(["female", "female", "male", None, "no code", "male"])
            for event in (
                request(f"s{number}", f"v{number}", f"2022-01-0{number + 1}"),
                answer(f"s{number}", "r1", f"2022-01-0{number + 1}"),
                register(f"s{number}", "2022-01-20", gender=gender),
            )
        ),
    )
    figures = reference.figures_of(log)
    shares = {cell[2:]: row[0] for cell, row in figures.items() if "callers_share" in cell[0]}
    assert {code: value for (name, code), value in shares.items() if name == "gender"} == {
        "female": 33,
        "male": 33,
        "other": 0,
        "unknown": 17,
        "unlisted": 17,
    }
    assert shares["age_band", "unknown"] == 100
    assert figures["conversations_share_percent", "2022-01", "weekday", "6"][0] == 17
    assert {cell[1] for cell in figures if "share" in cell[0]} == {"2022-01", "2022"}


def test_an_exclusion_takes_out_events_and_whole_sessions(tmp_path):
    lines = [
        exclusion("a visitor", "visitor", "bot", "2022-01-02", "2022-01-03"),
        exclusion("A page", "page", "/"),
        exclusion("buttons", "button", "busy"),
        exclusion("campaigns", "campaign", "spring"),
    ]
    log = read(
        helpline(tmp_path, exclusions=lines, campaigns=["spring,Spring,,,"]),
        click("bot", "2022-01-01 23:59:59.999"),
        click("bot", "2022-01-02", button="busy"),
        click("bot", "2022-01-02", page="https://host/?a", button="busy"),
        click("bot", "2022-01-03", button="busy", campaign="spring"),
        click("anna", "2022-01-03", page="/elsewhere", button="no code", campaign="no code"),
        end("s1", "2022-01-09"),
        schedule("s1", "anna", "2022-01-01"),
        request("s1", "bot", "2022-01-02 12:00"),
        answer("s1", "r1", "2022-01-05"),
        answer("s2", "r1", "2022-01-05"),
        *covered_from("2021-01-01", "2022-02-01"),
    )
    assert Counter(log.taken_out.values()) == {"A page": 1, "a visitor": 5, "buttons": 1}
    figures = reference.figures_of(log)
    assert figures["excluded_events", "2022-01", "", ""] == (Decimal(7), "P")
    by_exclusion = {
        cell[3]: row[0]
        for cell, row in figures.items()
        if cell[:3] == ("excluded_events", "2022-01", "exclusion")
    }
    assert by_exclusion == {"A page": 1, "a visitor": 5, "buttons": 1, "campaigns": 0}
    assert figures["clicks", "2022-01", "", ""] == (Decimal(2), "P")
    assert figures["attempts", "2022-01", "", ""] == (Decimal(2), "P")
    assert figures["answered_sessions", "2022-01", "", ""] == (Decimal(0), "P")


def test_what_is_excluded_was_delivered_all_the_same(tmp_path):
    folder = helpline(tmp_path, exclusions=[exclusion("bot", "visitor", "bot")])
    log = read(folder, click("bot", "2022-01-05"), click("anna", "2022-01-20"))
    assert min(log.covered_days["button"]) == date(2022, 1, 5)


def test_periods_close_when_all_logs_that_there_are_reach_past_them(always_open):
    button = covered("button", "2021-12-20", "2022-02-11")
    log = read(always_open, button)
    assert reference.closed_periods(log)["2022-01"]
    log = read(always_open, button, covered("chat", "2022-01-01", "2022-02-10"))
    closed = reference.closed_periods(log)
    assert [name for name, is_closed in closed.items() if is_closed] == [
        *("2021", "2021-12", "2021-W51", "2021-W52"),
        *(f"2022-W0{week}" for week in (1, 2, 3, 4)),
    ]


def test_a_series_breaks_where_the_times_of_a_week_change(tmp_path):
    hours = [
        "2020-01-01,2020-06-30,1,10:00,12:00,1",
        "2020-07-01,2020-12-31,1,10:00,11:00,1",  # the same times, written otherwise
        "2020-07-01,2020-12-31,1,11:00,12:00,2",
        "2021-01-01,2021-01-31,1,10:00,12:20,1",
        "2021-02-01,,2,10:00,12:20,1",
    ]
    log = read(helpline(tmp_path, opening_hours=hours), click("anna", "2021-01-01"))
    reasons = [
        "opening hours from 2021-01-01: 2.33333 h a week instead of 2 h",
        "opening hours from 2021-02-01: other times, 2.33333 h a week as before",
    ]
    for figure in ("answer_rate", "open_hours", "missed_pressers_change_percent"):
        told = [one.reason for one in log.breaks if one.figure == figure and one.kind != "start"]
    assert told == reasons
    assert reference.break_of(log, "answer_rate", "2021") == "; ".join(reasons)
    assert reference.break_of(log, "missed_attempts", "2020-W53") == reasons[0]
    assert reference.break_of(log, "missed_attempts", "2020-07/2020-12") == ""
    assert reference.break_of(log, "clicks", "2021") == ""


# Not shrunk: that takes minutes, and a failure can be read as it was found.
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(delivered=strategies.nights(), drawn=strategies.helplines())
def test_order_of_arrival_changes_nothing_and_identities_hold(tmp_path_factory, delivered, drawn):
    folder = strategies.helpline_of(tmp_path_factory.mktemp("helpline"), drawn, KEY)
    files = [file for night in delivered for file in night]
    exact = reference.exact_figures_of(reference.Log(files, folder, KEY))
    assert reference.exact_figures_of(reference.Log(files[::-1], folder, KEY)) == exact
    value = {cell: amount for cell, (amount, _) in exact.items() if amount is not None}
    for figure, period, breakdown, _ in value:
        total = value.get((figure, period, "", ""))
        if figure == "attempts" and not breakdown:
            outcomes = ("answered_attempts", "missed_attempts", "out_of_hours_attempts")
            assert total == sum(value[name, period, "", ""] for name in outcomes)
        if figure in ("missed_pressers", "out_of_hours_pressers", "unreached_pressers"):
            assert total <= value["pressers", period, "", ""]
        if figure == "conversations" and ("answered_sessions", period, "", "") in value:
            assert total <= value["answered_sessions", period, "", ""]
        if figure == "new_callers" and len(period) == 4:
            assert total == value["callers", period, "channel", "chat"]
    sums = Counter()
    for (figure, period, breakdown, _), amount in value.items():
        if breakdown:
            sums[figure, period, breakdown] += amount
    for (figure, period, breakdown), total in sums.items():
        whole = 100 if figure in reference.SHARES else value[figure, period, "", ""]
        assert total == whole, (figure, period, breakdown)
