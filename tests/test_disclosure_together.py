"""Who was answered is protected: answered attempts with conversations, and what tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest

from publish.disclosure.attacker import Range, audit
from publish.disclosure.cells import Cell, Publication
from publish.disclosure.derived import hidden_derived, operands, rounding
from publish.disclosure.registry import definitions_of_project
from publish.disclosure.suppression import Pattern, Proposal, choose, default_weight, publish
from publish.disclosure.together import BY_TIME, tied

FIGURES = definitions_of_project()
THRESHOLD = 5
OUTCOMES = ("answered_attempts", "missed_attempts", "out_of_hours_attempts")


def propose(values: Mapping[Cell, int], derived: Mapping[Cell, str] | None = None) -> Proposal:
    return Proposal(
        {cell: n for cell, n in values.items() if FIGURES[cell.figure].is_protected},
        {c: Decimal(n) for c, n in values.items() if not FIGURES[c.figure].is_protected},
        {cell: Decimal(value) for cell, value in (derived or {}).items()},
    )


def attempts_of(period: str, *outcomes: int, at: tuple[str, str] = ("", "")) -> dict[Cell, int]:
    """Attempts answered, missed and out of hours, and all of them."""
    cells = {Cell(f, period, *at): n for f, n in zip(OUTCOMES, outcomes, strict=True)}
    return cells | {Cell("attempts", period, *at): sum(outcomes)}


# --- operands


@pytest.mark.parametrize("at", [("", ""), ("hour", "19"), ("hour_of_week", "3-19")])
@pytest.mark.parametrize("figure", sorted(f for f, one in FIGURES.items() if not one.is_count))
def test_a_value_of_a_category_is_computed_from_counts_of_that_category(figure, at):
    """Of a share, the base is the total; of a change, it is the same category a year before."""
    definition = FIGURES[figure]
    needed = operands(Cell(figure, "2022", *at), FIGURES)
    expected = [Cell(part, "2022", *at) for part in definition.parts]
    if definition.kind == "share":
        expected.append(Cell(definition.parts[0], "2022"))
    if definition.is_of_known:
        expected.append(Cell(definition.parts[0], "2022", at[0], "unknown"))
    if definition.kind == "change":
        expected.append(Cell(definition.parts[0], "2021", *at))
    assert list(needed) == expected


def test_a_known_share_is_one_of_those_of_whom_it_is_known():
    share = Cell("callers_known_share_percent", "2022", "gender", "girl")
    part, total, unknown = operands(share, FIGURES)
    relations = rounding(share, Decimal(75), FIGURES, 12)
    for girls, is_so in ((29, False), (30, True), (31, False)):
        values = {part: Fraction(girls), total: Fraction(60), unknown: Fraction(20)}
        assert all(relation.holds(values) for relation in relations) == is_so


def test_an_answer_rate_by_hour_is_judged_by_its_hour():
    values = attempts_of("2022", 300, 700, 200) | attempts_of("2022", 3, 5, 0, at=("hour", "19"))
    counts = {
        cell._replace(figure="answered_in_hours_attempts"): n
        for cell, n in values.items()
        if cell.figure == "answered_attempts"
    }
    rates = [Cell("answer_rate", "2022"), Cell("answer_rate", "2022", "hour", "19")]
    hidden = frozenset(cell for cell, n in counts.items() if n < THRESHOLD)
    assert hidden_derived(rates, counts, hidden, FIGURES, THRESHOLD) == {rates[1]}


def test_what_a_rate_tells_holds_for_what_it_was_computed_from():
    answered, missed = (
        Cell(figure, "2022-01") for figure in ("answered_in_hours_attempts", "missed_attempts")
    )
    relations = rounding(Cell("answer_rate", "2022-01"), Decimal("27.3"), FIGURES, 1)
    truth = {missed: Fraction(8)}
    holding = [
        n
        for n in range(100)
        if all(one.holds(truth | {answered: Fraction(n)}) for one in relations)
    ]
    assert holding == [3]


def test_a_mean_of_attempts_tells_of_the_answered_ones():
    values = attempts_of("2022", 3, 40, 50)
    hidden = {Cell("attempts", "2022"), Cell("answered_attempts", "2022")}
    shown = {cell: Decimal(n) for cell, n in values.items() if cell not in hidden}
    content = Publication("content", shown, frozenset(hidden))
    document = Publication("answer", {Cell("attempts_per_month", "2022"): Decimal("7.8")})
    answered = Cell("answered_attempts", "2022")
    assert audit([content], [], FIGURES).ranges[answered] == Range(1, float("inf"))
    assert audit([content], [document], FIGURES).ranges[answered] == Range(3, 4)


# --- totals


def test_a_small_answered_total_hides_its_attempts_and_nothing_of_who_only_pressed():
    values = attempts_of("2022", 43, 300, 100)
    for month in range(1, 13):
        values |= attempts_of(f"2022-{month:02}", 3 if month == 4 else 3 + month % 3 + 1, 25, 8)
    values |= {Cell("pressers", "2022-04"): 3, Cell("missed_pressers", "2022-04"): 2}
    grown = {
        Cell("attempts_change_percent", "2022-04"): "10",
        Cell("missed_attempts_change_percent", "2022-04"): "10",
    }
    values |= attempts_of("2021-04", 30, 20, 20)
    pattern = choose(propose(values, grown), FIGURES, THRESHOLD)
    april = Cell("answered_attempts", "2022-04")
    assert april in pattern.primary
    for cell in pattern.primary | pattern.secondary:
        assert cell._replace(figure="attempts") in pattern.following
    assert {cell.figure for cell in pattern.hidden} == {
        "attempts",
        "answered_attempts",
        "attempts_change_percent",
    }
    assert Cell("answered_attempts", "2022") not in pattern.hidden
    assert pattern.unprotected == ()


# --- by time


def evening(conversations: list[list[int]], answered: list[list[int]]) -> dict[Cell, int]:
    """Two tables of weekdays and hours with their margins; two attempts missed in every cell."""
    values: dict[Cell, int] = {}

    def add(figure: str, day: int, hour: int, count: int) -> None:
        times = [("", ""), ("weekday", f"{day}"), ("hour", f"{hour}")]
        for at in (*times, ("hour_of_week", f"{day}-{hour}")):
            values[Cell(figure, "2022", *at)] = values.get(Cell(figure, "2022", *at), 0) + count

    for day, (first, second) in enumerate(zip(conversations, answered, strict=True), start=1):
        for hour, (talks, answers) in enumerate(zip(first, second, strict=True), start=18):
            add("conversations", day, hour, talks)
            add("answered_attempts", day, hour, answers)
            add("missed_attempts", day, hour, 2)
            add("out_of_hours_attempts", day, hour, 0)
            add("attempts", day, hour, answers + 2)
            add("clicks", day, hour, 2 * answers + 3)
    return values


CONVERSATIONS = [[9, 3, 8], [7, 12, 6], [11, 9, 0]]
ANSWERED = [[8, 6, 8], [7, 11, 6], [4, 10, 0]]


def groups_of(pattern: Pattern) -> set[tuple[str, str]]:
    return {(cell.breakdown, cell.category) for cell in pattern.hidden}


def test_by_time_the_cheapest_joint_pattern_is_found():
    """Of all patterns of whole cells that hide what must be hidden, no safe one costs less."""
    values = evening(CONVERSATIONS, ANSWERED)
    proposal = propose(values)
    pattern = choose(proposal, FIGURES, THRESHOLD)
    assert pattern.gap == 0
    assert pattern.unprotected == ()
    cells = sorted(c for c in proposal.counts if c.breakdown == "hour_of_week" and values[c])
    groups = sorted({cell.category for cell in cells})
    forced = {cell.category for cell in cells if values[cell] < THRESHOLD}
    assert forced == {"1-19", "3-18"}

    def hide(codes: tuple[str, ...]) -> frozenset[Cell]:
        return frozenset(cell for cell in cells if cell.category in codes)

    def loss(hidden: frozenset[Cell]) -> float:
        small = {cell for cell in hidden if values[cell] < THRESHOLD}
        return round(sum(default_weight(cell, values[cell]) for cell in hidden - small), 6)

    cheaper = [
        hidden
        for size in range(len(groups) - 1)
        for others in combinations(sorted(set(groups) - forced), size)
        if loss(hidden := hide((*forced, *others))) < pattern.loss
    ]
    assert len(cheaper) > 10
    for hidden in cheaper:
        bare = publish("bare", proposal, pattern_of(hidden, values))
        assert audit([bare], [], FIGURES).narrower_than(THRESHOLD)


def pattern_of(hidden: frozenset[Cell], values: Mapping[Cell, int]) -> Pattern:
    following = frozenset(
        cell._replace(figure=figure) for cell in hidden for figure in ("attempts", "clicks")
    )
    return Pattern(hidden, frozenset(), following, frozenset(), 0.0, 0.0, 0, 0, (), ())


def test_by_time_all_that_tells_is_hidden_and_zeros_and_missed_attempts_are_not():
    values = evening(CONVERSATIONS, ANSWERED)
    pattern = choose(propose(values), FIGURES, THRESHOLD)
    assert ("hour_of_week", "1-19") in groups_of(pattern)
    for breakdown, category in groups_of(pattern):
        assert breakdown in BY_TIME
        hidden = {cell.figure for cell in pattern.hidden if cell[2:] == (breakdown, category)}
        assert hidden == {"conversations", "answered_attempts", "attempts", "clicks"}
    assert not any(values[cell] == 0 for cell in pattern.hidden)


def test_a_zero_beside_a_hidden_count_stays():
    """Two sessions met in one attempt of the hour before: a conversation without an attempt."""
    answered = [[8, 9, 8], [7, 11, 6], [4, 10, 0]]
    conversations = [[9, 6, 8], [7, 12, 6], [11, 9, 3]]
    values = evening(conversations, answered)
    pattern = choose(propose(values), FIGURES, THRESHOLD)
    last = ("2022", "hour_of_week", "3-20")
    assert Cell("conversations", *last) in pattern.primary
    assert Cell("answered_attempts", *last) not in pattern.hidden
    assert Cell("missed_attempts", *last) not in pattern.hidden


# --- from a release that protected visitors instead


def test_after_an_upgrade_visitors_are_shown_and_what_was_shown_stays_so():
    year = attempts_of("2022", 40, 20, 30) | {
        Cell("conversations", "2022"): 41,
        Cell("pressers", "2022"): 60,
        Cell("missed_pressers", "2022"): 4,
    }
    values = evening(CONVERSATIONS, ANSWERED) | {
        cell: n for cell, n in year.items() if cell.figure.endswith("pressers")
    }
    hour = ("2022", "hour_of_week", "1-19")
    small = {Cell("missed_pressers", "2022")}
    talks = {c for c in values if c.figure == "conversations" and 0 < values[c] < THRESHOLD}
    rows = {
        Cell("conversations", "2022", "hour_of_week", code)
        for code in ("1-19", "1-18", "2-18", "2-19")
    }
    hidden = frozenset(small | talks | rows)
    older = Publication(
        "content 1",
        {cell: Decimal(n) for cell, n in values.items() if cell not in hidden},
        hidden,
    )
    later = values | {Cell("conversations", "2023-01"): 30} | attempts_of("2023-01", 3, 20, 5)
    pattern = choose(propose(later), FIGURES, THRESHOLD, [older])
    content = publish("content 2", propose(later), pattern)
    assert older.shown.items() <= content.shown.items()
    assert Cell("missed_pressers", "2022") in content.shown
    assert rows <= content.hidden
    assert Cell("answered_attempts", *hour) in content.shown
    assert tied(Cell("conversations", *hour))[1] in content.shown
    # What is new is protected as it is now.
    assert Cell("answered_attempts", "2023-01") in content.hidden
    assert Cell("attempts", "2023-01") in content.hidden
    assert pattern.contradictory == ()


# --- as little as possible is lost


def test_four_callers_by_mail_do_not_cost_the_profile_of_a_year():
    """The callers are those by chat and those by mail only, and every share rests on them."""
    kinds = {"channel": {"chat": 76, "mail_only": 4}}
    kinds |= {"gender": {"girl": 58, "boy": 16, "unknown": 6, "unlisted": 0}}
    kinds |= {"topic": {"emotional": 45, "sexual": 28, "unknown": 7}}
    year = {Cell("callers", "2022"): 80, Cell("new_callers", "2022"): 76} | {
        Cell("callers", "2022", breakdown, code): count
        for breakdown, counts in kinds.items()
        for code, count in counts.items()
    }
    shares = {
        Cell(figure, "2022", breakdown, code): str(round(100 * count / 80))
        for figure, breakdown in (("callers_share_percent", "gender"),
                                  ("topics_share_percent", "topic"))
        for code, count in kinds[breakdown].items()
    }  # fmt: skip
    months = {}
    for number, new in enumerate((9, 7, 6, 8, 5, 6, 7, 5, 6, 5, 7, 5), start=1):
        month = f"2022-{number:02}"
        months |= {
            Cell("new_callers", month): new,
            Cell("callers", month): new + 2,
            Cell("callers", month, "channel", "chat"): new + 2,
            Cell("callers", month, "channel", "mail_only"): 0,
        }
    mailed = {Cell("callers", f"2022-{n:02}", "channel", "mail_only"): 1 for n in (2, 3, 6, 9)}
    months |= mailed | {cell._replace(breakdown="", category=""): months[
        cell._replace(breakdown="", category="")] + 1 for cell in mailed}  # fmt: skip
    pattern = choose(propose(year | months, shares), FIGURES, THRESHOLD)
    assert pattern.unprotected == ()
    hidden_of_year = {cell for cell in pattern.hidden if cell.period == "2022"}
    assert hidden_of_year == {
        Cell("callers", "2022", "channel", "chat"),
        Cell("callers", "2022", "channel", "mail_only"),
        Cell("new_callers", "2022"),
    }
    zeros = {cell for cell, count in (year | months).items() if count == 0}
    assert zeros
    assert zeros.isdisjoint(pattern.hidden)
