"""What people read: labels, numbers, periods and marks as a language writes them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from publish.disclosure.cells import OF_KNOWN
from publish.ledger import rounded
from publish.public import BETWEEN_BREAKS, Public, State, Value

COMMON = Path(__file__).with_name("words.toml")
LANGUAGES = ("nl", "en")
# As dbt_project/models/figures/breaks.sql words them.
OTHER_HOURS = re.compile(r"opening hours from (\S+): ([\d.]+) h a week instead of ([\d.]+) h")
OTHER_TIMES = re.compile(r"opening hours from (\S+): other times, ([\d.]+) h a week as before")
SYMBOLS = {"percent": "%"}


class Words:
    """The words of one language, for one set of public figures.

    `files` are words.toml files of an artefact's own, with a table for each language; their keys
    come beside those that all have in common.
    """

    def __init__(self, language: str, public: Public | None = None, *files: Path) -> None:
        self.language = chosen(language)
        self.public = public
        self._texts: dict = {}
        for path in (COMMON, *files):
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            self._texts |= content[self.language]

    def __getitem__(self, key: str) -> str:
        """Give a text as it stands. Raises KeyError if no file has it."""
        return self._texts[key]

    def text(self, key: str, **fields: object) -> str:
        """Give a text with its fields filled in; `key` may name a table, as `marks.pending`."""
        found: object = self._texts
        for part in key.split("."):
            found = found[part]  # type: ignore[index]
        return str(found).format(**fields)

    def group(self, key: str) -> Mapping[str, str]:
        """Give a table of texts, such as `marks`, `meanings` or `units`."""
        return self._texts[key]

    @cached_property
    def locale(self) -> Locale:
        """CLDR's locale of the language."""
        return Locale.parse(self.language)

    def number(self, number: Decimal | int, decimals: int = 0) -> str:
        """Write a number with its decimals, half up if it has more: 10.166 and 4,9 in Dutch."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        exact = rounded(Fraction(number), decimals)
        written = format_decimal(exact, format=pattern, locale=self.locale)
        return written.replace("-", "\N{MINUS SIGN}")

    def value(self, value: Value, has_unit: bool = False) -> str:
        """Write a value with its marks, or the mark in its place; nothing for what is absent.

        `has_unit` puts a percent sign behind percentages; other units stand in headings.
        """
        if value.state is State.ABSENT:
            return ""
        if value.number is None:
            return self.group("marks")[value.state.value]
        written = self.number(value.number, value.decimals)
        if has_unit and value.unit in SYMBOLS:
            written += "\N{NO-BREAK SPACE}" + SYMBOLS[value.unit]
        marks = [self.group("marks")[name] for name in marks_of(value)]
        return "\N{NO-BREAK SPACE}".join([written, *marks])

    def unit(self, unit: str) -> str:
        """Give a figure's unit in this language."""
        return self.group("units")[unit]

    def figure(self, name: str) -> str:
        """Give a figure's label."""
        return self._definition(name)[f"label_{self.language}"]

    def definition(self, name: str) -> str:
        """Give a figure's definition in one sentence."""
        return self._definition(name)["definition_nl" if self.language == "nl" else "definition"]

    def base(self, base: str) -> str:
        """Say what a figure is a part of or divided by; figures' names become their labels."""
        if base.endswith(suffix := " of the year before"):
            return self.text("of_the_year_before", base=self.base(base.removesuffix(suffix)))
        if base.endswith(OF_KNOWN):
            return self.text("of_whom_it_is_known", base=self.base(base.removesuffix(OF_KNOWN)))
        parts = [
            _lower(self.figure(part)) if part in self._definitions else self._unit_or(part)
            for part in base.split(" + ")
        ]
        return " + ".join(parts)

    def category(self, breakdown: str, code: str) -> str:
        """Give the label of a category: a weekday, an hour, or a code of the helpline."""
        if breakdown == "weekday":
            return self.weekday(int(code))
        if breakdown == "hour":
            return self.hour(int(code))
        if breakdown == "hour_of_week":
            weekday, _, hour = code.partition("-")
            return f"{self.weekday(int(weekday))} {self.hour(int(hour))}"
        if breakdown == "part_of_week":
            weekday, _, part = code.partition("-")
            return f"{self.weekday(int(weekday))}, {self.group('parts_of_day')[part]}"
        codes = self.public.codes if self.public else {}
        row = codes.get((breakdown, code)) or codes.get(("any", code))
        return (row and (row[f"label_{self.language}"] or row["label_en"])) or code

    def listed(self, names: Iterable[str]) -> str:
        """Write names one after the other: `maandag, dinsdag en woensdag`."""
        return format_list(list(names), locale=self.locale)

    def weekday(self, number: int, width: str = "wide") -> str:
        """Name an ISO weekday (1 is Monday); `width` is wide, abbreviated or narrow."""
        return self.locale.days["stand-alone"][width][number - 1]

    def hour(self, hour: int) -> str:
        """Write an hour of the day as the interval that it is, `19–20 u.`."""
        return self.text("hour", first=hour, last=hour + 1)

    def month(self, number: int, width: str = "wide") -> str:
        """Name a calendar month (1 is January)."""
        return self.locale.months["stand-alone"][width][number]

    def period(self, period: str) -> str:
        """Write a period out: `2022`, `maart 2022`, `januari 2020 t.e.m. oktober 2020`."""
        first, _, last = period.partition("/")
        if last:
            return f"{self.period(first)} {self['through']} {self.period(last)}"
        year, _, month = period.partition("-")
        return f"{self.month(int(month))} {year}" if month.isdigit() else period

    def date(self, day: date) -> str:
        """Write a day out: `31 december 2022`."""
        return format_date(day, format="long", locale=self.locale)

    def break_reason(self, reason: str) -> str:
        """Say in this language why a series breaks; what is not known stands as it is written."""
        parts = reason.split(BETWEEN_BREAKS)
        return BETWEEN_BREAKS.join(self._one_break(part) for part in parts)

    def _one_break(self, reason: str) -> str:
        if found := OTHER_HOURS.fullmatch(reason):
            day, after, before = found.groups()
            return self.text(
                "other_hours",
                date=self.date(date.fromisoformat(day)),
                after=self._hours(after),
                before=self._hours(before),
            )
        if found := OTHER_TIMES.fullmatch(reason):
            day, hours = found.groups()
            written = self.date(date.fromisoformat(day))
            return self.text("other_times", date=written, hours=self._hours(hours))
        return reason

    def _hours(self, text: str) -> str:
        return self.number(Decimal(text), len(text.partition(".")[2]))

    @property
    def _definitions(self) -> Mapping[str, Mapping[str, str]]:
        return self.public.definitions if self.public else {}

    def _definition(self, name: str) -> Mapping[str, str]:
        return self._definitions[name]

    def _unit_or(self, text: str) -> str:
        return self.group("units").get(text, text)


def chosen(language: str) -> str:
    """Give the language that is written for a helpline's: its own if there are words, or English.

    >>> chosen("nl-BE"), chosen("fr")
    ('nl', 'en')
    """
    try:
        short = Locale.parse(language, sep="-").language
    except (UnknownLocaleError, ValueError):
        short = "en"
    return short if short in LANGUAGES else "en"


def marks_of(value: Value) -> list[str]:
    """Name the marks that stand behind a value that has a number."""
    found = {
        "provisional": value.state is State.PROVISIONAL,
        "revised": value.is_revised,
        "break": bool(value.break_reason),
    }
    return [name for name, holds in found.items() if holds]


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
