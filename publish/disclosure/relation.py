"""A linear relation between cells, which holds whatever the values are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Number = int | Fraction


@dataclass(frozen=True)
class Relation:
    """`low` ≤ Σ coefficient · cell ≤ `high`; None is no bound. Exact numbers, no floats."""

    terms: tuple[tuple[Hashable, Number], ...]
    low: Number | None = None
    high: Number | None = None

    @classmethod
    def of(cls, terms: Mapping, low: Number | None = None, high: Number | None = None) -> Relation:
        """A relation of terms in any order; equal ones are equal."""
        return cls(tuple(sorted(terms.items())), low, high)

    @classmethod
    def sum(cls, whole: Hashable, parts: Iterable[Hashable]) -> Relation:
        """The parts add up to the whole."""
        return cls.of({whole: -1} | dict.fromkeys(parts, 1), low=0, high=0)

    @classmethod
    def at_most(cls, small: Iterable[Hashable], large: Iterable[Hashable]) -> Relation:
        """The sum of the small ones is at most the sum of the large ones."""
        return cls.of(dict.fromkeys(large, 1) | dict.fromkeys(small, -1), low=0)

    def holds(self, values: Mapping) -> bool:
        """Whether it holds for these values; raises KeyError if one is missing."""
        total = sum(factor * values[cell] for cell, factor in self.terms)
        return (self.low is None or self.low <= total) and (self.high is None or total <= self.high)

    def rename(self, names: Mapping) -> Relation:
        """The same relation between the variables that stand for its cells."""
        return Relation.of(
            {names[cell]: factor for cell, factor in self.terms}, self.low, self.high
        )

    def substitute(self, known: Mapping) -> Relation:
        """The same relation with known values put in; may be left without terms."""
        constant = sum(factor * known[cell] for cell, factor in self.terms if cell in known)
        return Relation(
            tuple((cell, factor) for cell, factor in self.terms if cell not in known),
            None if self.low is None else self.low - constant,
            None if self.high is None else self.high - constant,
        )
