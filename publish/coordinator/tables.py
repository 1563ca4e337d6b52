"""The tables of the coordinator's page, each cell as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from babel.dates import format_date

from publish.coordinator.shifts import Hour, Key, Shift, Tally, divided, summed
from publish.words import Words

WEEKS_SHOWN = 8
A_YEAR_BEFORE = timedelta(weeks=52)
HOURS_LISTED = 10
# An hour of the week that was open for less says little about how much is missed in it.
LEAST_OPEN_HOURS = 4
# Nobody said how many responders there are.
UNSAID = "–"
TEXT_COLUMNS = {"day", "open", "hour"}

Measure = Callable[[Tally], float | None]


@dataclass(frozen=True)
class Table:
    """A table: its first column heads the rows, `texts` are the other columns without numbers."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: frozenset[int]


# What a tally is shown with: the column, how it is measured, and its decimals.
MEASURES: tuple[tuple[str, Measure, int], ...] = (
    ("shifts", lambda tally: len(tally.shifts), 0),
    ("open_hours", lambda tally: tally.open_hours, 1),
    ("responder_hours", lambda tally: tally.responder_hours, 1),
    ("attempts", lambda tally: tally.attempts, 0),
    ("answered", lambda tally: tally.answered, 0),
    ("missed", lambda tally: tally.missed, 0),
    ("answer_rate", lambda tally: tally.answer_rate, 1),
    ("wait", lambda tally: tally.wait_seconds, 0),
    ("conversations", lambda tally: tally.conversations, 0),
    ("attempts_per_responder_hour", lambda tally: tally.attempts_per_responder_hour, 1),
    ("conversations_per_responder_hour", lambda tally: tally.conversations_per_responder_hour, 1),
)
OF_WEEKS = ("open_hours", "responder_hours", "attempts", "answered", "missed",
            "answer_rate", "wait", "conversations_per_responder_hour")  # fmt: skip
OF_KINDS = ("shifts", "responder_hours", "attempts", "answer_rate", "wait",
            "attempts_per_responder_hour", "conversations_per_responder_hour")  # fmt: skip
OF_SHIFTS = ("attempts", "answered", "missed", "answer_rate", "wait",
             "conversations_per_responder_hour")  # fmt: skip


class Tables:
    """Makes the tables in the words of a language."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def compared(self, now: Tally, before: Tally) -> Table:
        """The last weeks against the same weeks a year before, a line for each measure."""
        rows = []
        for name, measure, decimals in MEASURES:
            found, earlier = measure(now), measure(before) if before.shifts else None
            rows.append(
                (
                    self._column(name),
                    self._measured(name, now, found, decimals),
                    self._measured(name, before, earlier, decimals),
                    self._change(name, found, earlier),
                )
            )
        return self._table("compared", ["figure", "now", "before", "change"], rows)

    def weeks(self, shifts: Sequence[Shift]) -> Table:
        """A line for each ISO week, the latest first."""
        rows = []
        for monday, of_week in groupby(reversed(shifts), key=lambda shift: monday_of(shift)):
            tally = Tally.of(of_week)
            label = self.words.text(
                "week_of", number=monday.isocalendar().week, date=self.day(monday)
            )
            rows.append((label, *self._tallied(tally, OF_WEEKS)))
        return self._table("weeks", ["week", *OF_WEEKS], rows)

    def shifts(self, shifts: Sequence[Shift]) -> Table:
        """A line for each shift, the latest first; one that is not covered has no numbers."""
        rows = []
        for shift in reversed(shifts):
            responders = UNSAID if shift.responders is None else str(shift.responders)
            rows.append(
                (
                    self.day(shift.opened_on),
                    self.words.weekday(shift.opened_on.isoweekday()),
                    self.clock(*shift.hours),
                    responders,
                    *self._tallied(Tally.of([shift]), OF_SHIFTS),
                )
            )
        return self._table("shifts", ["date", "day", "open", "responders", *OF_SHIFTS], rows)

    def kinds(self, shifts: Iterable[Shift]) -> Table:
        """A line for all shifts of the same weekday and time."""

        def kind(shift: Shift) -> tuple[int, tuple[str, str]]:
            return shift.opened_on.isoweekday(), shift.hours

        rows = []
        for (weekday, hours), alike in groupby(sorted(shifts, key=kind), key=kind):
            tally = Tally.of(alike)
            if tally.shifts:
                rows.append(
                    (
                        self.words.weekday(weekday),
                        self.clock(*hours),
                        *self._tallied(tally, OF_KINDS),
                    )
                )
        return self._table("kinds", ["day", "open", *OF_KINDS], rows)

    def most_missed(self, hours: dict[Key, Hour]) -> Table:
        """The hours of the week at which most is missed for each hour open."""
        open_enough = {k: hour for k, hour in hours.items() if hour.open_hours >= LEAST_OPEN_HOURS}
        ranked = sorted(open_enough, key=lambda key: (-_missed_per_hour(hours[key]), key))
        rows = [
            (
                self.hour(key),
                self.number(_missed_per_hour(hours[key]), 1),
                self.number(hours[key].missed),
                self.number(hours[key].attempts),
                self.number(hours[key].open_hours, 1),
            )
            for key in ranked[:HOURS_LISTED]
        ]
        columns = ["hour", "missed_per_open_hour", "missed", "attempts", "open_hours"]
        return self._table("missed", columns, rows)

    def most_closed(self, hours: dict[Key, Hour]) -> Table:
        """The hours of the week with most attempts while closed."""
        found = {key: hour for key, hour in hours.items() if hour.out_of_hours}
        ranked = sorted(found, key=lambda key: (-(found[key].out_of_hours or 0), key))
        rows = [
            (
                self.hour(key),
                self.number(found[key].out_of_hours),
                self.number(found[key].attempts),
                self.number(found[key].open_hours, 1),
            )
            for key in ranked[:HOURS_LISTED]
        ]
        return self._table("closed", ["hour", "out_of_hours", "attempts", "open_hours"], rows)

    def months(self, months: dict[str, dict[Key, Hour]]) -> Table:
        """Answered and all attempts of each hour that was open, a column for each month."""
        keys = [
            key
            for key, hour in sorted(summed(months.values()).items())
            if hour.open_hours >= LEAST_OPEN_HOURS
        ]
        rows = [
            (self.hour(key), *(self._answered(hours.get(key)) for hours in months.values()))
            for key in keys
        ]
        caption = self.words.group("captions")["months"]
        columns = (self._column("hour"), *(self.month(month, "abbreviated") for month in months))
        return Table("months", caption, columns, tuple(rows), frozenset())

    # --- how things are written

    @property
    def missing(self) -> str:
        """The mark of what was not delivered, or not said."""
        return self.words.group("marks")["missing"]

    def number(self, number: float | None, decimals: int = 0) -> str:
        """Write a number, rounded half up; None is what cannot be computed."""
        if number is None:
            return self.words.group("marks")["not_applicable"]
        return self.words.number(Decimal(repr(number)), decimals)

    def day(self, day: date) -> str:
        """Write a day short enough for a table: `27 jan 2023`."""
        return format_date(day, format="d MMM y", locale=self.words.locale)

    def month(self, month: str, width: str = "wide") -> str:
        """Write a month such as 2022-03: `maart 2022`."""
        return f"{self.words.month(int(month[5:]), width)} {month[:4]}"

    def hour(self, key: Key) -> str:
        """Write an hour of the week: `woensdag 19–20 u.`."""
        return f"{self.words.weekday(key[0])} {self.words.hour(key[1])}"

    def clock(self, opens: str, closes: str) -> str:
        """Write opening times: `19:00–22:00`."""
        return self.words.text("clock", opens=opens, closes=closes)

    def _table(self, name: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
        texts = frozenset(n for n, column in enumerate(columns) if column in TEXT_COLUMNS)
        caption = self.words.group("captions")[name]
        return Table(name, caption, tuple(map(self._column, columns)), tuple(rows), texts)

    def _column(self, name: str) -> str:
        return self.words.group("columns")[name]

    def _tallied(self, tally: Tally, names: Iterable[str]) -> Iterable[str]:
        known = {name: (measure, decimals) for name, measure, decimals in MEASURES}
        for name in names:
            measure, decimals = known[name]
            yield self._measured(name, tally, measure(tally), decimals)

    def _measured(self, name: str, tally: Tally, found: float | None, decimals: int) -> str:
        if not tally.shifts:
            return self.missing
        if name == "responder_hours" and found is None:
            return UNSAID
        written = self.number(found, decimals)
        if found is not None and name == "answer_rate":
            written = self.words.text("rate", number=written)
        if tally.is_pending and name not in ("shifts", "open_hours", "responder_hours"):
            written += "\N{NO-BREAK SPACE}" + self.words.group("marks")["provisional"]
        return written

    def _change(self, name: str, now: float | None, before: float | None) -> str:
        """Write a change: of a rate in percentage points, else in percent of what it was."""
        if now is None or before is None:
            return ""
        if name == "answer_rate":
            return self.words.text("percentage_points", change=self._signed(now - before, 1))
        change = divided(100 * (now - before), before)
        if change is None:
            return self.number(None)
        return self.words.text("change_percent", change=self._signed(change, 0))

    def _signed(self, number: float, decimals: int) -> str:
        written = self.number(number, decimals)
        return f"+{written}" if number > 0 and any(c in "123456789" for c in written) else written

    def _answered(self, hour: Hour | None) -> str:
        if hour is None or hour.attempts is None:
            return self.missing
        return self.words.text("answered_of", answered=hour.answered, attempts=hour.attempts)


def monday_of(shift: Shift) -> date:
    """Give the Monday of a shift's ISO week."""
    return shift.opened_on - timedelta(days=shift.opened_on.weekday())


def _missed_per_hour(hour: Hour) -> float:
    return divided(hour.missed or 0, hour.open_hours) or 0.0
