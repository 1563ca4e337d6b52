"""Which tables of the warehouse a release holds, and how they are compared."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ingest.damage import damage_of_warehouse, tell_of_warehouse
from ingest.problem import Damaged, Problem, is_damaged
from ingest.workspace import Workspace

MODELLED_SCHEMAS = ("disclosure", "figures", "marts")
# Of the raw tables, only what the helpline itself said; it becomes the schema `helpline`.
HELPLINE_TABLES = (
    "accepted",
    "campaigns",
    "closures",
    "codes",
    "data_gaps",
    "exclusions",
    "extra_openings",
    "opening_hours",
    "published",
    "revisions",
    "settings",
)


@dataclass(frozen=True)
class Table:
    """A table or view of an attached database, and the schema that it has in a release."""

    database: str
    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]
    published_as: str

    @property
    def source(self) -> str:
        """The full name, quoted for SQL."""
        return ".".join(quoted(part) for part in (self.database, self.schema, self.name))

    @property
    def published(self) -> str:
        """The plain name in a release."""
        return f"{self.published_as}.{self.name}"


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """Quote a text for SQL, where a parameter cannot stand."""
    return "'" + str(text).replace("'", "''") + "'"


@contextmanager
def open_warehouse(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading; its tables go by `schema.table`, temporary ones are possible.

    Raises Problem if there is none yet, or if another process has it open.
    """
    if not os.path.lexists(workspace.warehouse):
        raise Problem(
            f"There is no warehouse at {workspace.warehouse} yet: "
            "load the logs first, with `python -m ingest pull`."
        )
    damage = damage_of_warehouse(workspace.warehouse)
    if damage:
        raise Damaged(damage)
    workspace.temporary.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"set temp_directory = {literal(workspace.temporary)}")
        try:
            connection.execute(f"attach {literal(workspace.warehouse)} as warehouse (read_only)")
        except duckdb.Error as error:
            if is_damaged(str(error)):
                raise Damaged(tell_of_warehouse(workspace.warehouse, "it cannot be read")) from None
            raise Problem(
                f"The warehouse {workspace.warehouse} cannot be opened ({error}). "
                "If another run is using this state folder, wait for it to end."
            ) from error
        try:
            connection.execute("use warehouse")
            yield connection
        except duckdb.Error as error:
            if not is_damaged(str(error)):
                raise
            what = "parts of it are missing or not as they were written"
            raise Damaged(tell_of_warehouse(workspace.warehouse, what)) from None


def read_dicts(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict]:
    """Run a query and give each row as a dictionary by column."""
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> list[Table]:
    """List all tables and views of an attached database, by schema and name."""
    columns = connection.execute(
        """
        select table_schema, table_name, column_name, data_type
        from information_schema.columns
        where table_catalog = ?
        order by table_schema, table_name, ordinal_position
        """,
        [database],
    ).fetchall()
    named: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in columns:
        named.setdefault((schema, table), []).append((column, kind))
    return [
        Table(database, schema, name, tuple(described), published_as=schema)
        for (schema, name), described in named.items()
    ]


def published_tables(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    """List what a release of this warehouse holds: marts, figures, the helpline's own tables."""
    tables = []
    for table in tables_of(connection, "warehouse"):
        if table.schema in MODELLED_SCHEMAS:
            tables.append(table)
        elif table.schema == "raw" and table.name in HELPLINE_TABLES:
            tables.append(replace(table, published_as="helpline"))
    return tables


def count_and_digest(connection: duckdb.DuckDBPyConnection, table: Table) -> tuple[int, str]:
    """Count a table's rows, and digest columns and rows so that their order makes no difference.

    Each row is hashed as text; the hashes are summed and combined by exclusive or. Equal tables
    have equal digests in any file; it guards against damage and mix-ups, not against forgery.
    """
    rows, total, parity = connection.execute(
        f"""
        with hashed as (
            select md5_number_lower(cast(contents as varchar)) as row_hash
            from (select * from {table.source}) as contents
        )
        select count(*), coalesce(sum(row_hash), 0), coalesce(bit_xor(row_hash), 0)
        from hashed
        """
    ).fetchone()
    header = hashlib.sha256(json.dumps(table.columns).encode()).hexdigest()
    return rows, f"{header[:16]}-{int(total):x}-{int(parity):016x}"


def describe(connection: duckdb.DuckDBPyConnection, tables: list[Table]) -> dict[str, dict]:
    """Give the number of rows and the digest of each table, by its name in a release."""
    described = {}
    for table in tables:
        rows, digest = count_and_digest(connection, table)
        described[table.published] = {"rows": rows, "digest": digest}
    return dict(sorted(described.items()))
