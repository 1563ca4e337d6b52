"""What an identity is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from expectations.outcome import CRITICAL


@dataclass(frozen=True)
class Identity:
    """A sentence on the figures: `found` equals, or is at most, what it is held `against`.

    One that is broken fails the gate, unless its severity is only a warning.
    """

    name: str
    says: str
    relation: Literal["=", "<="]
    query: str
    severity: Literal["critical", "warning"] = CRITICAL
