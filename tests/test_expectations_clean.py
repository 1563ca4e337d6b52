"""A small warehouse in which all is as it should be, for the tests of both gates and the release.

Sixteen months from December 2021 to March 2023: one whole year, a month without a covered day, and
provisional ones at both ends. Every identity holds in it, by construction.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import duckdb

from expectations.figures import judge
from ingest.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent

MONTHS = [
    "2021-12",
    *(f"2022-{month:02}" for month in range(1, 13)),
    "2023-01",
    "2023-02",
    "2023-03",
]
MISSING = "2023-02"
YEARS = ["2021", "2022", "2023"]
FINAL = {"2022", *(month for month in MONTHS if month.startswith("2022"))}

BY_TIME = (
    "clicks",
    "attempts",
    "answered_attempts",
    "missed_attempts",
    "out_of_hours_attempts",
    "conversations",
    "open_hours",
)
ONE_MORE_THAN_ELSEWHERE = "2022-03"
Values = dict[tuple[str, str, str, str], Fraction | None]


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


def _count_month(values: Values, month: str, is_first_of_year: bool) -> None:
    cells = defaultdict(Fraction)
    for weekday in range(1, 8):
        for hour in range(24):
            for figure, amount in _hourly(month, weekday, hour).items():
                cells[figure, "", ""] += amount
                cells[figure, "weekday", f"{weekday}"] += amount
                cells[figure, "hour", f"{hour:02}"] += amount
                cells[figure, "hour_of_week", f"{weekday}-{hour:02}"] += amount
    total = {figure: cells[figure, "", ""] for figure in BY_TIME}
    chat = total["conversations"] - 1
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
        ("callers", "", ""): chat + 2,
        ("callers", "channel", "chat"): chat,
        ("callers", "channel", "mail_only"): 2,
        ("new_callers", "", ""): new,
        ("first_time_callers", "", ""): new - 1,
        ("responder_hours", "", ""): 2 * total["open_hours"],
    }
    for (figure, breakdown, category), amount in cells.items():
        values[figure, month, breakdown, category] = Fraction(amount)


def _count_year(values: Values, year: str) -> None:
    months = [month for month in MONTHS if month.startswith(year)]
    cells = {(figure, *rest) for figure, month, *rest in values if month in months}
    amounts = {
        cell: [values[cell[0], month, *cell[1:]] for month in months if month != MISSING]
        for cell in cells
    }
    for (figure, breakdown, category), parts in amounts.items():
        if figure.endswith("pressers"):
            largest = max(parts)
            value = largest + (sum(parts) - largest) // 2
        else:
            value = sum(parts)
        values[figure, year, breakdown, category] = value
    chat = values["new_callers", year, "", ""]
    values["callers", year, "channel", "chat"] = chat
    values["callers", year, "", ""] = chat + values["callers", year, "channel", "mail_only"]


def _add_ratios(values: Values, period: str) -> None:
    total = {
        figure: value
        for (figure, when, *rest), value in values.items()
        if when == period and rest == ["", ""]
    }
    answered = total["answered_in_hours_attempts"]
    ratios = {
        "answer_rate": 100 * answered / (answered + total["missed_attempts"]),
        "clicks_per_conversation": total["clicks"] / total["conversations"],
        "wait_seconds_median": Fraction(61),
        "wait_seconds_p90": Fraction(240),
        "conversation_minutes_median": Fraction(51, 2),
    }
    for figure, value in ratios.items():
        values[figure, period, "", ""] = value


def _figures(known: dict[str, tuple]) -> list[tuple]:
    values: Values = {}
    for month in MONTHS:
        _count_month(values, month, month[:4] != MONTHS[MONTHS.index(month) - 1][:4])
    for year in YEARS:
        _count_year(values, year)
    for period in MONTHS + YEARS:
        _add_ratios(values, period)
    rows = []
    for (figure, period, breakdown, category), value in sorted(values.items()):
        unit, base, decimals, breakdowns = known[figure]
        status = "O" if period == MISSING else "A" if period in FINAL else "P"
        rounded = None if status == "O" else _rounded(value, decimals)
        cell = (figure, period, breakdown, category, rounded)
        if breakdown in ("", "channel", *(breakdowns or "").split()):
            rows.append((*cell, unit, base or "", status, "N", "", decimals))
    return rows


def _rounded(value: Fraction, decimals: int) -> str:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


# The product's own definitions, without the hours of the week of most figures: tests are quick.
DEFINITIONS = f"""
create schema figures;
create table figures.figure_definitions as
    select * replace (
        if(figure in ('clicks', 'open_hours'), breakdowns, replace(breakdowns, ' hour_of_week', ''))
            as breakdowns
    )
    from read_csv('{ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"}', header = true);
create table figures.figures (
    figure varchar, period varchar, breakdown varchar, category varchar,
    value decimal(18, 2), unit varchar, base varchar, obs_status varchar,
    conf_status varchar, break varchar, decimals integer
);
"""

SETTINGS = """
insert into raw.warehouse (key_fingerprint, schema_version) values ('0011223344556677', 1);
insert into raw.settings values
    ('Testlijn', 'nl', 'Europe/Brussels', date '2021-12-01', 30, 10, 5);
insert into raw.opening_hours values
    (date '2021-01-01', null, 1, '19:00', '22:00', 2),
    (date '2021-01-01', null, 2, '22:00', '24:00', 1);
insert into raw.closures values (date '2022-12-25', 'Kerstmis');
insert into raw.codes values
    ('scheduled_by', 'visitor', 'bezoeker', 'visitor', 1),
    ('scheduled_by', 'responder', 'beantwoorder', 'responder', 2),
    ('referred_by', '1712', '1712', '1712', 1);
insert into raw.deliveries values
    (repeat('a1', 32), 'chat/2022-03-01.ndjson.gz', 4000, 41, 40, 1, 0, 'loaded', null, 'r1',
        timestamp '2022-03-02 03:30:00'),
    (repeat('b2', 32), 'button/2022-03-01.ndjson', 900, 11, 10, 0, 1, 'accepted', 'looked at', 'r1',
        timestamp '2022-03-02 03:30:00');
insert into raw.delivery_files select delivery_id, file from raw.deliveries;
insert into raw.rejects values (repeat('a1', 32), 7, 'bad_time');
"""

MARTS = """
create schema marts;
create table marts.deliveries as
    select delivery_id, status, lines, events, rejects, blank_lines from raw.deliveries;
create table marts.attempts as
    with monthly as (
        select period as month, unnest(range(coalesce(value, 0)::bigint)) as number
        from figures.figures where figure = 'attempts' and breakdown = '' and length(period) = 7
    )
    select md5(month || number)::uuid as attempt_id, 'missed' as outcome, month from monthly;
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
        (month || '-03')::timestamp + to_microseconds(number * 1234567) as first_answered_at
    from monthly;
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
        known = connection.execute(
            "select figure, unit, base, decimals, breakdowns from figures.figure_definitions"
        ).fetchall()
        rows = _figures({figure: tuple(rest) for figure, *rest in known})
        columns = [list(column) for column in zip(*rows, strict=True)]
        unnested = ", ".join(f"unnest(${number + 1})" for number in range(len(columns)))
        connection.execute(f"insert into figures.figures select {unnested}", columns)
        connection.execute(MARTS)


@functools.cache
def _clean_folder() -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory(prefix="clean-warehouse-")
    build_warehouse(Path(folder.name) / "warehouse.duckdb")
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


def test_a_clean_warehouse_holds_every_expectation(tmp_path):
    outcome = judge(clean_workspace(tmp_path))

    assert outcome.passed
    assert [finding.name for finding in outcome.findings if not finding.success] == []
    assert [finding.name for finding in outcome.findings if finding.checked == 0] == []
