"""What a reader can conclude: against every table there is, and planted leaks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.disclosure.attacker import Difference, Range, audit, differences, told_anyway
from publish.disclosure.cells import Cell, Definition, Publication

COUNTS = {
    "conversations": "sum",
    "answered_sessions": "sum",
    "referrals": "sum",
    "new_callers": "sum",
    "first_time_callers": "sum",
    "callers": "distinct",
    "missed_pressers": "distinct",
    "unreached_pressers": "distinct",
    "pressers": "distinct",
    "answered_attempts": "sum",
}
DEFINITIONS = {
    **{name: Definition(name, kind, True) for name, kind in COUNTS.items()},
    "clicks": Definition("clicks", "sum"),
    "missed_attempts": Definition("missed_attempts", "sum"),
    "attempts": Definition("attempts", "sum"),
    "out_of_hours_pressers": Definition("out_of_hours_pressers", "distinct"),
    "callers_share_percent": Definition("callers_share_percent", "share", False, ("callers",)),
    "clicks_per_conversation": Definition(
        "clicks_per_conversation", "ratio", False, ("clicks", "conversations")
    ),
    "conversations_per_month": Definition(
        "conversations_per_month", "mean", False, ("conversations",)
    ),
    "conversations_change_percent": Definition(
        "conversations_change_percent", "change", False, ("conversations",)
    ),
}
THRESHOLD = 5


def publication(
    values: Mapping[Cell, int | str], *hidden: Cell, name: str = "content"
) -> Publication:
    """A content or document that shows the values, and marks the hidden ones."""
    shown = {cell: Decimal(value) for cell, value in values.items() if cell not in hidden}
    return Publication(name, shown, frozenset(hidden))


def referred(code: str, period: str = "2022") -> Cell:
    return Cell("referrals", period, "referred_by", code)


def bounds(tables: Iterator[dict[Cell, int]], hidden: frozenset[Cell]) -> dict[Cell, Range]:
    """The least and greatest value of each hidden cell, by looking at all tables."""
    found = list(tables)
    return {
        cell: Range(min(table[cell] for table in found), max(table[cell] for table in found))
        for cell in hidden
    }


@given(st.lists(st.integers(0, 7), min_size=2, max_size=5), st.data())
def test_a_total_and_its_parts_are_bounded_as_by_enumeration(values, data):
    parts = [referred(str(number)) for number in range(len(values))]
    total = Cell("referrals", "2022")
    table = dict(zip(parts, values, strict=True)) | {total: sum(values)}
    may = [cell for cell in table if table[cell] > 0]
    hidden = frozenset(data.draw(st.sets(st.sampled_from(may)))) if may else frozenset()

    def tables() -> Iterator[dict[Cell, int]]:
        limit = 1 + (sum(values) if total not in hidden else 40)
        unknown = sorted(hidden - {total})
        for guess in product(range(1, limit), repeat=min(len(unknown), 3)):
            if len(unknown) > 3:
                break
            full = table | dict(zip(unknown, guess, strict=True))
            summed = sum(full[part] for part in parts)
            if total in hidden or summed == table[total]:
                yield full | {total: summed}

    found = audit([publication(table, *hidden)], [], DEFINITIONS).ranges
    assert found.keys() == hidden
    if len(hidden - {total}) <= 3 and total not in hidden:
        assert found == bounds(tables(), hidden)
    if total in hidden and len(hidden) > 1:
        assert all(math.isinf(found[cell].high) for cell in hidden)


def week_table(inner: list[list[int]]) -> dict[Cell, int]:
    """Conversations of three hours on three weekdays, with all margins and the total."""
    table = {Cell("conversations", "2022"): sum(map(sum, inner))}
    for day, row in enumerate(inner, 1):
        table[Cell("conversations", "2022", "weekday", str(day))] = sum(row)
        for hour, value in enumerate(row, 18):
            table[Cell("conversations", "2022", "hour_of_week", f"{day}-{hour}")] = value
            margin = Cell("conversations", "2022", "hour", str(hour))
            table[margin] = table.get(margin, 0) + value
    return table


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=3, max_size=3),
    st.data(),
)
def test_a_table_with_two_margins_is_bounded_as_by_enumeration(inner, data):
    table = week_table(inner)
    may = [cell for cell in table if table[cell] > 0 and cell.breakdown]
    hidden = frozenset(data.draw(st.sets(st.sampled_from(may), max_size=6))) if may else frozenset()
    unknown = sorted(cell for cell in hidden if cell.breakdown == "hour_of_week")

    def tables() -> Iterator[dict[Cell, int]]:
        limits = [range(1, table[Cell("conversations", "2022")] + 1)] * len(unknown)
        for guess in product(*(range(1, min(len(limit), 12) + 1) for limit in limits)):
            full = table | dict(zip(unknown, guess, strict=True))
            days = [[full[hour_of_week(d, h)] for h in (18, 19, 20)] for d in (1, 2, 3)]
            full = week_table(days)
            if all(full[cell] == table[cell] for cell in table.keys() - hidden) and all(
                full[cell] >= 1 for cell in hidden
            ):
                yield full

    def hour_of_week(day: int, hour: int) -> Cell:
        return Cell("conversations", "2022", "hour_of_week", f"{day}-{hour}")

    is_small = len(unknown) <= 4 and all(table[cell] <= 12 for cell in table if cell.breakdown)
    if is_small:
        found = audit([publication(table, *hidden)], [], DEFINITIONS).ranges
        assert found == bounds(tables(), hidden)


def year_of_callers(january: tuple[int, int], february: tuple[int, int, int], year_only: int):
    """Callers of two months: (chat, mail only), with the new ones of February, and their year."""
    chat, mail = january
    chat_2, mail_2, new_2 = february
    values = {}
    for period, chats, mails, new in (
        ("2022-01", chat, mail, chat),
        ("2022-02", chat_2, mail_2, new_2),
        ("2022", chat + new_2, year_only, chat + new_2),
    ):
        values |= {
            Cell("callers", period): chats + mails,
            Cell("callers", period, "channel", "chat"): chats,
            Cell("callers", period, "channel", "mail_only"): mails,
            Cell("new_callers", period): new,
        }
    return values


def years_of_callers(limit: int) -> Iterator[dict[Cell, int]]:
    """All such years with at most so many of each."""
    some = range(limit + 1)
    for chat, mail, chat_2, mail_2, new_2, year_only in product(some, repeat=6):
        year = chat + new_2 + year_only
        if (
            new_2 <= chat_2 <= chat + new_2
            and year_only <= mail + mail_2
            and max(chat + mail, chat_2 + mail_2) <= year <= chat + mail + chat_2 + mail_2
        ):
            yield year_of_callers((chat, mail), (chat_2, mail_2, new_2), year_only)


ALL_YEARS = list(years_of_callers(6))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([one for one in ALL_YEARS if max(one.values()) <= 5]), st.data())
def test_months_and_their_year_are_bounded_as_by_enumeration(table, data):
    may = sorted(cell for cell in table if table[cell] > 0)
    hidden = frozenset(data.draw(st.sets(st.sampled_from(may), max_size=5))) if may else frozenset()
    hidden -= {Cell("callers", "2022"), Cell("callers", "2022-01"), Cell("callers", "2022-02")}
    possible = [
        other
        for other in ALL_YEARS
        if all(other[cell] == table[cell] for cell in table.keys() - hidden)
        and all(other[cell] >= 1 for cell in hidden)
    ]
    found = audit([publication(table, *hidden)], [], DEFINITIONS).ranges
    assert found == bounds(iter(possible), hidden)


PARTS = {referred("a"): 3, referred("b"): 9, referred("c"): 20}
TOTAL = Cell("referrals", "2022")


def test_a_margin_published_elsewhere_gives_a_hidden_cell_away():
    content = publication(PARTS | {TOTAL: 32}, TOTAL, referred("a"))
    assert audit([content], [], DEFINITIONS).narrower_than(THRESHOLD) == []
    document = publication({TOTAL: 32}, name="answer")
    found = audit([content], [document], DEFINITIONS)
    assert found.narrower_than(THRESHOLD) == [(referred("a"), Range(3, 3))]
    assert TOTAL not in found.ranges


def test_what_a_later_content_shows_tells_on_an_earlier_one():
    first = publication(PARTS | {TOTAL: 32}, referred("a"), referred("b"))
    second = publication(PARTS | {TOTAL: 32}, referred("a"), TOTAL)
    for alone in (first, second):
        assert audit([alone], [], DEFINITIONS).narrower_than(THRESHOLD) == []
    found = audit([first, second], [], DEFINITIONS)
    assert found.narrower_than(THRESHOLD) == [(referred("a"), Range(3, 3))]


def test_two_contents_that_differ_by_one_person_are_named():
    first = publication(PARTS | {TOTAL: 32})
    second = publication(PARTS | {referred("c"): 21, TOTAL: 33})
    assert differences(first, second, DEFINITIONS, THRESHOLD) == [
        Difference(TOTAL, Decimal(32), Decimal(33)),
        Difference(referred("c"), Decimal(20), Decimal(21)),
    ]
    many = publication(PARTS | {referred("c"): 25, TOTAL: 37})
    assert differences(first, many, DEFINITIONS, THRESHOLD) == []
    clicks = Cell("clicks", "2022")
    assert not differences(
        publication({clicks: 4}), publication({clicks: 5}), DEFINITIONS, THRESHOLD
    )


def gender(code: str, figure: str = "callers") -> Cell:
    return Cell(figure, "2022", "gender", code)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("2", Range(3, 3)), ("2.0", Range(3, 3)), (None, Range(1, 19))],
)
def test_a_percentage_with_a_known_base_gives_its_count_away(printed, expected):
    table = {Cell("callers", "2022"): 150, gender("girl"): 130, gender("boy"): 17, gender("x"): 3}
    content = publication(table, gender("boy"), gender("x"))
    shares = {gender("x", "callers_share_percent"): printed} if printed else {}
    found = audit([content], [publication(shares)], DEFINITIONS)
    assert found.ranges[gender("x")] == expected


def test_a_percentage_tells_less_of_a_base_that_is_not_known():
    base = Cell("callers", "2022")
    table = {base: 160, gender("girl"): 150, gender("boy"): 7, gender("x"): 3}
    shares = publication({gender("x", "callers_share_percent"): "2"})
    known = publication(table, gender("boy"), gender("x"))
    assert audit([known], [shares], DEFINITIONS).ranges[gender("x")] == Range(3, 4)
    # Of a base from 152 on, 1.5 to 2.5 in a hundred.
    unknown = publication(table, gender("boy"), gender("x"), base)
    found = audit([unknown], [shares], DEFINITIONS).ranges[gender("x")]
    assert found.low == 3
    assert math.isinf(found.high)


def test_the_new_callers_of_january_are_its_chat_callers():
    chat = Cell("callers", "2022-01", "channel", "chat")
    mail = Cell("callers", "2022-01", "channel", "mail_only")
    table = {Cell("callers", "2022-01"): 40, chat: 37, mail: 3}
    found = audit([publication(table, chat, mail)], [], DEFINITIONS)
    assert found.ranges == {chat: Range(1, 39), mail: Range(1, 39)}
    leaking = publication(table | {Cell("new_callers", "2022-01"): 37}, chat, mail)
    assert audit([leaking], [], DEFINITIONS).ranges[mail] == Range(3, 3)
    in_march = {cell._replace(period="2022-03"): value for cell, value in table.items()}
    in_march[Cell("new_callers", "2022-03")] = 30
    hidden = [chat._replace(period="2022-03"), mail._replace(period="2022-03")]
    march = audit([publication(in_march, *hidden)], [], DEFINITIONS)
    assert march.ranges[hidden[1]] == Range(1, 10)


def test_distinct_persons_of_a_year_lie_between_its_largest_month_and_their_sum():
    months = {Cell("pressers", f"2022-{month:02}"): 10 * month for month in (1, 2, 3)}
    year, half = Cell("pressers", "2022"), Cell("pressers", "2022-01/2022-02")
    found = audit([publication(months | {year: 40}, year)], [], DEFINITIONS)
    assert found.ranges == {year: Range(30, 60)}
    found = audit([publication(months | {year: 40, half: 22}, year)], [], DEFINITIONS)
    assert found.ranges == {year: Range(30, 52)}
    found = audit([publication(months | {year: 40, half: 22}, half)], [], DEFINITIONS)
    assert found.ranges == {half: Range(20, 30)}
    # Somebody unreached in a month may be reached in another one of the year.
    unreached = {cell._replace(figure="unreached_pressers"): n for cell, n in months.items()}
    year = year._replace(figure="unreached_pressers")
    found = audit([publication(unreached | {year: 5}, year)], [], DEFINITIONS)
    assert found.ranges == {year: Range(1, 60)}


def test_a_mean_and_a_change_tell_on_the_counts_they_are_computed_from():
    month, year = Cell("conversations", "2022-01"), Cell("conversations", "2022")
    content = publication({month: 3, Cell("conversations", "2022-02"): 80, year: 83}, month, year)
    assert math.isinf(audit([content], [], DEFINITIONS).ranges[month].high)
    # Two months have rows, so 41.5 is 83 divided by two.
    mean = publication({Cell("conversations_per_month", "2022"): "41.5"})
    assert audit([content], [mean], DEFINITIONS).ranges[month] == Range(3, 3)
    before = publication({year: 83, Cell("conversations", "2021"): 200}, year)
    change = publication({Cell("conversations_change_percent", "2022"): "-59"})
    assert audit([before], [change], DEFINITIONS).ranges[year] == Range(81, 83)
    ratio = publication(
        {Cell("clicks", "2022"): 400, Cell("clicks_per_conversation", "2022"): "4.8"}
    )
    assert audit([before], [ratio], DEFINITIONS).ranges[year] == Range(83, 84)


def test_a_pending_month_keeps_its_year_open_and_a_month_without_row_does_not():
    june, july = (Cell("conversations", f"2022-{month:02}") for month in (6, 7))
    year = Cell("conversations", "2022")
    shown = {year: Decimal(90)}
    waiting = Publication("content", shown, frozenset({june}), frozenset({july}))
    assert audit([waiting], [], DEFINITIONS).ranges[june] == Range(1, 90)
    absent = Publication("content", shown, frozenset({june}))
    assert audit([absent], [], DEFINITIONS).ranges[june] == Range(90, 90)
    # A document may leave a month out that there is; a content may not.
    document = Publication("answer", shown | {july: Decimal(50)})
    only_june = Publication("content", {}, frozenset({june}))
    assert audit([only_june], [document], DEFINITIONS).ranges[june] == Range(1, 40)


def test_revised_years_are_held_apart_and_a_revised_document_is_forgotten():
    first = publication(PARTS | {TOTAL: 32}, referred("a"), referred("b"))
    revised = publication(PARTS | {referred("c"): 30, TOTAL: 41}, referred("a"), TOTAL)
    assert audit([first, revised], [], DEFINITIONS).ranges[referred("a")] == Range(1, 11)
    document = publication({referred("c"): 20, TOTAL: 42})
    assert audit([revised], [document], DEFINITIONS).ranges[referred("a")] == Range(3, 3)
    shows_total = publication(PARTS | {TOTAL: 41}, referred("a"), referred("b"))
    assert audit([shows_total], [document], DEFINITIONS).ranges[referred("a")] == Range(1, 20)
    assert audit([shows_total], [document], DEFINITIONS).contradictory == ()


def test_publications_that_contradict_each_other_are_named_and_the_last_content_judged_alone():
    content = publication(PARTS | {TOTAL: 32}, referred("a"), referred("b"))
    document = publication({referred("a"): 15})
    found = audit([content], [document], DEFINITIONS)
    assert found.contradictory == ((referred("b"),),)
    assert found.ranges[referred("b")] == Range(1, 11)


def test_a_percentage_that_no_whole_number_has_contradicts():
    table = {Cell("callers", "2022"): 150, gender("girl"): 130, gender("boy"): 17, gender("x"): 3}
    content = publication(table, gender("boy"), gender("x"))
    shares = publication({gender("x", "callers_share_percent"): "1.7"})
    found = audit([content], [shares], DEFINITIONS)
    assert found.contradictory == ((gender("boy"), gender("x")),)
    assert found.ranges[gender("x")] == Range(1, 19)


def test_attempts_that_are_no_secret_tell_on_those_who_made_them():
    pressers = Cell("missed_pressers", "2022-01")
    content = publication({Cell("missed_attempts", "2022-01"): 3, pressers: 2}, pressers)
    assert audit([content], [], DEFINITIONS).ranges[pressers] == Range(1, 3)
    assert told_anyway(content, DEFINITIONS)[pressers] == Range(1, 3)
    counted = content.shown | {Cell("pressers", "2022-01"): Decimal(2)}
    told = Publication("content", counted, content.hidden)
    assert audit([told], [], DEFINITIONS).ranges[pressers] == Range(1, 2)
    assert told_anyway(told, DEFINITIONS)[pressers] == Range(1, 3)


PRESSED = {
    Cell("pressers", "2022"): 12,
    Cell("unreached_pressers", "2022"): 4,
    Cell("out_of_hours_pressers", "2022"): 2,
    Cell("answered_attempts", "2022"): 6,
    Cell("attempts", "2022"): 12,
}


def test_what_holds_but_for_something_is_known_where_it_does():
    answered, attempts = Cell("answered_attempts", "2022"), Cell("attempts", "2022")
    content = publication(PRESSED, answered, attempts)
    # Without the truth, nobody relies on it.
    assert audit([content], [], DEFINITIONS).ranges[answered].low == 1
    assert audit([content], [], DEFINITIONS, PRESSED).ranges[answered].low == 6
    # Two visitors pressed before the new year and after it, in one attempt.
    straddled = PRESSED | {answered: 4}
    found = audit([content], [], DEFINITIONS, straddled)
    assert found.ranges[answered].low == 1
    assert found.untrue == ()


def test_a_relation_that_the_truth_breaks_is_dropped_and_named():
    truth = PARTS | {TOTAL: 33}
    content = publication(truth, referred("a"), referred("b"))
    sound = audit([content], [], DEFINITIONS, truth | {referred("b"): 10})
    assert sound.untrue == ()
    assert sound.ranges[referred("a")] == Range(1, 12)
    found = audit([content], [], DEFINITIONS, truth)
    assert found.untrue == (("referrers_sum_to_referrals", (TOTAL, *PARTS)),)
    assert found.contradictory == ()
    assert math.isinf(found.ranges[referred("a")].high)
