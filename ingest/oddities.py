"""What is odd about a helpline's folder though each line is sound; it may be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from ingest import forms
from ingest.cells import END_OF_DAY, LAST_DAY
from ingest.definitions import FIXED_CATEGORIES
from ingest.folder import Folder
from ingest.settings import SETTINGS, languages_with_words
from ingest.tables import Form, Table
from ingest.wording import counted

ONE_DAY = timedelta(days=1)
AGE_BANDS = FIXED_CATEGORIES["age_band"]
CHANNELS = ("chat", "mail", "mail_only")
# The breakdowns whose codes decide what passes from the logs.
NOTED = ("gender", "topic", "referred_by", "scheduled_by")
LABELS = {"nl": (2, "label_nl"), "en": (3, "label_en")}
# Where the last day of a line stands, in tables whose lines are of no use before the first day.
LAST_DAYS = {"closures": 0, "extra_openings": 0, "data_gaps": 2, "accepted": 2}
# Tables of openings: their form, what has to be the same to overlap, and what else is said.
HOURS = {
    "opening_hours": (forms.OPENING_HOURS, "weekday", ", for dates that overlap"),
    "extra_openings": (forms.EXTRA_OPENINGS, "date", ""),
}
OF_A_SPREADSHEET = (".xlsx", ".xls", ".ods", ".numbers")


def warn_of_oddities(folder: Folder, settings: Mapping, tables: Mapping[str, Table]) -> None:
    """Note in the folder all that is odd about its tables and files."""
    for name, (form, _, _) in HOURS.items():
        _warn_of_overlaps(folder, name, tables[name])
        _warn_of_hours(folder, form, tables[name])
    starts_on = settings.get("starts_on")
    if starts_on:
        _warn_of_days_before(folder, starts_on, tables)
        _warn_of_days_without_hours(folder, starts_on, tables["opening_hours"])
    if folder.is_sound(forms.CODES.file):
        _warn_of_codes(folder, tables["codes"], settings.get("language", "en"))
    _warn_of_strangers(folder, tables)


@dataclass(frozen=True)
class Opening:
    """A line of a table of openings: from when to when, on which weekday or date."""

    line: int
    group: str
    first: str
    last: str
    opens: str
    closes: str

    @classmethod
    def of(cls, line: int, row: dict[str, str | None]) -> Opening:
        """Make one of a line of either table."""
        day = row.get("date")
        return cls(
            line,
            str(row.get("weekday", day)),
            str(row.get("valid_from", day)),
            str(row.get("valid_to", day) or LAST_DAY),
            str(row["opens"]),
            str(row["closes"]),
        )

    def has_hours_of(self, other: Opening) -> bool:
        """Tell whether both have the same hours."""
        return (self.opens, self.closes) == (other.opens, other.closes)

    def overlaps(self, other: Opening) -> bool:
        """Tell whether there is an instant at which both are open."""
        return (
            self.group == other.group
            and self.first <= other.last
            and other.first <= self.last
            and self.opens < other.closes
            and other.opens < self.closes
        )


def _warn_of_overlaps(folder: Folder, name: str, table: Table) -> None:
    form, group, dates = HOURS[name]
    earlier: dict[str, list[Opening]] = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        opening = Opening.of(line, dict(zip(form.columns, row, strict=True)))
        others = earlier.setdefault(opening.group, [])
        overlapping = [other for other in others if opening.overlaps(other)]
        same = [other for other in overlapping if opening.has_hours_of(other)]
        others.append(opening)
        if overlapping:
            what = "the same hours" if same else "hours that overlap with others"
            folder.warn(
                form.file,
                line,
                f"{what} of the same {group} stand on line {(same or overlapping)[0].line} already"
                f"{dates}; the responders of both are added up. If that is not meant, remove one "
                f"line{' or end it with valid_to' if dates else ''}",
            )


def _warn_of_hours(folder: Folder, form: Form, table: Table) -> None:
    columns = list(form.columns)
    closes, responders = columns.index("closes"), columns.index("responders")
    for line, row in zip(table.lines, table.rows, strict=True):
        if "23:59" <= row[closes] < END_OF_DAY:
            folder.warn(
                form.file,
                line,
                f"closes is {row[closes][:5]}, so that it is closed until midnight; the end of a "
                "day is 24:00",
            )
        if row[responders] == "0":
            folder.warn(
                form.file,
                line,
                "responders is 0: it is open and nobody is there; attempts then are missed ones",
            )


def _warn_of_days_before(folder: Folder, starts_on: date, tables: Mapping[str, Table]) -> None:
    """Warn of lines that end before the first day that counts."""
    for name, last in LAST_DAYS.items():
        table = tables[name]
        early = [
            line
            for line, row in zip(table.lines, table.rows, strict=True)
            if (row[last] or LAST_DAY) < str(starts_on)
        ]
        if early:
            others = (
                f"; the same goes for {counted(len(early) - 1, 'other line')}"
                if len(early) > 1
                else ""
            )
            folder.warn(
                f"{name}.csv",
                early[0],
                f"lies before {starts_on}, the helpline's starts_on, and has no effect{others}",
            )


def _warn_of_days_without_hours(folder: Folder, starts_on: date, hours: Table) -> None:
    """Warn of stretches for which no line holds, up to today: a slip in a date makes such."""
    for first, last in _days_without_hours(starts_on, hours):
        folder.warn(
            forms.OPENING_HOURS.file,
            None,
            f"there are no opening hours from {first} {f'to {last}' if last else 'on'}: all "
            "attempts then are out of hours. If that is not meant, mend valid_from or valid_to",
        )


def _days_without_hours(starts_on: date, hours: Table) -> Iterator[tuple[date, date | None]]:
    """Give the stretches without opening hours; the last one may have no end."""
    if not hours.rows:
        return
    free = starts_on
    for valid_from, valid_to in sorted((row[0], row[1] or LAST_DAY) for row in hours.rows):
        if valid_to < str(free):
            continue
        start = date.fromisoformat(valid_from)
        if start > free:
            yield free, start - ONE_DAY
        if valid_to == LAST_DAY:
            return
        free = date.fromisoformat(valid_to) + ONE_DAY
    if free <= date.today():
        yield free, None


def _warn_of_codes(folder: Folder, codes: Table, language: str) -> None:
    file = forms.CODES.file
    if not any(row[0] in NOTED for row in codes.rows):
        folder.warn(
            file,
            None,
            f"has no codes of {', '.join(NOTED)}: whatever the logs say of these becomes unlisted",
        )
    labelled = {row[:2] for row in codes.rows}
    shared = {code for breakdown, code in labelled if breakdown == "any"}
    for breakdown, known in (("age_band", AGE_BANDS), ("channel", CHANNELS)):
        missing = [
            code for code in known if (breakdown, code) not in labelled and code not in shared
        ]
        if missing:
            folder.warn(
                file,
                None,
                f"has no label of {breakdown} {', '.join(missing)}; people will read the bare code",
            )
    _warn_of_labels(folder, codes, language.partition("-")[0])


def _warn_of_labels(folder: Folder, codes: Table, language: str) -> None:
    place, column = LABELS[language if language in languages_with_words() else "en"]
    bare = [
        (line, row) for line, row in zip(codes.lines, codes.rows, strict=True) if not row[place]
    ]
    if bare:
        line, row = bare[0]
        others = f", as of {counted(len(bare) - 1, 'other code')}" if len(bare) > 1 else ""
        folder.warn(
            forms.CODES.file,
            line,
            f"{column} of {row[0]} {row[1]} is empty{others}: people will read another language "
            "or the bare code",
        )


def _warn_of_strangers(folder: Folder, tables: Mapping[str, Table]) -> None:
    known = [SETTINGS, *(f"{table}.csv" for table in tables)]
    for path in sorted(folder.path.iterdir()):
        suffix = path.suffix.lower()
        if path.name in known or suffix not in (".csv", ".toml", *OF_A_SPREADSHEET):
            continue
        near = get_close_matches(path.name.lower(), known, n=1)
        what = "is no file of a helpline; it has no effect"
        if suffix in OF_A_SPREADSHEET:
            what = "is a spreadsheet's own file; it has no effect. Save its table as CSV UTF-8"
        elif near and not (folder.path / near[0]).exists():
            what += f". Did you mean {near[0]}?"
        folder.warn(path.name, None, what)
