"""Tables of public figures: what the report, the workbook and the annex have in common.

A table holds values and labels, and knows nothing of HTML, spreadsheets or documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ingest.definitions import PARTS_OF_DAY
from publish.public import UNLISTED, Public, State, Value, breaks_of, months_of_year
from publish.words import Words, marks_of


@dataclass(frozen=True)
class Column:
    """A column of values. Columns with the same `group` stand together under it."""

    label: str
    group: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table: a label and a value for each column; a total stands apart."""

    label: str
    values: tuple[Value, ...]
    is_total: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A table with all that it needs to be read by itself.

    `name` is unique, lowercase and fit for a file, a sheet or an anchor. `subtitle` says unit and
    base. `stub` heads the first column. `notes` are sentences; `marks` explains each mark that
    occurs, as pairs of mark and meaning. `figures` are those whose values it holds.
    """

    name: str
    title: str
    subtitle: str
    stub: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    figures: tuple[str, ...] = ()

    def values(self) -> Iterator[Value]:
        """Give all values, line by line."""
        return (value for line in self.lines for value in line.values)


def is_idle(category: str, values: Iterable[Value]) -> bool:
    """Whether a line is of values that no list of codes holds, and there are none of them.

    A share of nobody (not applicable) and a period without a row do not make a line worth showing;
    a value that is hidden, pending or missing does: it may be more than 0.
    """
    nothing = (State.NOT_APPLICABLE, State.ABSENT)
    return category == UNLISTED and all(
        value.number == 0 or value.state in nothing for value in values
    )


class Tables:
    """Makes tables from public figures, in the words of one language."""

    def __init__(self, public: Public, words: Words) -> None:
        self.public = public
        self.words = words

    def by_month(
        self,
        name: str,
        figure: str,
        years: Iterable[str],
        below: Iterable[str] = (),
        title: str = "",
        notes: Iterable[str] = (),
    ) -> Table:
        """A figure by month, a column for each year, with the year below.

        `below` names more figures of the year, such as `conversations_change_percent`; those that
        are not public are left out. The year of a count that does not add up says so in its label.
        """
        years = list(years)
        below = [one for one in below if one in self.public.definitions]
        kind = self.public.definitions[figure]["kind"]
        lines = [
            Line(
                self.words.month(month),
                tuple(self.public.value(figure, months_of_year(year)[month - 1]) for year in years),
            )
            for month in range(1, 13)
        ]
        label = {"sum": "total", "distinct": "whole_year"}.get(kind, "year")
        lines.append(self._of_years(self.words[label], figure, years, is_total=True))
        lines += [self._of_years(self.label(one), one, years) for one in below]
        return self.table(
            name,
            title or self.words.figure(figure),
            self.words["month"],
            [Column(year) for year in years],
            lines,
            notes,
            self.subtitle(figure),
            [figure, *below],
        )

    def by_category(
        self,
        name: str,
        figure: str,
        breakdown: str,
        years: Iterable[str],
        share: str = "",
        has_total: bool = True,
        title: str = "",
        notes: Iterable[str] = (),
    ) -> Table:
        """A figure by the categories of a breakdown: a column for each year, or two with shares.

        `share` names the figure of the shares in percent. A category of values that no list of
        codes holds (`unlisted`) is left out where there are none in any year.
        """
        years = list(years)
        figures = [figure, share] if share else [figure]
        columns = [
            Column(
                self.words.unit(self.public.definitions[one]["unit"]) if share else year,
                group=year if share else "",
            )
            for year in years
            for one in figures
        ]
        lines = [
            Line(
                self.words.category(breakdown, category),
                tuple(
                    self.public.value(one, year, breakdown, category)
                    for year in years
                    for one in figures
                ),
            )
            for category in self.public.categories(figure, breakdown)
        ]
        lines = [
            line
            for line, category in zip(lines, self.public.categories(figure, breakdown), strict=True)
            if not is_idle(category, line.values)
        ]
        if has_total:
            totals = [
                self.public.value(one, year) if one == figure else Value(State.ABSENT)
                for year in years
                for one in figures
            ]
            lines.append(Line(self.words["total"], tuple(totals), is_total=True))
        return self.table(
            name,
            title or self.words.figure(figure),
            self.words.text(f"breakdowns.{breakdown}"),
            columns,
            lines,
            [*([self.words["shares_are_rounded"]] if share else []), *notes],
            self.subtitle(share or figure),
            figures,
        )

    def by_hour_of_week(
        self,
        name: str,
        title: str,
        values: Mapping[tuple[int, int], Value],
        subtitle: str,
        figures: Iterable[str],
        notes: Iterable[str] = (),
    ) -> Table:
        """A line for each hour and a column for each weekday; `values` by weekday and hour."""
        lines = [
            Line(self.words.hour(hour), tuple(values[day, hour] for day in range(1, 8)))
            for hour in range(24)
        ]
        columns = [Column(self.words.weekday(day)) for day in range(1, 8)]
        return self.table(
            name, title, self.words["hours"], columns, lines, notes, subtitle, figures
        )

    def by_part_of_week(
        self,
        name: str,
        title: str,
        values: Mapping[tuple[int, str], Value],
        subtitle: str,
        figures: Iterable[str],
        notes: Iterable[str] = (),
    ) -> Table:
        """A line for each part of the day and a column for each weekday."""
        parts = self.words.group("parts_of_day")
        lines = [
            Line(parts[part], tuple(values[day, part] for day in range(1, 8)))
            for part in PARTS_OF_DAY
        ]
        columns = [Column(self.words.weekday(day)) for day in range(1, 8)]
        return self.table(
            name, title, self.words["parts"], columns, lines, notes, subtitle, figures
        )

    def by_year(
        self,
        name: str,
        title: str,
        figures: Iterable[str | tuple[str, str, str]],
        years: Iterable[str],
        notes: Iterable[str] = (),
    ) -> Table:
        """Several figures, a line for each with its unit, and a column for each year.

        A figure may come with a breakdown and a category.
        """
        years = list(years)
        lines, shown = [], []
        for one in figures:
            figure, breakdown, category = one if isinstance(one, tuple) else (one, "", "")
            label = self.words.figure(figure)
            if category:
                label += f": {self.words.category(breakdown, category)}"
            values = tuple(self.public.value(figure, y, breakdown, category) for y in years)
            shown.append(figure)
            unit = self.words.unit(self.public.definitions[figure]["unit"])
            lines.append(Line(label, values, unit=unit))
        columns = [Column(year) for year in years]
        return self.table(
            name, title, self.words["figure"], columns, lines, notes, self._bases(shown), shown
        )

    def table(
        self,
        name: str,
        title: str,
        stub: str,
        columns: Iterable[Column],
        lines: Iterable[Line],
        notes: Iterable[str] = (),
        subtitle: str = "",
        figures: Iterable[str] = (),
    ) -> Table:
        """Put a table together; the meaning of its marks and its breaks come with it."""
        lines = tuple(lines)
        values = [value for line in lines for value in line.values]
        breaks = sorted(set(breaks_of(values)))
        said = (self.words.text("breaks", reason=self.words.break_reason(one)) for one in breaks)
        revised = dict.fromkeys(self._revisions(values))
        return Table(
            name, title, subtitle, stub, tuple(columns), lines,
            (*notes, *said, *revised), tuple(self.marks(values)), tuple(dict.fromkeys(figures)),
        )  # fmt: skip

    def marks(self, values: Iterable[Value]) -> Iterator[tuple[str, str]]:
        """Give each mark that occurs among values, and what it means, in a fixed order."""
        found = set()
        for value in values:
            if value.number is None:
                found.add(value.state.value)
            else:
                found.update(marks_of(value))
        for name, mark in self.words.group("marks").items():
            if name in found:
                yield mark, self.words.group("meanings")[name]

    def subtitle(self, figure: str) -> str:
        """Say a figure's definition, unit and base."""
        definition = self.public.definitions[figure]
        said = [self.words.definition(figure)]
        said.append(self.words.text("unit", unit=self.words.unit(definition["unit"])))
        if definition["base"]:
            said.append(self.words.text("base", base=self.words.base(definition["base"])))
        return " ".join(said)

    def _bases(self, figures: Iterable[str]) -> str:
        """Say for each of several figures that has a base what it is."""
        said = [
            self.words.text(
                "base_of", figure=self.words.figure(one), base=self.words.base(definition["base"])
            )
            for one in dict.fromkeys(figures)
            if (definition := self.public.definitions[one])["base"]
        ]
        return " ".join([self.words["units_beside"], *said])

    def label(self, figure: str) -> str:
        """Give the label of a line below a table of its own part: `change`, `per month`."""
        for kind in ("change", "per_month"):
            if figure.endswith(("_change_percent", "_per_month")) and kind in figure:
                unit = "percent" if kind == "change" else ""
                return self.words[kind] + (f" ({self.words.unit(unit)})" if unit else "")
        return self.words.figure(figure)

    def _of_years(
        self, label: str, figure: str, years: Iterable[str], is_total: bool = False
    ) -> Line:
        return Line(label, tuple(self.public.value(figure, year) for year in years), is_total)

    def _revisions(self, values: Iterable[Value]) -> Iterator[str]:
        """Say why each revised value of a table was revised."""
        wanted = {id(value) for value in values if value.is_revised}
        for cell, revision in self.public.revisions.items():
            if id(self.public.values.get(cell)) in wanted:
                yield self.words.text(
                    "revision",
                    figure=self.words.figure(cell.figure),
                    period=self.words.period(cell.period),
                    reason=revision.reason,
                )
