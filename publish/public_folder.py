"""One content of `public/`: open data, and what people read, made from these alone."""

from __future__ import annotations

from pathlib import Path

import duckdb

from publish.datapackage import README, REPORT, WORKBOOK
from publish.opendata import write_open_data
from publish.public import (
    CODES,
    DATA_GAPS,
    DATAPACKAGE,
    DEFINITIONS,
    FIGURES,
    REVISIONS,
    Public,
)
from publish.publications import Publications, write_public_figures

# All files of a content, once there is one.
FILES = (
    FIGURES, DEFINITIONS, CODES, REVISIONS, DATA_GAPS, DATAPACKAGE, README, WORKBOOK, REPORT,
)  # fmt: skip


def write_public(
    connection: duckdb.DuckDBPyConnection, publications: Publications, folder: Path
) -> None:
    """Write all files of the latest content into an empty folder.

    As long as no month is closed there is nothing to describe or to read: figures.csv has its
    header alone.
    """
    # Their libraries take a second to import, and only a closing needs them.
    from publish.report import write_report
    from publish.workbook import write_workbook

    if publications.latest is None:
        write_public_figures([], folder / FIGURES)
        return
    write_open_data(connection, publications, folder)
    public = Public.read(folder)
    write_workbook(public, folder / WORKBOOK)
    write_report(public, (folder / REPORT).parent)
