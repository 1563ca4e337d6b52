"""All tables that agree with a reader's knowledge of a component: the least and greatest values.

The solver is HiGHS (Huangfu and Hall 2018, Parallelizing the dual revised simplex method), on one
thread with a fixed seed: the same model gives the same answer, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy

from publish.disclosure.reader import Component, Variable
from publish.disclosure.relation import Relation

# Counts are whole: a bound within this of a whole number is that number.
SLACK = 1e-5


DECIDED = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnbounded)


class ContradictionError(Exception):
    """No table agrees with all publications."""


@dataclass(frozen=True)
class Extreme:
    """The least or greatest value of one variable, and the table in which it has it.

    `prices` say how much an extreme would give way for each unit by which a variable's own bound is
    moved: the reduced costs of the linear programme, of its minimised form.
    """

    value: float
    table: numpy.ndarray
    prices: numpy.ndarray


class Polytope:
    """The tables of a component, in a solver that remembers the last one it looked at."""

    def __init__(self, component: Component, least: Mapping[Variable, int]):
        self.variables = component.variables
        self.index = {name: index for index, name in enumerate(self.variables)}
        self._solver = quiet_solver()
        lower = [float(least.get(name, 0)) for name in self.variables]
        for bound in lower:
            self._solver.addVar(bound, highspy.kHighsInf)
        for relation in component.relations:
            add_row(self._solver, relation, self.index)

    def confine(self, index: int, low: float, high: float = highspy.kHighsInf) -> None:
        """Let a variable only take values from `low` to `high`."""
        self._solver.changeColBounds(index, low, high)

    def least(self, index: int) -> Extreme:
        """The least value of a variable. Raises ContradictionError if there is no table."""
        return self.lean({index: 1.0})

    def greatest(self, index: int) -> Extreme:
        """The greatest value of a variable, `inf` if there is none."""
        extreme = self.lean({index: -1.0})
        return Extreme(-extreme.value, extreme.table, extreme.prices)

    def lean(self, costs: Mapping[int, float]) -> Extreme:
        """The table of least cost, each variable costing so much a unit.

        Raises ContradictionError if there is no table, ArithmeticError if the solver cannot tell.
        """
        solver = self._solver
        for index, cost in costs.items():
            solver.changeColCost(index, cost)
        solver.run()
        if solver.getModelStatus() not in DECIDED:
            # From an earlier table, or after presolve, it cannot always tell; and that there is
            # no table at all is worth a second look. Begin afresh.
            solver.clearSolver()
            solver.setOptionValue("presolve", "off")
            solver.run()
            solver.setOptionValue("presolve", "choose")
        status = solver.getModelStatus()
        value = solver.getInfo().objective_function_value
        solution = solver.getSolution()
        table, prices = numpy.array(solution.col_value), numpy.array(solution.col_dual)
        # Only now: any change of the model makes the solver forget its solution.
        for index in costs:
            solver.changeColCost(index, 0.0)
        if status == highspy.HighsModelStatus.kUnbounded:
            return Extreme(-math.inf, table, prices)
        if status == highspy.HighsModelStatus.kInfeasible:
            raise ContradictionError("no table agrees with all publications")
        if status != highspy.HighsModelStatus.kOptimal:
            raise ArithmeticError(f"the solver stopped without an answer: {status}")
        return Extreme(value, table, prices)


def quiet_solver() -> highspy.Highs:
    """A solver that says nothing and always does the same."""
    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("parallel", "off"),
        ("random_seed", 0),
    ):
        solver.setOptionValue(option, value)
    return solver


def add_row(solver: highspy.Highs, relation: Relation, index: Mapping[Variable, int]) -> None:
    """Give a relation to a solver as a row."""
    indices = [index[name] for name, _ in relation.terms]
    solver.addRow(
        -highspy.kHighsInf if relation.low is None else float(relation.low),
        highspy.kHighsInf if relation.high is None else float(relation.high),
        len(indices),
        numpy.array(indices, dtype=numpy.int32),
        numpy.array([float(factor) for _, factor in relation.terms]),
    )


def whole_range(low: float, high: float) -> tuple[int, float]:
    """The whole numbers from `low` to `high`: bounds rounded inwards."""
    return math.ceil(low - SLACK), math.inf if math.isinf(high) else math.floor(high + SLACK)
