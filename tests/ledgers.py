"""The tables that the ledger reads, as they are in a warehouse, in a database of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

TABLES = """
create schema figures;
create schema raw;
create schema marts;
create table figures.figures (
    figure text, period text, breakdown text, category text, value decimal(18, 2),
    decimals integer, numerator bigint, denominator bigint, obs_status text
);
create table figures.figure_definitions (figure text, version integer, basis text);
create table raw.published (
    document text, figure text, period text, breakdown text, category text, value text,
    as_printed text, published_on date
);
create table raw.revisions (
    figure text, period text, breakdown text, category text, value text, reason text,
    author text, decided_on date
);
create table raw.settings as select date '2020-01-01' as starts_on;
create table raw.codes (breakdown text, code text, valid_from date, valid_to date);
create table marts.log_months (log text, month text, because text);
"""


@contextmanager
def ledger(definitions: dict[str, tuple[int, str]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database with the empty tables, and figures by name: their version and basis."""
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        connection.executemany(
            "insert into figures.figure_definitions values ($1, $2, $3)",
            [[figure, *definition] for figure, definition in definitions.items()],
        )
        yield connection
