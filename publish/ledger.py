"""The ledger of published figures: does a release say something else than what was published?

Published is what a document printed (`published.csv`) and what `public/` has shown. An entry in
`revisions.csv`, with reason and author, makes another value hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from publish.causes import VALUE, Standing
from publish.disclosure.cells import Cell, Publication
from publish.publications import Row

FINAL = "A"
IN_PUBLIC = "public/"


@dataclass(frozen=True)
class Contradiction:
    """A published value, and another one that the logs give now. Values are text.

    `document` says who published it; for what `public/` has shown it is `public/`. `revised` is the
    value of the last revision, if there is one that does not hold either. `cause` is a code of
    `publish.causes`; `found` is empty if there is no final value any more.
    """

    figure: str
    period: str
    breakdown: str
    category: str
    published: str
    document: str
    revised: str
    found: str
    cause: str = VALUE

    @property
    def cell(self) -> Cell:
        """The cell that it is about."""
        return Cell(self.figure, self.period, self.breakdown, self.category)


@dataclass(frozen=True)
class Found:
    """What the logs give for a cell: text with the figure's decimals, and the exact quotient."""

    value: str
    exact: Fraction | None
    obs_status: str

    @property
    def is_final(self) -> bool:
        """Whether there is a value that will not change with the next delivery."""
        return self.obs_status == FINAL and self.exact is not None

    def agrees_with(self, text: str) -> bool:
        """Whether the exact value, rounded half up to the decimals of a text, is that text."""
        printed = Decimal(text)
        return self.exact is not None and rounded(self.exact, decimals_of(printed)) == printed


def name(cell: Cell) -> str:
    """Give a cell as people write it."""
    return " ".join(part for part in cell if part)


def decimals_of(value: Decimal) -> int:
    """Count the decimals that a value is written with."""
    return max(0, -value.as_tuple().exponent)


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Round an exact value once, half up (ties go up, also below zero)."""
    whole = (value * 10**decimals + Fraction(1, 2)).__floor__()
    return Decimal(whole).scaleb(-decimals)


def read_found(connection: duckdb.DuckDBPyConnection, cells: Iterable[Cell]) -> dict[Cell, Found]:
    """Read what the warehouse has for cells; those without a row are left out."""
    wanted = set(cells)
    if not wanted:
        return {}
    rows = connection.execute(
        """
        select figure, period, breakdown, category, value, decimals, numerator, denominator,
            obs_status
        from figures.figures
        semi join (select unnest($1) as figure) using (figure)
        """,
        [sorted({cell.figure for cell in wanted})],
    ).fetchall()
    found = {}
    for *key, value, decimals, numerator, denominator, obs_status in rows:
        if (cell := Cell(*key)) in wanted:
            exact = None if numerator is None or value is None else Fraction(numerator, denominator)
            found[cell] = Found(as_text(value, decimals), exact, obs_status)
    return found


def as_text(value: Decimal | None, decimals: int) -> str:
    """Write a value with the decimals of its figure; nothing for none."""
    return "" if value is None else str(value.quantize(Decimal(1).scaleb(-decimals)))


def read_revisions(connection: duckdb.DuckDBPyConnection) -> dict[Cell, tuple[str, str]]:
    """Read the last revision of each cell: its value, and the day it was decided on (ISO).

    Without a value if somebody said that the cell stays as it was, without a final value.
    """
    rows = connection.execute(
        """
        select figure, period, breakdown, category, value, cast(decided_on as varchar)
        from raw.revisions
        order by decided_on, rowid
        """
    ).fetchall()
    return {Cell(*row[:4]): (row[4], row[5]) for row in rows}


def read_documents(
    connection: duckdb.DuckDBPyConnection,
) -> list[tuple[Cell, str, str, str]]:
    """Read what documents printed with a value: cell, value, document, day (ISO), oldest first."""
    rows = connection.execute(
        """
        select figure, period, breakdown, category, value, document, cast(published_on as varchar)
        from raw.published
        where value <> ''
        order by published_on, document, figure, period, breakdown, category
        """
    ).fetchall()
    return [(Cell(*row[:4]), *row[4:]) for row in rows]


def published_documents(connection: duckdb.DuckDBPyConnection) -> list[Publication]:
    """Give what a reader has of every document, without the values that were revised since."""
    revisions = read_revisions(connection)
    documents: dict[str, dict[Cell, Decimal]] = {}
    for cell, value, document, published_on in read_documents(connection):
        if not _revised(revisions, cell, published_on):
            documents.setdefault(document, {})[cell] = Decimal(value)
    return [Publication(name, shown) for name, shown in documents.items()]


def find_contradictions(
    connection: duckdb.DuckDBPyConnection,
    shown: Mapping[Cell, Row],
    operands: Mapping[Cell, Iterable[Cell]],
) -> list[Contradiction]:
    """Compare what the logs give with every document and with what `public/` shows, by cell.

    What documents printed is compared once it is final. What `public/` showed was final: if it is
    another now, or not final, or not there at all, that is a contradiction with a cause, unless
    somebody declared a gap or revised it. Meanwhile `public/` goes on showing what it showed. A
    shown figure that is computed from others (`operands`) follows what was decided of these.
    """
    documents = read_documents(connection)
    revisions = read_revisions(connection)
    cells = {cell for cell, *_ in documents} | shown.keys()
    found = read_found(connection, cells)
    contradictions = [
        _contradiction(cell, value, document, revised, found[cell].value)
        for cell, value, document, published_on in documents
        if cell in found and found[cell].is_final
        for revised in [_revised(revisions, cell, published_on)]
        if not found[cell].agrees_with(revised or value)
    ]
    known = {contradiction.cell for contradiction in contradictions}
    standing = Standing.read(connection) if shown else Standing({})
    with_value = {cell for cell, (value, _) in revisions.items() if value}
    upheld = revisions.keys() - with_value
    for cell in shown.keys() - known:
        now = found.get(cell)
        is_final = now is not None and now.is_final
        if (with_value if is_final else upheld).isdisjoint(operands.get(cell, ())):
            revised = revisions.get(cell, (None, ""))[0]
            contradictions += _of_shown(shown[cell], now, revised, standing)
    return sorted(contradictions, key=lambda one: (one.cell, one.document))


def _of_shown(
    row: Row, found: Found | None, revised: str | None, standing: Standing
) -> list[Contradiction]:
    """Compare a row of `public/` with what the logs give; a revision without a value lets it go."""
    if found and found.is_final:
        has_been_revised = revised and Decimal(revised) == Decimal(found.value)
        if found.value == row.value or has_been_revised:
            return []
        cause, value = standing.cause_of_other_value(row), found.value
    else:
        cause, value = standing.cause_of_no_value(row, is_there=found is not None), ""
        if cause is None or revised == "":
            return []
    return [Contradiction(*row.cell, row.value, IN_PUBLIC, revised or "", value, cause)]


def _revised(revisions: Mapping[Cell, tuple[str, str]], cell: Cell, published_on: str) -> str:
    """Give the revision that came after a document; a later document speaks for itself."""
    value, decided_on = revisions.get(cell, ("", ""))
    return value if decided_on >= published_on else ""


def _contradiction(
    cell: Cell, published: str, document: str, revised: str, found: str
) -> Contradiction:
    return Contradiction(*cell, published, document, revised, found)
