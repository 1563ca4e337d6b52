"""What people read at its borders: ties, two breaks at once, rows of nothing, rounded months.

Direct tests of small inputs: `make mutants` runs them against each mutant of these modules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from publish import coordinator, report, sections
from publish.answer.source import Source, agrees
from publish.coordinator.build import HOURS_NAMED, small_weeks
from publish.coordinator.shifts import Hour
from publish.coordinator.tables import Tables as CoordinatorTables
from publish.disclosure.cells import Cell
from publish.public import Public, State, Value, breaks_of
from publish.report.summary import summary
from publish.tables import Tables, is_idle
from publish.words import Words
from tests.publics import make

COORDINATOR = Path(coordinator.__file__).with_name("words.toml")
REPORT = Path(report.__file__).with_name("words.toml")
BREAK = "opening hours from 2022-03-01: 9 h a week instead of 6 h"
OTHER = "opening hours from 2022-03-15: other times, 9 h a week as before"


def words(public: Public | None = None, language: str = "nl") -> Words:
    return Words(language, public, sections.TEXTS)


# Ties


def said_of_days(days: dict[str, object], total: int) -> str:
    """What the summary says of the busiest day; nothing if it says nothing."""
    values: dict = {("conversations", "2022"): total}
    for day, count in days.items():
        values["conversations", "2022", "weekday", day] = count
        values["conversations_share_percent", "2022", "weekday", day] = 20
    public = make(values)
    keys = summary(public, Words("nl", public, sections.TEXTS, REPORT))
    return next((key.written for key in keys if "meeste gesprekken" in key.label), "")


@pytest.mark.parametrize(
    ("days", "total", "said"),
    [
        ({"1": 9, "2": 8}, 17, "Maandag (20 %)"),
        ({"1": 8, "2": 9}, 17, "Dinsdag (20 %)"),
        ({"1": 9, "2": 9, "3": 8}, 26, "Maandag en dinsdag (20 %)"),
        ({"1": 9, "2": 9, "3": 9}, 27, "Maandag, dinsdag en woensdag (20 %)"),
        ({"1": 0, "2": 0}, 0, ""),
        # Hidden is at most what the shown ones leave: as many, one more, one less than the most.
        ({"1": 9, "2": State.CONFIDENTIAL}, 18, ""),
        ({"1": 9, "2": State.CONFIDENTIAL}, 19, ""),
        ({"1": 9, "2": State.CONFIDENTIAL}, 17, "Maandag (20 %)"),
    ],
)
def test_all_days_with_the_most_conversations_are_named(days, total, said):
    assert said_of_days(days, total).replace("\N{NO-BREAK SPACE}", " ") == said


def test_a_topic_that_nobody_knows_or_listed_is_not_the_one_noted_most():
    topics = {"unknown": 9, "unlisted": 9, "a": 5, "b": 5, "c": 4}
    values: dict = {("callers", "2022"): 32}
    values |= {("callers", "2022", "topic", code): count for code, count in topics.items()}
    values |= {("topics_share_percent", "2022", "topic", code): 16 for code in topics}
    public = make(values, codes=[("topic", code, code.upper()) for code in "abc"])
    written = [key.written for key in summary(public, Words("nl", public, sections.TEXTS, REPORT))]
    assert "A en B (16\N{NO-BREAK SPACE}%)" in written


def pictured(counts: Iterable[int]) -> str:
    hours = {(1, hour): Hour(count, 0, 0, 0, 1.0) for hour, count in enumerate(counts)}
    [month] = small_weeks({"2022-03": hours}, Words("nl", None, COORDINATOR))
    return month.weeks[0].label


def test_a_picture_names_all_hours_with_most_and_no_endless_list():
    assert pictured([1, 3, 2]).endswith("Meest op maandag 1–2 u.: 3.")
    assert pictured([3, 3, 2]).endswith("Meest op maandag 0–1 u. en maandag 1–2 u.: 3.")
    assert pictured([2] * HOURS_NAMED).count("maandag") == HOURS_NAMED
    assert "…" not in pictured([2] * HOURS_NAMED)
    assert pictured([2] * (HOURS_NAMED + 1)).endswith("maandag 2–3 u. en …: 2.")
    assert pictured([0, 0]).endswith("Geen enkele.")


# Two breaks at once


def test_each_of_two_breaks_is_said_in_the_language_of_the_reader():
    said = words().break_reason(f"{BREAK}; {OTHER}")
    first, second = said.split("; ")
    assert first == words().break_reason(BREAK)
    assert second == words().break_reason(OTHER)
    assert "opening hours" not in said
    assert "1 maart 2022" in first and "15 maart 2022" in second


def broken(*reasons: str) -> list[Value]:
    return [Value(State.FINAL, Decimal(1), break_reason=reason) for reason in reasons]


def test_breaks_are_given_one_by_one():
    assert list(breaks_of(broken("", "a; b", "b", "c"))) == ["a", "b", "b", "c"]
    assert list(breaks_of([])) == []


def test_a_break_that_two_values_share_is_said_once_under_a_table():
    public = make({("clicks", month): 5 for month in ("2022-03", "2022-04")})
    reasons = {"2022-03": f"{BREAK}; {OTHER}", "2022-04": OTHER}
    values = {
        cell: replace(value, break_reason=reasons[cell.period])
        for cell, value in public.values.items()
    }
    public = replace(public, values=values)
    notes = Tables(public, words(public)).by_month("clicks", "clicks", ["2022"]).notes
    assert len(notes) == 2
    assert ["1 maart" in notes[0], "15 maart" in notes[1]] == [True, True]


def test_a_sum_over_months_has_each_break_once():
    public = make({("clicks", month): 5 for month in ("2022-03", "2022-04")})
    reasons = {"2022-03": "a; b", "2022-04": "b; c"}
    values = {
        cell: replace(value, break_reason=reasons[cell.period])
        for cell, value in public.values.items()
    }
    source = Source(replace(public, values=values), "release")
    assert source.value(Cell("clicks", "2022-03/2022-04")).break_reason == "a; b; c"


# The row of unlisted codes


@pytest.mark.parametrize(
    ("values", "is_left_out"),
    [
        ([0, 0], True), ([0, 1], False), ([1, 0], False), ([0, State.NOT_APPLICABLE], True),
        ([0, State.ABSENT], True), ([0, State.CONFIDENTIAL], False), ([0, State.PENDING], False),
        ([0, State.MISSING], False), ([(State.PROVISIONAL, 1)], False),
    ],
)  # fmt: skip
def test_unlisted_codes_have_a_row_unless_there_are_none_for_sure(values, is_left_out):
    years = {
        ("callers", str(2021 + n), "gender", "unlisted"): value for n, value in enumerate(values)
    }
    public = make(years)
    found = [public.values[Cell(*key)] for key in years]
    assert is_idle("unlisted", found) is is_left_out
    assert not is_idle("unknown", found)


def test_a_year_without_callers_does_not_make_a_row_of_unlisted_codes():
    values: dict = {}
    for year, count in (("2021", 0), ("2022", 5)):
        values["callers", year] = count
        for code, part in (("girl", count), ("unlisted", 0)):
            values["callers", year, "gender", code] = part
            share = State.NOT_APPLICABLE if count == 0 else 100 * part // count
            values["callers_share_percent", year, "gender", code] = share
    public = make(values, codes=[("gender", "girl", "Meisje")])

    def labels(of: Public) -> list[str]:
        table = Tables(of, words(of)).by_category(
            "callers", "callers", "gender", ["2021", "2022"], "callers_share_percent"
        )
        return [line.label for line in table.lines]

    assert labels(public) == ["Meisje", "Totaal"]
    one = public.values | {
        Cell("callers", "2022", "gender", "unlisted"): Value(State.FINAL, Decimal(1))
    }
    assert labels(replace(public, values=one)) == ["Meisje", "unlisted", "Totaal"]


# Sums of what is rounded


def source(values: dict) -> Source:
    return Source(make(values), "release")


HOURS = Cell("open_hours", "2022-03/2022-05")


def test_rounded_months_are_not_added_up_to_a_total_that_nobody_rounded():
    # Three times a third of an hour is an hour, and three times 0.33 is not.
    given = source({("open_hours", f"2022-{month:02}"): "0.33" for month in (3, 4, 5)})
    assert given.value(HOURS).state is State.ABSENT
    assert given.value(HOURS).number is None
    # One month that happens to be whole makes no difference: it is rounded as well.
    whole = source({("open_hours", f"2022-{month:02}"): month for month in (3, 4, 5)})
    assert whole.value(HOURS).state is State.ABSENT
    stored = source({("open_hours", HOURS.period): "1.00"})
    assert stored.value(HOURS).number == 1


def test_counts_are_added_up_and_their_mean_and_change_are_rounded_once_half_up():
    months = {("clicks", f"2022-{month:02}"): n for month, n in ((3, 1), (4, 1), (5, 0))}
    months |= {("clicks", f"2021-{month:02}"): n for month, n in ((3, 8), (4, 0), (5, 0))}
    # A figure of which something is given by month, so that its definitions are known.
    months |= {("clicks_per_month", "2021"): 1, ("clicks_change_percent", "2022-03"): 1}
    given = source(months)
    span = "2022-03/2022-05"
    assert given.value(Cell("clicks", span)).number == 2
    assert given.value(Cell("clicks_per_month", span)).number == Decimal("0.7")
    assert given.value(Cell("clicks_change_percent", span)).number == -75
    assert given.whole_mean(Cell("clicks_per_month", span)).number == 1
    half = source(months | {("clicks", "2022-04"): 0, ("clicks", "2022-03"): 7})
    # 12.5 percent less is 12 percent less: half up, also below zero.
    assert half.value(Cell("clicks_change_percent", span)).number == -12
    nothing = source(months | {("clicks", "2021-03"): 0})
    assert nothing.value(Cell("clicks_change_percent", span)).state is State.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("value", "printed", "agreeing"),
    [
        ("2.5", "2", True), ("2.5", "3", True), ("2.6", "2", False), ("2.4", "3", False),
        ("2.5", "2.5", True), ("2.5", "2.50", True), ("2", "2.0", True), ("2", "3", False),
        ("3.5", "2", False),
    ],
)  # fmt: skip
def test_the_middle_of_two_printed_values_may_have_been_rounded_to_either(value, printed, agreeing):
    assert agrees(Decimal(value), Decimal(printed)) is agreeing


# Half up, wherever numbers are written


@pytest.mark.parametrize(
    ("number", "decimals", "written"),
    [
        ("2.5", 0, "3"), ("3.5", 0, "4"), ("-2.5", 0, "−2"), ("0.25", 1, "0,3"),
        ("1074.5", 0, "1.075"), ("-0.4", 0, "0"), ("4.9", 1, "4,9"), ("4", 2, "4,00"),
    ],
)  # fmt: skip
def test_a_number_with_more_decimals_is_written_half_up(number, decimals, written):
    assert words().number(Decimal(number), decimals) == written


@pytest.mark.parametrize(("number", "written"), [(15.5, "16"), (-15.5, "−15"), (0.5, "1")])
def test_the_coordinator_reads_numbers_half_up_too(number, written):
    assert CoordinatorTables(Words("nl", None, COORDINATOR)).number(number) == written
