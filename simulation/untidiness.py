"""What logs go through on their way: repeated, late, out of order, and in part unreadable.

None of it changes a figure: a clash of copies leaves the true one the earliest, and a line that
cannot be read is one too many, never one that is missed.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from simulation.journal import Event
from simulation.opening import MINUTE, SECOND, Calendar

LATE = 0.02
REPEATED = 0.012
CLASHING = 0.002
CLASH_WITHIN = 20 * MINUTE
OUT_OF_ORDER = 0.08
SPOILED_FILE = 0.05  # share of the files with one unreadable line

# Of a month at most so many lines are lost of a type of event, and of a log: no more than a trace,
# so that its figures stay final.
MOST_LOST_OF_TYPE = 2
MOST_LOST_OF_LOG = 3
TYPE = re.compile(rb"helpline\.[a-z]+\.[a-z]+")

# Makes a line that cannot be read from an event that can.
Fault = Callable[[dict, random.Random], dict | bytes]


@dataclass(frozen=True)
class Delivered:
    """One event as delivered: in the file of a day (by its number), at a place in it."""

    event: Event
    day: int
    place: int


class Trace:
    """Counts what is lost by month, log and type of event, and says when it is enough."""

    def __init__(self) -> None:
        self._lost: Counter[tuple[str, ...]] = Counter()

    def takes(self, month: str, log: str, kind: str) -> bool:
        """Count one more lost line, unless its month has lost enough."""
        if self._lost[month, log] >= MOST_LOST_OF_LOG:
            return False
        if self._lost[month, log, kind] >= MOST_LOST_OF_TYPE:
            return False
        self._lost.update([(month, log), (month, log, kind)])
        return True


def deliver(
    events: Iterable[Event], calendar: Calendar, rng: random.Random, trace: Trace
) -> list[Delivered]:
    """Lay events into daily files, with late ones, copies and clashes."""
    numbers = {day: number for number, day in enumerate(calendar.days)}
    last = len(calendar.days) - 1
    delivered = []
    for event in events:
        own = numbers[calendar.day_of(event.time)]
        day = min(own + rng.randint(1, 5), last) if rng.random() < LATE else own
        place = event.time + (rng.randrange(30 * MINUTE) if rng.random() < OUT_OF_ORDER else 0)
        delivered.append(Delivered(event, day, place))
        chance = rng.random()
        if chance < REPEATED:
            again = min(own + rng.choice((0, 0, 1, 3, 5)), last)
            delivered.append(Delivered(event, again, place + rng.randrange(MINUTE)))
        elif chance < REPEATED + CLASHING and event.time + CLASH_WITHIN < calendar.ends_at:
            altered = _altered(event, rng)
            again = min(numbers[calendar.day_of(altered.time)] + rng.choice((0, 0, 1, 2)), last)
            month = calendar.month_of(altered.time)
            if trace.takes(month, event.log, f"helpline.{event.kind}"):
                delivered.append(Delivered(altered, again, place - SECOND))
    return delivered


def _altered(event: Event, rng: random.Random) -> Event:
    """Return a copy with a later time and another content."""
    other = dict(event.data)
    for name in ("visitor", "responder", "client", "scheduled_for"):
        if name in other:
            other[name] = f"{rng.getrandbits(64):016x}" if name != "scheduled_for" else None
    later = rng.randrange(SECOND, CLASH_WITHIN)
    return replace(event, time=event.time + later, data=other)


def spoiled_lines(
    lines: Sequence[bytes], faults: Iterator[Fault], rng: random.Random
) -> list[bytes]:
    """Return the unreadable lines of a file, in most files none, in others with the next fault."""
    if rng.random() >= SPOILED_FILE:
        return []
    line = next(faults)(json.loads(rng.choice(lines)), rng)
    if isinstance(line, dict):
        line = json.dumps(line).encode()
    return [line] if rng.random() < 0.9 else [line, b""]


def type_in(line: bytes) -> str:
    """Give the type of event whose name a line holds; empty if it holds none."""
    found = TYPE.search(line)
    return found[0].decode() if found else ""


def _cut_off(event: dict, rng: random.Random) -> bytes:
    line = json.dumps(event)
    return line[: rng.randrange(20, len(line) - 1)].encode()


def _wrong_encoding(event: dict, rng: random.Random) -> bytes:
    return json.dumps(event | {"note": "één"}, ensure_ascii=False).encode("latin-1")


def _without(event: dict, rng: random.Random) -> dict:
    left_out = rng.choice(("id", "source", "type", "specversion"))
    return {name: value for name, value in event.items() if name != left_out}


def _not_an_object(event: dict, rng: random.Random) -> bytes:
    return json.dumps([event["time"], event["type"]]).encode()


def _unknown_type(event: dict, rng: random.Random) -> dict:
    return event | _new_id(rng) | {"type": rng.choice(("helpline.page.viewed", "click"))}


def _local_time_without_offset(event: dict, rng: random.Random) -> dict:
    return event | _new_id(rng) | {"time": event["time"][:19]}


def _written_time(event: dict, rng: random.Random) -> dict:
    return event | _new_id(rng) | {"time": "01/03/2022 19:02"}


def _clock_not_set(event: dict, rng: random.Random) -> dict:
    return event | _new_id(rng) | {"time": "1970-01-01T00:00:12.000Z"}


def _before_the_start(event: dict, rng: random.Random) -> dict:
    return event | _new_id(rng) | {"time": "2019-11-30T19:30:00+01:00"}


def _clock_overrun(event: dict, rng: random.Random) -> dict:
    return event | _new_id(rng) | {"time": "2106-02-07T06:28:15.000Z"}


def _no_session(event: dict, rng: random.Random) -> dict:
    data = {"responder": "r1"}
    subject = rng.choice(("", "undefined", "null", 0, None))
    changed = {"type": "helpline.session.answered", "subject": subject, "data": data}
    return event | _new_id(rng) | changed


def _bad_channel(event: dict, rng: random.Random) -> dict:
    data = {"visitor": "", "channel": rng.choice(("phone", None, "Chat"))}
    changed = {"type": "helpline.session.requested", "subject": "19999", "data": data}
    return event | _new_id(rng) | changed


def _bad_coverage(event: dict, rng: random.Random) -> dict:
    data = {"log": rng.choice(("chat", "phone")), "starts_at": "2022-03-02T00:00:00+01:00"}
    data["ends_at"] = "2022-03-01T00:00:00+01:00"
    return event | _new_id(rng) | {"type": "helpline.log.covered", "data": data}


def _new_id(rng: random.Random) -> dict:
    return {"id": f"x{rng.getrandbits(48):012x}"}


BUTTON_FAULTS = (
    _cut_off,
    _cut_off,
    _wrong_encoding,
    _without,
    _not_an_object,
    _unknown_type,
    _local_time_without_offset,
    _written_time,
    _clock_not_set,
    _clock_overrun,
    _before_the_start,
)
CHAT_FAULTS = (*BUTTON_FAULTS, _no_session, _bad_channel, _bad_coverage)
FAULTS = {"button": BUTTON_FAULTS, "chat": CHAT_FAULTS}
