"""A reader's knowledge: what all publications together say, as linear relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from publish.disclosure.cells import Cell, Definitions, Publication
from publish.disclosure.derived import operands, rounding
from publish.disclosure.links import Universe, relate
from publish.disclosure.periods import block_of, months_of
from publish.disclosure.relation import Relation
from publish.disclosure.together import is_telling


class Variable(NamedTuple):
    """A cell's value as it stood at one time: the values of a year can be revised."""

    cell: Cell
    vintage: int = 0


@dataclass(frozen=True)
class State:
    """How often the values of each calendar year had been revised when something was published."""

    revisions: tuple[tuple[str, int], ...] = ()

    def variable(self, cell: Cell) -> Variable:
        """The variable that stands for the cell's value at that time."""
        return Variable(cell, dict(self.revisions).get(block_of(cell.period), 0))

    def revise(self, blocks: AbstractSet[str]) -> State:
        """The state after another revision of these years."""
        revisions = dict(self.revisions)
        for block in blocks:
            revisions[block] = revisions.get(block, 0) + 1
        return State(tuple(sorted(revisions.items())))


@dataclass(frozen=True)
class Edition:
    """A publication and the state of the values at its time; contents leave nothing out."""

    publication: Publication
    state: State
    is_content: bool


@dataclass(frozen=True)
class Knowledge:
    """What a reader knows: values, hidden cells (at least 1 each), and how they hang together."""

    known: Mapping[Variable, Fraction]
    hidden: AbstractSet[Variable]
    relations: Sequence[Relation]
    latest: State


@dataclass(frozen=True)
class Component:
    """Unknown values that hang together, and the relations between them."""

    variables: tuple[Variable, ...]
    relations: tuple[Relation, ...]


def know(
    contents: Sequence[Publication],
    documents: Sequence[Publication],
    definitions: Definitions,
) -> Knowledge:
    """What follows from all contents, in their order, and all documents.

    The values of a calendar year's periods are taken to be the same in all contents until one
    shows another value than before: then that year's values, the hidden ones too, may all have
    changed, and are variables of their own. Documents are held to the latest values; of what they
    print, only that which no content contradicts.
    """
    states = _states(contents, definitions)
    latest = states[-1] if states else State()
    editions = [
        Edition(content, state, True) for content, state in zip(contents, states, strict=True)
    ]
    editions += [
        Edition(_uncontradicted(document, editions, latest), latest, False)
        for document in documents
    ]
    facts = _gather(editions, definitions)
    relations: dict[Relation, None] = {}
    for state in dict.fromkeys(edition.state for edition in editions):
        relations |= dict.fromkeys(_relations(state, editions, facts, definitions))
    return Knowledge(facts.known, facts.hidden - facts.known.keys(), list(relations), latest)


def components(
    relations: Sequence[Relation], known: Mapping, wanted: AbstractSet
) -> list[Component]:
    """The unknown values in groups that no relation joins; only groups with a wanted one."""
    open_relations = [relation.substitute(known) for relation in relations]
    parents: dict = {}

    def root(name: Variable) -> Variable:
        while parents.setdefault(name, name) != name:
            parents[name] = name = parents[parents[name]]
        return name

    for relation in open_relations:
        for name, _ in relation.terms:
            parents[root(name)] = root(relation.terms[0][0])
    for name in wanted - known.keys():
        root(name)
    names, rows = defaultdict(list), defaultdict(list)
    for name in sorted(parents):
        names[root(name)].append(name)
    for relation in open_relations:
        if relation.terms:
            rows[root(relation.terms[0][0])].append(relation)
    return [
        Component(tuple(group), tuple(rows[first]))
        for first, group in names.items()
        if not wanted.isdisjoint(group)
    ]


@dataclass
class _Facts:
    known: dict[Variable, Fraction]
    hidden: set[Variable]
    mentioned: set[Variable]
    dense: set[Variable]


def _gather(editions: Sequence[Edition], definitions: Definitions) -> _Facts:
    facts = _Facts({}, set(), set(), set())
    for edition in editions:
        publication, name = edition.publication, edition.state.variable
        counts = {cell for cell in publication.mentioned if definitions[cell.figure].is_count}
        variables = {name(cell) for cell in counts}
        facts.mentioned |= variables
        facts.dense |= variables if edition.is_content else set()
        facts.hidden |= {name(cell) for cell in publication.hidden & counts}
        facts.known |= {
            name(cell): Fraction(value)
            for cell, value in publication.shown.items()
            if cell in counts
        }
    return facts


def _relations(
    state: State, editions: Sequence[Edition], facts: _Facts, definitions: Definitions
) -> Iterator[Relation]:
    """The relations between values as they stood in one state."""

    def of_state(names: AbstractSet[Variable]) -> set[Cell]:
        return {name.cell for name in names if state.variable(name.cell) == name}

    cells, dense = of_state(facts.mentioned), of_state(facts.dense)
    derived = []
    for edition in editions:
        if edition.state == state:
            for cell, printed in sorted(edition.publication.shown.items()):
                counts = operands(cell, definitions)
                if any(is_telling(count, definitions) for count in counts):
                    derived.append((cell, printed))
                    cells.update(counts)
                    dense.update(counts if edition.is_content else ())
    pending = {
        name.cell
        for name in map(state.variable, cells)
        if name in facts.mentioned and name not in facts.known and name not in facts.hidden
    }
    universe = Universe(cells, dense, pending)
    found = relate(universe, definitions)
    for cell, printed in derived:
        told = rounding(cell, printed, definitions, _months(cell, universe, definitions))
        found += (relation.called(f"rounding of {cell.figure}") for relation in told)
    names = {cell: state.variable(cell) for cell in cells}
    return (relation.rename(names) for relation in found)


def _months(cell: Cell, universe: Universe, definitions: Definitions) -> int:
    """The months that a mean was taken over: those that have rows, if any are known."""
    months = months_of(cell.period)
    counts = operands(cell, definitions)
    given = [month for month in months if counts[0]._replace(period=month) in universe.dense]
    return len(given) or len(months)


def _states(contents: Sequence[Publication], definitions: Definitions) -> list[State]:
    """The state of each content: one more revision of a year whenever one of its values moved."""
    states: list[State] = []
    state = State()
    known: dict[Variable, Decimal] = {}
    hidden: set[Variable] = set()
    for content in contents:
        shown = {c: v for c, v in content.shown.items() if definitions[c.figure].is_count}
        moved = {
            cell
            for cell, value in shown.items()
            if known.get(state.variable(cell), value) != value
            or (value == 0 and state.variable(cell) in hidden)
        } | {cell for cell in content.hidden if known.get(state.variable(cell)) == 0}
        state = state.revise({block_of(cell.period) for cell in moved})
        known |= {state.variable(cell): value for cell, value in shown.items()}
        hidden |= {state.variable(cell) for cell in content.hidden}
        states.append(state)
    return states


def _uncontradicted(
    document: Publication, contents: Sequence[Edition], latest: State
) -> Publication:
    """What a document prints, without the values that have been revised since."""
    released: dict[Cell, Decimal] = {}
    for edition in contents:
        for cell in document.shown.keys() & edition.publication.shown.keys():
            if edition.state.variable(cell) == latest.variable(cell):
                released[cell] = edition.publication.shown[cell]
    return Publication(
        document.name,
        {
            cell: printed
            for cell, printed in document.shown.items()
            if agree(printed, released.get(cell, printed))
        },
        document.hidden,
        document.pending,
    )


def agree(one: Decimal, other: Decimal) -> bool:
    """Whether two printed values are the same when the finer is rounded half up to the coarser."""
    coarser, finer = sorted((one, other), key=lambda value: -int(value.as_tuple().exponent))
    unit = Decimal(1).scaleb(int(coarser.as_tuple().exponent))
    return finer.quantize(unit, rounding=ROUND_HALF_UP) == coarser
