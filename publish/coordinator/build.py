"""From the marts to the coordinator's page."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
from markupsafe import Markup

from publish import charts, page
from publish.coordinator.shifts import (
    Hour,
    Key,
    Shift,
    Tally,
    divided,
    read_hours,
    read_shifts,
    summed,
)
from publish.coordinator.tables import (
    A_YEAR_BEFORE,
    LEAST_OPEN_HOURS,
    UNSAID,
    WEEKS_SHOWN,
    Table,
    Tables,
    monday_of,
)
from publish.words import Words

HERE = Path(__file__).parent
TEMPLATE = HERE / "coordinator.html.jinja"
STYLE = HERE / "coordinator.css"
WORDS = HERE / "words.toml"
# Shades of a small picture: from none to the most of all months.
SHADES = 6
# In the text of a picture, of hours with equally many.
HOURS_NAMED = 3
A_WEEK = timedelta(weeks=1)
HOURS_OF_DAY = range(24)
WEEKDAYS = range(1, 8)


@dataclass(frozen=True)
class Block:
    """A part of the page: `said` stands before its pictures and tables, `below` after them."""

    name: str
    title: str
    said: tuple[str, ...] = ()
    pictures: tuple[Markup, ...] = ()
    months: tuple[MonthPictures, ...] = ()
    tables: tuple[Table, ...] = ()
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """An hour of the week in a small picture: its shade, 0 for none, and whether it was open."""

    hour: int
    weekday: int
    shade: int
    is_open: bool


@dataclass(frozen=True)
class SmallWeek:
    """A small picture of a week of hours, and what it shows in words."""

    title: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MonthPictures:
    """A month's demand and answers beside each other."""

    title: str
    weeks: tuple[SmallWeek, ...]


def write_coordinator(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the coordinator's page from the marts of the attached warehouse, in its language.

    Needs marts.shifts, marts.conversations, marts.hours_of_week and raw.settings. The same tables
    give the same bytes. Raises OSError if the page cannot be written.
    """
    helpline, language = connection.execute("select name, language from raw.settings").fetchone()
    words = Words(language, None, WORDS)
    shifts = read_shifts(connection)
    hours = read_hours(connection)
    last = max((shift.opened_on for shift in shifts if shift.is_covered), default=None)
    blocks = []
    if last:
        blocks = [*_of_weeks(shifts, last, words), *_of_months(shifts, hours, words)]
    path.write_text(
        page.render(
            TEMPLATE,
            language=words.language,
            title=f"{words['title']}: {helpline}",
            style=STYLE,
            helpline=helpline,
            words=words,
            standing=_standing(shifts, last, words),
            blocks=blocks,
        ),
        encoding="utf-8",
    )


def _standing(shifts: Sequence[Shift], last: date | None, words: Words) -> list[str]:
    """Say through which day the page goes, and whether shifts of that week are still to come."""
    if not last:
        return [words["nothing"]]
    said = [words.text("through", date=words.date(last)), words["times"]]
    monday = last - timedelta(days=last.weekday())
    week_before = [s.opened_on for s in shifts if monday - A_WEEK <= s.opened_on < monday]
    if week_before and max(week_before) + A_WEEK > last:
        said.insert(1, words.text("incomplete_week", date=words.weekday(last.isoweekday())))
    return said


def _of_weeks(shifts: Sequence[Shift], last: date, words: Words) -> list[Block]:
    """Make the parts about the last weeks; shifts after the last covered day are among them."""
    make = Tables(words)
    first = last - timedelta(days=last.weekday(), weeks=WEEKS_SHOWN - 1)
    recent = [shift for shift in shifts if shift.opened_on >= first]
    covered = [shift for shift in recent if shift.opened_on <= last]
    before = [
        shift
        for shift in shifts
        if first - A_YEAR_BEFORE <= shift.opened_on <= last - A_YEAR_BEFORE
    ]
    weeks = len({monday_of(shift) for shift in covered})
    period = words.text("range", first=words.date(covered[0].opened_on), last=words.date(last))
    shown = words.text("weeks_shown", count=weeks, period=period)
    compared = make.compared(Tally.of(covered), Tally.of(before))
    titles, leads = words.group("sections"), words.group("leads")
    notes = _notes(recent, words)
    of_weeks, of_shifts = make.weeks(recent), make.shifts(recent)
    return [
        Block("compared", titles["compared"], (shown, leads["compared"]), tables=(compared,),
              below=(words["definitions"], words["no_wait"], *_marks([compared], words))),
        Block("weeks", titles["weeks"], (shown,), tables=(of_weeks,),
              below=(*notes, *_marks([of_weeks], words))),
        Block("shifts", titles["shifts"], (shown,), tables=(of_shifts,),
              below=(*notes, *_marks([of_shifts], words))),
    ]  # fmt: skip


def _of_months(
    shifts: Sequence[Shift], months: dict[str, dict[Key, Hour]], words: Words
) -> list[Block]:
    """Make the parts about the last twelve months."""
    make = Tables(words)
    titles, leads = words.group("sections"), words.group("leads")
    if not months:
        return [Block("months", titles["months"], (words["no_hours"],))]
    names = list(months)
    period = words.text("range", first=make.month(names[0]), last=make.month(names[-1]))
    shown = words.text("months_shown", period=period[:1].upper() + period[1:])
    hours = summed(months.values())
    kinds = make.kinds(shift for shift in shifts if f"{shift.opened_on:%Y-%m}" in months)
    missed, closed, by_month = make.most_missed(hours), make.most_closed(hours), make.months(months)
    few = words.text("some_hours", hours=LEAST_OPEN_HOURS)
    return [
        Block("kinds", titles["kinds"], (shown, leads["kinds"]), tables=(kinds,),
              below=tuple(_marks([kinds], words))),
        Block("missed", titles["missed"], (shown, leads["missed"]),
              _overview(hours, names, words, period, "missed"), tables=(missed,), below=(few,)),
        Block("closed", titles["closed"], (shown, leads["closed"]),
              _overview(hours, names, words, period, "demand"), tables=(closed,)),
        Block("months", titles["months"], (shown, leads["months"]),
              months=small_weeks(months, words), tables=(by_month,),
              below=(few, *_marks([by_month], words))),
    ]  # fmt: skip


def _notes(shifts: Sequence[Shift], words: Words) -> list[str]:
    """Say how many shifts could not be counted."""
    count = sum(not shift.is_covered for shift in shifts)
    if not count:
        return []
    return [words.text("not_covered", count=count, mark=words.group("marks")["missing"])]


def _marks(tables: Sequence[Table], words: Words) -> list[str]:
    """Explain the marks that stand in tables."""
    written = "".join(cell for table in tables for row in table.rows for cell in row)
    marks = words.group("marks")
    explained = {
        "missing": "missing_mark",
        "provisional": "pending",
        "not_applicable": "unknown_mark",
    }
    said = [
        words.text(text, mark=marks[name])
        for name, text in explained.items()
        if marks[name] in written
    ]
    if UNSAID in [cell for table in tables for row in table.rows for cell in row]:
        said.append(words.text("unsaid", mark=UNSAID))
    return said


def _overview(
    hours: dict[Key, Hour], months: Sequence[str], words: Words, period: str, kind: str
) -> tuple[Markup, ...]:
    """Draw the hours of the week, for a wide screen and for a narrow one."""
    if kind == "missed":
        values = {
            key: divided(hour.missed or 0, hour.open_hours) if _is_shown(hour) else None
            for key, hour in hours.items()
        }
    else:
        values = {key: float(hour.attempts or 0) for key, hour in hours.items()}
    open_share = _open_share(hours, months)
    label = words.text(f"label_{kind}", period=period)
    return tuple(
        charts.svg(
            charts.heatmap(
                values,
                open_share,
                words,
                words[f"unit_{kind}"],
                width,
                decimals=1 if kind == "missed" else 0,
            ),
            name=f"{kind}-{width}",
            label=label,
        )
        for width in (charts.WIDE, charts.NARROW)
    )


def _is_shown(hour: Hour) -> bool:
    return hour.open_hours >= LEAST_OPEN_HOURS


def _open_share(hours: dict[Key, Hour], months: Sequence[str]) -> dict[Key, float]:
    """Give the part of the weeks of these months in which each hour of the week was open."""
    days = sum(calendar.monthrange(int(month[:4]), int(month[5:]))[1] for month in months)
    return {key: min(hour.open_hours / (days / 7), 1.0) for key, hour in hours.items()}


def small_weeks(months: dict[str, dict[Key, Hour]], words: Words) -> tuple[MonthPictures, ...]:
    """Make the small pictures of every month, shaded on one scale for all of them."""
    make = Tables(words)
    most = max(
        (hour.attempts or 0 for hours in months.values() for hour in hours.values()), default=0
    )
    columns = words.group("columns")
    return tuple(
        MonthPictures(
            make.month(month),
            (
                _small_week(month, hours, columns["demand"], "attempts", most, make),
                _small_week(month, hours, columns["answers"], "answered", most, make),
            ),
        )
        for month, hours in months.items()
    )


def _small_week(
    month: str, hours: dict[Key, Hour], what: str, count: str, most: int, make: Tables
) -> SmallWeek:
    counts = {key: getattr(hour, count) or 0 for key, hour in hours.items()}
    cells = tuple(
        Cell(
            hour,
            weekday,
            shade=-(-SHADES * counts.get((weekday, hour), 0) // most) if most else 0,
            is_open=(weekday, hour) in hours and hours[weekday, hour].open_hours > 0,
        )
        for weekday in WEEKDAYS
        for hour in HOURS_OF_DAY
    )
    greatest = max(counts.values(), default=0)
    busiest = [make.hour(key) for key in sorted(counts) if counts[key] == greatest]
    fields = {"month": make.month(month), "what": what}
    if greatest:
        named = [*busiest[:HOURS_NAMED], *(["…"] if len(busiest) > HOURS_NAMED else [])]
        when = make.words.listed(named)
        label = make.words.text("small_week", when=when, count=greatest, **fields)
    else:
        label = make.words.text("small_week_empty", **fields)
    return SmallWeek(what, label, cells)
