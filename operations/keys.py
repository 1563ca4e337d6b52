"""The end of a year's key: it is destroyed once the year has closed and its figures are out."""

from __future__ import annotations

import logging

from ingest.keys import destroy
from ingest.lock import hold
from ingest.warehouse import fill, open_warehouse, private_files, run, transaction
from ingest.workspace import Workspace
from operations.published import why_not
from publish import contents

log = logging.getLogger("chatcijfers.keys")


def destroy_keys_of_closed_years(workspace: Workspace) -> list[int]:
    """Destroy the keys of years that have closed, and return the years of which there was one.

    A year's key goes when the year is closed and the latest release is whole and made from the
    warehouse as it is. From then on events of the year, and of all years before, are set aside as
    `closed_period`. That is written down before the file goes: a run that is killed in between is
    put right by the next one. Raises Problem if a key cannot be destroyed.
    """
    if not workspace.warehouse.exists():
        return []
    with private_files(), hold(workspace.data):
        with open_warehouse(workspace.warehouse, read_only=True) as connection:
            is_due = bool(_closed_years(connection))
        is_due = is_due and _is_published(workspace)
        with open_warehouse(workspace.warehouse) as connection:
            if is_due:
                _close(connection, _closed_years(connection))
            closed = run(
                connection, "select year from warehouse.raw.closings where key_destroyed order by 1"
            )
        destroyed = destroy(workspace.keys_folder, [year for (year,) in closed])
    for year in destroyed:
        log.warning(
            "%d is closed, and its key is destroyed: events of it are taken no more. Destroy its "
            "copies as well.",
            year,
        )
    return destroyed


def _is_published(workspace: Workspace) -> bool:
    """Tell whether everything is published as it is in the warehouse; the log says why not."""
    with contents.open_warehouse(workspace) as connection:
        reason = why_not(connection, workspace)
    if reason:
        log.warning("Keys of closed years are kept for now: %s", reason)
    return reason is None


def _closed_years(connection) -> list[str]:
    """List the closed years whose key is not noted as destroyed yet."""
    there = run(
        connection,
        "select count(*) from duckdb_tables() where database_name = 'warehouse'"
        " and schema_name = 'figures' and table_name = 'periods'",
    )
    if there == [(0,)]:
        return []
    years = run(
        connection,
        """
        select cast(year_keys.year as varchar)
        from warehouse.raw.year_keys
        inner join warehouse.figures.periods
            on periods.period = cast(year_keys.year as varchar) and periods.is_closed
        anti join (select year from warehouse.raw.closings where key_destroyed) as destroyed
            on year_keys.year = destroyed.year
        order by 1
        """,
    )
    return [year for (year,) in years]


def _close(connection, years: list[str]) -> None:
    """Note that the keys of years are destroyed, from now on."""
    with transaction(connection):
        run(
            connection,
            "update warehouse.raw.closings set key_destroyed = true"
            " where year in (select unnest($1::smallint[]))",
            [[int(year) for year in years]],
        )
        noted = run(connection, "select cast(year as varchar) from warehouse.raw.closings")
        new = {year for year in years if (year,) not in noted}
        reached_on = _reached_on(connection)
        fill(
            connection,
            "warehouse.raw.closings (year, reached_on, events_deleted, key_destroyed)",
            [(year, reached_on, "false", "true") for year in sorted(new)],
            4,
        )


def _reached_on(connection) -> str:
    """Give the day to which all logs reach that have anything covered, as ISO text."""
    [(day,)] = run(
        connection,
        """
        select cast(min(last_on) as varchar)
        from (
            select max(local_date) as last_on
            from warehouse.intermediate.int_log_days
            where is_covered
            group by log
        )
        """,
    )
    return day
