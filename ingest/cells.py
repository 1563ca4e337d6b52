"""How a cell of a helpline's tables is read: text in, canonical text out.

Each function raises ValueError that says what is wrong with the cell, and what to write instead.
What spreadsheets make of dates, times and decimals is read as well; `name_leniency` tells what was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo

from ingest.spreadsheets import describe_guess

END_OF_DAY = "24:00:00"
LAST_DAY = "9999-12-31"  # how some write that something has no end
FIRST_YEAR, LAST_YEAR = 1900, 2100
MONTHS = [f"{year}-{month:02}" for year in range(2000, LAST_YEAR) for month in range(1, 13)]
MOST_RESPONDERS = 500
LOGS = ("button", "chat")
LOCAL_OR_RFC_3339 = r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)?)?"
DAY_FIRST = r"(\d{1,2})/(\d{1,2})/(\d{4})"
DECIMAL_COMMA = r"(-?\d+),(\d+)"
# Ways to write that are read without being the canonical ones; a cell has the first that it fits.
LENIENCIES = {
    rf"{DAY_FIRST}( .*)?": ("date read day first", "dates read day first"),
    r"(\S+[Tt ])?\d:\d\d.*": ("time read with a leading zero", "times read with a leading zero"),
    DECIMAL_COMMA: ("number read with a decimal comma", "numbers read with a decimal comma"),
}


def optional(read: Callable[[str], str]) -> Callable[[str], str | None]:
    """Let a cell be empty, which is None."""
    return lambda cell: read(cell) if cell else None


def or_nothing(read: Callable[[str], str]) -> Callable[[str], str]:
    """Let a cell be empty, which is the empty text."""
    return lambda cell: read(cell) if cell else ""


def required(remedy: str) -> Callable[[str], str]:
    """Read any text; an empty cell is told what has to stand there."""

    def read(cell: str) -> str:
        if not cell:
            raise ValueError(f"is empty; {remedy}")
        return cell

    return read


def read_text(cell: str) -> str:
    """Read any text that is not empty."""
    if not cell:
        raise ValueError("is empty")
    return cell


def name_leniency(cell: str) -> tuple[str, str] | None:
    """Name how a cell was read that is not written the canonical way: of one cell, of several.

    Needs a cell that was read into something else than itself.
    """
    ways = (name for way, name in LENIENCIES.items() if re.fullmatch(way, cell))
    return next(ways, None)


def read_day(cell: str) -> str:
    """Read a date, as `2022-03-01`; one with slashes has its day first."""
    written = _year_first(cell)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", written):
        raise ValueError(f"{cell!r} is not a date; write it as 2022-03-01")
    try:
        found = date.fromisoformat(written)
    except ValueError:
        hint = "" if written == cell else " if its day stands first; write it as 2022-03-01"
        raise ValueError(f"{cell!r} is a date that does not exist{hint}") from None
    return _possible(found, cell).isoformat()


def read_last_day(cell: str) -> str:
    """Read the date on which something ends; the last of all dates is no end."""
    return cell if cell == LAST_DAY else read_day(cell)


def _year_first(cell: str) -> str:
    """Write a date that has its day first, with or without a time behind it, year first."""
    return re.sub(
        rf"^{DAY_FIRST}(?!\S)", lambda found: f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}", cell
    )


def _possible(day: date, cell: str) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{cell!r} is in the year {day.year:04}; that is probably a slip")
    return day


def read_clock(cell: str) -> str:
    """Read a wall time within a day, as `19:00:00`."""
    written = f"0{cell}" if re.fullmatch(r"\d:.*", cell) else cell
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", written):
        if cell in ("24:00", END_OF_DAY):
            raise ValueError(
                "24:00 is the end of a day; only closes can be that, 00:00 is the start"
            )
        raise ValueError(f"{cell!r} is not a time; write hours and minutes as 09:00, up to 24:00")
    return written if len(written) > 5 else f"{written}:00"


def read_closing_clock(cell: str) -> str:
    """Read a wall time within a day, or the end of it."""
    return END_OF_DAY if cell in ("24:00", END_OF_DAY) else read_clock(cell)


def read_weekday(cell: str) -> str:
    """Read an ISO weekday."""
    if cell not in tuple("1234567"):
        raise ValueError(f"{cell!r} is not a weekday; 1 is Monday, 7 is Sunday")
    return cell


def read_count(cell: str) -> str:
    """Read a whole number that is not negative."""
    if not re.fullmatch(r"-?\d{1,9}", cell):
        raise ValueError(f"{cell!r} is not a whole number")
    if int(cell) < 0:
        raise ValueError(f"{cell!r} is negative")
    return str(int(cell))


def read_responders(cell: str) -> str:
    """Read how many responders are on duty."""
    responders = read_count(cell)
    if int(responders) > MOST_RESPONDERS:
        raise ValueError(f"{cell!r} is more than {MOST_RESPONDERS}; that is probably a slip")
    return responders


def read_log(cell: str) -> str:
    """Read the name of a log."""
    if cell not in LOGS:
        raise ValueError(f"{cell!r} is not a log; there are {' and '.join(LOGS)}")
    return cell


def read_decimal(cell: str) -> str:
    """Read a decimal number; it keeps the decimals that it was written with.

    A comma is a decimal one, as spreadsheets write it in most of Europe.
    """
    if not re.fullmatch(r"-?(0|[1-9]\d{0,14})([.,]\d{1,6})?", cell):
        raise ValueError(
            f"{cell!r} is not a decimal number; write it with a dot and nothing else, such as 4.8 "
            "or 10166"
        )
    return cell.replace(",", ".")


def read_period(cell: str) -> str:
    """Read a year, month, ISO week, or range of months (ISO 8601)."""
    if period_type(cell) is None:
        raise ValueError(
            f"{cell!r} is not a period; write a year as 2022, a month as 2022-03, a week as "
            "2022-W09, months on end as 2020-01/2020-10, the earlier one first"
            + describe_guess(cell, MONTHS)
        )
    return cell


def period_type(period: str) -> str | None:
    """Tell whether a period is a `year`, `month`, `week` or `range`; None if it is no period."""
    month = r"(19|20)\d\d-(0[1-9]|1[0-2])"
    if re.fullmatch(r"(19|20)\d\d", period):
        return "year"
    if re.fullmatch(month, period):
        return "month"
    if re.fullmatch(r"(19|20)\d\d-W\d\d", period):
        return "week" if _is_week(int(period[:4]), int(period[6:])) else None
    if re.fullmatch(f"{month}/{month}", period):
        first, last = period.split("/")
        return "range" if first < last else None
    return None


def _is_week(year: int, week: int) -> bool:
    try:
        date.fromisocalendar(year, week, 1)
    except ValueError:
        return False
    return True


def instant(zone: tzinfo) -> Callable[[str], str]:
    """Read an instant into UTC, as `2022-03-01 13:00:00`.

    RFC 3339 with an offset, or a date (its midnight) or wall time of `zone`. A wall time that the
    clocks skip or repeat is refused: guessing would move the bound by an hour. What is no time at
    all is not repeated: in a line with its cells in a wrong order it may be an identifier.
    """

    def read(cell: str) -> str:
        written = re.sub(r"(?<=[Tt ])(?=\d:)", "0", _year_first(cell))
        if not re.fullmatch(LOCAL_OR_RFC_3339, written):
            raise ValueError(
                "is not a time; write 2022-03-01 (its midnight), 2022-03-01 14:00 (local time) or "
                "2022-03-01T14:00:00+01:00"
            )
        try:
            found = datetime.fromisoformat(written.upper())
        except ValueError:
            raise ValueError(f"{cell!r} is a time that does not exist") from None
        _possible(found, cell)
        if found.tzinfo is None:
            found = _located(found, cell, zone)
        utc = found.astimezone(UTC).replace(tzinfo=None)
        text = utc.isoformat(sep=" ")
        return text.rstrip("0") if utc.microsecond else text

    return read


def _located(wall: datetime, cell: str, zone: tzinfo) -> datetime:
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(
            f"{cell!r} is skipped when the clocks change in {zone}; write the offset with it, such "
            f"as {_rfc_3339(first)}"
        )
    if first.utcoffset() != second.utcoffset():
        raise ValueError(
            f"{cell!r} comes twice when the clocks change in {zone}; write which one is meant, "
            f"{_rfc_3339(first)} or {_rfc_3339(second)}"
        )
    return first


def _rfc_3339(moment: datetime) -> str:
    return moment.isoformat(timespec="auto")
