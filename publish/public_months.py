"""Which months are public: what the next night may no longer doubt for a file without a date."""

from __future__ import annotations

import re

import duckdb

from ingest.definitions import LOGS_OF_BASES, read_definitions
from ingest.warehouse import fill, run
from ingest.workspace import Workspace
from publish.seen import read_seen


def store_public_months(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Note in an open warehouse the months of which readers have seen a final figure, by log.

    A figure that rests on both logs makes a month public for both. Raises Problem if the history of
    what was public cannot be read, or is not what the warehouse knows of it.
    """
    definitions = read_definitions()
    months = {
        (log, cell.period)
        for cell, row in read_seen(connection, workspace.published).rows().items()
        if row.is_shown and re.fullmatch(r"\d{4}-\d\d", cell.period) and cell.figure in definitions
        for log in LOGS_OF_BASES[definitions[cell.figure].basis]
    }
    known = set(run(connection, "select log, month from warehouse.raw.public_months"))
    if months != known:
        run(connection, "delete from warehouse.raw.public_months")
        fill(connection, "warehouse.raw.public_months", sorted(months), 2)
