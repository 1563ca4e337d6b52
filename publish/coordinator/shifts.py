"""Shifts and hours of the week as the marts have them, and what they add up to."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import duckdb

MONTHS_SHOWN = 12


@dataclass(frozen=True)
class Shift:
    """One shift, and what happened in it.

    `opens` and `closes` are wall times; `responders` and `responder_hours` are None if nobody said
    how many there are. `waits` are those of its conversations in seconds, negative ones left out.
    """

    opened_on: date
    opens: datetime
    closes: datetime
    responders: int | None
    open_hours: float
    responder_hours: float | None
    attempts: int
    answered: int
    missed: int
    conversations: int
    is_covered: bool
    is_pending: bool
    waits: tuple[float, ...] = ()

    @property
    def hours(self) -> tuple[str, str]:
        """Opening and closing on the clock; midnight at the end of the day is 24:00."""
        closes = f"{self.closes:%H:%M}"
        if self.closes.date() > self.opened_on and closes == "00:00":
            closes = "24:00"
        return f"{self.opens:%H:%M}", closes


@dataclass(frozen=True)
class Tally:
    """What shifts add up to; those whose logs have not been delivered in full are left out."""

    shifts: tuple[Shift, ...]

    @classmethod
    def of(cls, shifts: Iterable[Shift]) -> Tally:
        """Take the shifts that can be counted."""
        return cls(tuple(shift for shift in shifts if shift.is_covered))

    @cached_property
    def attempts(self) -> int:
        """Attempts that started in the shifts."""
        return sum(shift.attempts for shift in self.shifts)

    @cached_property
    def answered(self) -> int:
        """Attempts of the shifts that were answered."""
        return sum(shift.answered for shift in self.shifts)

    @cached_property
    def missed(self) -> int:
        """Attempts of the shifts without an answer."""
        return sum(shift.missed for shift in self.shifts)

    @cached_property
    def conversations(self) -> int:
        """Conversations that began in the shifts."""
        return sum(shift.conversations for shift in self.shifts)

    @cached_property
    def open_hours(self) -> float:
        """Hours open."""
        return sum(shift.open_hours for shift in self.shifts)

    @cached_property
    def responder_hours(self) -> float | None:
        """Hours open times responders; None if nobody said how many there are in any shift."""
        known = [s.responder_hours for s in self.shifts if s.responder_hours is not None]
        return sum(known) if known else None

    @cached_property
    def answer_rate(self) -> float | None:
        """Answered attempts of all, in percent."""
        return divided(100 * self.answered, self.attempts)

    @cached_property
    def wait_seconds(self) -> float | None:
        """Median wait of the conversations (continuous: the mean of the two in the middle)."""
        waits = [wait for shift in self.shifts for wait in shift.waits]
        return statistics.median(waits) if waits else None

    @cached_property
    def missed_per_open_hour(self) -> float | None:
        """Missed attempts for each hour open."""
        return divided(self.missed, self.open_hours)

    @cached_property
    def attempts_per_responder_hour(self) -> float | None:
        """Attempts for each hour of a responder, of the shifts of which these are known."""
        return self._per_responder_hour("attempts")

    @cached_property
    def conversations_per_responder_hour(self) -> float | None:
        """Conversations for each hour of a responder, of the shifts of which these are known."""
        return self._per_responder_hour("conversations")

    @property
    def is_pending(self) -> bool:
        """Whether a day among them is still to be cleaned."""
        return any(shift.is_pending for shift in self.shifts)

    def _per_responder_hour(self, count: str) -> float | None:
        known = [shift for shift in self.shifts if shift.responder_hours is not None]
        return divided(sum(getattr(shift, count) for shift in known), self.responder_hours or 0)


@dataclass(frozen=True)
class Hour:
    """One hour of the week in a month or in several; None where no log was delivered."""

    attempts: int | None
    answered: int | None
    missed: int | None
    out_of_hours: int | None
    open_hours: float


# Weekday (1 is Monday) and hour of the wall clock.
Key = tuple[int, int]


def divided(count: float, by: float) -> float | None:
    """Divide, if there is something to divide by."""
    return count / by if by else None


def read_shifts(connection: duckdb.DuckDBPyConnection) -> list[Shift]:
    """Read all shifts of the marts, oldest first."""
    rows = connection.execute(
        """
        with waits as (
            select shift_id, list(wait_seconds order by wait_seconds) as waits
            from marts.conversations
            where wait_seconds >= 0 and shift_id is not null
            group by shift_id
        )
        select opened_on, opens_at_local, closes_at_local, responders, open_hours, responder_hours,
            attempts, answered_attempts, missed_attempts, conversations, is_covered, is_pending,
            coalesce(waits.waits, [])
        from marts.shifts
        left join waits using (shift_id)
        order by opens_at_local, closes_at_local
        """
    ).fetchall()
    return [Shift(*row[:-1], waits=tuple(row[-1])) for row in rows]


def read_hours(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[Key, Hour]]:
    """Read the hours of the week of the last twelve months that are told of, oldest first."""
    rows = connection.execute(
        """
        select month, weekday, hour, attempts, answered_attempts, missed_attempts,
            out_of_hours_attempts, coalesce(open_seconds, 0) / 3600
        from marts.hours_of_week
        where month in (
            select month from marts.hours_of_week
            group by month
            having count(attempts) > 0
            order by month desc
            limit ?
        )
        order by month, weekday, hour
        """,
        [MONTHS_SHOWN],
    ).fetchall()
    months: dict[str, dict[Key, Hour]] = {}
    for month, weekday, hour, *counts in rows:
        months.setdefault(month, {})[weekday, hour] = Hour(*counts)
    return months


def summed(months: Iterable[dict[Key, Hour]]) -> dict[Key, Hour]:
    """Add up each hour of the week over months."""
    total: dict[Key, Hour] = {}
    for month in months:
        for key, hour in month.items():
            before = total.get(key, Hour(0, 0, 0, 0, 0.0))
            total[key] = Hour(
                attempts=(before.attempts or 0) + (hour.attempts or 0),
                answered=(before.answered or 0) + (hour.answered or 0),
                missed=(before.missed or 0) + (hour.missed or 0),
                out_of_hours=(before.out_of_hours or 0) + (hour.out_of_hours or 0),
                open_hours=before.open_hours + hour.open_hours,
            )
    return total
