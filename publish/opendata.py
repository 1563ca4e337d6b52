"""The files of `public/` that a machine reads: figures, codebook, and their description.

With datapackage.json the folder can go onto an open-data portal as it is; readme.md says the same
to those who open a file without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import duckdb

from publish.contents import literal, quoted, read_dicts
from publish.datapackage import README, describe_package, write_readme
from publish.disclosure.cells import Cell
from publish.formulas import as_text, as_text_in_sql
from publish.public import (
    CODES,
    DATA_GAPS,
    DATAPACKAGE,
    DEFINITIONS,
    FIGURES,
    REVISIONS,
    About,
)
from publish.publications import Content, Publications, Row, write_csv, write_public_figures


def write_open_data(
    connection: duckdb.DuckDBPyConnection, publications: Publications, folder: Path
) -> None:
    """Write the tables of the latest content and their description into the folder `public/`."""
    rows = publications.rows()
    write_public_figures(rows.values(), folder / FIGURES)
    figures = {cell.figure for cell in rows}
    _copy(
        connection,
        f"""
        select figure, label_en, label_nl, unit, base, kind, decimals, version, is_protected,
            definition, definition_nl
        from figures.figure_definitions
        where figure in ({", ".join(map(literal, sorted(figures)))})
        order by figure
        """,
        folder / DEFINITIONS,
    )
    _copy(
        connection,
        """
        select breakdown, code, label_en, label_nl, sort from raw.codes
        order by breakdown, sort, code
        """,
        folder / CODES,
    )
    _copy(
        connection,
        """
        select log, starts_on, ends_on, reason from raw.data_gaps
        order by starts_on, log, ends_on, reason
        """,
        folder / DATA_GAPS,
    )
    _write_revisions(connection, rows, folder / REVISIONS)
    [settings] = read_dicts(connection, "from raw.settings")
    periods = {cell.period for cell in rows}
    package = describe_package(folder, about(settings, publications.latest), periods)
    text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
    (folder / DATAPACKAGE).write_text(text, encoding="utf-8")
    write_readme(package, folder / README)


def _write_revisions(
    connection: duckdb.DuckDBPyConnection, rows: Mapping[Cell, Row], path: Path
) -> None:
    """Write why public values were revised; a value that is not shown has no revision to show."""
    revisions = connection.execute(
        """
        select figure, period, breakdown, category, reason, cast(decided_on as varchar)
        from raw.revisions
        order by figure, period, breakdown, category, decided_on, rowid
        """
    ).fetchall()
    shown = (
        [as_text(cell or "") for cell in line]
        for line in revisions
        if (cell := Cell(*line[:4])) in rows and rows[cell].value
    )
    header = ("figure", "period", "breakdown", "category", "reason", "decided_on")
    write_csv(path, header, shown)


def about(settings: Mapping[str, object], content: Content) -> About:
    """Say whose figures they are, and how they were made."""
    return About(
        helpline=str(settings["name"]),
        language=str(settings["language"]),
        timezone=str(settings["timezone"]),
        closed_through=content.closed_through,
        content=content.content,
        small_count_threshold=int(settings["small_count_threshold"]),
        settling_days=int(settings["settling_days"]),
        attempt_gap_minutes=int(settings["attempt_gap_minutes"]),
    )


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    described = connection.execute(f"describe {query}").fetchall()
    columns = ", ".join(
        f"{as_text_in_sql(quoted(name)) if kind == 'VARCHAR' else quoted(name)} as {quoted(name)}"
        for name, kind, *_ in described
    )
    connection.execute(
        f"copy (select {columns} from ({query}))"
        f" to {literal(path)} (format csv, header, delimiter ',', nullstr '')"
    )
