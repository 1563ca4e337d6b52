"""A written question as a file: which tables an annex has to hold.

The form is described in docs/answers.md. Reading checks the form; `publish.answer.check` holds what
was read against the figures of a release.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path

from ingest.cells import period_type
from ingest.problem import Problem
from publish.words import LANGUAGES

EXAMPLE = "helplines/nupraatikerover/questions/363-2023.toml is an example"
ROWS = {
    "months": "the months of the years or ranges",
    "categories": "the categories of a breakdown",
    "figures": "the figures themselves, a column for each period",
    "periods": "the periods themselves, a column for each figure",
}
BELOW = ("total", "change", "mean")
TYPOGRAPHIC = "“”„‟‘’«»"
TEXTS = ("title", "number", "asker", "minister", "language", "document")
OF_A_QUESTION = (*TEXTS, "date", "tables")
OF_A_TABLE = (
    "title",
    "item",
    "figure",
    "figures",
    "rows",
    "years",
    "periods",
    "breakdown",
    "categories",
    "below",
    "rounded_means",
    "notes",
)
OF_A_FIGURE = ("figure", "breakdown", "category", "label")


@dataclass(frozen=True)
class Series:
    """A figure that was asked for, in total or in one category of a breakdown.

    `label` stands in place of the figure's own.
    """

    figure: str
    breakdown: str = ""
    category: str = ""
    label: str = ""


@dataclass(frozen=True)
class Asked:
    """A table that was asked for.

    `number` counts the tables from 1. `rows` is one of `ROWS`; `below` are the lines under the
    table, of `BELOW`; the means per month of the figures in `rounded_means` have no decimals.
    `item` is the number of the question that the table answers.
    """

    number: int
    title: str
    rows: str
    series: tuple[Series, ...]
    periods: tuple[str, ...]
    breakdown: str = ""
    categories: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    rounded_means: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    item: str = ""


@dataclass(frozen=True)
class Question:
    """A written question. `date` is a day or free text; `document` the name of its answer."""

    path: Path
    title: str
    tables: tuple[Asked, ...]
    number: str = ""
    date: date | str = ""
    asker: str = ""
    minister: str = ""
    language: str = ""
    document: str = ""


class Mistakes:
    """Collects what is wrong with a question's file, with the lines, instead of stopping early."""

    def __init__(self, path: Path, text: str = "") -> None:
        self.path = path
        self._found: list[str] = []
        self._lines = text.splitlines()
        self._starts = [
            number
            for number, line in enumerate(self._lines)
            if re.match(r"\s*\[\[\s*\"?tables\"?\s*\]\]", line)
        ]

    def refuse(self, what: str, table: int = 0, key: str = "", text: str = "") -> None:
        """Note a mistake: of the file, or of a table (from 1), at a key, at a text of its value."""
        line = self._line(table, key, text)
        where = f"table {table}: " if table else ""
        self._found.append(f"{self.path}:{line}: {where}{what}")

    def check(self) -> None:
        """Raise Problem that lists all mistakes, if there are any."""
        found = list(dict.fromkeys(self._found))
        if len(found) > 1:
            found.insert(0, f"{self.path} has {len(found)} mistakes:")
        if found:
            raise Problem("\n  ".join(found))

    def _line(self, table: int, key: str, text: str) -> int:
        """Find the line of a key within its table, and from there on that of a text."""
        bounds = [0, *self._starts, len(self._lines)]
        known = table < len(bounds) - 1
        start, end = bounds[table : table + 2] if known else (0, len(self._lines))
        named = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        at = next((n for n in range(start, end) if key and named.match(self._lines[n])), start)
        if text:
            quoted = re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")
            at = next((n for n in range(at, end) if quoted.search(self._lines[n])), at)
        return at + 1


def near(word: str, known: Iterable[str]) -> str:
    """Say which of the known words may have been meant, or which there are."""
    known = list(known)
    close = get_close_matches(word, known, n=2)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(known)}" if known else "there are none"


def read_question(path: Path) -> tuple[Question, Mistakes]:
    """Read a question. The mistakes are there to note what does not fit a release.

    Raises Problem that lists everything that is wrong with the form of the file, by line.
    """
    text = _text_of(path)
    mistakes = Mistakes(path, text)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, text, error) from None
    form = _Form(mistakes)
    form.refuse_unknown(found, OF_A_QUESTION)
    texts = {key: form.text(found, key) for key in TEXTS}
    if not texts["title"]:
        mistakes.refuse('title is missing; write title = "…" at the top')
    if texts["language"] and texts["language"] not in LANGUAGES:
        mistakes.refuse(
            f"language {texts['language']!r} has no words; {near(texts['language'], LANGUAGES)}",
            key="language",
        )
    question = Question(path, tables=form.tables(found), date=form.day(found), **texts)
    mistakes.check()
    return question, mistakes


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise Problem(f"There is no file {path}; {EXAMPLE}.") from None
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise Problem(f"{path} is not UTF-8 text; save it as plain text in UTF-8.") from None


def _no_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """Say where a file is not TOML, with the remedy for what goes wrong most."""
    said = str(error)
    place = re.search(r"line (\d+)", said)
    lines = text.splitlines()
    number = int(place[1]) if place else max(len(lines), 1)
    line = lines[number - 1] if number <= len(lines) else ""
    remedy = 'texts and periods stand between quotation marks, as in rows = "months"'
    if any(mark in line for mark in TYPOGRAPHIC):
        remedy = "it has typographic quotation marks; TOML wants straight ones"
    elif "overwrite" in said or "twice" in said:
        remedy = "a key stands once in a table; each table begins with a line [[tables]]"
    what = said.partition(" (at ")[0]
    return Problem(f"{path}:{number}: is not TOML ({what}): {remedy}; {EXAMPLE}.")


class _Form:
    """Reads the keys of a question, each with the form that it must have."""

    def __init__(self, mistakes: Mistakes) -> None:
        self.mistakes = mistakes

    def refuse_unknown(self, found: Mapping, known: Iterable[str], table: int = 0) -> None:
        """Refuse keys that mean nothing: a typing error would leave something out in silence."""
        for key in found:
            if key not in known:
                self.mistakes.refuse(f"{key} is no key here; {near(key, known)}", table, key)

    def text(self, found: Mapping, key: str, table: int = 0) -> str:
        """Read a text, or a whole number as text; empty if there is none."""
        value = found.get(key, "")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str):
            return self.printable(" ".join(value.split()), key, table)
        self.mistakes.refuse(f'{key} has to be text, as in {key} = "…"', table, key)
        return ""

    def texts(self, found: Mapping, key: str, table: int) -> tuple[str, ...]:
        """Read a list of texts or whole numbers, or one of them."""
        value = found.get(key, [])
        value = value if isinstance(value, list) else [value]
        if any(isinstance(one, bool) or not isinstance(one, str | int) for one in value):
            self.mistakes.refuse(f'{key} has to be a list of texts: {key} = ["…"]', table, key)
            return ()
        return tuple(self.printable(" ".join(str(one).split()), key, table) for one in value)

    def printable(self, text: str, key: str, table: int) -> str:
        """Refuse characters that no document can hold."""
        if any(unicodedata.category(one) in ("Cc", "Cs", "Cn") for one in text):
            self.mistakes.refuse(f"{key} has a character that cannot be printed", table, key)
            return ""
        return text

    def day(self, found: Mapping) -> date | str:
        """Read the day of the question: a date, or text that stands as it is."""
        value = found.get("date", "")
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else self.text(found, "date")

    def tables(self, found: Mapping) -> tuple[Asked, ...]:
        """Read all tables."""
        tables = found.get("tables", [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self.mistakes.refuse("tables have to be written as [[tables]], each", key="tables")
            return ()
        if not tables:
            self.mistakes.refuse(f"asks for no table; add one that begins [[tables]]; {EXAMPLE}")
        return tuple(self.table(number, one) for number, one in enumerate(tables, start=1))

    def table(self, number: int, found: Mapping) -> Asked:
        """Read one table."""
        self.refuse_unknown(found, OF_A_TABLE, number)
        asked = Asked(
            number,
            self.needed(found, "title", number, 'it stands above the table: title = "…"'),
            self.rows(found, number),
            self.series(found, number),
            self.periods(found, number),
            **{key: self.text(found, key, number) for key in ("breakdown", "item")},
            **{
                key: self.texts(found, key, number)
                for key in ("categories", "below", "rounded_means", "notes")
            },
        )
        self.fit(asked)
        return asked

    def needed(self, found: Mapping, key: str, table: int, remedy: str) -> str:
        """Read a text that has to be there."""
        if key not in found:
            self.mistakes.refuse(f"{key} is missing; {remedy}", table)
        return self.text(found, key, table)

    def rows(self, found: Mapping, table: int) -> str:
        """Read what stands in the rows."""
        kinds = "; ".join(f'"{name}": {what}' for name, what in ROWS.items())
        rows = self.needed(found, "rows", table, f"write what stands in the rows ({kinds})")
        if rows and rows not in ROWS:
            self.mistakes.refuse(f"rows {rows!r}: {near(rows, ROWS)} ({kinds})", table, "rows")
        return rows

    def series(self, found: Mapping, table: int) -> tuple[Series, ...]:
        """Read the figures: names, or tables with figure, breakdown, category and label."""
        key = self.one_of(found, ("figure", "figures"), table, 'figure = "conversations"')
        value = found.get(key, [])
        entries = value if isinstance(value, list) else [value]
        return tuple(one for entry in entries for one in self.one_series(entry, key, table))

    def one_series(self, entry: object, key: str, table: int) -> Iterable[Series]:
        """Read one figure."""
        if isinstance(entry, str):
            return [Series(entry.strip())]
        if not isinstance(entry, dict) or not isinstance(entry.get("figure"), str):
            self.mistakes.refuse(
                f'{key} has to hold names such as "clicks", or {{ figure = "callers", '
                'breakdown = "channel", category = "chat" }',
                table,
                key,
            )
            return []
        self.refuse_unknown(entry, OF_A_FIGURE, table)
        one = Series(*(self.text(entry, name, table) for name in OF_A_FIGURE))
        if bool(one.breakdown) != bool(one.category):
            self.mistakes.refuse(
                f"{one.figure} needs both breakdown and category here, or neither",
                table, key, one.figure,
            )  # fmt: skip
        return [one]

    def periods(self, found: Mapping, table: int) -> tuple[str, ...]:
        """Read the years or other periods."""
        key = self.one_of(found, ("years", "periods"), table, "years = [2021, 2022]")
        periods = self.texts(found, key, table)
        if key in found and not periods:
            self.mistakes.refuse(f"{key} is empty; write {key} = [2022]", table, key)
        for period in periods:
            kind = period_type(period)
            if kind is None:
                remedy = (
                    "write a year as 2022, a month as 2022-03, months on end as "
                    "2020-01/2020-10, a week as 2022-W09"
                )
                self.mistakes.refuse(f"{period!r} is no period; {remedy}", table, key, period)
            elif key == "years" and kind != "year":
                remedy = f'write periods = ["{period}"] instead of years'
                self.mistakes.refuse(f"{period!r} is no year; {remedy}", table, key, period)
        self.refuse_twice(periods, key, table)
        return periods

    def one_of(self, found: Mapping, keys: tuple[str, str], table: int, remedy: str) -> str:
        """Tell which of two keys is there; both or neither is a mistake."""
        there = [key for key in keys if key in found]
        if not there:
            self.mistakes.refuse(f"{keys[0]} is missing; write {remedy}", table)
        if len(there) == 2:
            self.mistakes.refuse(f"write {keys[0]} or {keys[1]}, not both", table, keys[1])
        return there[0] if there else keys[0]

    def refuse_twice(self, values: tuple[str, ...], key: str, table: int) -> None:
        """Refuse what stands in a list twice."""
        for value in sorted({one for one in values if values.count(one) > 1}):
            self.mistakes.refuse(f"{key} has {value} twice; leave one out", table, key)

    def fit(self, asked: Asked) -> None:
        """Refuse what does not go together, whatever the figures."""
        refuse: Callable = self.mistakes.refuse
        for one in asked.below:
            if one not in BELOW:
                refuse(f"below {one!r}: {near(one, BELOW)}", asked.number, "below", one)
        if asked.below and asked.rows in ("figures", "periods"):
            refuse(
                f'below goes with rows = "months" or "categories", not with "{asked.rows}"; leave '
                "it out, or ask for the figure itself, such as conversations_change_percent",
                asked.number, "below",
            )  # fmt: skip
        if asked.rows == "categories" and not asked.breakdown:
            refuse(
                'breakdown is missing; write which categories, as in breakdown = "gender"',
                asked.number, "rows",
            )  # fmt: skip
        if asked.breakdown and asked.rows == "figures":
            refuse(
                "breakdown does not go with a list of figures; write each as { figure = …, "
                "breakdown = …, category = … }",
                asked.number, "breakdown",
            )  # fmt: skip
        if asked.categories and not asked.breakdown:
            refuse("categories need a breakdown", asked.number, "categories")
        if asked.breakdown and any(one.category for one in asked.series):
            refuse("breakdown stands twice: with the table and with a figure; leave one out",
                   asked.number, "breakdown")  # fmt: skip
        self.refuse_twice(asked.categories, "categories", asked.number)
        self.refuse_twice(asked.below, "below", asked.number)
