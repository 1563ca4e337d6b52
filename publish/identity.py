"""The identity of everything that a release rests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from publish.contents import (
    HELPLINE_TABLES,
    count_and_digest,
    quoted,
    read_dicts,
    tables_of,
)

CODE_ROOT = Path(__file__).resolve().parent.parent
CODE_FOLDERS = ("dags", "dbt_project", "expectations", "ingest", "publish")
CODE_SUFFIXES = {".css", ".csv", ".jinja", ".md", ".py", ".sql", ".toml", ".yaml", ".yml"}
CLOSED_TABLES = ("closings", "closed_days", "closed_figures", "closed_periods")
# What the tools leave behind is no source.
NO_SOURCE = {"__pycache__", "dbt_packages", "logs", "target"}


def input_id(connection: duckdb.DuckDBPyConnection, code_root: Path = CODE_ROOT) -> str:
    """Give the SHA-256, in hex, of the logs, settings, keys' fingerprints and code of a warehouse.

    The logs are the deliveries: their keyed id, their status, how they were read, and how many of
    their lines became events or were set aside (what lies in the future of its loading is set
    aside, so the same file can give fewer events when it is loaded early). The order and the names
    under which files came make no difference, but for the dates in the names of files that cannot
    be read: their days are provisional, of months that are not public yet if no date is known.
    Which these are follows from what was public before. How many files were passed over is told
    beside the figures. Which years are closed, and the figures that are stored of those whose
    events are deleted, belong to it as well; and what somebody decided of the history.
    """
    parts = {
        "deliveries": deliveries(connection),
        "settings": {name: _rows(connection, name) for name in HELPLINE_TABLES},
        "key": key_fingerprint(connection),
        "year_keys": year_key_fingerprints(connection),
        "unreadable": _unreadable_days(connection),
        "passed_over": connection.execute("select count(*) from raw.passed_over").fetchall(),
        "code": code_hash(code_root),
        "closed": {name: _content(connection, name) for name in CLOSED_TABLES},
        "decisions": _content(connection, "public_decisions"),
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def deliveries(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    """List all deliveries by their keyed id, with what was made of them.

    No hash of a file is among it: whoever guesses what a file holds could make sure with that.
    """
    return read_dicts(
        connection,
        """
        select
            keyed_id as delivery_id,
            status,
            reading,
            lines,
            events,
            rejects,
            blank_lines,
            expired
        from raw.deliveries
        order by keyed_id
        """,
    )


def key_fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """Give the fingerprint of the key that the pseudonyms were made with."""
    row = connection.execute("select key_fingerprint from raw.warehouse").fetchone()
    return row[0] if row else ""


def year_key_fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Give the fingerprints of the keys of years, by year: of those destroyed since as well."""
    rows = connection.execute(
        "select cast(year as varchar), fingerprint from raw.year_keys order by year"
    )
    return dict(rows.fetchall())


def code_hash(root: Path = CODE_ROOT) -> str:
    """Give the SHA-256, in hex, of the names and contents of the source files that make figures."""
    digest = hashlib.sha256()
    for path in sorted(_sources(root), key=lambda path: path.relative_to(root).as_posix()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _unreadable_days(connection: duckdb.DuckDBPyConnection) -> list[list[str | None]]:
    """Give the first and last date of each file that cannot be read, or holds lines of no date."""
    rows = connection.execute(
        """
        select starts_on::varchar, ends_on::varchar from raw.refusals
        union all
        select min(starts_on)::varchar, max(ends_on)::varchar
        from raw.deliveries
        left join raw.delivery_files using (delivery_id)
        where
            status = 'quarantined'
            or delivery_id in (select delivery_id from raw.rejects where local_date is null)
        group by delivery_id
        order by all
        """
    )
    return [list(row) for row in rows.fetchall()]


def _sources(root: Path) -> Iterator[Path]:
    yield from root.glob("requirements.lock")  # other engines may give other rows
    for folder in CODE_FOLDERS:
        for path in (root / folder).rglob("*"):
            inside = path.relative_to(root).parts
            is_left_behind = any(part.startswith(".") or part in NO_SOURCE for part in inside)
            if path.suffix in CODE_SUFFIXES and not is_left_behind:
                yield path


def _content(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """Count and digest the rows of a raw table."""
    [table] = [
        table
        for table in tables_of(connection, "warehouse")
        if (table.schema, table.name) == ("raw", name)
    ]
    rows, digest = count_and_digest(connection, table)
    return f"{rows} {digest}"


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str | None]]:
    return read_dicts(
        connection,
        f"select columns(*)::varchar from (select * from raw.{quoted(table)} order by all)",
    )
