"""How sessions are logged: requests, answers, ends, and sessions that came to nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.callers import Caller, Register
from simulation.journal import Journal, Visits, new_visitor
from simulation.opening import HOUR, MINUTE, SECOND, Calendar
from simulation.targets import Targets
from simulation.timetable import Conversation

RESPONDERS = ("r1", "r2", "r3", "r4", "r5", "r6", 7, 8, "9", 11)
SCHEDULERS = ("nupraatikerover", "1712", "awel", "clb-chat", "1813", "tele-onthaal")
# Planned attempts lie at least this far apart, so that a second click never joins two of them.
NEXT_ATTEMPT = 45 * MINUTE


@dataclass(frozen=True)
class Answered:
    """A session with an answer, of which a responder may note something."""

    caller: Caller
    session: str
    answered_at: int
    ends_at: int


@dataclass
class Told:
    """What the conversations have left behind for the rest of the simulation."""

    answered: list[Answered] = field(default_factory=list)
    # First contacts by which a visitor reached the helpline: further clicks may follow them.
    attempts: list[tuple[str, int]] = field(default_factory=list)
    # Visitors by month that were missed, or should be: they count among the missed pressers.
    missed: set[tuple[str, str]] = field(default_factory=set)
    to_miss: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Teller:
    """Writes sessions into the journal."""

    calendar: Calendar
    journal: Journal
    visits: Visits
    register: Register
    rng: random.Random
    told: Told = field(default_factory=Told)

    def tell_conversation(self, conversation: Conversation) -> None:
        """Log one conversation from first press to end; registrations are not yet in it."""
        conversation.session = self.journal.new_session()
        requests = self._requests(conversation)
        conversation.visitor = self._choose_visitor(conversation, requests)
        if conversation.scheduled_for is not None:
            self._schedule(conversation)
        click = self._click_before(conversation, requests)
        self._remember_attempt(conversation, requests, click)
        self._request_long_before(conversation, requests)
        for request in requests:
            self.journal.request(request, conversation.session, conversation.visitor)
        self._answer(conversation.session, conversation.answered_at, conversation.ends_at)
        self.told.answered.append(
            Answered(
                conversation.caller,
                conversation.session,
                conversation.answered_at,
                conversation.ends_at,
            )
        )

    def tell_mail(self, caller: Caller, requested_at: int, answered_at: int) -> str | None:
        """Log a session by mail; return the visitor that asked."""
        session, visitor = self.journal.new_session(), self.register.device_of(caller)
        self.journal.request(requested_at, session, visitor, "mail")
        ends_at = answered_at + self.rng.randrange(5 * MINUTE, 40 * MINUTE)
        self._answer(session, answered_at, ends_at, "/mail")
        self.told.answered.append(Answered(caller, session, answered_at, ends_at))
        return visitor

    def _requests(self, conversation: Conversation) -> list[int]:
        """Return when the session was requested: mostly once, now and then again, or never."""
        rng, answered_at = self.rng, conversation.answered_at
        scheduled_for = conversation.scheduled_for
        if scheduled_for is not None:
            if rng.random() < 0.3:
                return []
            come = scheduled_for + rng.randrange(-8 * MINUTE, MINUTE)
            return [min(come, answered_at - 2 * SECOND)]
        if rng.random() < 0.005:  # the clocks of two systems disagree
            return [answered_at + rng.randrange(200, 2 * SECOND)]
        wait = min(round(rng.lognormvariate(4.3, 1.0) * SECOND), 20 * MINUTE)
        if conversation.continues or conversation.is_cut_short:
            return [answered_at - min(wait, 2 * MINUTE)]
        opened_at = conversation.shift.starts_at
        request = answered_at - wait
        if request < opened_at and rng.random() < 0.7:
            request = min(opened_at + rng.randrange(60 * SECOND), answered_at - SECOND)
        if rng.random() < 0.06:
            return [request - rng.randrange(MINUTE, 20 * MINUTE), request]
        return [request]

    def _choose_visitor(self, conversation: Conversation, requests: list[int]) -> str | None:
        if conversation.continues:
            return conversation.continues.visitor
        caller = conversation.caller
        visitor = self.register.device_of(caller)
        first = min([*requests, conversation.answered_at]) - MINUTE
        if visitor is None or self.visits.is_free(visitor, first, conversation.answered_at):
            return visitor
        if caller.client is None:
            raise AssertionError("a caller told by the device has two conversations at a time")
        caller.devices.append(new_visitor(self.rng))
        return caller.devices[-1]

    def _click_before(self, conversation: Conversation, requests: list[int]) -> int | None:
        """Log the press that led to the first request, unless the chat was opened by a link."""
        rng, chance = self.rng, 0.8 if self._year(conversation) == 2020 else 0.4
        if not requests or conversation.continues or rng.random() > chance:
            return None
        click = requests[0] - rng.randrange(2 * SECOND, 45 * SECOND)
        if conversation.visitor is None and not self.calendar.is_open(click):
            return None
        button = "open" if self.calendar.is_open(click) else "closed"
        self.journal.click(click, conversation.visitor, button)
        return click

    def _remember_attempt(
        self, conversation: Conversation, requests: list[int], click: int | None
    ) -> None:
        if not requests or conversation.visitor is None:
            return
        first = requests[0] if click is None else click
        self.visits.add(conversation.visitor, first, max(requests))
        self.told.attempts.append((conversation.visitor, first))
        if self.rng.random() < 0.12:
            month = self.calendar.month_of(conversation.answered_at)
            self.told.to_miss.add((conversation.visitor, month))

    def _request_long_before(self, conversation: Conversation, requests: list[int]) -> None:
        """Now and then the session was first requested in an attempt before, which was missed."""
        rng, visitor = self.rng, conversation.visitor
        if conversation.shift is None or conversation.continues or visitor is None:
            return
        if len(requests) != 1 or conversation.scheduled_for is not None or rng.random() > 0.03:
            return
        earlier = requests[0] - MINUTE - rng.randrange(NEXT_ATTEMPT, 80 * MINUTE)
        before = earlier - self.visits.apart
        if earlier < conversation.shift.starts_at or not self.visits.is_free(
            visitor, before, before
        ):
            return
        requests.insert(0, earlier)
        self.visits.add(visitor, earlier, earlier)
        self.told.missed.add((visitor, self.calendar.month_of(earlier)))

    def _schedule(self, conversation: Conversation) -> None:
        """Log the appointment, and what it was moved from."""
        rng, scheduled_for = self.rng, conversation.scheduled_for
        opening = self.calendar.starts[0]
        made_at = scheduled_for - rng.randrange(HOUR, 7 * 24 * HOUR)
        made_at = max(made_at, opening + (scheduled_for - opening) // 2)
        times = [scheduled_for]
        if rng.random() < 0.1:
            times.insert(0, scheduled_for - rng.choice((24, 48)) * HOUR)
        for number, time in enumerate(times):
            self.log_appointment(
                made_at + number * 10 * MINUTE, conversation.session, conversation.visitor, time
            )

    def log_appointment(self, time: int, session: str, visitor: str | None, when: int) -> None:
        """Log a scheduling by this helpline, another one, an unlisted one or nobody known."""
        chance = self.rng.random()
        scheduler = self.rng.choices(SCHEDULERS, weights=(10, 3, 2, 1, 1, 1))[0]
        if chance < 0.1:
            scheduler = None
        elif chance < 0.15:
            scheduler = "caw-chat"
        data = {
            "visitor": visitor or "",
            "channel": "chat",
            "scheduled_for": self.calendar.local(when).isoformat(timespec="seconds"),
            "scheduled_by": scheduler,
        }
        self.journal.note(time, "scheduled", session, data, "/appointments")

    def _answer(self, session: str, answered_at: int, ends_at: int, source: str = "/chat") -> None:
        """Log the answer, a second responder at times, and mostly the end."""
        rng = self.rng
        first, second = rng.sample(RESPONDERS, 2)
        self.journal.note(answered_at, "answered", session, {"responder": first}, source)
        if rng.random() < 0.05 and ends_at - answered_at > MINUTE:
            passed_on_at = rng.randrange(answered_at + 30 * SECOND, ends_at)
            self.journal.note(passed_on_at, "answered", session, {"responder": second}, source)
        if rng.random() < 0.92:
            self.journal.note(ends_at, "ended", session, {}, source)
        if rng.random() < 0.02:
            self.journal.note(ends_at + 3 * SECOND, "ended", session, {}, source)

    def _year(self, conversation: Conversation) -> int:
        return self.calendar.day_of(conversation.answered_at).year


def tell_mails(
    teller: Teller, conversations: Sequence[Conversation], targets: Targets, year: int
) -> None:
    """Log a year's mail: that of callers by mail only, and of some who chatted in that year."""
    calendar, rng = teller.calendar, teller.rng
    days = [day for day in calendar.days if day.year == year]
    for _ in range(targets.mail_only[year]):
        caller = teller.register.new_caller(year, by_mail=True)
        caller.years.add(year)
        for _ in range(rng.choices((1, 2, 3), weights=(8, 2, 1))[0]):
            day = rng.choice(days[: -min(8, len(days) // 2)])
            requested_at = calendar.instant(day, rng.randrange(7 * HOUR, 23 * HOUR))
            answered_at = requested_at + rng.randrange(2 * HOUR, 60 * HOUR)
            visitor = teller.tell_mail(caller, requested_at, answered_at)
            if visitor is not None and rng.random() < 0.5:
                teller.told.to_miss.add((visitor, calendar.month_of(requested_at)))
    by_return = [c for c in conversations if calendar.day_of(c.answered_at).year == year]
    for conversation in rng.sample(by_return, len(by_return) // 40):
        requested_at = conversation.ends_at + rng.randrange(HOUR, 120 * HOUR)
        answered_at = requested_at + rng.randrange(2 * HOUR, 60 * HOUR)
        same_year = calendar.day_of(answered_at).year == year
        if conversation.caller.can_return and same_year and answered_at < calendar.ends_at - HOUR:
            teller.tell_mail(conversation.caller, requested_at, answered_at)


def tell_strays(teller: Teller, conversations: Sequence[Conversation]) -> None:
    """Log sessions that enter no figure, or none by which a caller is reached.

    One in a hundred beside the conversations: answered but neither requested nor scheduled;
    appointments nobody came to; mail that nobody answered.
    """
    rng, journal = teller.rng, teller.journal
    for conversation in rng.sample(conversations, len(conversations) // 100):
        time = conversation.answered_at + rng.randrange(MINUTE)
        session = journal.new_session()
        journal.note(time, "answered", session, {"responder": rng.choice(RESPONDERS)})
        journal.note(time + 9 * MINUTE, "ended", session, {})
        data = {"client": rng.randrange(90_000, 99_000), "gender": "girl", "topics": []}
        journal.note(time + 12 * MINUTE, "registered", session, data)
    for conversation in rng.sample(conversations, len(conversations) // 100):
        session, visitor = journal.new_session(), new_visitor(rng)
        when = (conversation.answered_at // HOUR + 24) * HOUR
        teller.log_appointment(conversation.answered_at, session, visitor, when)
    for conversation in rng.sample(conversations, len(conversations) // 100):
        journal.request(conversation.ends_at, journal.new_session(), new_visitor(rng), "mail")
