"""`python -m chaos.guesses`: how often can hidden conversations by time of the week be guessed?

No count that is hidden can be worked out; it can still be guessed. Five attackers see what is
public. The first three hardly need it: always 1; the totals; the totals and the opening hours. The
others use all of it: attempts and margins; a regression on every public table. A guess is right if
it is the count. What the others are right more often than the best of the first three is what the
public tables by time give away; more than 5 points, of all helplines together, are too much.

Without a folder it measures five random helplines that it makes up, protected as a night does it;
with `--data` the latest release of a state folder, which has the true counts in `internal/`.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import highspy
import numpy

from ingest.definitions import FIXED_CATEGORIES, PARTS_OF_DAY
from publish.disclosure.cells import Cell, Definition, Publication
from publish.disclosure.ladder import beside_the_steps
from publish.disclosure.polytope import quiet_solver
from publish.disclosure.registry import definitions_of_project
from publish.disclosure.suppression import Proposal, choose, publish

ALLOWED_POINTS = 5.0
HOURS = [(day, hour) for day in range(1, 8) for hour in range(24)]
STEPS = ("hour_of_week", "part_of_week")
ROUNDS = 60  # of the fit to the margins; it has settled long before
NODES = 200  # of the integer programme; it needs few

# Counts that are public at every time of the week.
UNPROTECTED = ("missed_attempts", "out_of_hours_attempts", "open_hours")
Truth = Mapping[Cell, int]
# Guesses the conversations of each hidden time of the week of a year.
Attacker = Callable[["Year"], numpy.ndarray]


@dataclass(frozen=True)
class Year:
    """What a reader has of a year, by time of the week at the step that is public.

    Numbers, and NaN for what is hidden.
    """

    public: Publication
    period: str
    step: str

    @property
    def times(self) -> list[str]:
        """The hours of the week, `3-19`, or its parts, `3-evening`."""
        return FIXED_CATEGORIES[self.step]

    def value(self, figure: str, breakdown: str = "", category: str = "") -> float:
        """A public value; NaN for one that is hidden or not there."""
        cell = Cell(figure, self.period, breakdown, category)
        return float(self.public.shown.get(cell, "nan"))

    def by_time(self, figure: str) -> numpy.ndarray:
        """A figure at all times of the week."""
        return numpy.array([self.value(figure, self.step, time) for time in self.times])

    @property
    def is_hidden(self) -> numpy.ndarray:
        """At which times the conversations are hidden."""
        return numpy.isnan(self.by_time("conversations"))

    @property
    def rest(self) -> float:
        """The conversations at the hidden times together; if the total is hidden, one at each."""
        total = self.value("conversations")
        shown = numpy.nansum(self.by_time("conversations"))
        least = float(self.is_hidden.sum())
        return least if numpy.isnan(total) else max(least, total - shown)

    def margins(self, time: str) -> dict[str, str]:
        """The categories of the coarser tables that hold a time of the week."""
        day, within = time.split("-")
        if self.step == "part_of_week":
            return {"weekday": day}
        return {"weekday": day, "hour": within}


def code_of(day: int, hour: int) -> str:
    """The hour of the week as a category: `3-19`."""
    return f"{day}-{hour:02}"


def always_one(year: Year) -> numpy.ndarray:
    """Guess the smallest count that a hidden one can be."""
    return numpy.ones(int(year.is_hidden.sum()))


def from_totals(year: Year) -> numpy.ndarray:
    """Spread what is not shown evenly over the hidden times."""
    return numpy.full(int(year.is_hidden.sum()), year.rest / max(1, year.is_hidden.sum()))


def from_totals_and_opening_hours(year: Year) -> numpy.ndarray:
    """Spread it over the hours open; at a closed hour there was one."""
    return _spread(year, numpy.nan_to_num(year.by_time("open_hours")))


def from_attempts_and_margins(year: Year) -> numpy.ndarray:
    """Take attempts that were answered for conversations, and fit them to all margins.

    The answered ones are shown, or follow from all attempts; where neither is so, the other
    attempts and the hours open are the best guess.
    """
    others = _others(year)
    answered = year.by_time("answered_attempts")
    told = year.by_time("attempts") - others
    answered = numpy.where(numpy.isnan(answered), told, answered)
    begun = others + numpy.nan_to_num(year.by_time("open_hours"))
    return _fit(year, 0.1 + numpy.where(numpy.isnan(answered), begun, answered))[year.is_hidden]


def from_a_regression(year: Year) -> numpy.ndarray:
    """Predict the hidden times from the shown ones, by all that is public at both; then fit.

    Least squares with a small ridge, of the logarithm of the count; what is hidden in some hours
    is taken for what it has there on average.
    """
    columns = [numpy.ones(len(year.times))]
    for figure in (*UNPROTECTED, "answered_attempts", "attempts", "clicks"):
        values = numpy.log1p(year.by_time(figure))
        columns += [numpy.nan_to_num(values), numpy.isnan(values).astype(float)]
    for figure in (*UNPROTECTED, "conversations"):
        for breakdown in year.margins(year.times[0]):
            values = [year.value(figure, breakdown, year.margins(t)[breakdown]) for t in year.times]
            columns.append(numpy.log1p(numpy.nan_to_num(numpy.array(values))))
    features = numpy.column_stack(columns)
    shown = ~year.is_hidden
    wanted = numpy.log1p(year.by_time("conversations")[shown])
    known = features[shown]
    ridge = 0.1 * numpy.eye(features.shape[1])
    factors = numpy.linalg.solve(known.T @ known + ridge, known.T @ wanted)
    predicted = numpy.expm1(numpy.clip(features @ factors, 0, 12))
    return _fit(year, numpy.maximum(predicted, 0.1))[year.is_hidden]


def _others(year: Year) -> numpy.ndarray:
    """Attempts without an answer: they are never hidden."""
    return year.by_time(UNPROTECTED[0]) + year.by_time(UNPROTECTED[1])


def _spread(year: Year, weights: numpy.ndarray) -> numpy.ndarray:
    weights = weights[year.is_hidden]
    left = year.rest - len(weights)
    return 1 + (left * weights / weights.sum() if weights.sum() else numpy.zeros(len(weights)))


def _fit(year: Year, begun: numpy.ndarray) -> numpy.ndarray:
    """Find whole numbers of at least 1 that add up to what the margins leave, nearest to a guess.

    The guess is scaled to the margins first (iterative proportional fitting); then an integer
    programme finds the numbers that differ least from it in all.
    """
    hidden = numpy.flatnonzero(year.is_hidden)
    targets = _left_by_margins(year)
    scaled = begun[hidden].astype(float)
    for _ in range(ROUNDS):
        for places, left in targets:
            if scaled[places].sum() > 0:
                scaled[places] *= left / scaled[places].sum()
    solver, count, infinite = quiet_solver(), len(hidden), highspy.kHighsInf
    for cost, least in ((0.0, 1.0), (1.0, 0.0)):
        for place in range(count):
            solver.addVar(least, infinite)
            solver.changeColCost(solver.getNumCol() - 1, cost)
            if not cost:
                solver.changeColIntegrality(place, highspy.HighsVarType.kInteger)
    for place, guess in enumerate(scaled):
        both = numpy.array([place, count + place], dtype=numpy.int32)
        solver.addRow(guess, infinite, 2, both, numpy.array([1.0, 1.0]))
        solver.addRow(-infinite, guess, 2, both, numpy.array([1.0, -1.0]))
    for places, left in targets:
        places = places.astype(numpy.int32)
        solver.addRow(left, left, len(places), places, numpy.ones(len(places)))
    solver.setOptionValue("mip_max_nodes", NODES)
    solver.run()
    values = solver.getSolution().col_value
    fitted = numpy.zeros(len(year.times))
    fitted[hidden] = values[:count] if values else scaled
    return fitted


def _left_by_margins(year: Year) -> list[tuple[numpy.ndarray, float]]:
    """Of each margin that is shown, the hidden times in it and what they come to."""
    shown = year.by_time("conversations")
    hidden = {place: order for order, place in enumerate(numpy.flatnonzero(year.is_hidden))}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, time in enumerate(year.times):
        groups["", ""].append(place)
        for breakdown, category in year.margins(time).items():
            groups[breakdown, category].append(place)
    left = []
    for group, places in groups.items():
        inside = [hidden[place] for place in places if place in hidden]
        margin = year.value("conversations", *group)
        if inside and margin == margin:
            left.append((numpy.array(inside), margin - numpy.nansum(shown[places])))
    return left


ATTACKERS: dict[str, Attacker] = {
    "always 1": always_one,
    "totals": from_totals,
    "totals and opening hours": from_totals_and_opening_hours,
    "attempts and margins": from_attempts_and_margins,
    "regression on all tables": from_a_regression,
}
PLAIN = tuple(ATTACKERS)[:3]


@dataclass(frozen=True)
class Measured:
    """How often each attacker was right of so many hidden times, in percent."""

    hidden: int
    right: Mapping[str, float]

    @property
    def given_away(self) -> float:
        """The points by which the best that knows everything beats the best that knows little."""
        best = {name in PLAIN: 0.0 for name in self.right}
        for name, percent in self.right.items():
            best[name in PLAIN] = max(best[name in PLAIN], percent)
        return best[False] - best[True]


def measure(public: Publication, truth: Truth) -> Measured:
    """Let every attacker guess at all hidden conversations by time of the week."""
    tables = {
        (cell.period, cell.breakdown)
        for cell in public.hidden
        if cell.figure == "conversations" and cell.breakdown in STEPS
    }
    right: dict[str, int] = dict.fromkeys(ATTACKERS, 0)
    hidden = 0
    for year in (Year(public, *table) for table in sorted(tables)):
        times = [time for time, away in zip(year.times, year.is_hidden, strict=True) if away]
        counts = [truth[Cell("conversations", year.period, year.step, time)] for time in times]
        hidden += len(counts)
        for name, guess in ATTACKERS.items():
            guesses = numpy.maximum(1, numpy.floor(guess(year) + 0.5))
            right[name] += int((guesses == numpy.array(counts)).sum())
    return Measured(hidden, {name: 100 * n / max(1, hidden) for name, n in right.items()})


def together(cases: list[Measured]) -> Measured:
    """Add up several helplines: of one that hides little, a cell or two are many points."""
    hidden = sum(case.hidden for case in cases)
    return Measured(
        hidden,
        {
            name: sum(case.right[name] * case.hidden for case in cases) / max(1, hidden)
            for name in ATTACKERS
        },
    )


def make_helpline(chance: random.Random, monthly: int, years: int = 3) -> dict[Cell, int]:
    """Years of a helpline by time: about so many conversations a month, most while it is open.

    Busy hours are busier for all, the hours differ, one in thirty conversations is out of hours,
    and some begin an hour after their attempt.
    """
    days = chance.sample(range(1, 8), chance.randint(3, 7))
    opens, closes = chance.randint(9, 18), chance.randint(19, 23)
    noise = numpy.random.default_rng(chance.randrange(2**32))
    is_open = {hour: hour[0] in days and opens <= hour[1] < closes for hour in HOURS}
    busy = {hour: noise.gamma(3) / 3 for hour in HOURS}
    opened = sum(busy[hour] for hour in HOURS if is_open[hour])
    cells: dict[Cell, int] = {}
    for year in range(2020, 2020 + years):
        hourly: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
        for day, hour in HOURS:
            here = (day, hour)
            strays = 0.36 * monthly / len(HOURS)
            mean = busy[here] * (12 * monthly / opened if is_open[here] else strays)
            answered = int(noise.poisson(mean))
            others = int(noise.poisson(busy[here] * monthly * (0.25 if is_open[here] else 0.08)))
            late = int(noise.binomial(answered, 0.05))
            again = int(noise.poisson(0.4 * (answered + others)))
            hourly["answered_attempts"][here] = answered
            hourly["missed_attempts"][here] = others if is_open[here] else 0
            hourly["out_of_hours_attempts"][here] = 0 if is_open[here] else others
            hourly["attempts"][here] = answered + others
            hourly["clicks"][here] = answered + others + again
            hourly["open_hours"][here] = 52 * is_open[here]
            hourly["conversations"][here] += answered - late
            hourly["conversations"][day, min(23, hour + 1)] += late
        cells |= _with_margins(str(year), hourly)
    return cells


def _with_margins(
    year: str, hourly: Mapping[str, Mapping[tuple[int, int], int]]
) -> dict[Cell, int]:
    cells: dict[Cell, int] = defaultdict(int)
    for figure, hours in hourly.items():
        for day, hour in HOURS:
            for at in (
                ("", ""),
                ("weekday", str(day)),
                ("hour", f"{hour:02}"),
                ("part_of_week", f"{day}-{PARTS_OF_DAY[hour // 6]}"),
                ("hour_of_week", code_of(day, hour)),
            ):
                cells[Cell(figure, year, *at)] += hours[day, hour]
    return dict(cells)


def protect(truth: Truth, figures: Mapping[str, Definition], threshold: int = 5) -> Publication:
    """What is public of these counts, hidden as a night hides them."""
    left_out = beside_the_steps(truth.keys(), truth, frozenset(), threshold)
    counts = {cell: n for cell, n in truth.items() if cell not in left_out}
    proposal = Proposal(
        {cell: n for cell, n in counts.items() if figures[cell.figure].is_protected},
        {cell: Decimal(n) for cell, n in counts.items() if not figures[cell.figure].is_protected},
    )
    return publish("years", proposal, choose(proposal, figures, threshold))


def read_release(folder: Path) -> tuple[Publication, dict[Cell, int]]:
    """Read what a release shows and hides, and the true conversations."""
    shown, hidden = {}, set()
    with (folder / "public" / "figures.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cell = Cell(row["figure"], row["period"], row["breakdown"], row["category"])
            if row["value"] and row["obs_status"] == "A":
                shown[cell] = Decimal(row["value"])
            elif row["conf_status"] == "C":
                hidden.add(cell)
    with (folder / "internal" / "figures.csv").open(encoding="utf-8", newline="") as file:
        truth = {
            Cell(row["figure"], row["period"], row["breakdown"], row["category"]): int(row["value"])
            for row in csv.DictReader(file)
            if row["figure"] == "conversations" and row["value"]
        }
    return Publication(str(folder), shown, frozenset(hidden)), truth


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if anywhere more is given away than is allowed."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.guesses",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="the state folder of a helpline, to measure it")
    parser.add_argument("--seed", type=int, default=1, help="other helplines (1)")
    options = parser.parse_args(arguments)
    if options.data:
        cases = {str(options.data): read_release(options.data / "published" / "latest")}
    else:
        chance, figures = random.Random(options.seed), definitions_of_project()
        truths = {monthly: make_helpline(chance, monthly) for monthly in (5, 20, 60, 150, 500)}
        cases = {
            f"{monthly} conversations a month": (protect(truth, figures), truth)
            for monthly, truth in truths.items()
        }
    print(f"{'right, in percent':32} {'hidden':>6}  " + "  ".join(ATTACKERS) + "  given away")
    measured = {name: measure(public, truth) for name, (public, truth) in cases.items()}
    measured["together"] = together(list(measured.values()))
    for name, one in measured.items():
        rates = "  ".join(f"{one.right[attacker]:{len(attacker)}.0f}" for attacker in ATTACKERS)
        print(f"{name:32} {one.hidden:6}  {rates}  {one.given_away:+10.0f}")
    return int(measured["together"].given_away > ALLOWED_POINTS)


if __name__ == "__main__":
    sys.exit(main())
