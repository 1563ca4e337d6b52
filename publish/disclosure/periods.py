"""Periods as the figures write them: `2022`, `2022-03`, `2020-01/2020-10`."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def months_of(period: str) -> tuple[str, ...]:
    """The months of a year, a month or a range, in order; a week has none."""
    if "W" in period:
        return ()
    if "/" in period:
        first, last = period.split("/")
        return tuple(_month(number) for number in range(_number(first), _number(last) + 1))
    if "-" in period:
        return (period,)
    return tuple(f"{period}-{month:02}" for month in range(1, 13))


def is_month(period: str) -> bool:
    """Whether the period is a calendar month."""
    return months_of(period) == (period,)


def year_before(period: str) -> str:
    """The same month, year or range a year earlier."""
    return "/".join(f"{int(part[:4]) - 1:04}{part[4:]}" for part in period.split("/"))


def is_within_a_year(period: str) -> bool:
    """Whether all its months are of one calendar year; a week has no months."""
    return len({month[:4] for month in months_of(period)}) == 1


def starts_a_year(period: str) -> bool:
    """Whether the period is a January, or a run of months from a January on within one year."""
    return is_within_a_year(period) and months_of(period)[0].endswith("-01")


def block_of(period: str) -> str:
    """The calendar year by which values are revised: that of the period's last month."""
    return period.split("/")[-1][:4]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def _month(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"
