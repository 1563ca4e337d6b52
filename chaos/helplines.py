"""Random helplines as counts that fit together, and the contents of `public/` they would have had.

Nobody's log is simulated: persons, their attempts and their sessions are drawn, and counted for
every month and year. What becomes public of them, month by month, is the project's own choice.
"""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import duckdb

from publish.disclosure.cells import Cell
from publish.protect import _next_content, read_definitions
from publish.publications import Publications

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"
GENDERS = {"girl": 60, "boy": 30, "other": 2, "unknown": 8}
AGES = {"under_9": 1, "9-11": 4, "12-14": 25, "15-17": 35, "18-20": 12, "25_and_over": 3}
REFERRERS = {"1712": 5, "awel": 3, "tele-onthaal": 1}
PARTS = ("night", "morning", "afternoon", "evening")
OUTCOMES = ("answered", "missed", "out_of_hours")


@dataclass(frozen=True)
class Size:
    """How large a helpline is: conversations a month, months, topics, opening hours a week."""

    monthly: int
    months: int
    topics: int = 8
    starts_in: str = "2021-01"


@dataclass(frozen=True)
class Attempt:
    """One attempt; without a visitor it is in no count of pressers."""

    visitor: int | None
    month: str
    weekday: int
    hour: int
    outcome: str
    is_in_hours: bool
    clicks: int


@dataclass(frozen=True)
class Session:
    """One answered session, with what was noted of it."""

    person: int
    month: str
    weekday: int
    hour: int
    is_chat: bool
    is_scheduled: bool
    gender: str
    age_band: str
    topic: str
    referred_by: str


def draw(size: Size, seed: int) -> dict[Cell, int]:
    """Draw a helpline and count it: every figure of every month, and of every whole year."""
    chance = random.Random(seed)
    months = list(_months(size))
    attempts, sessions = _happen(chance, size, months)
    years = [year for year in sorted({month[:4] for month in months}) if f"{year}-12" in months]
    counts: dict[Cell, int] = {}
    for period in (*months, *years):
        inside = set(months) if len(period) == 7 else {m for m in months if m[:4] == period}
        inside = {period} if len(period) == 7 else inside
        is_year = len(period) == 4
        counts |= _count_attempts([a for a in attempts if a.month in inside], period, is_year)
        counts |= _count_sessions([s for s in sessions if s.month in inside], period, is_year, size)
    return counts | _count_new(sessions, [*months, *years])


def _months(size: Size) -> Iterator[str]:
    first = int(size.starts_in[:4]) * 12 + int(size.starts_in[5:]) - 1
    for number in range(first, first + size.months):
        yield f"{number // 12}-{number % 12 + 1:02}"


def _happen(
    chance: random.Random, size: Size, months: Sequence[str]
) -> tuple[list[Attempt], list[Session]]:
    """Draw who pressed and who was answered, at a few opening hours and at some others."""
    open_hours = [(chance.randint(1, 7), chance.randint(8, 23)) for _ in range(9)]
    return_rate, by_mail = chance.uniform(0.1, 0.7), chance.choice([0, 0.02, 0.1])
    missing = chance.uniform(0.2, 3)
    profiles: dict[int, tuple[str, str, str]] = {}
    attempts: list[Attempt] = []
    sessions: list[Session] = []
    topics = {f"topic {number}": 100 / (1 + number) ** 1.2 for number in range(size.topics)}
    for month in months:
        for _ in range(chance.randint(size.monthly // 2, size.monthly * 3 // 2)):
            person = _person(chance, len(profiles), return_rate)
            profiles.setdefault(
                person, (_pick(chance, GENDERS), _pick(chance, AGES), _pick(chance, topics))
            )
            weekday, hour = chance.choice(open_hours)
            if chance.random() < 0.04:
                weekday, hour = chance.randint(1, 7), chance.randint(0, 23)
            is_chat = chance.random() >= by_mail
            referred_by = _pick(chance, REFERRERS) if chance.random() < 0.05 else ""
            sessions.append(
                Session(
                    *(person, month, weekday, hour, is_chat, is_chat and chance.random() < 0.1),
                    *profiles[person],
                    referred_by,
                )
            )
            # Most conversations answer one attempt of their own.
            if is_chat and chance.random() < 0.95:
                visitor = person if chance.random() < 0.97 else None
                is_open = (weekday, hour) in open_hours
                clicks = chance.randint(0, 3)
                attempts.append(Attempt(visitor, month, weekday, hour, "answered", is_open, clicks))
        for _ in range(int(chance.uniform(0.5, 1.5) * missing * size.monthly) + 1):
            is_open = chance.random() < 0.6
            weekday, hour = (
                chance.choice(open_hours)
                if is_open
                else (chance.randint(1, 7), chance.randint(0, 23))
            )
            is_open = (weekday, hour) in open_hours
            visitor = chance.choice([None, *[_person(chance, len(profiles), 0.6)] * 15])
            outcome = "missed" if is_open else "out_of_hours"
            clicks = chance.randint(1, 3)
            attempts.append(Attempt(visitor, month, weekday, hour, outcome, is_open, clicks))
    return attempts, sessions


def _person(chance: random.Random, known: int, return_rate: float) -> int:
    return chance.randrange(known) if known and chance.random() < return_rate else known


def _pick(chance: random.Random, weights: Mapping[str, float]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _by_time(amounts: Counter[tuple[int, int]], figure: str, year: str) -> dict[Cell, int]:
    cells: dict[Cell, int] = {}
    for weekday in range(1, 8):
        for hour in range(24):
            amount = amounts[weekday, hour]
            for breakdown, category in (
                ("weekday", f"{weekday}"),
                ("hour", f"{hour:02}"),
                ("hour_of_week", f"{weekday}-{hour:02}"),
                ("part_of_week", f"{weekday}-{PARTS[hour // 6]}"),
            ):
                cell = Cell(figure, year, breakdown, category)
                cells[cell] = cells.get(cell, 0) + amount
    return cells


def _count_attempts(attempts: list[Attempt], period: str, is_year: bool) -> dict[Cell, int]:
    who: dict[str, set[int]] = defaultdict(set)
    times: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for one in attempts:
        if one.visitor is not None:
            who[one.outcome].add(one.visitor)
        for figure, amount in (
            ("attempts", 1),
            (f"{one.outcome}_attempts", 1),
            ("clicks", one.clicks),
        ):
            times[figure][one.weekday, one.hour] += amount
    figures = ("attempts", "clicks", *(f"{outcome}_attempts" for outcome in OUTCOMES))
    cells = {Cell(figure, period): times[figure].total() for figure in figures}
    cells |= {
        Cell("answered_in_hours_attempts", period): sum(
            one.outcome == "answered" and one.is_in_hours for one in attempts
        ),
        Cell("attempts_without_visitor", period): sum(one.visitor is None for one in attempts),
        Cell("pressers", period): len(set().union(*who.values())),
        Cell("missed_pressers", period): len(who["missed"]),
        Cell("out_of_hours_pressers", period): len(who["out_of_hours"]),
        Cell("unreached_pressers", period): len(who["missed"] - who["answered"]),
    }
    for figure in figures if is_year else ():
        cells |= _by_time(times[figure], figure, period)
    return cells


def _count_sessions(
    sessions: list[Session], period: str, is_year: bool, size: Size
) -> dict[Cell, int]:
    chats = [one for one in sessions if one.is_chat]
    persons = {one.person: one for one in reversed(sessions)}
    chatters = {one.person for one in chats}
    cells = {
        Cell("conversations", period): len(chats),
        Cell("answered_sessions", period): len(sessions),
        Cell("answered_sessions", period, "channel", "chat"): len(chats),
        Cell("answered_sessions", period, "channel", "mail"): len(sessions) - len(chats),
        Cell("scheduled_conversations", period): sum(one.is_scheduled for one in chats),
        Cell("callers", period): len(persons),
        Cell("callers", period, "channel", "chat"): len(chatters),
        Cell("callers", period, "channel", "mail_only"): len(persons) - len(chatters),
        Cell("referrals", period): sum(bool(one.referred_by) for one in sessions),
    }
    if not is_year:
        return cells
    cells |= _by_time(Counter((one.weekday, one.hour) for one in chats), "conversations", period)
    for breakdown, codes in (
        ("gender", GENDERS),
        ("age_band", [*AGES, "unknown"]),
        ("topic", [*(f"topic {number}" for number in range(size.topics)), "unknown"]),
    ):
        counted = Counter(getattr(one, breakdown) for one in persons.values())
        cells |= {Cell("callers", period, breakdown, code): counted[code] for code in codes}
    referred = Counter(one.referred_by for one in sessions)
    return cells | {
        Cell("referrals", period, "referred_by", code): referred[code] for code in REFERRERS
    }


def _count_new(sessions: list[Session], periods: Sequence[str]) -> dict[Cell, int]:
    met: set[tuple[str, int]] = set()
    cells: Counter[Cell] = Counter()
    for one in sessions:
        for figure, since in (("new_callers", one.month[:4]), ("first_time_callers", "ever")):
            if one.is_chat and (since, one.person) not in met:
                met.add((since, one.person))
                cells[Cell(figure, one.month)] += 1
                cells[Cell(figure, one.month[:4])] += 1
    figures = ("new_callers", "first_time_callers")
    return {
        Cell(figure, period): cells[Cell(figure, period)]
        for figure in figures
        for period in periods
    }


# --- What becomes public of it --------------------------------------------------------------------


class Helpline:
    """A helpline whose months close one after the other, in a warehouse in memory."""

    def __init__(self, counts: Mapping[Cell, int], threshold: int = 5):
        self._connection = duckdb.connect()
        self._connection.execute("attach ':memory:' as warehouse")
        self._connection.execute((ROOT / "ingest" / "warehouse.sql").read_text(encoding="utf-8"))
        self._connection.execute("use warehouse; create schema figures")
        self._connection.execute(TABLES.format(seed=SEED))
        self._connection.execute(
            "insert into raw.settings values ('A', 'nl', 'Europe/Brussels', date '2021-01-01',"
            " 30, 10, ?, null, 2, 14, false, false)",
            [threshold],
        )
        self.definitions = read_definitions(self._connection)
        self._insert(counts)
        self.months = sorted({cell.period for cell in counts if len(cell.period) == 7})
        self.publications = Publications()

    def _insert(self, counts: Mapping[Cell, int]) -> None:
        rows = [(*cell, Decimal(value), 0) for cell, value in counts.items()]
        rows += list(_derived(counts))
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._connection.execute(
            """
            insert into figures.figures by name
            select unnest($1) as figure, unnest($2) as period, unnest($3) as breakdown,
                unnest($4) as category, unnest($5) as value, unnest($6) as decimals,
                '' as unit, '' as base, 'A' as obs_status, 'N' as conf_status, '' as break,
                1 as version, unnest($5)::bigint as numerator, 1 as denominator
            """,
            columns,
        )
        self._connection.execute(
            """
            insert into figures.periods
            select distinct period, if(length(period) = 4, 'year', 'month'), false
            from figures.figures
            """
        )

    def close(self, month: str) -> Publications:
        """Close a month, and with a December its year: give what is public then."""
        self._connection.execute(
            "update figures.periods set is_closed = true"
            " where period = $1 or $1[6:] = '12' and period = $1[:4]",
            [month],
        )
        self.publications = _next_content(
            self._connection, self.publications, month, self.definitions
        )
        return self.publications


TABLES = """
create table figures.figure_definitions as from read_csv('{seed}', header = true);
create table figures.figures (
    figure varchar, period varchar, breakdown varchar, category varchar, value decimal(18, 2),
    unit varchar, base varchar, obs_status varchar, conf_status varchar, break varchar,
    decimals integer, version integer, numerator bigint, denominator bigint, left_out bigint
);
create table figures.periods (period varchar, period_type varchar, is_closed boolean);
"""


def _derived(counts: Mapping[Cell, int]) -> Iterator[tuple]:
    """Every share, change, mean and rate, rounded half up."""
    with SEED.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["parts"] and row["kind"] != "quantile"]
    for row in rows:
        parts = row["parts"].split()
        for cell, value in counts.items():
            if cell.figure == parts[0] and _is_given(row, cell):
                quotient = _quotient(row, cell, value, counts)
                if quotient is not None:
                    decimals = int(row["decimals"])
                    yield (row["figure"], *cell[1:], _rounded(quotient, decimals), decimals)


def _is_given(row: Mapping[str, str], cell: Cell) -> bool:
    of = "year" if len(cell.period) == 4 else "month"
    if row["kind"] == "share":
        return cell.breakdown in row["breakdowns"].split() and of == "year"
    return not cell.breakdown and of in row["period_types"].split()


def _quotient(
    row: Mapping[str, str], cell: Cell, value: int, counts: Mapping[Cell, int]
) -> Fraction | None:
    match row["kind"]:
        case "share":
            top, bottom = 100 * value, counts[Cell(cell.figure, cell.period)]
        case "change":
            earlier = counts.get(
                cell._replace(period=f"{int(cell.period[:4]) - 1}{cell.period[4:]}")
            )
            top, bottom = 100 * (value - (earlier or 0)), earlier or 0
        case "mean":
            months = {
                c.period for c in counts if len(c.period) == 7 and c.period[:4] == cell.period
            }
            top, bottom = value, len(months)
        case _:
            other = counts[Cell(row["parts"].split()[1], cell.period)]
            is_rate = row["unit"] == "percent"
            top, bottom = (100 * value, value + other) if is_rate else (value, other)
    return Fraction(top, bottom) if bottom else None


def _rounded(value: Fraction, decimals: int) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def write(publications: Publications, path: Path) -> None:
    """Write what is public as public/figures.csv has it: nothing of why a count is hidden."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(
            ["figure", "period", "breakdown", "category", "value", "obs_status", "conf_status"]
        )
        for cell, row in sorted(publications.rows().items()):
            lines.writerow([*cell, row.value, row.obs_status, row.conf_status])
