"""The ledger of deliveries: what was loaded, under which names, and what was decided about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from ingest.closings import IS_FROZEN
from ingest.name_dates import dates_in_name
from ingest.problem import Problem
from ingest.warehouse import fill, open_warehouse, run, transaction

LEDGER = (
    "delivery_id, file, bytes, lines, events, rejects, blank_lines, expired, status, status_reason,"
    " reading, loaded_at, sha256, text_sha256, text_bytes, next_line, next_line_at,"
    " keyed_id"
)
REPLACED = (
    "delivery_id", "bytes", "lines", "events", "rejects", "blank_lines", "expired", "reading",
    "loaded_at", "sha256", "text_sha256", "text_bytes", "next_line", "next_line_at",
    "keyed_id",
)  # fmt: skip
STATUSES = ("loaded", "quarantined", "accepted", "withdrawn")
LISTED_LINES = 10
SHORTEST_PREFIX = 6


@dataclass
class Delivery:
    """One delivered file, as the ledger has it. `loaded_at` is UTC.

    `delivery_id` is the hash of its content when it came first, `sha256` that of today's: it may
    have grown. People know it by `keyed_id`, which is made of `sha256` with the key.
    """

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
    sha256: str = ""
    text_sha256: str | None = None
    text_bytes: int | None = None
    next_line: int | None = None
    next_line_at: int | None = None
    keyed_id: str = ""
    files: set[str] = field(default_factory=set)


def read_ledger(connection) -> dict[str, Delivery]:
    """Read all deliveries by their id, each with all its names, from an open warehouse."""
    ledger = {
        row[0]: Delivery(*row)
        for row in run(
            connection,
            "select delivery_id, file, bytes, reading, loaded_at, lines, events, rejects,"
            " blank_lines, expired, status, status_reason, sha256, text_sha256, text_bytes,"
            " next_line, next_line_at, keyed_id from warehouse.raw.deliveries",
        )
    }
    names = run(connection, "select delivery_id, file from warehouse.raw.delivery_files")
    for delivery_id, file in names:
        ledger[delivery_id].files.add(file)
    return ledger


def read_contents(connection) -> dict[str, str]:
    """Give the delivery of each content that was ever delivered, by its hash."""
    return dict(run(connection, "select sha256, delivery_id from warehouse.raw.contents"))


def enter(connection, deliveries: Iterable[Delivery], latest: date) -> None:
    """Enter new deliveries with their names into the ledger, within the caller's transaction."""
    deliveries = list(deliveries)
    rows = [
        (
            one.delivery_id, one.file, one.bytes, one.lines, one.events, one.rejects,
            one.blank_lines, one.expired, one.status, one.status_reason, one.reading, one.loaded_at,
            one.sha256, one.text_sha256, one.text_bytes, one.next_line, one.next_line_at,
            one.keyed_id,
        )
        for one in deliveries
    ]  # fmt: skip
    fill(connection, f"warehouse.raw.deliveries ({LEDGER})", rows, 18)
    contents = [(one.sha256, one.delivery_id) for one in deliveries]
    fill(connection, "warehouse.raw.contents", contents, 2)
    names = [(one.delivery_id, name) for one in deliveries for name in one.files]
    add_names(connection, names, latest)


def replace_known(connection, deliveries: Iterable[Delivery]) -> None:
    """Note what a new reading of known deliveries gave, which may have grown; the name stays.

    So does what a person decided. A quarantine is lifted: the first gate judges the new reading.
    """
    for one in deliveries:
        run(
            connection,
            "update warehouse.raw.deliveries set bytes = $bytes, lines = $lines, events = $events,"
            " rejects = $rejects, blank_lines = $blank_lines, expired = $expired,"
            " reading = $reading, loaded_at = $loaded_at, sha256 = $sha256,"
            " text_sha256 = $text_sha256, text_bytes = $text_bytes, next_line = $next_line,"
            " next_line_at = $next_line_at, keyed_id = $keyed_id,"
            " status_reason = if(status = 'quarantined', null, status_reason),"
            " status = if(status = 'quarantined', 'loaded', status)"
            " where delivery_id = $delivery_id",
            {name: getattr(one, name) for name in REPLACED},
        )
        run(
            connection,
            "insert or ignore into warehouse.raw.contents values ($1, $2)",
            [one.sha256, one.delivery_id],
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


def forget_line(connection, delivery_id: str, line: int) -> str:
    """Delete the row of one line; say in which count of its delivery it was. It may be blank."""
    for table in ("events", "rejects"):
        [(deleted,)] = run(
            connection,
            f"delete from warehouse.raw.{table} where delivery_id = $1 and line_number = $2",
            [delivery_id, line],
        )
        if deleted:
            return table
    return "blank_lines"


def last_date_before(connection, delivery_id: str, line: int, timezone: str) -> date | None:
    """Give the local date of the last line of a delivery before some line that has one."""
    [(last,)] = run(
        connection,
        """
        select arg_max(local_date, line_number)
        from (
            select
                line_number,
                cast((occurred_at at time zone 'UTC') at time zone $3 as date) as local_date,
            from warehouse.raw.events
            where delivery_id = $1 and line_number < $2
            union all
            select line_number, local_date
            from warehouse.raw.rejects
            where delivery_id = $1 and line_number < $2 and local_date is not null
        )
        """,
        [delivery_id, line, timezone],
    )
    return last


def date_first_rejects(connection, delivery_id: str, first: date | None) -> None:
    """Give lines set aside before any line with a date the date of the first line that has one."""
    if first is not None:
        run(
            connection,
            "update warehouse.raw.rejects set local_date = $2"
            " where delivery_id = $1 and local_date is null",
            [delivery_id, first],
        )


def note_lines_before(
    connection,
    deliveries: Iterable[str],
    closed_before: datetime,
    first: int,
    last: int,
    grown: Mapping[str, int],
) -> None:
    """List what known deliveries held in some lines, in the temporary table `lines_before`.

    Of the deliveries that `forget_rows` was last called for: lines whose event of a closed year is
    stored (`is_event`), and lines that were set aside. Lines that a delivery has grown by, beyond
    as many as `grown` says, were no events that have expired since either.
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
        union all
        select delivery_id, unnest(range(greatest(lines + 1, $3), $4 + 1)) as line_number, false
        from (select unnest($5::varchar[]) as delivery_id, unnest($6::bigint[]) as lines)
        """,
        [list(deliveries), closed_before, first, last, list(grown), list(grown.values())],
    )


def add_names(connection, names: Iterable[tuple[str, str]], latest: date) -> None:
    """Note under which names deliveries were seen: pairs of delivery id and file.

    Beside them stand the dates that the names hold, up to `latest`.
    """
    rows = [(delivery_id, name, *_dates(name, latest)) for delivery_id, name in names]
    columns = "(delivery_id, file, starts_on, ends_on)"
    fill(connection, f"warehouse.raw.delivery_files {columns}", rows, 4)


def date_names(connection, latest: date) -> None:
    """Note the dates of names that were noted without, by an earlier version or a clock behind."""
    names = run(
        connection,
        "select distinct file from warehouse.raw.delivery_files where starts_on is null",
    )
    dated = [(name, *_dates(name, latest)) for (name,) in names]
    dated = [row for row in dated if row[1]]
    if dated:
        run(
            connection,
            """
            update warehouse.raw.delivery_files
            set starts_on = dated.starts_on, ends_on = dated.ends_on
            from (
                select
                    unnest($1::varchar[]) as file,
                    unnest($2::date[]) as starts_on,
                    unnest($3::date[]) as ends_on
            ) as dated
            where delivery_files.file = dated.file
            """,
            [list(column) for column in zip(*dated, strict=True)],
        )


def _dates(name: str, latest: date) -> tuple[date | None, date | None]:
    return dates_in_name(name, latest) or (None, None)


def count_reasons(connection, read_now: Mapping[str, int]) -> dict[str, int]:
    """Count the lines of deliveries that are set aside, by reason, the most frequent first.

    Of each delivery, by its id, from the line on that `read_now` says.
    """
    return dict(
        run(
            connection,
            """
            select reason, count(*)
            from warehouse.raw.rejects
            inner join (
                select unnest($1::varchar[]) as delivery_id, unnest($2::bigint[]) as first_line
            ) as read_now using (delivery_id)
            where line_number >= first_line
            group by reason
            order by count(*) desc, reason
            """,
            [list(read_now), list(read_now.values())],
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


def note_refusals(
    connection, refusals: Mapping[str, str], now: datetime, latest: date | None = None
) -> None:
    """Replace the list of files that cannot be read, if it has changed: file and reason.

    Beside them stand the dates that their names hold, up to `latest` (default: the day of `now`).
    """
    latest = latest or now.date()
    known = run(connection, "select file, reason, starts_on, ends_on from warehouse.raw.refusals")
    rows = [(file, reason, *_dates(file, latest)) for file, reason in sorted(refusals.items())]
    if sorted(known, key=str) == sorted(rows, key=str):
        return
    with transaction(connection):
        run(connection, "delete from warehouse.raw.refusals")
        rows = [(file, reason, now, *dates) for file, reason, *dates in rows]
        columns = "(file, reason, refused_at, starts_on, ends_on)"
        fill(connection, f"warehouse.raw.refusals {columns}", _as_text(rows), 5)


def note_passed_over(connection, passed_over: Mapping[str, str], now: datetime) -> None:
    """Keep the list of files that are no logs in step: file, what it is, since when it is there."""
    known = {
        file: (reason, seen_at)
        for file, reason, seen_at in run(
            connection, "select file, reason, seen_at from warehouse.raw.passed_over"
        )
    }
    if {file: reason for file, (reason, _) in known.items()} == dict(passed_over):
        return
    with transaction(connection):
        run(connection, "delete from warehouse.raw.passed_over")
        rows = [
            (file, reason, known[file][1] if file in known else now)
            for file, reason in sorted(passed_over.items())
        ]
        fill(connection, "warehouse.raw.passed_over (file, reason, seen_at)", _as_text(rows), 3)


def list_passed_over(warehouse: Path) -> list[tuple[str, str, datetime]]:
    """Read the files that the last pull passed over: file, what it is, since when it is there."""
    with open_warehouse(warehouse, read_only=True) as connection:
        return run(
            connection, "select file, reason, seen_at from warehouse.raw.passed_over order by file"
        )


def quarantine(connection, reasons: Mapping[str, str]) -> None:
    """Note the first gate's verdict within the caller's transaction: who is quarantined, and why.

    `reasons` are by keyed id. A delivery that was quarantined before and is fit now (an
    exclusion was mended, a limit moved) is let through again. What a person has decided stands: an
    accepted or a withdrawn delivery stays as it is.
    """
    for one in read_ledger(connection).values():
        reason = reasons.get(one.keyed_id)
        status = "loaded" if reason is None else "quarantined"
        is_undecided = one.status in ("loaded", "quarantined")
        if is_undecided and (one.status, one.status_reason) != (status, reason):
            _write_status(connection, one.delivery_id, status, reason)


def set_status(warehouse: Path, delivery_id: str, status: str, reason: str) -> Delivery:
    """Set the status of one delivery, named by its id or hash, or the unique beginning of it.

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
    """Find the one delivery whose keyed id, or content's hash, begins so.

    The id is what people see; whoever has the file can also give its SHA-256. Raises Problem if
    there is none, or several.
    """
    wanted = beginning.strip().lower()
    found = [
        one
        for one in ledger.values()
        if wanted and (one.keyed_id.startswith(wanted) or one.sha256.startswith(wanted))
    ]
    if len(found) == 1 and (len(wanted) >= SHORTEST_PREFIX):
        return found[0]
    if not found:
        what = f"No delivery has an id that begins with {beginning!r}."
    elif len(found) == 1:
        what = f"{beginning!r} is too short: give at least {SHORTEST_PREFIX} characters of the id."
    else:
        what = (
            f"{len(found)} deliveries have an id that begins with {beginning!r}: give more of it."
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

    The delivery is named by its id or hash, or the unique beginning of it. Raises Problem as
    `find` does.
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
