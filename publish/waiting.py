"""Years whose revision would give a person away: they wait for the yearly closing."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal

from publish.disclosure.cells import Cell, Definition
from publish.disclosure.periods import block_of, months_of, year_before
from publish.publications import NOT_YET, PENDING, Row


def years_to_wait(
    before: Mapping[Cell, Row],
    rows: Mapping[Cell, Row],
    definitions: Mapping[str, Definition],
    threshold: int,
) -> frozenset[str]:
    """Find the years whose revision would give a person away: they wait for the yearly closing.

    Two contents that differ by a small count of persons say what these persons had in common. At
    the yearly closing the revisions of a whole year come together.
    """
    return frozenset(
        block_of(cell.period)
        for cell, row in rows.items()
        if definitions[cell.figure].is_protected
        and cell in before
        and before[cell].is_shown
        and row.is_shown
        and 0 < abs(Decimal(row.value) - Decimal(before[cell].value)) < threshold
    )


def held_to_what_waits(
    before: Mapping[Cell, Row],
    rows: Mapping[Cell, Row],
    waiting: frozenset[str],
    definitions: Mapping[str, Definition],
) -> dict[Cell, Row]:
    """Keep what was public of the years that wait; what is new and rests on them is pending.

    What was shown and has no final value any more (a gap was declared, a delivery quarantined) is
    shown as it was until it has one again.
    """
    held = {}
    for cell, row in rows.items():
        is_unsettled = cell in before and before[cell].is_shown and not row.is_shown
        if is_unsettled or (cell in before and block_of(cell.period) in waiting):
            row = before[cell]
        elif cell not in before and rests_on(cell, definitions[cell.figure]) & waiting:
            row = row._replace(value="", obs_status=PENDING, conf_status=NOT_YET)
        held[cell] = row
    return held


def rests_on(cell: Cell, definition: Definition) -> set[str]:
    """Give the years on which a cell rests, beyond the months that it is itself about."""
    periods = []
    if "/" in cell.period or len(cell.period) == 4:
        periods += months_of(cell.period)
    if definition.kind == "change":
        periods.append(year_before(cell.period))
        periods.append(cell.period)
    return {block_of(period) for period in periods}


def without_what_waits(
    values: Mapping[Cell, str], waiting: AbstractSet[str], definitions: Mapping[str, Definition]
) -> dict[Cell, str]:
    """Leave out what is about a year that waits, or rests on one: it would tell what waits."""
    return {
        cell: value
        for cell, value in values.items()
        if block_of(cell.period) not in waiting
        and not rests_on(cell, definitions[cell.figure]) & waiting
    }
