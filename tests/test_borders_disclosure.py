"""Disclosure control at its borders: exactly the threshold, half a unit, ties, and nothing.

Direct tests of small inputs: `make mutants` runs them against each mutant of these modules.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from publish.disclosure.attacker import (
    Audit,
    Difference,
    Range,
    audit,
    differences,
    told_anyway,
)
from publish.disclosure.cells import Cell, Definition, Publication
from publish.disclosure.derived import hidden_derived, is_protected, operands, rounding
from publish.disclosure.periods import (
    block_of,
    is_month,
    is_within_a_year,
    months_of,
    starts_a_year,
    year_before,
)
from publish.disclosure.polytope import ContradictionError, Polytope, whole_range
from publish.disclosure.reader import Component
from publish.disclosure.relation import Relation

THRESHOLD = 5
DEFINITIONS = {
    "conversations": Definition("conversations", "sum", True),
    "referrals": Definition("referrals", "sum", True),
    "callers": Definition("callers", "distinct", True),
    "clicks": Definition("clicks", "sum"),
    "attempts": Definition("attempts", "sum"),
    "callers_share_percent": Definition("callers_share_percent", "share", False, ("callers",)),
    "clicks_per_conversation": Definition(
        "clicks_per_conversation", "ratio", False, ("clicks", "conversations")
    ),
    "three_parts": Definition("three_parts", "ratio", False, ("clicks", "callers", "attempts")),
    "conversations_per_month": Definition(
        "conversations_per_month", "mean", False, ("conversations",)
    ),
    "clicks_per_month": Definition("clicks_per_month", "mean", False, ("clicks",)),
    "callers_change_percent": Definition("callers_change_percent", "change", False, ("callers",)),
    "wait_seconds_median": Definition("wait_seconds_median", "quantile", False, ("conversations",)),
    "clicks_median": Definition("clicks_median", "quantile", False, ("clicks",)),
}
YEAR = Cell("conversations", "2022")


def shows(values: dict[Cell, object], hidden=(), pending=(), name="content") -> Publication:
    shown = {cell: Decimal(str(value)) for cell, value in values.items()}
    return Publication(name, shown, frozenset(hidden), frozenset(pending))


# Two contents that differ


@pytest.mark.parametrize(
    ("earlier", "later", "is_named"),
    [
        (20, 20, False), (20, 21, True), (20, 19, True), (20, 24, True), (20, 16, True),
        (20, 25, False), (20, 15, False), (5, 0, False), (4, 0, True), (0, 1, True),
    ],
)  # fmt: skip
def test_contents_that_differ_by_1_up_to_the_threshold_are_named_not_by_it(
    earlier, later, is_named
):
    found = differences(shows({YEAR: earlier}), shows({YEAR: later}), DEFINITIONS, THRESHOLD)
    assert found == ([Difference(YEAR, Decimal(earlier), Decimal(later))] if is_named else [])


def test_only_protected_counts_that_both_show_are_compared():
    clicks, gone, new = Cell("clicks", "2022"), Cell("callers", "2021"), Cell("callers", "2022")
    earlier, later = shows({clicks: 8, gone: 8}), shows({clicks: 9, new: 9})
    assert differences(earlier, later, DEFINITIONS, THRESHOLD) == []


@pytest.mark.parametrize(("width", "is_given_away"), [(0, True), (4, True), (5, False), (6, False)])
def test_a_range_as_wide_as_the_threshold_gives_nothing_away(width, is_given_away):
    cell = Range(1, 1 + width)
    assert cell.width == width
    found = Audit({YEAR: cell}).narrower_than(THRESHOLD)
    assert found == ([(YEAR, cell)] if is_given_away else [])


def test_cells_that_are_given_away_are_sorted():
    cells = [Cell("callers", period) for period in ("2022", "2021")]
    found = Audit(dict.fromkeys(cells, Range(1, 2))).narrower_than(THRESHOLD)
    assert [cell.period for cell, _ in found] == ["2021", "2022"]


def referred(code: str) -> Cell:
    return Cell("referrals", "2022", "referred_by", code)


TOTAL = Cell("referrals", "2022")


def test_a_hidden_cell_is_at_least_1_and_at_most_what_the_shown_ones_leave():
    found = audit([shows({TOTAL: 9}, [referred("a"), referred("b")])], [], DEFINITIONS)
    assert found.ranges == {referred("a"): Range(1, 8), referred("b"): Range(1, 8)}
    assert found.contradictory == ()
    assert found.narrower_than(7) == []
    assert len(found.narrower_than(8)) == 2


def test_a_hidden_cell_that_nothing_bounds_has_no_greatest_value():
    hidden = Cell("callers", "2022")
    assert audit([shows({}, [hidden])], [], DEFINITIONS).ranges == {hidden: Range(1, math.inf)}


def test_publications_that_leave_no_table_are_named_and_the_last_is_judged_alone():
    wrong = shows({TOTAL: 9}, name="an answer")
    latest = shows({referred("a"): 20}, [referred("b")])
    found = audit([latest], [wrong], DEFINITIONS)
    assert len(found.contradictory) == 1
    assert referred("b") in found.contradictory[0]
    assert found.ranges == {referred("b"): Range(1, math.inf)}


def test_what_is_told_anyway_is_what_clicks_and_zeros_say():
    content = shows({TOTAL: 9, referred("a"): 0, referred("c"): 3}, [referred("b")])
    assert told_anyway(content, DEFINITIONS) == {referred("b"): Range(1, math.inf)}
    early = shows({TOTAL: 9, referred("a"): 0}, name="an answer")
    found = told_anyway(content, DEFINITIONS, documents=[early])
    assert found == {referred("b"): Range(1, 8)}
    assert told_anyway(shows({TOTAL: 9}, pending=[referred("b")]), DEFINITIONS) == {}


# What is computed from counts


def test_counts_are_computed_from_nothing_and_values_from_their_parts():
    share = Cell("callers_share_percent", "2022", "gender", "x")
    assert operands(Cell("clicks", "2022"), DEFINITIONS) == ()
    assert operands(share, DEFINITIONS) == (
        Cell("callers", "2022", "gender", "x"), Cell("callers", "2022"),
    )  # fmt: skip
    assert operands(Cell("callers_change_percent", "2022-01"), DEFINITIONS) == (
        Cell("callers", "2022-01"), Cell("callers", "2021-01"),
    )  # fmt: skip
    assert operands(Cell("clicks_per_conversation", "2022"), DEFINITIONS) == (
        Cell("clicks", "2022"), YEAR,
    )  # fmt: skip
    assert is_protected(YEAR, DEFINITIONS)
    assert not is_protected(Cell("clicks", "2022"), DEFINITIONS)


QUANTILE, RATIO = Cell("wait_seconds_median", "2022"), Cell("clicks_per_conversation", "2022")


@pytest.mark.parametrize(
    ("conversations", "is_hidden"), [(0, False), (1, True), (4, True), (5, False), (6, False)]
)
def test_a_quantile_of_fewer_than_the_threshold_is_hidden_not_of_the_threshold(
    conversations, is_hidden
):
    hidden = hidden_derived(
        [QUANTILE, RATIO], {YEAR: conversations}, frozenset(), DEFINITIONS, THRESHOLD
    )
    assert hidden == ({QUANTILE} if is_hidden else set())


@pytest.mark.parametrize(
    ("unseen", "is_hidden"),
    [({YEAR: 0}, False), ({YEAR: 1}, True), ({YEAR: 4}, True), ({YEAR: 5}, False), ({}, True)],
)
def test_a_value_over_a_pending_count_is_hidden_if_that_is_small_or_not_known(unseen, is_hidden):
    for value in (QUANTILE, RATIO):
        hidden = hidden_derived([value], {}, frozenset(), DEFINITIONS, THRESHOLD, unseen)
        assert hidden == ({value} if is_hidden else set())


def test_a_value_goes_with_a_hidden_count_unless_it_was_shown_before():
    unprotected = Cell("clicks_median", "2022")
    given = ([QUANTILE, RATIO, unprotected], {YEAR: 50}, {YEAR}, DEFINITIONS, THRESHOLD)
    assert hidden_derived(*given) == {QUANTILE, RATIO}
    assert hidden_derived(*given, kept={RATIO}) == {QUANTILE}


def test_a_printed_share_says_half_a_unit_on_either_side_and_both_ends():
    share = Cell("callers_share_percent", "2022", "gender", "x")
    part, whole = operands(share, DEFINITIONS)
    low, high = rounding(share, Decimal(25), DEFINITIONS, 12)
    for count, is_within in ((244, False), (245, True), (255, True), (256, False)):
        values = {part: count, whole: 1000}
        assert (low.holds(values) and high.holds(values)) is is_within
    low, high = rounding(share, Decimal("25.0"), DEFINITIONS, 12)
    for count, is_within in ((2494, False), (2495, True), (2505, True), (2506, False)):
        values = {part: count, whole: 10000}
        assert (low.holds(values) and high.holds(values)) is is_within


def test_a_printed_change_says_by_how_much_both_years_differ():
    change = Cell("callers_change_percent", "2022")
    now, before = operands(change, DEFINITIONS)
    low, high = rounding(change, Decimal(-10), DEFINITIONS, 12)
    for count, is_within in ((8949, False), (8950, True), (9050, True), (9051, False)):
        values = {now: count, before: 10000}
        assert (low.holds(values) and high.holds(values)) is is_within


def test_a_printed_mean_says_what_its_months_add_up_to():
    mean = Cell("conversations_per_month", "2022-01/2022-10")
    [relation] = rounding(mean, Decimal("7.7"), DEFINITIONS, 10)
    assert relation == Relation.of(
        {Cell("conversations", "2022-01/2022-10"): 1}, low=Fraction(153, 2), high=Fraction(155, 2)
    )


def test_a_printed_ratio_says_what_its_two_parts_are_to_each_other():
    low, high = rounding(RATIO, Decimal("4.9"), DEFINITIONS, 12)
    for clicks, is_within in ((484, False), (485, True), (495, True), (496, False)):
        values = {Cell("clicks", "2022"): clicks, YEAR: 100}
        assert (low.holds(values) and high.holds(values)) is is_within


@pytest.mark.parametrize("figure", ["wait_seconds_median", "clicks_per_month", "three_parts"])
def test_quantiles_unprotected_values_and_other_ratios_say_nothing(figure):
    assert rounding(Cell(figure, "2022"), Decimal(7), DEFINITIONS, 12) == ()


# Cells, periods, relations


def test_kinds_that_count_are_sums_and_distinct_counts():
    kinds = ("sum", "distinct", "ratio", "quantile", "share", "change", "mean")
    assert [Definition("x", kind).is_count for kind in kinds] == [True, True] + 5 * [False]
    assert not Definition("x", "sum").is_protected


def test_a_reader_has_values_and_marks():
    a, b, c = (Cell("clicks", period) for period in ("2020", "2021", "2022"))
    assert Publication("x", {a: Decimal(1)}, frozenset({b}), frozenset({c})).mentioned == {a, b, c}


@pytest.mark.parametrize(
    ("period", "months"),
    [
        ("2022-03", ("2022-03",)), ("2022-W09", ()), ("2021-12/2022-01", ("2021-12", "2022-01")),
        ("2022-03/2022-03", ("2022-03",)), ("2022-11/2022-12", ("2022-11", "2022-12")),
        ("0999-12/1000-01", ("0999-12", "1000-01")),
    ],
)  # fmt: skip
def test_a_period_has_the_months_from_its_first_through_its_last(period, months):
    assert months_of(period) == months


def test_a_year_has_its_twelve_months():
    months = months_of("2022")
    assert (months[0], months[8], months[9], months[-1]) == (
        "2022-01", "2022-09", "2022-10", "2022-12",
    )  # fmt: skip
    assert len(months) == 12


@pytest.mark.parametrize(
    ("period", "month", "within", "starts", "block", "before"),
    [
        ("2022", False, True, True, "2022", "2021"),
        ("2022-01", True, True, True, "2022", "2021-01"),
        ("2022-12", True, True, False, "2022", "2021-12"),
        ("2022-01/2022-02", False, True, True, "2022", "2021-01/2021-02"),
        ("2022-02/2022-03", False, True, False, "2022", "2021-02/2021-03"),
        ("2021-01/2022-01", False, False, False, "2022", "2020-01/2021-01"),
        ("2022-01/2022-01", False, True, True, "2022", "2021-01/2021-01"),
        ("2022-W09", False, False, False, "2022", "2021-W09"),
        ("1000-01", True, True, True, "1000", "0999-01"),
    ],
)
def test_a_period_knows_its_year_and_the_one_before(period, month, within, starts, block, before):
    found = (is_month(period), is_within_a_year(period), starts_a_year(period), block_of(period))
    assert (*found, year_before(period)) == (month, within, starts, block, before)


@pytest.mark.parametrize(
    ("low", "high", "holding"), [(2, 4, [2, 3, 4]), (None, 3, [1, 2, 3]), (4, None, [4, 5])]
)
def test_a_relation_holds_with_both_its_bounds(low, high, holding):
    relation = Relation.of({"a": 1}, low, high)
    assert [value for value in range(1, 6) if relation.holds({"a": value})] == holding
    # With a known value put in, the rest has what is left.
    rest = Relation.of({"a": 1, "b": 2}, low, high).substitute({"b": 1})
    assert [value for value in range(-1, 4) if rest.holds({"a": value})] == [n - 2 for n in holding]
    assert rest.terms == (("a", 1),)


def test_sums_are_exact_and_at_most_allows_as_many():
    parts = Relation.sum("whole", ["a", "b"])
    assert [parts.holds({"whole": 5, "a": 2, "b": b}) for b in (2, 3, 4)] == [False, True, False]
    most = Relation.at_most(["a"], ["b", "c"])
    assert [most.holds({"a": a, "b": 1, "c": 2}) for a in (2, 3, 4)] == [True, True, False]
    assert Relation.of({"b": 1, "a": 2}, 1) == Relation.of({"a": 2, "b": 1}, 1)
    assert Relation.of({"a": 2}, 0, 1).rename({"a": "z"}) == Relation.of({"z": 2}, 0, 1)


# The solver


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.0, 4.0, (1, 4)), (1.000009, 3.999991, (1, 4)), (1.00002, 3.99998, (2, 3)),
        (0.5, 4.5, (1, 4)), (0.999991, 4.000009, (1, 4)), (1.0, math.inf, (1, math.inf)),
    ],
)  # fmt: skip
def test_bounds_are_rounded_inwards_but_for_the_noise_of_the_solver(low, high, expected):
    assert whole_range(low, high) == expected


def polytope(*relations: Relation, least=None) -> Polytope:
    names = tuple(sorted({name for relation in relations for name, _ in relation.terms}))
    return Polytope(Component(names, tuple(relations)), least or {})


def test_the_least_and_greatest_are_those_of_all_tables():
    found = polytope(Relation.sum("whole", ["a", "b"]), Relation.of({"whole": 1}, 9, 9))
    a = found.index["a"]
    assert (found.least(a).value, found.greatest(a).value) == (0, 9)
    found.confine(found.index["b"], 2, 4)
    assert (found.least(a).value, found.greatest(a).value) == (5, 7)
    found.confine(found.index["b"], 2)
    assert (found.least(a).value, found.greatest(a).value) == (0, 7)
    assert list(found.greatest(a).table) == [7, 2, 9]
    assert found.lean({a: 1.0, found.index["b"]: 2.0}).value == 11
    # What was asked before does not weigh on what is asked now.
    assert found.least(found.index["b"]).value == 2


def test_a_price_is_what_an_extreme_gives_way_for_one_more():
    found = polytope(Relation.sum("whole", ["a", "b"]), Relation.of({"whole": 1}, 9, 9),
                     least={"a": 1, "b": 1})  # fmt: skip
    greatest = found.greatest(found.index["a"])
    assert greatest.value == 8
    assert abs(greatest.prices[found.index["b"]]) == 1


def test_what_nothing_bounds_is_endless_and_what_cannot_be_contradicts():
    assert polytope(Relation.of({"a": 1}, 3)).greatest(0).value == math.inf
    assert polytope(Relation.of({"a": 1}, 3)).least(0).value == 3
    impossible = polytope(Relation.of({"a": 1}, 3), Relation.of({"a": 1}, None, 2))
    with pytest.raises(ContradictionError):
        impossible.least(0)
