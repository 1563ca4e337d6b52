"""Who calls: persons with their devices, and which conversations are whose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulation.journal import new_visitor
from simulation.opening import HOUR, MINUTE, Calendar
from simulation.targets import Targets

if TYPE_CHECKING:
    from simulation.timetable import Conversation


@dataclass
class Caller:
    """A person.

    One with a `client` number is registered with it in every session, from whatever device. One
    without is told by the device, and has only one. One with neither never comes back.
    """

    client: int | None
    devices: list[str]
    last_seen_at: int = 0
    years: set[int] = field(default_factory=set)
    gender: str | None = None
    age: int | None = None
    topic: str | None = None

    @property
    def can_return(self) -> bool:
        """Tell whether a later session of this person would be told as the same person's."""
        return self.client is not None or bool(self.devices)


class Register:
    """All callers so far."""

    def __init__(self, rng: random.Random):
        """Start with nobody."""
        self.rng = rng
        self.callers: list[Caller] = []
        self._clients = 1_000
        self._numbers_of_both: set[str] = set()

    def new_caller(self, year: int, *, by_mail: bool = False) -> Caller:
        """Add a person; from 2022 on most are registered with a client number."""
        chance = self.rng.random()
        registered = 0.75 if year >= 2022 else 0.5
        if chance < registered:
            self._clients += self.rng.randrange(1, 4)
            caller = Caller(self._clients, [self._device()])
        elif chance < 0.97 or by_mail:
            caller = Caller(None, [self._own_device()])
        else:
            caller = Caller(None, [])
        self.callers.append(caller)
        return caller

    def device_of(self, caller: Caller) -> str | None:
        """Return the device of a caller's next session; registered callers vary."""
        if caller.client is None:
            return caller.devices[0] if caller.devices else None
        chance = self.rng.random()
        if chance < 0.05:
            return None
        if chance < 0.15:
            caller.devices.append(new_visitor(self.rng))
        return caller.devices[-1] if chance < 0.5 else self.rng.choice(caller.devices)

    def _own_device(self) -> str:
        """Return a device of one caller alone, now and then numbered like another one's client."""
        number = str(self._clients)
        if self.rng.random() < 0.05 and number not in self._numbers_of_both:
            self._numbers_of_both.add(number)
            return number
        return new_visitor(self.rng)

    def _device(self) -> str:
        """Return a device, now and then one that another registered caller uses too."""
        if self.callers and self.rng.random() < 0.03:
            other = self.rng.choice(self.callers)
            if other.client is not None:
                return other.devices[0]
        return new_visitor(self.rng)


def assign_callers(
    conversations: Sequence[Conversation],
    targets: Targets,
    calendar: Calendar,
    register: Register,
) -> None:
    """Give each conversation its caller, so that each month has its number of new callers.

    A caller is new with the first conversation of a calendar year, in order of the answers.
    """
    by_month: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        by_month.setdefault(calendar.month_of(conversation.answered_at), []).append(conversation)
    for year in targets.years():
        seen: list[Caller] = []
        for month in targets.months(year):
            month_conversations = by_month[month]
            _mark_new_callers(month_conversations, targets.new_callers[month], register.rng)
            _assign_month(month_conversations, seen, year, register)


def _mark_new_callers(
    conversations: Sequence[Conversation], count: int, rng: random.Random
) -> None:
    for place in rng.sample(range(len(conversations)), count):
        conversations[place].is_new_caller = True


def _assign_month(
    conversations: Sequence[Conversation], seen: list[Caller], year: int, register: Register
) -> None:
    for place, conversation in enumerate(conversations):
        previous = conversations[place - 1] if place else None
        if not conversation.is_new_caller and _may_continue(conversation, previous, register.rng):
            _continue(conversation, previous)
            continue
        if not conversation.is_new_caller:
            caller = _returning(conversation, seen, register.rng)
            if caller is None:  # nobody can be back yet: a later newcomer comes now
                later = next(c for c in conversations[place:] if c.is_new_caller)
                later.is_new_caller, conversation.is_new_caller = False, True
        if conversation.is_new_caller:
            caller = _newcomer(conversation, year, register)
            caller.years.add(year)
            if caller.can_return:
                seen.append(caller)
        conversation.caller = caller
        caller.last_seen_at = max(caller.last_seen_at, conversation.ends_at)


def _may_continue(
    conversation: Conversation, previous: Conversation | None, rng: random.Random
) -> bool:
    """Tell whether a conversation may be the rest of one that broke off just before."""
    return (
        previous is not None
        and previous.shift is not None
        and previous.shift is conversation.shift
        and previous.scheduled_for is conversation.scheduled_for is None
        and previous.continues is None
        and previous.caller.can_return
        and 6 * MINUTE <= conversation.answered_at - previous.answered_at <= 22 * MINUTE
        and rng.random() < 0.8
    )


def _continue(conversation: Conversation, previous: Conversation) -> None:
    previous.is_cut_short = True
    previous.ends_at = min(previous.ends_at, conversation.answered_at - 4 * MINUTE)
    conversation.continues = previous
    conversation.caller = previous.caller
    conversation.caller.last_seen_at = max(conversation.caller.last_seen_at, conversation.ends_at)


def _returning(
    conversation: Conversation, seen: Sequence[Caller], rng: random.Random
) -> Caller | None:
    """Pick someone of this year; those of late come back most."""
    rested = [c for c in seen if c.last_seen_at + 3 * HOUR < conversation.answered_at]
    if not rested:
        return None
    return rested[-1 - min(int(rng.expovariate(1 / 25)), len(rested) - 1)]


def _newcomer(conversation: Conversation, year: int, register: Register) -> Caller:
    """Return someone whose first conversation of the year this is, now and then one of before."""
    if register.rng.random() < 0.15:
        known = [
            c
            for c in register.callers
            if c.can_return and year - 1 in c.years and year not in c.years
        ]
        if known:
            return register.rng.choice(known)
    return register.new_caller(year)
