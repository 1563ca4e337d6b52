"""A helpline's monthly contents, one after the other: all of them together give nobody away."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import pytest

from publish.disclosure.attacker import audit, differences
from publish.disclosure.cells import Cell, Definition, Publication
from publish.disclosure.derived import operands
from publish.disclosure.periods import months_of, year_before
from publish.disclosure.reader import know
from publish.disclosure.registry import definitions_of_project
from publish.disclosure.suppression import Pattern, Proposal, choose, hide, publish
from publish.disclosure.together import BY_TIME, FOLLOWING, TIED, tied

THRESHOLD = 5
GENDERS = {"girl": 78, "boy": 14, "x": 3, "unknown": 2, "unlisted": 0}
AGES = {
    "under_9": 0.3,
    "9-11": 3,
    "12-14": 25,
    "15-17": 35,
    "18-20": 12,
    "21-24": 5,
    "25_and_over": 4,
    "unknown": 9,
}
TOPICS = {
    "sexual": 30,
    "physical": 15,
    "emotional": 20,
    "processing": 10,
    "witness": 1,
    "other": 8,
    "unknown": 3,
    "unlisted": 0,
}
OUTCOMES = ("answered", "missed", "out_of_hours")
HELPLINES = {"1712": 31, "awel": 22, "tele-onthaal": 10, "1813": 7, "clb-chat": 4, "unlisted": 0}


@dataclass(frozen=True)
class Session:
    person: int
    month: str
    channel: str
    weekday: int
    hour: int
    is_scheduled: bool
    referred_by: str
    gender: str
    age_band: str
    topic: str


def pick(chance: random.Random, weights: dict[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def make_sessions(chance: random.Random, months: Iterable[str], monthly: int) -> list[Session]:
    """Answered sessions: most on three evenings, some stray ones, few by mail."""
    people: dict[int, tuple[str, str, str]] = {}
    sessions = []
    for month in months:
        for _ in range(chance.randint(monthly // 2, monthly * 3 // 2)):
            person = (
                chance.choice(list(people)) if people and chance.random() < 0.5 else len(people) + 1
            )
            people.setdefault(
                person, (pick(chance, GENDERS), pick(chance, AGES), pick(chance, TOPICS))
            )
            is_usual = chance.random() < 0.96
            sessions.append(
                Session(
                    person,
                    month,
                    "mail" if chance.random() < 0.07 else "chat",
                    chance.choice((1, 3, 4)) if is_usual else chance.randint(1, 7),
                    chance.choice(range(17, 23)) if is_usual else chance.randint(8, 23),
                    chance.random() < 0.1,
                    pick(chance, HELPLINES) if chance.random() < 0.04 else "",
                    *people[person],
                )
            )
    return sessions


def dense(counts: dict[str, int], codes: Iterable[str]) -> dict[str, int]:
    return {code: counts.get(code, 0) for code in codes}


def tally(sessions: list[Session], period: str, is_detailed: bool) -> dict[Cell, int]:
    """The protected counts of a period that rest on the chat log."""
    months = set(months_of(period))
    inside = [session for session in sessions if session.month in months]
    chats = [session for session in inside if session.channel == "chat"]
    chatters = {session.person for session in chats}
    persons = {session.person: session for session in reversed(inside)}
    first_months: dict[tuple[str, int], str] = {}
    for session in sessions:
        if session.channel == "chat":
            first_months.setdefault((session.month[:4], session.person), session.month)
            first_months.setdefault(("ever", session.person), session.month)
    firsts = Counter(
        "ever" if year == "ever" else "year"
        for (year, _), month in first_months.items()
        if month in months
    )
    totals = {
        "conversations": len(chats),
        "answered_sessions": len(inside),
        "scheduled_conversations": sum(session.is_scheduled for session in chats),
        "callers": len(persons),
        "new_callers": firsts["year"],
        "first_time_callers": firsts["ever"],
        "referrals": sum(bool(session.referred_by) for session in inside),
    }
    tables = {
        ("answered_sessions", "channel"): {"chat": len(chats), "mail": len(inside) - len(chats)},
        ("callers", "channel"): {
            "chat": len(chatters),
            "mail_only": len(persons) - len(chatters),
        },
    }
    if is_detailed:
        tables |= detail(inside, chats, list(persons.values()))
    cells = {Cell(figure, period): count for figure, count in totals.items()}
    for (figure, breakdown), counts in tables.items():
        cells |= {Cell(figure, period, breakdown, code): n for code, n in counts.items()}
    return cells


def detail(
    inside: list[Session], chats: list[Session], persons: list[Session]
) -> dict[tuple[str, str], dict[str, int]]:
    hours = [(str(session.weekday), f"{session.hour:02}") for session in chats]
    weekdays = [str(day) for day in range(1, 8)]
    clock = [f"{hour:02}" for hour in range(24)]
    return {
        ("callers", "gender"): dense(Counter(one.gender for one in persons), GENDERS),
        ("callers", "age_band"): dense(Counter(one.age_band for one in persons), AGES),
        ("callers", "topic"): dense(Counter(one.topic for one in persons), TOPICS),
        ("referrals", "referred_by"): dense(Counter(one.referred_by for one in inside), HELPLINES),
        ("conversations", "weekday"): dense(Counter(day for day, _ in hours), weekdays),
        ("conversations", "hour"): dense(Counter(hour for _, hour in hours), clock),
        ("conversations", "hour_of_week"): dense(
            Counter(f"{day}-{hour}" for day, hour in hours),
            [f"{day}-{hour}" for day in weekdays for hour in clock],
        ),
    }


class Attempt(NamedTuple):
    visitor: int
    month: str
    outcome: str
    weekday: str
    hour: str
    is_in_hours: bool


def make_attempts(chance: random.Random, months: Iterable[str], monthly: int) -> list[Attempt]:
    """Attempts of visitors who come again."""
    attempts = []
    visitors = 0
    for month in months:
        for _ in range(chance.randint(monthly, monthly * 3)):
            again = visitors and chance.random() < 0.6
            visitors += not again
            visitor = chance.randint(max(1, visitors - 50), visitors) if again else visitors
            outcome = pick(chance, {"answered": 40, "missed": 12, "out_of_hours": 48})
            is_usual = chance.random() < 0.9
            weekday = str(chance.choice((1, 3, 4)) if is_usual else chance.randint(1, 7))
            hour = f"{chance.randint(17, 22) if is_usual else chance.randint(8, 23):02}"
            is_in_hours = outcome == "missed" or (outcome == "answered" and chance.random() < 0.8)
            attempts.append(Attempt(visitor, month, outcome, weekday, hour, is_in_hours))
    return attempts


def tally_attempts(
    attempts: list[Attempt], period: str, is_detailed: bool
) -> tuple[dict[Cell, int], dict[Cell, Decimal]]:
    """The counts of answered attempts, which are protected, and of others, which are not."""
    inside = [attempt for attempt in attempts if attempt.month in months_of(period)]
    visitors: dict[str, set[int]] = defaultdict(set)
    counts: Counter[Cell] = Counter()
    for attempt in inside:
        visitors[attempt.outcome].add(attempt.visitor)
        weekday, hour = attempt.weekday, attempt.hour
        times = [("", ""), ("weekday", weekday), ("hour", hour)]
        for time in (*times, ("hour_of_week", f"{weekday}-{hour}")):
            counts[Cell("attempts", period, *time)] += 1
            counts[Cell(f"{attempt.outcome}_attempts", period, *time)] += 1
            counts[Cell("clicks", period, *time)] += 2
    clock = [f"{hour:02}" for hour in range(24)]
    codes = {"weekday": list("1234567"), "hour": clock}
    codes["hour_of_week"] = [f"{day}-{hour}" for day in "1234567" for hour in clock]
    breakdowns = {"": [""]} | (codes if is_detailed else {})
    figures = ["attempts", *(f"{outcome}_attempts" for outcome in OUTCOMES), "clicks"]
    dense = {
        cell: counts[cell]
        for figure in figures
        for breakdown, categories in breakdowns.items()
        for cell in (Cell(figure, period, breakdown, category) for category in categories)
    }
    protected = {cell: n for cell, n in dense.items() if cell.figure == "answered_attempts"}
    protected[Cell("answered_in_hours_attempts", period)] = sum(
        attempt.is_in_hours and attempt.outcome == "answered" for attempt in inside
    )
    known = {cell: Decimal(n) for cell, n in dense.items() if cell not in protected}
    for figure, persons in {
        "pressers": set().union(*visitors.values()),
        "missed_pressers": visitors["missed"],
        "out_of_hours_pressers": visitors["out_of_hours"],
        "unreached_pressers": visitors["missed"] - visitors["answered"],
    }.items():
        known[Cell(figure, period)] = Decimal(len(persons))
    return protected, known


DECIMALS = {"share": 0, "change": 0, "mean": 1, "ratio": 1}


def derive(counts: dict[Cell, int], figures: dict[str, Definition]) -> dict[Cell, Decimal]:
    """Shares, changes, means and the ratio, rounded half up, of what is counted here."""
    values = {}
    for count in counts:
        for definition in figures.values():
            if definition.parts[:1] != (count.figure,) or definition.kind not in DECIMALS:
                continue
            cell = Cell(definition.figure, *count[1:])
            needed = operands(cell, figures)
            is_share = definition.kind == "share"
            if bool(count.breakdown) != is_share or not set(needed) <= counts.keys():
                continue
            if definition.is_of_known and count.category == "unknown":
                continue
            months = sum(count._replace(period=one) in counts for one in months_of(count.period))
            # Of the ratios, the answer rate is divided by what was answered and what was missed.
            kind = "rate" if len(definition.base) > 1 else definition.kind
            exact = quotient(kind, [counts[one] for one in needed], months)
            if exact is not None:
                unit = Decimal(1).scaleb(-DECIMALS[definition.kind])
                values[cell] = exact.quantize(unit, rounding=ROUND_HALF_UP)
    return values


def quotient(kind: str, counts: list[int], months: int) -> Decimal | None:
    if kind == "mean":
        return Decimal(counts[0]) / months if months > 1 else None
    base = counts[1] - sum(counts[2:])
    if base == 0:
        return None
    ratio = Decimal(counts[0]) / base
    rate = 100 * Decimal(counts[0]) / (counts[0] + counts[1])
    return {"share": 100 * ratio, "change": 100 * (ratio - 1), "ratio": ratio, "rate": rate}[kind]


def propose(
    sessions: list[Session],
    attempts: list[Attempt],
    periods: Iterable[str],
    figures: dict[str, Definition],
) -> Proposal:
    """A content of these periods with nothing hidden."""
    counts: dict[Cell, int] = {}
    known: dict[Cell, Decimal] = {}
    for period in periods:
        protected, others = tally_attempts(attempts, period, is_detailed=len(period) == 4)
        counts |= tally(sessions, period, is_detailed=len(period) == 4) | protected
        known |= others
    unseen = {}
    for period in [one for one in periods if "/" in one]:
        before = year_before(period)
        if set(months_of(before)) <= set(periods):
            unseen |= tally(sessions, before, False) | tally_attempts(attempts, before, False)[0]
    every = counts | unseen | {cell: int(value) for cell, value in known.items()}
    derived = derive(every, figures)
    shown_periods = set(periods)
    return Proposal(
        counts,
        known,
        {cell: value for cell, value in derived.items() if cell.period in shown_periods},
        unseen=unseen,
    )


def run_contents(
    seed: int, closings: list[list[str]], monthly: int, documents: list[Publication]
) -> tuple[list[Publication], list[Pattern], list[Proposal]]:
    """The contents after each closing, which is a list of periods."""
    figures = definitions_of_project()
    chance = random.Random(seed)
    months = [one for closing in closings for one in closing if months_of(one) == (one,)]
    sessions = make_sessions(chance, months, monthly)
    attempts = make_attempts(chance, months, monthly)
    contents: list[Publication] = []
    patterns, proposals = [], []
    periods: list[str] = []
    for number, closing in enumerate(closings):
        periods += closing
        proposal = propose(sessions, attempts, periods, figures)
        pattern = choose(proposal, figures, THRESHOLD, contents, documents)
        contents.append(publish(f"content {number}", proposal, pattern))
        patterns.append(pattern)
        proposals.append(proposal)
    return contents, patterns, proposals


def monthly_closings() -> list[list[str]]:
    """Fourteen closings over two years, with both years and a range that a document asks for."""
    closings = [["2020-11"], ["2020-12", "2020"]]
    closings += [[f"2021-{month:02}"] for month in range(1, 13)]
    closings[-3] += ["2021-01/2021-10"]
    closings[-1] += ["2021"]
    return closings


@pytest.fixture(scope="module")
def year() -> tuple[list[Publication], list[Pattern], list[Proposal]]:
    return run_contents(7, monthly_closings(), 60, [])


def test_a_year_of_monthly_contents_gives_nobody_away_together(year):
    figures = definitions_of_project()
    contents, patterns, _ = year
    assert all(pattern.primary for pattern in patterns)
    # The audit after each choice takes all contents so far into account.
    assert [pattern.unprotected for pattern in patterns] == [()] * len(patterns)
    assert [pattern.contradictory for pattern in patterns] == [()] * len(patterns)
    found = audit(contents, [], figures)
    assert found.narrower_than(THRESHOLD) == []
    assert found.ranges.keys() >= patterns[-1].primary | patterns[-1].secondary


def test_what_one_content_shows_or_hides_the_next_one_does_too(year):
    figures = definitions_of_project()
    for earlier, later in pairwise(year[0]):
        assert earlier.shown.items() <= later.shown.items()
        assert earlier.hidden <= later.hidden
        assert differences(earlier, later, figures, THRESHOLD) == []


def test_by_time_what_tells_of_one_another_is_hidden_together_and_nothing_else(year):
    contents, _, proposals = year
    hidden, truth = contents[-1].hidden, {**proposals[-1].counts, **proposals[-1].known}
    by_time = {cell for cell in truth if cell.breakdown in BY_TIME and truth[cell] > 0}
    seen = Counter()
    for cell in by_time:
        group = [cell._replace(figure=figure) for figure in (*TIED, *FOLLOWING)]
        is_hidden = any(other in hidden for other in group[:2])
        assert (cell in hidden) == (is_hidden and cell in group)
        seen[cell in hidden] += 1
    assert min(seen[True], seen[False]) > 100
    for cell in truth:
        if cell.figure == "attempts" and not cell.breakdown:
            assert (cell in hidden) == (cell._replace(figure="answered_attempts") in hidden)
    assert {cell.figure for cell in hidden}.isdisjoint(
        {"missed_attempts", "out_of_hours_attempts", "pressers", "unreached_pressers"}
    )


def test_the_year_would_give_somebody_away_with_one_cell_less_hidden(year):
    """Every secondary cell of the last closing is there for a reason, or was before it.

    The reason can be a small count that it is hidden together with.
    """
    figures = definitions_of_project()
    contents, patterns, proposals = year
    new = [
        cell
        for cell in sorted(patterns[-1].secondary - patterns[-2].secondary)
        if patterns[-1].primary.isdisjoint(tied(cell))
    ]
    assert {cell.figure for cell in new} >= {"conversations", "answered_attempts"}
    for cell in new[:: max(1, len(new) // 6)]:
        bare = hide("bare", proposals[-1], patterns[-1].hidden - {*tied(cell)})
        assert audit([*contents[:-1], bare], [], figures).narrower_than(THRESHOLD)


@pytest.mark.parametrize("seed", range(4))
def test_every_relation_holds_for_what_really_happened(seed):
    figures = definitions_of_project()
    closings = [*monthly_closings(), ["2020-11/2021-02", "2021-01/2021-04", "2021-03/2021-06"]]
    months = [one for closing in closings for one in closing if months_of(one) == (one,)]
    chance = random.Random(seed)
    sessions = make_sessions(chance, months, 30)
    attempts = make_attempts(chance, months, 20)
    proposal = propose(sessions, attempts, [one for some in closings for one in some], figures)
    truth = proposal.counts | proposal.unseen | proposal.known
    content = hide("all", proposal, frozenset())
    relations = know([content], [], figures).relations
    broken = [
        relation
        for relation in relations
        if not relation.holds({name: Fraction(truth[name.cell]) for name, _ in relation.terms})
    ]
    assert broken == []
    assert len(relations) > 1000


def test_what_a_document_prints_early_is_reckoned_with():
    closings = [["2021-01"], ["2021-02"], ["2021-03"]]
    _, _, proposals = run_contents(3, closings, 40, [])
    figures = definitions_of_project()
    month = "2021-02"
    totals = [Cell("answered_sessions", month), Cell("callers", month), Cell("referrals", month)]
    document = Publication("answer", {one: Decimal(proposals[-1].counts[one]) for one in totals})
    contents, patterns, _ = run_contents(3, closings, 40, [document])
    assert not any(one in content.hidden for one in totals for content in contents)
    assert audit(contents, [document], figures).narrower_than(THRESHOLD) == []
    assert patterns[-1].unprotected == ()
