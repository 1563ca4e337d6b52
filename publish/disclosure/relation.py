"""A linear relation between cells, which holds whatever the values are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

Number = int | Fraction


@dataclass(frozen=True)
class Relation:
    """`low` ≤ Σ coefficient · cell ≤ `high`; None is no bound. Exact numbers, no floats.

    `name` is that of the registry's entry it comes from, if it does. One that is not exact holds
    as a rule: nobody may rely on it without looking whether it does.
    """

    terms: tuple[tuple[Hashable, Number], ...]
    low: Number | None = None
    high: Number | None = None
    name: str = field(default="", compare=False)
    is_exact: bool = field(default=True, compare=False)

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

    def called(self, name: str, is_exact: bool = True) -> Relation:
        """The same relation under the name of its entry."""
        return replace(self, name=name, is_exact=is_exact)

    def rename(self, names: Mapping) -> Relation:
        """The same relation between the variables that stand for its cells."""
        terms = {names[cell]: factor for cell, factor in self.terms}
        return replace(self, terms=tuple(sorted(terms.items())))

    def substitute(self, known: Mapping) -> Relation:
        """The same relation with known values put in; may be left without terms."""
        constant = sum(factor * known[cell] for cell, factor in self.terms if cell in known)
        return replace(
            self,
            terms=tuple((cell, factor) for cell, factor in self.terms if cell not in known),
            low=None if self.low is None else self.low - constant,
            high=None if self.high is None else self.high - constant,
        )


def hold_against(
    relations: Iterable[Relation], values: Mapping
) -> tuple[list[Relation], list[Relation]]:
    """Part the relations that may be relied on from the exact ones that the values break.

    One over cells without a value is relied on if it is exact. One that is not exact is relied on
    only where the values are there and it holds; where it does not, nothing is wrong.
    """
    kept, broken = [], []
    for relation in relations:
        if not all(cell in values for cell, _ in relation.terms):
            if relation.is_exact:
                kept.append(relation)
        elif relation.holds(values):
            kept.append(relation)
        elif relation.is_exact:
            broken.append(relation)
    return kept, broken
