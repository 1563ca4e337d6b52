"""When the helpline is open, by its own folder; local days and instants.

An instant is a whole number of milliseconds since 1970 in UTC throughout the simulation.
"""

from __future__ import annotations

import csv
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

HELPLINE = Path(__file__).resolve().parent.parent / "helplines" / "nupraatikerover"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@dataclass(frozen=True)
class Shift:
    """One opening interval on one date, `[starts_at, ends_at)`."""

    day: date
    starts_at: int
    ends_at: int
    responders: int


@dataclass(frozen=True)
class Campaign:
    """A campaign and the days on which its links are followed."""

    code: str
    starts_on: date
    ends_on: date


class Calendar:
    """The days of the simulation with the helpline's shifts, clock and campaigns."""

    def __init__(self, first_day: date, last_day: date, helpline: Path = HELPLINE):
        """Read the helpline's folder; `last_day` is inclusive."""
        settings = tomllib.loads((helpline / "helpline.toml").read_text(encoding="utf-8"))
        self.zone = ZoneInfo(settings["timezone"])
        self.pages: list[str] = settings["pages"]
        self.days = [
            first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)
        ]
        self.starts = [self.instant(day) for day in self.days]
        self._months = [f"{day:%Y-%m}" for day in self.days]
        self.ends_at = self.instant(last_day + timedelta(days=1))
        self.shifts = _read_shifts(helpline, self)
        self._shift_starts = [shift.starts_at for shift in self.shifts]
        self._shifts_by_month: dict[str, list[Shift]] = {}
        for shift in self.shifts:
            self._shifts_by_month.setdefault(f"{shift.day:%Y-%m}", []).append(shift)
        self.campaigns = [
            Campaign(
                row["code"],
                date.fromisoformat(row["starts_on"]),
                date.fromisoformat(row["ends_on"] or "9999-12-31"),
            )
            for row in _rows(helpline / "campaigns.csv")
        ]

    def instant(self, day: date, milliseconds: int = 0) -> int:
        """Return the instant at which the local clock of `day` shows that time of day.

        A repeated wall time is the first of the two.
        """
        wall = datetime(day.year, day.month, day.day) + milliseconds * MILLISECOND
        return round(wall.replace(tzinfo=self.zone).timestamp() * 1000)

    def local(self, instant: int) -> datetime:
        """Return the local wall time of an instant."""
        return (EPOCH + instant * MILLISECOND).astimezone(self.zone)

    def day_of(self, instant: int) -> date:
        """Return the local date of an instant."""
        return self.days[bisect_right(self.starts, instant) - 1]

    def month_of(self, instant: int) -> str:
        """Return the local month of an instant, as `2022-03`."""
        return self._months[bisect_right(self.starts, instant) - 1]

    def days_of(self, month: str) -> list[date]:
        """Return the simulated days of a month."""
        return [day for day, its in zip(self.days, self._months, strict=True) if its == month]

    def shifts_of(self, month: str) -> list[Shift]:
        """Return the shifts of a month in order."""
        return self._shifts_by_month[month]

    def is_open(self, instant: int) -> bool:
        """Tell whether the helpline is open at an instant."""
        place = bisect_right(self._shift_starts, instant) - 1
        return place >= 0 and instant < self.shifts[place].ends_at


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _read_shifts(helpline: Path, calendar: Calendar) -> list[Shift]:
    """Return all shifts of the simulated days; this helpline has none that overlap."""
    regular = _rows(helpline / "opening_hours.csv")
    extra = _rows(helpline / "extra_openings.csv")
    closed = {row["date"] for row in _rows(helpline / "closures.csv")}
    shifts = []
    for day in calendar.days:
        rows = [row for row in extra if row["date"] == day.isoformat()]
        if day.isoformat() not in closed:
            rows += [row for row in regular if _is_valid(row, day)]
        for row in rows:
            opens, closes = _time_of_day(row["opens"]), _time_of_day(row["closes"])
            shifts.append(
                Shift(
                    day,
                    calendar.instant(day, opens),
                    calendar.instant(day, closes),
                    int(row["responders"]),
                )
            )
    return sorted(shifts, key=lambda shift: shift.starts_at)


def _is_valid(row: dict[str, str], day: date) -> bool:
    return (
        int(row["weekday"]) == day.isoweekday()
        and row["valid_from"] <= day.isoformat()
        and (not row["valid_to"] or day.isoformat() <= row["valid_to"])
    )


def _time_of_day(text: str) -> int:
    hours, minutes = text.split(":")[:2]
    return int(hours) * HOUR + int(minutes) * MINUTE
