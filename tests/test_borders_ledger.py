"""The ledger at its borders: the day of publication, exactly the threshold, ties, and nothing.

Direct tests of small inputs: `make mutants` runs them against each mutant of these modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest

from publish.contradictions import tell
from publish.disclosure.cells import Cell, Definition
from publish.ledger import (
    IN_PUBLIC,
    Contradiction,
    Found,
    as_text,
    decimals_of,
    find_contradictions,
    name,
    published_documents,
    read_documents,
    read_found,
    read_revisions,
    rounded,
)
from publish.months import accepted_line, spans, stretches
from publish.provisional import with_provisional
from publish.publications import (
    Content,
    Publications,
    Row,
    as_publication,
    closes_a_year,
)
from publish.waiting import held_to_what_waits, rests_on, without_what_waits, years_to_wait
from tests.ledgers import ledger

THRESHOLD = 5
DEFINITIONS = {
    "conversations": Definition("conversations", "sum", True),
    "callers": Definition("callers", "distinct", True),
    "clicks": Definition("clicks", "sum"),
    "attempts": Definition("attempts", "distinct"),
    "clicks_per_conversation": Definition(
        "clicks_per_conversation", "ratio", False, ("clicks", "conversations")
    ),
    "clicks_change_percent": Definition("clicks_change_percent", "change", False, ("clicks",)),
    "wait_seconds_median": Definition("wait_seconds_median", "quantile", False, ("conversations",)),
}
MONTHS = tuple(f"2022-{month:02}" for month in range(1, 13))


def row(figure: str, period: str, value: object, status: str = "A", mark: str = "F", **more) -> Row:
    cells = {"breakdown": "", "category": ""} | more
    return Row(
        figure, period, cells["breakdown"], cells["category"], str(value), "", "", status, mark,
        "", "0", "1",
    )  # fmt: skip


def rows(*given: Row) -> dict[Cell, Row]:
    return {one.cell: one for one in given}


def pending(figure: str, period: str) -> Row:
    return row(figure, period, "", "P", "N")


# A revision, and the threshold


@pytest.mark.parametrize(
    ("earlier", "later", "waits"),
    [
        (20, 20, False), (20, 21, True), (20, 19, True), (20, 24, True), (20, 16, True),
        (20, 25, False), (20, 15, False), (20, 26, False), (0, 1, True),
        (4, 0, True), (5, 0, False),
    ],
)  # fmt: skip
def test_a_year_waits_for_revisions_by_1_up_to_the_threshold_not_by_it(earlier, later, waits):
    before = rows(row("conversations", "2022-03", earlier))
    now = rows(row("conversations", "2022-03", later))
    assert years_to_wait(before, now, DEFINITIONS, THRESHOLD) == ({"2022"} if waits else set())


def test_a_year_waits_only_for_protected_counts_that_were_and_are_shown():
    def years(before: Row, now: Row) -> frozenset[str]:
        return years_to_wait(rows(before), rows(now), DEFINITIONS, THRESHOLD)

    assert years(row("callers", "2021", 9), row("callers", "2021", 10)) == {"2021"}
    assert years(row("callers", "2020-11/2021-02", 9), row("callers", "2020-11/2021-02", 8)) == {
        "2021"
    }
    assert not years(row("clicks", "2021", 9), row("clicks", "2021", 10))
    assert not years(row("callers", "2021", 9), row("callers", "2022", 10))
    assert not years(row("callers", "2021", 9, "P"), row("callers", "2021", 10))
    assert not years(row("callers", "2021", 9), row("callers", "2021", 10, "P"))
    assert not years(row("callers", "2021", "", mark="C"), row("callers", "2021", 10))
    assert not years(row("callers", "2021", 9), row("callers", "2021", "", mark="C"))


def test_a_year_that_waits_is_shown_as_it_was_and_others_as_they_are():
    before = rows(row("callers", "2021-12", 9), row("callers", "2022-01", 30))
    now = rows(row("callers", "2021-12", 10), row("callers", "2022-01", 40))
    held = held_to_what_waits(before, now, frozenset({"2021"}), DEFINITIONS)
    assert [one.value for one in held.values()] == ["9", "40"]
    held = held_to_what_waits(before, now, frozenset(), DEFINITIONS)
    assert [one.value for one in held.values()] == ["10", "40"]


def test_what_was_hidden_or_provisional_does_not_hold_what_is_now():
    before = rows(row("callers", "2021-12", "", mark="C"), row("clicks", "2021-12", 8, "P"))
    now = rows(row("callers", "2021-12", "", mark="N"), row("clicks", "2021-12", 9))
    assert held_to_what_waits(before, now, frozenset(), DEFINITIONS) == now


def test_what_lost_its_final_value_is_shown_as_it_was():
    before = rows(row("callers", "2021-12", 9))
    now = rows(pending("callers", "2021-12"))
    assert held_to_what_waits(before, now, frozenset(), DEFINITIONS) == before


def test_what_is_new_and_rests_on_a_year_that_waits_is_pending():
    now = rows(
        row("callers", "2021", 9),
        row("clicks", "2020-11/2021-02", 9),
        row("clicks_change_percent", "2022-03", 9),
        row("callers", "2021-03", 9),
        row("callers", "2022", 9),
    )
    held = held_to_what_waits({}, now, frozenset({"2021"}), DEFINITIONS)
    assert [(one.value, one.obs_status, one.conf_status) for one in held.values()] == [
        ("", "P", "N"), ("", "P", "N"), ("", "P", "N"), ("9", "A", "F"), ("9", "A", "F"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "period", "years"),
    [
        ("clicks", "2022-03", set()),
        ("clicks", "2022", {"2022"}),
        ("clicks", "2022-W09", set()),
        ("clicks", "2021-12/2022-01", {"2021", "2022"}),
        ("clicks", "2022-01/2022-12", {"2022"}),
        ("clicks_change_percent", "2022-01", {"2021", "2022"}),
        ("clicks_change_percent", "2022", {"2021", "2022"}),
    ],
)
def test_a_cell_rests_on_the_years_of_what_it_is_computed_from(figure, period, years):
    assert rests_on(Cell(figure, period), DEFINITIONS[figure]) == years


def test_nothing_is_told_so_far_of_a_year_that_waits():
    so_far = {
        Cell("clicks", "2021-12"): "1",
        Cell("clicks", "2022-01"): "2",
        Cell("clicks", "2021-12/2022-01"): "3",
        Cell("clicks_change_percent", "2022-01"): "4",
        Cell("clicks_change_percent", "2023-01"): "5",
    }
    kept = without_what_waits(so_far, {"2021"}, DEFINITIONS)
    assert sorted(kept.values()) == ["2", "5"]


# Values so far


def so_far(given: dict[Cell, Row], values: dict[Cell, str], printed=None) -> dict[Cell, Row]:
    return with_provisional(given, values, DEFINITIONS, printed or {})


def test_a_quantile_over_pending_conversations_waits_even_if_their_number_is_shown():
    year = Cell("conversations", "2022")
    given = rows(
        pending("wait_seconds_median", "2022"),
        pending("clicks_per_conversation", "2022"),
        pending("conversations", "2022"),
        row("clicks", "2022", 90),
    )
    values = {
        Cell("wait_seconds_median", "2022"): "40",
        Cell("clicks_per_conversation", "2022"): "4.5",
        year: "20",
    }
    shown = so_far(given, values, {year: Decimal(20)})
    assert shown[year].is_provisional
    assert shown[Cell("clicks_per_conversation", "2022")].value == "4.5"
    assert shown[Cell("wait_seconds_median", "2022")] == pending("wait_seconds_median", "2022")


def test_a_value_so_far_is_shown_with_all_that_it_is_computed_from_and_not_with_a_part():
    ratio = Cell("clicks_per_conversation", "2022")
    given = rows(
        pending("clicks_per_conversation", "2022"),
        pending("conversations", "2022"),
        row("clicks", "2022", 90),
    )
    assert so_far(given, {ratio: "4.5"})[ratio].value == ""
    without_row = {cell: one for cell, one in given.items() if cell.figure != "conversations"}
    assert so_far(without_row, {ratio: "4.5"})[ratio].value == ""


def test_a_printed_value_is_shown_as_long_as_it_is_the_same():
    cell = Cell("callers", "2022-07")
    given = rows(pending("callers", "2022-07"))
    assert so_far(given, {cell: "12"}, {cell: Decimal("12.0")})[cell].value == "12"
    assert so_far(given, {cell: "12"}, {cell: Decimal(13)})[cell].value == ""
    assert so_far(given, {cell: "12"}, {cell: Decimal(11)})[cell].value == ""


def test_a_total_so_far_needs_a_row_of_every_month_that_is_not_missing():
    figure = "clicks"
    year = Cell(figure, "2022")
    given = rows(*(pending(figure, period) for period in ("2022", *MONTHS)))
    assert so_far(given, {year: "7"})[year]._replace(value="") == pending(figure, "2022")._replace(
        conf_status="F"
    )
    without_last = {cell: one for cell, one in given.items() if cell.period != "2022-12"}
    assert so_far(without_last, {year: "7"})[year].value == ""
    is_missing = given | rows(row(figure, "2022-12", "", "O"))
    assert so_far(is_missing, {year: "7"})[year].value == ""


def test_months_and_counts_of_persons_wait():
    month, persons = Cell("clicks", "2022-07"), Cell("callers", "2022")
    given = rows(*(pending(f, p) for f in ("clicks", "callers") for p in ("2022", *MONTHS)))
    shown = so_far(given, {month: "7", persons: "9"})
    assert shown == given


def test_what_is_held_back_for_another_reason_is_not_shown_so_far():
    ratio, final = Cell("clicks_per_conversation", "2022"), Cell("clicks", "2022-07")
    given = rows(
        row("clicks_per_conversation", "2022", "", "P", "C"),
        row("clicks", "2022", 90),
        row("conversations", "2022", 20),
        row("clicks", "2022-07", 6),
    )
    assert so_far(given, {ratio: "4.5", final: "7"}, {final: Decimal(7)}) == given


# The day of publication

CELL = Cell("conversations", "2022-03")


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty ledger."""
    figures = ("callers", "clicks", "clicks_per_conversation", "conversations")
    with ledger(dict.fromkeys(figures, (1, "chat"))) as connection:
        yield connection


def count(connection, value: str, cell=CELL, numerator=None, denominator=1, status="A") -> None:
    connection.execute(
        "insert into figures.figures values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [*cell, value, len(value.partition(".")[2]), numerator, denominator, status],
    )


def publish(connection, value: str, on: str, document="an answer", cell=CELL) -> None:
    connection.execute(
        "insert into raw.published values ($1, $2, $3, $4, $5, $6, $6, $7)",
        [document, *cell, value, on],
    )


def revise(connection, value: str, on: str, cell=CELL) -> None:
    connection.execute(
        "insert into raw.revisions values ($1, $2, $3, $4, $5, 'a reason', 'an author', $6)",
        [*cell, value, on],
    )


REVISED = {"the day before": "2023-01-29", "the same day": "2023-01-30", "after": "2023-01-31"}


@pytest.mark.parametrize("when", REVISED)
def test_a_revision_of_the_day_of_publication_is_one_of_what_was_published(warehouse, when):
    count(warehouse, "61", numerator=61)
    publish(warehouse, "60", "2023-01-30")
    revise(warehouse, "61", REVISED[when])
    found = find_contradictions(warehouse, {}, {})
    assert [one.published for one in found] == (["60"] if when == "the day before" else [])


@pytest.mark.parametrize("when", REVISED)
def test_a_reader_has_of_a_document_what_was_not_revised_on_its_day_or_after(warehouse, when):
    other = CELL._replace(period="2022-04")
    publish(warehouse, "60", "2023-01-30")
    publish(warehouse, "7", "2023-01-30", cell=other)
    revise(warehouse, "61", REVISED[when])
    [document] = published_documents(warehouse)
    kept = {CELL: Decimal(60)} if when == "the day before" else {}
    assert document.shown == kept | {other: Decimal(7)}


def test_of_two_revisions_on_one_day_the_later_line_holds(warehouse):
    revise(warehouse, "61", "2023-02-02")
    revise(warehouse, "62", "2023-02-02")
    revise(warehouse, "63", "2023-02-01")
    assert read_revisions(warehouse) == {CELL: ("62", "2023-02-02")}


def test_what_was_revised_after_one_document_stands_in_a_later_one(warehouse):
    publish(warehouse, "60", "2023-01-30", "first")
    revise(warehouse, "61", "2023-02-02")
    publish(warehouse, "61", "2023-02-03", "second")
    publish(warehouse, "", "2023-02-03", "second", CELL._replace(period="2022-04"))
    [document] = published_documents(warehouse)
    assert (document.name, document.shown) == ("second", {CELL: Decimal(61)})
    assert [value for _, value, *_ in read_documents(warehouse)] == ["60", "61"]


# What is found, and what contradicts it


def test_only_a_final_value_with_its_quotient_is_final():
    assert Found("4", Fraction(4), "A").is_final
    assert not Found("4", Fraction(4), "P").is_final
    assert not Found("", None, "A").is_final


def test_a_value_without_a_number_has_no_quotient(warehouse):
    missing, over_zero = CELL._replace(period="2022-04"), CELL._replace(period="2022-05")
    count(warehouse, "4.25", numerator=17, denominator=4)
    warehouse.execute(
        "insert into figures.figures values"
        " ('conversations', '2022-04', '', '', null, 0, null, null, 'O'),"
        " ('conversations', '2022-05', '', '', null, 0, 3, 0, 'A')"
    )
    absent = CELL._replace(period="2022-06")
    found = read_found(warehouse, [CELL, missing, over_zero, absent])
    assert found == {
        CELL: Found("4.25", Fraction(17, 4), "A"),
        missing: Found("", None, "O"),
        over_zero: Found("", None, "A"),
    }
    assert read_found(warehouse, []) == {}
    assert read_found(warehouse, [absent]) == {}


def shown(value: str, cell: Cell = CELL) -> dict[Cell, Row]:
    return rows(row(cell.figure, cell.period, value))


def test_public_is_contradicted_by_a_value_on_either_side_and_settled_by_a_revision(
    warehouse,
):
    count(warehouse, "60", numerator=60)
    assert find_contradictions(warehouse, shown("60"), {}) == []
    for other in ("59", "61"):
        [found] = find_contradictions(warehouse, shown(other), {})
        assert found == Contradiction(*CELL, other, IN_PUBLIC, "", "60")
        assert found.cell == CELL
    revise(warehouse, "62", "2023-02-02")
    [found] = find_contradictions(warehouse, shown("61"), {})
    assert found.revised == "62"
    revise(warehouse, "60", "2023-02-03")
    assert find_contradictions(warehouse, shown("61"), {}) == []


def test_a_cell_of_a_document_and_of_public_is_named_once_and_others_too(warehouse):
    other, gone = CELL._replace(period="2022-04"), CELL._replace(period="2022-05")
    waits = CELL._replace(period="2022-06")
    count(warehouse, "60", numerator=60)
    count(warehouse, "7", other, 7)
    count(warehouse, "8", waits, 8, status="P")
    publish(warehouse, "61", "2023-01-30")
    publish(warehouse, "9", "2023-01-30", cell=gone)
    public = shown("9", waits) | shown("9", gone) | shown("6", other) | shown("61")
    found = find_contradictions(warehouse, public, {})
    assert [(one.cell, one.document, one.cause) for one in found] == [
        (CELL, "an answer", "value"),
        (other, IN_PUBLIC, "value"),
        (gone, IN_PUBLIC, "logs_gone"),
        (waits, IN_PUBLIC, "logs_gone"),
    ]


def test_what_is_computed_follows_the_revision_of_any_of_its_parts(warehouse):
    ratio, clicks = Cell("clicks_per_conversation", "2022-03"), Cell("clicks", "2022-03")
    count(warehouse, "4.5", ratio, 9, 2)
    revise(warehouse, "20", "2023-01-30")
    public = shown("4.4", ratio)
    assert len(find_contradictions(warehouse, public, {})) == 1
    assert len(find_contradictions(warehouse, public, {ratio: [clicks]})) == 1
    assert find_contradictions(warehouse, public, {ratio: [clicks, CELL]}) == []


def test_a_contradiction_says_both_values_and_who_published_the_other():
    told = Contradiction("callers", "2022", "gender", "x", "6", "an answer", "", "7")
    assert tell([told])[0] == "callers 2022 gender x: 6 stands in an answer; the logs give 7"
    told = Contradiction(*CELL, "6", IN_PUBLIC, "8", "7")
    assert tell([told])[0] == (
        "conversations 2022-03: 6 was shown in public/ and was revised to 8; the logs give 7"
    )
    assert name(CELL) == "conversations 2022-03"


# Rounding


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (Fraction(5, 2), 0, "3"), (Fraction(7, 2), 0, "4"), (Fraction(-5, 2), 0, "-2"),
        (Fraction(-31, 2), 0, "-15"), (Fraction(249, 100), 0, "2"), (Fraction(-251, 100), 0, "-3"),
        (Fraction(1, 20), 1, "0.1"), (Fraction(-1, 20), 1, "0.0"), (Fraction(1, 200), 2, "0.01"),
        (Fraction(-1, 2), 0, "0"), (Fraction(1, 3), 2, "0.33"), (Fraction(0), 0, "0"),
    ],
)  # fmt: skip
def test_an_exact_value_is_rounded_half_up_and_written_with_its_decimals(value, decimals, expected):
    assert str(rounded(value, decimals)) == expected


@pytest.mark.parametrize(
    ("text", "decimals"), [("7", 0), ("7.0", 1), ("0.25", 2), ("1E+2", 0), ("-3.5", 1)]
)
def test_decimals_are_those_that_are_written(text, decimals):
    assert decimals_of(Decimal(text)) == decimals


def test_a_found_value_agrees_with_what_it_is_rounded_to_and_no_other():
    found = Found("2.5", Fraction(5, 2), "A")
    assert [found.agrees_with(text) for text in ("2", "3", "2.5", "2.50", "2.4")] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not Found("", None, "O").agrees_with("0")


def test_a_value_is_written_with_the_decimals_of_its_figure():
    assert as_text(Decimal("4.50"), 1) == "4.5"
    assert as_text(Decimal("4.00"), 0) == "4"
    assert as_text(Decimal(4), 2) == "4.00"
    assert as_text(Decimal(0), 0) == "0"
    assert as_text(None, 0) == ""


# Contents, years and months


def history(*closed_through: str) -> Publications:
    contents = (
        Content(n, month, 1, 0, 0, 0, 0.0, 0.0, 0) for n, month in enumerate(closed_through)
    )
    return Publications(tuple(contents))


@pytest.mark.parametrize(
    ("before", "now", "closes"),
    [
        ("2021-11", "2021-12", True), ("2021-12", "2022-01", False), ("2021-12", "2022-11", False),
        ("2021-12", "2022-12", True), ("2021-11", "2022-02", True), ("2022-12", "2022-12", False),
        ("2022-01", "2022-02", False), ("2022-11", "2022-11", False),
    ],
)  # fmt: skip
def test_a_content_closes_a_year_with_its_december_and_not_twice(before, now, closes):
    assert closes_a_year(history(before), now) is closes


def test_the_first_content_is_a_yearly_closing():
    assert closes_a_year(Publications(), "2022-03")
    assert Publications().latest is None
    assert history("2022-01", "2022-02").latest.closed_through == "2022-02"


def test_a_row_is_shown_if_it_has_a_value_that_will_not_change():
    final, so_far_, hidden = (
        row("callers", "2022", 0),
        row("callers", "2022", 0, "P"),
        pending("callers", "2022"),
    )
    assert [(one.is_shown, one.is_provisional) for one in (final, so_far_, hidden)] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip
    assert as_publication("now", [final]).shown == {final.cell: 0}
    assert as_publication("now", [so_far_]).pending == {final.cell}
    assert as_publication("now", [row("callers", "2022", "", mark="C")]).hidden == {final.cell}


def test_a_history_holds_what_changed_and_gives_every_content_back():
    first, second = (Content(n, f"2022-0{n}", 1, 0, 0, 0, 0.0, 0.0, 0) for n in (1, 2))
    old = rows(row("callers", "2022-01", 9), row("callers", "2022-02", 8))
    new = rows(row("callers", "2022-01", 9), row("callers", "2022-02", 7))
    held = Publications().followed_by(first, old).followed_by(second, new)
    assert [number for number, _ in held.changes] == [1, 1, 2]
    assert held.rows() == held.rows(2) == new
    assert held.rows(1) == old
    assert held.rows(0) == {}
    assert held.all_rows() == [old, new]


def test_months_that_follow_each_other_are_one_stretch_over_new_year_too():
    assert stretches([]) == []
    assert stretches(["2022-01", "2021-12", "2022-01", "2022-03"]) == [
        ["2021-12", "2022-01"], ["2022-03"],
    ]  # fmt: skip
    assert stretches(["2021-01", "2022-01"]) == [["2021-01"], ["2022-01"]]
    assert spans(["2022-03", "2022-01", "2021-12"]) == "2021-12 to 2022-01, 2022-03"


@pytest.mark.parametrize(
    ("stretch", "line"),
    [
        (["2022-02"], "chat,2022-02-01,2022-02-28,7,WHY,WHO,WHEN"),
        (["2023-12", "2024-01", "2024-02"], "chat,2023-12-01,2024-02-29,7,WHY,WHO,WHEN"),
    ],
)
def test_a_loss_is_accepted_from_the_first_day_through_the_last(stretch, line):
    assert accepted_line("chat", stretch, 7) == line
