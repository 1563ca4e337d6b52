"""Whole nights through Airflow, with `python -m dags run` as `make run` calls it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingest.pull import LEAST_MEMORY
from tests import events, plants

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "a_whole_month"
PUBLISHED = Path(__file__).parent / "published" / "answers.csv"

# The simulated logs are made to give these; the rest comes with the breakdowns, shares and ranges.
COMPARED = {
    "conversations",
    "new_callers",
    "clicks",
    "clicks_per_conversation",
    "pressers",
    "missed_pressers",
    "out_of_hours_attempts",
    "callers",
    "referrals",
}
NOT_YET = ("/", "gender", "age_band", "topic")


def run(data: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the night on a state folder; what it prints is text."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATCIJFERS")}
    return subprocess.run(
        [sys.executable, "-m", "dags", "run", "--data", str(data), *options],
        cwd=ROOT,
        env=kept | {"HOME": str(data.parent)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def rows_of(figures: Path) -> dict[tuple[str, str, str, str], dict[str, str]]:
    with figures.open(newline="", encoding="utf-8") as lines:
        return {
            (row["figure"], row["period"], row["breakdown"], row["category"]): row
            for row in csv.DictReader(lines)
        }


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with the time of its last change and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def three_years(tmp_path_factory: pytest.TempPathFactory):
    """The night of the simulated three years: its state folder and what it printed."""
    data = tmp_path_factory.mktemp("three_years") / "data"
    done = run(data)
    assert done.returncode == 0, done.stdout + done.stderr
    return data, done.stdout


def test_the_published_figures_come_out(three_years):
    data, _ = three_years
    figures = rows_of(data / "published" / "latest" / "internal" / "figures.csv")
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        printed = [
            row
            for row in csv.DictReader(lines)
            if row["figure"] in COMPARED
            and "/" not in row["period"]
            and row["breakdown"] not in NOT_YET
        ]
    assert len(printed) == 143
    for row in printed:
        figure = figures[row["figure"], row["period"], row["breakdown"], row["category"]]
        if row["value"]:
            assert Decimal(figure["value"]) == Decimal(row["value"]), row
        else:
            assert (figure["obs_status"], bool(figure["value"])) == ("P", True), row


def test_what_rests_on_the_gap_is_provisional_and_nothing_else(three_years):
    data, _ = three_years
    figures = rows_of(data / "published" / "latest" / "internal" / "figures.csv")
    status = {cell[:2]: row["obs_status"] for cell, row in figures.items() if cell[2] == ""}
    for month in ("2022-07", "2022-08", "2022"):
        assert status["missed_pressers", month] == status["clicks", month] == "P"
        assert status["conversations", month] == status["callers", month] == "A"
    assert status["missed_pressers", "2022-06"] == status["missed_pressers", "2021"] == "A"
    assert status["conversations", "2022-12"] == "A"
    assert status["conversations", "2023-01"] == status["conversations", "2023"] == "P"


def test_it_prints_the_years_beside_each_other_and_where_the_release_lies(three_years):
    data, printed = three_years
    lines = [line.split() for line in printed.splitlines()]
    assert ["januari", "60", "62", "91"] in lines
    assert ["december", "73", "98", "90"] in lines
    assert ["totaal", "914", "923", "1074"] in lines
    release = (data / "published" / "latest").resolve().name
    assert release in printed
    for part in ("simulation", "Airflow", "pull", "transform", "publish", "all in all"):
        assert part in printed


def test_the_manifest_leads_back_to_every_delivered_file(three_years):
    data, _ = three_years
    latest = data / "published" / "latest"
    manifest = json.loads((latest / "manifest.json").read_text())
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as warehouse:
        ledger = warehouse.execute("select delivery_id from raw.deliveries order by 1").fetchall()
    assert [delivery["sha256"] for delivery in manifest["deliveries"]] == [row[0] for row in ledger]
    assert len(ledger) == 2250


def test_a_second_run_on_unchanged_logs_leaves_the_release_as_it_is(three_years):
    data, _ = three_years
    before = snapshot(data / "published")
    link = (data / "published" / "latest").readlink()
    done = run(data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (data / "published" / "latest").readlink() == link
    assert snapshot(data / "published") == before


def small_logs(folder: Path) -> Path:
    """One evening's logs: a click, a conversation, an appointment."""
    folder.mkdir()
    evening = [
        events.click("anna", "2022-03-01 19:00"),
        events.request("s1", "anna", "2022-03-01 19:01"),
        events.answer("s1", "r1", "2022-03-01 19:02"),
        events.schedule("s2", "ben", "2022-03-01 20:00", scheduled_for="2022-03-02 18:00",
                        scheduled_by="0471 23 45 67"),
        events.answer("s2", "r1", "2022-03-02 18:00"),
    ]  # fmt: skip
    events.deliver(folder, "good.ndjson", evening)
    return folder


def test_logs_made_by_hand_give_the_figures_worked_out_by_hand(tmp_path):
    data = tmp_path / "data"
    done = run(data, "--logs", str(GOLDEN / "logs"), "--helpline", str(GOLDEN / "helpline"))
    assert done.returncode == 0, done.stdout + done.stderr
    counted = rows_of(data / "published" / "latest" / "internal" / "figures.csv")
    expected = rows_of(GOLDEN / "expected.csv")
    assert len(expected) > 1000
    for cell, row in expected.items():
        found = counted[cell]
        assert (found["value"], found["obs_status"]) == (row["value"], row["obs_status"]), cell


def test_a_failed_gate_fails_the_dag_and_leaves_the_latest_release_as_it_was(tmp_path):
    data, logs = tmp_path / "data", small_logs(tmp_path / "logs")
    helpline = events.helpline(tmp_path / "helpline")
    first = run(data, "--logs", str(logs), "--helpline", str(helpline))
    assert first.returncode == 0, first.stdout + first.stderr
    before = snapshot(data / "published")

    # A telephone number that somebody made a code of would be printed as a category.
    codes = helpline / "codes.csv"
    codes.write_text(codes.read_text() + "scheduled_by,0471 23 45 67,De buur,The neighbour,9\n")
    second = run(data, "--logs", str(logs), "--helpline", str(helpline))
    assert second.returncode == 1
    assert "Traceback" not in second.stdout + second.stderr
    assert "phone" in second.stdout + second.stderr
    assert "0471" not in second.stdout + second.stderr
    assert snapshot(data / "published") == before
    assert last_run_state(data) == ("failed", "failed")


def last_run_state(data: Path) -> tuple[str, str]:
    """The state of the last DAG run in Airflow's metadata, and of its second gate."""
    with sqlite3.connect(f"file:{data / 'airflow' / 'airflow.db'}?mode=ro", uri=True) as metadata:
        run_id, state = metadata.execute(
            "select run_id, state from dag_run where dag_id = 'nightly' order by id desc limit 1"
        ).fetchone()
        [gate] = metadata.execute(
            "select state from task_instance where run_id = ? and task_id = 'judge_figures'",
            [run_id],
        ).fetchone()
    return state, gate


def test_a_bad_delivery_is_set_apart_and_the_others_go_through(tmp_path):
    data, logs = tmp_path / "data", small_logs(tmp_path / "logs")
    helpline = events.helpline(tmp_path / "helpline")
    bad = [events.click("cleo", "2022-03-02 10:00"), *({"not": "an event"} for _ in range(200))]
    events.deliver(logs, "bad.ndjson", bad, compress="gz")
    damaged = events.deliver(logs, "damaged.ndjson", bad, compress="gz")
    damaged.write_bytes(damaged.read_bytes()[:-5])

    done = run(data, "--logs", str(logs), "--helpline", str(helpline))
    assert done.returncode == 0, done.stdout + done.stderr
    latest = data / "published" / "latest"
    figures = rows_of(latest / "internal" / "figures.csv")
    assert figures["clicks", "2022-03", "", ""]["value"] == "1"
    assert figures["clicks", "2022-03", "", ""]["obs_status"] == "P"
    assert figures["conversations", "2022-03", "", ""]["value"] == "2"
    manifest = json.loads((latest / "manifest.json").read_text())
    statuses = sorted(delivery["status"] for delivery in manifest["deliveries"])
    assert statuses == ["loaded", "quarantined"]
    assert "Left out: damaged files 1, quarantined deliveries 1." in done.stdout


def test_no_identifier_is_left_anywhere_by_a_whole_run(tmp_path):
    data, temporary, home = tmp_path / "data", tmp_path / "tmp", tmp_path
    temporary.mkdir()
    marks = plants.plant(small_logs(tmp_path / "logs"), megabytes=40)
    helpline = events.helpline(tmp_path / "helpline")
    done = run(
        data,
        *("--logs", str(tmp_path / "logs"), "--helpline", str(helpline)),
        TMPDIR=str(temporary),
        CHATCIJFERS_MEMORY=LEAST_MEMORY,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert plants.find_in_bytes(marks, (done.stdout + done.stderr).encode()) == []
    for database in data.rglob("*.duckdb"):
        assert plants.find_in_tables(marks, database) == []
    shutil.rmtree(tmp_path / "logs")
    assert plants.find_in_files(marks, [home]) == []
