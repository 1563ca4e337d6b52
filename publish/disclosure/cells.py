"""Cells of published tables, and what a reader has of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

# How the base of such a share ends.
OF_KNOWN = " of whom it is known"
UNKNOWN = "unknown"


class Cell(NamedTuple):
    """One figure of one period, in one category of one breakdown; both empty for a total."""

    figure: str
    period: str
    breakdown: str = ""
    category: str = ""


@dataclass(frozen=True)
class Definition:
    """What disclosure control needs to know of a figure.

    `kind` is sum, distinct, ratio, quantile, share, change or mean; `parts` are the figures it is
    computed from, the first divided by the others; `base` are those that a ratio is divided by, if
    they are not the others; `is_percent` tells that the quotient is times a hundred; `is_of_known`
    that a share is one of those whose category is known.
    `is_protected` marks small counts of those who were answered.
    """

    figure: str
    kind: str
    is_protected: bool = False
    parts: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    is_percent: bool = False
    is_of_known: bool = False

    @classmethod
    def of(
        cls, figure: str, kind: str, is_protected: bool, parts: str, base: str, unit: str
    ) -> Definition:
        """Read a line of the definitions: parts by blanks, of a ratio a base like `a + b`."""
        bases = tuple(base.split(" + ")) if kind == "ratio" and base else ()
        is_of_known = base.endswith(OF_KNOWN)
        parted = tuple(parts.split())
        return cls(figure, kind, is_protected, parted, bases, unit == "percent", is_of_known)

    @property
    def is_count(self) -> bool:
        """Whether the figure counts something, rather than being computed from counts."""
        return self.kind in ("sum", "distinct")


Definitions = Mapping[str, Definition]


@dataclass(frozen=True)
class Publication:
    """What a reader has of one content of `public/`, or of one document.

    `shown` are the values as printed: their decimals are those of the Decimal (77 is ±0.5, 76.8 is
    ±0.05). `hidden` are cells that the content says it hides (conf_status C): at least 1 each.
    `pending` are cells without a value yet (obs_status P). Cells that are missing (O) are in none.
    """

    name: str
    shown: Mapping[Cell, Decimal] = field(default_factory=dict)
    hidden: frozenset[Cell] = frozenset()
    pending: frozenset[Cell] = frozenset()

    @property
    def mentioned(self) -> frozenset[Cell]:
        """All cells of which the reader has a value or a mark."""
        return frozenset(self.shown) | self.hidden | self.pending
