"""What happened: the events as the helpline's systems wrote them down, in any order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from simulation.opening import SECOND, Calendar

# What the logs hold where a visitor could not be told.
NO_VISITOR = ("", None, "undefined", "null", "0", 0)
UNLISTED_PAGES = ("/admin/preview", "/nl/oude-startpagina", "/intern/test")


@dataclass
class Event:
    """One event; `kind` is its type without the common `helpline.`."""

    time: int
    log: str
    source: str
    kind: str
    subject: object
    data: dict
    id: object = None


@dataclass
class Journal:
    """All events, and how many clicks each month has so far."""

    calendar: Calendar
    rng: random.Random
    events: list[Event] = field(default_factory=list)
    clicks: Counter = field(default_factory=Counter)
    _sessions: int = 20_000

    def click(self, time: int, visitor: str | None, button: str) -> None:
        """Note a press on the chat button; without `visitor` as one of the ways to have none."""
        data = {"visitor": self._visitor(visitor), "button": button, "page": self._page()}
        campaign = self._campaign(time)
        if campaign:
            data["campaign"] = campaign
        chance = self.rng.random()
        if chance < 0.01:
            del data["button"]
        elif chance < 0.015:
            data["button"] = "offline"
        elif chance < 0.05:
            data["user_agent"] = "Mozilla/5.0 (Android 12; Mobile; rv:102.0) Gecko/102.0"
            data["ip"] = f"192.0.2.{self.rng.randrange(256)}"
        self.clicks[self.calendar.month_of(time)] += 1
        self.events.append(Event(time, "button", "/button", "button.clicked", None, data))

    def note(self, time: int, kind: str, session: str, data: dict, source: str = "/chat") -> None:
        """Note an event of a session."""
        self.events.append(Event(time, "chat", source, f"session.{kind}", session, data))

    def request(self, time: int, session: str, visitor: str | None, channel: str = "chat") -> None:
        """Note a request; mail has a source of its own."""
        data = {"visitor": self._visitor(visitor), "channel": channel}
        self.note(time, "requested", session, data, "/mail" if channel == "mail" else "/chat")

    def new_session(self) -> str:
        """Return the id of a session that has not been used before."""
        self._sessions += self.rng.randrange(1, 9)
        return str(self._sessions)

    def _visitor(self, visitor: str | None) -> object:
        return self.rng.choice(NO_VISITOR) if visitor is None else visitor

    def _page(self) -> str | None:
        chance = self.rng.random()
        if chance < 0.02:
            return self.rng.choice(UNLISTED_PAGES)
        if chance < 0.05:
            return None
        page = self.rng.choices(self.calendar.pages, weights=(9, 6, 1, 1, 2, 2, 1))[0]
        if chance < 0.10:
            return f"https://www.nupraatikerover.be{page}?utm_source=instagram"
        return page

    def _campaign(self, time: int) -> str | None:
        day = self.calendar.day_of(time)
        running = [c for c in self.calendar.campaigns if c.starts_on <= day <= c.ends_on]
        if running and self.rng.random() < 0.25:
            return self.rng.choice(running).code
        return "zomer2019" if self.rng.random() < 0.003 else None


class Visits:
    """When each visitor was in contact, so that planned attempts never run into one another."""

    apart = 2 * 3_600 * SECOND

    def __init__(self) -> None:
        """Start with nobody."""
        self._contacts: dict[str, list[tuple[int, int]]] = {}

    def is_free(self, visitor: str, starts_at: int, ends_at: int) -> bool:
        """Tell whether a visitor has no contact within two hours of an interval."""
        return all(
            ends_at + self.apart <= start or end + self.apart <= starts_at
            for start, end in self._contacts.get(visitor, ())
        )

    def add(self, visitor: str | None, starts_at: int, ends_at: int) -> None:
        """Note that a visitor was in contact."""
        if visitor is not None:
            self._contacts.setdefault(visitor, []).append((starts_at, ends_at))

    def between(self, starts_at: int, ends_at: int) -> list[str]:
        """Return the visitors with a contact that starts in `[starts_at, ends_at)`."""
        return [
            visitor
            for visitor, contacts in self._contacts.items()
            if any(starts_at <= start < ends_at for start, _ in contacts)
        ]


def new_visitor(rng: random.Random) -> str:
    """Return a new device's id; some are numbers, as clients are."""
    if rng.random() < 0.05:
        return str(rng.randrange(100_000, 2_000_000_000))
    return f"{rng.getrandbits(64):016x}"
