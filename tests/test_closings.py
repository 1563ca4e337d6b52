"""Closed years: what comes for them is set aside, what is stored stays, old warehouses migrate."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from expectations import deliveries
from ingest import pull
from ingest.closings import new_year
from ingest.problem import Problem
from ingest.warehouse import DEFINITION, MIGRATIONS, SCHEMA_VERSION, connect, open_warehouse, run
from ingest.workspace import Workspace
from tests.events import answer, click, covered, deliver, helpline, register, request

# The raw tables as version 2 defined them: what older warehouses hold.
VERSION_2 = Path(__file__).with_name("warehouse_2.sql")


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    (tmp_path / "logs").mkdir()
    return Workspace(
        data=tmp_path / "data",
        logs=str(tmp_path / "logs"),
        helpline=helpline(tmp_path / "helpline"),
    )


def load(workspace: Workspace, name: str, events) -> None:
    deliver(Path(workspace.logs), name, events)
    pull(workspace)


def query(workspace: Workspace, sql: str) -> list[tuple]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def change(workspace: Workspace, sql: str) -> None:
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute(sql)


def close(workspace: Workspace, year: int) -> None:
    change(workspace, f"insert into raw.closings values ({year}, '2025-01-10', false, false)")


def ledger(workspace: Workspace) -> list[tuple]:
    return query(
        workspace,
        "select events, rejects, blank_lines, expired, status from raw.deliveries order by file",
    )


def rejects(workspace: Workspace) -> list[tuple]:
    return query(
        workspace,
        "select file, line_number, reason from raw.rejects join raw.deliveries using (delivery_id)"
        " order by all",
    )


LAST_MINUTE = "2022-12-31 23:59:59.999"
NEW_YEAR = "2023-01-01 00:00"


def test_the_year_ends_at_local_midnight():
    assert str(new_year(2023, "Europe/Brussels")) == "2022-12-31 23:00:00"
    assert str(new_year(2023, "Asia/Kathmandu")) == "2022-12-31 18:15:00"


def test_events_of_a_closed_year_are_set_aside(workspace):
    load(workspace, "a.ndjson", [click("v", "2024-06-01 12:00")])
    close(workspace, 2022)
    late = [
        click("v", LAST_MINUTE),
        click("v", NEW_YEAR),
        "no event",
        click("v", "2019-06-01 12:00"),
        # A statement of coverage is about its days, whenever it was made.
        covered("button", "2022-12-30", "2022-12-31", when="2023-02-01"),
        covered("button", "2022-12-31", "2023-01-01"),
        covered("button", "2022-12-31", "2023-01-02", when="2022-12-31"),
    ]
    load(workspace, "b.ndjson", late)
    assert rejects(workspace) == [
        ("b.ndjson", 1, "closed_period"),
        ("b.ndjson", 3, "not_json"),
        ("b.ndjson", 4, "before_start"),
        ("b.ndjson", 5, "closed_period"),
        ("b.ndjson", 6, "closed_period"),
    ]
    assert ledger(workspace) == [(1, 0, 0, 0, "loaded"), (2, 5, 0, 0, "loaded")]


def test_a_delivery_of_a_closed_year_is_not_quarantined(workspace):
    load(workspace, "a.ndjson", [click("v", "2024-06-01 12:00")])
    close(workspace, 2022)
    load(workspace, "b.ndjson", [click("v", "2022-06-01 12:00") for _ in range(200)])
    outcome = deliveries.judge(workspace)
    assert all(finding.success for finding in outcome.findings)
    assert ledger(workspace)[1] == (0, 200, 0, 0, "loaded")


def test_lines_that_do_not_fit_count_against_those_of_open_years(workspace):
    load(workspace, "a.ndjson", [click("v", "2024-06-01 12:00")])
    close(workspace, 2022)
    closed = [click("v", "2022-06-01 12:00") for _ in range(3000)]
    load(workspace, "b.ndjson", [*closed, *["no event"] * 101, click("v", "2023-06-01 12:00")])
    load(workspace, "c.ndjson", [*closed, *["no event"] * 101])
    deliveries.judge(workspace)
    assert [one[-1] for one in ledger(workspace)] == ["loaded", "quarantined", "quarantined"]
    load(workspace, "d.ndjson", [*closed, "no event"])
    deliveries.judge(workspace)
    assert ledger(workspace)[-1][-1] == "loaded"


def some_lines() -> list:
    return [
        click("v", "2022-03-01 12:00", page="/new"),
        "no event",
        request("s", "v", LAST_MINUTE),
        "",
        answer("s", "r", "2023-01-01 00:01"),
        register("s", "2023-01-01 00:30", gender="female", topics=["home"]),
        covered("button", "2022-01-01", "2022-12-31"),
        covered("chat", "2022-01-01", "2023-12-31"),
        click("v", "2023-03-01 12:00", page="/new"),
    ]


@pytest.mark.parametrize("memory", ["1GB", "150MB"])
def test_a_closing_has_nothing_read_again_and_settings_leave_closed_years(workspace, memory):
    load(workspace, "a.ndjson", [*some_lines(), *(click("w", "2022-05-01") for _ in range(6000))])
    load(workspace, "b.ndjson", [click("w", "2023-05-01 12:00", page="/new")])
    before = ledger(workspace)
    close(workspace, 2022)
    assert pull(workspace).read_again == 0
    helpline(workspace.helpline, pages=["/", "/new"])
    assert pull(workspace, memory=memory).read_again == 2
    assert ledger(workspace) == before
    assert query(
        workspace,
        "select file, line_number, page from raw.events join raw.deliveries using (delivery_id)"
        " where page is not null order by all",
    ) == [("a.ndjson", 9, "/new"), ("b.ndjson", 1, "/new")]
    [(stored,)] = query(workspace, "select count(*) from raw.events")
    assert stored == sum(events for events, *_ in before)
    assert rejects(workspace) == [("a.ndjson", 2, "not_json")]


def test_deleted_events_of_a_known_file_have_expired(workspace):
    load(workspace, "a.ndjson", some_lines())
    close(workspace, 2022)
    load(workspace, "late.ndjson", [click("x", "2022-07-01"), click("x", "2023-07-01")])
    # What a retirement does: the events of the closed year go, but for the session's.
    change(
        workspace,
        """
        delete from raw.events where line_number in (1, 7) and event_type <> 'x'
            and delivery_id = (select delivery_id from raw.deliveries where file = 'a.ndjson');
        update raw.deliveries set expired = 2 where file = 'a.ndjson';
        """,
    )
    before = ledger(workspace), query(workspace, "from raw.events order by all")
    assert before[0] == [(7, 1, 1, 2, "loaded"), (1, 1, 0, 0, "loaded")]
    helpline(workspace.helpline, pages=["/", "/other"])
    assert pull(workspace).read_again == 2
    assert (ledger(workspace), query(workspace, "from raw.events order by all")) == before
    assert rejects(workspace) == [
        ("a.ndjson", 2, "not_json"),
        ("late.ndjson", 1, "closed_period"),
    ]


def test_a_line_that_was_set_aside_stays_so_when_its_year_has_closed(workspace):
    load(workspace, "a.ndjson", [click("v", "2021-06-01"), click("v", "2023-06-01")])
    helpline(workspace.helpline, starts_on=date(2022, 1, 1))
    pull(workspace)
    assert rejects(workspace) == [("a.ndjson", 1, "before_start")]
    close(workspace, 2021)
    helpline(workspace.helpline, starts_on=date(2020, 1, 1))
    pull(workspace)
    assert rejects(workspace) == [("a.ndjson", 1, "closed_period")]
    assert ledger(workspace) == [(1, 1, 0, 0, "loaded")]


def made_by_version_2(workspace: Workspace) -> None:
    """Turn a warehouse into one of version 2, with the same rows."""
    content = {}
    with open_warehouse(workspace.warehouse) as connection:
        for table in ("warehouse", "deliveries", "delivery_files", "events", "settings"):
            content[table] = run(connection, f"from warehouse.raw.{table}")
    old = workspace.warehouse.with_name("old.duckdb")
    connection = connect("1GB")
    run(connection, f"attach '{old}' as warehouse")
    connection.execute(VERSION_2.read_text(encoding="utf-8"))
    run(connection, f"attach '{workspace.warehouse}' as newer (read_only)")
    for table in content:
        columns = [
            name
            for (name,) in run(
                connection,
                "select column_name from duckdb_columns() where database_name = 'warehouse'"
                f" and table_name = '{table}' order by column_index",
            )
        ]
        names = ", ".join(columns)
        run(connection, f"insert into warehouse.raw.{table} select {names} from newer.raw.{table}")
    run(connection, "update warehouse.raw.warehouse set schema_version = 2")
    connection.close()
    shutil.move(old, workspace.warehouse)
    workspace.warehouse.chmod(0o600)


def definition_of(connection, database: str) -> list[tuple]:
    columns = connection.execute(
        "select table_name, column_index, column_name, data_type, is_nullable, column_default,"
        " comment from duckdb_columns() where database_name = ? and schema_name = 'raw'"
        " order by all",
        [database],
    ).fetchall()
    constraints = connection.execute(
        "select table_name, constraint_type, constraint_text from duckdb_constraints()"
        " where database_name = ? and schema_name = 'raw' order by all",
        [database],
    ).fetchall()
    comments = connection.execute(
        "select table_name, comment from duckdb_tables() where database_name = ? order by all",
        [database],
    ).fetchall()
    return [*columns, *constraints, *comments]


OF_TEXT = "text_sha256, text_bytes, next_line, next_line_at"


def test_a_warehouse_of_version_2_is_brought_up_to_date_in_place(workspace):
    load(workspace, "a.ndjson", some_lines())
    rows = {
        table: query(workspace, f"from raw.{table} order by all")
        for table in ("events", "delivery_files", "settings")
    }
    ledger = f"select * exclude ({OF_TEXT}) from raw.deliveries"
    delivered = query(workspace, ledger)
    made_by_version_2(workspace)
    assert "expired" not in str(query(workspace, "describe raw.deliveries"))
    summary = pull(workspace)
    assert (summary.known, summary.read_again) == (1, 0)
    for table, before in rows.items():
        assert query(workspace, f"from raw.{table} order by all") == before
    assert query(workspace, ledger) == delivered
    # Of what was loaded before, nobody knows how its text ends.
    assert query(workspace, f"select {OF_TEXT} from raw.deliveries") == [(None,) * 4]
    with open_warehouse(workspace.warehouse, read_only=True) as connection:
        migrated = definition_of(connection, "warehouse")
        version = run(connection, "select schema_version from warehouse.raw.warehouse")
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse")
        connection.execute(DEFINITION.read_text(encoding="utf-8"))
        assert migrated == definition_of(connection, "warehouse")
    assert version == [(SCHEMA_VERSION,)]


def test_an_older_warehouse_is_not_changed_by_who_only_reads_it(workspace):
    load(workspace, "a.ndjson", some_lines())
    made_by_version_2(workspace)
    before = workspace.warehouse.read_bytes()
    with (
        pytest.raises(Problem, match="earlier version"),
        open_warehouse(workspace.warehouse, read_only=True),
    ):
        pass
    assert workspace.warehouse.read_bytes() == before


@pytest.mark.parametrize("version", [0, 1, SCHEMA_VERSION + 1])
def test_a_version_without_a_way_to_this_one_is_refused(workspace, version):
    load(workspace, "a.ndjson", some_lines())
    change(workspace, f"update raw.warehouse set schema_version = {version}")
    with pytest.raises(Problem, match=f"tables of version {version}.*do not remove"):
        pull(workspace)


def test_every_migration_is_one_of_ours():
    steps = sorted(int(path.stem) for path in MIGRATIONS.glob("*.sql"))
    assert steps == list(range(3, SCHEMA_VERSION + 1))
