"""The charts of the report: each drawn from a table, with a text that says what it shows."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from publish.charts import NARROW, WIDE, Bar, Chart, Series, bars, by_month, heatmap, svg
from publish.public import Public, State, Value
from publish.report.summary import change_text
from publish.sections import HOURS_OF_WEEK
from publish.tables import Line, Table
from publish.words import Words

MONTHS = {
    "conversations_by_month",
    "new_callers_by_month",
    "pressers_by_month",
    "clicks_by_month",
    "clicks_per_conversation_by_month",
    "missed_pressers_by_month",
    "answer_rate_by_month",
    "out_of_hours_by_month",
}
BARS = {
    "conversations_by_weekday",
    "referrals_by_helpline",
    "callers_by_gender",
    "callers_by_age_band",
    "callers_by_topic",
}
WEEKS = {"attempts_by_hour_of_week", "answered_by_hour_of_week", "missed_per_open_hour"}


@dataclass(frozen=True)
class Drawn:
    """A chart in two widths; `says` is what it shows, `reads` how to read it.

    Both drawings carry the kind of chart, its title and what it shows as their text.
    """

    wide: Markup
    narrow: Markup
    says: str
    reads: str


class Charts:
    """Draws the charts of one set of public figures, in the words of one language."""

    def __init__(self, public: Public, words: Words) -> None:
        self.public = public
        self.words = words

    def draw(self, table: Table) -> Drawn | None:
        """Draw the chart of a table; None for a table that has none, or nothing to show."""
        # A total alone, of a figure whose months or categories are not public, is no chart.
        shown = (line for line in table.lines if not line.is_total)
        lines = table.lines[:12] if table.name in MONTHS else tuple(shown)
        if not any(value.number is not None for line in lines for value in line.values):
            return None
        if table.name in MONTHS:
            return self._by_month(table)
        if table.name in BARS:
            return self._bars(table)
        if table.name in WEEKS:
            return self._week(table)
        return None

    def _by_month(self, table: Table) -> Drawn:
        series = [
            Series(column.label, tuple(line.values[n] for line in table.lines[:12]))
            for n, column in enumerate(table.columns)
        ]
        says = [self._extremes(series[-1], [line.label for line in table.lines[:12]])]
        says.append(self._year(table.figures[0], series[-1].label))
        says.append(self._without_number(series[-1], table))
        reads = self._reads_lines(series)
        return self._drawn(
            "line_chart", table, lambda width: by_month(series, self.words, width), says, reads
        )

    def _extremes(self, main: Series, months: Sequence[str]) -> str:
        known = [(v.number, n) for n, v in enumerate(main.values) if v.number is not None]
        if not known:
            return self.words.text("no_number", year=main.label)
        least, most = min(known)[1], max(known, key=lambda one: (one[0], -one[1]))[1]
        if main.values[least].number == main.values[most].number:
            return ""
        is_whole = len(known) == len(main.values)
        return self.words.text(
            "extremes" if is_whole else "extremes_of_shown",
            year=main.label,
            most=months[most],
            most_number=self.words.value(main.values[most]),
            least=months[least],
            least_number=self.words.value(main.values[least]),
        )

    def _year(self, figure: str, year: str) -> str:
        value = self.public.value(figure, year)
        if value.number is None:
            return ""
        written = self.words.value(value, has_unit=True)
        change = change_text(self.public, self.words, figure, year)
        key = "year_and_change" if change else "whole_year_is"
        return self.words.text(key, year=year, number=written, change=change)

    def _without_number(self, main: Series, table: Table) -> str:
        found: dict[str, list[str]] = {}
        for line, value in zip(table.lines, main.values, strict=False):
            if value.number is None and value.state is not State.ABSENT:
                found.setdefault(self.words.value(value), []).append(line.label)
        return " ".join(
            self.words.text("without_number", months=", ".join(months), mark=mark)
            for mark, months in found.items()
        )

    def _reads_lines(self, series: Sequence[Series]) -> list[str]:
        states = {value.state for value in series[-1].values}
        every = {value.state for one in series for value in one.values}
        reads = [self.words.text("thick_line", year=series[-1].label)]
        if len(series) > 1:
            earlier = ", ".join(one.label for one in series[:-1])
            reads.append(self.words.text("thin_lines", years=earlier))
        marks = self.words.group("marks")
        if State.PROVISIONAL in every:
            reads.append(self.words.text("hollow_points", mark=marks["provisional"]))
        if State.PENDING in states:
            reads.append(self.words.text("dashed_frame", mark=marks["pending"]))
        if State.CONFIDENTIAL in states:
            reads.append(self.words.text("filled_frame", mark=marks["confidential"]))
        return reads

    def _bars(self, table: Table) -> Drawn:
        step = 2 if table.columns[-1].group else 1
        year = table.columns[-1].group or table.columns[-1].label
        earlier = (
            table.columns[-1 - step].group or table.columns[-1 - step].label
            if len(table.columns) > step
            else ""
        )
        lines = [line for line in table.lines if not line.is_total]
        rows = [
            Bar(
                line.label,
                line.values[-step],
                self._written(line, step),
                line.values[-2 * step] if earlier else None,
            )
            for line in lines
        ]
        known = [row for row in rows if row.value.number is not None]
        says = []
        if known:
            order = sorted(known, key=lambda row: -(row.value.number or 0))
            most = "; ".join(f"{row.label} {row.written}" for row in order)
            key = "in_order" if len(known) == len(rows) else "in_order_of_shown"
            says.append(self.words.text(key, year=year, rows=most))
        hidden = [row for row in rows if row.value.number is None]
        if hidden:
            said = ", ".join(f"{row.label} {row.written}" for row in hidden)
            says.append(self.words.text("hidden", rows=said))
        reads = [self.words.text("bar", year=year)]
        if earlier:
            reads.append(self.words.text("tick", year=earlier))
        return self._drawn(
            "bar_chart", table, lambda width: bars(rows, self.words, width), says, reads
        )

    def _written(self, line: Line, step: int) -> str:
        written = self.words.value(line.values[-step])
        if step == 2 and line.values[-1].number is not None:
            written += f" ({self.words.value(line.values[-1], has_unit=True)})"
        return written

    def _week(self, table: Table) -> Drawn:
        values = {(day, hour): table.lines[hour].values[day - 1] for day, hour in HOURS_OF_WEEK}
        year = self.public.whole_years[-1]
        shares = shares_open(self.public, year)
        numbers = {
            key: float(value.number) if value.number is not None else None
            for key, value in values.items()
        }
        marks = {key: self.words.value(value) for key, value in values.items()}
        decimals = max(value.decimals for value in values.values())
        unit = (
            self.words["per_open_hour"]
            if len(table.figures) > 1
            else self.words.unit(self.public.definitions[table.figures[0]]["unit"])
        )
        says = [self._busiest(values)]
        reads = [self.words["darker"]]
        if any(share >= 0.5 for share in shares.values()):
            reads.append(self.words.text("firm_border", year=year))
        if any(0 < share < 0.5 for share in shares.values()):
            reads.append(self.words.text("dotted_border", year=year))
        if any(value.state is State.PROVISIONAL for value in values.values()):
            mark = self.words.group("marks")["provisional"]
            reads.append(self.words.text("all_provisional", mark=mark, year=year))
        return self._drawn(
            "week_chart",
            table,
            lambda width: heatmap(numbers, shares, self.words, unit, width, decimals, marks),
            says,
            reads,
        )

    def _busiest(self, values: Mapping[tuple[int, int], Value]) -> str:
        known = [(key, value) for key, value in values.items() if value.number]
        order = sorted(known, key=lambda one: (-(one[1].number or 0), one[0]))[:5]
        if not order:
            return ""
        hours = "; ".join(
            f"{self.words.weekday(day)} {self.words.hour(hour)} "
            f"({self.words.number(value.number or 0, value.decimals)})"
            for (day, hour), value in order
        )
        return self.words.text("busiest", hours=hours)

    def _drawn(
        self,
        kind: str,
        table: Table,
        chart: Callable[[int], Chart],
        says: Sequence[str],
        reads: list[str],
    ) -> Drawn:
        said = " ".join(one for one in says if one)
        label = self.words.text(kind, title=table.title)
        wide, narrow = (
            svg(chart(width), f"{table.name}-{name}", f"{label} {said}".strip())
            for name, width in (("wide", WIDE), ("narrow", NARROW))
        )
        return Drawn(wide, narrow, said, " ".join(reads))


def shares_open(public: Public, year: str) -> dict[tuple[int, int], float]:
    """Give the part of a year's weeks in which the helpline was open, by weekday and hour."""
    days = 366 if calendar.isleap(int(year)) else 365
    first = date(int(year), 1, 1)
    weekdays = [(first + timedelta(n)).isoweekday() for n in range(days)]
    return {
        (day, hour): float(value.number) / weekdays.count(day)
        for day, hour in HOURS_OF_WEEK
        if (value := public.value("open_hours", year, "hour_of_week", f"{day}-{hour:02}")).number
    }
