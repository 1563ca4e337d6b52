"""What always holds between the counts of a helpline, whatever their values.

The relations are those of the registry (`registry.py`), applied to the cells that there are; a kind
of relation is a function here. A relation that did not always hold would be worse than one that is
wanting: an attacker who is misled finds no table at all. So those that hold but for something are
marked, and whoever uses them looks first (`relation.hold_against`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from publish.disclosure.cells import Cell, Definitions
from publish.disclosure.periods import is_month, is_within_a_year, months_of, starts_a_year
from publish.disclosure.registry import Entry, Term, coarsen, entries
from publish.disclosure.relation import Relation


@dataclass(frozen=True)
class Universe:
    """The cells that relations are sought between.

    `dense` are those of contents, which leave no category and no month out; a document may.
    `pending` have no value yet, or never will.
    """

    cells: AbstractSet[Cell]
    dense: AbstractSet[Cell]
    pending: AbstractSet[Cell] = field(default_factory=frozenset)

    def months(self, whole: Cell) -> list[Cell] | None:
        """The months that a period's cell counts, or None if not all of them are there.

        A dense period counts the months that have rows at all (a period counts no other); of a
        period that only a document names, all its months have to be there.
        """
        months = months_of(whole.period)
        if whole in self.dense:
            months = [month for month in months if Cell(whole.figure, month) in self.dense]
        parts = [whole._replace(period=month) for month in months]
        return parts if parts and all(part in self.cells for part in parts) else None


@dataclass(frozen=True)
class _Tables:
    """The counts of a universe, sorted, by what they are of; and the months that are dense."""

    universe: Universe
    definitions: Definitions
    counts: list[Cell]
    series: dict[Term, list[Cell]]
    dense_months: dict[str, list[str]]

    def of(self, term: Term, breakdowns: Iterable[str] = ()) -> list[Cell]:
        """The cells of a term, and those of its figure's categories of the breakdowns."""
        cells = list(self.series.get(term, []))
        for key, others in self.series.items():
            if key.figure == term.figure and key.breakdown in breakdowns and not term.breakdown:
                cells += others
        return cells


def relate(universe: Universe, definitions: Definitions) -> list[Relation]:
    """All relations between the counts of a universe, none twice, each under its entry's name."""
    counts = sorted(cell for cell in universe.cells if definitions[cell.figure].is_count)
    series, dense_months = defaultdict(list), defaultdict(list)
    for cell in counts:
        series[Term(cell.figure, cell.breakdown, cell.category)].append(cell)
        if not cell.breakdown and is_month(cell.period) and cell in universe.dense:
            dense_months[cell.figure].append(cell.period)
    tables = _Tables(universe, definitions, counts, series, dense_months)
    relations = [
        relation.called(entry.relation, is_exact=not entry.but_for)
        for entry in entries()
        if entry.kind in KINDS
        for relation in KINDS[entry.kind](entry, tables)
    ]
    return list(dict.fromkeys(relations))


def _between(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    """Relate figures in one cell of one period.

    Where some of the smaller ones are not there, the others are still no more than the larger.
    """
    cells = tables.universe.cells
    for smaller in entry.smaller:
        for first in _anchors(smaller, entry, tables):
            if not _fits(entry.periods, first, tables):
                continue
            small = _at(smaller, first)
            large = _at(entry.larger, first)
            if entry.kind == "equal" and all(cell in cells for cell in (*small, *large)):
                yield _difference(large, small, is_equal=True)
            elif entry.kind == "equal":
                # The registry's equalities have their whole on the smaller side.
                parts = Counter({cell: n for cell, n in large.items() if cell in cells})
                if parts and all(cell in cells for cell in small):
                    yield _difference(small, parts)
            elif all(cell in cells for cell in large):
                there = Counter({cell: n for cell, n in small.items() if cell in cells})
                yield _difference(large, there)


def _anchors(smaller: Counter[Term], entry: Entry, tables: _Tables) -> Iterator[Cell]:
    """One cell for each place in which the relation can be sought: of the first term there is."""
    places = set()
    for term in smaller:
        for cell in tables.of(term, entry.breakdowns):
            of_total = cell if cell.breakdown in entry.breakdowns else Cell("", cell.period)
            place = of_total._replace(figure="")
            if place not in places:
                places.add(place)
                yield place


def _at(side: Counter[Term], place: Cell) -> Counter[Cell]:
    return Counter(
        {
            Cell(
                term.figure,
                place.period,
                term.breakdown or place.breakdown,
                term.category or place.category,
            ): times
            for term, times in side.items()
        }
    )


def _difference(large: Counter[Cell], small: Counter[Cell], *, is_equal: bool = False) -> Relation:
    terms = dict(large)
    for cell, times in small.items():
        terms[cell] = terms.get(cell, 0) - times
    return Relation.of(terms, low=0, high=0 if is_equal else None)


def _fits(periods: str, place: Cell, tables: _Tables) -> bool:
    match periods:
        case "within_a_year":
            return is_within_a_year(place.period)
        case "starts_a_year":
            return starts_a_year(place.period)
        case "month_of_first_year":
            return is_month(place.period) and place.period in _first_year(tables)
        case "month_after_first_year":
            # If the logs begin in the middle of a month, somebody can have been new in it before
            # they did, and be there for the first time after.
            months = tables.dense_months["new_callers"]
            is_later = bool(months) and months[0][:4] < place.period[:4]
            return is_month(place.period) and is_later
        case _:
            return True


def _first_year(tables: _Tables) -> list[str]:
    """The months of the year in which the logs begin, if who is new is there for the first time.

    Unless they begin in the middle of a month, which is then pending for ever: somebody can have
    come in it before they did. Or unless a month is missing, in which nobody can be new.
    """
    months = tables.dense_months["new_callers"]
    if not months or Cell("new_callers", months[0]) in tables.universe.pending:
        return []
    of_first_year = [month for month in months if month[:4] == months[0][:4]]
    return of_first_year if _is_run(of_first_year) else []


def _is_run(months: list[str]) -> bool:
    """Whether no month is wanting between the first and the last, in order."""
    return len(months_of(f"{months[0]}/{months[-1]}")) == len(months)


def _categories(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    named = {term.figure for side in entry.smaller for term in side}
    groups = defaultdict(list)
    for cell in tables.counts:
        if cell.breakdown in entry.breakdowns and (not named or cell.figure in named):
            groups[cell.figure, cell.period, cell.breakdown].append(cell)
    for (figure, period, _), parts in groups.items():
        whole = Cell(figure, period)
        if whole in tables.universe.cells:
            is_dense = any(part in tables.universe.dense for part in parts)
            yield _sum_or_less(whole, parts, is_dense)


def _coarser(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    there = {cell.breakdown for cell in tables.counts}
    for finer, coarser in (pair.split(">") for pair in entry.breakdowns):
        if coarser not in there:
            continue
        groups = defaultdict(list)
        for cell in tables.counts:
            if cell.breakdown == finer:
                category = coarsen(cell.category, coarser)
                groups[cell._replace(breakdown=coarser, category=category)].append(cell)
        for whole, parts in groups.items():
            if whole in tables.universe.cells:
                is_dense = any(part in tables.universe.dense for part in parts)
                yield _sum_or_less(whole, parts, is_dense)


def _months(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    if entry.smaller:
        [[term]] = entry.smaller
        [part] = entry.larger
        wholes = [cell for cell in tables.of(term) if _fits(entry.periods, cell, tables)]
        pairs = [(cell, Cell(part.figure, cell.period)) for cell in wholes]
    else:
        sums = [cell for cell in tables.counts if tables.definitions[cell.figure].kind == "sum"]
        pairs = [(cell, cell) for cell in sums]
    for whole, parts in pairs:
        if is_month(whole.period):
            continue
        months = tables.universe.months(parts)
        given = [parts._replace(period=month) for month in months_of(whole.period)]
        given = [cell for cell in given if cell in tables.universe.cells]
        if months:
            yield _sum_or_less(whole, months, True)
        elif given:
            yield _sum_or_less(whole, given, False)


def _monotone(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    """Parts of a period are at most the whole."""
    for whole, _, parts in _wholes(entry, tables):
        yield from (Relation.at_most([part], [whole]) for part in parts)


def _monotone_but(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    """Who counts in a month but not in the whole is among the others in another month of it."""
    [larger] = entry.larger
    for whole, _, parts in _wholes(entry, tables):
        others = tables.universe.months(Cell(larger.figure, whole.period))
        for part in parts if others else ():
            if is_month(part.period):
                beside = [month for month in others if month.period != part.period]
                yield Relation.at_most([part], [whole, *beside])


def _covered(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    """A whole is at most its months, a part and the other months, or two parts that cover it."""
    for whole, months, parts in _wholes(entry, tables):
        if months:
            yield Relation.at_most([whole], months)
        inside = set(months_of(whole.period))
        for part in parts:
            covered = set(months_of(part.period))
            if months and not is_month(part.period):
                others = [month for month in months if month.period not in covered]
                yield Relation.at_most([whole], [part, *others])
            yield from (
                Relation.at_most([whole], [part, other])
                for other in parts
                if part < other and inside <= covered | set(months_of(other.period))
            )


def _wholes(entry: Entry, tables: _Tables) -> Iterator[tuple[Cell, list[Cell] | None, list[Cell]]]:
    """Each period of the entry's figures, its months if all are there, and all parts of it."""
    for [term] in entry.smaller:
        cells = [cell for cell in tables.of(term) if months_of(cell.period)]
        for whole in cells:
            if not is_month(whole.period):
                inside = set(months_of(whole.period))
                parts = [
                    part
                    for part in cells
                    if part != whole and set(months_of(part.period)) <= inside
                ]
                yield whole, tables.universe.months(whole), parts


def _so_far_in_year(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    """Whoever counts in a period counts among the new of a month from January to its end."""
    [[smaller]] = entry.smaller
    [larger] = entry.larger
    for cell in tables.of(smaller):
        if not _fits(entry.periods, cell, tables) or not months_of(cell.period):
            continue
        until = Cell(larger.figure, f"{cell.period[:4]}-01/{months_of(cell.period)[-1]}")
        is_dense = cell in tables.universe.dense
        dense = tables.universe.dense | {until} if is_dense else tables.universe.dense
        months = replace(tables.universe, dense=dense).months(until)
        if months and len(months) > 1:
            yield Relation.at_most([cell], months)


def _so_far(entry: Entry, tables: _Tables) -> Iterator[Relation]:
    """Whoever counts in a period does for the first time in it or in a month before.

    All months from the first one on must be there; and of the first month itself it is said only
    if that is whole.
    """
    [[smaller]] = entry.smaller
    [larger] = entry.larger
    months = tables.dense_months[larger.figure]
    for cell in tables.of(smaller) if months else ():
        covered = months_of(cell.period)
        if not covered or cell not in tables.universe.dense:
            continue
        given = [month for month in months if month <= covered[-1]]
        begins = Cell(larger.figure, months[0]) in tables.universe.pending
        is_after = covered[0] > months[0] if begins else covered[-1] >= months[0]
        if given and is_after and given[-1] == covered[-1] and _is_run(given):
            yield Relation.at_most([cell], [Cell(larger.figure, month) for month in given])


def _sum_or_less(whole: Cell, parts: Iterable[Cell], is_complete: bool) -> Relation:
    return Relation.sum(whole, parts) if is_complete else Relation.at_most(parts, [whole])


# Kinds that are wanting here are about weeks, or about what is never public.
KINDS: dict[str, Callable[[Entry, _Tables], Iterator[Relation]]] = {
    "equal": _between,
    "at_most": _between,
    "categories": _categories,
    "coarser": _coarser,
    "months": _months,
    "monotone": _monotone,
    "monotone_but": _monotone_but,
    "covered": _covered,
    "so_far_in_year": _so_far_in_year,
    "so_far": _so_far,
}
