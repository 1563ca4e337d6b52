"""What responders note about a session, so that a year's callers have the profile of its targets.

For each field the first session of a year with a value tells; a caller has the same value in all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from simulation.callers import Caller
from simulation.journal import Journal
from simulation.opening import MINUTE, Calendar
from simulation.sessions import Answered
from simulation.targets import Targets, apportion

AGES = {
    "9-11": (9, 11),
    "12-14": (12, 14),
    "15-17": (15, 17),
    "18-20": (18, 20),
    "21-24": (21, 24),
    "25_and_over": (25, 61),
}
NO_AGE = (None, None, 150, -3, "", "onbekend")
UNKNOWN = "unknown"


def tell_registrations(
    journal: Journal,
    answered: Sequence[Answered],
    targets: Targets,
    calendar: Calendar,
    rng: random.Random,
) -> None:
    """Log the registrations of all answered sessions, years with printed shares first."""
    by_year: dict[int, list[Answered]] = {}
    for session in sorted(answered, key=lambda session: (session.answered_at, session.session)):
        by_year.setdefault(calendar.day_of(session.answered_at).year, []).append(session)
    for year in sorted(by_year, key=lambda year: (year not in targets.share_percent, year)):
        _draw_profiles(by_year[year], targets, year, rng)
    for year, sessions in sorted(by_year.items()):
        referrers = _draw_referrers(sessions, targets, year, rng)
        earlier: dict[int, int] = {}
        for session in sessions:
            number = earlier.get(id(session.caller), 0)
            earlier[id(session.caller)] = number + 1
            _register(journal, session, number, referrers.get(session.session), year, rng)


def _draw_profiles(
    sessions: Sequence[Answered], targets: Targets, year: int, rng: random.Random
) -> None:
    """Divide the year's callers over the categories; who has a profile already keeps it."""
    callers = [
        caller
        for caller in {id(session.caller): session.caller for session in sessions}.values()
        if caller.topic is None
    ]
    shares = targets.share_percent.get(year) or next(iter(targets.share_percent.values()))
    genders, bands, topics = (
        _deal(shares[name], len(callers), rng) for name in ("gender", "age_band", "topic")
    )
    for caller, gender, band, topic in zip(callers, genders, bands, topics, strict=True):
        caller.gender = None if gender == UNKNOWN else gender
        caller.age = None if band == UNKNOWN else rng.randint(*AGES[band])
        caller.topic = topic


def _deal(shares: Mapping[str, int], count: int, rng: random.Random) -> list[str]:
    parts = apportion(count, shares)
    categories = [category for category, part in parts.items() for _ in range(part)]
    rng.shuffle(categories)
    return categories


def _draw_referrers(
    sessions: Sequence[Answered], targets: Targets, year: int, rng: random.Random
) -> dict[str, str]:
    """Return which sessions name a referring helpline, with a few that are not in the list."""
    counts = targets.referrals.get(year)
    if counts is None:
        like = next(iter(targets.referrals.values()))
        counts = apportion(targets.referrals_assumed[year], like)
    names = [name for name, count in counts.items() for _ in range(count)]
    names += ["jac-chat"] * (len(names) // 20)
    chosen = rng.sample(sessions, len(names))
    return {session.session: name for session, name in zip(chosen, names, strict=True)}


def _register(
    journal: Journal,
    session: Answered,
    number: int,
    referrer: str | None,
    year: int,
    rng: random.Random,
) -> None:
    """Log one registration of a session, or two that together say the same, or none."""
    caller = session.caller
    if year < 2022 and caller.client is None and referrer is None and rng.random() < 0.6:
        return
    values = _values(caller, number, rng)
    if referrer:
        values["referred_by"] = referrer
    time = session.ends_at + rng.randrange(MINUTE, 12 * MINUTE)
    if rng.random() < 0.05:
        first, values = _split(values, rng)
        journal.note(time, "registered", session.session, _untidy(first, rng))
        time += rng.randrange(MINUTE, 30 * MINUTE)
    journal.note(time, "registered", session.session, _untidy(values, rng))


def _values(caller: Caller, number: int, rng: random.Random) -> dict:
    """Return what is noted; after the year's first session not all is noted again."""
    values: dict = {"client": caller.client} if caller.client is not None else {}
    if caller.gender and (number == 0 or rng.random() < 0.8):
        values["gender"] = caller.gender
    if caller.age is not None and (number == 0 or rng.random() < 0.8):
        values["age"] = caller.age
    if number == 0 or rng.random() < 0.8:
        values["topics"] = [caller.topic]
    return values


def _split(values: dict, rng: random.Random) -> tuple[dict, dict]:
    """Spread values over two registrations; a later value replaces a wrong one before."""
    first, second = {}, {}
    for name, value in values.items():
        if rng.random() < 0.4:
            first[name] = value
            continue
        second[name] = value
        if rng.random() < 0.5:
            wrong = {"gender": "onbepaald", "age": 13, "topics": ["verliefdheid"]}
            first[name] = wrong.get(name, value)
    return first, second


def _untidy(values: dict, rng: random.Random) -> dict:
    """Write values as different versions of a form do: numbers as text, empty and extra entries."""
    written = dict(values)
    chance = rng.random()
    if "client" in written:
        written["client"] = written["client"] if chance < 0.6 else str(written["client"])
    else:
        written["client"] = rng.choice(("", None, "undefined", 0))
    if "age" in written:
        written["age"] = str(written["age"]) if rng.random() < 0.1 else written["age"]
    else:
        written["age"] = rng.choice(NO_AGE)
    if "topics" in written:
        others = rng.choices(([], ["processing"], ["pesten"], [""]), weights=(80, 12, 5, 3))[0]
        written["topics"] = ([""] if rng.random() < 0.02 else []) + written["topics"] + others
    elif rng.random() < 0.5:
        written["topics"] = rng.choice(([], None, "sexual_abuse", [""]))
    if "gender" not in written and rng.random() < 0.5:
        written["gender"] = rng.choice(("", None))
    return written
