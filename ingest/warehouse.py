"""The warehouse's file: opened by one process at a time, made if missing, true to one key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from ingest.damage import damage_of_warehouse, tell_of_warehouse
from ingest.key import Key
from ingest.problem import Damaged, OutOfMemory, Problem, is_damaged, is_full, no_room

# Any change to warehouse.sql needs a new number here, and a file of that number in migrations/ that
# makes the same of a warehouse of the version before.
SCHEMA_VERSION = 5
DEFINITION = Path(__file__).with_name("warehouse.sql")
HEADER_BYTES = 3 * 4096  # of a DuckDB file, before its blocks
MIGRATIONS = Path(__file__).with_name("migrations")
# Nothing is spilled to disk, fetched from elsewhere, or taken from a Python variable by its name.
CLOSED_SETTINGS = {
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "false",
}
SHORT = ("Out of Memory", "could not allocate", "failed to allocate", "failed to pin block")
HELD_ELSEWHERE = (
    "Could not set lock",
    "Conflicting lock",
    "already attached",
    "file handle conflict",
)


class Withheld(RuntimeError):
    """A failure whose own message might quote a row; this one says what failed, and no value."""


class Outdated(Problem):
    """A warehouse of an earlier version was to be read before a run has brought it up to date."""


@contextmanager
def private_files() -> Iterator[None]:
    """Create every file in a `with` block for its owner only (umask 077)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def connect(memory: str) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that neither spills to disk nor loads extensions.

    `memory` is a size that DuckDB understands, such as "1GB".
    """
    connection = duckdb.connect(":memory:", config={**CLOSED_SETTINGS, "memory_limit": memory})
    run(connection, "set TimeZone = 'UTC'")
    return connection


@contextmanager
def open_warehouse(
    path: Path,
    *,
    key: Key | None = None,
    memory: str = "1GB",
    make: bool = False,
    read_only: bool = False,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse at `path`, under the name `warehouse`; with `make`, make it if missing.

    With a key, the warehouse must have been filled with that key. A warehouse of an earlier version
    is brought up to date when it is opened for writing with its key. Raises Problem if it does not
    exist, is in use, was made by a newer version, or belongs to another key; Damaged if its file
    is not as it was written.
    """
    damage = damage_of_warehouse(path)
    if damage:
        raise Damaged(damage)
    if not path.exists() or not path.stat().st_size:
        if not make or key is None:
            raise Problem(
                f"There is no warehouse at {path} yet. `python -m ingest pull` makes one; "
                "name its folder with --data or CHATCIJFERS_DATA."
            )
        _make(path, key, memory)
    try:
        with _attached(path, memory, read_only) as connection:
            version = _check(connection, path, key)
            if version != SCHEMA_VERSION:
                _migrate(connection, path, version, None if read_only else key)
            yield connection
    except Damaged as error:
        damage = tell_of_warehouse(path, str(error))
    if damage:
        raise Damaged(damage)


@contextmanager
def _attached(
    path: Path, memory: str, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = connect(memory)
    try:
        with private_files():
            options = "(read_only)" if read_only else ""
            run(connection, f"attach '{_quoted(path)}' as warehouse {options}")
            yield connection
            run(connection, "detach warehouse")  # writes what is still in the log, and may fail
    finally:
        connection.close()


def run(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence | dict | None = None
) -> list[tuple]:
    """Run one statement and return its rows; errors come without a value of any row.

    Raises Problem for what a person can put right (no room, no memory, in use elsewhere), else
    Withheld.
    """
    try:
        return connection.execute(sql, parameters).fetchall()
    except (duckdb.Error, OSError) as error:
        failure = explain(error)
    raise failure


def fill(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence], columns: int
) -> None:
    """Append a few rows (ledger entries, settings) to a table, as columns of text.

    DuckDB casts them to the table's types. Raises what `run` raises.
    """
    lists = [list(column) for column in zip(*rows, strict=True)]
    if lists:
        values = ", ".join(f"unnest(${number + 1}::varchar[])" for number in range(columns))
        run(connection, f"insert into {table} select {values}", lists)


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of a `with` block, or roll back if it raises."""
    run(connection, "begin transaction")
    try:
        yield
        run(connection, "commit")
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has rolled back already
            connection.execute("rollback")
        raise


def _make(path: Path, key: Key, memory: str) -> None:
    """Make an empty warehouse aside and put it in place: it is there whole, or not at all."""
    aside = path.with_name(f"{path.name}.new")
    try:
        aside.unlink(missing_ok=True)
        with _attached(aside, memory) as connection, transaction(connection):
            run(connection, DEFINITION.read_text(encoding="utf-8"))
            row = (key.fingerprint, str(SCHEMA_VERSION))
            fill(connection, "warehouse.raw.warehouse (key_fingerprint, schema_version)", [row], 2)
        log = path.with_name(f"{path.name}.wal")
        if log.exists():  # of a warehouse that was moved away without it: not for the new one
            log.replace(path.with_name(f"{path.name}.wal.aside"))
        aside.replace(path)
    finally:
        for leftover in (aside, aside.with_name(f"{aside.name}.wal")):
            leftover.unlink(missing_ok=True)


def _check(connection, path: Path, key: Key | None) -> int:
    """Give the version of a warehouse's raw tables, if they are some and belong to the key."""
    known = run(
        connection,
        "select count(*) from duckdb_tables() where database_name = 'warehouse'"
        " and schema_name = 'raw' and table_name = 'warehouse'",
    )
    if not known[0][0]:
        raise Problem(f"{path} is a DuckDB file, but no warehouse. Move it aside and run again.")
    [(fingerprint, version)] = run(
        connection, "select key_fingerprint, schema_version from warehouse.raw.warehouse"
    )
    if key is not None and key.fingerprint != fingerprint:
        raise Problem(
            f"The key is another one than {path} was filled with (fingerprint {key.fingerprint}, "
            f"not {fingerprint}): everyone in it would become somebody else. Put the old key back, "
            "or start anew in another state folder (--data)."
        )
    return version


def _migrate(connection, path: Path, version: int, key: Key | None) -> None:
    """Bring the raw tables of an earlier version up to date, in one transaction, with its key."""
    steps = [MIGRATIONS / f"{step}.sql" for step in range(version + 1, SCHEMA_VERSION + 1)]
    if version > SCHEMA_VERSION or not all(step.exists() for step in steps):
        raise Problem(
            f"{path} was made by another version of this software (tables of version {version}, "
            f"this is {SCHEMA_VERSION}). Run that version, or a newer one; do not remove the file: "
            "figures of years whose events are deleted are nowhere else."
        )
    if key is None:
        raise Outdated(
            f"{path} was made by an earlier version of this software. The next run brings it up to "
            "date; `python -m ingest pull` does so now."
        )
    with transaction(connection):
        for step in steps:
            run(connection, step.read_text(encoding="utf-8"))
        _key_deliveries(connection, key)
        run(
            connection,
            "update warehouse.raw.warehouse set schema_version = $1",
            [SCHEMA_VERSION],
        )


def _key_deliveries(connection, key: Key) -> None:
    """Give the deliveries that have none yet the id by which people know them."""
    hashes = [
        sha256
        for (sha256,) in run(
            connection, "select sha256 from warehouse.raw.deliveries where keyed_id is null"
        )
    ]
    run(
        connection,
        "update warehouse.raw.deliveries set keyed_id = keyed.id"
        " from (select unnest($1::varchar[]) as sha256, unnest($2::varchar[]) as id) as keyed"
        " where deliveries.sha256 = keyed.sha256",
        [hashes, [key.delivery_id(sha256) for sha256 in hashes]],
    )


def require_whole(connection, path: Path) -> None:
    """Raise Damaged if the file ends before the last block that a table of it lies in.

    For who does not read all of it. Blocks that are free at its end may be missing.
    """
    tables = run(
        connection,
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = 'warehouse'",
    )
    for (table,) in tables:
        name = f"warehouse.{table}".replace("'", "''")
        [(last, block_bytes)] = run(
            connection,
            f"select max(block_id), any_value(block_size) from pragma_storage_info('{name}'),"
            " (select block_size from pragma_database_size() where database_name = 'warehouse')"
            " where persistent",
        )
        if last is not None and path.stat().st_size < HEADER_BYTES + (last + 1) * block_bytes:
            raise Damaged("its end is missing")


def explain(error: Exception) -> Problem | Withheld:
    """Say in plain words what failed, without a value that the error's own message may hold."""
    text = str(error)
    if is_full(text):
        return no_room(
            "the warehouse", "what was loaded before stays, and nothing was loaded by half"
        )
    if isinstance(error, duckdb.OutOfMemoryException) or any(sign in text for sign in SHORT):
        return OutOfMemory(
            "There is not enough memory to go on: nothing is ever spilled to disk. Allow more with "
            "--memory or CHATCIJFERS_MEMORY, such as 2GB."
        )
    if any(sign in text for sign in HELD_ELSEWHERE):
        return Problem(
            "The warehouse is in use by another process. Wait until it has ended, or close the "
            "program that has warehouse.duckdb open."
        )
    if is_damaged(text):
        return Damaged("parts of it are missing or not as they were written")
    if "Permission denied" in text or "Read-only file system" in text:
        return Problem(
            "The warehouse cannot be written: the state folder has to belong to whoever runs this."
        )
    return Withheld(f"the database failed ({type(error).__name__}); its message is withheld")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
