"""When conversations take place: one after the other for each responder, or by appointment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from simulation.callers import Caller
from simulation.opening import HOUR, MINUTE, SECOND, Calendar, Shift
from simulation.targets import Targets, apportion

TURN = 45 * MINUTE  # a responder's time for one conversation, with the notes afterwards
BY_APPOINTMENT = 0.04  # share of the conversations outside opening hours
WEEKEND = (6, 7)


@dataclass
class Conversation:
    """One conversation as planned; who has it and how it is logged is added later."""

    answered_at: int
    ends_at: int
    scheduled_for: int | None = None
    shift: Shift | None = None
    is_new_caller: bool = False
    caller: Caller | None = None
    visitor: str | None = None
    session: str = ""
    continues: Conversation | None = None
    is_cut_short: bool = False


def plan_conversations(
    targets: Targets, calendar: Calendar, rng: random.Random
) -> list[Conversation]:
    """Return the conversations of all months, in order of their answers."""
    conversations: list[Conversation] = []
    for year in targets.years():
        weekdays = _weekdays_of_year(targets, year, rng)
        for month in targets.months(year):
            count = targets.conversations[month]
            planned = [weekdays.pop() for _ in range(count)] if weekdays else []
            conversations += _plan_month(calendar, month, count, planned, rng)
    return sorted(conversations, key=lambda conversation: conversation.answered_at)


def _weekdays_of_year(targets: Targets, year: int, rng: random.Random) -> list[int]:
    """Return the weekday of each conversation of a year, shuffled; none where any will do."""
    shares = targets.share_percent.get(year, {}).get("weekday")
    if not shares:
        return []
    total = sum(targets.conversations[month] for month in targets.months(year))
    counts = apportion(total, {int(weekday): share for weekday, share in shares.items()})
    weekdays = [weekday for weekday, count in counts.items() for _ in range(count)]
    rng.shuffle(weekdays)
    return weekdays


def _plan_month(
    calendar: Calendar, month: str, count: int, weekdays: Sequence[int], rng: random.Random
) -> list[Conversation]:
    turns = _turns_of_month(calendar, month, rng)
    if not weekdays:
        outside = sum(rng.random() < BY_APPOINTMENT for _ in range(count))
        outside = max(outside, count - len(turns))
        days = [rng.choice(calendar.days_of(month)) for _ in range(outside)]
        inside = turns[: count - outside]
    else:
        days, inside = [], []
        for weekday in sorted(weekdays):
            turn = next((t for t in turns if t[0].day.isoweekday() == weekday), None)
            if turn is None or (weekday not in WEEKEND and rng.random() < BY_APPOINTMENT / 2):
                same = [day for day in calendar.days_of(month) if day.isoweekday() == weekday]
                days.append(rng.choice(same))
            else:
                turns.remove(turn)
                inside.append(turn)
    return [_in_hours(shift, start, rng) for shift, start in inside] + [
        _by_appointment(calendar, day, rng) for day in days
    ]


def _turns_of_month(calendar: Calendar, month: str, rng: random.Random) -> list[tuple[Shift, int]]:
    """Return every responder's turns of a month in a random order, evenings rather first."""
    turns = [
        (shift, start)
        for shift in calendar.shifts_of(month)
        for _ in range(shift.responders)
        for start in range(shift.starts_at, shift.ends_at - TURN + 1, TURN)
    ]
    wish = {19: 1.0, 20: 1.2, 21: 0.9}
    order = [
        (rng.random() ** (1 / wish.get(calendar.local(start).hour, 0.8)), number)
        for number, (_, start) in enumerate(turns)
    ]
    return [turns[number] for _, number in sorted(order, reverse=True)]


def _in_hours(shift: Shift, turn: int, rng: random.Random) -> Conversation:
    answered_at = turn + rng.randrange(5 * SECOND, 12 * MINUTE)
    longest = turn + TURN - MINUTE - answered_at
    if turn + TURN >= shift.ends_at:
        longest += 30 * MINUTE
    minutes = min(rng.lognormvariate(3.4, 0.45), longest / MINUTE)
    conversation = Conversation(answered_at, answered_at + round(minutes * MINUTE), shift=shift)
    if rng.random() < 0.04:
        conversation.scheduled_for = turn
    return conversation


def _by_appointment(calendar: Calendar, day: date, rng: random.Random) -> Conversation:
    """Plan a conversation on an hour or half hour at which the helpline is closed."""
    while True:
        hours = rng.choices(range(9, 22), weights=(1, 3, 3, 1, 3, 2, 2, 3, 4, 3, 2, 2, 1))[0]
        scheduled_for = calendar.instant(day, hours * HOUR + rng.choice((0, 30)) * MINUTE)
        around = (scheduled_for - 15 * MINUTE, scheduled_for + 15 * MINUTE)
        if not any(calendar.is_open(instant) for instant in around):
            break
    answered_at = scheduled_for + rng.randrange(-20 * SECOND, 4 * MINUTE)
    ends_at = answered_at + rng.randrange(25 * MINUTE, 75 * MINUTE)
    return Conversation(answered_at, ends_at, scheduled_for)
