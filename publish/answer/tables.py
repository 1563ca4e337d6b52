"""Makes the tables that a question asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from publish import sections
from publish.answer.question import Asked, Series
from publish.answer.source import CHANGE, MEAN, Shown, Source
from publish.disclosure.cells import Cell
from publish.disclosure.periods import months_of
from publish.public import UNLISTED, State, Value
from publish.tables import Column, Line, Table, Tables, is_idle
from publish.words import SYMBOLS, Words

TEXTS = Path(__file__).with_name("words.toml")
# Beside every count of these stands how many attempts no such count can hold.
OF_VISITORS = ("pressers", "missed_pressers", "out_of_hours_pressers", "unreached_pressers")
WITHOUT_VISITOR = "attempts_without_visitor"


class AnswerWords(Words):
    """The words of an annex: numbers have a mark for thousands from as many digits as is usual.

    Dutch has none in 1074 and one in 10.166, as the answers print them.
    """

    def number(self, number: Decimal | int, decimals: int = 0) -> str:
        """Write a number with its decimals: 1074, 10.166 and 4,9 in Dutch."""
        written = super().number(number, decimals)
        if abs(number) < int(self["grouped_from"]):
            written = written.replace(self.locale.number_symbols["latn"]["group"], "", 1)
        return written

    def shown(self, value: Value) -> str:
        """Write a value with its unit and its marks, or the mark in its place."""
        remark = value.remark if isinstance(value, Shown) else ""
        written = self.value(value, has_unit=True)
        mark = self.group("remark_marks")[remark] if remark else ""
        return "\N{NO-BREAK SPACE}".join(part for part in (written, mark) if part)


def words_for(source: Source, language: str = "") -> AnswerWords:
    """Give the words in a language, or in the helpline's."""
    chosen = language or source.figures.about.language
    return AnswerWords(chosen, source.figures, sections.TEXTS, TEXTS)


@dataclass(frozen=True)
class Made:
    """A table that was asked for, and the cell behind each of its values, line by line."""

    asked: Asked
    table: Table
    cells: tuple[tuple[Cell | None, ...], ...]

    def pairs(self) -> Iterator[tuple[Cell, Shown]]:
        """Give each cell with what is shown of it."""
        for cells, line in zip(self.cells, self.table.lines, strict=True):
            for cell, value in zip(cells, line.values, strict=True):
                if cell is not None:
                    yield cell, value


@dataclass(frozen=True)
class _Row:
    label: str
    cells: tuple[Cell | None, ...]
    is_total: bool = False


class AnswerTables:
    """Makes tables; `printed` is what the answered document printed, by cell, as text."""

    def __init__(
        self, source: Source, words: AnswerWords, document: str = "",
        printed: Mapping[Cell, str] | None = None,
    ) -> None:  # fmt: skip
        self.source = source
        self.words = words
        self.document = document
        self.printed = printed or {}

    def make(self, asked: Asked) -> Made:
        """Make one table. The question must have been checked against the same source."""
        asked = replace(asked, series=tuple(self._series(asked)))
        rows = [*self._rows(asked), *self._below(asked)]
        rows = [row for row in rows if not self._is_idle(asked, row)]
        lines = [
            Line(row.label, tuple(self._value(asked, cell) for cell in row.cells), row.is_total)
            for row in rows
        ]
        table = Tables(self.source.figures, self.words).table(
            f"table_{asked.number}",
            asked.title,
            self._stub(asked),
            self._columns(asked),
            lines,
            [*asked.notes, *self._notes(asked)],
            self._subtitle(asked),
        )
        made = Made(asked, table, tuple(row.cells for row in rows))
        notes = dict.fromkeys([*table.notes, *self._revisions(made)])
        marks = (*table.marks, *self._remarks(made))
        return replace(made, table=replace(table, notes=tuple(notes), marks=marks))

    def _series(self, asked: Asked) -> Iterator[Series]:
        """Give a series for each category where these stand in columns."""
        for one in asked.series:
            if not asked.breakdown or asked.rows == "categories":
                yield one
                continue
            for category in self._categories(asked):
                label = self.words.category(asked.breakdown, category)
                if len(asked.series) > 1:
                    label = f"{one.label or self.words.figure(one.figure)}: {label}"
                yield Series(one.figure, asked.breakdown, category, label)

    def _categories(self, asked: Asked) -> list[str]:
        if asked.categories:
            return list(asked.categories)
        found = (self.source.figures.categories(one.figure, asked.breakdown)
                 for one in asked.series)  # fmt: skip
        return list(dict.fromkeys(category for categories in found for category in categories))

    def _rows(self, asked: Asked) -> Iterator[_Row]:
        if asked.rows == "months":
            yield from self._by_month(asked)
        elif asked.rows == "categories":
            for category in self._categories(asked):
                cells = (
                    Cell(one.figure, period, asked.breakdown, category)
                    for period, one in self._pairs(asked)
                )
                yield _Row(self.words.category(asked.breakdown, category), tuple(cells))
        elif asked.rows == "figures":
            for one in asked.series:
                cells = (self._cell(one, period) for period in asked.periods)
                yield _Row(self._labelled(asked, one), tuple(cells))
        else:
            for period in asked.periods:
                cells = (self._cell(one, period) for one in asked.series)
                yield _Row(self._period(period), tuple(cells))

    def _by_month(self, asked: Asked) -> Iterator[_Row]:
        months = [months_of(period) for period in asked.periods]
        is_within_a_year = all(one[0][:4] == one[-1][:4] for one in months)
        for number, month in enumerate(months[0]):
            label = self.words.month(int(month[5:]))
            if not is_within_a_year and len(months) == 1:
                label = self.words.period(month)
            cells = (
                self._cell(one, months_of(period)[number]) for period, one in self._pairs(asked)
            )
            yield _Row(label, tuple(cells))

    def _below(self, asked: Asked) -> Iterator[_Row]:
        """Give the lines below a table; a figure that has no such value gets none."""
        labels = {
            "total": self._label_of_total(asked),
            "change": self.words["change"],
            "mean": self.words["per_month"],
        }
        suffixes = {"total": "", "change": CHANGE, "mean": MEAN}
        for line in asked.below:
            cells = []
            for period, one in self._pairs(asked):
                cell = self._cell(replace(one, figure=one.figure + suffixes[line]), period)
                given = self.source.breakdowns.get(cell.figure, frozenset())
                cells.append(cell if cell.breakdown in given else None)
            yield _Row(labels[line], tuple(cells), is_total=line == "total")

    def _label_of_total(self, asked: Asked) -> str:
        kinds = {self.source.kind(one.figure) for one in asked.series}
        if asked.rows == "categories" or ("sum" in kinds and "distinct" not in kinds):
            return self.words["total"]
        is_by_year = all(len(period) == 4 for period in asked.periods)
        if kinds == {"distinct"}:
            return self.words["whole_year" if is_by_year else "whole_period_once"]
        return self.words["year" if is_by_year else "whole_period"]

    def _pairs(self, asked: Asked) -> Iterator[tuple[str, Series]]:
        return ((period, one) for period in asked.periods for one in asked.series)

    def _cell(self, one: Series, period: str) -> Cell:
        return Cell(one.figure, period, one.breakdown, one.category)

    def _is_idle(self, asked: Asked, row: _Row) -> bool:
        """Tell whether a row is of values outside every list of codes, and there are none."""
        cells = [cell for cell in row.cells if cell]
        if asked.categories or {cell.category for cell in cells} != {UNLISTED}:
            return False
        return is_idle(UNLISTED, map(self.source.value, cells))

    def _value(self, asked: Asked, cell: Cell | None) -> Shown:
        shown = self.source.shown(cell)
        counted = cell.figure.removesuffix(MEAN) if cell else ""
        if cell and counted != cell.figure and counted in asked.rounded_means:
            mean = self.source.whole_mean(cell)
            shown = replace(shown, number=mean.number, decimals=mean.decimals)
        return shown

    def _columns(self, asked: Asked) -> list[Column]:
        if asked.rows == "figures":
            return [Column(self._period(period)) for period in asked.periods]
        if asked.rows == "periods":
            return [Column(self._labelled(asked, one)) for one in asked.series]
        if len(asked.series) == 1:
            return [Column(self._period(period)) for period in asked.periods]
        is_grouped = len(asked.periods) > 1
        return [
            Column(self._labelled(asked, one), self._period(period) if is_grouped else "")
            for period, one in self._pairs(asked)
        ]

    def _labelled(self, asked: Asked, one: Series) -> str:
        """Give a series' label, with its unit if the table has several and it says none itself."""
        label = one.label or self.words.figure(one.figure)
        if one.category and not one.label:
            label += f": {self.words.category(one.breakdown, one.category)}"
        unit = self._unit(one)
        is_said = unit in SYMBOLS.values() or unit.lower() in label.lower()
        if is_said or len(self._units(asked)) == 1:
            return label
        return f"{label} ({unit})"

    def _unit(self, one: Series) -> str:
        return self.words.unit(self.source.figures.definitions[one.figure]["unit"])

    def _units(self, asked: Asked) -> list[str]:
        return list(dict.fromkeys(self._unit(one) for one in asked.series))

    def _period(self, period: str) -> str:
        return self.words.period(period)

    def _stub(self, asked: Asked) -> str:
        if asked.rows == "categories":
            return self.words.text(f"stubs.{asked.breakdown}")
        return self.words[{"months": "month", "figures": "figure", "periods": "period"}[asked.rows]]

    def _subtitle(self, asked: Asked) -> str:
        """Say unit, base, and the period if no column says it."""
        said = []
        units = self._units(asked)
        if len(units) == 1:
            said.append(self.words.text("unit", unit=units[0]))
        bases: dict[str, list[str]] = {}
        for one in asked.series:
            if base := self.source.figures.definitions[one.figure]["base"]:
                bases.setdefault(base, []).append(one.label or self.words.figure(one.figure))
        for base, labels in bases.items():
            named = self.words.base(base)
            if len(asked.series) == 1 or len(bases) == 1 == len(units):
                said.append(self.words.text("base", base=named))
            else:
                of = ", ".join(dict.fromkeys(labels))
                said.append(self.words.text("base_of", figure=of, base=named))
        is_unsaid = len(asked.periods) == 1 and len(asked.series) > 1
        if is_unsaid and asked.rows in ("months", "categories"):
            period = self._period(asked.periods[0])
            said.append(f"{period[:1].upper()}{period[1:]}.")
        return " ".join(said)

    def _notes(self, asked: Asked) -> Iterator[str]:
        """Say what the figures themselves need to be read rightly."""
        definitions = self.source.figures.definitions
        if any(definitions[one.figure]["kind"] == "share" for one in asked.series):
            yield self.words["shares_are_rounded"]
        if any(one.figure in OF_VISITORS for one in asked.series):
            counts = [
                f"{self.words.shown(value)} ({self._period(period)})"
                for period in asked.periods
                for value in [self.source.shown(Cell(WITHOUT_VISITOR, period))]
                if value.state is not State.ABSENT
            ]
            if counts:
                yield self.words.text("without_visitor", counts=", ".join(counts))

    def _revisions(self, made: Made) -> Iterator[str]:
        """Say of each revised value what the document printed, and why it was revised."""
        for cell, value in made.pairs():
            if not value.is_revised:
                continue
            fields = {
                "figure": self.words.figure(cell.figure),
                "period": self._period(cell.period),
            }
            if revision := self.source.figures.revisions.get(cell):
                yield self.words.text("revision", **fields, reason=revision.reason)
            if cell in self.printed and Decimal(self.printed[cell]) != value.number:
                yield self.words.text(
                    "printed", **fields, document=self.document,
                    printed=self._printed(self.printed[cell]),
                )  # fmt: skip

    def _printed(self, text: str) -> str:
        number = Decimal(text)
        return self.words.number(number, max(0, -int(number.as_tuple().exponent)))

    def _remarks(self, made: Made) -> Iterable[tuple[str, str]]:
        """Give the marks that only an annex has, and what they mean, in a fixed order."""
        found = {value.remark for _, value in made.pairs()}
        if any(cell is None for cells in made.cells for cell in cells):
            found.add("no_such")
        for name, mark in self.words.group("remark_marks").items():
            if name in found:
                yield mark, self.words.group("remark_meanings")[name]
