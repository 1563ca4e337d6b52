"""The registry of relations between figures: fit to read, told in the docs, used by everybody."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from expectations.identities import IDENTITIES
from expectations.identities.related import QUERIES
from publish.disclosure import links, registry
from publish.disclosure.registry import Term, entries

ROOT = Path(__file__).parent.parent
DEFINITIONS = {
    row["figure"]: row
    for row in csv.DictReader(
        (ROOT / "dbt_project" / "seeds" / "figure_definitions.csv").open(encoding="utf-8")
    )
}
# Never public, or about weeks, which never are.
NOT_KNOWN_TO_READERS = {"categories_or_none", "weeks_inside", "weeks_around"}


def test_the_documentation_has_the_sentence_of_each_relation():
    page = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
    begin, end = "<!-- begin of the list -->\n", "\n<!-- end of the list -->"
    listed = page[page.index(begin) + len(begin) : page.index(end)]
    assert listed == registry.describe(), "run python -m publish.disclosure.registry"


def test_each_relation_is_an_identity_and_known_to_readers():
    names = [identity.name for identity in IDENTITIES]
    assert len(set(names)) == len(names)
    assert {entry.relation for entry in entries()} <= set(names)
    assert set(registry.KINDS) == set(QUERIES)
    assert set(registry.KINDS) - set(links.KINDS) == NOT_KNOWN_TO_READERS


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.relation)
def test_a_relation_names_figures_breakdowns_and_periods_that_there_are(entry):
    terms = [term for side in (*entry.smaller, entry.larger) for term in side]
    for term in terms:
        definition = DEFINITIONS[term.figure]
        assert term.breakdown in ("", *definition["breakdowns"].split())
    if entry.kind in ("equal", "at_most"):
        assert len(entry.smaller) == 1
        assert entry.larger
    if entry.kind in ("months", "so_far", "so_far_in_year") and terms:
        assert [len(side) for side in (*entry.smaller, entry.larger)] == [1, 1]
    if entry.kind in ("monotone", "covered"):
        assert all(len(side) == 1 for side in entry.smaller)


def test_a_line_that_is_no_relation_is_refused():
    for wrong in ("kind", "periods", "but_for"):
        row = dict.fromkeys(next(csv.reader(registry.PATH.open(encoding="utf-8"))), "x")
        row |= {"kind": "equal", "periods": "any", "but_for": ""} | {wrong: "now and then"}
        with pytest.raises(ValueError, match=r"figure_relations\.csv: x "):
            registry._entry(row)


@pytest.mark.parametrize(
    ("category", "coarser", "lies_in"),
    [
        ("3-19", "weekday", "3"),
        ("3-19", "hour", "19"),
        ("3-evening", "weekday", "3"),
        ("3-05", "part_of_week", "3-night"),
        ("3-06", "part_of_week", "3-morning"),
        ("3-12", "part_of_week", "3-afternoon"),
        ("7-23", "part_of_week", "7-evening"),
    ],
)
def test_an_hour_of_the_week_lies_in_coarser_cells(category, coarser, lies_in):
    assert registry.coarsen(category, coarser) == lies_in


def test_a_side_counts_a_term_as_often_as_it_stands_there():
    [entry] = [one for one in entries() if one.relation == "outcomes_of_pressers_at_most_attempts"]
    assert entry.smaller[0][Term("missed_pressers")] == 2
