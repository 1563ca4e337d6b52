"""What a spreadsheet makes of a text: `9-11` becomes `9/nov`, `11-Sep` or the number of a date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache

from babel import Locale

LANGUAGES = ("nl", "en", "fr", "de")
# The day that spreadsheets count the days of dates from.
DAY_ZERO = date(1899, 12, 30)
CENTURY = 2000
DATES = range(20_000, 80_000)  # numbers of the days from 1954 to 2119
REMEDY = "write it so, and give the column the format Text before you save"


def guess_text(cell: str, texts: Iterable[str]) -> str | None:
    """Guess which of some texts, such as `9-11`, a spreadsheet took for a date and made a cell of.

    Two numbers can be a day and a month, in either order, or a month and a year. None if the cell
    is no such date.
    """
    by_numbers = {_numbers(text): text for text in texts}
    readings = _readings(cell.lower())
    return next((by_numbers[reading] for reading in readings if reading in by_numbers), None)


def describe_guess(cell: str, texts: Iterable[str]) -> str:
    """Say what a spreadsheet probably made a cell of, and what to do; nothing if it did not."""
    texts = list(texts)
    text = guess_text(cell, texts)
    if text is not None:
        return f"; a spreadsheet probably made it of {text}: {REMEDY}"
    if not _day(cell):
        return ""
    able = " or ".join([text for text in texts if _can_be_a_date(text)][:3])
    such = f", such as {able}," if able else ""
    return f"; a spreadsheet probably made this date of a text{such} of the list: {REMEDY}"


def _readings(cell: str) -> list[tuple[int, ...]]:
    """Give the numbers that a cell may have been if it is a date, the likeliest first."""
    day = _day(cell)
    parts = [day.year, day.month, day.day] if day else re.split(r"[-/. ]+", cell.rstrip("."))
    if len(parts) == 3:
        return _of_three(parts)
    if len(parts) != 2:
        return []
    months = [month for part in parts if (month := _months().get(part))]
    numbers = [int(part) for part in parts if re.fullmatch(r"\d{1,4}", part)]
    if len(months) != 1 or len(numbers) != 1:
        return []
    [month], [number] = months, numbers
    is_month_first = parts[0] in _months()
    pairs = [(month, number)] if is_month_first else [(number, month)]
    pairs += [pairs[0][::-1], (month, number % 100), (number % 100, month)]
    return [*pairs, (CENTURY + number % 100, month)]


def _of_three(parts: Sequence[str | int]) -> list[tuple[int, ...]]:
    """Read a date that is numbers only, in any order: `9/11/2026`, `2026-11-09`, `11/9/26`."""
    if not all(re.fullmatch(r"\d{1,4}", str(part)) for part in parts):
        return []
    first, second, third = (int(part) for part in parts)
    year, month, day = (first, second, third) if first > 31 else (third, second, first)
    readings = [(day, month), (month, day)]
    if 1 in (day, month):  # the first of a month was made of a month and a year
        month = max(day, month)
        readings += [(month, year), (year, month), (month, year % 100), (year % 100, month)]
    return readings


def _day(cell: str) -> date | None:
    """Give the day of a number that stands for a date; None for any other cell."""
    is_number = re.fullmatch(r"\d{5}", cell) and int(cell) in DATES
    return DAY_ZERO + timedelta(days=int(cell)) if is_number else None


def _numbers(text: str) -> tuple[int, ...]:
    """Give the two numbers of a text such as `9-11`; nothing if it is no such text."""
    found = re.fullmatch(r"(\d{1,4})[-./](\d{1,4})", text)
    return (int(found[1]), int(found[2])) if found else ()


def _can_be_a_date(text: str) -> bool:
    numbers = _numbers(text)
    return bool(numbers) and any(1 <= number <= 12 for number in numbers)


@cache
def _months() -> dict[str, int]:
    """Give the months by their names, short and long, in the languages of our spreadsheets."""
    return {
        name.lower().rstrip("."): month
        for language in LANGUAGES
        for width in ("abbreviated", "wide")
        for form in ("format", "stand-alone")
        for month, name in Locale(language).months[form][width].items()
    } | {"sep": 9, "mrt": 3, "mar": 3}
