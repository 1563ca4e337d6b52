"""A small sample of logs for a new helpline: a few weeks of presses and sessions, always the same.

Nobody in it is real. It holds every type of event (docs/events.md), so that a first run gives
figures of every kind.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.helpline import Helpline

DAYS = 77  # two months, and the days that they take to settle
VISITORS = 160
TRIES_PER_HOUR = 2.5  # in opening hours
PRESSES_PER_DAY = 2  # out of opening hours
TYPES = {
    "button": ("button.clicked",),
    "chat": (
        *("session.scheduled", "session.requested", "session.answered"),
        *("session.abandoned", "session.ended", "session.registered"),
    ),
}


@dataclass
class Sample:
    """The events of a helpline, made one after the other by chance that is always the same."""

    helpline: Helpline
    events: list[dict] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random("a new helpline"))
    sessions: int = 0

    def add(self, kind: str, at: datetime, subject: str | None = None, **data) -> None:
        """Add an event of a kind such as `session.answered`."""
        event = {
            "specversion": "1.0",
            "id": f"e-{len(self.events) + 1:05}",
            "source": "/button" if kind == "button.clicked" else "/chat",
            "type": f"helpline.{kind}",
            "time": at.isoformat(timespec="milliseconds"),
        }
        if subject:
            event["subject"] = subject
        self.events.append(event | {"data": data})

    def someone(self) -> str:
        """Give a visitor; some come back more often than others."""
        return f"v-{int(VISITORS * self.chance.random() ** 2) + 1:03}"

    def session(self) -> str:
        """Give the next session's id."""
        self.sessions += 1
        return f"s-{self.sessions:04}"

    def moment(self, starts_at: datetime, ends_at: datetime) -> datetime:
        """Give a moment between two."""
        return starts_at + (ends_at - starts_at) * self.chance.random()

    def press(self, visitor: str, at: datetime, button: str) -> None:
        """Add a press on the button."""
        data = {"visitor": visitor, "button": button, "page": self.chance.choice(self.pages)}
        campaigns = [
            code
            for code, _, starts_on, ends_on, _ in self.helpline.tables["campaigns"]
            if (starts_on or "") <= str(at.date()) <= (ends_on or "9999")
        ]
        if campaigns and self.chance.random() < 0.2:
            data["campaign"] = self.chance.choice(campaigns)
        self.add("button.clicked", at, **data)

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages with a button."""
        return self.helpline.pages or ("/",)

    def converse(self, session: str, visitor: str, at: datetime) -> datetime:
        """Add a conversation: its answer, its end and what was noted; return when it ends."""
        codes = self.helpline.coded_fields()
        self.add("session.answered", at, session, responder=f"r-{self.chance.randint(1, 6)}")
        ends_at = at + timedelta(seconds=self.chance.randint(300, 2400))
        self.add("session.ended", ends_at, session)
        noted = {
            "client": visitor.replace("v-", "c-"),
            "gender": self.chance.choice(codes["gender"] or [None]),
            "age": None if self.chance.random() < 0.1 else 9 + hash_of(visitor) % 15,
            "topics": self.chance.sample(codes["topics"], min(len(codes["topics"]), 2)),
            "referred_by": self.chance.choice([*codes["referred_by"], None, None, None]),
        }
        noted_at = ends_at + timedelta(minutes=5)
        self.add("session.registered", noted_at, session, **noted)
        return ends_at


def hash_of(visitor: str) -> int:
    """Give a number that is always the same for a visitor."""
    return sum(ord(letter) * place for place, letter in enumerate(visitor, 1))


def write_sample(helpline: Helpline, folder: Path) -> None:
    """Write a sample of logs, a file for each log and month, into a folder that is made for it."""
    first = helpline.starts_on
    days = [first + timedelta(days=number) for number in range(DAYS)]
    sample = Sample(helpline)
    for day in days:
        _add_day(sample, day)
    folder.mkdir()
    for log, types in TYPES.items():
        for month, stretch in _months(days).items():
            events = [
                event
                for event in sample.events
                if event["type"].removeprefix("helpline.") in types
                and stretch[0].isoformat() <= event["time"][:10] <= stretch[-1].isoformat()
            ]
            events.append(_covered(helpline, log, stretch))
            path = folder / f"{log}-{month}.ndjson"
            path.write_text("".join(_lines(events)), encoding="utf-8")


def _months(days: Iterable[date]) -> dict[str, list[date]]:
    months: dict[str, list[date]] = {}
    for day in days:
        months.setdefault(f"{day:%Y-%m}", []).append(day)
    return months


def _covered(helpline: Helpline, log: str, days: list[date]) -> dict:
    """Make the statement that all of a log was delivered for some days on end."""
    starts_at, ends_at = _midnight(helpline, days[0]), _midnight(helpline, days[-1], 1)
    return {
        "specversion": "1.0",
        "id": f"covered-{days[0]}",
        "source": f"/{log}",
        "type": "helpline.log.covered",
        "time": ends_at.isoformat(),
        "data": {
            "log": log,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
        },
    }


def _lines(events: Iterable[dict]) -> Iterator[str]:
    for event in sorted(events, key=lambda one: datetime.fromisoformat(one["time"])):
        yield json.dumps(event, separators=(",", ":")) + "\n"


def _midnight(helpline: Helpline, day: date, days_later: int = 0) -> datetime:
    day += timedelta(days=days_later)
    return datetime.combine(day, time(), ZoneInfo(helpline.timezone))


def _add_day(sample: Sample, day: date) -> None:
    openings = list(_openings(sample.helpline, day))
    for opens, closes, responders in openings:
        _add_opening(sample, opens, closes, responders)
    midnight = _midnight(sample.helpline, day)
    for _ in range(PRESSES_PER_DAY):
        at = sample.moment(midnight + timedelta(hours=7), midnight + timedelta(hours=23))
        if not any(opens <= at < closes for opens, closes, _ in openings):
            sample.press(sample.someone(), at, "closed")
    if day.isoweekday() == 5:
        _add_appointment(sample, midnight + timedelta(hours=10))
    if day.isoweekday() == 2:
        _add_mail(sample, midnight + timedelta(hours=11))


def _openings(helpline: Helpline, day: date) -> Iterator[tuple[datetime, datetime, int]]:
    """Give the openings of a date: from when to when, and with how many responders."""
    closed = {row[0] for row in helpline.tables["closures"]}
    rows = [row[1:4] for row in helpline.tables["extra_openings"] if row[0] == str(day)]
    if str(day) not in closed:
        rows += [
            row[3:6]
            for row in helpline.tables["opening_hours"]
            if row[2] == str(day.isoweekday()) and row[0] <= str(day) <= (row[1] or "9999")
        ]
    midnight = _midnight(helpline, day)
    for opens, closes, responders in rows:
        yield midnight + _clock(opens), midnight + _clock(closes), int(responders)


def _clock(text: str) -> timedelta:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _add_opening(sample: Sample, opens: datetime, closes: datetime, responders: int) -> None:
    """Add the tries of one opening: answered as long as a responder is free."""
    hours = (closes - opens) / timedelta(hours=1)
    arrivals = sorted(sample.moment(opens, closes) for _ in range(round(hours * TRIES_PER_HOUR)))
    free_at = [opens] * responders
    for at in arrivals:
        visitor, session = sample.someone(), sample.session()
        is_busy = bool(free_at) and min(free_at) > at
        sample.press(visitor, at, "busy" if is_busy else "open")
        requested_at = at + timedelta(seconds=sample.chance.randint(5, 40))
        sample.add("session.requested", requested_at, session, visitor=visitor, channel="chat")
        if is_busy or not free_at:
            left_at = requested_at + timedelta(seconds=sample.chance.randint(20, 600))
            sample.add("session.abandoned", left_at, session)
        else:
            answered_at = requested_at + timedelta(seconds=sample.chance.randint(5, 120))
            free_at[free_at.index(min(free_at))] = sample.converse(session, visitor, answered_at)


def _add_appointment(sample: Sample, at: datetime) -> None:
    """Add a conversation by appointment, made the day before."""
    visitor, session = sample.someone(), sample.session()
    scheduled_by = sample.chance.choice([*sample.helpline.coded_fields()["scheduled_by"], None])
    data = {"visitor": visitor, "channel": "chat", "scheduled_for": at.isoformat()}
    made_at = max(at - timedelta(days=1), _midnight(sample.helpline, sample.helpline.starts_on))
    sample.add("session.scheduled", made_at, session, **data, scheduled_by=scheduled_by)
    requested_at = at - timedelta(seconds=sample.chance.randint(10, 90))
    sample.add("session.requested", requested_at, session, visitor=visitor, channel="chat")
    sample.converse(session, visitor, at + timedelta(seconds=sample.chance.randint(10, 200)))


def _add_mail(sample: Sample, at: datetime) -> None:
    """Add a mail, and its answer in the afternoon."""
    visitor, session = sample.someone(), sample.session()
    sample.add("session.requested", at, session, visitor=visitor, channel="mail")
    sample.converse(session, visitor, at + timedelta(hours=4))
