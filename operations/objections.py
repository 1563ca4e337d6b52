"""What speaks against letting go of years: they are not published as they are, or not whole yet.

What goes cannot come back, and what is delivered for these years afterwards is set aside.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from ingest.warehouse import run
from ingest.wording import counted
from ingest.workspace import Workspace
from publish.contents import describe, tables_of
from publish.identity import input_id
from publish.verify import DATABASE, MANIFEST, verify


def why_not(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, years: Sequence[int]
) -> str | None:
    """Say why nothing of the years may go now; None if all is there, and published as it is here.

    `connection` has the warehouse's tables as `schema.table`.
    """
    return _what_is_missing(connection, years) or _what_is_not_published(connection, workspace)


def _what_is_missing(connection: duckdb.DuckDBPyConnection, years: Sequence[int]) -> str | None:
    """Say what may still come for the years: files that cannot be read, days that are pending.

    And for all years before, of which nothing is taken any more either.
    """
    [(damaged,)] = run(connection, "select count(*) from raw.refusals")
    if damaged:
        return (
            f"{counted(damaged, 'damaged file')} may hold events of then: deliver again what "
            "is damaged, or take it away."
        )
    [(days, first)] = run(
        connection,
        "select count(distinct local_date), cast(min(local_date) as varchar)"
        " from intermediate.int_log_days"
        " where is_pending and year(local_date) <= $1"
        " and year(local_date) not in (select year from raw.closings)",
        [max(years)],
    )
    if days:
        return (
            f"{counted(days, 'day')} of then cannot be judged, the first is {first}: in a "
            "quarantined delivery, or in a line of data_gaps.csv. Accept or withdraw the delivery, "
            "or take the line out if nothing more comes."
        )
    return None


def _what_is_not_published(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace
) -> str | None:
    latest = workspace.published / "latest"
    if not latest.exists():
        return "there is no release yet."
    wrong = verify(latest.resolve())
    if wrong:
        return f"the latest release is damaged: {'; '.join(wrong)}."
    manifest = json.loads((latest / MANIFEST).read_text(encoding="utf-8"))
    [figures] = [
        table
        for table in tables_of(connection, "warehouse")
        if (table.schema, table.name) == ("figures", "figures")
    ]
    released = manifest["files"][DATABASE]["tables"].get("figures.figures")
    is_released = manifest["inputs"] == input_id(connection) and describe(
        connection, [figures]
    ) == {"figures.figures": released}
    if not is_released:
        return "the latest release was made from something else than the warehouse now holds."
    if run(connection, "select is_held from disclosure.standing") != [(False,)]:
        return "public/ is held back, and what contradicts it may be mended with their events."
    return None
