"""Retention: the events of years that are old enough are deleted, and their figures stay, stored.

Whole local calendar years retire, the oldest first, once they are closed and the logs have reached
the year after those that the helpline keeps. First all that is known of them is copied into the raw
tables of closed years, which every rebuild reads; then the warehouse is written anew without their
events, for a database leaves deleted rows in its file, and takes the old one's place in one move.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb

from ingest.closings import new_year
from ingest.disk import sync
from ingest.helpline import load_helpline
from ingest.lock import hold
from ingest.pull import DEFAULT_MEMORY
from ingest.warehouse import DEFINITION, Withheld, open_warehouse, private_files, run, transaction
from ingest.workspace import Workspace
from operations import overdue
from operations.objections import why_not
from publish.contents import tables_of

# Says why years may not go now, given the open warehouse, its workspace and the years; else None.
Objection = Callable[[duckdb.DuckDBPyConnection, Workspace, list[int]], str | None]

LOG = logging.getLogger("chatcijfers.operations")

KEPT = Path(__file__).with_suffix(".sql")
NEEDED = {
    "figures.figure_definitions",
    "figures.figures",
    "figures.measures_of_hours",
    "figures.measures_of_persons",
    "figures.measures_of_sessions",
    "figures.periods",
    "intermediate.int_log_days",
    "intermediate.int_periods_judged",
}

# The years that have not retired, and how far all logs reach.
YEARS = """
select year(starts_on), is_closed
from figures.periods
where period_type = 'year' and not is_retired
order by starts_on
"""
REACH = """
select min(reached_on)
from (
    select max(local_date) as reached_on from warehouse.intermediate.int_log_days
    where is_covered
    group by log
)
"""

# Of a range that reaches into what is still open nothing final is known: it gets no stored row.
PERIODS = """
insert into fresh.raw.closed_periods by name
select
    basis, period, period_type, obs_status, earlier_period, change_status, covered_days, is_shown,
    starts_on, ends_on
from intermediate.int_periods_judged
cross join (select settling_days from raw.settings)
where starts_on <= $through::date and ends_on + settling_days <= $reached_on::date
on conflict do nothing
"""
# Who called for the first time asks for all years before: what is closed now is the last that is
# known of it, also of years that stay.
FIGURES = """
insert into fresh.raw.closed_figures by name
select figures.* replace (coalesce(figures.base, '') as base, coalesce(figures.break, '') as break)
from figures.figures
inner join figures.periods using (period)
inner join figures.figure_definitions as definitions using (figure)
where
    periods.is_closed
    and (
        periods.starts_on <= $through::date
        or 'first_time_callers' in (figure, coalesce(definitions.parts, ''))
    )
on conflict do nothing
"""
# Ranges that others are compared with have no figures of their own, but counts.
COMPARED = """
insert into fresh.raw.closed_figures by name
with counts as (
    select figure, period, breakdown, numerator from figures.measures_of_hours
    union all
    select figure, period, breakdown, numerator from figures.measures_of_persons
    union all
    select figure, period, breakdown, numerator from figures.measures_of_sessions
)
select
    definitions.figure,
    periods.period,
    '' as breakdown,
    '' as category,
    numerator as value,
    definitions.unit,
    coalesce(definitions.base, '') as base,
    periods.obs_status,
    'N' as conf_status,
    '' as break,
    definitions.decimals,
    definitions.version,
    if(periods.obs_status = 'O', null, coalesce(counts.numerator, 0)) as numerator,
    if(periods.obs_status = 'O', null, 1) as denominator
from fresh.raw.closed_periods as periods
inner join figures.figure_definitions as definitions using (basis)
left join counts
    on
        definitions.figure = counts.figure
        and periods.period = counts.period
        and counts.breakdown = ''
where
    not periods.is_shown
    and definitions.figure in (
        select parts from figures.figure_definitions where kind = 'change'
    )
on conflict do nothing
"""
DAYS = """
insert into fresh.raw.closed_days by name
select log, local_date, is_covered, is_pending, is_stated, is_seen
from intermediate.int_log_days
where local_date <= $through::date
on conflict do nothing
"""
CLOSINGS = """
insert or replace into fresh.raw.closings by name
select
    year,
    coalesce(closings.reached_on, $reached_on::date) as reached_on,
    true as events_deleted,
    coalesce(closings.key_destroyed, false) as key_destroyed
from (select unnest($years::smallint[]) as year)
left join raw.closings using (year)
"""
# A statement of coverage is about its days: only one that reaches into a kept year stays.
EVENTS = """
insert into fresh.raw.events
select * from raw.events
where
    case
        when event_type = 'helpline.log.covered'
            then event_id in (
                select event_id from raw.events
                where event_type = 'helpline.log.covered' and ends_at > $boundary::timestamp
            )
        else occurred_at >= $boundary::timestamp or rowid in (select row_id from kept)
    end
"""
EXPIRED = """
update fresh.raw.deliveries
set expired = deliveries.events - coalesce(
    (
        select count(*) from fresh.raw.events
        where events.delivery_id = deliveries.delivery_id
    ),
    0
)
"""
CONNECTED = """
insert into kept
select row_id
from old_events
anti join kept using (row_id)
where
    event_id in (select event_id from old_events semi join kept using (row_id))
    or session_id in (select session_id from old_events semi join kept using (row_id))
    or (visitor_id, run) in (
        select (visitor_id, run) from old_events semi join kept using (row_id)
        where visitor_id is not null
    )
"""


def retain(workspace: Workspace) -> list[int]:
    """Delete the events of the years that are older than the helpline keeps them.

    Returns the years that retired. Nothing is deleted unless the latest release is whole and was
    made from exactly this warehouse; the log says why not. Raises Problem for what a person has to
    put right: a helpline with mistakes, no room, no memory, another run.
    """
    keep = load_helpline(workspace.helpline).keep_events_years
    if keep is None:
        overdue.note(workspace, overdue.EVENTS, None)
        return []
    return retire(workspace, keep, why_not)


def retire(workspace: Workspace, keep: int, objection: Objection) -> list[int]:
    """Delete the events of the years before the last `keep` whole ones, if there is no objection.

    Whatever happens, the warehouse is the old one or the new one, whole. Returns the years that
    retired; raises Problem as `retain` does.
    """
    with private_files(), hold(workspace.data):
        aside = workspace.warehouse.with_name(f"{workspace.warehouse.name}.retiring")
        _remove(aside)
        try:
            return _retire(workspace, keep, objection, aside)
        finally:
            _remove(aside)


def _retire(workspace: Workspace, keep: int, objection: Objection, aside: Path) -> list[int]:
    memory = os.environ.get("CHATCIJFERS_MEMORY") or DEFAULT_MEMORY
    with open_warehouse(workspace.warehouse, memory=memory) as connection:
        run(connection, "use warehouse")
        try:
            years, reached_on = _due(connection, keep)
            reason = objection(connection, workspace, years) if years else None
            overdue.note(workspace, overdue.EVENTS, reason)
            if reason:
                LOG.warning("Years that are due are kept for now (%s): %s", _list(years), reason)
            if not years or reason:
                return []
            deleted = _write_anew(connection, aside, years, reached_on)
        finally:
            run(connection, "use memory")
    _put_in_place(aside, workspace.warehouse)
    LOG.info(
        "Retired: %s. Their %s events are deleted, their figures are stored.",
        _list(years),
        f"{deleted:,}",
    )
    return years


def _due(connection, keep: int) -> tuple[list[int], date | None]:
    """Give the years that are old enough, oldest first and without a gap, and the logs' reach."""
    known = {f"{table.schema}.{table.name}" for table in tables_of(connection, "warehouse")}
    if not known >= NEEDED:
        return [], None  # models are built anew the next night
    [(reached_on,)] = run(connection, REACH)
    years = []
    for year, is_closed in run(connection, YEARS):
        if not is_closed or reached_on.year < year + 1 + keep:
            break
        years.append(year)
    return years, reached_on


def _write_anew(connection, aside: Path, years: list[int], reached_on: date) -> int:
    """Write the warehouse aside as it is without the events of the years; count those deleted."""
    [(timezone, gap)] = run(connection, "select timezone, attempt_gap_minutes from raw.settings")
    boundary = new_year(years[-1] + 1, timezone)
    _find_kept(connection, boundary, gap)
    path = str(aside).replace("'", "''")
    run(connection, f"attach '{path}' as fresh")
    with transaction(connection):
        definition = DEFINITION.read_text(encoding="utf-8").replace("warehouse.raw", "fresh.raw")
        run(connection, definition)
        copied = run(
            connection,
            "select table_name from duckdb_tables() where database_name = 'fresh'"
            " and table_name <> 'events'",
        )
        for (table,) in copied:
            run(connection, f"insert into fresh.raw.{table} by name from warehouse.raw.{table}")
        values = {
            "boundary": boundary,
            "through": date(years[-1], 12, 31),
            "reached_on": reached_on,
            "years": years,
        }
        for sql in (PERIODS, FIGURES, COMPARED, DAYS, CLOSINGS, EVENTS, EXPIRED):
            run(connection, sql, _named_in(sql, values))
        deleted = _count_deleted(connection)
    run(connection, "detach fresh")
    return deleted


def _find_kept(connection, boundary: datetime, gap: int) -> None:
    """List the events before the boundary that stay, in the temporary table `kept`."""
    values = {"boundary": boundary, "gap": gap}
    for sql in KEPT.read_text(encoding="utf-8").split(";\n"):
        if sql.strip():
            run(connection, sql, _named_in(sql, values))
    while run(connection, CONNECTED) != [(0,)]:
        pass


def _count_deleted(connection) -> int:
    """Count the deleted events, and see that each is accounted for."""
    [(before, after, wrong)] = run(
        connection,
        """
        select
            (select count(*) from warehouse.raw.events),
            (select count(*) from fresh.raw.events),
            (
                select count(*) from fresh.raw.deliveries as fresh
                inner join warehouse.raw.deliveries as old using (delivery_id)
                where fresh.expired < old.expired
            )
        """,
    )
    [(listed,)] = run(
        connection,
        """
        select
            (select coalesce(sum(expired), 0) from fresh.raw.deliveries)
            - (select coalesce(sum(expired), 0) from warehouse.raw.deliveries)
        """,
    )
    if wrong or listed != before - after:
        raise Withheld("not every deleted event is accounted for; nothing was deleted")
    return before - after


def _put_in_place(aside: Path, warehouse: Path) -> None:
    """Have the new file take the old one's place, once all of it is on the disk."""
    for path in (aside, warehouse):
        if path.with_name(f"{path.name}.wal").exists():
            raise Withheld(f"{path.name} was not written to its end; nothing was deleted")
    sync(aside)
    aside.replace(warehouse)
    sync(warehouse.parent)


def _remove(aside: Path) -> None:
    """Remove what a run that was killed left unfinished."""
    for path in (aside, aside.with_name(f"{aside.name}.wal")):
        path.unlink(missing_ok=True)


def _named_in(sql: str, values: dict) -> dict:
    return {name: value for name, value in values.items() if f"${name}" in sql}


def _list(years: list[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"
