"""Words for what is said to people in more than one place."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """Give a number with its noun: "1 file", "1,200 files", and with `many` "2 deliveries"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
