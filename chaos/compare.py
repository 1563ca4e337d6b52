"""Is a state folder what an undisturbed night would have made of it?

Everything is compared but what says when: files and their modes, the bytes of releases,
every table of every release and of the warehouse, Airflow's own record, and the locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb

from publish.contents import literal, quoted
from publish.verify import DATABASE, RUN, verify

WAREHOUSE = "warehouse.duckdb"
METADATA = "airflow/airflow.db"
LOCKS = ("lock", "airflow/lock", "dbt/lock")
# A killed night leaves its own log, and SQLite its two files beside the database while it is used;
# how long dbt took to read its project is written only by a reading ahead that comes to its end.
NOT_COMPARED = ("airflow/logs/", f"{METADATA}-", "dbt/perf_info.json")
# What a gate held against an earlier release is another if the killed night had published; what a
# release says of its gates is compared with the release.
BYTES_COMPARED = ("published/", "key")
# When a file was loaded or found damaged, and nothing else, may differ.
TIMES = {("raw", "deliveries", "loaded_at"), ("raw", "refusals", "refused_at")}
# What is public is noted when a night begins: after one that was killed once it had published, what
# that one published is there as well. Nothing may be wanting.
NOTED = {("raw", "public_months")}
TABLES = """
select schema_name, table_name, column_name, data_type
from duckdb_columns()
inner join duckdb_tables() using (database_name, schema_name, table_name)
where database_name = $1
order by all
"""


def differences(expected: Path, found: Path) -> list[str]:
    """Say in plain words how a state folder differs from the one of an undisturbed night.

    `expected` is the undisturbed one's; nobody may be using either. Nothing is what should be said.
    """
    return [
        *differences_of_files(expected, found),
        *differences_of_tables(expected / WAREHOUSE, found / WAREHOUSE, WAREHOUSE),
        *differences_of_releases(expected / "published", found / "published"),
        *_unfinished_runs(found / METADATA),
        *_locks_held(found),
    ]


def differences_of_files(expected: Path, found: Path) -> Iterator[str]:
    """Compare the files of two state folders: which there are, their modes, and their bytes."""
    here, there = _entries(expected), _entries(found)
    for name in sorted(here.keys() - there.keys()):
        yield f"{name} is missing"
    for name in sorted(there.keys() - here.keys()):
        yield f"{name} was left behind"
    for name in sorted(here.keys() & there.keys()):
        if here[name] != there[name]:
            yield f"{name} has another type, mode or target: {there[name]}, not {here[name]}"
        elif not _is_the_same(expected / name, found / name, name):
            yield f"{name} has other content"


def _entries(state: Path) -> dict[str, tuple[str, str]]:
    """Give every file, folder and link of a state folder with its mode and the link's target."""
    entries = {}
    for path in state.rglob("*"):
        name = path.relative_to(state).as_posix()
        if not name.startswith(NOT_COMPARED):
            target = os.fspath(path.readlink()) if path.is_symlink() else ""
            entries[name] = oct(path.lstat().st_mode), target
    return entries


def _is_the_same(expected: Path, found: Path, name: str) -> bool:
    """Tell whether two files have the same bytes, if these say nothing of when and by whom.

    Databases are compared as tables.
    """
    if expected.is_symlink() or not expected.is_file():
        return True
    if not name.startswith(BYTES_COMPARED) or name.endswith((RUN, ".duckdb")):
        return True
    return expected.read_bytes() == found.read_bytes()


def differences_of_releases(expected: Path, found: Path) -> Iterator[str]:
    """Verify every release, and compare its tables with those of an undisturbed one's."""
    for release in sorted((found / "releases").glob("*")):
        name = release.name
        yield from (f"release {name}: {wrong}" for wrong in verify(release))
        undisturbed = expected / "releases" / name / DATABASE
        if undisturbed.exists():  # else it was named above as left behind
            yield from differences_of_tables(undisturbed, release / DATABASE, name)


def differences_of_tables(expected: Path, found: Path, what: str) -> Iterator[str]:
    """Compare every table row by row, as often as a row is there."""
    with duckdb.connect() as connection:
        for database, path in (("expected", expected), ("found", found)):
            connection.execute(f"attach {literal(path)} as {database} (read_only)")
        tables, others = (_columns(connection, database) for database in ("expected", "found"))
        for name in sorted(tables.keys() | others.keys()):
            if tables.get(name) != others.get(name):
                yield f"{what}: the table {'.'.join(name)} has other columns, or is not there"
            elif count := _differing_rows(connection, name, tables[name]):
                yield f"{what}: {count} rows of {'.'.join(name)} are lost, doubled or changed"


def _columns(connection, database: str) -> dict[tuple[str, str], list[tuple[str, str]]]:
    tables: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in connection.execute(TABLES, [database]).fetchall():
        tables.setdefault((schema, table), []).append((column, kind))
    return tables


def _differing_rows(connection, name: tuple[str, str], columns: list[tuple[str, str]]) -> int:
    kept = ", ".join(quoted(column) for column, _ in columns if (*name, column) not in TIMES)
    expected, found = (
        f"select {kept} from {database}.{quoted(name[0])}.{quoted(name[1])}"
        for database in ("expected", "found")
    )
    added = "" if name in NOTED else f" union all ({found} except all {expected})"
    [(count,)] = connection.execute(
        f"select count(*) from (({expected} except all {found}){added})"
    ).fetchall()
    return count


def _unfinished_runs(metadata: Path) -> Iterator[str]:
    """Look for what Airflow still takes for running, and at how the last run ended."""
    with contextlib.closing(sqlite3.connect(f"file:{metadata}?mode=ro", uri=True)) as connection:
        [(sound,)] = connection.execute("pragma integrity_check").fetchall()
        if sound != "ok":
            yield "Airflow's database is damaged"
        states = [state for (state,) in connection.execute("select state from dag_run order by id")]
        tasks = connection.execute("select distinct state from task_instance").fetchall()
    if states[-1:] != ["success"]:
        yield "Airflow has not recorded the last run as a success"
    for state in sorted({*states, *(state for (state,) in tasks)} - {"success", "failed", None}):
        if state != "upstream_failed":
            yield f"Airflow still has something in the state {state}"


def _locks_held(state: Path) -> Iterator[str]:
    for name in LOCKS:
        with (state / name).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield f"{name} is still held"
            if file.read():
                yield f"{name} still names a run that holds it"
