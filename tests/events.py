"""Events in one line each, for tests: `click("anna", "2022-03-01 18:42", button="closed")`.

Times are wall times of Europe/Brussels unless they carry an offset of their own. A builder returns
the event as a dictionary that a test may still alter; `deliver` writes events to an NDJSON file and
`helpline` writes a helpline's folder.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from backports import zstd

from tests.reference import pseudonym

ZONE = ZoneInfo("Europe/Brussels")
KEY = "a key for tests only: protects no one's identity"

Event = dict
When = str | date | datetime

_numbers = itertools.count(1)


def moment(when: When, *, fold: int | None = None, offset: str | None = None) -> str:
    """Write an instant as RFC 3339 text.

    `when` is an aware datetime, text with an offset or `Z`, or a wall time of Europe/Brussels such
    as "2022-03-01 18:42", "2022-03-01 18:42:11.123" or "2022-03-01" (midnight). `offset` ("+02:00")
    makes it a wall time of that offset instead; `fold` says which of the two a repeated one is.

    Raises ValueError for a wall time that the clocks skip, or repeat without `fold` or `offset`.
    """
    if isinstance(when, str):
        explicit = re.search(r"(Z|[+-]\d\d:\d\d)$", when)
        when = datetime.fromisoformat(when + (offset or "") if not explicit else when)
    elif not isinstance(when, datetime):
        when = datetime.combine(when, time())
    if when.tzinfo is None:
        when = _in_brussels(when, fold)
    text = when.isoformat()
    return re.sub(r"(\.\d{3})000(?=[+-]|$)", r"\1", text)


def _in_brussels(wall: datetime, fold: int | None) -> datetime:
    first, second = (wall.replace(tzinfo=ZONE, fold=which) for which in (0, 1))
    if first.astimezone(UTC).astimezone(ZONE).replace(tzinfo=None) != wall:
        raise ValueError(f"{wall} does not exist in {ZONE}")
    if first.utcoffset() != second.utcoffset() and fold is None:
        raise ValueError(f"{wall} comes twice in {ZONE}: say which with fold=0 or fold=1")
    return second if fold == 1 else first


def _event(
    name: str,
    when: When,
    data: dict,
    *,
    subject: str | int | None = None,
    source: str,
    id: str | int | None = None,
    fold: int | None = None,
    offset: str | None = None,
) -> Event:
    event = {
        "specversion": "1.0",
        "id": f"e{next(_numbers)}" if id is None else id,
        "source": source,
        "type": f"helpline.{name}",
        "time": moment(when, fold=fold, offset=offset),
    }
    if subject is not None:
        event["subject"] = subject
    event["data"] = {field: value for field, value in data.items() if value is not None}
    return event


def click(visitor, when, *, button=None, page=None, campaign=None, source="/button", **at) -> Event:
    """Build one press on the chat button; `at` takes `id`, `fold` and `offset`."""
    data = {"visitor": visitor, "button": button, "page": page, "campaign": campaign}
    return _event("button.clicked", when, data, source=source, **at)


def schedule(
    session,
    visitor,
    when,
    *,
    scheduled_for: When | None = None,
    scheduled_by=None,
    channel="chat",
    source="/chat",
    **at,
) -> Event:
    """Build an appointment, made at `when`; `scheduled_for` is a time like any other."""
    data = {
        "visitor": visitor,
        "channel": channel,
        "scheduled_for": None if scheduled_for is None else moment(scheduled_for),
        "scheduled_by": scheduled_by,
    }
    return _event("session.scheduled", when, data, subject=session, source=source, **at)


def request(session, visitor, when, *, channel="chat", source="/chat", **at) -> Event:
    """Build a visitor's request for a session."""
    data = {"visitor": visitor, "channel": channel}
    return _event("session.requested", when, data, subject=session, source=source, **at)


def answer(session, responder, when, *, source="/chat", **at) -> Event:
    """Build a responder's answer."""
    data = {"responder": responder}
    return _event("session.answered", when, data, subject=session, source=source, **at)


def abandon(session, when, *, source="/chat", **at) -> Event:
    """Build a departure before any answer."""
    return _event("session.abandoned", when, {}, subject=session, source=source, **at)


def end(session, when, *, source="/chat", **at) -> Event:
    """Build the end of a session."""
    return _event("session.ended", when, {}, subject=session, source=source, **at)


def register(
    session,
    when,
    *,
    client=None,
    gender=None,
    age=None,
    topics=None,
    referred_by=None,
    source="/chat",
    **at,
) -> Event:
    """Build a registration: what the responder noted about a session."""
    data = {
        "client": client,
        "gender": gender,
        "age": age,
        "topics": topics,
        "referred_by": referred_by,
    }
    return _event("session.registered", when, data, subject=session, source=source, **at)


def covered(log, starts_at: When, ends_at: When, when: When | None = None, **at) -> Event:
    """Build a statement that `log` ("button" or "chat") was delivered whole in between.

    A date means its midnight: `covered("button", "2022-03-01", "2022-03-02")` covers one day. The
    event's own time is `when`, by default the end of what it covers.
    """
    data = {"log": log, "starts_at": moment(starts_at), "ends_at": moment(ends_at)}
    source = at.pop("source", f"/{log}")
    return _event("log.covered", ends_at if when is None else when, data, source=source, **at)


def pack(events) -> bytes:
    """Write events as NDJSON; text and bytes among them are lines as they stand."""
    lines = []
    for event in events:
        if isinstance(event, dict):
            event = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        lines.append(event.encode() if isinstance(event, str) else event)
    return b"".join(line + b"\n" for line in lines)


def compressed(content: bytes, compress: str | None) -> bytes:
    """Compress a file's content: "gz", "zst" or None; the same content gives the same bytes."""
    if compress == "gz":
        return gzip.compress(content, mtime=0)
    if compress == "zst":
        return zstd.compress(content)
    return content


def deliver(folder: Path, name: str, events, compress: str | None = None) -> Path:
    """Write events to the NDJSON file `name` in `folder`, ".gz" or ".zst" added if compressed."""
    path = Path(folder) / (f"{name}.{compress}" if compress else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(compressed(pack(events), compress))
    return path


SETTINGS = {
    "name": "Helpline of the tests",
    "language": "nl",
    "timezone": "Europe/Brussels",
    "starts_on": date(2020, 1, 1),
    "attempt_gap_minutes": 30,
    "settling_days": 10,
    "small_count_threshold": 5,
    "pages": ["/"],
    "keep_events_years": None,
    "rotate_keys_from": None,
    "tolerated_loss_percent": None,
    "quiet_days": None,
    "no_identifiers": None,
    "other_types": None,
}
HEADERS = {
    "opening_hours": "valid_from,valid_to,weekday,opens,closes,responders",
    "closures": "date,reason",
    "extra_openings": "date,opens,closes,responders,reason",
    "codes": "breakdown,code,label_nl,label_en,sort",
    "data_gaps": "log,starts_on,ends_on,reason",
    "accepted": "log,starts_on,ends_on,lost_lines,reason,author,decided_on",
    "campaigns": "code,name,starts_on,ends_on,channel",
    "exclusions": "exclusion,field,value,starts_at,ends_at,reason,author,expected_events",
    "published": "document,published_on,figure,period,breakdown,category,value,as_printed",
    "revisions": "figure,period,breakdown,category,value,reason,author,decided_on",
}
TABLES = {
    # Monday to Thursday evening with two responders, Wednesday and Friday afternoon with one.
    "opening_hours": [
        "2020-01-01,,1,19:00,22:00,2",
        "2020-01-01,,2,19:00,22:00,2",
        "2020-01-01,,3,14:00,17:00,1",
        "2020-01-01,,3,19:00,22:00,2",
        "2020-01-01,,4,19:00,22:00,2",
        "2020-01-01,,5,14:00,17:00,1",
    ],
    "codes": [
        "button,open,Open,Open,1",
        "button,busy,Bezet,Busy,2",
        "button,closed,Gesloten,Closed,3",
        "channel,chat,Chat,Chat,1",
        "channel,mail,Mail,Mail,2",
        "channel,mail_only,Enkel mail,Mail only,3",
        "gender,female,Meisje,Girl,1",
        "gender,male,Jongen,Boy,2",
        "gender,other,Anders,Other,3",
        "age_band,under_9,Jonger dan 9,Under 9,1",
        "age_band,9-11,9–11,9–11,2",
        "age_band,12-14,12–14,12–14,3",
        "age_band,15-17,15–17,15–17,4",
        "age_band,18-20,18–20,18–20,5",
        "age_band,21-24,21–24,21–24,6",
        "age_band,25_and_over,25 en ouder,25 and over,7",
        "age_band,unknown,Onbekend,Unknown,8",
        "referred_by,awel,Awel,Awel,1",
        "referred_by,1712,1712,1712,2",
        "scheduled_by,responder,Beantwoorder,Responder,1",
        "scheduled_by,visitor,Bezoeker,Visitor,2",
        "topic,bullying,Pesten,Bullying,1",
        "topic,home,Thuis,Home,2",
        "topic,violence,Geweld,Violence,3",
    ],
    "closures": [],
    "extra_openings": [],
    "data_gaps": [],
    "accepted": [],
    "campaigns": [],
    "exclusions": [],
    "published": [],
    "revisions": [],
}


def helpline(folder: Path, **overrides) -> Path:
    """Write a helpline's folder; `overrides` replace settings, or the lines of a table.

    `helpline(folder, settling_days=0, closures=["2022-12-25,Christmas"])`. Raises TypeError for a
    name that is neither a setting nor a table.
    """
    unknown = overrides.keys() - SETTINGS.keys() - TABLES.keys()
    if unknown:
        raise TypeError(f"neither a setting nor a table of a helpline: {sorted(unknown)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {name: overrides.get(name, value) for name, value in SETTINGS.items()}
    lines = [f"{name} = {_toml(value)}" for name, value in settings.items() if value is not None]
    (folder / "helpline.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for table, header in HEADERS.items():
        rows = overrides.get(table, TABLES[table])
        text = "".join(f"{line}\n" for line in [header, *rows])
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


def exclusion(name, field, value, starts_at="", ends_at="", *, expected_events=0, key=KEY) -> str:
    """Build a line of exclusions.csv; a visitor's value is the identifier, written as pseudonym."""
    if field == "visitor":
        value = pseudonym(key, "visitor", str(value))
    bounds = ",".join(moment(bound) if bound else "" for bound in (starts_at, ends_at))
    return f"{name},{field},{value},{bounds},Not a visitor,The tests,{expected_events}"


def published(figure, period, value, *, breakdown="", category="") -> str:
    """Build a line of published.csv: a figure that a document printed."""
    cell = f"{figure},{period},{breakdown},{category}"
    return f"a document,2023-01-30,{cell},{value},{value}"


def _toml(value) -> str:
    # JSON's strings, numbers and lists are TOML's too; a date stands bare.
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
