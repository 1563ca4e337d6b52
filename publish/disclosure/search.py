"""Branch and cut over one component: the cheapest cells to hide so that none is too narrow."""

from __future__ import annotations

import math
import random
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import highspy
import numpy

from publish.disclosure.cells import Cell
from publish.disclosure.polytope import (
    ContradictionError,
    Extreme,
    Polytope,
    quiet_solver,
    whole_range,
)
from publish.disclosure.reader import Component, Variable

# Prices below this are the solver's noise.
NOISE = 1e-7
# Each round hides something else; a component that takes longer is finished greedily.
ROUNDS = 150
# How far from the cheapest a pattern may be until there is a safe one.
ROUGH_GAP = 0.1
# Tables that are kept to spare programmes, and corners to start with.
TABLES = 1000
CORNERS = 12


@dataclass(frozen=True)
class Choice:
    """A count that may be hidden: its true value, what hiding costs, whether it must be hidden.

    Choices with the same `tie` are hidden together.
    """

    value: int
    weight: float
    is_forced: bool
    tie: Hashable | None = None


@dataclass(frozen=True)
class Found:
    """What to hide in a component; `bound`: no pattern has a smaller loss."""

    hidden: frozenset[Cell]
    loss: float
    bound: float
    nodes: int
    rounds: int


@dataclass(frozen=True)
class Cut:
    """If `cell` is hidden, the weights of the other hidden ones must come to `needed`."""

    cell: int
    factors: dict[int, float]
    needed: float


def search(
    component: Component,
    choices: Mapping[Variable, Choice],
    hidden: AbstractSet[Variable],
    watched: AbstractSet[Variable],
    threshold: int,
    nodes: int,
) -> Found:
    """Find the cheapest pattern of a component by cutting off the patterns that tell too much.

    `hidden` are at least 1 each; those in `watched` must not become narrow.
    Raises ContradictionError if no table at all agrees with what is known.
    """
    attack = Attack(component, choices, hidden, watched, threshold)
    attack.settle_targets()
    master = Master(attack)
    # Cuts are cheaper to find on the way of the greedy than by solving for a pattern each time.
    safe = [_complete(attack, master, attack.forced)]
    for _ in range(ROUNDS):
        if not master.solve(nodes):
            break
        cuts = attack.cuts(master.pattern)
        if not cuts:
            safe.append(master.pattern)
            if master.is_exact:
                break
            master.is_exact = True
        master.add(cuts)
    else:
        safe.append(_complete(attack, master, master.pattern))
    return master.found(min(safe, key=attack.loss))


def _complete(attack: Attack, master: Master, pattern: frozenset[int]) -> frozenset[int]:
    """Hide the cheapest cells that help, until nothing is too narrow: safe, if not the best."""
    while cuts := attack.cuts(pattern):
        master.add(cuts)
        helping = [cut.factors.keys() - pattern for cut in cuts]
        if not all(helping):
            return attack.allowed
        pattern |= attack.together(
            min(indices, key=lambda index: (attack.weight(index), index)) for indices in helping
        )
    return pattern


class Attack:
    """The attacker's linear programmes under changing patterns.

    Cells are columns of the polytope. `choices` may be hidden, `forced` are; of these the ones in
    `allowed` can be: a cell that stays too narrow even if all others are hidden must not be.
    `targets` are the widths to reach. Of what is `hidden` without a choice, those in `watched`
    have to stay wide.
    """

    def __init__(
        self,
        component: Component,
        choices: Mapping[Variable, Choice],
        hidden: AbstractSet[Variable],
        watched: AbstractSet[Variable],
        threshold: int,
    ):
        self.polytope = Polytope(component, dict.fromkeys(hidden, 1))
        index = self.polytope.index
        self.choices = {index[name]: choice for name, choice in choices.items()}
        self._ties: dict[Hashable, list[int]] = defaultdict(list)
        for i, choice in self.choices.items():
            self._ties[i if choice.tie is None else choice.tie].append(i)
        self.forced = self.together(i for i, choice in self.choices.items() if choice.is_forced)
        self.allowed = frozenset(self.choices)
        self._threshold = threshold
        # Hidden in earlier contents, with other values than today's: hidden for good.
        self._older = sorted(index[name] for name in index if name in watched - choices.keys())
        self.targets = dict.fromkeys((*self.choices, *self._older), float(threshold))
        self._pattern = self.allowed
        self._values = numpy.full(len(index), numpy.nan)
        for i, choice in self.choices.items():
            self._values[i] = choice.value
        self._tables: deque[numpy.ndarray] = deque(maxlen=TABLES)

    def tie(self, index: int) -> Hashable:
        """What a choice is tied to: itself, if to nothing else."""
        choice = self.choices[index]
        return index if choice.tie is None else choice.tie

    def together(self, indices: Iterable[int]) -> frozenset[int]:
        """These choices and all that are tied to them."""
        return frozenset(mate for index in indices for mate in self._ties[self.tie(index)])

    def weight(self, index: int) -> float:
        """What it costs to hide a choice and all that is tied to it."""
        return sum(self.choices[mate].weight for mate in self._ties[self.tie(index)])

    def loss(self, pattern: frozenset[int]) -> float:
        """The weight of what a pattern hides beyond what must be hidden."""
        return sum(self.choices[index].weight for index in sorted(pattern - self.forced))

    def settle_targets(self) -> None:
        """Find which cells can be protected at all, and how far those can that must be hidden.

        Raises ContradictionError if no table of whole numbers agrees with what is known.
        """
        while True:
            self._scatter()
            narrow = {index: width for index, width, _ in self._narrow()}
            if any(width < 0 for width in narrow.values()):
                raise ContradictionError("no whole number is left")
            if narrow.keys() <= self.forced | set(self._older):
                break
            self.allowed -= self.together(narrow.keys() - self.forced - set(self._older))
            self._apply(self.allowed)
        self.targets |= narrow

    def cuts(self, pattern: frozenset[int]) -> list[Cut]:
        """For each cell that a pattern leaves too narrow, what has to change."""
        self._apply(pattern)
        return [
            cut for index, _, extremes in self._narrow() for cut in self._cuts(index, *extremes)
        ]

    def _narrow(self) -> list[tuple[int, float, tuple[Extreme, Extreme]]]:
        """The cells below their targets, with their widths and the programmes that prove it.

        Tables that were found before and agree with the pattern spare most of the programmes.
        """
        lows, highs = self._spans()
        found = []
        for index in (*sorted(self._pattern), *self._older):
            target = self.targets[index]
            if _width(lows[index], highs[index]) >= target:
                continue
            least = self.polytope.least(index)
            self._remember(least.table, lows, highs)
            if _width(least.value, highs[index]) >= target:
                continue
            # Far enough to be wide enough, and no farther: so there always is a greatest value.
            self.polytope.confine(index, 1.0, math.ceil(least.value) + target + 1)
            greatest = self.polytope.greatest(index)
            self.polytope.confine(index, 1.0)
            self._remember(greatest.table, lows, highs)
            width = _width(least.value, greatest.value)
            if width < target:
                found.append((index, width, (least, greatest)))
        return found

    def _spans(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The least and greatest values in the tables seen so far that agree with the pattern."""
        shown = sorted(self.choices.keys() - self._pattern)
        tables = numpy.array(self._tables).reshape(-1, len(self._values))
        moved = numpy.abs(tables[:, shown] - self._values[shown]) > NOISE
        agreeing = tables[~moved.any(axis=1)]
        return agreeing.min(axis=0, initial=math.inf), agreeing.max(axis=0, initial=-math.inf)

    def _remember(self, table: numpy.ndarray, lows: numpy.ndarray, highs: numpy.ndarray) -> None:
        self._tables.append(table)
        numpy.minimum(lows, table, out=lows)
        numpy.maximum(highs, table, out=highs)

    def _scatter(self) -> None:
        """Look at some far corners first: each shows how wide many cells are at once."""
        chance = random.Random(0)
        reach = 2 * self._threshold
        pattern = sorted(self._pattern)
        for index in pattern:
            self.polytope.confine(index, 1.0, self.choices[index].value + reach)
        for _ in range(CORNERS):
            corner = self.polytope.lean({index: chance.choice((-1.0, 1.0)) for index in pattern})
            self._tables.append(corner.table)
        for index in pattern:
            self.polytope.confine(index, 1.0)

    def _apply(self, pattern: frozenset[int]) -> None:
        for index in self._pattern ^ pattern:
            value = float(self.choices[index].value)
            if index in pattern:
                self.polytope.confine(index, 1.0)
            else:
                self.polytope.confine(index, value, value)
        self._pattern = pattern

    def _cuts(self, cell: int, least: Extreme, greatest: Extreme) -> list[Cut]:
        """What the dual prices of a narrow cell's two programmes say about other patterns.

        A shown cell can widen it by at most its price times the way it could move, without end
        if it could move up; a hidden one would narrow it by at least that if it were shown.
        """
        widening: dict[int, float] = {}
        lost: dict[int, float] = {}
        for extreme in (least, greatest):
            for index in self.allowed:
                price = extreme.prices[index]
                down = self.choices[index].value - 1
                if abs(price) < NOISE:
                    continue
                if index in self._pattern:
                    lost[index] = lost.get(index, 0.0) + max(price, 0.0) * down
                else:
                    moved = price * down if price > 0 else math.inf
                    widening[index] = widening.get(index, 0.0) + moved
        lost.pop(cell, None)
        width = greatest.value - least.value
        needed = self.targets[cell] - width + sum(lost.values())
        helping = {index: moved for index, moved in widening.items() if moved > 0}
        found = [Cut(cell, dict.fromkeys(helping, 1.0), 1.0)]
        if self.targets[cell] - width > NOISE:
            strong = {index: min(moved, needed) for index, moved in helping.items()}
            found.append(Cut(cell, strong | {i: v for i, v in lost.items() if v > 0}, needed))
        return found


def _width(low: float, high: float) -> float:
    """The width of a range of whole numbers; negative if there is none yet."""
    if low > high:
        return -1.0
    first, last = whole_range(low, high)
    return last - first


@dataclass
class Master:
    """The integer programme that chooses the cheapest pattern no cut forbids."""

    attack: Attack
    pattern: frozenset[int] = frozenset()
    bound: float = 0.0
    nodes: int = 0
    rounds: int = 0
    is_exact: bool = False
    _solver: highspy.Highs = field(default_factory=quiet_solver)

    def __post_init__(self) -> None:
        # Choices that are tied share a column.
        columns: dict[Hashable, int] = {}
        self._columns = {
            index: columns.setdefault(self.attack.tie(index), len(columns))
            for index in sorted(self.attack.allowed)
        }
        for column, index in sorted({c: i for i, c in self._columns.items()}.items()):
            is_forced = index in self.attack.forced
            self._solver.addVar(float(is_forced), 1.0)
            # What must be hidden anyway is no loss.
            self._solver.changeColCost(column, 0.0 if is_forced else self.attack.weight(index))
            self._solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
        self._solver.setOptionValue("mip_abs_gap", 0.0)

    def add(self, cuts: list[Cut]) -> None:
        """Forbid what the cuts forbid."""
        for cut in cuts:
            factors: dict[int, float] = defaultdict(float)
            for index, factor in cut.factors.items():
                factors[self._columns[index]] += factor
            needed = cut.needed
            if cut.cell in self._columns:
                factors[self._columns[cut.cell]] -= needed
                needed = 0.0
            columns = numpy.array(sorted(factors), dtype=numpy.int32)
            values = numpy.array([factors[column] for column in sorted(factors)])
            self._solver.addRow(needed, highspy.kHighsInf, len(columns), columns, values)

    def solve(self, nodes: int) -> bool:
        """Find a pattern within a number of nodes; whether there is one."""
        self._solver.setOptionValue("mip_max_nodes", nodes)
        # While cuts are still wanting, the best pattern for those there are is not worth a proof.
        self._solver.setOptionValue("mip_rel_gap", 0.0 if self.is_exact else ROUGH_GAP)
        self._solver.run()
        self.rounds += 1
        info = self._solver.getInfo()
        if info.primal_solution_status != highspy.kSolutionStatusFeasible:
            return False
        values = self._solver.getSolution().col_value
        self.pattern = frozenset(i for i, column in self._columns.items() if values[column] > 0.5)
        self.bound = max(self.bound, info.mip_dual_bound)
        self.nodes += max(0, info.mip_node_count)
        return True

    def found(self, pattern: frozenset[int]) -> Found:
        """The result, if this is the pattern to hide."""
        loss = self.attack.loss(pattern)
        names = self.attack.polytope.variables
        hidden = frozenset(names[index].cell for index in pattern)
        return Found(hidden, loss, min(self.bound, loss), self.nodes, self.rounds)
