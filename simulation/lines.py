"""Events as lines of CloudEvents JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC

from simulation.journal import Event
from simulation.opening import Calendar

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def number_events(events: Sequence[Event], rng: random.Random) -> None:
    """Give each event its id: random text from the button, running numbers elsewhere.

    The numbers of two sources overlap, and are partly text and partly JSON numbers.
    """
    running: dict[str, int] = {}
    for event in events:
        if event.source == "/button":
            event.id = f"{rng.getrandbits(64):016x}"
            continue
        running[event.source] = running.get(event.source, 100) + 1
        number = running[event.source]
        event.id = number if event.source == "/appointments" else str(number)


def write_line(event: Event, calendar: Calendar) -> bytes:
    """Return an event as one line without its end.

    The button writes local time with its offset and milliseconds, sessions are in UTC.
    """
    local = calendar.local(event.time)
    if event.kind.startswith("session."):
        time = local.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    else:
        time = local.isoformat(timespec="milliseconds")
    cloud_event = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": f"helpline.{event.kind}",
        "time": time,
    }
    if event.subject is not None:
        cloud_event["subject"] = event.subject
    cloud_event["data"] = event.data
    return ENCODER.encode(cloud_event).encode()


def covered_event(log: str, day: int, calendar: Calendar) -> Event:
    """Return the event by which a log says that a whole local day has been delivered."""
    bounds = [*calendar.starts, calendar.ends_at]
    starts_at, ends_at = (
        calendar.local(instant).isoformat(timespec="seconds") for instant in bounds[day : day + 2]
    )
    data = {"log": log, "starts_at": starts_at, "ends_at": ends_at}
    number = f"{log}-{calendar.days[day].isoformat()}"
    return Event(bounds[day + 1] - 1, log, f"/{log}/export", "log.covered", None, data, number)
