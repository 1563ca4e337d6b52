"""Holds a question against the figures of a release: can each table be made?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from ingest.cells import period_type
from ingest.definitions import WRITTEN_AS, read_definitions
from publish.answer.question import Asked, Mistakes, Question, Series, near
from publish.answer.source import CHANGE, MEAN, Source
from publish.disclosure.cells import Cell
from publish.disclosure.periods import months_of
from publish.public import State

MOST_COLUMNS = 8
KINDS = ("month", "week", "year")
SUFFIXES = {"change": CHANGE, "mean": MEAN}


def check_question(question: Question, mistakes: Mistakes, source: Source) -> None:
    """Raise Problem that lists, by line, all that a question asks for and the release has not."""
    check = _Check(mistakes, source)
    for asked in question.tables:
        check.table(asked)
    mistakes.check()


def columns_of(asked: Asked, categories: int) -> int:
    """Count the columns of values that a table has; `categories` are those of its breakdown."""
    series = 1 if asked.rows == "figures" else len(asked.series)
    if asked.breakdown and asked.rows != "categories":
        series *= categories
    return series * (1 if asked.rows == "periods" else len(asked.periods))


class _Check:
    """Notes what does not fit."""

    def __init__(self, mistakes: Mistakes, source: Source) -> None:
        self.mistakes = mistakes
        self.source = source

    def table(self, asked: Asked) -> None:
        """Check one table: figures, breakdown, categories, periods, lines below, width."""
        known = [one for one in asked.series if self.knows(asked, one)]
        given = [one for one in known if self.is_given(asked, one)]
        for one in given:
            self.periods(asked, one)
        if asked.rows == "months":
            self.side_by_side(asked)
        self.below(asked, known)
        names = {one.figure for one in asked.series}
        for figure in asked.rounded_means:
            if figure not in names or "mean" not in asked.below:
                self.refuse(
                    asked, f"rounded_means has {figure}, and the table has no mean of it; write "
                    f'below = ["mean"], and name a figure of the table: {", ".join(sorted(names))}',
                    "rounded_means", figure,
                )  # fmt: skip
        if given:
            self.width(asked, given[0])

    def refuse(self, asked: Asked, what: str, key: str, text: str = "") -> None:
        """Note a mistake of a table, where it stands."""
        if key == "figures" and len(asked.series) == 1 and not asked.series[0].category:
            key = "figure"
        self.mistakes.refuse(what, asked.number, key, text)

    def knows(self, asked: Asked, one: Series) -> bool:
        """Check that there is such a figure."""
        if one.figure in self.source.breakdowns:
            return True
        if one.figure in read_definitions():
            self.refuse(asked, f"{one.figure} is not public{self.try_internal()}", "figures",
                        one.figure)  # fmt: skip
            return False
        definitions = self.source.figures.definitions
        labels = {
            definition[label].lower(): figure
            for figure, definition in definitions.items()
            for label in ("label_nl", "label_en")
        }
        by_label = labels.get(one.figure.lower())
        hint = f"did you mean {by_label}?" if by_label else near(one.figure, sorted(definitions))
        self.refuse(asked, f"{one.figure!r} is no figure; {hint}", "figures", one.figure)
        return False

    def is_given(self, asked: Asked, one: Series) -> bool:
        """Check that the figure is given by the breakdown, and has the categories."""
        breakdown, key = asked.breakdown, "breakdown"
        wanted, at = asked.categories, "categories"
        if one.breakdown:
            breakdown, wanted = one.breakdown, (one.category,)
            key = at = "figures"
        given = self.source.breakdowns[one.figure]
        if breakdown not in given:
            self.refuse(asked, self.why_not_given(one.figure, breakdown, given), key, breakdown)
            return False
        known = self.source.figures.categories(one.figure, breakdown) if breakdown else []
        for category in wanted:
            if category not in known:
                self.refuse(
                    asked, f"{one.figure} by {breakdown} has no category {category!r}; "
                    f"{near(category, known)}", at, category,
                )  # fmt: skip
        return all(category in known for category in wanted)

    def why_not_given(self, figure: str, breakdown: str, given: Iterable[str]) -> str:
        """Say why a figure is not given by a breakdown, or in total, and what there is."""
        named = sorted(one for one in given if one)
        if not breakdown:
            choices = " or ".join(f'breakdown = "{one}"' for one in named)
            return f"{figure} has no total; write {choices}"
        if breakdown in read_definitions()[figure].breakdowns:
            return f"{figure} by {breakdown} is not public{self.try_internal()}"
        there = near(breakdown, named) if named else "leave breakdown out"
        return f"{figure} is not given by {breakdown!r}; {there}"

    def periods(self, asked: Asked, one: Series) -> None:
        """Check that each period is in the release."""
        breakdown = one.breakdown or asked.breakdown
        given = self.source.periods[one.figure, breakdown]
        for period in asked.periods:
            wanted = [period]
            if asked.rows == "months":
                wanted = list(months_of(period))
                if not wanted:
                    self.refuse(asked, f"{period} has no months; write a year or months on end",
                                "periods", period)  # fmt: skip
                    continue
            if not any(self.has(one, breakdown, period) for period in wanted):
                kind = "month" if asked.rows == "months" else str(period_type(period))
                self.refuse(
                    asked, self.why_no_period(one.figure, breakdown, period, kind, given),
                    self.key_of_periods(asked), period,
                )  # fmt: skip

    def has(self, one: Series, breakdown: str, period: str) -> bool:
        """Tell whether a figure has a row for a period, or one can be worked out."""
        if period in self.source.periods[one.figure, breakdown]:
            return True
        category = one.category
        if breakdown and not category:
            category = self.source.figures.categories(one.figure, breakdown)[0]
        cell = Cell(one.figure, period, breakdown, category)
        return self.source.value(cell).state is not State.ABSENT

    def key_of_periods(self, asked: Asked) -> str:
        """Give the key under which the periods stand: years, if they all are."""
        return "years" if all(len(period) == 4 for period in asked.periods) else "periods"

    def why_no_period(
        self, figure: str, breakdown: str, period: str, kind: str, given: Iterable[str]
    ) -> str:
        """Say why a release has no row for a period, and what to ask for instead.

        `kind` is that of the period itself, or `month` if its months were asked for.
        """
        whose = f"{figure} by {breakdown}" if breakdown else figure
        alike = sorted(one for one in given if period_type(one) == kind)
        if kind == "range" and self.source.kind(figure) != "sum":
            return self.no_range(whose, period, alike)
        if kind == "range":
            return f"{whose} has not every month of {period}; {self.closed()}"
        if alike:
            return f"{whose} has no row for {period}: {alike[0]} to {alike[-1]}; {self.closed()}"
        kinds = sorted({str(period_type(one)) for one in given} - {"range"}, key=KINDS.index)
        forms = ", ".join(f"{one} ({WRITTEN_AS[one]})" for one in kinds)
        is_elsewhere = kind in read_definitions()[figure].period_types
        wanted = "by month" if kind == "month" and len(period) != 7 else f"of {period}"
        hint = self.try_internal() if is_elsewhere else ""
        return f"{whose} is given by {forms} only, not {wanted}{hint}"

    def no_range(self, whose: str, period: str, others: list[str]) -> str:
        """Say why there is no value of months on end."""
        there = f" It is given of {', '.join(others)}." if others else ""
        return (
            f"{whose} does not add up over months, and nobody has published it of {period} yet."
            f"{there} Ask by month or by year, or record the range for this document first "
            "(docs/answers.md)"
        )

    def closed(self) -> str:
        """Say how far the figures go."""
        through = self.source.figures.about.closed_through
        if self.source.is_internal:
            return f"the release is {self.source.release}"
        return f"public figures go through {through}, for a month closes when its logs are there"

    def try_internal(self) -> str:
        """Say how the helpline gets what is not public."""
        return "" if self.source.is_internal else "; --internal makes an annex for the helpline"

    def side_by_side(self, asked: Asked) -> None:
        """Check that the periods of a table by month have the same months of the calendar."""
        months = {tuple(month[5:] for month in months_of(period)) for period in asked.periods}
        if len(months) > 1:
            self.refuse(
                asked, "the periods have other months, so that they cannot stand beside each "
                "other; give each the same months, or make two tables",
                self.key_of_periods(asked),
            )  # fmt: skip

    def below(self, asked: Asked, known: list[Series]) -> None:
        """Check that a figure of the table has the lines that are asked for below it."""
        for line, suffix in SUFFIXES.items():
            if line not in asked.below or not known:
                continue
            if asked.breakdown and asked.rows != "categories":
                self.refuse(asked, f"below {line!r} is given of totals only; leave it out, or the "
                            "breakdown", "below", line)  # fmt: skip
            elif not any(one.figure + suffix in self.source.breakdowns for one in known):
                names = ", ".join(one.figure for one in known)
                self.refuse(asked, f"below {line!r}: there is none of {names}; leave it out",
                            "below", line)  # fmt: skip

        if "total" in asked.below and asked.rows == "months":
            for one, period in product(known, asked.periods):
                self.total(asked, one, period)

    def total(self, asked: Asked, one: Series, period: str) -> None:
        """Check that there is a total of months on end: of a distinct count there may be none."""
        if period_type(period) != "range" or self.has(one, one.breakdown, period):
            return
        if self.source.kind(one.figure) != "sum":
            why = self.no_range(one.figure, period, [])
            self.refuse(asked, f'{why}; or leave "total" out', "below", "total")

    def width(self, asked: Asked, one: Series) -> None:
        """Check that the columns fit on a page."""
        found = self.source.figures.categories(one.figure, asked.breakdown)
        columns = columns_of(asked, len(asked.categories or found))
        if columns > MOST_COLUMNS:
            self.refuse(
                asked, f"has {columns} columns of figures, and {MOST_COLUMNS} fit on a page; ask "
                "for fewer periods, figures or categories, or make two tables", "rows",
            )  # fmt: skip
