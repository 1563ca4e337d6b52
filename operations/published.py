"""Is everything in the warehouse published, so that what has had its time may go?"""

from __future__ import annotations

import json

import duckdb

from ingest.warehouse import run
from ingest.workspace import Workspace
from publish.contents import describe, tables_of
from publish.identity import input_id
from publish.verify import DATABASE, MANIFEST, verify


def why_not(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> str | None:
    """Say why nothing may be deleted now; None if everything is published as it is here."""
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
