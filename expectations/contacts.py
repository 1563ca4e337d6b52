"""What looks like no visitor: one who carries a month, and events as regular as a clock.

Tests by staff, monitors and robots are counted like anybody else until a line of exclusions.csv
takes them out. Both are only ever warned of: a person knows whether somebody needed help so often.
The warnings hold visitors' pseudonyms, for that line needs them; so they stay in the state folder
and in the run's log, and nothing of them goes into a release.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd

from ingest.warehouse import run

HERE = Path(__file__).parent
# Both must be exceeded: a month with few contacts has a busiest visitor too. The busiest one of any
# simulated month makes 27 of its 331, 8 %.
MOST_PERCENT_OF_MONTH = 20
MOST_CONTACTS_OF_ONE = 50
# Hardly by chance: in the simulated three years no gap comes even twice on end.
MOST_TIMES_ON_END = 20


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """List the events that the exclusions name, in the temporary table `matched_events`."""
    run(connection, _sql("matched_events"))


def look_at_contacts(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """Give the busiest visitors of each month, and all regular beats, after `prepare`.

    Of deliveries that count at this moment, without what an exclusion takes out. Times of beats are
    local, with their offset.
    """
    run(connection, _sql("visitor_events"))
    visitors = connection.execute(_sql("busiest_visitors")).df()
    beats = connection.execute(_sql("beats"), {"times": MOST_TIMES_ON_END}).df()
    zone = _zone(connection)
    for bound in ("starts_at", "ends_at"):
        beats[bound] = [_local(text, zone) for text in beats[bound]]
    return {"visitors": visitors, "beats": beats}


def describe_visitor(example: dict) -> str:
    """Say who carries a month, and which line of exclusions.csv would take them out of it."""
    starts_on, ends_on = _span(example["month"])
    line = _line("visitor", example["visitor_id"], starts_on, ends_on, example["events"])
    return (
        f"in {example['month']} one visitor, {example['visitor_id']}, made "
        f"{example['contact_events']} of {example['month_events']} clicks and chat requests "
        f"({example['percent_of_month']:.0f} %). If that is a test or a robot and nobody who needs "
        f"help, this line of exclusions.csv takes it out: {line}"
    )


def describe_beat(example: dict) -> str:
    """Say since when something beats, how often, and which line of exclusions.csv takes it out."""
    field, value = "no_visitor", example["page"] or ""
    who = f"without a visitor on the page {value}" if value else "without a visitor"
    if example["visitor_id"]:
        field, value = "visitor", example["visitor_id"]
        who = f"of the visitor {value}"
    line = _line(field, value, example["starts_at"], example["ends_at"], example["events"])
    return (
        f"events {who} come {example['times']} times {example['gap_seconds']} seconds after the "
        f"one before, from {example['starts_at']} to {example['ends_at']}. If that is a monitor or "
        f"a robot, this line of exclusions.csv takes it out, and with a later ends_at what follows "
        f"too: {line}"
    )


def _line(field: str, value: str, starts_at: str, ends_at: str, expected_events: int) -> str:
    name = f"robot {starts_at[:10]}"
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        (name, field, value, starts_at, ends_at, "REASON", "AUTHOR", expected_events)
    )
    return line.getvalue()


def _span(month: str) -> tuple[str, str]:
    """Give the first day of a month and the first one after it."""
    year, number = int(month[:4]), int(month[5:])
    after = f"{year + 1}-01" if number == 12 else f"{year}-{number + 1:02}"
    return f"{month}-01", f"{after}-01"


def _zone(connection: duckdb.DuckDBPyConnection) -> ZoneInfo:
    rows = run(connection, "select timezone from raw.settings")
    return ZoneInfo(rows[0][0] if rows else "UTC")


def _local(text: str, zone: ZoneInfo) -> str:
    instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return instant.astimezone(zone).isoformat()


def _sql(name: str) -> str:
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")
