"""Which step of a table is public: the finest that suppression would not take as a whole.

The steps are declared in ladder.toml. The step of a year is chosen when the year first becomes
public, from its true counts, and stays: what was shown is not taken back.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from publish.disclosure.cells import Cell

LADDERS = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Ladder:
    """Breakdowns from fine to coarse: `figure` decides the step for all its `figures`.

    A step is fit if at most `most_in_small_cells_percent` of what it counts lies in small cells.
    """

    figure: str
    steps: tuple[str, ...]
    figures: frozenset[str]
    most_in_small_cells_percent: int


@cache
def ladders() -> tuple[Ladder, ...]:
    """Read the declared ladders."""
    declared = tomllib.loads(LADDERS.read_text(encoding="utf-8"))["ladder"]
    return tuple(
        Ladder(
            one["figure"],
            tuple(one["steps"]),
            frozenset(one["figures"]),
            one["most_in_small_cells_percent"],
        )
        for one in declared
    )


def beside_the_steps(
    cells: AbstractSet[Cell],
    counts: Mapping[Cell, int],
    public: AbstractSet[Cell],
    threshold: int,
) -> frozenset[Cell]:
    """Give the cells of tables at other steps than the public one, which are left out.

    `counts` are true values, as far as they are final; `public` what any content has had a row of:
    a year with one keeps its steps. A year has no public step before its counts are final.
    """
    left_out: set[Cell] = set()
    for ladder in ladders():
        tables: dict[tuple[str, str], set[Cell]] = defaultdict(set)
        for cell in cells:
            if cell.figure in ladder.figures and cell.breakdown in ladder.steps:
                tables[cell.period, cell.breakdown].add(cell)
        # Without such tables of the figure that decides, there is nothing to decide.
        decided = {
            cell.period
            for cells in tables.values()
            for cell in cells
            if cell.figure == ladder.figure
        }
        for period in decided:
            kept = {
                step for step in ladder.steps if not tables[period, step].isdisjoint(public)
            } or _finest(ladder, period, tables, counts, threshold)
            for step in set(ladder.steps) - kept:
                left_out |= tables[period, step]
    return frozenset(left_out)


def _finest(
    ladder: Ladder,
    period: str,
    tables: Mapping[tuple[str, str], set[Cell]],
    counts: Mapping[Cell, int],
    threshold: int,
) -> set[str]:
    """Give the finest step that is fit, else the coarsest; none if there are no counts yet."""
    is_final = False
    for step in ladder.steps:
        table = [cell for cell in tables[period, step] if cell.figure == ladder.figure]
        values = [counts[cell] for cell in table if cell in counts]
        small = sum(value for value in values if value < threshold)
        is_final = is_final or bool(values)
        if values and 100 * small <= ladder.most_in_small_cells_percent * sum(values):
            return {step}
    return {ladder.steps[-1]} if is_final else set()
