"""The ledger of published figures: what contradicts it, and what settles that."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from fractions import Fraction

import duckdb
import pytest

from publish.causes import CAUSES
from publish.contradictions import TEXTS, tell
from publish.disclosure.cells import Cell
from publish.ledger import (
    Contradiction,
    Found,
    find_contradictions,
    published_documents,
    rounded,
)
from publish.publications import Row
from tests.ledgers import ledger

RATIO = Cell("clicks_per_conversation", "2020-01/2020-10")
MEAN = Cell("new_callers_per_month", "2020-01/2020-10")
CONVERSATIONS = Cell("conversations", "2020-01")
CHANGE = Cell("conversations_change_percent", "2020-01")


DEFINITIONS = {
    "conversations": (1, "chat"),
    "conversations_change_percent": (1, "chat"),
    "callers": (2, "chat"),
    "attempts": (1, "both"),
    "new_callers_per_month": (1, "chat"),
}


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A ledger with two codes, of which one was closed."""
    with ledger(DEFINITIONS) as connection:
        connection.execute(
            "insert into raw.codes"
            " values ('gender', 'girl', null, null), ('topic', 'old', null, date '2019-12-31')"
        )
        yield connection


def count(connection, cell: Cell, value: str, numerator: int, denominator=1, status="A") -> None:
    decimals = len(value.partition(".")[2])
    connection.execute(
        "insert into figures.figures values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [*cell, value, decimals, numerator, denominator, status],
    )


def publish(connection, cell: Cell, value: str, document="an answer", on="2020-12-04") -> None:
    connection.execute(
        "insert into raw.published values ($1, $2, $3, $4, $5, $6, $6, $7)",
        [document, *cell, value, on],
    )


def revise(connection, cell: Cell, value: str, on: str = "2023-01-01") -> None:
    connection.execute(
        "insert into raw.revisions values ($1, $2, $3, $4, $5, 'a reason', 'an author', $6)",
        [*cell, value, on],
    )


def shown(cell: Cell, value: str) -> dict[Cell, Row]:
    return {cell: Row(*cell, value, "conversations", "", "A", "F", "", "0", "1")}


def contradicted(connection, public=None, operands=None) -> list[str]:
    found = find_contradictions(connection, public or {}, operands or {})
    return [line for one in found for line in tell([one])]


def test_the_ratio_of_the_first_answer_is_another_with_both_values(warehouse):
    count(warehouse, RATIO, "4.9", 3727, 768)
    publish(warehouse, RATIO, "4.8")
    [said] = contradicted(warehouse)
    assert said == (
        "clicks_per_conversation 2020-01/2020-10: 4.8 stands in an answer; the logs give 4.9"
    )


def test_a_mean_is_held_to_the_decimals_that_were_printed(warehouse):
    count(warehouse, MEAN, "37.5", 375, 10)
    publish(warehouse, MEAN, "37")
    assert len(contradicted(warehouse)) == 1
    warehouse.execute("update raw.published set value = '38'")
    assert contradicted(warehouse) == []
    warehouse.execute("update figures.figures set value = 76.8, numerator = 768")
    warehouse.execute("update raw.published set value = '77'")
    assert contradicted(warehouse) == []


def test_a_printed_value_is_rounded_once_from_the_exact_one(warehouse):
    # 37.46 is 37.5 with one decimal, and yet 37 with none.
    count(warehouse, MEAN, "37.5", 3746, 100)
    publish(warehouse, MEAN, "37")
    assert contradicted(warehouse) == []


def test_a_revision_settles_it_if_it_is_the_value_of_now(warehouse):
    count(warehouse, RATIO, "4.9", 3727, 768)
    publish(warehouse, RATIO, "4.8")
    revise(warehouse, RATIO, "4.9")
    assert contradicted(warehouse) == []


def test_a_revision_to_yet_another_value_is_contradicted_itself(warehouse):
    count(warehouse, RATIO, "4.9", 3727, 768)
    publish(warehouse, RATIO, "4.8")
    revise(warehouse, RATIO, "5.0")
    [said] = contradicted(warehouse)
    assert "was revised to 5.0" in said
    assert said.endswith("the logs give 4.9")


def test_of_several_revisions_the_last_one_holds(warehouse):
    count(warehouse, RATIO, "4.9", 3727, 768)
    publish(warehouse, RATIO, "4.8")
    revise(warehouse, RATIO, "4.9", on="2023-02-01")
    revise(warehouse, RATIO, "5.0", on="2023-01-01")
    assert contradicted(warehouse) == []


def test_a_document_after_the_revision_speaks_for_itself(warehouse):
    count(warehouse, RATIO, "4.9", 3727, 768)
    revise(warehouse, RATIO, "4.9", on="2021-01-01")
    publish(warehouse, RATIO, "4.8", on="2023-01-30")
    assert len(contradicted(warehouse)) == 1


def test_documents_that_contradict_each_other_do_not_both_hold(warehouse):
    count(warehouse, CONVERSATIONS, "60", 60)
    publish(warehouse, CONVERSATIONS, "60", "the first")
    publish(warehouse, CONVERSATIONS, "61", "the second", on="2023-01-30")
    [said] = contradicted(warehouse)
    assert "61 stands in the second" in said


@pytest.mark.parametrize("status", ["P", "O"])
def test_a_document_is_not_contradicted_by_what_is_not_final(warehouse, status):
    count(warehouse, CONVERSATIONS, "12", 12, status=status)
    publish(warehouse, CONVERSATIONS, "60")
    assert contradicted(warehouse) == []


def test_what_was_printed_as_pending_contradicts_nothing(warehouse):
    count(warehouse, CONVERSATIONS, "60", 60)
    publish(warehouse, CONVERSATIONS, "")
    assert contradicted(warehouse) == []


def test_what_public_has_shown_is_published_too(warehouse):
    count(warehouse, CONVERSATIONS, "61", 61)
    [said] = contradicted(warehouse, shown(CONVERSATIONS, "60"))
    assert said == "conversations 2020-01: 60 was shown in public/; the logs give 61"
    revise(warehouse, CONVERSATIONS, "61")
    assert contradicted(warehouse, shown(CONVERSATIONS, "60")) == []


def test_a_coarser_revision_does_not_cover_a_later_change(warehouse):
    count(warehouse, MEAN, "38.4", 384, 10)
    revise(warehouse, MEAN, "38")
    assert len(contradicted(warehouse, shown(MEAN, "37.5"))) == 1


def test_a_figure_in_public_follows_the_revision_of_what_it_is_computed_from(warehouse):
    count(warehouse, CHANGE, "12", 12)
    public, operands = shown(CHANGE, "10"), {CHANGE: (CONVERSATIONS,)}
    assert len(contradicted(warehouse, public, operands)) == 1
    revise(warehouse, CONVERSATIONS, "61")
    assert contradicted(warehouse, public, operands) == []
    publish(warehouse, CHANGE, "10")  # what a document printed needs its own
    assert len(contradicted(warehouse, public, operands)) == 1


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [("37.5", 0, "38"), ("-15.5", 0, "-15"), ("-15.51", 0, "-16"), ("4.85", 1, "4.9")],
)
def test_halves_are_rounded_up_also_below_zero(value, decimals, expected):
    assert str(rounded(Fraction(value), decimals)) == expected


def test_a_missing_value_agrees_with_nothing():
    assert not Found("", None, "O").agrees_with("0")


# --- what was final in public/, and is not any more


def cause_of(connection, cell: Cell, version: str = "1") -> list[str]:
    row = Row(*cell, "60", "", "", "A", "F", "", "0", version)
    return [one.cause for one in find_contradictions(connection, {cell: row}, {})]


def doubt(connection, *reasons: tuple[str, str]) -> None:
    for log, because in reasons:
        connection.execute(
            "insert into marts.log_months values ($1, '2020-01', $2)", [log, because]
        )


@pytest.mark.parametrize(
    ("chat", "cause"),
    [
        ("lost_lines", ["logs_doubted"]),
        ("unreadable_file", ["logs_doubted"]),
        ("quarantined_delivery", ["logs_doubted"]),
        ("empty_month", ["logs_doubted"]),
        ("not_covered", ["logs_gone"]),
        ("not_settled", ["logs_gone"]),
        ("not_covered declared_gap", ["logs_gone"]),
        ("lost_lines declared_gap", ["logs_doubted"]),
        ("", ["rules"]),
        ("declared_gap", []),
    ],
)
@pytest.mark.parametrize("status", ["P", "O", None])
def test_why_it_is_not_final_any_more(warehouse, chat, cause, status):
    """Unless somebody declared a gap, it is a contradiction, whether it has a row or not."""
    doubt(warehouse, ("chat", chat))
    if status:
        count(warehouse, CONVERSATIONS, "60", 60, status=status)
    assert cause_of(warehouse, CONVERSATIONS) == cause


def test_only_a_word_on_what_is_gone_upholds_it(warehouse):
    doubt(warehouse, ("chat", "not_covered"))
    revise(warehouse, CONVERSATIONS, "60", on="2022-01-01")  # that was about its value
    assert cause_of(warehouse, CONVERSATIONS) == ["logs_gone"]
    public, operands = shown(CHANGE, "20"), {CHANGE: (CONVERSATIONS,)}
    assert len(contradicted(warehouse, public, operands)) == 1
    revise(warehouse, CONVERSATIONS, "", on="2023-01-01")
    assert cause_of(warehouse, CONVERSATIONS) == []
    assert contradicted(warehouse, public, operands) == []
    count(warehouse, CONVERSATIONS, "61", 61)  # and no more than that
    count(warehouse, CHANGE, "21", 21)
    assert cause_of(warehouse, CONVERSATIONS) == ["value"]
    assert len(contradicted(warehouse, public, operands)) == 1


def test_a_document_goes_on_telling_what_was_upheld(warehouse):
    publish(warehouse, CONVERSATIONS, "60")
    revise(warehouse, CONVERSATIONS, "")
    [document] = published_documents(warehouse)
    assert document.shown == {CONVERSATIONS: 60}


def test_a_figure_that_rests_on_both_logs_lacks_what_either_lacks(warehouse):
    doubt(warehouse, ("chat", "declared_gap"), ("button", "lost_lines"))
    assert cause_of(warehouse, Cell("attempts", "2020-01")) == ["logs_doubted"]


def test_a_year_lacks_what_its_months_lack(warehouse):
    doubt(warehouse, ("chat", "declared_gap"))  # and eleven months are not there
    assert cause_of(warehouse, Cell("conversations", "2020")) == ["logs_gone"]


def test_what_lies_before_the_first_day_now(warehouse):
    warehouse.execute("update raw.settings set starts_on = '2020-02-01'")
    assert cause_of(warehouse, CONVERSATIONS) == ["before_start"]
    count(warehouse, CONVERSATIONS, "60", 60, status="P")
    assert cause_of(warehouse, CONVERSATIONS) == ["before_start"]


def test_a_code_that_was_taken_out(warehouse):
    doubt(warehouse, ("chat", ""))
    assert cause_of(warehouse, Cell("callers", "2020-01", "gender", "boy"), "2") == ["code_removed"]
    assert cause_of(warehouse, Cell("callers", "2020-01", "gender", "girl"), "2") == ["rules"]


def test_a_code_that_was_closed_counts_nobody_any_more(warehouse):
    doubt(warehouse, ("chat", ""))
    closed = Cell("callers", "2020-01", "topic", "old")
    empty = Row(*closed, "0", "", "", "A", "F", "", "0", "2")
    assert find_contradictions(warehouse, {closed: empty}, {}) == []
    assert cause_of(warehouse, closed, "2") == ["rules"]


def test_other_rules_give_another_value(warehouse):
    count(warehouse, Cell("callers", "2020-01"), "59", 59)
    assert cause_of(warehouse, Cell("callers", "2020-01"), version="1") == ["rules"]
    assert cause_of(warehouse, Cell("callers", "2020-01"), version="2") == ["value"]
    assert cause_of(warehouse, Cell("wishes", "2020-01")) == ["rules"]


def test_a_cause_is_told_once_and_a_value_each_time(warehouse):
    months = [Cell("conversations", f"2020-{month:02}") for month in range(1, 13)]
    count(warehouse, months[0], "59", 59)
    count(warehouse, months[1], "58", 58)
    public = {cell: row for month in months for cell, row in shown(month, "60").items()}
    told = tell(find_contradictions(warehouse, public, {}))
    assert len(told) == 3
    assert told[0].startswith("10 figures of public/ cannot be what was shown, for their days")
    assert "conversations 2020-03, conversations 2020-04, conversations 2020-05, …" in told[0]
    assert "data_gaps.csv" in told[0]
    assert "60 was shown in public/; the logs give 59" in told[1]


def test_a_revision_without_a_value_lets_go_of_what_has_none(warehouse):
    assert cause_of(warehouse, CONVERSATIONS) == ["logs_gone"]
    revise(warehouse, CONVERSATIONS, "")
    assert cause_of(warehouse, CONVERSATIONS) == []
    count(warehouse, CONVERSATIONS, "59", 59)
    assert cause_of(warehouse, CONVERSATIONS) == ["value"]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_each_cause_has_its_words_and_a_remedy(language):
    words = tomllib.loads(TEXTS.read_text(encoding="utf-8"))[language]
    assert words["causes"].keys() == words["remedies"].keys() == set(CAUSES)
    told = Contradiction(*CONVERSATIONS, "60", "public/", "", "", CAUSES[0])
    [said] = tell([told], language)
    assert words["remedies"][CAUSES[0]] in said


def test_other_values_of_a_year_are_one_finding_with_some_of_them(warehouse):
    """Late logs change hundreds of figures; what a document printed is a finding of its own."""
    months = [Cell("conversations", f"2020-{month:02}") for month in range(1, 13)]
    for month in months:
        count(warehouse, month, "59", 59)
    publish(warehouse, RATIO, "4.8")
    count(warehouse, RATIO, "4.9", 3727, 768)
    public = {cell: row for month in months for cell, row in shown(month, "60").items()}
    contradictions = find_contradictions(warehouse, public, {})
    told = tell(contradictions)
    assert len(told) == 5
    assert "4.8 stands in an answer" in told[0]
    assert told[1] == "12 figures of 2020 have other values now than in public/, such as:"
    assert told[2] == "conversations 2020-01: 60 was shown in public/; the logs give 59"
    assert tell(contradictions, "nl")[2] == (
        "conversations 2020-01: 60 stond in public/; de logs geven 59"
    )
