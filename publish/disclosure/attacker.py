"""The attacker: what a reader can conclude about each hidden cell from everything published.

Method: the attacker's problem of complementary cell suppression, two linear programmes for each
hidden cell (Fischetti and Salazar 2001, Solving the Cell Suppression Problem on Tabular Data with
Linear Constraints, Management Science 47; Hundepool et al. 2012, Statistical Disclosure Control).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from publish.disclosure.cells import Cell, Definitions, Publication
from publish.disclosure.derived import is_protected
from publish.disclosure.polytope import ContradictionError, Polytope, whole_range
from publish.disclosure.reader import Component, Knowledge, Variable, components, know
from publish.disclosure.relation import Relation, hold_against
from publish.disclosure.together import hidden_along


@dataclass(frozen=True)
class Range:
    """The least and greatest value that a hidden cell can have for all that a reader knows."""

    low: int
    high: float

    @property
    def width(self) -> float:
        """Greatest minus least."""
        return self.high - self.low


@dataclass(frozen=True)
class Audit:
    """What a reader can conclude.

    `ranges` has each cell that some content hides and none shows with the same values: of several
    revisions of it the narrowest range. `contradictory` are groups of cells on which all
    publications together leave no table; they were judged on the last content alone. `untrue` are
    relations that the true values break, by name with their cells: nothing was concluded from them.
    """

    ranges: dict[Cell, Range]
    contradictory: tuple[tuple[Cell, ...], ...] = ()
    untrue: tuple[tuple[str, tuple[Cell, ...]], ...] = ()

    def narrower_than(self, threshold: int) -> list[tuple[Cell, Range]]:
        """The hidden cells whose width is below the threshold, sorted: they are given away."""
        return sorted(
            ((cell, found) for cell, found in self.ranges.items() if found.width < threshold),
            key=lambda pair: pair[0],
        )


@dataclass(frozen=True)
class Difference:
    """A cell that two contents show with values so close that they give somebody away."""

    cell: Cell
    earlier: Decimal
    later: Decimal


def audit(
    contents: Sequence[Publication],
    documents: Sequence[Publication],
    definitions: Definitions,
    truth: Mapping[Cell, Decimal | Fraction | int] = MappingProxyType({}),
) -> Audit:
    """Bound each hidden cell by what all contents, in their order, and all documents say.

    `truth` are the values of now, as far as they are known: what they break, nothing is concluded
    from, or the attacker would find no table at all. What holds but for something is only known to
    an attacker where it does hold, and not at all without the truth.
    """
    ranges: dict[Cell, Range] = {}
    contradictory = []
    knowledge = know(contents, documents, definitions)
    relations, untrue = true_relations(knowledge, truth)
    protected = protected_of(knowledge.hidden, definitions)
    for component in components(relations, knowledge.known, protected):
        try:
            found = _bound(component, knowledge.hidden, protected)
        except ContradictionError:
            cells = {name.cell for name in component.variables}
            contradictory.append(tuple(sorted(cells)))
            found = _bound_alone(contents[-1:], definitions, truth, cells)
        _narrow(ranges, found)
    named = [
        (relation.name, tuple(sorted(name.cell for name, _ in relation.terms)))
        for relation in untrue
    ]
    return Audit(dict(sorted(ranges.items())), tuple(contradictory), tuple(named))


def true_relations(
    knowledge: Knowledge, truth: Mapping[Cell, Decimal | Fraction | int]
) -> tuple[list[Relation], list[Relation]]:
    """What can be concluded from, and the exact relations that the true values break.

    What readers have goes before the truth of now: a document may have printed another value. What
    they have all of, they need not conclude from.
    """
    values = {knowledge.latest.variable(cell): Fraction(value) for cell, value in truth.items()}
    telling = [
        relation
        for relation in knowledge.relations
        if any(name not in knowledge.known for name, _ in relation.terms)
    ]
    return hold_against(telling, values | dict(knowledge.known))


def told_anyway(
    content: Publication,
    definitions: Definitions,
    earlier: Sequence[Publication] = (),
    documents: Sequence[Publication] = (),
    truth: Mapping[Cell, Decimal | Fraction | int] = MappingProxyType({}),
) -> dict[Cell, Range]:
    """What a reader would know of hidden counts if a content hid every protected one but zeros.

    That is what is out already, and what the counts say that are no secret and do not go with
    protected ones. No suppression changes it.
    """
    counts = {cell for cell in content.mentioned if is_protected(cell, definitions)}
    zeros = {cell for cell in counts & content.shown.keys() if content.shown[cell] == 0}
    following = hidden_along(counts - zeros, content.shown, frozenset())
    silent = Publication(
        content.name,
        {
            cell: value
            for cell, value in content.shown.items()
            if cell in zeros
            or (cell not in counts | following and definitions[cell.figure].is_count)
        },
        frozenset(counts - zeros - content.pending),
        content.pending,
    )
    ranges = audit([*earlier, silent], documents, definitions, truth).ranges
    return {cell: found for cell, found in ranges.items() if cell in content.hidden}


def differences(
    earlier: Publication, later: Publication, definitions: Definitions, threshold: int
) -> list[Difference]:
    """Protected counts that both contents show, and that differ by 1 up to threshold - 1."""
    both = earlier.shown.keys() & later.shown.keys()
    return [
        Difference(cell, earlier.shown[cell], later.shown[cell])
        for cell in sorted(both)
        if is_protected(cell, definitions)
        and 0 < abs(earlier.shown[cell] - later.shown[cell]) < threshold
    ]


def protected_of(hidden: AbstractSet[Variable], definitions: Definitions) -> frozenset[Variable]:
    """Of what is hidden, what has to be: attempts may follow from what is shown."""
    return frozenset(name for name in hidden if is_protected(name.cell, definitions))


def _bound(
    component: Component, hidden: AbstractSet[Variable], wanted: AbstractSet[Variable]
) -> list[tuple[Variable, Range]]:
    polytope = Polytope(component, dict.fromkeys(hidden, 1))
    found = []
    for name in component.variables:
        if name in wanted:
            index = polytope.index[name]
            bounds = polytope.least(index).value, polytope.greatest(index).value
            low, high = whole_range(*bounds)
            if low > high:
                raise ContradictionError(f"no whole number is left for {name}")
            found.append((name, Range(low, high)))
    return found


def _bound_alone(
    contents: Sequence[Publication],
    definitions: Definitions,
    truth: Mapping[Cell, Decimal | Fraction | int],
    cells: AbstractSet[Cell],
) -> list[tuple[Variable, Range]]:
    """Bound the hidden ones of some cells by one content, unless it contradicts itself."""
    knowledge = know(contents, [], definitions)
    relations, _ = true_relations(knowledge, truth)
    protected = protected_of(knowledge.hidden, definitions)
    found = []
    for component in components(relations, knowledge.known, protected):
        if not cells.isdisjoint(name.cell for name in component.variables):
            try:
                found += _bound(component, knowledge.hidden, protected)
            except ContradictionError:
                continue
    return found


def _narrow(ranges: dict[Cell, Range], found: Iterable[tuple[Variable, Range]]) -> None:
    for name, bounds in found:
        if name.cell not in ranges or bounds.width < ranges[name.cell].width:
            ranges[name.cell] = bounds
