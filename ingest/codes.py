"""Codes are closed, never deleted: what events or figures hold keeps its line in codes.csv."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.helpline import Helpline
from ingest.problem import Problem
from ingest.warehouse import run

LISTED = 5
# Where events hold the codes of a breakdown.
EVENTS = """
select breakdown, code, count(*)
from (
    select 'gender' as breakdown, gender as code from warehouse.raw.events
    union all
    select 'referred_by', referred_by from warehouse.raw.events
    union all
    select 'scheduled_by', scheduled_by from warehouse.raw.events
    union all
    select 'button', button from warehouse.raw.events
    union all
    select 'campaign', campaign from warehouse.raw.events
    union all
    select 'topic', unnest(topics) from warehouse.raw.events
)
inner join gone using (breakdown, code)
group by all
"""
PUBLIC = """
select publications.breakdown, publications.category, count(*)
from warehouse.disclosure.publications
inner join gone on publications.breakdown = gone.breakdown and publications.category = gone.code
group by all
"""


def require_codes(connection, helpline: Helpline) -> None:
    """Refuse a list of codes that lacks one which events or public figures hold.

    `connection` has the warehouse, with the codes of before. What was counted by such a code would
    become `unlisted`, beside public figures that count the same persons under it. Raises Problem
    that says what holds it, and the line to put back.
    """
    before = run(
        connection,
        "select breakdown, code, label_nl, label_en, sort::varchar from warehouse.raw.codes",
    )
    listed = {(row[0], row[1]) for row in helpline.tables["codes"]}
    listed |= {("campaign", row[0]) for row in helpline.tables["campaigns"]}
    gone = {(row[0], row[1]): row for row in before if (row[0], row[1]) not in listed}
    held = _held(connection, gone) if gone else {}
    if held:
        named = "; ".join(
            f"{breakdown} {code} ({said})"
            for (breakdown, code), said in list(held.items())[:LISTED]
        )
        lines = "\n  ".join(_line(gone[cell]) for cell in list(held)[:LISTED])
        raise Problem(
            f"{helpline.folder / 'codes.csv'}: lines are gone by whose codes events or figures are "
            f"kept: {named}. A code is closed, never deleted. Put the lines back, each with the "
            f"last day on which it was used as valid_to (a column behind the others):\n  {lines}"
        )


def _held(connection, gone: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Say of each code what holds it; those that nothing holds are left out."""
    breakdowns, codes = zip(*sorted(gone), strict=True)
    run(
        connection,
        "create or replace temp table gone as"
        " select unnest($1::varchar[]) as breakdown, unnest($2::varchar[]) as code",
        [list(breakdowns), list(codes)],
    )
    held: dict[tuple[str, str], list[str]] = {}
    for breakdown, code, events in run(connection, EVENTS):
        held.setdefault((breakdown, code), []).append(f"{events:,} events")
    for breakdown, code, figures in run(connection, PUBLIC) if _has_public(connection) else ():
        held.setdefault((breakdown, code), []).append(f"{figures:,} public figures")
    return {cell: " and ".join(what) for cell, what in sorted(held.items())}


def _has_public(connection) -> bool:
    [(tables,)] = run(
        connection,
        "select count(*) from duckdb_tables() where database_name = 'warehouse'"
        " and schema_name = 'disclosure' and table_name = 'publications'",
    )
    return tables > 0


def _line(row: tuple[str | None, ...]) -> str:
    return ",".join([*(cell or "" for cell in row), "", "LAST DAY"])
