"""Exclusions on their way into the warehouse: no identifier in clear comes with them."""

from __future__ import annotations

from ingest.helpline import Helpline, store_tables
from ingest.keys import Keys
from ingest.problem import Problem
from ingest.warehouse import run

# Whoever takes a value from a log instead of from the analysts' tables may take any of these.
IDENTIFIERS = ("visitor", "client", "session", "responder")


def store_exclusions(connection, helpline: Helpline, keys: Keys) -> bool:
    """Replace the exclusions in an open warehouse that holds the logs; return if any changed.

    An identifier in clear can look like a pseudonym, for many websites number their visitors with
    UUIDs: a value whose own pseudonym occurs in the logs is one. Raises Problem for it, by file
    and line, and writes nothing then.
    """
    rows = helpline.tables["exclusions"]
    lines = helpline.lines["exclusions"]
    clear = _find_clear(connection, [row[2] for row in rows if row[1] == "visitor"], keys)
    found = [line for line, row in zip(lines, rows, strict=True) if row[2] in clear]
    if found:
        places = ", ".join(f"exclusions.csv:{line}" for line in found)
        raise Problem(
            f"The helpline's folder {helpline.folder} has a mistake: {places}: value is an "
            "identifier in clear, as the logs have it, and is not shown here; write the visitor_id "
            "that analysts see in analytics.duckdb instead, and remove the old file from wherever "
            "it was kept"
        )
    return store_tables(connection, {"exclusions": rows})


def _find_clear(connection, values: list[str], keys: Keys) -> set[str]:
    """Find the values that are identifiers as the logs have them, in any usual way to write one."""
    if not values:
        return set()
    pseudonyms = {}
    for value in values:
        plain = value.replace("-", "")
        for written in (value, value.upper(), plain, plain.upper()):
            pseudonyms |= {
                key.pseudonym(kind, written): value for key in keys.all() for kind in IDENTIFIERS
            }
    conditions = " or ".join(f"{kind}_id in (from sought)" for kind in IDENTIFIERS)
    columns = ", ".join(f"{kind}_id::varchar" for kind in IDENTIFIERS)
    rows = run(
        connection,
        "with sought as materialized (select unnest($1::uuid[]))"
        f" select distinct {columns} from warehouse.raw.events where {conditions}",
        [list(pseudonyms)],
    )
    return {pseudonyms[cell] for row in rows for cell in row if cell in pseudonyms}
