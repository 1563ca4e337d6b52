"""From which year on every year has a key of its own, and what happens if that is changed."""

from __future__ import annotations

from datetime import datetime

from ingest.closings import last_closed_year, new_year
from ingest.content import Content
from ingest.deliveries import Delivery, read_ledger
from ingest.helpline import Helpline
from ingest.problem import Problem
from ingest.recognition import Damaged, NoLog
from ingest.sources import LogFile
from ingest.warehouse import run, transaction

LAST_YEAR = 3000
LISTED_FILES = 3
TO_BE_READ = ""  # as the reading of a delivery whose rows have another key than they should
PERSONS = ("visitor_id", "client_id", "responder_id")


def new_years(connection, helpline: Helpline, now: datetime) -> list[datetime]:
    """List the first instants of the years with keys of their own, up to what may be loaded `now`.

    In UTC, without a zone, like `now`. An event may lie a day after its loading, which may have
    been later than now if the clock was set back since.
    """
    first = helpline.rotate_keys_from
    if first is None:
        return []
    [(loaded_at,)] = run(connection, "select max(loaded_at) from warehouse.raw.deliveries")
    last = max(now, loaded_at or now).year + 1
    return [new_year(year, helpline.timezone) for year in range(first, last + 1)]


def settle(connection, helpline: Helpline, files: list[LogFile]) -> None:
    """Compare the year from which keys rotate with that of the last pull, before anything is read.

    Events whose key is another one now are to be read again, with their whole delivery. Raises
    Problem, and changes nothing, if a file of such a delivery is not there any more or the year is
    closed: persons of one year would have two pseudonyms.
    """
    settings = run(connection, "select rotate_keys_from from warehouse.raw.settings")
    if not settings or settings[0][0] == helpline.rotate_keys_from:
        return
    first, last = sorted((settings[0][0] or LAST_YEAR, helpline.rotate_keys_from or LAST_YEAR))
    closed = last_closed_year(connection)
    if closed is not None and closed >= first:
        raise Problem(
            f"{_changed(settings[0][0], helpline)}: the keys of {closed}, a closed year, cannot be "
            f"changed any more. {_way_back(settings[0][0])}"
        )
    concerned = _deliveries_of(connection, helpline, first, last)
    there = _find(concerned, files)
    missing = sorted(one.file for one in concerned if one.delivery_id not in there)
    if missing:
        listed = ", ".join(missing[:LISTED_FILES]) + (" …" if len(missing) > LISTED_FILES else "")
        raise Problem(
            f"{_changed(settings[0][0], helpline)}: {len(missing)} deliveries with events from "
            f"{first} on would have to be read again with other keys, and their files are no "
            f"longer there: {listed}. Put them back, or write a year of which nothing has been "
            f"read yet. {_way_back(settings[0][0])}"
        )
    with transaction(connection):
        run(
            connection,
            "update warehouse.raw.deliveries set reading = $1"
            " where delivery_id in (select unnest($2::varchar[]))",
            [TO_BE_READ, [one.delivery_id for one in concerned]],
        )
        run(
            connection,
            "delete from warehouse.raw.year_keys where year >= $1 and year < $2",
            [first, last],
        )


def require_settled(connection) -> None:
    """Raise Problem if a delivery that had to be read again with another key was not."""
    files = run(
        connection,
        "select file from warehouse.raw.deliveries where reading = $1 order by file limit 1",
        [TO_BE_READ],
    )
    if files:
        raise Problem(
            f"Keys rotate from another year than before, and {files[0][0]} could not be read again "
            "with its new key. Put the file back, and run again."
        )


def _deliveries_of(connection, helpline: Helpline, first: int, last: int) -> list[Delivery]:
    """List the deliveries that name a person in the years from first to before last."""
    names = ", ".join(PERSONS)
    ids = run(
        connection,
        f"""
        select distinct delivery_id
        from warehouse.raw.events
        where
            occurred_at >= $1
            and ($2::timestamp is null or occurred_at < $2)
            and coalesce({names}) is not null
        """,
        [
            new_year(first, helpline.timezone),
            None if last == LAST_YEAR else new_year(last, helpline.timezone),
        ],
    )
    ledger = read_ledger(connection) if ids else {}
    return [ledger[delivery_id] for (delivery_id,) in ids]


def _find(wanted: list[Delivery], files: list[LogFile]) -> set[str]:
    """Find the deliveries that are wanted among the files that are there; they may have grown."""
    by_content = {one.sha256: one.delivery_id for one in wanted}
    found: set[str] = set()
    for file in files if wanted else ():
        try:
            content = Content(file)
            found |= {by_content.get(content.sha256, "")}
            found |= {
                one.delivery_id
                for one in wanted
                if file.name in one.files and content.begins_with(one)
            }
        except (Damaged, NoLog):
            continue
    return found


def _changed(before: int | None, helpline: Helpline) -> str:
    now = helpline.rotate_keys_from
    said = "is no longer set" if now is None else f"is {now} now"
    was = "was not set" if before is None else f"was {before}"
    return f"rotate_keys_from in {helpline.folder / 'helpline.toml'} {said} and {was} before"


def _way_back(before: int | None) -> str:
    if before is None:
        return "Without the setting, all stays as it is."
    return f"With {before}, all stays as it is."
