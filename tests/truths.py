"""Simulated truth: random helplines, each with one thing in plenty and all else not at all.

What an average helpline is like shows relations that only hold there. Here each helpline gets one
or two kinds of contact, of few people or many, on a few days, so that what always holds does so by
definition. The figures are counted by the reference, which shares no code with the product.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tests import events, reference
from tests.events import KEY

# Two calendar years, the first of one month: December 2021, and January to March 2022.
# The last days of months are left out, and with them the change of clocks.
MONTHS = [datetime(2021, 12, 1), *(datetime(2022, month, 1) for month in (1, 2, 3))]
FIRST, LAST = MONTHS[0], datetime(2022, 3, 25)
RANGES = ["2022-01/2022-02", "2022-02/2022-03", "2021-12/2022-01"]
OFTEN = 8
OPENINGS = {
    "always": [f"2020-01-01,,{day},00:00,24:00,1" for day in range(1, 8)],
    "never": ["2019-01-01,2019-12-31,1,10:00,12:00,1"],
    "by half": [f"2020-01-01,,{day},12:00,24:00,1" for day in range(1, 8)],
}
MINUTE = timedelta(minutes=1)


def simulate(folder: Path, seed: int, *, is_straddling: bool) -> reference.Log:
    """Simulate a helpline and let the reference read its log.

    Only if `is_straddling` do attempts begin in one month and reach into the next. The seed says
    which kind of contact it gets, and of how many people.
    """
    chance = random.Random(seed)
    kinds = STRADDLING if is_straddling else CALM
    variant, number = divmod(seed, len(kinds))
    helpline = events.helpline(
        folder,
        opening_hours=list(OPENINGS.values())[variant % len(OPENINGS)],
        published=[events.published("clicks", period, 12) for period in RANGES],
    )
    contacts = _Contacts(chance, variant)
    log = [event for _ in range(OFTEN) for event in kinds[number](contacts)]
    log += [events.covered(name, FIRST, LAST + timedelta(days=20)) for name in ("button", "chat")]
    return reference.Log([("all.ndjson", events.pack(log))], helpline, KEY)


def counts(log: reference.Log) -> dict[tuple[str, str, str, str], int]:
    """Count every figure in every cell that is not 0."""
    return {cell: int(value) for cell, value in reference._happenings(log).cells.items()}


Kind = Callable[["_Contacts"], Iterator[dict]]


class _Contacts:
    """Makes the names and times of contacts: of one person or many, in some months or in one."""

    def __init__(self, chance: random.Random, variant: int):
        self.chance = chance
        self.visitors = (1, 1000)[variant % 2]
        self.clients = (1, 1000)[variant // 2 % 2]
        self.is_noted = variant // 4 % 2 == 0
        self.is_referred = chance.random() < 0.5
        months = chance.sample(MONTHS, chance.choice([1, 1, 2, len(MONTHS)]))
        self.hours = chance.choice([range(23), [5], [20]])
        self.days = [month + timedelta(days=chance.randrange(25)) for month in months]

    def visitor(self) -> str | None:
        return f"v{self.chance.randrange(self.visitors)}"

    def client(self) -> str | None:
        return self.chance.choice([None, f"c{self.chance.randrange(self.clients)}"])

    def session(self) -> str:
        return f"s{self.chance.getrandbits(64)}"

    def when(self) -> datetime:
        """A time from a quarter past midnight to an hour before midnight: none straddles."""
        hour, minute = self.chance.choice(self.hours), self.chance.randrange(15, 60)
        return self.chance.choice(self.days) + MINUTE * (60 * hour + minute)

    def registration(self) -> dict:
        pick = self.chance.choice
        return {
            "client": self.client(),
            "gender": pick([None, "female", "male"]),
            "age": pick([None, 8, 13, 30]),
            "topics": pick([None, ["home"], ["violence", "home"]]),
            "referred_by": pick(["awel", "1712"]) if self.is_referred else None,
        }


def _nobody(of: _Contacts) -> Iterator[dict]:
    yield events.click(None, of.when())


def _press(of: _Contacts) -> Iterator[dict]:
    yield events.click(of.visitor(), of.when())


def _presses(of: _Contacts) -> Iterator[dict]:
    """Many clicks in one attempt."""
    visitor, at = of.visitor(), of.when()
    for number in range(8):
        yield events.click(visitor, at + number * MINUTE)


def _returns(of: _Contacts) -> Iterator[dict]:
    """Many attempts of one visitor."""
    visitor = of.visitor()
    for _ in range(6):
        yield events.click(visitor, of.when())


def _abandon(of: _Contacts) -> Iterator[dict]:
    session = of.session()
    yield events.request(session, of.chance.choice([None, of.visitor()]), of.when())


def _answered(of: _Contacts, session: str, at: datetime) -> Iterator[dict]:
    yield events.answer(session, "r1", at)
    if of.is_noted:
        yield events.register(session, at + MINUTE, **of.registration())


def _chat(of: _Contacts) -> Iterator[dict]:
    session, visitor, at = of.session(), of.chance.choice([None, of.visitor()]), of.when()
    if of.chance.random() < 0.5:
        yield events.click(visitor, at - MINUTE)
    if of.chance.random() < 0.5:
        yield events.schedule(session, visitor, at - 5 * MINUTE, scheduled_for=at)
    yield events.request(session, visitor, at)
    yield from _answered(of, session, at + MINUTE)


def _chat_unasked(of: _Contacts) -> Iterator[dict]:
    """A conversation without a request, and so without an attempt."""
    session, at = of.session(), of.when()
    yield events.schedule(session, of.visitor(), at, scheduled_by="visitor")
    yield from _answered(of, session, at)


def _chats_at_once(of: _Contacts) -> Iterator[dict]:
    """Two sessions that answer one attempt."""
    visitor, at = of.visitor(), of.when()
    for number in range(2):
        session = of.session()
        yield events.request(session, visitor, at + number * MINUTE)
        yield from _answered(of, session, at + 5 * MINUTE)


def _chat_later(of: _Contacts) -> Iterator[dict]:
    """An attempt that is answered weeks later, often in another month."""
    session, at = of.session(), of.when()
    yield events.request(session, of.visitor(), at)
    yield from _answered(of, session, min(at + timedelta(days=25), LAST))


def _mail(of: _Contacts) -> Iterator[dict]:
    session, at = of.session(), of.when()
    yield events.request(session, of.visitor(), at, channel="mail")
    yield from _answered(of, session, at + MINUTE)


def _returns_by_chat(of: _Contacts) -> Iterator[dict]:
    """Who presses in vain, and is answered at another time."""
    session, visitor, at = of.session(), of.visitor(), of.when()
    yield events.click(visitor, of.when())
    yield events.request(session, visitor, at)
    yield from _answered(of, session, at + MINUTE)


def _missed_and_later(of: _Contacts) -> Iterator[dict]:
    """Who asks in vain, and once again, to be answered weeks later."""
    session, visitor, at = of.session(), of.visitor(), of.when()
    yield events.request(of.session(), visitor, of.when())
    yield events.request(session, visitor, at)
    yield from _answered(of, session, min(at + timedelta(days=25), LAST))


def _missed_and_by_night(of: _Contacts) -> Iterator[dict]:
    """Who asks in vain by day, and is answered at night, when it may be closed."""
    session, visitor, day = of.session(), of.visitor(), of.chance.choice(of.days)
    yield events.request(of.session(), visitor, day + 13 * 60 * MINUTE)
    yield events.request(session, visitor, day + 5 * 60 * MINUTE)
    yield from _answered(of, session, day + 5 * 60 * MINUTE)


def _mail_and_chats(of: _Contacts) -> Iterator[dict]:
    """Who mails, and chats at other times, without pressing."""
    session, visitor, at = of.session(), of.visitor(), of.when()
    yield events.request(session, visitor, at, channel="mail")
    yield events.answer(session, "r1", at + MINUTE)
    yield from _chats_unasked(of, visitor)


def _chats_unasked(of: _Contacts, visitor: str | None = None) -> Iterator[dict]:
    """Who chats several times, without pressing."""
    visitor = visitor or of.visitor()
    for _ in range(3):
        session, at = of.session(), of.when()
        yield events.schedule(session, visitor, at)
        yield events.answer(session, "r1", at)


def _asked_or_not(of: _Contacts, session: str, visitor: str | None, at: datetime) -> dict:
    if of.is_noted:
        return events.request(session, visitor, at)
    return events.schedule(session, visitor, at)


def _chat_mail_chat(of: _Contacts) -> Iterator[dict]:
    """Who chats in both years, mails in a month without a chat, and chats again."""
    visitor = of.visitor()
    for month, channel in zip(MONTHS, ("chat", "chat", "mail", "chat"), strict=True):
        session, at = of.session(), month + timedelta(days=10)
        if channel == "mail":
            yield events.request(session, visitor, at, channel="mail")
        else:
            yield _asked_or_not(of, session, visitor, at)
        yield events.answer(session, "r1", at + MINUTE)


def _missed_and_after(of: _Contacts) -> Iterator[dict]:
    """Who is missed in one month, asks again in the next, and is answered in the third."""
    session, visitor = of.session(), of.visitor()
    yield events.request(of.session(), visitor, MONTHS[1] + timedelta(days=10, hours=13))
    yield events.request(session, visitor, MONTHS[2] + timedelta(days=20, hours=5))
    yield events.answer(session, "r1", MONTHS[3] + timedelta(days=10))


def _next_year(of: _Contacts) -> Iterator[dict]:
    """Who asks at one hour of many days of one year, always to be answered in the next."""
    session, visitor = of.session(), of.visitor()
    day = timedelta(days=7 * of.chance.randrange(4), hours=20)
    yield events.request(session, visitor, MONTHS[0] + day)
    yield events.answer(session, "r1", MONTHS[2])


def _midnight(of: _Contacts) -> datetime:
    return of.chance.choice(MONTHS[1:])


def _straddle(of: _Contacts) -> Iterator[dict]:
    visitor, at = of.visitor(), _midnight(of)
    for minutes in (-5, 5):
        yield events.request(of.session(), visitor, at + minutes * MINUTE)


def _straddles(of: _Contacts) -> Iterator[dict]:
    """Who is there in four months with two attempts."""
    visitor = of.visitor()
    for midnight in (MONTHS[1], MONTHS[3]):
        yield events.click(visitor, midnight - 5 * MINUTE)
        yield events.click(visitor, midnight + 5 * MINUTE)


def _straddle_answered(of: _Contacts) -> Iterator[dict]:
    session, visitor, at = of.session(), of.visitor(), _midnight(of)
    yield events.request(session, visitor, at - 5 * MINUTE)
    yield events.request(session, visitor, at + 5 * MINUTE)
    yield from _answered(of, session, at + 6 * MINUTE)


CALM: list[Kind] = [
    _nobody,
    _press,
    _presses,
    _returns,
    _abandon,
    _chat,
    _chat_unasked,
    _chats_unasked,
    _chats_at_once,
    _chat_later,
    _mail,
    _mail_and_chats,
    _returns_by_chat,
    _missed_and_later,
    _missed_and_by_night,
    _chat_mail_chat,
    _missed_and_after,
    _next_year,
]
STRADDLING: list[Kind] = [_straddle, _straddles, _straddle_answered]
