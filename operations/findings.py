"""What needs a person, as the health check and announcements tell it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that needs a person.

    `key` is the same for as long as it is the same trouble. One that has `parts` (files, months of
    a log) has got worse when there is a new part, and not when one is gone. A critical one fails
    the check.
    """

    kind: str
    key: str
    is_critical: bool
    what: str
    remedy: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in plain words."""
        return f"{self.what} {self.remedy}"

    @property
    def keys(self) -> frozenset[str]:
        """What tells this trouble, as bad as it is, from others: what was announced of it."""
        return frozenset(f"{self.kind}:{digest([part])}" for part in self.parts) or {self.key}


def digest(texts: Iterable[str]) -> str:
    """Tell texts apart, in any order, without saying them."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:12]
