"""Disclosure control: what becomes public at a closing, and what stays public in between.

The stage between the models and the second gate. It proposes the content of `public/` and writes
it, with the whole history of contents, into the schema `disclosure` of the warehouse; the gate
plays the attacker against it, and the release copies it out. Nothing else decides what is public.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from ingest.problem import Problem
from ingest.warehouse import fill, open_warehouse, run, transaction
from ingest.workspace import Workspace
from publish.contradictions import tell
from publish.disclosure.cells import Cell, Definition
from publish.disclosure.derived import operands
from publish.disclosure.ladder import beside_the_steps, ladders
from publish.disclosure.suppression import Pattern, Proposal, choose
from publish.ledger import (
    FINAL,
    Contradiction,
    as_text,
    find_contradictions,
    published_documents,
)
from publish.provisional import with_provisional
from publish.publications import (
    CONFIDENTIAL,
    FREE,
    NOT_YET,
    PENDING,
    SECONDARY,
    Content,
    Publications,
    Row,
    as_publications,
    closes_a_year,
)
from publish.seen import read_seen
from publish.waiting import held_to_what_waits, without_what_waits, years_to_wait

log = logging.getLogger("chatcijfers.protect")

TABLES = Path(__file__).with_suffix(".sql")
LISTED_CONTRADICTIONS = 20

# Public by month, and for the ranges that a document used: totals and channels. Public by year:
# these breakdowns as well. Weeks and everything finer stay internal.
PUBLIC_ROWS = """
select
    figures.figure,
    figures.period,
    figures.breakdown,
    figures.category,
    figures.value,
    figures.unit,
    figures.base,
    figures.obs_status,
    figures.break,
    figures.decimals,
    figures.version
from figures.figures
inner join figures.figure_definitions using (figure)
inner join figures.periods using (period)
where
    periods.is_closed
    and (
        periods.period_type in ('month', 'range') and figures.breakdown in ('', 'channel')
        or periods.period_type = 'year' and figures.breakdown in (
            '', 'channel', 'gender', 'age_band', 'topic', 'referred_by', 'weekday', 'hour',
            'hour_of_week', 'part_of_week'
        )
    )
    and figures.figure <> 'excluded_events'
    -- The range a year earlier, that such a change is held against, is not public itself.
    and not (periods.period_type = 'range' and figure_definitions.kind = 'change')
order by figures.figure, figures.period, figures.breakdown, figures.category
"""


@dataclass(frozen=True)
class Protected:
    """What is to be public, and what stands in its way.

    `closable_through` is the last month that is closed by the logs of now. If `is_held`, a newer
    content is due and held back because of the `contradictions`.
    """

    publications: Publications
    closable_through: str
    contradictions: tuple[Contradiction, ...]
    is_held: bool


def protect(workspace: Workspace) -> Protected:
    """Propose what is to be public, from the warehouse's figures and all that was public before.

    Writes the schema `disclosure` and the column `conf_status` of the figures, whole or not at all.
    Raises Problem if there is no warehouse, or if the releases' history is damaged or wanting.
    """
    with open_warehouse(workspace.warehouse) as connection:
        before = read_seen(connection, workspace.published)
        run(connection, "use warehouse")
        _require_figures(connection)
        protected = _propose(connection, before)
        with transaction(connection):
            _write(connection, protected)
        run(connection, "use memory")
    _report(protected, before)
    return protected


def _require_figures(connection: duckdb.DuckDBPyConnection) -> None:
    [there] = run(
        connection,
        "select count(*) from information_schema.tables where table_catalog = 'warehouse'"
        " and table_schema = 'figures' and table_name in ('figures', 'periods')",
    )
    if there != (2,):
        raise Problem(
            "The warehouse has no figures to protect yet: transform the events first, with dbt or "
            "`python -m dags run`."
        )


def read_definitions(connection: duckdb.DuckDBPyConnection) -> dict[str, Definition]:
    """Read what disclosure control needs to know of every figure, by its name."""
    rows = connection.execute(
        "select figure, kind, is_protected, coalesce(parts, ''), coalesce(base, ''), unit"
        " from figures.figure_definitions"
    ).fetchall()
    return {figure: Definition.of(figure, *row) for figure, *row in rows}


def read_threshold(connection: duckdb.DuckDBPyConnection) -> int:
    """Read the helpline's threshold: counts of persons below it are small."""
    return connection.execute("select small_count_threshold from raw.settings").fetchone()[0]


def count_durations(connection: duckdb.DuckDBPyConnection) -> dict[Cell, int]:
    """Count the conversations from which each quantile was taken: those with a duration."""
    rows = connection.execute(
        """
        select quantiles.figure, quantiles.period, quantiles.breakdown, quantiles.category,
            conversations.numerator - quantiles.left_out
        from figures.figures as quantiles
        inner join figures.figure_definitions using (figure)
        inner join figures.figures as conversations
            on conversations.figure = 'conversations'
            and conversations.period = quantiles.period
            and conversations.breakdown = quantiles.breakdown
            and conversations.category = quantiles.category
        where figure_definitions.kind = 'quantile' and quantiles.numerator is not null
        """
    ).fetchall()
    return {Cell(*cell): durations for *cell, durations in rows}


def _propose(connection: duckdb.DuckDBPyConnection, before: Publications) -> Protected:
    definitions = read_definitions(connection)
    shown = {cell: row for cell, row in before.rows().items() if row.is_shown}
    contradictions = find_contradictions(
        connection,
        shown,
        {cell: operands(cell, definitions) for cell in shown if cell.figure in definitions},
    )
    closable = _closable_through(connection)
    is_due = closable > (before.latest.closed_through if before.latest else "")
    is_held = is_due and bool(contradictions)
    publications = before
    if is_due and not is_held:
        publications = _next_content(connection, before, closable, definitions)
    return Protected(publications, closable, tuple(contradictions), is_held)


def _closable_through(connection: duckdb.DuckDBPyConnection) -> str:
    [last] = connection.execute(
        "select coalesce(max(period), '') from figures.periods"
        " where is_closed and period_type = 'month'"
    ).fetchone()
    return last


def _next_content(
    connection: duckdb.DuckDBPyConnection,
    before: Publications,
    closed_through: str,
    definitions: Mapping[str, Definition],
) -> Publications:
    threshold = read_threshold(connection)
    rows, so_far = _at_public_steps(*_public_rows(connection), before.rows().keys(), threshold)
    waiting: frozenset[str] = frozenset()
    if not closes_a_year(before, closed_through):
        waiting = years_to_wait(before.rows(), rows, definitions, threshold)
    rows = held_to_what_waits(before.rows(), rows, waiting, definitions)
    pattern = choose(
        _proposal(rows, definitions),
        definitions,
        threshold=threshold,
        contents=as_publications(before),
        documents=published_documents(connection),
    )
    durations = count_durations(connection)
    of_few = {cell for cell, count in durations.items() if count < threshold}
    shown = {cell for cell, row in before.rows().items() if row.is_shown}
    rows = {cell: _marked(row, pattern, of_few - shown) for cell, row in rows.items()}
    settled = without_what_waits(so_far, waiting, definitions)
    rows = with_provisional(rows, settled, definitions, _printed(connection))
    content = Content(
        content=len(before.contents) + 1,
        closed_through=closed_through,
        rows=len(before.rows() | rows),
        primary=len(pattern.primary),
        secondary=len(pattern.secondary | pattern.following),
        derived=sum(row.hidden_because == "derived" for row in rows.values()),
        loss=round(pattern.loss, 6),
        gap=round(pattern.gap, 6),
        nodes=pattern.nodes,
        waiting=" ".join(sorted(waiting)),
    )
    return before.followed_by(content, rows)


def _public_rows(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[dict[Cell, Row], dict[Cell, str]]:
    """Read what is to be public, with every value that is final, before any protection.

    The second is what there is so far of the values that are not final.
    """
    rows, so_far = {}, {}
    for *key, value, unit, base, status, break_, decimals, version in connection.execute(
        PUBLIC_ROWS
    ).fetchall():
        row = Row(
            *key,
            value=as_text(value, decimals) if status == FINAL else "",
            unit=unit,
            base=base or "",
            obs_status=status,
            conf_status=NOT_YET if status == PENDING else FREE,
            break_reason=break_ or "",
            decimals=str(decimals),
            version=str(version),
        )
        rows[row.cell] = row
        if status == PENDING and value is not None:
            so_far[row.cell] = as_text(value, decimals)
    return rows, so_far


def _at_public_steps(
    rows: Mapping[Cell, Row],
    so_far: Mapping[Cell, str],
    public: AbstractSet[Cell],
    threshold: int,
) -> tuple[dict[Cell, Row], dict[Cell, str]]:
    """Leave out the tables that are public at a coarser or finer step."""
    deciding = {ladder.figure for ladder in ladders()}
    counts = {
        cell: int(row.value)
        for cell, row in rows.items()
        if row.is_shown and cell.figure in deciding
    }
    left_out = beside_the_steps(rows.keys(), counts, public, threshold)
    return (
        {cell: row for cell, row in rows.items() if cell not in left_out},
        {cell: value for cell, value in so_far.items() if cell not in left_out},
    )


def _printed(connection: duckdb.DuckDBPyConnection) -> dict[Cell, Decimal]:
    """Give what documents printed last and nobody revised since."""
    printed: dict[Cell, Decimal] = {}
    for document in published_documents(connection):
        printed |= document.shown
    return printed


def _proposal(rows: Mapping[Cell, Row], definitions: Mapping[str, Definition]) -> Proposal:
    final = {cell: row for cell, row in rows.items() if row.is_shown}
    return Proposal(
        counts={
            cell: int(row.value)
            for cell, row in final.items()
            if definitions[cell.figure].is_protected
        },
        known={
            cell: Decimal(row.value)
            for cell, row in final.items()
            if definitions[cell.figure].is_count and not definitions[cell.figure].is_protected
        },
        derived={
            cell: Decimal(row.value)
            for cell, row in final.items()
            if not definitions[cell.figure].is_count
        },
        pending=frozenset(cell for cell, row in rows.items() if row.obs_status == PENDING),
    )


def _marked(row: Row, pattern: Pattern, of_few: AbstractSet[Cell]) -> Row:
    """Mark a row as hidden if the pattern hides it, or if it is a quantile of a few durations."""
    for cells, reason in (
        (pattern.primary, "primary"),
        (pattern.secondary | pattern.following, "secondary"),
        (pattern.derived, "derived"),
    ):
        if row.cell in cells:
            return row._replace(value="", conf_status=CONFIDENTIAL, hidden_because=reason)
    if row.cell in of_few and row.is_shown:
        return row._replace(value="", conf_status=CONFIDENTIAL, hidden_because="derived")
    return row


def _write(connection: duckdb.DuckDBPyConnection, protected: Protected) -> None:
    publications = protected.publications
    run(connection, TABLES.read_text(encoding="utf-8"))
    latest = publications.latest
    standing = (
        str(latest.content if latest else 0),
        latest.closed_through if latest else "",
        protected.closable_through,
        str(protected.is_held),
    )
    changes = [(str(content), *row) for content, row in publications.changes]
    contents = [tuple(map(str, astuple(content))) for content in publications.contents]
    contradictions = [astuple(contradiction) for contradiction in protected.contradictions]
    for table, rows in {
        "standing": [standing],
        "contents": contents,
        "publications": changes,
        "contradictions": contradictions,
    }.items():
        fill(connection, f"warehouse.disclosure.{table}", rows, len(rows[0]) if rows else 0)
    _write_conf_status(connection, publications.rows().values())


def _write_conf_status(connection: duckdb.DuckDBPyConnection, rows: Iterable[Row]) -> None:
    """Mark every figure: F shown, C a small count, D hidden for the sake of others, N not public.

    These marks are for the helpline's own eyes: public/ tells no small count from another.
    """
    marks = [(*row.cell, _mark(row)) for row in rows]
    run(
        connection,
        """
        create or replace temp table marks (
            figure text, period text, breakdown text, category text, mark text
        )
        """,
    )
    fill(connection, "marks", marks, 5)
    run(connection, "update figures.figures set conf_status = 'N' where conf_status <> 'N'")
    run(
        connection,
        """
        update figures.figures as marked set conf_status = marks.mark
        from marks
        where
            marked.figure = marks.figure
            and marked.period = marks.period
            and marked.breakdown = marks.breakdown
            and marked.category = marks.category
            and marks.mark <> 'N'
        """,
    )


def _mark(row: Row) -> str:
    if row.conf_status == CONFIDENTIAL and row.hidden_because != "primary":
        return SECONDARY
    return row.conf_status


def _report(protected: Protected, before: Publications) -> None:
    latest = protected.publications.latest
    closed = latest.closed_through if latest else ""
    if protected.is_held:
        log.warning(
            "public/ is held back as it was%s: figures through %s are due, but %d published "
            "figures have another value now, or no final one. Mend what is said here, or enter "
            "each into revisions.csv with reason and author (`python -m publish contradictions` "
            "writes the lines):",
            f" (closed through {closed})" if closed else "",
            protected.closable_through,
            len(protected.contradictions),
        )
    elif protected.contradictions:
        log.warning("Published figures that have another value now, or no final one:")
    told = tell(protected.contradictions)
    for line in told[:LISTED_CONTRADICTIONS]:
        log.warning("- %s", line)
    if len(told) > LISTED_CONTRADICTIONS:
        log.warning("… and %d more.", len(told) - LISTED_CONTRADICTIONS)
    if latest is None and protected.is_held:
        log.info("Nothing is public yet.")
    elif latest is None:
        log.info("No month is closed yet: nothing is public.")
    elif before.latest == latest:
        log.info("public/ is carried forward as it was, closed through %s.", closed)
    else:
        log.info(
            "public/ gets a new content, closed through %s: %d rows, hidden are %d small counts, "
            "%d counts for their sake and %d values computed from them (gap %.2f %%).",
            closed,
            latest.rows,
            latest.primary,
            latest.secondary,
            latest.derived,
            100 * latest.gap,
        )
