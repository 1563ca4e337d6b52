"""The days that a file's name says it is of."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date

EARLIEST = date(1990, 1, 1)
# A day: 2022-01-05, 2022_01_05, 2022.01.05, 2022/01/05 or 2022-01/05 (folders), 20220105; a time
# may follow. No part of a longer number, and of nothing that goes on with letters, such as an id.
END = r"(?=(?:T|to|tot)\d|Z|[^0-9A-Za-z]|$)"
DAY = re.compile(
    rf"(?<!\d)(\d{{4}})(?:(\d\d)(\d\d)|([-_.])(\d\d)(?:\4|/)(\d\d)|/(\d\d)[-_./](\d\d)){END}",
    re.ASCII,
)
# A month is written with something in between: 202201 may as well be 20 February 2001.
MONTH = re.compile(
    rf"(?<!\d)(?<!\d[-_.])(\d{{4}})[-_./](\d\d){END}(?![-_./]\d{{1,2}}(?!\d))", re.ASCII
)


def dates_in_name(name: str, latest: date) -> tuple[date, date] | None:
    """Give the first and the last date that a file's name holds, folders included; None if none.

    A month stands for all its days. Only real dates from 1990 to `latest` count.
    """
    spans = [*_days(name), *_months(name)]
    spans = [span for span in spans if EARLIEST <= span[0] <= latest]
    if not spans:
        return None
    return min(first for first, _ in spans), max(last for _, last in spans)


def _days(name: str) -> Iterator[tuple[date, date]]:
    for found in DAY.finditer(name):
        year, *others = (part for part in found.groups() if part and part.isdecimal())
        try:
            day = date(int(year), *map(int, others))
        except ValueError:
            continue
        yield day, day


def _months(name: str) -> Iterator[tuple[date, date]]:
    for year, month in MONTH.findall(name):
        if 1 <= int(month) <= 12 and int(year) >= 1:
            first = date(int(year), int(month), 1)
            yield first, first.replace(day=monthrange(first.year, first.month)[1])
