"""A figure's row in a release, with all that it takes to explain it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import duckdb

from ingest.definitions import LOGS_OF_BASES
from ingest.problem import Problem
from publish.disclosure.cells import Cell
from publish.ledger import Found
from publish.lineage import Definitions, columns_of
from publish.rows import find_row
from publish.verify import DATABASE, MANIFEST, is_without_database, say_without_database

WIDTH = 100


@dataclass(frozen=True)
class Explained:
    """A figure's row in a release, and what it takes to explain it."""

    release: Path
    connection: duckdb.DuckDBPyConnection
    manifest: dict
    definitions: Definitions
    cell: Cell
    row: dict[str, str]

    @property
    def definition(self) -> dict[str, str]:
        """The figure's line of figure_definitions.csv."""
        return self.definitions[self.cell.figure]

    @property
    def logs(self) -> tuple[str, ...]:
        """The logs that the figure rests on."""
        return list(LOGS_OF_BASES[self.definition["basis"]])

    @property
    def rests_on(self) -> str:
        """The logs that the figure rests on, as people say it."""
        return f"the log{'s' if len(self.logs) > 1 else ''} {' and '.join(self.logs)}"

    @property
    def found(self) -> Found:
        """The value as text, and exactly."""
        numerator, denominator = self.row.get("numerator"), self.row.get("denominator")
        exact = Fraction(int(numerator), int(denominator)) if numerator and denominator else None
        return Found(self.row["value"], exact, self.row["obs_status"])

    def read(self, table: str, sql: str, *values: str) -> list[tuple]:
        """Query the release; nothing if it was made before it held that table."""
        if not columns_of(self.connection, *table.split(".")):
            return []
        return self.connection.execute(sql.format(table=table), values).fetchall()


@contextmanager
def open_release(release: Path, cell: Cell) -> Iterator[Explained]:
    """Open a release to explain a cell of it.

    Raises Problem if there is no release, if it cannot be read, or if it has no such cell.
    """
    if is_without_database(release):
        raise Problem(say_without_database(release))
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        if not {"settings", "gates"} <= manifest.keys():
            raise ValueError(MANIFEST)
        connection = duckdb.connect(release / DATABASE, read_only=True)
    except FileNotFoundError:
        raise Problem(
            f"There is no release in {release}. `make run` makes one; another state folder is "
            "named with --data or CHATCIJFERS_DATA."
        ) from None
    except (OSError, ValueError, AttributeError, duckdb.Error):
        raise Problem(
            f"The release {release} cannot be read. `python -m publish verify` says what is wrong "
            "with it, and `python -m publish release` builds it anew from the same inputs."
        ) from None
    with connection:
        definitions = _read_definitions(connection)
        row = find_row(release, cell, definitions)
        yield Explained(release, connection, manifest, definitions, cell, row)


def _read_definitions(connection: duckdb.DuckDBPyConnection) -> Definitions:
    rows = connection.execute("select columns(*)::varchar from figures.figure_definitions")
    columns = [column[0] for column in rows.description]
    lines = [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]
    return {line["figure"]: {key: value or "" for key, value in line.items()} for line in lines}


def entry(label: str, text: str) -> list[str]:
    """Set out a text under its label, wrapped."""
    indent = f"  {label:<14}  " if label else "  "
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_on_hyphens=False,
    )
