"""A small warehouse in which all is as it should be, for the tests of both gates and the release.

Sixteen months from December 2021 to March 2023: one whole year, a month without a covered day, and
provisional ones at both ends; their weeks, years, and two ranges that a document has used. Every
identity holds in it, by construction.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

import duckdb

from expectations.figures import judge
from ingest.warehouse import SCHEMA_VERSION
from ingest.workspace import Workspace
from publish.protect import protect

ROOT = Path(__file__).resolve().parent.parent

MONTHS = [
    "2021-12",
    *(f"2022-{month:02}" for month in range(1, 13)),
    "2023-01",
    "2023-02",
    "2023-03",
]
MISSING = "2023-02"
FINAL = {month for month in MONTHS if "2022-01" <= month <= "2023-01"}
LAST_CLOSED_ON = date(2023, 1, 31)
# The months of each period that is not a week. Of 2023-02 there is nothing to count.
WHOLES = {
    **{month: [month] for month in MONTHS},
    "2021": MONTHS[:1],
    "2022": MONTHS[1:13],
    "2023": MONTHS[13:],
    "2022-01/2022-10": MONTHS[1:11],
    "2022-11/2023-02": MONTHS[11:15],
}
# The same, a year before: a range is compared with what it would have been.
BEFORE = {
    **{f"{int(month[:4]) + 1}{month[4:]}": month for month in MONTHS},
    "2022": "2021",
    "2023": "2022",
    "2022-11/2023-02": "2021-11/2022-02",
}
UNSEEN = {"2021-11/2022-02": MONTHS[:3]}
NOT_FINAL = {"2021", "2023", "2022-11/2023-02", *UNSEEN}

BY_TIME = (
    "clicks",
    "attempts",
    "answered_attempts",
    "missed_attempts",
    "out_of_hours_attempts",
    "conversations",
    "open_hours",
)
BY_HOUR_OF_WEEK = "clicks"
ONE_MORE_THAN_ELSEWHERE = "2022-03"
OPENING_HOURS_CHANGED_ON = date(2022, 3, 16)
REASON = "opening hours from 2022-03-16: 27 h a week instead of 15 h"
AGES = ("under_9", "9-11", "12-14", "15-17", "18-20", "21-24", "25_and_over", "unknown")
Cell = tuple[str, str, str]
Counts = dict[Cell, Fraction]


@dataclass(frozen=True)
class Definition:
    """A line of figure_definitions.csv, as the clean warehouse has it."""

    figure: str
    kind: str
    unit: str
    base: str | None
    decimals: int
    version: int
    parts: str | None
    breaks_with: str | None
    period_types: str
    breakdowns: str | None

    def has(self, period_type: str, breakdown: str) -> bool:
        """Tell whether it is given for such a period and breakdown."""
        known = ["channel", *(self.breakdowns or "").split()]
        return period_type in self.period_types.split() and (breakdown == "" or breakdown in known)

    def row(self, cell: tuple[str, str, str], exact: Fraction | None, status: str) -> tuple:
        """Make the row of a cell of it."""
        period, breakdown, category = cell
        value = None if exact is None else floor(exact * 10**self.decimals + Fraction(1, 2))
        unit = 3600 if self.unit == "hours" else None if exact is None else exact.denominator
        starts_on, ends_on = span(period)
        is_broken = self.breaks_with and starts_on <= OPENING_HOURS_CHANGED_ON <= ends_on
        return (
            *(self.figure, period, breakdown, category),
            None if value is None else Decimal(value).scaleb(-self.decimals),
            *(self.unit, self.base or "", status, "N", REASON if is_broken else ""),
            *(self.decimals, self.version),
            None if exact is None else int(exact * unit),
            None if exact is None else unit,
            0 if self.kind == "quantile" and exact is not None else None,
        )


def span(period: str) -> tuple[date, date]:
    """Give the first and the last day of a period."""
    if "W" in period:
        monday = date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
        return monday, monday + timedelta(days=6)
    if "/" in period:
        return span(period[:7])[0], span(period[8:])[1]
    if len(period) == 4:
        return date(int(period), 1, 1), date(int(period), 12, 31)
    first = date.fromisoformat(f"{period}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def period_type(period: str) -> str:
    """Say what kind of period it is."""
    if "W" in period:
        return "week"
    return "range" if "/" in period else "year" if len(period) == 4 else "month"


def _hourly(month: str, weekday: int, hour: int) -> dict[str, int | Fraction]:
    """Give the counts of one hour of the week in one month: open on weekdays from 19 to 22."""
    number = MONTHS.index(month) + 3 * weekday + 5 * hour
    is_open = weekday < 6 and 19 <= hour < 22
    answered = 1 + number % 2 if is_open else 0
    missed = number % 3 if is_open else 0
    out_of_hours = 0 if is_open else int(number % 7 == 0)
    return {
        "clicks": answered + missed + out_of_hours + number % 2,
        "attempts": answered + missed + out_of_hours,
        "answered_attempts": answered,
        "missed_attempts": missed,
        "out_of_hours_attempts": out_of_hours,
        "conversations": answered + int(month == ONE_MORE_THAN_ELSEWHERE and is_open),
        "open_hours": Fraction(13, 3) if is_open else 0,
    }


def _count_month(month: str) -> Counts:
    cells = defaultdict(Fraction)
    for weekday in range(1, 8):
        for hour in range(24):
            for figure, amount in _hourly(month, weekday, hour).items():
                cells[figure, "", ""] += amount
                cells[figure, "weekday", f"{weekday}"] += amount
                cells[figure, "hour", f"{hour:02}"] += amount
                if figure == BY_HOUR_OF_WEEK:
                    cells[figure, "hour_of_week", f"{weekday}-{hour:02}"] += amount
                    part = ("night", "morning", "afternoon", "evening")[hour // 6]
                    cells[figure, "part_of_week", f"{weekday}-{part}"] += amount
    total = {figure: cells[figure, "", ""] for figure in BY_TIME}
    chat = total["conversations"] - 1
    is_first_of_year = month[:4] != MONTHS[MONTHS.index(month) - 1][:4]
    new = chat if is_first_of_year else chat - 2
    missed_pressers = total["missed_attempts"] // 2
    out_of_hours_pressers = total["out_of_hours_attempts"] // 2
    cells |= {
        ("answered_in_hours_attempts", "", ""): total["answered_attempts"] - 1,
        ("attempts_without_visitor", "", ""): 1,
        ("answered_sessions", "", ""): total["conversations"] + 2,
        ("answered_sessions", "channel", "chat"): total["conversations"],
        ("answered_sessions", "channel", "mail"): 2,
        ("scheduled_conversations", "", ""): 3,
        ("scheduled_conversations", "scheduled_by", "visitor"): 1,
        ("scheduled_conversations", "scheduled_by", "responder"): 1,
        ("scheduled_conversations", "scheduled_by", "unknown"): 1,
        ("scheduled_conversations", "scheduled_by", "unlisted"): 0,
        ("referrals", "", ""): 2,
        ("referrals", "referred_by", "1712"): 1,
        ("referrals", "referred_by", "unlisted"): 1,
        ("pressers", "", ""): missed_pressers + out_of_hours_pressers + 5,
        ("missed_pressers", "", ""): missed_pressers,
        ("out_of_hours_pressers", "", ""): out_of_hours_pressers,
        ("unreached_pressers", "", ""): missed_pressers - 1,
        ("callers", "channel", "chat"): chat,
        ("callers", "channel", "mail_only"): 2,
        ("new_callers", "", ""): new,
        ("first_time_callers", "", ""): new - 1,
        ("responder_hours", "", ""): 2 * total["open_hours"],
        ("excluded_events", "", ""): 3,
        ("excluded_events", "exclusion", "staff tests"): 3,
        ("excluded_events", "exclusion", "a bot"): 0,
    }
    return {cell: Fraction(amount) for cell, amount in cells.items()}


def _count_whole(months: list[Counts], is_since_january: bool) -> Counts:
    """Count a period of months: what adds up is added, of persons some came in two months."""
    counts = {}
    for cell in months[0]:
        parts = [month[cell] for month in months]
        counts[cell] = sum(parts)
        if cell[0].endswith("pressers"):
            counts[cell] = max(parts) + (sum(parts) - max(parts)) // 2
    if is_since_january:
        counts["callers", "channel", "chat"] = counts["new_callers", "", ""]
    callers = counts["callers", "channel", "chat"] + counts["callers", "channel", "mail_only"]
    counts["callers", "", ""] = callers
    few = {"boy": 1, "unknown": 2, "unlisted": 0, "9-11": 3, "21-24": 1, "angst": 4}
    for breakdown, categories, most in (
        ("gender", ("girl", "boy", "unknown", "unlisted"), "girl"),
        ("age_band", AGES, "15-17"),
        ("topic", ("angst", "rouw", "unknown", "unlisted"), "rouw"),
    ):
        for category in categories:
            counts["callers", breakdown, category] = Fraction(few.get(category, 0))
        rest = sum(counts["callers", breakdown, category] for category in categories)
        counts["callers", breakdown, most] += callers - rest
    return counts


def _count_weeks(months: dict[str, Counts]) -> dict[str, Counts]:
    """Count the weeks of the valued months, each of which is spread evenly over its days."""
    weeks: dict[str, Counts] = {}
    for month, counts in months.items():
        counts = {(figure, "", ""): counts[figure, "", ""] for figure in BY_TIME}
        first, last = span(month)
        days = (last - first).days + 1
        for number in range(days):
            year, week, _ = (first + timedelta(days=number)).isocalendar()
            counted = weeks.setdefault(f"{year}-W{week:02}", defaultdict(Fraction))
            for cell, amount in counts.items():
                unit = 3600 if cell[0] == "open_hours" else 1
                whole = amount * unit
                part = whole * (number + 1) // days - whole * number // days
                counted[cell] += Fraction(part, unit)
    for counted in weeks.values():
        outcomes = ("answered_attempts", "missed_attempts", "out_of_hours_attempts")
        counted["attempts", "", ""] = sum(counted[figure, "", ""] for figure in outcomes)
    return weeks


def _derive(definition: Definition, counts: Counts, months: int) -> Counts:
    """Compute a ratio, share, mean or quantile from the counts of a period."""
    parts = (definition.parts or "").split()
    total = {figure: amount for (figure, *rest), amount in counts.items() if rest == ["", ""]}
    if definition.kind == "share":
        is_of_known = (definition.base or "").endswith(" of whom it is known")
        return {
            cell: 100
            * amount
            / (total[parts[0]] - is_of_known * counts.get((*cell[:2], "unknown"), 0))
            for cell, amount in counts.items()
            if not (is_of_known and cell[2] == "unknown")
            if cell[0] == parts[0] and definition.has("year", cell[1]) and cell[1] != "channel"
            if cell[1] != ""
        }
    if definition.kind == "mean":
        return {("", "", ""): total[parts[0]] / months}
    fixed = {
        "answer_rate": 100 * total[parts[0]] / (total[parts[0]] + total[parts[-1]]),
        "clicks_per_conversation": total["clicks"] / total["conversations"],
        "wait_seconds_median": Fraction(61),
        "wait_seconds_p90": Fraction(240),
        "conversation_minutes_median": Fraction(51, 2),
    }
    return {("", "", ""): fixed[definition.figure]}


def _status(months: Iterable[str], period: str) -> str:
    touched = set(months)
    if touched == {MISSING}:
        return "O"
    return "A" if touched <= FINAL and period not in NOT_FINAL else "P"


def _figures(definitions: list[Definition]) -> list[tuple]:
    by_month = {month: _count_month(month) for month in MONTHS}
    valued = {month: counts for month, counts in by_month.items() if month != MISSING}
    counted = {
        period: _count_whole(
            [by_month[month] for month in months if month != MISSING] or [by_month[MISSING]],
            is_since_january=len(period) != 7 and (len(period) == 4 or period[5:7] == "01"),
        )
        for period, months in (WHOLES | UNSEEN).items()
    }
    rows = []
    for period, months in WHOLES.items():
        status = _status(months, period)
        length = sum(month != MISSING for month in months)
        for definition in definitions:
            if definition.kind == "change":
                rows += _changes(definition, counted, period, status)
                continue
            cells = (
                {cell: n for cell, n in counted[period].items() if cell[0] == definition.figure}
                if definition.kind in ("sum", "distinct")
                else _derive(definition, counted[period], length or 1)
            )
            rows += [
                definition.row((period, *cell[1:]), None if status == "O" else exact, status)
                for cell, exact in cells.items()
                if definition.has(period_type(period), cell[1])
            ]
    weeks = _count_weeks(valued)
    missing_weeks = _count_weeks({MISSING: by_month[MISSING]}).keys() - weeks.keys()
    for week in weeks | dict.fromkeys(missing_weeks):
        status = _status({f"{day:%Y-%m}" for day in span(week)} & set(MONTHS), week)
        rows += [
            definition.row(
                (week, "", ""),
                None if status == "O" else weeks[week][definition.figure, "", ""],
                status,
            )
            for definition in definitions
            if definition.has("week", "")
        ]
    return sorted(rows, key=lambda row: row[:4])


def _changes(
    definition: Definition, counted: dict[str, Counts], period: str, status: str
) -> list[tuple]:
    """Make the row of a change, if the year before has figures too."""
    before = BEFORE.get(period)
    if before is None or not definition.has(period_type(period), ""):
        return []
    earlier = _status((WHOLES | UNSEEN)[before], before)
    status = next(code for code in "OPA" if code in (status, earlier))
    new, old = (counted[when][definition.parts, "", ""] for when in (period, before))
    return [
        definition.row((period, "", ""), None if status == "O" else 100 * (new - old) / old, status)
    ]


# The product's own definitions, without the hours of the week of most figures: tests are quick.
DEFINITIONS = f"""
create schema figures;
create table figures.figure_definitions as
    select * replace (
        if(
            figure = '{BY_HOUR_OF_WEEK}',
            breakdowns,
            replace(breakdowns, ' hour_of_week part_of_week', '')
        )
            as breakdowns
    )
    from read_csv('{ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"}', header = true);
create table figures.figures (
    figure varchar, period varchar, breakdown varchar, category varchar,
    value decimal(18, 2), unit varchar, base varchar, obs_status varchar,
    conf_status varchar, break varchar, decimals integer, version integer,
    numerator bigint, denominator bigint, left_out bigint
);
create table figures.periods (
    period varchar, period_type varchar, is_closed boolean, is_retired boolean, starts_on date,
    ends_on date
);
create table figures.breaks as
    select figure, date '{OPENING_HOURS_CHANGED_ON}' as starts_on, breaks_with as kind,
        '{REASON}' as reason
    from figures.figure_definitions
    where breaks_with = 'opening_hours';
"""

SETTINGS = f"""
insert into raw.warehouse (key_fingerprint, schema_version)
    values ('0011223344556677', {SCHEMA_VERSION});
insert into raw.settings values
    ('Testlijn', 'nl', 'Europe/Brussels', date '2021-12-01', 30, 10, 5, null, 2, 14,
        false, false);
insert into raw.opening_hours values
    (date '2021-01-01', null, 1, '19:00', '22:00', 2),
    (date '2021-01-01', null, 2, '22:00', '24:00', 1);
insert into raw.closures values (date '2022-12-25', 'Kerstmis');
insert into raw.codes (breakdown, code, label_nl, label_en, sort) values
    ('scheduled_by', 'visitor', 'bezoeker', 'visitor', 1),
    ('scheduled_by', 'responder', 'beantwoorder', 'responder', 2),
    ('referred_by', '1712', '1712', '1712', 1),
    ('gender', 'girl', 'meisje', 'girl', 1),
    ('gender', 'boy', 'jongen', 'boy', 2),
    ('topic', 'angst', 'angst', 'fear', 1),
    ('topic', 'rouw', 'rouw', 'grief', 2);
insert into raw.exclusions by name
    select unnest(['staff tests', 'a bot']) as exclusion, 'page' as field, '/test' as value,
        'tests of our own' as reason, 'An' as author, 54 as expected_events;
insert into raw.deliveries by name
    select *, delivery_id as sha256, left(delivery_id, 16) as keyed_id, 'r1' as reading,
        timestamp '2022-03-02 03:30:00' as loaded_at
    from (values
        (repeat('a1', 32), 'chat/2022-03-01.ndjson.gz', 4000, 41, 40, 1, 0, 'loaded', null),
        (repeat('b2', 32), 'button/2022-03-01.ndjson', 900, 11, 10, 0, 1, 'accepted', 'looked at')
    ) as delivered (
        delivery_id, file, bytes, lines, events, rejects, blank_lines, status, status_reason
    );
insert into raw.contents by name select sha256, delivery_id from raw.deliveries;
insert into raw.delivery_files by name select delivery_id, file from raw.deliveries;
insert into raw.rejects by name
    select repeat('a1', 32) as delivery_id, 7 as line_number, 'bad_time' as reason;
"""

MARTS = """
insert into raw.published by name
    select 'answer 7' as document, date '2023-01-31' as published_on,
        figure, period, breakdown, category,
        value::bigint::varchar as value, value::bigint::varchar as as_printed
    from figures.figures
    where figure = 'conversations' and breakdown = '' and contains(period, '/');
create schema marts;
create table marts.log_months (
    log varchar, month varchar, kept_events bigint, lost_lines bigint, accepted_lines bigint,
    obs_status varchar, because varchar
);
create table marts.deliveries as
    select keyed_id as delivery_id, status, lines, events, rejects, blank_lines
    from raw.deliveries;
create table marts.attempts as
    with monthly as (
        select period as month, unnest(range(coalesce(value, 0)::bigint)) as number
        from figures.figures where figure = 'attempts' and breakdown = '' and length(period) = 7
    )
    select
        md5(month || number)::uuid as attempt_id,
        md5('v' || number)::uuid as visitor_id,
        'missed' as outcome,
        month,
        (month || '-03')::date as started_on,
        (month || '-03')::timestamp as last_contact_at
    from monthly;
create table marts.conversations as
    with monthly as (
        select period as month, unnest(range(coalesce(value, 0)::bigint)) as number
        from figures.figures
        where figure = 'conversations' and breakdown = '' and length(period) = 7
    )
    select
        md5('c' || month || number)::uuid as session_id,
        ['angst', 'it''s, {a: "b"}'] as topics,
        nullif(number % 3, 0)::smallint as age,
        month,
        null::varchar as shift_id,
        null::double as wait_seconds,
        (month || '-03')::timestamp + to_microseconds(number * 1234567) as first_answered_at
    from monthly;
create table marts.shifts (
    shift_id varchar, responders integer, attempts bigint, answered_attempts bigint,
    missed_attempts bigint, conversations bigint, open_hours double, responder_hours double,
    is_covered boolean, is_pending boolean, opened_on date, opens_at_local timestamp,
    closes_at_local timestamp
);
create table marts.hours_of_week (
    month varchar, weekday tinyint, hour tinyint, attempts bigint, answered_attempts bigint,
    missed_attempts bigint, out_of_hours_attempts bigint, open_seconds bigint
);
create view marts.hours as select month, count(*) as attempts from marts.attempts group by month;
comment on table marts.attempts is 'One row for each attempt; it''s a run.';
comment on column marts.attempts.attempt_id is 'Pseudonym.';
"""


def build_warehouse(path: Path) -> None:
    """Write the clean warehouse to `path`."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as warehouse")
        connection.execute((ROOT / "ingest" / "warehouse.sql").read_text(encoding="utf-8"))
        connection.execute("use warehouse")
        connection.execute(SETTINGS)
        connection.execute(DEFINITIONS)
        rows = _figures(_definitions(connection))
        _insert(connection, "figures.figures", rows)
        periods = sorted({period for _, period, *_ in rows})
        _insert(connection, "figures.periods", [_period(period) for period in periods])
        connection.execute(MARTS)


def _definitions(connection: duckdb.DuckDBPyConnection) -> list[Definition]:
    columns = ", ".join(Definition.__dataclass_fields__)
    rows = connection.execute(f"select {columns} from figures.figure_definitions").fetchall()
    return [Definition(*row) for row in rows]


def _period(period: str) -> tuple:
    starts_on, ends_on = span(period)
    is_closed = ends_on <= LAST_CLOSED_ON
    return (period, period_type(period), is_closed, False, starts_on, ends_on)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    unnested = ", ".join(f"unnest(${number + 1})" for number in range(len(columns)))
    connection.execute(f"insert into {table} select {unnested}", columns)


@functools.cache
def _clean_folder() -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory(prefix="clean-warehouse-")
    data = Path(folder.name)
    build_warehouse(data / "warehouse.duckdb")
    protect(Workspace(data=data, logs="", helpline=data))
    return folder


def clean_workspace(data: Path) -> Workspace:
    """Make a state folder at `data` with a copy of the clean warehouse."""
    data.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(_clean_folder().name) / "warehouse.duckdb", data / "warehouse.duckdb")
    return Workspace(data=data, logs="", helpline=data)


def change(workspace: Workspace, sql: str) -> None:
    """Run SQL on the warehouse of a workspace."""
    with duckdb.connect(workspace.warehouse) as connection:
        connection.execute(sql)


# Nothing has been public before, nothing is provisional, few attempts are rare, and the first month
# is no whole one: these have nothing to look at.
NOT_HERE = {
    "all_that_was_published_fits_together",
    "first_time_callers_of_first_year_are_new",
    "no_hidden_cell_is_pinned_anyway",
    "no_provisional_count_of_persons_is_public",
    "no_two_contents_give_a_person_away",
    "published_figures_have_the_same_value",
    "what_readers_rely_on_is_true",
    "what_spans_two_keys_has_no_value",
    "what_was_shown_stays_shown",
}


def test_a_clean_warehouse_holds_every_expectation(tmp_path):
    outcome = judge(clean_workspace(tmp_path))

    assert outcome.passed
    assert [finding.name for finding in outcome.findings if not finding.success] == []
    unchecked = {finding.name for finding in outcome.findings if finding.checked == 0}
    assert unchecked == NOT_HERE
