"""Presses on the button that led to no conversation: missed, and out of hours."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from simulation.journal import new_visitor
from simulation.opening import HOUR, MINUTE, SECOND, Calendar, Shift
from simulation.sessions import Teller
from simulation.targets import Targets, apportion
from simulation.timetable import Conversation

# How often visitors press while closed, by the hour of the day: after school and in the evening.
BY_HOUR = (6, 3, 2, 1, 1, 1, 2, 4, 4, 5, 6, 6, 8, 7, 8, 9, 14, 15, 14, 12, 12, 12, 14, 10)
MISSED_WITHOUT_VISITOR = 30  # a year
OUT_OF_HOURS_WITHOUT_VISITOR = 0.012  # share of the out-of-hours attempts
SECOND_CLICKS = 0.15  # share of the clicks of a month of 2020 that no attempt accounts for yet


@dataclass(frozen=True)
class Press:
    """A moment at which someone presses, and the delays after which the same one presses again."""

    time: int
    again: tuple[int, ...] = ()


@dataclass
class Pressers:
    """Adds presses to the journal until the targets are met."""

    teller: Teller
    targets: Targets
    conversations: Sequence[Conversation]
    rng: random.Random
    _by_month: dict[str, list[Conversation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the conversations in opening hours by month: when they go on, others are missed."""
        for conversation in self.conversations:
            if conversation.shift:
                month = self.calendar.month_of(conversation.answered_at)
                self._by_month.setdefault(month, []).append(conversation)

    @property
    def calendar(self) -> Calendar:
        """The helpline's calendar."""
        return self.teller.calendar

    def tell_missed(self, year: int) -> None:
        """Log missed attempts by as many distinct visitors a month and a year as printed."""
        pairs = self._missed_pairs(year)
        edges = {
            month: missed_edges(self.calendar, month, self.rng)
            for month in self.targets.months(year)
        }
        for visitor, month in pairs:
            press = self._find_free(visitor, edges[month], lambda m=month: self._while_busy(m))
            self._tell_missed(visitor, press)
        for visitor, month in self.rng.sample(pairs, len(pairs) // 30):  # missed once more
            self._tell_missed(
                visitor, self._find_free(visitor, [], lambda m=month: self._while_busy(m))
            )
        for _ in range(MISSED_WITHOUT_VISITOR if year < 2023 else 2):
            month = self.rng.choice(self.targets.months(year))
            self.teller.journal.click(self._while_busy(month).time, None, "busy")

    def tell_out_of_hours(self, year: int) -> None:
        """Log the attempts out of hours; where printed, by as many new visitors as are wanting."""
        attempts = self._out_of_hours_by_month(year)
        total = sum(attempts.values())
        known = self._visitors_of(year)
        wanting = round(total * 0.7)
        if year in self.targets.pressers:
            wanting = self.targets.pressers[year] - len(known)
        new = [new_visitor(self.rng) for _ in range(wanting)]
        missing = round(total * OUT_OF_HOURS_WITHOUT_VISITOR)
        weights = [self.rng.expovariate(1) ** 2 for _ in (*new, *known)]
        again = self.rng.choices((*new, *known), weights, k=total - wanting - missing)
        presses = self._out_of_hours_presses(attempts)
        for visitor in [*new, *again]:
            self._tell_out_of_hours(visitor, presses)
        for press in presses:
            self.teller.journal.click(press.time, None, "closed")

    def tell_second_clicks(self, year: int) -> None:
        """Log double and repeated clicks in attempts, in 2020 up to the printed clicks."""
        clicks = self.teller.journal.clicks
        by_month: dict[str, list[tuple[str, int]]] = {}
        for visitor, time in self.teller.told.attempts:
            by_month.setdefault(self.calendar.month_of(time), []).append((visitor, time))
        for month in self.targets.months(year):
            total = self.targets.clicks.get(month, round(clicks[month] * 1.015))
            if clicks[month] > total:
                raise AssertionError(f"{month} has more clicks than its target")
            while clicks[month] < total:
                visitor, time = self.rng.choice(by_month[month])
                again = time + self._delay()
                if again < self.calendar.ends_at and self.calendar.month_of(again) == month:
                    button = "busy" if self.calendar.is_open(again) else "closed"
                    self.teller.journal.click(again, visitor, button)

    def _missed_pairs(self, year: int) -> list[tuple[str, str]]:
        """Return which visitor is to be missed in which month.

        Those that the sessions ask for come first, each once; then new visitors, each in one
        month, up to the number of the year; the places that are left go to some of them again.
        """
        months = {month: self.targets.missed_pressers[month] for month in self.targets.months(year)}
        told = self.teller.told
        done = [pair for pair in sorted(told.missed) if pair[1] in months]
        asked = dict(pair for pair in sorted(told.to_miss) if pair[1] in months)
        pairs = [*done, *(pair for pair in asked.items() if pair[0] not in dict(done))]
        taken = Counter(month for _, month in pairs)
        places = [m for m, count in months.items() for _ in range(count - taken[m])]
        self.rng.shuffle(places)
        known = sorted({visitor for visitor, _ in pairs})
        wanted = self.targets.missed_pressers_of_year.get(year, len(known) + len(places))
        new = [new_visitor(self.rng) for _ in range(wanted - len(known))]
        pairs += zip(new, places, strict=False)
        chosen = set(pairs)
        for month in places[len(new) :]:
            visitor = self.rng.choice(new)
            while (visitor, month) in chosen:
                visitor = self.rng.choice(new)
            chosen.add((visitor, month))
            pairs.append((visitor, month))
        return pairs[len(done) :]

    def _tell_missed(self, visitor: str, press: Press) -> None:
        """Log a press while all responders are busy; some wait in a session and give up."""
        rng, journal = self.rng, self.teller.journal
        chance = rng.random()
        if chance > 0.01:
            journal.click(press.time, visitor, "busy" if chance > 0.04 else "open")
        if chance < 0.04:
            session = journal.new_session()
            requested_at = press.time + (rng.randrange(2_000, 20_000) if chance > 0.01 else 0)
            journal.request(requested_at, session, visitor)
            if rng.random() < 0.9:
                left_at = requested_at + rng.randrange(20 * SECOND, 15 * MINUTE)
                journal.note(left_at, "abandoned", session, {})
        self._remember(visitor, press)

    def _tell_out_of_hours(self, visitor: str, presses: list[Press]) -> None:
        """Log the next press at which this visitor is free."""
        for place in range(len(presses) - 1, -1, -1):
            press = presses[place]
            last = press.time + max(press.again, default=0)
            if self.teller.visits.is_free(visitor, press.time, last):
                del presses[place]
                self.teller.journal.click(press.time, visitor, "closed")
                for delay in press.again:
                    button = "busy" if self.calendar.is_open(press.time + delay) else "closed"
                    self.teller.journal.click(press.time + delay, visitor, button)
                self._remember(visitor, press)
                return
        raise AssertionError("no press out of hours is left for a visitor")

    def _remember(self, visitor: str, press: Press) -> None:
        last = press.time + max(press.again, default=0)
        self.teller.visits.add(visitor, press.time, last)
        self.teller.told.attempts.append((visitor, press.time))

    def _find_free(self, visitor: str, edges: list[Press], draw) -> Press:
        """Return an edge that is left, else a drawn press, at which a visitor is free."""
        for _ in range(1_000):
            press = edges.pop() if edges else draw()
            if self.teller.visits.is_free(visitor, press.time, press.time):
                return press
        raise AssertionError("no free moment found for a visitor")

    def _while_busy(self, month: str) -> Press:
        """Draw a moment in opening hours, mostly one at which a conversation goes on."""
        while True:
            if self.rng.random() < 0.85:
                conversation = self.rng.choice(self._by_month[month])
                time = self.rng.randrange(
                    conversation.answered_at - 8 * MINUTE, conversation.ends_at + 2 * MINUTE
                )
            else:
                shift = self.rng.choice(self.calendar.shifts_of(month))
                time = self.rng.randrange(shift.starts_at, shift.ends_at)
            if self.calendar.is_open(time):
                return Press(time)

    def _out_of_hours_by_month(self, year: int) -> dict[str, int]:
        """Return how many attempts out of hours each month gets."""
        months = self.targets.months(year)
        if year in self.targets.out_of_hours_attempts:
            weights = {m: self.targets.missed_pressers[m] + 150 for m in months}
            return apportion(self.targets.out_of_hours_attempts[year], weights)
        left = {m: self.targets.clicks[m] - self.teller.journal.clicks[m] for m in months}
        return {m: round(clicks * (1 - SECOND_CLICKS)) for m, clicks in left.items()}

    def _out_of_hours_presses(self, attempts: dict[str, int]) -> list[Press]:
        """Draw all moments, the telling ones first, in a random order."""
        presses = []
        for month, count in attempts.items():
            edges = out_of_hours_edges(self.calendar, month, self.rng)[:count]
            days, shifts = self.calendar.days_of(month), self.calendar.shifts_of(month)
            drawn = [self._while_closed(days, shifts) for _ in range(count - len(edges))]
            presses += [*edges, *drawn]
        self.rng.shuffle(presses)
        return presses

    def _while_closed(self, days: Sequence[date], shifts: Sequence[Shift]) -> Press:
        """Draw a moment while closed; some press just before opening, and again after it."""
        while True:
            if self.rng.random() < 0.02:
                time = self.rng.choice(shifts).starts_at - self.rng.randrange(SECOND, 12 * MINUTE)
                again = (self.rng.randrange(12 * MINUTE, 20 * MINUTE),)
            else:
                hour = self.rng.choices(range(24), BY_HOUR)[0]
                wall = hour * HOUR + self.rng.randrange(HOUR)
                time, again = self.calendar.instant(self.rng.choice(days), wall), ()
            if not self.calendar.is_open(time):
                return Press(time, again)

    def _visitors_of(self, year: int) -> list[str]:
        starts_at = self.calendar.instant(date(year, 1, 1))
        return self.teller.visits.between(starts_at, self.calendar.instant(date(year + 1, 1, 1)))

    def _delay(self) -> int:
        """Return how long after a press the next one follows: a double click, or a new try."""
        if self.rng.random() < 0.4:
            return self.rng.randrange(150, 1_500)
        return self.rng.randrange(MINUTE, 12 * MINUTE)


def missed_edges(calendar: Calendar, month: str, rng: random.Random) -> list[Press]:
    """Return presses at the first and in the last millisecond of an opening."""
    shift = rng.choice(_evenings(calendar, month))
    return [Press(shift.starts_at), Press(shift.ends_at - 1)]


def out_of_hours_edges(calendar: Calendar, month: str, rng: random.Random) -> list[Press]:
    """Return presses just beside an opening, at the month's ends, and around a clock change."""
    shift = rng.choice(_evenings(calendar, month))
    days = calendar.days_of(month)
    first = calendar.instant(days[0])
    last = calendar.instant(days[-1] + timedelta(days=1)) - 1
    presses = [Press(shift.ends_at), Press(shift.starts_at - 1), Press(first), Press(last)]
    presses += _clock_change_edges(calendar, days)
    return [press for press in presses if not calendar.is_open(press.time)]


def _evenings(calendar: Calendar, month: str) -> list[Shift]:
    return [s for s in calendar.shifts_of(month) if calendar.local(s.starts_at).hour == 19]


def _clock_change_edges(calendar: Calendar, days: Iterable[date]) -> list[Press]:
    """Return presses around the hour that is skipped or repeated in a month, if one is."""
    for day in days:
        midnight = calendar.instant(day)
        hours = (calendar.instant(day + timedelta(days=1)) - midnight) // HOUR
        if hours == 24:
            continue
        change = midnight + (2 if hours == 23 else 3) * HOUR
        return [
            Press(change - 1),
            Press(change),
            Press(change - 10 * MINUTE, (20 * MINUTE,)),
            Press(change - 30 * MINUTE),
            Press(change + 30 * MINUTE),
        ]
    return []
