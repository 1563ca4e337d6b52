"""What is public of periods that are not final yet: values so far, marked as provisional."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from publish.disclosure.cells import Cell, Definition
from publish.disclosure.derived import operands
from publish.disclosure.periods import is_month, months_of
from publish.disclosure.together import waits
from publish.publications import FREE, NOT_YET, Row

MISSING = "O"  # of the observation statuses


def with_provisional(
    rows: Mapping[Cell, Row],
    so_far: Mapping[Cell, str],
    definitions: Mapping[str, Definition],
    printed: Mapping[Cell, Decimal],
) -> dict[Cell, Row]:
    """Show what is pending and may be seen all the same: so far, and marked as provisional.

    That is what a document has printed as it is now, and, of years and ranges, the counts that
    can be shown for certain when they are final: neither protected nor hidden along with those. A
    total over pending months is provisional, the months themselves wait. What is computed follows
    if all that it is computed from is shown.
    """
    shown = dict(rows)

    def show(cells: Iterable[Cell]) -> None:
        for cell in cells:
            shown[cell] = rows[cell]._replace(value=so_far[cell], conf_status=FREE)

    waiting = {
        cell: definitions[cell.figure] for cell in so_far if rows[cell].conf_status == NOT_YET
    }
    show(cell for cell in waiting if cell in printed and Decimal(so_far[cell]) == printed[cell])
    totals = {cell: one for cell, one in waiting.items() if not is_month(cell.period)}
    show(
        cell
        for cell, one in totals.items()
        if one.is_count and not waits(cell, definitions) and _has_every_month(rows, cell)
    )
    show(
        cell
        for cell, one in totals.items()
        if not one.is_count
        and one.kind != "quantile"
        and all(_has_value(shown, operand) for operand in operands(cell, definitions))
    )
    return shown


def _has_every_month(rows: Mapping[Cell, Row], total: Cell) -> bool:
    """Whether there is something of every month: a year that the logs begin in is no total."""
    months = (Cell(total.figure, month) for month in months_of(total.period))
    return all(month in rows and rows[month].obs_status != MISSING for month in months)


def _has_value(rows: Mapping[Cell, Row], cell: Cell) -> bool:
    return cell in rows and rows[cell].value != ""
