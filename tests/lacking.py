"""Warehouses in which something is lacking, written by hand: what a pull and the models leave."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ingest import lock
from ingest.key import Key
from ingest.warehouse import fill, open_warehouse, run
from operations.losses import Story, read_story
from tests.conftest import KEY

FIRST, SECOND = "ab" * 32, "cd" * 32
MARTS = """
create schema warehouse.marts;
create schema warehouse.intermediate;
create schema warehouse.figures;
create table warehouse.marts.losses (
    log varchar, month varchar, event_type varchar, reason varchar, delivery_id varchar,
    lost_lines bigint, accepted_lines bigint, first_on date, last_on date
);
create table warehouse.marts.log_months (
    log varchar, month varchar, kept_events bigint, lost_lines bigint, accepted_lines bigint,
    lost_percent double, is_over_tolerance boolean, lost_types varchar, obs_status varchar,
    because varchar
);
create table warehouse.intermediate.int_losses_accepted (
    log varchar, starts_on date, ends_on date, lost_lines bigint, found_lines bigint,
    recovered_lines bigint, is_valid boolean, reason varchar, author varchar, decided_on date
);
create table warehouse.figures.figure_definitions (figure varchar, basis varchar);
insert into warehouse.figures.figure_definitions values
    ('clicks', 'button'), ('attempts', 'both'), ('conversations', 'chat');
"""
ANSWERED, CLICKED = "helpline.session.answered", "helpline.button.clicked"


class Warehouse:
    """A warehouse into which a test writes what a pull and the models leave there."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / "warehouse.duckdb"
        with lock.hold(data), open_warehouse(self.path, key=Key(KEY), make=True):
            pass

    def write(self, *statements: str) -> None:
        with open_warehouse(self.path) as connection:
            for statement in statements:
                run(connection, statement)

    def deliver(self, delivery: str, file: str, *types: str, rejects: int = 0, status="loaded"):
        events = len(types)
        columns = (
            "delivery_id, file, bytes, lines, events, rejects, blank_lines, status, status_reason,"
            " reading, loaded_at, sha256, keyed_id"
        )
        row = (
            delivery, file, "1", str(events + rejects), str(events), str(rejects), "0", status,
            "why", "r", "2022-03-01 02:00:00", f"sha of {delivery}", delivery,
        )  # fmt: skip
        with open_warehouse(self.path) as connection:
            fill(connection, f"warehouse.raw.deliveries ({columns})", [row], 13)
            for number, event_type in enumerate(types, 1):
                run(
                    connection,
                    "insert into warehouse.raw.events (delivery_id, line_number, event_id,"
                    " source_id, event_type, occurred_at, unfit_fields)"
                    " values ($1, $2, uuid(), uuid(), $3, '2022-02-01', 0)",
                    [delivery, number, event_type],
                )

    def model(self, losses=(), months=(), accepted=()) -> None:
        with open_warehouse(self.path) as connection:
            run(connection, MARTS)
            for table, rows in (
                ("marts.losses", losses),
                ("marts.log_months", months),
                ("intermediate.int_losses_accepted", accepted),
            ):
                for row in rows:
                    values = ", ".join(f"${place}" for place in range(1, len(row) + 1))
                    run(connection, f"insert into warehouse.{table} values ({values})", list(row))

    def story(self) -> Story:
        return read_story(self.path, self.data)

    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.story().findings]


def lost(month, lines, *, log="chat", kind=ANSWERED, reason="bad_time", of=FIRST, accepted=0):
    first_on = date.fromisoformat(f"{month}-03") if month else None
    return log, month, kind, reason, of, lines, accepted, first_on, first_on


def month_of(log, month, kept=600, lost=0, accepted=0, *, is_over=False, because=""):
    percent = 100 * lost / (kept + lost) if lost else 0
    status = "P" if because else "A"
    return log, month, kept, lost, accepted, percent, is_over, "", status, because
