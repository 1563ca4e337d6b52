"""The ledger of deliveries: what was loaded, under which names, and what was decided about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingest.closings import IS_FROZEN
from ingest.problem import Problem
from ingest.warehouse import fill, open_warehouse, run, transaction

LEDGER = (
    "delivery_id, file, bytes, lines, events, rejects, blank_lines, expired, status, status_reason,"
    " reading, loaded_at, sha256"
)
STATUSES = ("loaded", "quarantined", "accepted", "withdrawn")
LISTED_LINES = 10
SHORTEST_PREFIX = 6


@dataclass
class Delivery:
    """One delivered content, as the ledger has it. `loaded_at` is UTC."""

    delivery_id: str
    file: str
    bytes: int
    reading: str
    loaded_at: datetime
    lines: int = 0
    events: int = 0
    rejects: int = 0
    blank_lines: int = 0
    expired: int = 0
    status: str = "loaded"
    status_reason: str | None = None
    files: set[str] = field(default_factory=set)


def read_ledger(connection) -> dict[str, Delivery]:
    """Read all deliveries by their id, each with all its names, from an open warehouse."""
    ledger = {
        row[0]: Delivery(*row)
        for row in run(
            connection,
            "select delivery_id, file, bytes, reading, loaded_at, lines, events, rejects,"
            " blank_lines, expired, status, status_reason from warehouse.raw.deliveries",
        )
    }
    names = run(connection, "select delivery_id, file from warehouse.raw.delivery_files")
    for delivery_id, file in names:
        ledger[delivery_id].files.add(file)
    return ledger


def enter(connection, deliveries: Iterable[Delivery]) -> None:
    """Enter new deliveries with their names into the ledger, within the caller's transaction."""
    deliveries = list(deliveries)
    rows = [
        (
            one.delivery_id, one.file, one.bytes, one.lines, one.events, one.rejects,
            one.blank_lines, one.expired, one.status, one.status_reason, one.reading, one.loaded_at,
            one.delivery_id,
        )
        for one in deliveries
    ]  # fmt: skip
    fill(connection, f"warehouse.raw.deliveries ({LEDGER})", _as_text(rows), 13)
    contents = [(one.delivery_id, one.delivery_id) for one in deliveries]
    fill(connection, "warehouse.raw.contents", contents, 2)
    add_names(connection, [(one.delivery_id, name) for one in deliveries for name in one.files])


def replace(connection, deliveries: Iterable[Delivery]) -> None:
    """Note what a new reading of known deliveries gave; the name stays.

    So does what a person decided. A quarantine is lifted: the first gate judges the new reading.
    """
    for one in deliveries:
        run(
            connection,
            "update warehouse.raw.deliveries set lines = $1, events = $2, rejects = $3,"
            " blank_lines = $4, expired = $5, reading = $6, loaded_at = $7,"
            " status_reason = if(status = 'quarantined', null, status_reason),"
            " status = if(status = 'quarantined', 'loaded', status) where delivery_id = $8",
            [
                one.lines,
                one.events,
                one.rejects,
                one.blank_lines,
                one.expired,
                one.reading,
                one.loaded_at,
                one.delivery_id,
            ],
        )


def forget_rows(connection, delivery_ids: Iterable[str], closed_before: datetime | None) -> None:
    """Delete the rows of deliveries, which are then read again in the same transaction.

    The events of closed years, before `closed_before`, stay as they are. Which lines were set aside
    is kept in the temporary table `rejected_before`, until the next call.
    """
    wanted = list(delivery_ids)
    is_frozen = IS_FROZEN.format(closed_before="coalesce($2::timestamp, '-infinity')")
    run(
        connection,
        "create or replace temp table rejected_before as"
        " select delivery_id, line_number from warehouse.raw.rejects"
        " where delivery_id in (select unnest($1::varchar[]))",
        [wanted],
    )
    run(
        connection,
        "delete from warehouse.raw.events"
        f" where delivery_id in (select unnest($1::varchar[])) and not {is_frozen}",
        [wanted, closed_before],
    )
    run(
        connection,
        "delete from warehouse.raw.rejects where delivery_id in (select unnest($1::varchar[]))",
        [wanted],
    )


def note_lines_before(
    connection, deliveries: Iterable[str], closed_before: datetime, first: int, last: int
) -> None:
    """List what known deliveries held in some lines, in the temporary table `lines_before`.

    Of the deliveries that `forget_rows` was last called for: lines whose event of a closed year is
    stored (`is_event`), and lines that were set aside.
    """
    is_frozen = IS_FROZEN.format(closed_before="$2::timestamp")
    run(
        connection,
        f"""
        create or replace temp table lines_before as
        select delivery_id, line_number, true as is_event
        from warehouse.raw.events
        where
            delivery_id in (select unnest($1::varchar[]))
            and {is_frozen}
            and line_number between $3 and $4
        union all
        select delivery_id, line_number, false as is_event
        from rejected_before
        where line_number between $3 and $4
        """,
        [list(deliveries), closed_before, first, last],
    )


def add_names(connection, names: Iterable[tuple[str, str]]) -> None:
    """Note under which names deliveries were seen: pairs of delivery id and file."""
    fill(connection, "warehouse.raw.delivery_files (delivery_id, file)", list(names), 2)


def count_reasons(connection, delivery_ids: Iterable[str]) -> dict[str, int]:
    """Count the lines of deliveries that are set aside, by reason, the most frequent first."""
    return dict(
        run(
            connection,
            "select reason, count(*) from warehouse.raw.rejects"
            " where delivery_id in (select unnest($1::varchar[])) group by reason"
            " order by count(*) desc, reason",
            [list(delivery_ids)],
        )
    )


def deliveries_with(connection, reason: str) -> set[str]:
    """List the deliveries of which a line is set aside for a reason."""
    rows = run(
        connection,
        "select distinct delivery_id from warehouse.raw.rejects where reason = $1",
        [reason],
    )
    return {delivery_id for (delivery_id,) in rows}


def note_refusals(connection, refusals: Mapping[str, str], now: datetime) -> None:
    """Replace the list of damaged files, if it has changed: file and reason."""
    known = dict(run(connection, "select file, reason from warehouse.raw.refusals"))
    if known == dict(refusals):
        return
    with transaction(connection):
        run(connection, "delete from warehouse.raw.refusals")
        rows = [(file, reason, now) for file, reason in sorted(refusals.items())]
        fill(connection, "warehouse.raw.refusals (file, reason, refused_at)", _as_text(rows), 3)


def quarantine(connection, reasons: Mapping[str, str]) -> None:
    """Note the first gate's verdict within the caller's transaction: who is quarantined, and why.

    `reasons` are by id. A delivery that was quarantined before and is fit now (an exclusion was
    mended, a limit moved) is let through again. What a person has decided stands: an accepted or a
    withdrawn delivery stays as it is.
    """
    for one in read_ledger(connection).values():
        reason = reasons.get(one.delivery_id)
        status = "loaded" if reason is None else "quarantined"
        is_undecided = one.status in ("loaded", "quarantined")
        if is_undecided and (one.status, one.status_reason) != (status, reason):
            _write_status(connection, one.delivery_id, status, reason)


def set_status(warehouse: Path, delivery_id: str, status: str, reason: str) -> Delivery:
    """Set the status of one delivery, named by its id or the unique beginning of it.

    Returns the delivery as it is now. Raises Problem if no delivery or several begin so, or if the
    reason is empty; ValueError for a status that does not exist.
    """
    if status not in STATUSES:
        raise ValueError(f"{status!r} is none of {STATUSES}")
    if not reason.strip():
        raise Problem("A decision needs a reason: give one with --reason.")
    with open_warehouse(warehouse) as connection:
        ledger = read_ledger(connection)
        found = find(ledger, delivery_id)
        with transaction(connection):
            _write_status(connection, found.delivery_id, status, reason.strip())
    found.status, found.status_reason = status, reason.strip()
    return found


def find(ledger: Mapping[str, Delivery], beginning: str) -> Delivery:
    """Find the one delivery whose id begins so. Raises Problem if there is none, or several."""
    wanted = beginning.strip().lower()
    found = [one for one in ledger.values() if wanted and one.delivery_id.startswith(wanted)]
    if len(found) == 1 and (len(wanted) >= SHORTEST_PREFIX):
        return found[0]
    if not found:
        what = f"No delivery has a hash that begins with {beginning!r}."
    elif len(found) == 1:
        what = (
            f"{beginning!r} is too short: give at least {SHORTEST_PREFIX} characters of the hash."
        )
    else:
        what = (
            f"{len(found)} deliveries have a hash that begins with {beginning!r}: give more of it."
        )
    raise Problem(f"{what} `python -m ingest deliveries` lists them.")


def list_deliveries(warehouse: Path) -> tuple[list[Delivery], list[tuple[str, str, datetime]]]:
    """Read the ledger and the damaged files (file, reason, when) of the warehouse at a path."""
    with open_warehouse(warehouse, read_only=True) as connection:
        ledger = read_ledger(connection)
        refusals = run(
            connection,
            "select file, reason, refused_at from warehouse.raw.refusals order by file",
        )
    return list(ledger.values()), refusals


def list_rejects(
    warehouse: Path, delivery_id: str
) -> tuple[Delivery, list[tuple[str, int, list[int]]]]:
    """Give a delivery, and for each reason of lines set aside their number and the first of them.

    The delivery is named by its id or the unique beginning of it. Raises Problem as `find` does.
    """
    with open_warehouse(warehouse, read_only=True) as connection:
        found = find(read_ledger(connection), delivery_id)
        reasons = run(
            connection,
            """
            select reason, count(*), list(line_number order by line_number)[:$2]
            from warehouse.raw.rejects
            where delivery_id = $1
            group by reason
            order by count(*) desc, reason
            """,
            [found.delivery_id, LISTED_LINES],
        )
    return found, reasons


def _write_status(connection, delivery_id: str, status: str, reason: str | None) -> None:
    run(
        connection,
        "update warehouse.raw.deliveries set status = $1, status_reason = $2"
        " where delivery_id = $3",
        [status, reason, delivery_id],
    )


def _as_text(rows: Iterable[tuple]) -> list[tuple]:
    return [tuple(None if value is None else str(value) for value in row) for row in rows]
