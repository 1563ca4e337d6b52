"""Closed years: local calendar years that take no more events, and stay as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ingest.helpline import Helpline
from ingest.problem import Problem
from ingest.warehouse import run

# Breakdowns whose categories are the helpline's own codes, and what they always have beside these.
CODED = ("gender", "topic", "scheduled_by", "referred_by")
ALWAYS_THERE = ["unknown", "unlisted"]
LISTED = 5  # of what is missing, in a message

# A statement of coverage is about the days that it names, and belongs to the last of them.
IS_FROZEN = (
    "(occurred_at < {closed_before}"
    " or (event_type = 'helpline.log.covered' and ends_at <= {closed_before}))"
)


def new_year(year: int, timezone: str) -> datetime:
    """Give the first instant of a local calendar year, in UTC, without a zone."""
    midnight = datetime(year, 1, 1, tzinfo=ZoneInfo(timezone))
    return midnight.astimezone(UTC).replace(tzinfo=None)


def last_closed_year(connection) -> int | None:
    """Give the last closed year of an open warehouse; years before it are closed as well."""
    [(year,)] = run(connection, "select max(year) from warehouse.raw.closings")
    return year


def require_categories(connection, helpline: Helpline) -> None:
    """Refuse lists that lack a category by which figures of retired years are stored.

    Without it, the categories of such a year would no longer add up to its totals. Raises Problem.
    """
    stored = run(
        connection,
        "select distinct breakdown, category from warehouse.raw.closed_figures"
        " where breakdown in (select unnest($1::varchar[]))"
        " and category not in (select unnest($2::varchar[])) order by all",
        [[*CODED, "exclusion"], ALWAYS_THERE],
    )
    listed = {(row[0], row[1]) for row in helpline.tables["codes"]}
    listed |= {("exclusion", row[0]) for row in helpline.tables["exclusions"]}
    missing = [one for one in stored if one not in listed]
    if missing:
        named = ", ".join(" ".join(one) for one in missing[:LISTED])
        file = "exclusions.csv" if missing[0][0] == "exclusion" else "codes.csv"
        raise Problem(
            f"{helpline.folder / file}: the lines of {named} are gone, and figures of years whose "
            "events are deleted are stored by them. Put them back: a code that is no longer used "
            "and an exclusion that is past harm nothing."
        )


def closed_before(connection, timezone: str) -> datetime | None:
    """Give the instant before which an open warehouse takes no more events, UTC, without a zone."""
    year = last_closed_year(connection)
    return None if year is None else new_year(year + 1, timezone)
