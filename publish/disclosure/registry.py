"""The relations between figures, as `dbt_project/seeds/figure_relations.csv` lists them.

Each line is an identity of the second gate (`expectations/identities/related.py`), what an attacker
knows (`links.py`), and a sentence of docs/definitions.md, all three made by looping over this list.
`python -m publish.disclosure.registry` prints the section of docs/definitions.md.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ingest.definitions import DEFINITIONS, PARTS_OF_DAY, ROOT
from publish.disclosure.cells import Definition

PATH = Path(__file__).parents[2] / "dbt_project" / "seeds" / "figure_relations.csv"

# What each kind says of its figures; `*` stands for every count that fits.
KINDS = {
    "equal": "the sums of both sides are the same",
    "at_most": "the sum of the smaller side is no more than that of the larger",
    "categories": "the cells of a breakdown sum to the total",
    "categories_or_none": "the same, and without any cell the total is 0",
    "coarser": "the cells of the finer breakdown sum to those of the coarser one",
    "months": "the months sum to the whole",
    "monotone": "a part of a period is at most the whole",
    "monotone_but": "a month is at most the whole and the other months of the larger side",
    "covered": "the whole is at most parts that cover it, together",
    "so_far_in_year": "a period is at most the months from January to its end",
    "so_far": "a period is at most the months from the very first to its end",
    "weeks_inside": "the weeks that lie wholly inside are at most the whole",
    "weeks_around": "the whole is at most the weeks that share a day with it",
}
# Of which periods it holds.
PERIODS = (
    "any",
    "within_a_year",
    "starts_a_year",
    "month_of_first_year",
    "month_after_first_year",
)
# But for what it does not hold exactly: attempts that began before the period and reach into it.
STRADDLING = "straddling"
EVERY = "*"


class Term(NamedTuple):
    """A figure in total, or in one category of one breakdown."""

    figure: str
    breakdown: str = ""
    category: str = ""


@dataclass(frozen=True)
class Entry:
    """A line of the registry.

    `smaller` holds the alternatives for each of which it is said: terms, each with how often it
    counts; none if it is said of every figure. `breakdowns` are those in whose categories it holds
    too (kinds equal, at_most), whose categories it is about (categories), or pairs `finer>coarser`.
    `but_for` says what keeps it from being exact, if anything does.
    """

    relation: str
    kind: str
    smaller: tuple[Counter[Term], ...]
    larger: Counter[Term]
    breakdowns: tuple[str, ...]
    periods: str
    but_for: str
    sentence_en: str
    reason: str

    @property
    def figures(self) -> frozenset[str]:
        """The figures that it names; none if it is about every one."""
        sides = (*self.smaller, self.larger)
        return frozenset(term.figure for side in sides for term in side)


def definitions_of_project() -> dict[str, Definition]:
    """Read the definitions of the project as it is now; a warehouse has those it was built with."""
    with (ROOT / DEFINITIONS).open(encoding="utf-8", newline="") as file:
        return {
            row["figure"]: Definition.of(
                row["figure"],
                row["kind"],
                row["is_protected"] == "true",
                row["parts"],
                row["base"],
                row["unit"],
            )
            for row in csv.DictReader(file)
        }


@cache
def entries() -> tuple[Entry, ...]:
    """All relations, in the order of the file. Raises ValueError if a line is no relation."""
    with PATH.open(encoding="utf-8", newline="") as lines:
        return tuple(_entry(row) for row in csv.DictReader(lines))


def entries_of(*kinds: str) -> tuple[Entry, ...]:
    """The relations of some kinds."""
    return tuple(entry for entry in entries() if entry.kind in kinds)


def describe() -> str:
    """The section of docs/definitions.md: each relation in a sentence, with its reason."""
    lines = []
    for entry in entries():
        exception = " (But for attempts that straddle the period's start.)" if entry.but_for else ""
        lines.append(f"- {entry.sentence_en}{exception} *{entry.reason}* `{entry.relation}`")
    return "\n".join(lines)


def coarsen(category: str, coarser: str) -> str:
    """The coarser cell in which a cell of a time of the week lies.

    Hours of the week are `3-19`, parts of it `3-evening`: night 0-6, morning 6-12, afternoon 12-18,
    evening 18-24 o'clock.
    """
    weekday, within = category.split("-")
    if coarser == "weekday":
        return weekday
    if coarser == "hour":
        return within
    return f"{weekday}-{PARTS_OF_DAY[int(within) // 6]}"


def _entry(row: dict[str, str]) -> Entry:
    smaller = [text for text in row["smaller"].split(" | ") if text not in ("", EVERY)]
    if row["kind"] not in KINDS or row["periods"] not in PERIODS:
        raise ValueError(f"{PATH.name}: {row['relation']} has a kind or periods that are not known")
    if row["but_for"] not in ("", STRADDLING):
        raise ValueError(f"{PATH.name}: {row['relation']} holds but for something not known")
    return Entry(
        relation=row["relation"],
        kind=row["kind"],
        smaller=tuple(_side(text) for text in smaller),
        larger=_side(row["larger"]),
        breakdowns=tuple(row["breakdowns"].split()),
        periods=row["periods"],
        but_for=row["but_for"],
        sentence_en=row["sentence_en"],
        reason=row["reason"],
    )


def _side(text: str) -> Counter[Term]:
    return Counter(Term(*term.split()) for term in text.split(" + ") if term)


if __name__ == "__main__":
    print(describe())
