"""The end of a year's key: when the year has closed and its figures are out, or no use is left."""

from __future__ import annotations

import logging

from ingest.keys import destroy, years_with_keys
from ingest.lock import hold
from ingest.rotation import TO_BE_READ
from ingest.warehouse import fill, open_warehouse, private_files, run, transaction
from ingest.workspace import Workspace
from operations import overdue
from operations.objections import why_not
from operations.retention import REACH
from publish import contents

log = logging.getLogger("chatcijfers.keys")


def destroy_keys_of_closed_years(workspace: Workspace) -> list[int]:
    """Destroy the keys of years that have closed, and return the years of which there was one.

    A year's key goes when the year is closed and the latest release is whole and made from the
    warehouse as it is. From then on events of the year, and of all years before, are set aside as
    `closed_period`. That is written down before the file goes: a run that is killed in between is
    put right by the next one. Keys of years that no longer have one of their own, since keys rotate
    from a later year than before, go at once and are not returned. Raises Problem if a key cannot
    be destroyed.
    """
    if not workspace.warehouse.exists():
        return []
    with private_files(), hold(workspace.data):
        with open_warehouse(workspace.warehouse, read_only=True) as connection:
            due = _closed_years(connection)
        reason = _why_not(workspace, due) if due else None
        overdue.note(workspace, overdue.KEYS, reason)
        with open_warehouse(workspace.warehouse) as connection:
            if due and reason is None:
                _close(connection, due)
            closed = run(
                connection, "select year from warehouse.raw.closings where key_destroyed order by 1"
            )
            abandoned = _abandoned(connection, years_with_keys(workspace.keys_folder))
        destroyed = destroy(workspace.keys_folder, [year for (year,) in closed])
        abandoned = destroy(workspace.keys_folder, abandoned)
    for year in destroyed:
        log.warning(
            "%d is closed, and its key is destroyed: events of it are taken no more. Destroy its "
            "copies as well.",
            year,
        )
    for year in abandoned:
        log.warning(
            "Keys no longer rotate from %d on, and its key is destroyed: nothing was left that was "
            "read with it. Destroy its copies as well.",
            year,
        )
    return destroyed


def _why_not(workspace: Workspace, years: list[str]) -> str | None:
    """Say why no key may go now, to the log as well; None if all is published as it is."""
    with contents.open_warehouse(workspace) as connection:
        reason = why_not(connection, workspace, [int(year) for year in years])
    if reason:
        log.warning("Keys of closed years are kept for now: %s", reason)
    return reason


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


def _abandoned(connection, years: list[int]) -> list[int]:
    """Of years with a key, list those before keys rotate, once everything is read without it."""
    found = run(
        connection,
        """
        select keys.year
        from (select unnest($1::smallint[]) as year) as keys
        cross join warehouse.raw.settings
        where
            (settings.rotate_keys_from is null or keys.year < settings.rotate_keys_from)
            and keys.year not in (select year from warehouse.raw.year_keys)
            and not exists (select 1 from warehouse.raw.deliveries where reading = $2)
        order by 1
        """,
        [years, TO_BE_READ],
    )
    return [year for (year,) in found]


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
    [(day,)] = run(connection, REACH)
    return day.isoformat()
