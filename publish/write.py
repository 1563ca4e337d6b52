"""The files of a release."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from expectations.outcome import Outcome
from publish.coarseness import Coarseness
from publish.contents import (
    describe,
    literal,
    published_tables,
    quoted,
    read_dicts,
    tables_of,
)
from publish.coordinator import write_coordinator
from publish.identity import code_hash, deliveries, key_fingerprint, year_key_fingerprints
from publish.lineage import LINEAGE, write_lineage
from publish.public_folder import FILES, write_public
from publish.publications import (
    PUBLIC,
    PUBLICATIONS,
    Content,
    Publications,
    as_dicts,
    read_proposed,
    write_publications,
)
from publish.seen import Noted
from publish.site import write_site
from publish.verify import DATABASE, MANIFEST, RUN, sha256

FIGURES = "internal/figures.csv"
COORDINATOR = "internal/coordinator.html"
# The columns that every release has, in this order; what else the table has follows.
COLUMNS = (
    "figure",
    "period",
    "breakdown",
    "category",
    "value",
    "unit",
    "base",
    "obs_status",
    "conf_status",
    "break",
    "decimals",
)


def write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    release_id: str,
    inputs: str,
    gates: dict[str, Outcome],
    started_at: datetime,
    latest: Path,
    dbt_manifest: Path,
    pages: Path,
) -> None:
    """Write all files of a release into an empty folder.

    The same inputs, after the same contents of `public/`, give the same bytes in every text file
    and the same rows in every table; run.json alone knows the time. As long as no month closes,
    `public/` is copied from the `latest` release. Raises OSError or duckdb.Error if they cannot be
    written, Problem if dbt's manifest is missing. `pages` holds what Great Expectations wrote of
    the gates.
    """
    (folder / "internal").mkdir()
    publications = read_proposed(connection)
    write_figures(connection, folder / FIGURES)
    write_publications(publications, folder / PUBLICATIONS)
    write_lineage(dbt_manifest, folder / LINEAGE)
    write_coordinator(connection, folder / COORDINATOR)
    _write_public(connection, publications, latest, folder)
    write_site(connection, folder, gates, pages, dbt_manifest)
    tables = _write_database(connection, folder / DATABASE)
    files = {DATABASE: {"tables": tables}} | {
        path.relative_to(folder).as_posix(): {"sha256": sha256(path)}
        for path in folder.rglob("*")
        if path.is_file() and path != folder / DATABASE
    }
    manifest = _manifest(connection, release_id, inputs, gates, publications, files)
    _write_json(folder / MANIFEST, manifest)
    _write_json(folder / RUN, _run(connection, folder / DATABASE, started_at))


def _write_public(
    connection: duckdb.DuckDBPyConnection, publications: Publications, latest: Path, folder: Path
) -> None:
    """Carry `public/` forward byte for byte, or make it if the latest release has another."""
    if _has_content(latest, publications.latest):
        shutil.copytree(latest / PUBLIC, folder / PUBLIC)
        return
    (folder / PUBLIC).mkdir()
    write_public(connection, publications, folder / PUBLIC)


def _has_content(release: Path, content: Content | None) -> bool:
    """Tell whether a release has this content in `public/`, in files that are as they were made.

    A file that an earlier version did not make yet is no reason to wait for the next closing.
    """
    expected = {f"{PUBLIC}/{name}" for name in FILES} if content else set()
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        files = {
            name: file["sha256"]
            for name, file in manifest["files"].items()
            if name.startswith(f"{PUBLIC}/")
        }
        last = manifest["public"]["contents"][-1:]
        is_same = last == as_dicts([content] if content else [])
        return (
            is_same
            and expected <= files.keys()
            and files
            == {
                path.relative_to(release).as_posix(): sha256(path)
                for path in (release / PUBLIC).rglob("*")
                if path.is_file()
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_figures(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the figures, sorted; values have the decimals of their figure, null is empty."""
    names = [row[0] for row in connection.execute("describe figures.figures").fetchall()]
    others = [f"nullif(cast({quoted(name)} as varchar), '')" for name in names]
    written = dict(zip(names, others, strict=True)) | {
        "value": """
            case decimals
                when 0 then cast(cast(value as decimal(18, 0)) as varchar)
                when 1 then cast(cast(value as decimal(18, 1)) as varchar)
                else cast(value as varchar)
            end
        """
    }
    ordered = [*COLUMNS, *(name for name in names if name not in COLUMNS)]
    columns = ", ".join(f"{written[name]} as {quoted(name)}" for name in ordered)
    connection.execute(
        f"""
        copy (
            select {columns}
            from figures.figures
            order by
                figures.figure,
                figures.period,
                coalesce(figures.breakdown, ''),
                coalesce(figures.category, '')
        ) to {literal(path)} (format csv, header, delimiter ',', nullstr '')
        """
    )


def _write_database(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, dict]:
    """Write all tables in a fixed order of rows, with their comments, as one transaction.

    They are as exact as the helpline's settings say (`publish.coarseness`).
    """
    tables = published_tables(connection)
    coarseness = Coarseness.read(connection)
    comments = _comments(connection)
    connection.execute(f"attach {literal(path)} as release")
    connection.begin()
    for table in tables:
        schema = f"release.{quoted(table.published_as)}"
        target = f"{schema}.{quoted(table.name)}"
        connection.execute(f"create schema if not exists {schema}")
        columns = coarseness.columns(table)
        selected = ", ".join(f"{sql} as {quoted(name)}" for name, sql in columns.items())
        connection.execute(
            f"create table {target} as select {selected} from {table.source} order by all"
        )
        for column, text in comments.get((table.schema, table.name), []):
            if column and column not in columns:
                continue
            comment = text + coarseness.note(table, column) if column else text
            commented = f"column {target}.{quoted(column)}" if column else f"table {target}"
            connection.execute(f"comment on {commented} is {literal(comment)}")
    connection.commit()
    described = describe(connection, tables_of(connection, "release"))
    connection.execute("detach release")
    return described


def _comments(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], list[tuple[str | None, str]]]:
    """Give the comments of the warehouse by schema and table: column, or None, and text."""
    rows = connection.execute(
        """
        with comments as (
            select database_name, schema_name, table_name, null as column_name, comment
            from duckdb_tables()
            union all
            select database_name, schema_name, view_name, null, comment from duckdb_views()
            union all
            select database_name, schema_name, table_name, column_name, comment
            from duckdb_columns()
        )
        select schema_name, table_name, column_name, comment
        from comments
        where database_name = 'warehouse' and comment is not null
        """
    ).fetchall()
    comments: dict[tuple[str, str], list[tuple[str | None, str]]] = {}
    for schema, table, column, comment in rows:
        comments.setdefault((schema, table), []).append((column, comment))
    return comments


def _manifest(
    connection: duckdb.DuckDBPyConnection,
    release_id: str,
    inputs: str,
    gates: dict[str, Outcome],
    publications: Publications,
    files: dict[str, dict],
) -> dict:
    [settings] = read_dicts(connection, "select columns(*)::varchar from raw.settings")
    rejects = connection.execute(
        "select reason, count(*) from raw.rejects group by reason order by reason"
    ).fetchall()
    return {
        "release": release_id,
        "inputs": inputs,
        "code": code_hash(),
        "key_fingerprint": key_fingerprint(connection),
        "year_key_fingerprints": year_key_fingerprints(connection),
        "helpline": settings["name"],
        "settings": settings,
        "gates": {name: gate.summary() for name, gate in gates.items()},
        "public": _standing(connection)
        | {
            "contents": as_dicts(publications.contents),
            "history": asdict(Noted.of(publications)),
            "decisions": read_dicts(
                connection, "select columns(*)::varchar from raw.public_decisions order by rowid"
            ),
        },
        "rejects": dict(rejects),
        "files": dict(sorted(files.items())),
        "deliveries": deliveries(connection),
    }


def _standing(connection: duckdb.DuckDBPyConnection) -> dict:
    """Give what is public and what is held back, and why."""
    [standing] = read_dicts(connection, "from disclosure.standing")
    contradictions = read_dicts(connection, "from disclosure.contradictions order by all")
    return standing | {"contradictions": contradictions}


def _run(connection: duckdb.DuckDBPyConnection, database: Path, started_at: datetime) -> dict:
    names = connection.execute(
        """
        select deliveries.keyed_id, list(delivery_files.file order by delivery_files.file)
        from raw.delivery_files
        inner join raw.deliveries using (delivery_id)
        group by all
        order by all
        """
    ).fetchall()
    refused = connection.execute("select file from raw.refusals order by file").fetchall()
    ended_at = datetime.now(UTC)
    return {
        "started_at": started_at.isoformat(timespec="seconds"),
        "ended_at": ended_at.isoformat(timespec="seconds"),
        "seconds": round((ended_at - started_at).total_seconds(), 1),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        DATABASE: {"sha256": sha256(database), "bytes": database.stat().st_size},
        "refused": [file for (file,) in refused],
        "delivered_as": dict(names),
    }


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
