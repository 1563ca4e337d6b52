"""How a run ends, by the command of `make run`: with what the logs lack, or one line if nothing."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ingest.__main__ import main as ingest_command
from ingest.workspace import Workspace
from operations.health import examine
from publish.explain import explain
from tests import events
from tests.hashes import find_hashes, hashes_in, hashes_of

ROOT = Path(__file__).parent.parent
FIRST_DAY, DAYS = date(2022, 1, 1), 73
BROKEN_FROM = date(2022, 2, 1)
KINDS = {"lost_lines", "damaged", "passed_over"}
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 8


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the night on a folder's own logs and helpline."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATCIJFERS")}
    places = ["--data", folder / "data", "--logs", folder / "logs"]
    return subprocess.run(
        [sys.executable, "-m", "dags", "run", *places, "--helpline", folder / "helpline"],
        cwd=ROOT,
        env=kept | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def day_of(day: date, *, is_broken: bool) -> list[dict]:
    """Three visitors who press, ask and are answered; broken, answers have another form of time."""
    told = []
    for number in range(3):
        session = f"{day}-{number}"
        told += [
            events.click(f"v{number}", f"{day} 19:0{number}:07.5"),
            events.request(session, f"v{number}", f"{day} 19:1{number}"),
            events.answer(session, "r1", f"{day} 19:2{number}"),
            events.end(session, f"{day} 19:4{number}"),
        ]
    for number, event in enumerate(told):
        event["id"] = f"{day}-{number}"  # the same when it comes again, sound
    if is_broken:
        for event in told:
            if event["type"] == "helpline.session.answered":
                event["time"] = 1643742000
    return told


def deliver(logs: Path, *, is_mended: bool) -> None:
    """Deliver a file a day, and of both logs that they are whole."""
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        is_broken = day >= BROKEN_FROM and day.month == BROKEN_FROM.month and not is_mended
        events.deliver(logs, f"{day}.ndjson", day_of(day, is_broken=is_broken))
    last = FIRST_DAY + timedelta(days=DAYS)
    covered = [events.covered(log, str(FIRST_DAY), str(last)) for log in ("button", "chat")]
    events.deliver(logs, "covered.ndjson", covered)


@pytest.fixture(scope="module")
def helpline(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ended")
    events.helpline(folder / "helpline", starts_on=FIRST_DAY)
    return folder


@pytest.fixture(scope="module")
def lacking(helpline):
    """A night of which the answers of February have times of another form, and a file is cut."""
    deliver(helpline / "logs", is_mended=False)
    whole = gzip.compress(b"\n".join([b"{}"] * 1000))
    (helpline / "logs" / "2022-02-12.more.ndjson.gz").write_bytes(whole[:-6])
    (helpline / "logs" / "foto.jpg").write_bytes(JPEG)
    done = run(helpline)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def last_part(said: str) -> str:
    return said[said.index("Not all is well") :]


def test_it_ends_with_what_is_lost_and_what_to_do(lacking):
    told = last_part(lacking)
    assert "All is well" not in lacking
    assert "The log `chat` lost 84 of 252 lines in 2022-02, and figures of then are" in told
    assert "84 lines of helpline.session.answered for bad_time" in told
    assert "since 2022-02-01" in told
    assert "chat,2022-02-01,2022-02-28,84,WHY,WHO,WHEN" in told
    assert "2022-02-01.ndjson" in told
    assert "1 file could not be read, and nothing of it was loaded" in told
    assert "2022-02-12.more.ndjson.gz" in told
    assert "1 file among the logs is no log, by what it holds, and was passed over" in told
    assert "    foto.jpg: " in told
    assert "1643742000" not in lacking


def test_the_health_check_tells_the_same_without_names_of_files(lacking, helpline):
    workspace = Workspace(helpline / "data", str(helpline / "logs"), helpline / "helpline")
    report = examine(workspace)
    said = {finding.kind: str(finding) for finding in report.findings}
    assert said.keys() >= KINDS
    for kind in KINDS:
        assert said[kind].partition(". ")[0] in lacking
        assert ".ndjson" not in said[kind]
        assert "foto" not in said[kind]


def test_the_explanation_and_the_site_tell_it_too(lacking, helpline):
    latest = helpline / "data/published/latest"
    told = " ".join(explain(latest, "conversations", "2022-02").split())
    assert "status P, provisional" in told
    assert "lost lines chat 2022-02: more is lost than is tolerated 84 of 252 lines" in told
    assert "2022-02-01.ndjson delivery" in told
    assert "damaged file chat 2022-02" in told
    page = (latest / "site/quality/index.html").read_text(encoding="utf-8")
    assert "er zijn meer regels verloren dan geduld wordt" in page
    assert ">84<" not in page


def test_no_hash_of_a_delivered_file_leaves_the_warehouse(lacking, helpline):
    hashes = hashes_of(helpline / "logs")
    warehouse = helpline / "data/warehouse.duckdb"
    assert find_hashes(hashes, warehouse)  # the search can find them
    elsewhere = [path for path in (helpline / "data").rglob("*") if path.is_file()]
    elsewhere = [path for path in elsewhere if path.name != warehouse.name]
    assert {"manifest.json", "run.json", "analytics.duckdb"} <= {path.name for path in elsewhere}
    assert not [path for path in elsewhere if find_hashes(hashes, path)]
    assert not hashes_in(hashes, lacking.encode())


def test_times_are_to_the_minute_and_ages_are_bands_for_analysts(lacking, helpline):
    with duckdb.connect(str(helpline / "data/warehouse.duckdb"), read_only=True) as warehouse:
        assert seconds_in(warehouse) >= {"raw.events.occurred_at", "marts.attempts.started_at"}
    release = helpline / "data/published/latest/internal/analytics.duckdb"
    with duckdb.connect(str(release), read_only=True) as analytics:
        assert seconds_in(analytics) == set()
        columns = {name for (name,) in analytics.execute(
            "select column_name from duckdb_columns() where table_name = 'conversations'"
        ).fetchall()}  # fmt: skip
    assert "age_band" in columns
    assert "age" not in columns


def seconds_in(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Name the columns of a database in which a time is not a whole minute."""
    columns = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns()"
        " where data_type like 'TIMESTAMP%' and not internal"
    ).fetchall()
    return {
        f"{schema}.{table}.{column}"
        for schema, table, column in columns
        if connection.execute(
            f'select count(*) from "{schema}"."{table}"'
            f" where date_trunc('minute', \"{column}\") <> \"{column}\""
        ).fetchone() != (0,)
    }  # fmt: skip


def test_what_people_see_names_a_delivery(lacking, helpline):
    data = ["--data", str(helpline / "data")]
    [seen] = set(re.findall(r"ingest rejects (\w+) ", last_part(lacking)))
    told = explain(helpline / "data/published/latest", "conversations", "2022-02", "", "", True)
    assert f"delivery {seen}" in " ".join(told.split())
    assert ingest_command(["rejects", seen, *data]) == 0


def test_it_is_one_line_once_all_is_mended(lacking, helpline):
    (helpline / "logs" / "2022-02-12.more.ndjson.gz").unlink()
    (helpline / "logs" / "foto.jpg").unlink()
    deliver(helpline / "logs", is_mended=True)
    done = run(helpline)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("All is well: 103 files, ")
    assert "Not all is well" not in done.stdout
    gone = [
        one.kind for one in examine(Workspace.from_environment(str(helpline / "data"))).findings
    ]
    assert KINDS.isdisjoint(gone)


def test_of_what_a_gate_keeps_out_whole_it_is_told_that_nothing_counts(tmp_path):
    """The pull has read an event, so that only the gates notice that there is nothing to count."""
    events.helpline(tmp_path / "helpline")
    lines = [events.click("anna", "2022-03-01 18:42"), *[{"event": "message", "id": 7}] * 120]
    events.deliver(tmp_path / "logs", "bodies.ndjson", lines)
    done = run(tmp_path)
    assert done.returncode == 1
    assert "The run failed in the task `judge figures`. There is nothing to count." in done.stderr
    assert "expectations are broken" not in done.stderr
    told = last_part(done.stderr)
    assert "Not one event counts of what was delivered: 1 file with 121 lines" in told
    assert "Expected is one JSON object a line, with specversion, id, source" in told
    assert "bodies.ndjson (" in told
    assert "Traceback" not in done.stderr
