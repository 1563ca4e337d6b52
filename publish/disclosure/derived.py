"""Values computed from counts: which counts, what their rounding tells, when they are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from publish.disclosure.cells import UNKNOWN, Cell, Definitions
from publish.disclosure.periods import year_before
from publish.disclosure.relation import Relation
from publish.disclosure.together import is_telling


def operands(cell: Cell, definitions: Definitions) -> tuple[Cell, ...]:
    """The counts that a derived value is computed from; of a count, none."""
    definition = definitions[cell.figure]
    if definition.is_count:
        return ()
    parts = [cell._replace(figure=part) for part in definition.parts]
    match definition.kind:
        case "share":
            total = Cell(parts[0].figure, cell.period)
            unknown = parts[0]._replace(category=UNKNOWN)
            return (parts[0], total, unknown) if definition.is_of_known else (parts[0], total)
        case "change":
            return (parts[0], parts[0]._replace(period=year_before(cell.period)))
        case _:
            return tuple(parts)


def is_protected(cell: Cell, definitions: Definitions) -> bool:
    """Whether the cell counts those who were answered, or what they did."""
    return definitions[cell.figure].is_protected


def hidden_derived(
    derived: Iterable[Cell],
    counts: Mapping[Cell, int],
    hidden: AbstractSet[Cell],
    definitions: Definitions,
    threshold: int,
    unseen: Mapping[Cell, int] = MappingProxyType({}),
    kept: AbstractSet[Cell] = frozenset(),
) -> frozenset[Cell]:
    """The derived values that have to be hidden along with a pattern of hidden counts.

    `counts` are the public counts, shown or `hidden`; `unseen` other counts that values are
    computed from. A value is hidden with any public count it is computed from; over a protected
    count that is not public, if that is small or not known here; and a quantile of fewer than
    `threshold` conversations even if their number is shown. The values in `kept` stay shown.
    """

    def is_small(value: int | None) -> bool:
        return value is None or 0 < value < threshold

    def must_hide(cell: Cell) -> bool:
        is_quantile = definitions[cell.figure].kind == "quantile"
        needed = operands(cell, definitions)
        return not hidden.isdisjoint(needed) or any(
            is_quantile and is_small(counts[count])
            if count in counts
            else is_small(unseen.get(count))
            for count in needed
            if is_protected(count, definitions)
        )

    return frozenset(cell for cell in derived if cell not in kept and must_hide(cell))


def rounding(
    cell: Cell, printed: Decimal, definitions: Definitions, months: int
) -> tuple[Relation, ...]:
    """What a printed derived value says about the counts it is computed from.

    The exact value lies within half a unit of the last printed decimal, both ends included:
    whoever rounded, and how, a reader cannot know. `months` is the number of months that a mean was
    taken over. Quantiles, and values of counts that tell no protected one, say nothing.
    """
    counts = operands(cell, definitions)
    if not any(is_telling(count, definitions) for count in counts):
        return ()
    half = Fraction(1, 2) * Fraction(10) ** int(printed.as_tuple().exponent)
    low, high = Fraction(printed) - half, Fraction(printed) + half
    definition = definitions[cell.figure]
    match definition.kind:
        case "mean":
            return (Relation.of({counts[0]: 1}, low=low * months, high=high * months),)
        case "share":
            return _quotient(counts[0], counts[1:2], low / 100, high / 100, counts[2:])
        case "change":
            return _quotient(counts[0], counts[1:], 1 + low / 100, 1 + high / 100)
        case "ratio":
            base = [cell._replace(figure=figure) for figure in definition.base]
            if not base and len(counts) != 2:
                return ()  # of which it is the ratio is not known
            unit = 100 if definition.is_percent else 1
            return _quotient(counts[0], base or counts[1:], low / unit, high / unit)
        case _:
            return ()


def _quotient(
    numerator: Cell,
    denominators: Iterable[Cell],
    low: Fraction,
    high: Fraction,
    without: Iterable[Cell] = (),
) -> tuple[Relation, ...]:
    """`low` ≤ numerator / (Σ denominators - Σ without) ≤ `high`, without the division."""

    def less(share: Fraction) -> dict[Cell, Fraction | int]:
        terms: dict[Cell, Fraction | int] = dict.fromkeys(denominators, -share)
        terms |= dict.fromkeys(without, share)
        terms[numerator] = terms.get(numerator, 0) + 1
        return terms

    return Relation.of(less(low), low=0), Relation.of(less(high), high=0)
