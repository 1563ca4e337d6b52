"""What is hidden together: conversations, the attempts that they answered, and what tells of both.

An attempt that was answered is a conversation by another name. By time, a cell of one is a good
guess at the same cell of the other, so both are hidden or neither is. Attempts without an outcome
are the answered ones and what is never hidden (missed and out of hours), so they tell as much as
the answered ones: they go with these, and need no choice of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from publish.disclosure.cells import Cell, Definitions

BY_TIME = frozenset({"weekday", "hour", "hour_of_week", "part_of_week"})
# Attempts in total are the answered ones and those of the other outcomes, which are shown.
TOTAL, ANSWERED = "attempts", "answered_attempts"
# By time, of these either all are hidden or none is.
TIED = ("conversations", ANSWERED)
# By time, these go with the tied ones.
FOLLOWING = (TOTAL, "clicks")


def tie(cell: Cell) -> Cell | None:
    """Name the cells that are hidden together with this one; None if it is hidden on its own."""
    if cell.breakdown in BY_TIME and cell.figure in TIED:
        return cell._replace(figure=TIED[0])
    return None


def tied(cell: Cell) -> list[Cell]:
    """Give the protected counts that are hidden if this one is, itself among them."""
    return [cell._replace(figure=figure) for figure in TIED] if tie(cell) else [cell]


def followers(cell: Cell) -> list[Cell]:
    """Give the counts that are not protected and are hidden with a protected one."""
    if tie(cell):
        return [cell._replace(figure=figure) for figure in FOLLOWING]
    return [cell._replace(figure=TOTAL)] if cell.figure == ANSWERED else []


def follows(cell: Cell) -> bool:
    """Whether a count goes with protected ones: shown where they are, waiting while they wait."""
    return cell.figure == TOTAL or (cell.breakdown in BY_TIME and cell.figure in FOLLOWING)


def hidden_along(
    hidden: AbstractSet[Cell], values: Mapping[Cell, object], shown: AbstractSet[Cell]
) -> frozenset[Cell]:
    """Give the followers to hide with a pattern: no zeros, and none that was `shown` before."""
    return frozenset(
        follower
        for cell in hidden
        for follower in followers(cell)
        if values.get(follower, 0) != 0 and follower not in shown
    )


def is_telling(cell: Cell, definitions: Definitions) -> bool:
    """Whether the value of a count tells a protected one: it is protected, or follows from one."""
    return definitions[cell.figure].is_protected or cell.figure == TOTAL


def waits(cell: Cell, definitions: Definitions) -> bool:
    """Whether a provisional value waits until it is final: of those that may be hidden then."""
    return definitions[cell.figure].is_protected or follows(cell)


def ties_of(cells: AbstractSet[Cell]) -> Iterator[tuple[Cell, ...]]:
    """Give the groups of two and more of these cells that are hidden together, sorted."""
    for cell in sorted(cells):
        if cell.figure == TIED[0]:
            group = tuple(one for one in tied(cell) if one in cells)
            if len(group) > 1:
                yield group
