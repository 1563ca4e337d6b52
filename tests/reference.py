"""The reference: every figure counted slowly and plainly from the delivered files.

It is written from the definitions alone and shares no code with the product, so that a mistake has
to be made twice to go unseen. `figures` reads files and gives every row that a release of the same
files must hold; `break_of` and `closed_periods` say the rest of it.
"""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import hashlib
import hmac
import itertools
import json
import lzma
import re
import tomllib
import uuid
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from backports import zstd

Delivery = Path | str | tuple[str, bytes]
Cell = tuple[str, str, str, str]
Base = tuple[str, ...]
Row = tuple[Decimal | None, str]

LOGS = {
    "helpline.button.clicked": "button",
    "helpline.session.scheduled": "chat",
    "helpline.session.requested": "chat",
    "helpline.session.answered": "chat",
    "helpline.session.abandoned": "chat",
    "helpline.session.ended": "chat",
    "helpline.session.registered": "chat",
    "helpline.log.covered": None,
}
CLICKED, SCHEDULED, REQUESTED, ANSWERED, ABANDONED, ENDED, REGISTERED, COVERED = LOGS

UNLISTED = "unlisted"
UNKNOWN = "unknown"
NO_IDENTIFIERS = {
    *("", "-", "null", "none", "nil", "nan", "n/a", "undefined", "unknown", "anonymous", "guest"),
    *("true", "false", "[object object]", "00000000-0000-0000-0000-000000000000"),
}
FIRST_POSSIBLE = datetime(1990, 1, 1, tzinfo=UTC)
RFC_3339 = r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
# Lines set aside for these reasons are not lost.
NOT_LOST = ("before_start", "other_type")


# --- The helpline's settings ---------------------------------------------------------------------


@dataclass(frozen=True)
class Opening:
    """One interval of one date, in minutes of the local clock after midnight."""

    opens: int
    closes: int
    responders: int


@dataclass(frozen=True)
class Exclusion:
    """A value of a field that takes events out of all figures, at times in [starts_at, ends_at).

    Or, with the field `no_visitor`, the want of a visitor: on the page that is its value, if any.
    """

    name: str
    field: str
    value: str
    starts_at: datetime | None
    ends_at: datetime | None

    def takes_out(self, event: Event) -> bool:
        """Say whether the event has the value, or no visitor, within the time."""
        return (
            self._is_meant(event)
            and (self.starts_at is None or self.starts_at <= event.at)
            and (self.ends_at is None or event.at < self.ends_at)
        )

    def _is_meant(self, event: Event) -> bool:
        if self.field != "no_visitor":
            return getattr(event, self.field) == self.value
        could_have_one = event.type in (CLICKED, REQUESTED, SCHEDULED)
        return could_have_one and event.visitor is None and self.value in ("", event.page)


class Helpline:
    """A helpline's folder. Files may be absent, but for helpline.toml and opening_hours.csv."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        settings = tomllib.loads((self.folder / "helpline.toml").read_text(encoding="utf-8"))
        self.zone = ZoneInfo(settings["timezone"])
        self.starts_on = date.fromisoformat(str(settings["starts_on"]))
        self.attempt_gap = timedelta(minutes=settings.get("attempt_gap_minutes", 30))
        self.settling = timedelta(days=settings.get("settling_days", 10))
        self.rotate_keys_from = settings.get("rotate_keys_from")
        self.tolerated_percent = Fraction(str(settings.get("tolerated_loss_percent", 2)))
        self.quiet_days = settings.get("quiet_days", 14)
        self.no_identifiers = {
            value.strip().lower() for value in settings.get("no_identifiers", [])
        }
        self.other_types = settings.get("other_types", [])
        self.accepted = self._table("accepted")
        self.regular = self._table("opening_hours")
        self.closed = {row["date"] for row in self._table("closures")}
        self.extra = self._table("extra_openings")
        self.gaps = self._table("data_gaps")
        self.pages = settings.get("pages", [])
        self.codes = defaultdict(list)
        for row in self._table("codes"):
            self.codes[row["breakdown"]].append(row["code"])
        self.codes["campaign"] += [row["code"] for row in self._table("campaigns")]
        self.codes["button"] = self.codes["button"] or ["open", "busy", "closed"]
        self.exclusions = sorted(map(self._exclusion, self._table("exclusions")), key=_name)
        published = {row["period"] for row in self._table("published")}
        self.ranges = sorted(name for name in published if "/" in name)
        self._openings: dict[date, list[Opening]] = {}

    def _table(self, name: str) -> list[dict[str, str]]:
        path = self.folder / f"{name}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8-sig", newline="") as lines:
            kept = (line for line in lines if not line.startswith("#"))
            rows = [row for row in csv.DictReader(kept) if any(row.values())]
        return [{column: (text or "").strip() for column, text in row.items()} for row in rows]

    def _exclusion(self, row: dict[str, str]) -> Exclusion:
        bounds = [self._bound(row[name]) for name in ("starts_at", "ends_at")]
        return Exclusion(row["exclusion"], row["field"], row["value"], *bounds)

    def _bound(self, text: str) -> datetime | None:
        """Read an instant with its offset, or a wall time; a date is its midnight."""
        if not text:
            return None
        at = datetime.fromisoformat(text.upper())
        return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)

    def local(self, instant: datetime) -> datetime:
        """Give an instant's wall time."""
        return instant.astimezone(self.zone)

    def day_of(self, instant: datetime) -> date:
        """Give an instant's local date."""
        return self.local(instant).date()

    def start_of(self, day: date) -> datetime:
        """Give the instant at which a local date begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def key_of(self, instant: datetime) -> int | None:
        """Give the local year whose key names persons at an instant; None is the lasting key."""
        year = self.day_of(instant).year
        has_own = self.rotate_keys_from is not None and year >= self.rotate_keys_from
        return year if has_own else None

    def has(self, day: date) -> bool:
        """Say whether a local date ever was: some were skipped."""
        return self.start_of(day) < self.start_of(day + timedelta(days=1))

    def openings(self, day: date) -> list[Opening]:
        """List the opening intervals of a date, each line of its own: they may overlap."""
        if day not in self._openings:
            self._openings[day] = list(self._lines(day))
        return self._openings[day]

    def _lines(self, day: date) -> Iterator[Opening]:
        iso = day.isoformat()
        for row in self.regular:
            in_force = row["valid_from"] <= iso and (not row["valid_to"] or iso <= row["valid_to"])
            if in_force and int(row["weekday"]) == day.isoweekday() and iso not in self.closed:
                yield _opening(row)
        for row in self.extra:
            if row["date"] == iso:
                yield _opening(row)

    def is_open(self, instant: datetime) -> bool:
        """Say whether an instant's wall time lies in an interval [opens, closes) of its date."""
        local = self.local(instant)
        minute = local.hour * 60 + local.minute
        return any(line.opens <= minute < line.closes for line in self.openings(local.date()))

    def open_minutes(self, day: date) -> tuple[Counter[int], int]:
        """Count the UTC minutes open in each hour of the local clock, and minutes x responders.

        The day is walked in UTC quarters of an hour: no change of clocks falls inside one.
        """
        minutes: Counter[int] = Counter()
        responder_minutes = 0
        lines = self.openings(day)
        instant, end = self.start_of(day), self.start_of(day + timedelta(days=1))
        while lines and instant < end:
            local = self.local(instant)
            quarter = local.hour * 60 + local.minute
            open_here = [
                range(max(quarter, line.opens), min(quarter + 15, line.closes)) for line in lines
            ]
            minutes[local.hour] += len(set().union(*open_here))
            for line, wall_minutes in zip(lines, open_here, strict=True):
                responder_minutes += len(wall_minutes) * line.responders
            instant += timedelta(minutes=15)
        return minutes, responder_minutes


def _name(exclusion: Exclusion) -> str:
    return exclusion.name


def _opening(row: dict[str, str]) -> Opening:
    return Opening(_minute(row["opens"]), _minute(row["closes"]), int(row["responders"]))


def _minute(clock: str) -> int:
    hour, minute, *seconds = (int(part) for part in clock.split(":"))
    assert not any(seconds), "the reference knows opening hours in whole minutes"
    return hour * 60 + minute


# --- Reading -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """What is kept of one event, identifiers as pseudonyms; the fields stand in the order in which
    copies of one event are compared."""

    at: datetime
    source: str
    id: str
    type: str
    session: str | None = None
    visitor: str | None = None
    client: str | None = None
    responder: str | None = None
    channel: str | None = None
    button: str | None = None
    page: str | None = None
    campaign: str | None = None
    scheduled_for: datetime | None = None
    scheduled_by: str | None = None
    gender: str | None = None
    age: int | None = None
    topics: tuple[str, ...] | None = None
    referred_by: str | None = None
    log: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def order(self) -> tuple[datetime, str, str]:
        """The order that "first" and "last" go by."""
        return self.at, self.source, self.id

    @property
    def precedence(self) -> tuple:
        """Among copies of one event, the least counts: by time, then stored fields, nulls last."""
        stored = astuple(self)[3:]
        return self.at, *((value is None, "" if value is None else value) for value in stored)


class Rejected(Exception):
    """A line that does not fit; the message is the reason's code."""


@dataclass
class Reject:
    """A line that was set aside: where it stands, why, and what can still be told of it."""

    file: str
    line: int
    reason: str
    type: str | None
    log: str | None
    day: date | None
    id: tuple[str, str] | None
    text: str = ""

    def __iter__(self):
        return iter((self.file, self.line, self.reason))


class _Number(str):
    """A JSON number, as it was written."""


def pseudonym(key: str | bytes, kind: str, value: str | None) -> str | None:
    """Give the first 128 bits of HMAC-SHA-256 over kind and value, as a UUID's text."""
    if value is None:
        return None
    key = (key if isinstance(key, bytes) else key.encode()).strip()
    digest = hmac.digest(key, f"{kind}:{value}".encode(), hashlib.sha256)
    return str(uuid.UUID(bytes=digest[:16]))


class Reader:
    """Turns lines into events, or sets them aside."""

    def __init__(
        self,
        helpline: Helpline,
        key: str | bytes,
        loaded_at: datetime,
        year_keys: Mapping[int, str],
    ):
        self.helpline = helpline
        self.key = key
        self.loaded_at = loaded_at
        self.year_keys = year_keys

    def pseudonym(self, kind: str, value: str | None) -> str | None:
        """Give the pseudonym of an identifier, none of none."""
        return pseudonym(self.key, kind, value)

    def identifier(self, value: object) -> str | None:
        """Take text and numbers as text; what says "none" is no identifier."""
        return _identifier(value, self.helpline.no_identifiers)

    def person(self, kind: str, value: object, at: datetime) -> str | None:
        """Give the pseudonym that an identifier of a person has at a time."""
        year = self.helpline.key_of(at)
        key = self.key if year is None else self.year_keys.get(year, f"any other key, for {year}")
        return pseudonym(key, kind, self.identifier(value))

    def reject(self, file: str, number: int, reason: str, line: bytes) -> Reject:
        """Tell what can still be told of a line that was set aside."""
        try:
            event = _json_object(line)
            at, event_id = _instant(event.get("time")), self._id_of(event)
        except Rejected:
            event = {}
            text = line.decode(errors="replace")
            found = re.search(rf'"time"\s*:\s*"({RFC_3339})"', text)
            at, event_id = _instant(found[1]) if found else None, None
        kind = event.get("type")
        if kind not in LOGS:
            names = "|".join(re.escape(name) for name in LOGS)
            found = re.search(names, line.decode(errors="replace"))
            kind = found[0] if found else None
        data = event.get("data")
        log = data.get("log") if kind == COVERED and isinstance(data, dict) else None
        log = log if log in ("button", "chat") else None
        day = self.helpline.day_of(at) if at is not None and self.is_possible(at) else None
        text = line.decode(errors="replace")
        return Reject(file, number, reason, kind, LOGS.get(kind) or log, day, event_id, text)

    def is_possible(self, at: datetime) -> bool:
        """Say whether something can have happened at a time, as far as the loading tells."""
        return FIRST_POSSIBLE <= at <= self.loaded_at + timedelta(days=1)

    def _id_of(self, event: dict) -> tuple[str, str] | None:
        source, number = event.get("source"), self.identifier(event.get("id"))
        if not isinstance(source, str) or not source or number is None:
            return None
        return self.pseudonym("source", source), self.pseudonym("event", f"{source}\x1f{number}")

    def read(self, line: bytes) -> Event:
        """Read one line. Raises Rejected."""
        event = _json_object(line)
        kind = event.get("type")
        if type(kind) is str and kind in self.helpline.other_types:
            raise Rejected("other_type")
        source, number = event.get("source"), self.identifier(event.get("id"))
        if event.get("specversion") != "1.0" or isinstance(event["specversion"], _Number):
            raise Rejected("not_an_event")
        if not isinstance(source, str) or not source or number is None:
            raise Rejected("not_an_event")
        if type(kind) is not str or not kind:
            raise Rejected("not_an_event")
        if kind not in LOGS:
            raise Rejected("unknown_type")
        data = event.get("data")
        if data is None and isinstance(event.get("data_base64"), str):
            data = _decoded(event["data_base64"])
        if data is not None and not isinstance(data, dict):
            raise Rejected("bad_data")
        at = self._time(event.get("time"))
        session = (
            self.identifier(event.get("subject")) if kind.startswith("helpline.session.") else None
        )
        if kind.startswith("helpline.session.") and session is None:
            raise Rejected("no_session")
        stored = Event(
            at=at,
            source=self.pseudonym("source", source),
            id=self.pseudonym("event", f"{source}\x1f{number}"),
            type=kind,
            session=self.pseudonym("session", session),
        )
        return replace(stored, **self._fields(kind, data or {}, at))

    def _time(self, text: object) -> datetime:
        at = _instant(text)
        if at is None or at < FIRST_POSSIBLE:
            raise Rejected("bad_time")
        if at > self.loaded_at + timedelta(days=1):
            raise Rejected("in_future")
        if self.helpline.day_of(at) < self.helpline.starts_on:
            raise Rejected("before_start")
        return at

    def _fields(self, kind: str, data: dict, at: datetime) -> dict:
        """Take the fields that the table of events gives to the type, and no other."""
        fields = {}
        if kind in (CLICKED, SCHEDULED, REQUESTED):
            fields["visitor"] = self.person("visitor", data.get("visitor"), at)
        if kind == CLICKED:
            fields["button"] = self._code("button", data.get("button"))
            fields["page"] = self._page(data.get("page"))
            fields["campaign"] = self._code("campaign", data.get("campaign"))
        if kind in (SCHEDULED, REQUESTED):
            if data.get("channel") not in ("chat", "mail"):
                raise Rejected("bad_channel")
            fields["channel"] = data["channel"]
        if kind == SCHEDULED:
            fields["scheduled_for"] = _instant(data.get("scheduled_for"))
            fields["scheduled_by"] = self._code("scheduled_by", data.get("scheduled_by"))
        if kind == ANSWERED:
            fields["responder"] = self.person("responder", data.get("responder"), at)
        if kind == REGISTERED:
            fields["client"] = self.person("client", data.get("client"), at)
            fields["gender"] = self._code("gender", data.get("gender"))
            fields["age"] = _age(data.get("age"))
            fields["topics"] = self._topics(data.get("topics"))
            fields["referred_by"] = self._code("referred_by", data.get("referred_by"))
        if kind == COVERED:
            starts_at, ends_at = _instant(data.get("starts_at")), _instant(data.get("ends_at"))
            in_order = starts_at is not None and ends_at is not None and starts_at < ends_at
            if data.get("log") not in ("button", "chat") or not in_order:
                raise Rejected("bad_coverage")
            if ends_at > self.loaded_at + timedelta(days=1):
                raise Rejected("in_future")
            fields.update(log=data["log"], starts_at=starts_at, ends_at=ends_at)
        return fields

    def _code(self, breakdown: str, value: object) -> str | None:
        if value is None or value == "":
            return None
        return str(value) if value in self.helpline.codes[breakdown] else UNLISTED

    def _page(self, value: object) -> str | None:
        if not isinstance(value, str) or not value:
            return None
        path = urlsplit(value).path or "/"
        return path if path in self.helpline.pages else None

    def _topics(self, values: object) -> tuple[str, ...] | None:
        if not isinstance(values, list):
            return None
        codes = (self._code("topic", value) for value in values)
        return tuple(code for code in codes if code is not None) or None


def _json_object(line: bytes) -> dict:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected("not_utf8") from None
    try:
        event = json.loads(
            text, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant
        )
        json.dumps(event, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # half a surrogate pair is no text either
        raise Rejected("not_json") from None
    if not isinstance(event, dict):
        raise Rejected("not_an_event")
    return event


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not JSON")


def _decoded(text: str) -> object:
    """Read what comes as data_base64: JSON, or something that is no data."""
    try:
        return json.loads(
            base64.b64decode(text, validate=True), parse_int=_Number, parse_float=_Number
        )
    except ValueError:
        return "no JSON"


def _identifier(value: object, further: set[str]) -> str | None:
    """Take a text as it is and a number as it is written shortest; null for what says "none"."""
    if isinstance(value, _Number):
        text = f"{Decimal(value).normalize():f}"
    elif isinstance(value, str):
        text = value
    else:
        return None
    plain = text.strip().lower()
    is_zero = re.fullmatch(r"[-+]?0+([.,]0*)?", plain)
    return None if plain in NO_IDENTIFIERS | further or is_zero else text


def _instant(text: object) -> datetime | None:
    """Read an RFC 3339 date and time with an offset; digits past microseconds are cut off."""
    if type(text) is not str:
        return None
    parts = re.fullmatch(RFC_3339, text, re.ASCII)
    if parts is None:
        return None
    day, clock, fraction, offset = parts.groups()
    if clock.endswith(":60"):  # the last microsecond before the next minute
        clock, fraction = f"{clock[:-2]}59", ".999999"
    offset = offset.upper().replace("Z", "+00:00")
    try:
        wall = datetime.fromisoformat(f"{day}T{clock}{(fraction or '.0')[:7]:0<7}{offset}")
        return wall.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _age(value: object) -> int | None:
    text = str(value) if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,3}", text, re.ASCII) and int(text) <= 120:
        return int(text)
    return None


def delivered(files: Path | str | Iterable[Delivery]) -> list[tuple[str, bytes]]:
    """Give name and content of each file, decompressed by what its first bytes say.

    `files` is a folder, read with all below it, or any mix of paths and (name, bytes).
    """
    if isinstance(files, Path | str):
        paths = sorted(path for path in Path(files).rglob("*") if path.is_file())
        files = [path for path in paths if not path.name.startswith(".")]
    contents = []
    for file in files:
        name, content = file if isinstance(file, tuple) else (str(file), Path(file).read_bytes())
        contents.append((name, decompressed(content)))
    return contents


def unreadable_among(files: Iterable[Path]) -> list[Path]:
    """List the files that cannot be decompressed to their end."""
    unreadable = []
    for file in files:
        try:
            decompressed(file.read_bytes())
        except (OSError, EOFError, zlib.error, zstd.ZstdError):
            unreadable.append(file)
    return unreadable


def decompressed(content: bytes) -> bytes:
    """Decompress what is compressed."""
    for magic, decompress in (
        (b"\x1f\x8b", gzip.decompress),
        (b"\x28\xb5\x2f\xfd", zstd.decompress),
        (b"BZh", bz2.decompress),
        (b"\xfd7zXZ\x00", lzma.decompress),
    ):
        if content.startswith(magic):
            return decompress(content)
    return content


def dates_of(name: str) -> tuple[date, date] | None:
    """Give the first and the last date that a file's name holds, of those written 2022-01-05."""
    dates = [date.fromisoformat(text) for text in re.findall(r"\d{4}-\d\d-\d\d", name)]
    return (min(dates), max(dates)) if dates else None


# --- Units ---------------------------------------------------------------------------------------


@dataclass
class Session:
    """The events of one session, by type, each list in order."""

    id: str
    helpline: Helpline
    events: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))

    @property
    def introduction(self) -> Event | None:
        """The event that says the session's channel and visitor."""
        return next(iter(self.events[REQUESTED] + self.events[SCHEDULED]), None)

    @property
    def channel(self) -> str | None:
        return self.introduction.channel if self.introduction else None

    @property
    def answer(self) -> Event | None:
        """The first answer."""
        return next(iter(self.events[ANSWERED]), None)

    @property
    def is_answered(self) -> bool:
        return self.answer is not None and self.channel is not None

    @property
    def is_conversation(self) -> bool:
        return self.is_answered and self.channel == "chat"

    def noted(self, name: str):
        """Give the latest non-empty value of a field of the registrations."""
        values = [getattr(event, name) for event in self.events[REGISTERED]]
        return next((value for value in reversed(values) if value is not None), None)

    @property
    def person(self) -> tuple[str, str]:
        """Name who is behind an answered session: best under the key of the first answer."""
        names = [("client", event.client, event.at) for event in reversed(self.events[REGISTERED])]
        names.append(("visitor", self.introduction.visitor, self.introduction.at))
        names = [name for name in names if name[1] is not None]
        key = self.helpline.key_of(self.answer.at)
        of_that_key = [name for name in names if self.helpline.key_of(name[2]) == key]
        kind, value, _ = next(iter(of_that_key + names), ("session", self.id, None))
        return kind, value

    @property
    def scheduled_by(self) -> str:
        said = [event.scheduled_by for event in self.events[SCHEDULED]]
        return next((code for code in said if code is not None), UNKNOWN)

    @property
    def wait(self) -> timedelta | None:
        """From the later of first request and appointment to the first answer."""
        begins = [event.at for event in self.events[REQUESTED][:1]]
        appointments = [event.scheduled_for for event in self.events[SCHEDULED]]
        begins += [at for at in appointments if at is not None][-1:]
        return self.answer.at - max(begins) if begins else None

    @property
    def duration(self) -> timedelta | None:
        """From the first answer to the last end."""
        ends = self.events[ENDED]
        return ends[-1].at - self.answer.at if ends else None


@dataclass
class Attempt:
    """A run of contact events, in order."""

    visitor: str | None
    contacts: list[Event]
    outcome: str = ""
    started_open: bool = False

    @property
    def at(self) -> datetime:
        return self.contacts[0].at


@dataclass
class Content:
    """What one file holds."""

    file: str
    events: list[Event] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    starts_on: date = date.min

    @property
    def logs(self) -> set[str]:
        """The logs that it holds, by whatever can be read of it; both, if nothing can."""
        logs = {event.log or LOGS[event.type] for event in self.events}
        return (logs | {reject.log for reject in self.rejects} - {None}) or {"button", "chat"}

    @property
    def lost(self) -> list[Reject]:
        """The lines that count as lost, unless they come again."""
        return [
            reject
            for reject in self.rejects
            if reject.reason not in NOT_LOST and (reject.day or date.max) >= self.starts_on
        ]

    @property
    def is_unfit(self) -> bool:
        """Say whether the first gate quarantines it."""
        lost = [reject for reject in self.rejects if reject.reason not in NOT_LOST]
        written = len(lost) + len(self.events)
        is_readable = bool(self.events) or len(lost) < len(self.rejects)
        share = Fraction(len(lost), written or 1)
        return (
            (written >= 10 and not is_readable)
            or (written >= 20 and share > Fraction(1, 2))
            or (len(lost) > 100 and share > Fraction(5, 100))
        )


class Lost(NamedTuple):
    """A lost line or event, for one log that it concerns."""

    file: str
    log: str
    type: str | None
    day: date | None
    is_recovered: bool


def _lost(deliveries: list[Content], kept: list[Event], day_of) -> list[Lost]:
    """List what is lost: lines that were set aside, and events whose id was used for another."""
    known = {(event.source, event.id): event for event in kept}
    lost = []
    for copies in _lines_once(deliveries).values():
        days = [reject.day for _, reject in copies if reject.day]
        [content, reject] = copies[0]
        event = known.get(reject.id)
        is_recovered = event is not None and event.type == reject.type
        logs = {reject.log} if reject.log else {log for one, _ in copies for log in one.logs}
        day = min(days, default=None)
        lost += [Lost(content.file, log, reject.type, day, is_recovered) for log in logs]
    others = {
        (event.source, event.id, event.type, event.session, event.visitor, event.at): event
        for content in deliveries
        for event in content.events
    }
    for (source, number, *what), event in others.items():
        one = known[source, number]
        if what != [one.type, one.session, one.visitor, one.at]:
            lost.append(
                Lost("", event.log or LOGS[event.type], event.type, day_of(event.at), False)
            )
    return lost


def _lines_once(deliveries: list[Content]) -> dict[tuple, list[tuple[Content, Reject]]]:
    """Gather lost lines that are the same: of one file, equal lines are as many as they are."""
    lines = defaultdict(list)
    for content in deliveries:
        numbers: Counter[str] = Counter()
        for reject in content.lost:
            numbers[reject.text] += 1
            lines[reject.text, numbers[reject.text]].append((content, reject))
    return lines


def _undated(content: Content, lost: list[Lost]) -> list[str]:
    """List the logs of which a file lost more than a trace of lines that have no date at all."""
    counts = Counter(
        one.log for one in lost if one.file == content.file and not one.day and not one.is_recovered
    )
    return [log for log, number in counts.items() if number >= 3]


class Log:
    """What a set of files says, and the units that are counted in it."""

    def __init__(
        self,
        files: Path | str | Iterable[Delivery],
        helpline: Path | Helpline,
        key: str | bytes,
        *,
        quarantined: Iterable[Delivery] = (),
        is_judged: bool = False,
        unreadable: Iterable[str] = (),
        public: Iterable[tuple[str, str]] = (),
        loaded_at: datetime | None = None,
        year_keys: Mapping[int, str] | None = None,
    ):
        self.public = set(public)
        self.helpline = helpline if isinstance(helpline, Helpline) else Helpline(helpline)
        loaded_at = loaded_at or datetime.now(UTC)
        self._reader = Reader(self.helpline, key, loaded_at, year_keys or {})
        deliveries = [
            self._read(*file) for file in {file[1]: file for file in delivered(files)}.values()
        ]
        set_aside = [self._read(*file) for file in delivered(quarantined)]
        if is_judged:
            set_aside += [one for one in deliveries if one.is_unfit]
            deliveries = [one for one in deliveries if not one.is_unfit]
        self.set_aside = set_aside
        self.names_unreadable = list(unreadable)
        copies = [event for one in deliveries for event in one.events]
        self.rejects = [reject for one in deliveries for reject in one.rejects]
        self.delivered = _first_copies(copies)
        self.lost = _lost(deliveries, self.delivered, self.helpline.day_of)
        self.taken_out = self._taken_out()
        self.events = [event for event in self.delivered if event.order not in self.taken_out]
        self._statuses: dict[Base, dict[str, str]] = {}
        self._counting: dict[tuple[Base, date], list[str]] = {}
        self.set_aside_days = {
            (LOGS[event.type], self.helpline.day_of(event.at))
            for one in set_aside
            for event in one.events
            if LOGS[event.type]
        }
        self.unreadable = [
            *((log, dates_of(name)) for name in self.names_unreadable for log in BOTH),
            *((log, dates_of(one.file)) for one in set_aside for log in one.logs),
            *((log, dates_of(one.file)) for one in deliveries for log in _undated(one, self.lost)),
        ]

    def _read(self, name: str, content: bytes) -> Content:
        """Read a file into events, and lines that are set aside."""
        read = Content(name)
        days: list[date | None] = []
        rejects: dict[int, Reject] = {}
        for number, line in enumerate(content.split(b"\n"), start=1):
            days.append(None)
            if not line.strip():
                continue
            try:
                read.events.append(self._reader.read(line))
                days[-1] = self.helpline.day_of(read.events[-1].at)
            except Rejected as reason:
                rejects[number] = self._reader.reject(name, number, str(reason), line)
                days[-1] = rejects[number].day
        for number, reject in rejects.items():
            earlier = [day for day in days[:number] if day is not None]
            later = [day for day in days[number:] if day is not None]
            reject.day = (earlier[-1:] or later[:1] or [None])[0]
        read.rejects = list(rejects.values())
        read.starts_on = self.helpline.starts_on
        return read

    def _taken_out(self) -> dict[tuple[datetime, str, str], str]:
        """Give the exclusion, by the event's order, of each event that one takes out.

        The first by name does. A session goes as a whole with any request or scheduling of it.
        """
        taken = {
            event.order: exclusion.name
            for event in self.delivered
            for exclusion in reversed(self.helpline.exclusions)  # so that the first by name stays
            if event.type != COVERED and exclusion.takes_out(event)
        }
        of_session = defaultdict(set)
        for event in self.delivered:
            if event.type in (REQUESTED, SCHEDULED) and event.order in taken:
                of_session[event.session].add(taken[event.order])
        for event in self.delivered:
            if event.session in of_session:
                taken[event.order] = min(of_session[event.session])
        return taken

    def of_type(self, *types: str) -> list[Event]:
        """List the events of some types, in order."""
        return [event for event in self.events if event.type in types]

    @cached_property
    def sessions(self) -> dict[str, Session]:
        sessions: dict[str, Session] = {}
        for event in self.events:
            if event.session is not None:
                session = sessions.setdefault(event.session, Session(event.session, self.helpline))
                session.events[event.type].append(event)
        return sessions

    @cached_property
    def answered_sessions(self) -> list[Session]:
        """The answered sessions of chat and mail, in the order of their first answers."""
        answered = [session for session in self.sessions.values() if session.is_answered]
        return sorted(answered, key=lambda session: session.answer.order)

    @cached_property
    def conversations(self) -> list[Session]:
        return [session for session in self.answered_sessions if session.is_conversation]

    @cached_property
    def contacts(self) -> list[Event]:
        """Clicks, and requests of sessions whose channel is chat."""
        return [
            event
            for event in self.of_type(CLICKED, REQUESTED)
            if event.type == CLICKED or self.sessions[event.session].channel == "chat"
        ]

    @cached_property
    def attempts(self) -> list[Attempt]:
        attempts = self._runs()
        holds = {event.order: attempt for attempt in attempts for event in attempt.contacts}
        answered = set()
        for conversation in self.conversations:
            requests = conversation.events[REQUESTED]
            before = [event for event in requests if event.at <= conversation.answer.at]
            if requests:
                answered.add(id(holds[(before[-1] if before else requests[0]).order]))
        for attempt in attempts:
            attempt.started_open = self.helpline.is_open(attempt.at)
            if id(attempt) in answered:
                attempt.outcome = "answered"
            else:
                attempt.outcome = "missed" if attempt.started_open else "out_of_hours"
        return attempts

    def _runs(self) -> list[Attempt]:
        attempts: list[Attempt] = []
        latest: dict[tuple, Attempt] = {}
        for event in self.contacts:
            if event.visitor is not None:
                who = ("visitor", event.visitor)
            elif event.session is not None:
                who = ("session", event.session)
            else:
                who = ("click", event.id)
            attempt = latest.get(who)
            if attempt is None or (
                event.visitor is not None
                and event.at - attempt.contacts[-1].at > self.helpline.attempt_gap
            ):
                attempt = latest[who] = Attempt(event.visitor, [])
                attempts.append(attempt)
            attempt.contacts.append(event)
        return attempts

    @cached_property
    def breaks(self) -> list[Break]:
        return sorted(breaks_of(self.helpline) + changes_of_keys(self))

    @cached_property
    def covered_days(self) -> dict[str, set[date]]:
        return {log: self._covered_days(log) for log in ("button", "chat")}

    def _covered_days(self, log: str) -> set[date]:
        said = [event for event in self.of_type(COVERED) if event.log == log]
        if not said:
            return self._days_between_events(log)
        covered = set()
        for start, end in _union([(event.starts_at, event.ends_at) for event in said]):
            for day in _days(self.helpline.day_of(start), self.helpline.day_of(end)):
                first = self.helpline.start_of(day)
                last = self.helpline.start_of(day + timedelta(days=1))
                if start <= first and last <= end and day >= self.helpline.starts_on:
                    covered.add(day)
        return covered

    def _days_between_events(self, log: str) -> set[date]:
        """List the days from the first event to the last, but for quiet stretches.

        Beyond a stretch that is followed by fewer events than it has days, a clock has gone wrong.
        """
        seen = Counter(self.helpline.day_of(event.at) for event in self.events_of(log))
        days = sorted(seen)
        covered = set(_days(days[0], days[-1])) if days else set()
        for stretch in sorted(self._quiet_stretches(days), key=min):
            covered -= stretch
            if sum(seen[day] for day in days if day > max(stretch)) < len(stretch):
                return {day for day in covered if day < min(stretch)}
        return covered

    def _quiet_stretches(self, seen: list[date]) -> list[set[date]]:
        """List the stretches between days with an event in which more events were due.

        The longest one first: what is quiet says nothing of the log's own rate.
        """
        day = timedelta(days=1)
        stretches = [set(_days(one + day, other - day)) for one, other in itertools.pairwise(seen)]
        quiet: list[set[date]] = []
        stretches.sort(key=lambda days: (-len(days), min(days, default=date.min)))
        for stretch in stretches:
            if not self._is_expected(seen, stretch.union(*quiet), len(stretch)):
                break
            quiet.append(stretch)
        return quiet

    def _is_expected(self, seen: list[date], silent: set[date], days: int) -> bool:
        """Say whether events were to be expected on so many days without any.

        By the log's own rate: days with an event, of all days from the first to the last that are
        not `silent`.
        """
        if days <= self.helpline.quiet_days or len(seen) <= self.helpline.quiet_days:
            return False
        outside = set(_days(seen[0], seen[-1])) - silent
        return Fraction(len(seen), len(outside)) * days >= self.helpline.quiet_days + 1

    def empty_months(self, log: str) -> set[str]:
        """List months without an event though the log says it covers them and some were due."""
        if not any(event.log == log for event in self.of_type(COVERED)):
            return set()
        accepted = self.accepted_days(log)
        seen = sorted({self.helpline.day_of(event.at) for event in self.events_of(log)})
        months = {periods_of(day)[0] for day in seen}
        covered = Counter(periods_of(day)[0] for day in self.covered_days[log] - accepted)
        return {
            month
            for month, days in covered.items()
            if month not in months and self._is_expected(seen, set(days_of(month)), days)
        }

    def accepted_days(self, log: str) -> set[date]:
        """List the days of which what is lost is accepted."""
        days = set()
        for row in self.helpline.accepted:
            if row["log"] == log and self._holds(row):
                days |= _days_of_row(row)
        return days

    def _holds(self, row: dict[str, str]) -> bool:
        """Say whether no more is lost than accepted, and nothing of it came again, sound."""
        found = [
            lost for lost in self.lost if lost.log == row["log"] and lost.day in _days_of_row(row)
        ]
        again = sum(lost.is_recovered for lost in found)
        number, accepted = len(found) - again, int(row["lost_lines"])
        return number <= accepted and not (again and accepted >= number + again)

    def months_with_losses(self, log: str) -> set[str]:
        """List the months of which more is lost than tolerated, of the log or a type of event."""
        accepted = self.accepted_days(log)
        lost: Counter[tuple] = Counter()
        kept: Counter[tuple] = Counter()
        for one in self.lost:
            if one.log == log and one.day and not one.is_recovered and one.day not in accepted:
                month = periods_of(one.day)[0]
                lost.update({(month, one.type)} | ({(month, "")} if one.type != COVERED else set()))
        for event in self.delivered:
            if (event.log or LOGS[event.type]) == log:
                month = periods_of(self.helpline.day_of(event.at))[0]
                kept.update(
                    {(month, event.type)} | ({(month, "")} if event.type != COVERED else set())
                )
        return {
            month
            for (month, kind), number in lost.items()
            if kind is not None and self._is_too_much(number, kept[month, kind])
        }

    def _is_too_much(self, lost: int, kept: int) -> bool:
        percent = Fraction(100 * lost, lost + kept)
        too_many = lost >= 3 and percent > self.helpline.tolerated_percent
        return too_many or (lost > 100 and percent > Fraction(1, 2))

    def events_of(self, log: str) -> list[Event]:
        """List all delivered events of the log `button` or `chat`, whatever their source."""
        return [event for event in self.delivered if LOGS[event.type] == log]

    def statuses(self, base: Base) -> dict[str, str]:
        """Give the status of each period that has rows, of figures that rest on the logs `base`."""
        if base not in self._statuses:
            self._statuses[base] = _statuses(self, base)
        return self._statuses[base]

    def counting_periods(self, base: Base, day: date) -> list[str]:
        """Give the periods in which what happens on a local date counts."""
        if (base, day) not in self._counting:
            self._counting[base, day] = _counting_periods(self, base, day)
        return self._counting[base, day]


def _first_copies(copies: list[Event]) -> list[Event]:
    """Keep one of each source and id, in order."""
    kept: dict[tuple[str, str], Event] = {}
    for copy in copies:
        other = kept.get((copy.source, copy.id))
        if other is None or copy.precedence < other.precedence:
            kept[copy.source, copy.id] = copy
    return sorted(kept.values(), key=lambda event: event.order)


def _union(intervals: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Join intervals that overlap or touch."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


# --- Periods -------------------------------------------------------------------------------------


class Period(NamedTuple):
    """A month, ISO week, year or range of months, with its first and last local date."""

    name: str
    kind: str
    first: date
    last: date


def period_of(name: str) -> Period:
    """Read a period's name: `2022`, `2022-03`, `2022-W09` or `2020-01/2020-10`."""
    if "/" in name:
        first, last = (period_of(month) for month in name.split("/"))
        return Period(name, "range", first.first, last.last)
    if "W" in name:
        year, week = name.split("-W")
        monday = date.fromisocalendar(int(year), int(week), 1)
        return Period(name, "week", monday, monday + timedelta(days=6))
    if "-" in name:
        first = date.fromisoformat(f"{name}-01")
        following = (first + timedelta(days=31)).replace(day=1)
        return Period(name, "month", first, following - timedelta(days=1))
    return Period(name, "year", date(int(name), 1, 1), date(int(name), 12, 31))


def periods_of(day: date) -> tuple[str, str]:
    """Give the month and the year of a local date."""
    return f"{day.year:04}-{day.month:02}", f"{day.year:04}"


def week_of(day: date) -> str:
    """Give the ISO week of a local date, which may be of another year."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def days_of(name: str) -> list[date]:
    """List the days of a period."""
    return list(_days(*period_of(name)[2:]))


def months_of(name: str) -> list[str]:
    """List the months of a year or a range."""
    return sorted({periods_of(day)[0] for day in days_of(name)})


def year_before(name: str) -> str:
    """Name the same month, year or range of the year before."""
    return re.sub(r"\d{4}", lambda year: f"{int(year[0]) - 1:04}", name)


def _counting_periods(log: Log, base: Base, day: date) -> list[str]:
    """Give the periods in which a local date counts.

    None, if its month has no value, so that the months of a year always add up to it; the week, if
    the day itself is covered.
    """
    statuses = log.statuses(base)
    month, year = periods_of(day)
    if statuses.get(month, "O") == "O":
        return []
    ranges = [name for name in statuses if "/" in name and month in months_of(name)]
    weeks = [week_of(day)] if all(day in log.covered_days[name] for name in base) else []
    return [month, year, *ranges, *weeks]


def _statuses(log: Log, base: Base) -> dict[str, str]:
    """Give the status of every period that has rows, and of the ranges a year before those."""
    covered = set.intersection(*(log.covered_days[name] for name in base))
    if not covered:
        return {}
    start = log.helpline.starts_on
    span = list(_days(min(covered), max(covered)))
    months = {periods_of(day)[0] for day in span}
    known = months | {periods_of(day)[1] for day in span} | {week_of(day) for day in span}
    ranges = {*log.helpline.ranges, *map(year_before, log.helpline.ranges)}
    known |= {name for name in ranges if months & set(months_of(name))}
    wanting = _wanting_days(log, base)
    reach = min(max(log.covered_days[name]) for name in base)
    statuses = {}
    for period in sorted(known):
        days = {day for day in days_of(period) if day >= start and log.helpline.has(day)}
        if not covered & days:
            statuses[period] = "O"
        elif (
            days - covered
            or days & wanting
            or reach < period_of(period).last + log.helpline.settling
        ):
            statuses[period] = "P"
        else:
            statuses[period] = "A"
    return statuses


def _wanting_days(log: Log, base: Base) -> set[date]:
    """List the days of which something is known to be wanting in one of the logs."""
    wanting = {day for name, day in log.set_aside_days if name in base}
    for row in log.helpline.gaps:
        if row["log"] in base:
            wanting |= _days_of_row(row)
    days = {day for name in base for day in log.covered_days[name]}
    for name, dates in log.unreadable:
        if name not in base:
            continue
        if dates is None:
            wanting |= {day for day in days if (name, periods_of(day)[0]) not in log.public}
        elif not _is_accepted(log, name, dates):
            day = timedelta(days=1)
            wanting |= set(_days(dates[0] - day, dates[1] + day))
    for name in base:
        months = log.months_with_losses(name) | log.empty_months(name)
        wanting |= {day for day in days if periods_of(day)[0] in months}
        wanting |= {day for month in months for day in days_of(month)}
    return wanting


def _is_accepted(log: Log, name: str, dates: tuple[date, date]) -> bool:
    return any(
        row["log"] == name and log._holds(row) and {*dates} <= _days_of_row(row)
        for row in log.helpline.accepted
    )


def _days_of_row(row: dict[str, str]) -> set[date]:
    first, last = date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"])
    return set(_days(first, last))


def closed_periods(log: Log) -> dict[str, bool]:
    """Say of each period that has rows whether it is closed.

    It is, when every log that has any covered day is covered to settling time past its end.
    """
    names = {name for base in (BUTTON, CHAT, BOTH) for name in log.statuses(base)}
    reach = min((max(days) for days in log.covered_days.values() if days), default=None)
    return {
        name: reach >= period_of(name).last + log.helpline.settling
        for name in sorted(names)
        if _is_shown(log, name)
    }


def _is_shown(log: Log, period: str) -> bool:
    return "/" not in period or period in log.helpline.ranges


# --- Figures -------------------------------------------------------------------------------------

BUTTON, CHAT, BOTH = ("button",), ("chat",), ("button", "chat")
BY_TIME = ("weekday", "hour", "hour_of_week", "part_of_week")
PARTS_OF_DAY = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
NOTED = ("gender", "age_band", "topic")


class Figure(NamedTuple):
    """The logs that a figure rests on, its decimals, the breakdowns of its total, and its periods.

    `has_total` is false for shares, which a total has not.
    """

    base: Base
    decimals: int = 0
    breakdowns: tuple[str, ...] = ()
    periods: tuple[str, ...] = ("month", "year", "range")
    has_total: bool = True


WITH_WEEKS = ("month", "week", "year", "range")

MEASURED = {
    "clicks": Figure(BUTTON, 0, BY_TIME, WITH_WEEKS),
    "attempts": Figure(BOTH, 0, BY_TIME, WITH_WEEKS),
    "answered_attempts": Figure(BOTH, 0, BY_TIME, WITH_WEEKS),
    "missed_attempts": Figure(BOTH, 0, BY_TIME, WITH_WEEKS),
    "out_of_hours_attempts": Figure(BOTH, 0, BY_TIME, WITH_WEEKS),
    "answered_in_hours_attempts": Figure(BOTH),
    "attempts_without_visitor": Figure(BOTH),
    "answer_rate": Figure(BOTH, 1),
    "conversations": Figure(CHAT, 0, BY_TIME, WITH_WEEKS),
    "answered_sessions": Figure(CHAT, 0, ("channel",)),
    "scheduled_conversations": Figure(CHAT, 0, ("scheduled_by",)),
    "clicks_per_conversation": Figure(BOTH, 1),
    "wait_seconds_median": Figure(CHAT),
    "wait_seconds_p90": Figure(CHAT),
    "conversation_minutes_median": Figure(CHAT, 1),
    "pressers": Figure(BOTH),
    "missed_pressers": Figure(BOTH),
    "out_of_hours_pressers": Figure(BOTH),
    "unreached_pressers": Figure(BOTH),
    "callers": Figure(CHAT, 0, ("channel", *NOTED)),
    "new_callers": Figure(CHAT),
    "first_time_callers": Figure(CHAT),
    "referrals": Figure(CHAT, 0, ("referred_by",)),
    "open_hours": Figure(CHAT, 2, BY_TIME, WITH_WEEKS),
    "responder_hours": Figure(CHAT, 2),
    "excluded_events": Figure(BOTH, 0, ("exclusion",)),
}
RATIOS = (
    "answer_rate",
    "clicks_per_conversation",
    "wait_seconds_median",
    "wait_seconds_p90",
    "conversation_minutes_median",
)

# What each derived figure is derived from.
SHARES = {
    "callers_share_percent": ("callers", ("gender", "age_band")),
    "topics_share_percent": ("callers", ("topic",)),
    "callers_known_share_percent": ("callers", ("gender", "age_band")),
    "topics_known_share_percent": ("callers", ("topic",)),
    "conversations_share_percent": ("conversations", ("weekday",)),
}
ADDED_UP = (
    "clicks",
    "attempts",
    "answered_attempts",
    "missed_attempts",
    "out_of_hours_attempts",
    "answered_in_hours_attempts",
    "conversations",
    "answered_sessions",
    "scheduled_conversations",
    "new_callers",
    "first_time_callers",
    "referrals",
)
COUNTED_PERSONS = (
    "pressers",
    "missed_pressers",
    "out_of_hours_pressers",
    "unreached_pressers",
    "callers",
)
CHANGES = {f"{part}_change_percent": part for part in ADDED_UP + COUNTED_PERSONS}
MEANS = {f"{part}_per_month": part for part in ADDED_UP}

FIGURES: dict[str, Figure] = {
    **MEASURED,
    **{
        figure: Figure(MEASURED[part].base, 0, breakdowns, has_total=False)
        for figure, (part, breakdowns) in SHARES.items()
    },
    **{figure: Figure(MEASURED[part].base) for figure, part in CHANGES.items()},
    **{
        figure: Figure(MEASURED[part].base, 1, (), ("year", "range"))
        for figure, part in MEANS.items()
    },
}


def figures(
    files: Path | str | Iterable[Delivery],
    helpline_folder: Path,
    key: str | bytes,
    *,
    quarantined: Iterable[Delivery] = (),
    is_judged: bool = False,
    unreadable: Iterable[str] = (),
    public: Iterable[tuple[str, str]] = (),
    loaded_at: datetime | None = None,
    year_keys: Mapping[int, str] | None = None,
) -> dict[Cell, Row]:
    """Count every figure: (figure, period, breakdown, category) to (value, obs_status).

    `files` and `quarantined` are as `delivered` takes them; of the quarantined ones only the days
    count, which become provisional. `unreadable` are names of files that could not be read at all;
    where a name holds no date, nobody knows its days, and all months are provisional but for those
    that are `public`, as (log, month). With `is_judged`, deliveries that the first gate would not
    let through are found among the files. `loaded_at` is the latest night; by default it is now.
    `year_keys` are the keys of years, which matter only to exclusions that name a visitor. A value
    is rounded half up to the figure's decimals, or None.
    """
    log = Log(
        files,
        helpline_folder,
        key,
        quarantined=quarantined,
        is_judged=is_judged,
        unreadable=unreadable,
        public=public,
        loaded_at=loaded_at,
        year_keys=year_keys,
    )
    return figures_of(log)


def figures_of(log: Log) -> dict[Cell, Row]:
    """Count every figure of a log that was read."""
    return {
        cell: (rounded(cell[0], value), status)
        for cell, (value, status) in exact_figures_of(log).items()
    }


def exact_figures_of(log: Log) -> dict[Cell, tuple[Fraction | None, str]]:
    """Count every figure as `figures_of` does, but leave the values unrounded."""
    measured = _measured(log)
    rows = measured | _shares(measured) | _changes(measured) | _means(log, measured)
    return {
        cell: (None if spans_keys(log, *cell[:2]) else value, status)
        for cell, (value, status) in rows.items()
        if _is_shown(log, cell[1])
    }


def rounded(figure: str, value: Fraction | None) -> Decimal | None:
    """Round a figure's value, if it has one, as it is shown."""
    return None if value is None else round_half_up(value, FIGURES[figure].decimals)


def round_half_up(value: Fraction, decimals: int) -> Decimal:
    """Round an exact value once, a half always up: -15.5 becomes -15."""
    whole = (value * 10**decimals + Fraction(1, 2)).__floor__()
    return Decimal(whole).scaleb(-decimals)


def categories(log: Log, figure: str, breakdown: str) -> list[str]:
    """List the categories that a breakdown of a figure always has."""
    hours = [f"{hour:02}" for hour in range(24)]
    known = {
        "": [""],
        "weekday": list("1234567"),
        "hour": hours,
        "hour_of_week": [f"{weekday}-{hour}" for weekday in "1234567" for hour in hours],
        "part_of_week": [f"{weekday}-{part}" for weekday in "1234567" for part in PARTS_OF_DAY],
        "channel": ["chat", "mail_only" if figure == "callers" else "mail"],
        "scheduled_by": [*log.helpline.codes["scheduled_by"], UNKNOWN, UNLISTED],
        "referred_by": [*log.helpline.codes["referred_by"], UNLISTED],
        "gender": [*log.helpline.codes["gender"], UNKNOWN, UNLISTED],
        "topic": [*log.helpline.codes["topic"], UNKNOWN, UNLISTED],
        "age_band": [*AGE_BANDS, UNKNOWN],
        "exclusion": [exclusion.name for exclusion in log.helpline.exclusions],
    }
    return known[breakdown]


def _measured(log: Log) -> dict[Cell, tuple[Fraction | None, str]]:
    counts = _counts(log)
    values = counts | _ratios(log, counts)
    rows = {}
    for name, figure in MEASURED.items():
        for period, status in log.statuses(figure.base).items():
            kind = period_of(period).kind
            breakdowns = ("",) if kind == "week" else ("", *figure.breakdowns)
            for breakdown in breakdowns if kind in figure.periods else ():
                for category in categories(log, name, breakdown):
                    cell = (name, period, breakdown, category)
                    value = values.get(cell, None if name in RATIOS else Fraction(0))
                    rows[cell] = (None if status == "O" else value, status)
    return rows


def _shares(measured: dict) -> dict[Cell, tuple[Fraction | None, str]]:
    """Each category's percentage of the total."""
    rows = {}
    for figure, (part, breakdowns) in SHARES.items():
        for (name, period, breakdown, category), (value, status) in measured.items():
            if name == part and breakdown in breakdowns and period_of(period).kind != "week":
                total, _ = measured[part, period, "", ""]
                if "_known_" in figure:
                    if category == UNKNOWN:
                        continue
                    unknown, _ = measured[part, period, breakdown, UNKNOWN]
                    total = None if total is None else total - (unknown or 0)
                share = None if value is None else _divide(100 * value, total)
                rows[figure, period, breakdown, category] = (share, status)
    return rows


def _changes(measured: dict) -> dict[Cell, tuple[Fraction | None, str]]:
    """By how many percent the total is more than that of the year before, where that has a row."""
    rows = {}
    for figure, part in CHANGES.items():
        for (name, period, breakdown, _), (new, status) in measured.items():
            if name == part and breakdown == "" and period_of(period).kind != "week":
                old, old_status = measured.get((part, year_before(period), "", ""), (None, None))
                if old_status is None:
                    continue
                known = old is not None and new is not None
                change = _divide(100 * (new - old), old) if known else None
                worst = next(code for code in "OPA" if code in (status, old_status))
                rows[figure, period, "", ""] = (change, worst)
    return rows


def _means(log: Log, measured: dict) -> dict[Cell, tuple[Fraction | None, str]]:
    """The total of a year or range divided by its months that have a value."""
    rows = {}
    for figure, part in MEANS.items():
        for (name, period, breakdown, _), (value, status) in measured.items():
            if name == part and breakdown == "" and period_of(period).kind in ("year", "range"):
                totals = [measured.get((part, month, "", "")) for month in months_of(period)]
                months = sum(total is not None and total[0] is not None for total in totals)
                mean = None if value is None else _divide(value, Fraction(months))
                rows[figure, period, "", ""] = (mean, status)
    return rows


class _Tally:
    """Adds amounts to the cells of all periods, and of the breakdowns by time where there are."""

    def __init__(self, log: Log):
        self.log = log
        self.cells: dict[Cell, Fraction] = defaultdict(Fraction)

    def add(self, figure: str, instant: datetime, breakdown: str = "", category: str = "") -> None:
        local = self.log.helpline.local(instant)
        for period in self.log.counting_periods(FIGURES[figure].base, local.date()):
            self.cells[figure, period, breakdown, category] += 1
        if FIGURES[figure].breakdowns == BY_TIME:
            self.add_by_time(figure, local.date(), local.hour, Fraction(1))

    def add_by_time(self, figure: str, day: date, hour: int, amount: Fraction) -> None:
        weekday = day.isoweekday()
        for period in self.log.counting_periods(FIGURES[figure].base, day):
            self.cells[figure, period, "weekday", f"{weekday}"] += amount
            self.cells[figure, period, "hour", f"{hour:02}"] += amount
            self.cells[figure, period, "hour_of_week", f"{weekday}-{hour:02}"] += amount
            for part, (begin, end) in PARTS_OF_DAY.items():
                if begin <= hour < end:
                    self.cells[figure, period, "part_of_week", f"{weekday}-{part}"] += amount


def _counts(log: Log) -> dict[Cell, Fraction]:
    tally = _happenings(log)
    _add_open_hours(log, tally)
    return tally.cells


def _happenings(log: Log) -> _Tally:
    """Count all that happened: everything but hours."""
    tally = _Tally(log)
    for event in log.of_type(CLICKED):
        tally.add("clicks", event.at)
    for attempt in log.attempts:
        tally.add("attempts", attempt.at)
        tally.add(f"{attempt.outcome}_attempts", attempt.at)
        if attempt.outcome == "answered" and attempt.started_open:
            tally.add("answered_in_hours_attempts", attempt.at)
        if attempt.visitor is None:
            tally.add("attempts_without_visitor", attempt.at)
    for session in log.answered_sessions:
        at = session.answer.at
        tally.add("answered_sessions", at)
        tally.add("answered_sessions", at, "channel", session.channel)
        if session.noted("referred_by") is not None:
            tally.add("referrals", at)
            tally.add("referrals", at, "referred_by", session.noted("referred_by"))
    for conversation in log.conversations:
        at = conversation.answer.at
        tally.add("conversations", at)
        if conversation.events[SCHEDULED]:
            tally.add("scheduled_conversations", at)
            tally.add("scheduled_conversations", at, "scheduled_by", conversation.scheduled_by)
    for (at, _, _), exclusion in log.taken_out.items():
        tally.add("excluded_events", at)
        tally.add("excluded_events", at, "exclusion", exclusion)
    _add_new_callers(log, tally)
    for (figure, period, breakdown, category), persons in _distinct(log).items():
        tally.cells[figure, period, breakdown, category] = Fraction(len(persons))
    return tally


def _add_open_hours(log: Log, tally: _Tally) -> None:
    for day in log.covered_days["chat"]:
        minutes, responder_minutes = log.helpline.open_minutes(day)
        for hour, amount in (+minutes).items():
            tally.add_by_time("open_hours", day, hour, Fraction(amount, 60))
        for period in log.counting_periods(CHAT, day):
            tally.cells["open_hours", period, "", ""] += Fraction(minutes.total(), 60)
            tally.cells["responder_hours", period, "", ""] += Fraction(responder_minutes, 60)


def _add_new_callers(log: Log, tally: _Tally) -> None:
    first_covered = min(log.covered_days["chat"], default=date.max)
    met_in_year, met = set(), set()
    for conversation in log.conversations:
        day = log.helpline.day_of(conversation.answer.at)
        counts = bool(log.counting_periods(CHAT, day))
        if counts and (conversation.person, day.year) not in met_in_year:
            met_in_year.add((conversation.person, day.year))
            tally.add("new_callers", conversation.answer.at)
        if day >= first_covered and conversation.person not in met:
            met.add(conversation.person)
            tally.add("first_time_callers", conversation.answer.at)


def _distinct(log: Log) -> dict[Cell, set]:
    """Gather who is counted in each cell of the figures that count persons."""
    contacted, started = defaultdict(set), defaultdict(set)
    for event in log.contacts:
        for period in log.counting_periods(BOTH, log.helpline.day_of(event.at)):
            contacted[period] |= {event.visitor} - {None}
    for attempt in log.attempts:
        for period in log.counting_periods(BOTH, log.helpline.day_of(attempt.at)):
            started[attempt.outcome, period] |= {attempt.visitor} - {None}
    callers, chat_callers = defaultdict(set), defaultdict(set)
    for session in log.answered_sessions:
        for period in log.counting_periods(CHAT, log.helpline.day_of(session.answer.at)):
            callers[period].add(session.person)
            if session.is_conversation:
                chat_callers[period].add(session.person)
    who = {}
    for period in contacted.keys() | callers.keys():
        missed, answered = started["missed", period], started["answered", period]
        by_chat = chat_callers[period]
        who["pressers", period, "", ""] = contacted[period]
        who["missed_pressers", period, "", ""] = missed
        who["out_of_hours_pressers", period, "", ""] = started["out_of_hours", period]
        who["unreached_pressers", period, "", ""] = missed - answered
        who["callers", period, "", ""] = callers[period]
        who["callers", period, "channel", "chat"] = by_chat
        who["callers", period, "channel", "mail_only"] = callers[period] - by_chat
    for breakdown in NOTED:
        for (period, category), persons in _callers_noted(log, breakdown).items():
            who["callers", period, breakdown, category] = persons
    return who


def _ratios(log: Log, counts: dict[Cell, Fraction]) -> dict[Cell, Fraction]:
    ratios: dict[Cell, Fraction] = {}
    waits, durations = defaultdict(list), defaultdict(list)
    for conversation in log.conversations:
        for period in log.counting_periods(CHAT, log.helpline.day_of(conversation.answer.at)):
            waits[period].append(conversation.wait)
            durations[period].append(conversation.duration)
    for period in {cell[1] for cell in counts}:
        count = {figure: counts.get((figure, period, "", ""), 0) for figure in MEASURED}
        answered = count["answered_in_hours_attempts"]
        values = {
            "answer_rate": _divide(100 * answered, answered + count["missed_attempts"]),
            "clicks_per_conversation": _divide(count["clicks"], count["conversations"]),
            "wait_seconds_median": quantile(_seconds(waits[period]), Fraction(1, 2)),
            "wait_seconds_p90": quantile(_seconds(waits[period]), Fraction(9, 10)),
            "conversation_minutes_median": quantile(
                [seconds / 60 for seconds in _seconds(durations[period])], Fraction(1, 2)
            ),
        }
        for figure, value in values.items():
            if value is not None:
                ratios[figure, period, "", ""] = value
    return ratios


def _divide(part: Fraction, whole: Fraction) -> Fraction | None:
    return Fraction(part) / whole if whole else None


def _seconds(lengths: list[timedelta | None]) -> list[Fraction]:
    """Give lengths of time in seconds, without those that are not known or are negative."""
    microsecond = timedelta(microseconds=1)
    known = [length for length in lengths if length is not None and length >= timedelta(0)]
    return [Fraction(length // microsecond, 10**6) for length in known]


def quantile(values: list[Fraction], share: Fraction) -> Fraction | None:
    """Give the continuous quantile: linear between the two values around share x (n - 1)."""
    if not values:
        return None
    values = sorted(values)
    position = share * (len(values) - 1)
    below = position.__floor__()
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)


# --- Callers by what was noted about them --------------------------------------------------------

AGE_BANDS = {
    "under_9": range(9),
    "9-11": range(9, 12),
    "12-14": range(12, 15),
    "15-17": range(15, 18),
    "18-20": range(18, 21),
    "21-24": range(21, 25),
    "25_and_over": range(25, 121),
}


def age_band(age: int | None) -> str | None:
    """Give the band of an age in years."""
    return next((band for band, ages in AGE_BANDS.items() if age in ages), None)


def callers_by(log: Log, breakdown: str, period: str) -> Counter[str]:
    """Count the callers of a period by `gender`, `age_band` or `topic` (the main one).

    Each is counted once, by their first session of the period that says so, else as `unknown`.
    """
    noted = _callers_noted(log, breakdown)
    return Counter(
        {category: len(persons) for (name, category), persons in noted.items() if name == period}
    )


def _callers_noted(log: Log, breakdown: str) -> dict[tuple[str, str], set]:
    """Gather the callers of each period and category."""
    said: dict[tuple[str, tuple[str, str]], str | None] = {}
    for session in log.answered_sessions:
        for period in log.counting_periods(CHAT, log.helpline.day_of(session.answer.at)):
            if said.get((period, session.person)) is None:
                said[period, session.person] = _noted(session, breakdown)
    callers = defaultdict(set)
    for (period, person), category in said.items():
        callers[period, category or UNKNOWN].add(person)
    return callers


def _noted(session: Session, breakdown: str) -> str | None:
    if breakdown == "gender":
        return session.noted("gender")
    if breakdown == "topic":
        return (session.noted("topics") or [None])[0]
    if breakdown == "age_band":
        return age_band(session.noted("age"))
    raise ValueError(f"callers are not counted by {breakdown}")


# --- Breaks in the series ------------------------------------------------------------------------

# What a change of the opening hours changes the meaning of.
RESTS_ON_HOURS = {
    "missed_attempts",
    "out_of_hours_attempts",
    "answered_in_hours_attempts",
    "answer_rate",
    "missed_pressers",
    "out_of_hours_pressers",
    "unreached_pressers",
    "open_hours",
    "responder_hours",
}


class Break(NamedTuple):
    """A date from which on a figure's series is another one, and why."""

    figure: str
    starts_on: date
    kind: str
    reason: str


def breaks_of(helpline: Helpline) -> list[Break]:
    """List the breaks of all figures, in the order of figure and date.

    The opening hours break a series on the dates on which the times of a week at which the helpline
    is open by its regular hours become others: not the first of the hours, not other responders.
    """
    parts = CHANGES | MEANS
    figures = sorted(figure for figure in FIGURES if parts.get(figure, figure) in RESTS_ON_HOURS)
    changes = _changes_of_hours(helpline)
    return [
        Break(figure, day, "opening_hours", reason) for figure in figures for day, reason in changes
    ] + [
        Break(figure, helpline.starts_on, "start", f"the helpline began on {helpline.starts_on}")
        for figure in FIGURES
    ]


def break_of(log: Log, figure: str, period: str) -> str:
    """Say why the series of a figure breaks in a period: the reasons in order, or nothing.

    A period that begins with the helpline breaks nothing; a change against one in which it began
    does.
    """
    _, _, first, last = period_of(period)
    breaks = [one for one in log.breaks if one.figure == figure and one.starts_on <= last]
    told = {one for one in breaks if first <= one.starts_on}
    told -= {one for one in told if one.kind == "start" and one.starts_on == first}
    if figure in CHANGES and "W" not in period:
        before = period_of(year_before(period))
        told |= {
            one
            for one in breaks
            if one.kind == "start" and before.first < one.starts_on <= before.last
        }
    if figure in LOOKS_BACK:
        told |= {min(one for one in breaks if one.kind == "key")} if _has_key(breaks) else set()
    return "; ".join(one.reason for one in sorted(told))


def _has_key(breaks: Iterable[Break]) -> bool:
    return any(one.kind == "key" for one in breaks)


# --- Keys that change ----------------------------------------------------------------------------

# What is told of persons, who have other names under another key; and what looks back for them to
# the beginning of the logs.
OF_PERSONS = {
    figure
    for figure in FIGURES
    if (CHANGES | MEANS | {name: part for name, (part, _) in SHARES.items()}).get(figure, figure)
    in (*COUNTED_PERSONS, "new_callers", "first_time_callers")
}
LOOKS_BACK = {figure for figure in OF_PERSONS if figure.startswith("first_time_callers")}


def changes_of_keys(log: Log) -> list[Break]:
    """List the New Years at which the figures of persons get other names for them."""
    return [
        Break(
            figure,
            day,
            "key",
            f"new key of pseudonyms from {day}: nobody is recognised from before, and persons are "
            "not counted across it",
        )
        for figure in OF_PERSONS
        for day in _days_of_new_keys(log, FIGURES[figure].base)
    ]


def _days_of_new_keys(log: Log, base: Base) -> list[date]:
    days = set.intersection(*(log.covered_days[name] for name in base))
    if not days or log.helpline.rotate_keys_from is None:
        return []
    years = range(log.helpline.rotate_keys_from, max(days).year + 1)
    return [date(year, 1, 1) for year in years if date(year, 1, 1) > min(days)]


def spans_keys(log: Log, figure: str, period: str) -> bool:
    """Say whether a figure would have to recognise persons who had another name before."""
    if figure not in OF_PERSONS:
        return False
    _, _, first, last = period_of(period)
    days = _days_of_new_keys(log, FIGURES[figure].base)
    return any(day <= last and (figure in LOOKS_BACK or first < day) for day in days)


def _changes_of_hours(helpline: Helpline) -> list[tuple[date, str]]:
    starts = {date.fromisoformat(row["valid_from"]) for row in helpline.regular}
    ends = {row["valid_to"] for row in helpline.regular} - {"", "9999-12-31"}
    days = sorted(starts | {date.fromisoformat(day) + timedelta(days=1) for day in ends})
    changes = []
    for before, day in itertools.pairwise(days):
        old, new = _open_week(helpline, before), _open_week(helpline, day)
        if old != new:
            hours = f"{_hours(new)} h a week instead of {_hours(old)} h"
            if len(old) == len(new):
                hours = f"other times, {_hours(new)} h a week as before"
            changes.append((day, f"opening hours from {day}: {hours}"))
    return changes


def _open_week(helpline: Helpline, day: date) -> set[tuple[str, int]]:
    """List the minutes of a week (weekday, minute) that are open by the hours in force on a day."""
    minutes = set()
    for row in helpline.regular:
        if row["valid_from"] <= str(day) <= (row["valid_to"] or "9999"):
            opening = _opening(row)
            minutes |= {(row["weekday"], at) for at in range(opening.opens, opening.closes)}
    return minutes


def _hours(minutes: set) -> str:
    return f"{len(minutes) / 60:g}"
