"""Closed years: local calendar years that take no more events, and stay as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ingest.warehouse import run

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


def closed_before(connection, timezone: str) -> datetime | None:
    """Give the instant before which an open warehouse takes no more events, UTC, without a zone."""
    year = last_closed_year(connection)
    return None if year is None else new_year(year + 1, timezone)
