"""Which cells to hide, so that no hidden count can be narrowed down, with the least loss.

Method: complementary cell suppression by branch and cut (Fischetti and Salazar 2001, Solving the
Cell Suppression Problem on Tabular Data with Linear Constraints, Management Science 47): an integer
programme chooses the cells; the attacker's linear programmes say which hidden cells are still too
narrow, and their dual prices which cells could widen them; that becomes a cut, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal

from publish.disclosure.attacker import Range, audit, protected_of, true_relations
from publish.disclosure.cells import Cell, Definitions, Publication
from publish.disclosure.derived import hidden_derived, operands
from publish.disclosure.periods import is_month
from publish.disclosure.polytope import ContradictionError
from publish.disclosure.reader import Component, Knowledge, components, know
from publish.disclosure.relation import Relation
from publish.disclosure.search import Choice, Found, search
from publish.disclosure.together import hidden_along, is_telling, tie, tied, ties_of

Weight = Callable[[Cell, int], float]

# What parliament asks for first; then the finer a table, the sooner it may lose a cell.
FIRST_ASKED = frozenset({"conversations", "callers", "new_callers"})
# Every share of a profile is computed from the year's callers, and would be lost with them: they
# are worth more than a channel, the new callers and what it takes to hide these, together.
BASES_OF_SHARES = frozenset({"callers"})
IMPORTANCE = {"channel": 4.0, "hour_of_week": 1.0, "part_of_week": 1.5, "weekday": 2.0, "hour": 2.0}


@dataclass(frozen=True)
class Proposal:
    """What a content would show if nothing were hidden.

    `counts` are the protected ones with their true values, `known` all other counts, `derived` the
    values computed from counts, as they would be printed, `pending` the cells without a value yet.
    `unseen` are true values of counts that derived values need but that are not public themselves,
    such as those of a range a year before.
    """

    counts: Mapping[Cell, int]
    known: Mapping[Cell, Decimal] = field(default_factory=dict)
    derived: Mapping[Cell, Decimal] = field(default_factory=dict)
    pending: frozenset[Cell] = frozenset()
    unseen: Mapping[Cell, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pattern:
    """The cells to hide, and how well they were chosen.

    `primary` are small counts, `secondary` other protected counts, `following` the attempts and
    clicks that go with either, `derived` what is computed from all of these.
    `loss` is the weight of the secondary ones, `gap` how much of it could at most be saved (0: a
    proven optimum), `nodes` and `rounds` the work done. `unprotected` are hidden cells that are
    narrower than the threshold whatever is hidden, for what was shown before; `contradictory`
    groups of cells on which everything published leaves no table.
    """

    primary: frozenset[Cell]
    secondary: frozenset[Cell]
    following: frozenset[Cell]
    derived: frozenset[Cell]
    loss: float
    gap: float
    nodes: int
    rounds: int
    unprotected: tuple[tuple[Cell, Range], ...]
    contradictory: tuple[tuple[Cell, ...], ...]

    @property
    def hidden(self) -> frozenset[Cell]:
        """All cells to hide."""
        return self.primary | self.secondary | self.following | self.derived


def default_weight(cell: Cell, value: int) -> float:
    """What it costs to hide a count: more for totals, for years, and somewhat for large numbers."""
    if not cell.breakdown:
        importance = 20.0 if cell.figure in FIRST_ASKED else 8.0
        if cell.figure in BASES_OF_SHARES and not is_month(cell.period):
            importance *= 4
    else:
        importance = IMPORTANCE.get(cell.breakdown, 3.0)
    of_period = 1.0 if is_month(cell.period) else 4.0
    return round(importance * of_period * (1 + math.log2(max(value, 1))), 3)


def choose(
    proposal: Proposal,
    definitions: Definitions,
    threshold: int = 5,
    contents: Sequence[Publication] = (),
    documents: Sequence[Publication] = (),
    weight: Weight = default_weight,
    nodes: int = 2000,
) -> Pattern:
    """Choose the cells to hide in the next content, given all earlier ones and all documents.

    Counts from 1 to `threshold` - 1 are hidden, and as many others as are needed for every hidden
    count to have a width of at least `threshold`. Zeros stay shown. By time, conversations and
    answered attempts are hidden together, with their attempts and clicks. What an earlier content
    or a document shows stays shown, what the last content hides stays hidden. `nodes` limits each
    integer programme; there is no limit of time. The same input gives the same pattern.
    """
    shown = frozenset().union(*(one.shown for one in (*contents, *documents)))
    candidates = {c: v for c, v in proposal.counts.items() if v > 0 and c not in shown}
    primary = frozenset(cell for cell, value in candidates.items() if value < threshold)
    carried = contents[-1].hidden if contents else frozenset()
    draft = _draft(proposal, definitions, candidates.keys(), shown)
    must_hide = primary | (carried & candidates.keys())
    task = _Task(
        candidates=candidates,
        others={**proposal.known, **proposal.unseen},
        forced=candidates.keys() & frozenset(one for cell in must_hide for one in tied(cell)),
        weight=weight,
        threshold=threshold,
        nodes=nodes,
    )
    found = _search_all(task, draft, contents, documents, definitions)
    hidden = task.forced.union(*(one.hidden for one in found))
    loss = round(sum(weight(cell, candidates[cell]) for cell in sorted(hidden - primary)), 6)
    following = hidden_along(hidden, proposal.known, shown)
    derived = hidden_derived(
        proposal.derived,
        proposal.counts,
        hidden | following,
        definitions,
        threshold,
        proposal.unseen,
        kept=shown & proposal.derived.keys(),
    )
    counted = hide("", proposal, hidden | following | derived)
    truth = {**proposal.counts, **proposal.known, **proposal.unseen}
    judged = audit([*contents, counted], documents, definitions, truth)
    # The solver's bounds are noise in their last digits.
    saved = round(sum(one.loss - one.bound for one in found), 6)
    return Pattern(
        primary=primary,
        secondary=hidden - primary,
        following=following,
        derived=derived,
        loss=loss,
        gap=saved / loss if saved > 0 else 0.0,
        nodes=sum(one.nodes for one in found),
        rounds=max((one.rounds for one in found), default=0),
        unprotected=tuple(judged.narrower_than(threshold)),
        contradictory=judged.contradictory,
    )


def publish(name: str, proposal: Proposal, pattern: Pattern) -> Publication:
    """What a reader has of a content once a pattern is hidden."""
    return hide(name, proposal, pattern.hidden)


def hide(name: str, proposal: Proposal, hidden: AbstractSet[Cell]) -> Publication:
    """What a reader has of a content once these cells are hidden."""
    counts = {cell: Decimal(value) for cell, value in proposal.counts.items()}
    values = counts | dict(proposal.known) | dict(proposal.derived)
    shown = {cell: value for cell, value in values.items() if cell not in hidden}
    return Publication(name, shown, frozenset(hidden & values.keys()), proposal.pending)


@dataclass(frozen=True)
class _Task:
    """What may be hidden with its true values; true values of `others`; what is `forced`."""

    candidates: Mapping[Cell, int]
    others: Mapping[Cell, Decimal | int]
    forced: frozenset[Cell]
    weight: Weight
    threshold: int
    nodes: int


def _draft(
    proposal: Proposal,
    definitions: Definitions,
    candidates: AbstractSet[Cell],
    shown: AbstractSet[Cell],
) -> Publication:
    """The content with everything hidden that may be, and no more said than must be.

    What goes with a count that may be hidden is not spoken of: shown with it, it says the same.
    A derived value goes with the counts it is computed from, so it only tells something if it is
    shown all the same: because it was before, or because a count it needs is not public.
    """

    def tells(cell: Cell) -> bool:
        counts = [count for count in operands(cell, definitions) if is_telling(count, definitions)]
        return cell in shown or not all(
            count in proposal.counts or count in proposal.known for count in counts
        )

    silent = {cell for cell in proposal.derived if not tells(cell)}
    silent |= hidden_along(candidates, proposal.known, shown)
    draft = hide("", proposal, candidates | silent)
    return Publication("", draft.shown, draft.hidden - silent, draft.pending)


def _search_all(
    task: _Task,
    draft: Publication,
    contents: Sequence[Publication],
    documents: Sequence[Publication],
    definitions: Definitions,
) -> list[Found]:
    """Choose in each component; where everything published contradicts, by this content alone."""
    knowledge = know([*contents, draft], documents, definitions)
    found, contradicted = [], set()
    for component in _components(knowledge, task, definitions):
        try:
            found.append(_search_one(component, knowledge, task, definitions))
        except ContradictionError:
            contradicted |= {name.cell for name in component.variables}
    alone = know([draft], [], definitions) if contradicted else knowledge
    for component in _components(alone, task, definitions) if contradicted else ():
        if not contradicted.isdisjoint(name.cell for name in component.variables):
            try:
                found.append(_search_one(component, alone, task, definitions))
            except ContradictionError:
                continue
    return found


def _components(knowledge: Knowledge, task: _Task, definitions: Definitions) -> list[Component]:
    """The components with a cell to protect, without relations that the true values break.

    What is hidden together is in one of them.
    """
    variable = knowledge.latest.variable
    kept, _ = true_relations(knowledge, {**task.candidates, **task.others})
    # Without bounds, it only says that they belong together.
    kept += [
        Relation.of({variable(cell): 1 for cell in group})
        for group in ties_of(task.candidates.keys())
    ]
    candidates = {variable(cell) for cell in task.candidates}
    forced = {variable(cell) for cell in task.forced}
    watched = protected_of(knowledge.hidden, definitions)
    return components(kept, knowledge.known, forced | (watched - candidates))


def _search_one(
    component: Component, knowledge: Knowledge, task: _Task, definitions: Definitions
) -> Found:
    choices = {}
    for name in component.variables:
        cell = name.cell
        if cell in task.candidates and knowledge.latest.variable(cell) == name:
            value = task.candidates[cell]
            is_forced = cell in task.forced
            choices[name] = Choice(value, task.weight(cell, value), is_forced, tie(cell))
    watched = protected_of(knowledge.hidden, definitions)
    return search(component, choices, knowledge.hidden, watched, task.threshold, task.nodes)
