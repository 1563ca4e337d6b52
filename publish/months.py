"""Months as people read them: in stretches, and as the line that takes what they lack as it is."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date

# What somebody has to fill in: why, who, and when it was decided.
TO_FILL_IN = "WHY,WHO,WHEN"


def stretches(months: Iterable[str]) -> list[list[str]]:
    """Join months that follow each other.

    >>> stretches(["2022-01", "2021-12", "2022-04"])
    [['2021-12', '2022-01'], ['2022-04']]
    """
    found: list[list[str]] = []
    for month in sorted(set(months)):
        if found and _number(month) == _number(found[-1][-1]) + 1:
            found[-1].append(month)
        else:
            found.append([month])
    return found


def spans(months: Iterable[str]) -> str:
    """Say months as stretches.

    >>> spans(["2022-01", "2021-12", "2022-04"])
    '2021-12 to 2022-01, 2022-04'
    """
    return ", ".join(
        stretch[0] if len(stretch) == 1 else f"{stretch[0]} to {stretch[-1]}"
        for stretch in stretches(months)
    )


def accepted_line(log: str, stretch: list[str], lost_lines: int) -> str:
    """Give the line of accepted.csv that takes a loss in a stretch of months as it is.

    >>> accepted_line("chat", ["2022-02"], 140)
    'chat,2022-02-01,2022-02-28,140,WHY,WHO,WHEN'
    """
    year, month = int(stretch[-1][:4]), int(stretch[-1][5:])
    ends_on = date(year, month, calendar.monthrange(year, month)[1])
    return f"{log},{stretch[0]}-01,{ends_on},{lost_lines},{TO_FILL_IN}"


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])
