"""Pseudonyms of what is no identifier by today's settings, taken out of rows read before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from ingest.closings import IS_FROZEN
from ingest.helpline import Helpline
from ingest.key import Key
from ingest.keys import Keys
from ingest.reading import NO_IDENTIFIERS
from ingest.warehouse import run, transaction

ZEROS = ("0", "00", "000", "0000", "0.0", "0.00", "00.0", "0,0", "0.", "-0", "-0.0", "+0", "0e0")
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.capitalize, str.title)
# By the kind of a pseudonym, the column that holds it; sessions are named by the lasting key alone.
COLUMNS = {
    "visitor": "visitor_id",
    "client": "client_id",
    "responder": "responder_id",
    "session": "session_id",
}


def strike(
    connection,
    helpline: Helpline,
    keys: Keys,
    delivery_ids: Iterable[str],
    closed_before: datetime | None,
) -> int:
    """Empty the identifiers of some deliveries that stand for none; return how many there were.

    That is for deliveries whose file is gone, so that they cannot be read again. What their logs
    said is not kept: known is only the pseudonym that each value would have. Closed years stay.
    """
    wanted = list(delivery_ids)
    if not wanted:
        return 0
    values = list(_values(helpline))
    is_frozen = IS_FROZEN.format(closed_before="coalesce($3::timestamp, '-infinity')")
    struck = 0
    with transaction(connection):
        for kind, column in COLUMNS.items():
            named_by: list[Key] = [keys.lasting] if kind == "session" else keys.all()
            pseudonyms = [key.pseudonym(kind, value) for key in named_by for value in values]
            [(emptied,)] = run(
                connection,
                f"""
                update warehouse.raw.events
                set {column} = null
                where
                    delivery_id in (select unnest($1::varchar[]))
                    and {column} in (select unnest($2::uuid[]))
                    and not {is_frozen}
                """,
                [wanted, pseudonyms, closed_before],
            )
            struck += emptied
    return struck


def _values(helpline: Helpline) -> Iterator[str]:
    """Give what stands for no identifier, as it is usually written."""
    for value in (*NO_IDENTIFIERS, *ZEROS, *helpline.no_identifiers):
        yield from {case(value.strip()) for case in CASES}
