"""No relation between figures is forgotten: what holds in simulated truth is in the registry.

Every count that is at most another, at most the sum of two others, or equal to it, in each of many
random helplines, has to follow from the registry by linear programming; or it is listed with its
reason in relations_unlisted.csv.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import highspy
import numpy
import pytest

from publish.disclosure import links
from publish.disclosure.cells import Cell, Definition
from publish.disclosure.links import Universe, relate
from publish.disclosure.polytope import add_row, quiet_solver
from publish.disclosure.registry import entries
from tests import truths

HERE = Path(__file__).parent
UNLISTED = HERE / "relations_unlisted.csv"
SEED = HERE.parent / "dbt_project" / "seeds" / "figure_definitions.csv"
CALM, STRADDLING = 24 * len(truths.CALM), 24 * len(truths.STRADDLING)

MONTHS = ["2021-12", "2022-01", "2022-02", "2022-03"]
FIRST_YEAR, YEAR = "2021", "2022"
PERIODS = [*MONTHS, FIRST_YEAR, YEAR, *truths.RANGES]
# What may hold in some periods only.
CONTEXTS = {
    "any period": PERIODS,
    "a month": MONTHS,
    "a month of the first year": MONTHS[:1],
    "a month after the first year": MONTHS[1:],
    "within a year": [period for period in PERIODS if period != "2021-12/2022-01"],
    "from January on": ["2022-01", YEAR, "2022-01/2022-02"],
}
WHOLES = {
    YEAR: MONTHS[1:],
    "2022-01/2022-02": MONTHS[1:3],
    "2022-02/2022-03": MONTHS[2:],
    "2021-12/2022-01": MONTHS[:2],
}
# Of some wholes only, as well.
OVER_TIME = {
    "over time": list(WHOLES),
    "over time within a year": [whole for whole in WHOLES if whole != "2021-12/2022-01"],
    "over time from January on": [YEAR, "2022-01/2022-02"],
}
# A category that stands for each one, by breakdown; a table has two of a kind.
EACH = {
    "gender": "a",
    "age_band": "a",
    "topic": "a",
    "referred_by": "a",
    "weekday": "1",
    "hour": "07",
    "hour_of_week": "1-07",
    "part_of_week": "1-morning",
}
OTHERS = {
    "weekday": ["2"],
    "hour": ["08"],
    "hour_of_week": ["1-08", "2-07", "2-08"],
    "part_of_week": ["2-morning"],
}


class Series(NamedTuple):
    """A figure in total or in a category; `each` stands for every category of its breakdown.

    Over time, `of` says whose it is: the year's, the sum of its months', its largest month's.
    """

    figure: str
    breakdown: str = ""
    category: str = ""
    of: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.of, *self[:3])))


class Candidate(NamedTuple):
    """What held in all helplines: `smaller` is at most, or equal to, the sum of `larger`."""

    smaller: Series
    larger: tuple[Series, ...]
    is_equal: bool = False

    def __str__(self) -> str:
        return (
            f"{self.smaller} {'=' if self.is_equal else '<='} {' + '.join(map(str, self.larger))}"
        )


Helplines = Sequence[Mapping[Cell, int]]
Values = Mapping[Series, numpy.ndarray]


def definitions() -> dict[str, Definition]:
    with SEED.open(encoding="utf-8", newline="") as lines:
        return {
            row["figure"]: Definition(row["figure"], row["kind"], True)
            for row in csv.DictReader(lines)
        }


DEFINITIONS = definitions()
BREAKDOWNS = {
    row["figure"]: row["breakdowns"].split()
    for row in csv.DictReader(SEED.open(encoding="utf-8", newline=""))
    if DEFINITIONS[row["figure"]].is_count and row["unit"] != "hours"
}
CHANNELS = {"answered_sessions": ("chat", "mail"), "callers": ("chat", "mail_only")}
TOTALS = [
    *(Series(figure) for figure in BREAKDOWNS),
    *(Series(figure, "channel", code) for figure, codes in CHANNELS.items() for code in codes),
]


@pytest.fixture(scope="module")
def helplines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Helplines, Helplines]:
    """The counts of all random helplines, and of those where no attempt straddles a month."""
    calm = [_counts(tmp_path_factory, seed, is_straddling=False) for seed in range(CALM)]
    others = [_counts(tmp_path_factory, seed, is_straddling=True) for seed in range(STRADDLING)]
    return [*calm, *others], calm


def _counts(
    tmp_path_factory: pytest.TempPathFactory, seed: int, *, is_straddling: bool
) -> dict[Cell, int]:
    folder = tmp_path_factory.mktemp("helpline")
    log = truths.simulate(folder, seed, is_straddling=is_straddling)
    return {Cell(*cell): value for cell, value in truths.counts(log).items()}


# --- What held ------------------------------------------------------------------------------------


def mine(values: Values) -> Iterator[Candidate]:
    """Everything that held: pairs, and triples that say more than their pairs."""
    names = sorted(name for name in values if values[name].any())
    below = {
        (one, other)
        for one, other in itertools.permutations(names, 2)
        if (values[one] <= values[other]).all()
    }
    for one, other in sorted(below):
        if (other, one) not in below:
            yield Candidate(one, (other,))
        elif one < other:
            yield Candidate(one, (other,), True)
    for one in names:
        others = [other for other in names if other != one and (one, other) not in below]
        table = numpy.array([values[other] for other in others])
        for number, other in enumerate(others):
            holds = (table[number + 1 :] + values[other] >= values[one]).all(axis=1)
            for further in numpy.flatnonzero(holds):
                yield Candidate(one, (other, others[number + 1 + further]))
    for one in names:
        parts = [other for other in names if (other, one) in below and (one, other) not in below]
        for pair in itertools.combinations(parts, 2):
            if (values[one] == values[pair[0]] + values[pair[1]]).all():
                yield Candidate(one, pair, True)


def within(helplines: Helplines, periods: Sequence[str]) -> Values:
    """The totals of each helpline and period."""
    return {
        name: numpy.array(
            [counts.get(_cell(name, period), 0) for counts in helplines for period in periods]
        )
        for name in TOTALS
    }


def over_time(helplines: Helplines, wholes: Sequence[str]) -> Values:
    """The totals of wholes, beside the sums and the largest of their months."""
    values: dict[Series, numpy.ndarray] = {}
    for name in TOTALS:
        months = {
            month: within(helplines, [month])[name]
            for month in {month for whole in wholes for month in WHOLES[whole]}
        }
        tables = [numpy.array([months[month] for month in WHOLES[whole]]) for whole in wholes]
        values[name._replace(of="whole")] = numpy.concatenate(
            [within(helplines, [whole])[name] for whole in wholes]
        )
        values[name._replace(of="months")] = numpy.concatenate([one.sum(axis=0) for one in tables])
        values[name._replace(of="largest")] = numpy.concatenate([one.max(axis=0) for one in tables])
    return values


def in_categories(helplines: Helplines, breakdown: str) -> Values:
    """Figures in each category of a year that some figure has, beside all totals of the year."""
    places = sorted(
        {
            (number, cell.period, cell.category)
            for number, counts in enumerate(helplines)
            for cell in counts
            if cell.breakdown == breakdown and cell.period in (FIRST_YEAR, YEAR)
        }
        # Each table has categories in which nothing happened.
        | {(n, year, "") for n in range(len(helplines)) for year in (FIRST_YEAR, YEAR)}
    )
    by = [figure for figure, breakdowns in BREAKDOWNS.items() if breakdown in breakdowns]
    totals = {
        name: numpy.array([helplines[n].get(_cell(name, year), 0) for n, year, _ in places])
        for name in TOTALS
    }
    return totals | {
        Series(figure, breakdown, "each"): numpy.array(
            [helplines[n].get(Cell(figure, year, breakdown, code), 0) for n, year, code in places]
        )
        for figure in by
    }


def _cell(name: Series, period: str) -> Cell:
    category = EACH[name.breakdown] if name.category == "each" else name.category
    return Cell(name.figure, period, name.breakdown, category)


# --- What follows ---------------------------------------------------------------------------------


class Registry:
    """What the registry's relations imply between all cells of two years."""

    def __init__(self, *, is_exact: bool):
        cells = set(_all_cells())
        self._index = {cell: number for number, cell in enumerate(sorted(cells))}
        self._solver = quiet_solver()
        for _ in self._index:
            self._solver.addVar(0.0, highspy.kHighsInf)
        for relation in relate(Universe(cells, cells), DEFINITIONS):
            if relation.is_exact or not is_exact:
                add_row(self._solver, relation, self._index)

    def implies(self, terms: Mapping[Cell, int]) -> bool:
        """Whether the sum of the terms is never above 0.

        All relations are between multiples of counts: if it can be above 0 at all, it can be so
        while no cell that adds to it exceeds 1.
        """
        solver = self._solver
        for cell, factor in terms.items():
            solver.changeColCost(self._index[cell], -float(factor))
            solver.changeColBounds(self._index[cell], 0.0, 1.0 if factor > 0 else highspy.kHighsInf)
        solver.run()
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        greatest = -solver.getInfo().objective_function_value
        for cell in terms:
            solver.changeColCost(self._index[cell], 0.0)
            solver.changeColBounds(self._index[cell], 0.0, highspy.kHighsInf)
        return greatest < 1e-6

    def has(self, candidate: Candidate, period: str) -> bool:
        """Whether a candidate follows for a period."""
        for terms in _terms(candidate, period):
            if not self.implies(terms):
                return False
            if candidate.is_equal and not self.implies({cell: -n for cell, n in terms.items()}):
                return False
        return True


def _all_cells() -> Iterator[Cell]:
    for period in PERIODS:
        yield from (_cell(name, period) for name in TOTALS)
        for figure, breakdowns in BREAKDOWNS.items():
            for breakdown in EACH.keys() & set(breakdowns) if period == YEAR else ():
                for category in (EACH[breakdown], *OTHERS.get(breakdown, ["b"])):
                    yield Cell(figure, period, breakdown, category)


def _terms(candidate: Candidate, period: str) -> Iterator[Counter[Cell]]:
    """The difference of a candidate's sides; of a largest month, for each month it can be."""
    sides = [(candidate.smaller, 1), *((name, -1) for name in candidate.larger)]
    is_largest = any(name.of == "largest" for name, _ in sides)
    for month in WHOLES[period] if is_largest else [""]:
        terms: Counter[Cell] = Counter()
        for name, sign in sides:
            periods = {"months": WHOLES.get(period), "largest": [month]}.get(name.of, [period])
            for one in periods:
                terms[_cell(name, one)] += sign
        yield terms


def _is_sought(candidate: Candidate, context: str) -> bool:
    """Being at most the largest month is not linear; about categories, there has to be one."""
    names = (candidate.smaller, *candidate.larger)
    if context.startswith("in each") and all(name.category != "each" for name in names):
        return False
    is_at_least = candidate.is_equal or any(name.of == "largest" for name in candidate.larger)
    return not (is_at_least and any(name.of == "largest" for name in names))


def unlisted(helplines: Helplines, *, is_exact: bool) -> list[str]:
    """What held in all helplines and does not follow, each with the context in which it held.

    Unless `is_exact`, also from what holds but for attempts that straddle a period's start.
    """
    registry = Registry(is_exact=is_exact)
    missing: list[str] = []
    told: set[Candidate] = set()

    def look(context: str, values: Values, periods: Sequence[str]) -> None:
        for candidate in mine(values):
            if candidate not in told and _is_sought(candidate, context):
                told.add(candidate)
                if not all(registry.has(candidate, period) for period in periods):
                    missing.append(f"{context}: {candidate}")

    for context, periods in CONTEXTS.items():
        look(context, within(helplines, periods), periods)
    for context, wholes in OVER_TIME.items():
        look(context, over_time(helplines, wholes), wholes)
    for breakdown in EACH:
        look(f"in each {breakdown}", in_categories(helplines, breakdown), [YEAR])
    return missing


def test_what_always_holds_follows_from_the_registry_or_is_listed_with_its_reason(helplines):
    simulated, calm = helplines
    with UNLISTED.open(encoding="utf-8", newline="") as lines:
        listed = {row["relation"]: row["reason"] for row in csv.DictReader(lines)}
    found = unlisted(simulated, is_exact=True)
    assert sorted(found) == sorted(listed)
    # What holds as long as no attempt straddles a period's start is there as well.
    assert set(unlisted(calm, is_exact=False)) <= set(listed)
    assert all(listed.values())


def test_the_registry_holds_in_every_helpline(helplines):
    simulated, calm = helplines
    cells = set(_all_cells())
    relations = relate(Universe(cells, cells), DEFINITIONS)
    values = [{cell: counts.get(cell, 0) for cell in cells} for counts in simulated]
    # The categories of a table are stand-ins here: of those, relations are tried elsewhere.
    tried = [r for r in relations if all(c.breakdown in ("", "channel") for c, _ in r.terms)]
    for relation in tried:
        for counts in values if relation.is_exact else values[: len(calm)]:
            assert relation.holds(counts), (relation.name, relation.terms)
    names = {relation.name for relation in tried}
    assert {entry.relation for entry in entries() if entry.kind in links.KINDS} - names <= {
        "times_sum_to_the_period",
        "hours_of_the_week_sum_to_weekdays_and_hours",
        "kinds_of_callers_sum_to_callers",
        "schedulers_sum_to_scheduled_conversations",
        "referrers_sum_to_referrals",
        "median_wait_at_most_ninth_decile",
    }


FORGOTTEN = {
    "missed_pressers_are_unreached_or_answered": (
        "any period: missed_pressers <= answered_attempts + unreached_pressers"
    ),
    "channels_sum_to_callers": (
        "any period: callers = callers channel chat + callers channel mail_only"
    ),
    "attempts_have_one_outcome": "in each hour: answered_attempts hour each <= attempts hour each",
    "whole_at_most_its_months": "over time: whole pressers <= months pressers",
}


def test_relations_that_are_forgotten_are_found(helplines, monkeypatch):
    kept = tuple(entry for entry in entries() if entry.relation not in FORGOTTEN)
    monkeypatch.setattr(links, "entries", lambda: kept)
    assert set(FORGOTTEN.values()) <= set(unlisted(helplines[0], is_exact=True))
