"""An attacker who has only `public/` and the definitions, and shares no code with disclosure.

He reads the figures.csv of each content in its order, writes down what docs/definitions.md says of
the figures as linear relations, and asks HiGHS through scipy for the least and the greatest value
of each hidden count of those who were answered. Method: the attacker's problem of cell suppression
(Hundepool et al. 2012, Statistical Disclosure Control, section 4.3).
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
from scipy.optimize import linprog
from scipy.sparse import csr_array

# Figure, period, breakdown, category.
Cell = tuple[str, str, str, str]
# Σ factor · cell = 0, or ≤ 0.
Terms = dict[Cell, float]

# DEFINITIONS, "Protected": those who were answered.
PROTECTED = {
    *("answered_attempts", "answered_in_hours_attempts", "conversations", "answered_sessions"),
    *("scheduled_conversations", "callers", "new_callers", "first_time_callers", "referrals"),
}
# What adds up over time.
ADDITIVE = {
    *("clicks", "attempts", "answered_attempts", "missed_attempts", "out_of_hours_attempts"),
    *("answered_in_hours_attempts", "attempts_without_visitor", "conversations"),
    *("answered_sessions", "scheduled_conversations", "new_callers", "first_time_callers"),
    "referrals",
}
PERSONS = {"pressers", "missed_pressers", "out_of_hours_pressers", "unreached_pressers", "callers"}
COUNTS = ADDITIVE | PERSONS
# The largest month is at most the year.
GROWING = [("pressers",), ("missed_pressers",), ("out_of_hours_pressers",), ("callers",)]
GROWING += [("callers", "channel", "chat")]
REMAINDERS = [("unreached_pressers",), ("callers", "channel", "mail_only")]
DAY = ("night", "morning", "afternoon", "evening")
CHAT = ("callers", "channel", "chat")
# (smaller ones, larger ones), of one period: DEFINITIONS, "Identities" and "Presentation".
AT_MOST = [
    ([("conversations",)], [("answered_sessions",)]),
    ([("missed_pressers",)], [("pressers",)]),
    ([("out_of_hours_pressers",)], [("pressers",)]),
    ([("unreached_pressers",)], [("missed_pressers",)]),
    ([("missed_pressers",)], [("missed_attempts",)]),
    ([("out_of_hours_pressers",)], [("out_of_hours_attempts",)]),
    ([("answered_in_hours_attempts",)], [("answered_attempts",)]),
    ([("missed_pressers",)], [("unreached_pressers",), ("answered_attempts",)]),
    ([("pressers",), ("attempts_without_visitor",)], [("attempts",)]),
    (
        [("pressers",)],
        [("unreached_pressers",), ("out_of_hours_pressers",), ("answered_attempts",)],
    ),
    ([("callers",)], [("answered_sessions",)]),
    ([CHAT], [("conversations",)]),
    ([("callers", "channel", "mail_only")], [("answered_sessions", "channel", "mail")]),
    ([("scheduled_conversations",)], [("conversations",)]),
    ([("referrals",)], [("answered_sessions",)]),
    ([("first_time_callers",)], [CHAT]),
]


@dataclass(frozen=True)
class Pinned:
    """A hidden count whose least and greatest value are closer together than the threshold."""

    cell: Cell
    least: int
    greatest: int


class Knowledge:
    """What all contents together show, hide, and say by their rounded values."""

    def __init__(self) -> None:
        self.shown: dict[Cell, float] = {}
        self.hidden: set[Cell] = set()
        self.there: set[Cell] = set()
        self.computed: dict[Cell, tuple[float, float]] = {}

    def read(self, path: Path) -> None:
        """Take in one more content. Raises ValueError if a final value was another before."""
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                cell = (row["figure"], row["period"], row["breakdown"], row["category"])
                if row["obs_status"] == "O":
                    continue
                is_final = row["obs_status"] == "A"
                if cell[0] not in COUNTS:
                    if is_final and row["value"]:
                        decimals = len(row["value"].partition(".")[2])
                        self.computed[cell] = (float(row["value"]), 0.5 * 10**-decimals)
                    continue
                self.there.add(cell)
                if is_final and row["conf_status"] == "C":
                    self.hidden.add(cell)
                elif is_final:
                    value = float(row["value"])
                    if self.shown.setdefault(cell, value) != value:
                        raise ValueError(f"{cell} was {self.shown[cell]}, and is {value}")


def pinned(contents: Iterable[Path], threshold: int) -> tuple[list[Pinned], int]:
    """The counts that all contents together pin, and how many are hidden at all.

    Raises ArithmeticError if no table agrees with what is public.
    """
    known = Knowledge()
    for path in contents:
        known.read(path)
    wanted = {cell for cell in known.hidden - known.shown.keys() if cell[0] in PROTECTED}
    found = []
    for group in _groups(known):
        for cell, least, greatest in _bounds(*group, known, wanted):
            if greatest - least < threshold:
                found.append(Pinned(cell, least, int(greatest)))
    return sorted(found, key=lambda one: one.cell), len(wanted)


# --- What always holds ----------------------------------------------------------------------------


def months_of(period: str) -> list[str]:
    """The months of a year, a month or a range, in order."""
    if "/" in period:
        first, last = period.split("/")
        numbers = range(_number(first), _number(last) + 1)
        return [f"{number // 12}-{number % 12 + 1:02}" for number in numbers]
    return [period] if "-" in period else [f"{period}-{month:02}" for month in range(1, 13)]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _cell(kind: tuple[str, ...], period: str) -> Cell:
    figure, breakdown, category = (*kind, "", "")[:3]
    return figure, period, breakdown, category


def equalities(there: set[Cell]) -> Iterator[Terms]:
    """Everything that is equal by definition, each as a sum that is 0."""
    for cell in there:
        figure, period, breakdown, category = cell
        if figure == "attempts":
            outcomes = [
                (f"{name}_attempts", *cell[1:]) for name in ("answered", "missed", "out_of_hours")
            ]
            yield {cell: 1} | dict.fromkeys(outcomes, -1)
        if (figure, breakdown, category) == ("answered_sessions", "channel", "chat"):
            yield {cell: 1, ("conversations", period, "", ""): -1}
        if figure == "new_callers" and months_of(period)[0].endswith("-01"):
            yield {cell: 1, _cell(CHAT, period): -1}
        if figure in ADDITIVE and len(months_of(period)) > 1:
            months = [(figure, month, breakdown, category) for month in months_of(period)]
            given = [month for month in months if month in there]
            if given:
                yield {cell: 1} | dict.fromkeys(given, -1)
    yield from _sums_of_categories(there)


def _sums_of_categories(there: set[Cell]) -> Iterator[Terms]:
    sums: dict[tuple[Cell, str], Terms] = defaultdict(dict)
    for cell in there:
        figure, period, breakdown, category = cell
        if breakdown:
            sums[(figure, period, "", ""), breakdown][cell] = -1
        if breakdown in ("hour_of_week", "part_of_week"):
            weekday, within = category.split("-")
            sums[(figure, period, "weekday", weekday), breakdown][cell] = -1
        if breakdown == "hour_of_week":
            part = f"{weekday}-{DAY[int(within) // 6]}"
            sums[(figure, period, "hour", within), breakdown][cell] = -1
            sums[(figure, period, "part_of_week", part), breakdown][cell] = -1
    for (whole, _), terms in sums.items():
        if whole in there:
            yield {whole: 1} | terms


def inequalities(there: set[Cell]) -> Iterator[Terms]:
    """Everything that is at most something else, each as a sum that is at most 0."""
    periods = sorted({cell[1] for cell in there})
    dense = [period for period in periods if len(period) == 7]
    for period in periods:
        for smaller, larger in AT_MOST:
            yield {_cell(kind, period): 1 for kind in smaller} | {
                _cell(kind, period): -1 for kind in larger
            }
        months = [month for month in dense if month in months_of(period)]
        for kind in (*GROWING, *REMAINDERS) if len(period) != 7 else ():
            yield {_cell(kind, period): 1} | {_cell(kind, month): -1 for month in months}
        for kind in GROWING if len(period) != 7 else ():
            yield from ({_cell(kind, month): 1, _cell(kind, period): -1} for month in months)
        # Who chats was new in an earlier month of the year, and there for the first time before.
        last, chats = months_of(period)[-1], _cell(CHAT, period)
        year = [month for month in dense if period[:4] == month[:4] and month <= last]
        if year and last[:4] == period[:4]:
            yield {chats: 1} | {_cell(("new_callers",), month): -1 for month in year}
            yield {_cell(("new_callers",), period): 1, chats: -1}
        before = [month for month in dense if month <= last]
        yield {chats: 1} | {_cell(("first_time_callers",), month): -1 for month in before}
        yield {_cell(("first_time_callers",), period): 1, _cell(("new_callers",), period): -1}


def roundings(known: Knowledge) -> Iterator[Terms]:
    """What shares, means and rates say: each lies within half a unit of its last decimal."""
    for (figure, period, breakdown, category), (value, half) in known.computed.items():
        if figure.endswith("_per_month"):
            total = (figure.removesuffix("_per_month"), period, breakdown, category)
            given = len([m for m in months_of(period) if (total[0], m, "", "") in known.there])
            low, high = (value - half) * given, (value + half) * given
            if total in known.there:
                yield {total: 1, ONE: -high}
                yield {total: -1, ONE: low}
            continue
        if figure.endswith("_share_percent"):
            of = figure.removesuffix("_share_percent").replace("topics", "callers")
            top, bottom = (of, period, breakdown, category), {(of, period, "", ""): 1.0}
        elif figure.endswith("_change_percent"):
            name = figure.removesuffix("_change_percent")
            earlier = "/".join(f"{int(one[:4]) - 1}{one[4:]}" for one in period.split("/"))
            top, bottom = (name, period, "", ""), {(name, earlier, "", ""): 1.0}
            value += 100
        elif figure == "answer_rate":
            top = ("answered_in_hours_attempts", period, breakdown, category)
            bottom = {top: 1.0, ("missed_attempts", period, breakdown, category): 1.0}
        elif figure == "clicks_per_conversation":
            top, bottom = ("clicks", period, "", ""), {("conversations", period, "", ""): 1.0}
            value, half = 100 * value, 100 * half
        else:
            continue
        for sign, share in ((1, (value + half) / 100), (-1, (value - half) / 100)):
            terms = {cell: -sign * share * factor for cell, factor in bottom.items()}
            yield terms | {top: terms.get(top, 0) + sign}


# A cell that is always 1.
ONE: Cell = ("one", "", "", "")


# --- What follows ---------------------------------------------------------------------------------

Rows = list[tuple[Terms, float, bool]]


def _groups(known: Knowledge) -> Iterator[tuple[list[Cell], Rows]]:
    """Unknown cells that hang together, with the relations between them, known values put in."""
    rows: Rows = []
    for is_equal, relations in (
        (True, equalities(known.there)),
        (False, inequalities(known.there)),
        (False, roundings(known)),
    ):
        for terms in relations:
            if all(cell in known.there or cell == ONE for cell in terms):
                values = known.shown | {ONE: 1.0}
                constant = sum(n * values[cell] for cell, n in terms.items() if cell in values)
                open_terms = {cell: n for cell, n in terms.items() if cell not in values and n}
                if open_terms:
                    rows.append((open_terms, -constant, is_equal))
    parent: dict[Cell, Cell] = {}

    def root(cell: Cell) -> Cell:
        while parent.setdefault(cell, cell) != cell:
            cell = parent[cell]
        return cell

    for terms, _, _ in rows:
        first, *others = terms
        for other in others:
            parent[root(other)] = root(first)
    for cell in known.hidden - known.shown.keys():
        root(cell)
    cells, grouped = defaultdict(list), defaultdict(list)
    for cell in sorted(parent):
        cells[root(cell)].append(cell)
    for row in rows:
        grouped[root(next(iter(row[0])))].append(row)
    yield from ((members, grouped[first]) for first, members in cells.items())


def _bounds(
    cells: list[Cell], rows: Rows, known: Knowledge, wanted: set[Cell]
) -> Iterator[tuple[Cell, int, float]]:
    index = {cell: number for number, cell in enumerate(cells)}
    matrices = {}
    for is_equal in (True, False):
        some = [(terms, right) for terms, right, equal in rows if equal is is_equal]
        places = [
            (number, index[cell], factor)
            for number, (terms, _) in enumerate(some)
            for cell, factor in terms.items()
        ]
        if some:
            at, columns, factors = zip(*places, strict=True)
            matrix = csr_array((factors, (at, columns)), shape=(len(some), len(cells)))
            matrices[is_equal] = (matrix, numpy.array([right for _, right in some]))
    equal, less = matrices.get(True, (None, None)), matrices.get(False, (None, None))
    limits = [(1 if cell in known.hidden else 0, None) for cell in cells]
    for cell in sorted(wanted & set(cells)):
        ends = []
        for sign in (1.0, -1.0):
            costs = numpy.zeros(len(cells))
            costs[index[cell]] = sign
            solved = linprog(costs, *less, *equal, bounds=limits, method="highs")
            if solved.status == 3:
                ends.append(math.inf)
            elif solved.status == 0:
                ends.append(sign * solved.fun)
            else:
                raise ArithmeticError(f"{cell}: {solved.message}")
        least, greatest = math.ceil(ends[0] - 1e-6), ends[1]
        yield cell, least, greatest if math.isinf(greatest) else math.floor(greatest + 1e-6)
