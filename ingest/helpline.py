"""A helpline's own folder (settings, opening hours, codes): read, checked, put into raw tables."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.problem import Problem
from ingest.warehouse import connect, fill, run, transaction

SETTINGS = "helpline.toml"
COLUMNS = {
    "opening_hours.csv": ("valid_from", "valid_to", "weekday", "opens", "closes", "responders"),
    "closures.csv": ("date", "reason"),
    "extra_openings.csv": ("date", "opens", "closes", "responders", "reason"),
    "codes.csv": ("breakdown", "code", "label_nl", "label_en", "sort"),
    "data_gaps.csv": ("log", "starts_on", "ends_on", "reason"),
    "campaigns.csv": ("code", "name", "starts_on", "ends_on", "channel"),
    "exclusions.csv": (
        "exclusion",
        "field",
        "value",
        "starts_at",
        "ends_at",
        "reason",
        "author",
        "expected_events",
    ),
}
REQUIRED = (SETTINGS, "opening_hours.csv")
READ_BY_LATER_VERSIONS = ("published.csv", "revisions.csv")
LOGS = ("button", "chat")
SEMICOLONS = "separate them by commas, not by semicolons"
END_OF_DAY = "24:00:00"
LAST_DAY = "9999-12-31"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# What the event format itself says of the button, for a helpline that lists no codes for it.
BUTTON_STATES = ("open", "busy", "closed")

Cells = tuple[str | None, ...]


@dataclass(frozen=True)
class Helpline:
    """A helpline's settings and tables; dates and times in `tables` are ISO text, None is empty."""

    folder: Path
    name: str
    language: str
    timezone: str
    starts_on: date
    attempt_gap_minutes: int
    settling_days: int
    small_count_threshold: int
    pages: tuple[str, ...]
    tables: dict[str, list[Cells]]
    warnings: list[str] = field(default_factory=list)

    def starts_at(self) -> datetime:
        """First instant of the first day that counts, in UTC, without a zone."""
        midnight = datetime.combine(self.starts_on, time(), ZoneInfo(self.timezone))
        return midnight.astimezone(UTC).replace(tzinfo=None)

    def coded_fields(self) -> dict[str, list[str]]:
        """Codes that may pass, by the field of an event's data."""
        codes = self.tables["codes"]

        def of(breakdown: str) -> list[str]:
            return sorted({row[1] for row in codes if row[0] == breakdown})

        campaigns = {row[0] for row in self.tables["campaigns"]}
        return {
            "button": of("button") or sorted(BUTTON_STATES),
            "campaign": sorted(campaigns.union(of("campaign"))),
            "gender": of("gender"),
            "topics": of("topic"),
            "referred_by": of("referred_by"),
            "scheduled_by": of("scheduled_by"),
        }


def load_helpline(folder: Path) -> Helpline:
    """Read and check a helpline's folder.

    Raises Problem that lists everything that is wrong with it, by file and line.
    """
    if not folder.is_dir():
        raise Problem(
            f"There is no helpline's folder at {folder}. Name it with --helpline or "
            "CHATCIJFERS_HELPLINE; helplines/nupraatikerover is an example."
        )
    check = _Check(folder)
    settings = check.settings()
    tables = {
        "opening_hours": check.table("opening_hours.csv", _OPENING_HOURS),
        "closures": check.table("closures.csv", _CLOSURES),
        "extra_openings": check.table("extra_openings.csv", _EXTRA_OPENINGS),
        "codes": check.table("codes.csv", _CODES, unique=("breakdown", "code")),
        "data_gaps": check.table("data_gaps.csv", _DATA_GAPS),
        "campaigns": check.table("campaigns.csv", _CAMPAIGNS, unique=("code",)),
    }
    check.no_doubled_hours(tables["opening_hours"])
    check.no_exclusions()
    check.no_strangers()
    if check.problems:
        raise Problem(_listed(folder, check.problems))
    return Helpline(folder=folder, tables=tables, warnings=check.warnings, **settings)


def store_helpline(connection, helpline: Helpline) -> bool:
    """Replace the helpline's raw tables in an open warehouse; return whether anything changed.

    One transaction; nothing is written if all rows are the same.
    """
    settings = (
        helpline.name,
        helpline.language,
        helpline.timezone,
        helpline.starts_on.isoformat(),
        str(helpline.attempt_gap_minutes),
        str(helpline.settling_days),
        str(helpline.small_count_threshold),
    )
    tables = {"settings": [settings], **helpline.tables}
    changed = {
        table: rows
        for table, rows in tables.items()
        if _sorted(run(connection, f"select columns(*)::varchar from warehouse.raw.{table}"))
        != _sorted(rows)
    }
    if changed:
        with transaction(connection):
            for table, rows in changed.items():
                run(connection, f"delete from warehouse.raw.{table}")
                fill(connection, f"warehouse.raw.{table}", rows, len(rows[0]) if rows else 0)
    return bool(changed)


def describe(helpline: Helpline) -> str:
    """Say in a few lines what a helpline's folder holds: for the person who wrote it."""
    lines = [
        f"{helpline.name} ({helpline.language}), {helpline.timezone}, from {helpline.starts_on}.",
        f"An attempt goes on for {helpline.attempt_gap_minutes} minutes after its last event; "
        f"figures settle in {helpline.settling_days} days; counts below "
        f"{helpline.small_count_threshold} are small.",
        "Opening hours:",
    ]
    lines += [f"  {line}" for line in _weeks(helpline.tables["opening_hours"])]
    lines += [
        f"  {len(helpline.tables['closures'])} closures, "
        f"{len(helpline.tables['extra_openings'])} extra openings",
        f"{len(helpline.pages)} pages; "
        + ", ".join(f"{field} {len(codes)}" for field, codes in helpline.coded_fields().items())
        + " codes.",
    ]
    for log, starts_on, ends_on, reason in helpline.tables["data_gaps"]:
        lines.append(
            f"Gap in the log {log} from {starts_on} to {ends_on}: {reason or 'no reason given'}"
        )
    return "\n".join(lines)


def _listed(folder: Path, problems: list[str]) -> str:
    if len(problems) == 1:
        return f"The helpline's folder {folder} has a mistake: {problems[0]}"
    return "\n  ".join([f"The helpline's folder {folder} has {len(problems)} mistakes:", *problems])


def _sorted(rows: list[Cells]) -> list[Cells]:
    return sorted(rows, key=lambda row: tuple((cell is not None, cell or "") for cell in row))


def _weeks(hours: list[Cells]) -> list[str]:
    """Describe each stretch of dates with the same hours: its hours a week, and when."""
    starts = {date.fromisoformat(row[0]) for row in hours}
    day = timedelta(days=1)
    starts |= {date.fromisoformat(row[1]) + day for row in hours if row[1] and row[1] < "9999"}
    described = []
    for start, end in zip(sorted(starts), [*sorted(starts)[1:], None], strict=True):
        valid = [
            row for row in hours if row[0] <= str(start) and (not row[1] or row[1] >= str(start))
        ]
        if not valid and end is None:
            continue
        until = f"to {end - day}" if end else "on"
        minutes = 0
        days: dict[str, list[str]] = {}
        for weekday, name in enumerate(WEEKDAYS, 1):
            spans = _united([(row[3], row[4]) for row in valid if row[2] == str(weekday)])
            minutes += sum(_minutes(closes) - _minutes(opens) for opens, closes in spans)
            if spans:
                text = " and ".join(f"{opens[:5]}–{closes[:5]}" for opens, closes in spans)
                days.setdefault(text, []).append(name)
        text = "; ".join(f"{' '.join(names)} {spans}" for spans, names in days.items())
        described.append(f"from {start} {until}: {minutes / 60:g} h a week ({text or 'closed'})")
    return described


def _united(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    united: list[tuple[str, str]] = []
    for opens, closes in sorted(spans):
        if united and opens < united[-1][1]:
            united[-1] = (united[-1][0], max(closes, united[-1][1]))
        else:
            united.append((opens, closes))
    return united


def _minutes(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 60 + int(minutes) + float(seconds) / 60


# How a cell is read: text in, canonical text out; ValueError says what is wrong.


def _text(cell: str) -> str:
    if not cell:
        raise ValueError("is empty")
    return cell


def _day(cell: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        raise ValueError(f"{cell!r} is not a date; write it as 2022-03-01")
    try:
        return date.fromisoformat(cell).isoformat()
    except ValueError:
        raise ValueError(f"{cell!r} is a date that does not exist") from None


def _clock(cell: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", cell):
        if cell in ("24:00", END_OF_DAY):
            raise ValueError(
                "24:00 is the end of a day; only closes can be that, 00:00 is the start"
            )
        raise ValueError(f"{cell!r} is not a time; write hours and minutes as 09:00, up to 24:00")
    return cell if len(cell) > 5 else f"{cell}:00"


def _closing_clock(cell: str) -> str:
    return END_OF_DAY if cell in ("24:00", END_OF_DAY) else _clock(cell)


def _weekday(cell: str) -> str:
    if cell not in tuple("1234567"):
        raise ValueError(f"{cell!r} is not a weekday; 1 is Monday, 7 is Sunday")
    return cell


def _number(cell: str) -> str:
    if not re.fullmatch(r"-?\d{1,9}", cell):
        raise ValueError(f"{cell!r} is not a whole number")
    if int(cell) < 0:
        raise ValueError(f"{cell!r} is negative")
    return str(int(cell))


def _log(cell: str) -> str:
    if cell not in LOGS:
        raise ValueError(f"{cell!r} is not a log; there are {' and '.join(LOGS)}")
    return cell


def _optional(read: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda cell: read(cell) if cell else None


def _opens_before_it_closes(row: dict[str, str | None]) -> str | None:
    if row["opens"] < row["closes"]:
        return None
    return (
        f"closes ({row['closes'][:5]}) is not later than opens ({row['opens'][:5]}); "
        "write a night as two lines, the first to 24:00, the second from 00:00"
    )


def _in_order(first: str, last: str) -> Callable[[dict[str, str | None]], str | None]:
    def check(row: dict[str, str | None]) -> str | None:
        if row[first] and row[last] and row[last] < row[first]:
            return f"{last} ({row[last]}) is before {first} ({row[first]})"
        return None

    return check


@dataclass(frozen=True)
class _Form:
    """How the cells of a file's columns are read, and what must hold within a line."""

    cells: tuple[Callable[[str], str | None], ...]
    checks: tuple[Callable[[dict[str, str | None]], str | None], ...] = ()


_OPENING_HOURS = _Form(
    (_day, _optional(_day), _weekday, _clock, _closing_clock, _number),
    (_opens_before_it_closes, _in_order("valid_from", "valid_to")),
)
_CLOSURES = _Form((_day, _optional(_text)))
_EXTRA_OPENINGS = _Form(
    (_day, _clock, _closing_clock, _number, _optional(_text)), (_opens_before_it_closes,)
)
_CODES = _Form((_text, _text, _optional(_text), _optional(_text), _number))
_DATA_GAPS = _Form((_log, _day, _day, _optional(_text)), (_in_order("starts_on", "ends_on"),))
_CAMPAIGNS = _Form(
    (_text, _text, _optional(_day), _optional(_day), _optional(_text)),
    (_in_order("starts_on", "ends_on"),),
)


class _Check:
    """Reads the files of a folder and collects what is wrong, instead of stopping at the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.row_lines: dict[str, list[int]] = {}  # where the rows of `table` stand

    def settings(self) -> dict:
        text = self._text(SETTINGS)
        if text is None:
            return {}
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{SETTINGS}: is not TOML: {error}")
            return {}
        lines = _lines_of_settings(text)
        read = {
            "name": _setting_text,
            "language": _setting_language,
            "timezone": _setting_zone,
            "starts_on": _setting_day,
            "attempt_gap_minutes": _setting_number,
            "settling_days": _setting_number,
            "small_count_threshold": _setting_number,
            "pages": _setting_pages,
        }
        defaults = {
            "attempt_gap_minutes": 30,
            "settling_days": 10,
            "small_count_threshold": 5,
            "pages": [],
        }
        settings = {}
        for name, reader in read.items():
            if name not in found and name not in defaults:
                self.problems.append(f"{SETTINGS}: {name} is missing")
                continue
            try:
                settings[name] = reader(found.get(name, defaults.get(name)))
            except ValueError as error:
                self.problems.append(f"{SETTINGS}:{lines.get(name, 1)}: {name} {error}")
        for name in found.keys() - read.keys():
            self.warnings.append(
                f"{self.folder / SETTINGS}:{lines.get(name, 1)}: {name} is not a setting that this "
                "version knows; it has no effect"
            )
        return settings

    def table(self, file: str, form: _Form, unique: tuple[str, ...] = ()) -> list[Cells]:
        columns = COLUMNS[file]
        rows: list[Cells] = []
        seen: dict[tuple, int] = {}
        for line, cells in self._lines(file):
            row = self._row(file, line, cells, form)
            if row is None:
                continue
            same = tuple(row[name] for name in unique)
            if unique and same in seen:
                what = " ".join(str(part) for part in same)
                self.problems.append(
                    f"{file}:{line}: {what} stands on line {seen[same]} already; remove one"
                )
                continue
            seen[same] = line
            rows.append(tuple(row[name] for name in columns))
            self.row_lines.setdefault(file, []).append(line)
        if file in REQUIRED and not rows and not self.problems:
            self.problems.append(
                f"{file}: holds no line; without opening hours nothing can be missed"
            )
        return rows

    def no_doubled_hours(self, hours: list[Cells]) -> None:
        file = "opening_hours.csv"
        earlier: dict[Cells, list[tuple[int, str, str]]] = {}
        for line, row in zip(self.row_lines.get(file, []), hours, strict=True):
            starts_on, ends_on = row[0], row[1] or LAST_DAY
            others = earlier.setdefault(row[2:5], [])
            same = [other for other, start, end in others if starts_on <= end and start <= ends_on]
            if same:
                self.warnings.append(
                    f"{self.folder / file}:{line}: the same hours of the same weekday stand on "
                    f"line {same[0]} already, for dates that overlap; the responders of both are "
                    "added up. If that is not meant, remove one line or end it with valid_to"
                )
            others.append((line, starts_on, ends_on))

    def no_exclusions(self) -> None:
        for line, _ in self._lines("exclusions.csv"):
            self.problems.append(
                f"exclusions.csv:{line}: exclusions come with a later version and are not applied "
                "yet; leave nothing but the header"
            )

    def no_strangers(self) -> None:
        known = {SETTINGS, *COLUMNS, *READ_BY_LATER_VERSIONS}
        for path in sorted(self.folder.iterdir()):
            looks_like_settings = path.suffix.lower() in (".csv", ".toml")
            if looks_like_settings and path.name not in known:
                self.warnings.append(f"{path}: is no file of a helpline; it has no effect")

    def _row(
        self, file: str, line: int, cells: list[str], form: _Form
    ) -> dict[str, str | None] | None:
        columns = COLUMNS[file]
        row: dict[str, str | None] = {}
        sound = True
        for name, cell, read in zip(columns, cells, form.cells, strict=False):
            try:
                row[name] = read(cell)
            except ValueError as error:
                self.problems.append(f"{file}:{line}: {name} {error}")
                sound = False
        if not sound:
            return None
        found = [problem for check in form.checks if (problem := check(row))]
        self.problems += [f"{file}:{line}: {problem}" for problem in found]
        return None if found else row

    def _lines(self, file: str) -> list[tuple[int, list[str]]]:
        """Give the lines below the header, with their numbers; a line of `#` is a comment."""
        text = self._text(file)
        if text is None:
            return []
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines: list[tuple[int, list[str]]] = []
        width = 0
        before = 0
        try:
            for cells in reader:
                line, before = before + 1, reader.line_num
                cells = [cell.strip() for cell in cells]
                if not any(cells) or cells[0].startswith("#"):
                    continue
                if not width:
                    if not self._is_header(file, line, cells):
                        return []
                    width = len(cells)
                elif len(cells) != width:
                    remedy = "put a cell with a comma between double quotes"
                    self.problems.append(
                        f"{file}:{line}: has {len(cells)} cells, the header has {width}; "
                        + (SEMICOLONS if ";" in "".join(cells) else remedy)
                    )
                else:
                    lines.append((line, cells))
        except csv.Error as error:
            self.problems.append(f"{file}:{before + 1}: is not CSV: {error}")
        if not width:
            self.problems.append(f"{file}:1: the header is missing: {','.join(COLUMNS[file])}")
        return lines

    def _is_header(self, file: str, line: int, cells: list[str]) -> bool:
        columns = COLUMNS[file]
        if tuple(cells[: len(columns)]) == columns:
            return True
        remedy = f"; {SEMICOLONS}" if ";" in "".join(cells) else ""
        self.problems.append(
            f"{file}:{line}: the header has to begin with {','.join(columns)}{remedy}"
        )
        return False

    def _text(self, file: str) -> str | None:
        path = self.folder / file
        if not path.exists():
            if file in REQUIRED:
                self.problems.append(f"{file}: is missing")
            return None
        try:
            content = path.read_bytes()
        except OSError as error:
            self.problems.append(f"{file}: cannot be read ({error.strerror})")
            return None
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self.problems.append(f"{file}:{line}: is not UTF-8; save it as UTF-8")
            return None


def _lines_of_settings(text: str) -> dict[str, int]:
    lines = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*\[?\"?([A-Za-z0-9_-]+)", line)
        if found:
            lines.setdefault(found[1], number)
    return lines


def _setting_text(value) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("has to be text")
    return value.strip()


def _setting_language(value) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError('has to be a language such as "nl"')
    return value


def _setting_zone(value) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ValueError(f'{value!r} is not a time zone such as "Europe/Brussels"') from None
    if value not in _zones_of_the_warehouse():
        raise ValueError(
            f"{value!r} is not a time zone that the warehouse knows; write it as a place, such as "
            '"Europe/Brussels"'
        )
    return value


@cache
def _zones_of_the_warehouse() -> frozenset[str]:
    connection = connect("1GB")
    try:
        return frozenset(
            name for (name,) in run(connection, "select name from pg_timezone_names()")
        )
    finally:
        connection.close()


def _setting_day(value) -> date:
    if isinstance(value, str):
        return date.fromisoformat(_day(value))
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("has to be a date such as 2020-01-01")
    return value


def _setting_number(value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**6:
        raise ValueError("has to be a whole number that is not negative")
    return value


def _setting_pages(value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(page, str) for page in value):
        raise ValueError('has to be a list of paths such as ["/", "/chat"]')
    wrong = [page for page in value if not re.fullmatch(r"/[^?#\s]*", page)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a path; write it as /chat, without host or query")
    return tuple(value)
