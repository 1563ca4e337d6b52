"""Whole nights through Airflow, with `python -m dags run` as `make run` calls it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path

import duckdb
import pytest

from ingest.pull import LEAST_MEMORY
from publish.answer import answer
from tests import annexes, events, plants

ROOT = Path(__file__).parent.parent
PUBLISHED = Path(__file__).parent / "published" / "answers.csv"

# What was printed and cannot be, whatever the logs: the same document's own figures say otherwise.
REST_ON_THE_BUTTON = {"pressers", "missed_pressers", "out_of_hours_attempts"}
CANNOT_HOLD = {
    ("clicks_per_conversation", "2020-01/2020-10"): (
        "4.9",
        "3727 clicks / 768 conversations = 4.853; 4.8 is the ratio of the rounded monthly means",
    ),
    ("new_callers_per_month", "2020-01/2020-10"): (
        "37.5",
        "375 new callers / 10 months = 37.5, which half up is 38, and not 37",
    ),
}
# Small, and printed in the answer of 2023: hiding it would hide nothing.
SMALL_AND_OUT = ("referrals", "2022", "referred_by", "tele-onthaal")
PERSONS = {"visitors", "persons", "conversations", "sessions"}


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


def printed_answers() -> list[dict[str, str]]:
    with PUBLISHED.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def rounded_half_up(row: dict[str, str], decimals: int) -> Decimal:
    """The exact quotient of a row, to the decimals that were printed."""
    whole = Fraction(int(row["numerator"]) * 10**decimals, int(row["denominator"]))
    return Decimal(floor(whole + Fraction(1, 2))).scaleb(-decimals)


def test_every_printed_figure_comes_out_or_cannot_hold(three_years):
    data, _ = three_years
    figures = rows_of(data / "published" / "latest" / "internal" / "figures.csv")
    printed = printed_answers()
    assert len(printed) == 171
    impossible = set()
    for row in printed:
        found = figures[row["figure"], row["period"], row["breakdown"], row["category"]]
        cell = row["figure"], row["period"]
        if not row["value"]:
            assert (found["obs_status"], bool(found["value"])) == ("P", True), row
            continue
        decimals = len(row["value"].partition(".")[2])
        if rounded_half_up(found, decimals) != Decimal(row["value"]):
            assert found["value"] == CANNOT_HOLD[cell][0], row
            impossible.add(cell)
    assert impossible == set(CANNOT_HOLD)


def test_public_holds_the_printed_figures_but_for_the_months_that_wait(three_years):
    data, _ = three_years
    public = rows_of(data / "published" / "latest" / "public" / "figures.csv")
    for row in printed_answers():
        found = public[row["figure"], row["period"], row["breakdown"], row["category"]]
        looks = found["obs_status"], found["conf_status"], bool(found["value"])
        if row["period"] in ("2022-07", "2022-08") and row["as_printed"] == "***":
            assert looks == ("P", "N", False), row
        elif row["period"] == "2022" and found["figure"] in REST_ON_THE_BUTTON:
            assert looks == ("P", "F", True), row
        else:
            assert looks == ("A", "F", True), row


@pytest.mark.parametrize("document", annexes.QUESTIONS)
def test_the_annex_shows_every_printed_figure_or_its_mark(document, three_years, tmp_path):
    data, _ = three_years
    question, path = annexes.QUESTIONS[document], tmp_path / "annex.docx"
    answer(question, data / "published" / "latest", annexes.HELPLINE, output=path)
    assert annexes.differences(path, document) == []


def test_public_gives_no_small_count_away_and_the_auditor_agrees(three_years):
    data, _ = three_years
    latest = data / "published" / "latest"
    public = rows_of(latest / "public" / "figures.csv")
    small = {
        cell
        for cell, row in public.items()
        if row["unit"] in PERSONS and row["decimals"] == "0" and row["value"] in list("1234")
    }
    assert small == {SMALL_AND_OUT}
    hidden = {cell: row for cell, row in public.items() if row["conf_status"] == "C"}
    assert len(hidden) > 100
    assert not any(row["value"] for row in hidden.values())
    gate = json.loads((latest / "manifest.json").read_text())["gates"]["figures"]
    found = {one["name"]: one for one in gate["expectations"]}
    assert found["no_hidden_cell_is_pinned"]["success"]
    assert found["no_hidden_cell_is_pinned"]["checked"] > 100


def test_the_revisions_of_the_default_helpline_settle_what_cannot_hold(three_years):
    data, printed = three_years
    public = json.loads((data / "published" / "latest" / "manifest.json").read_text())["public"]
    assert (public["is_held"], public["contradictions"]) == (False, [])
    assert public["closed_through"] == "2022-12"
    assert "public/: cijfers tot en met 2022-12" in printed


def test_a_figure_is_led_back_to_its_models_and_files(three_years):
    data, _ = three_years
    done = subprocess.run(
        [
            *(sys.executable, "-m", "publish", "explain", "new_callers", "2022-03"),
            *("--all", "--data", str(data)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for part in (
        "59 persons",
        "dbt_project/models/figures/measures_of_persons.sql",
        "chat-2022-03-15.ndjson.gz",
        "answer-363-2023",
    ):
        assert part in done.stdout


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
    assert ["Totaal", "914", "923", "1.074"] in lines
    release = (data / "published" / "latest").resolve().name
    assert release in printed
    for part in ("simulation", "Airflow", "pull", "transform", "publish", "all in all"):
        assert part in printed


def test_the_manifest_leads_back_to_every_delivered_file(three_years):
    data, _ = three_years
    latest = data / "published" / "latest"
    manifest = json.loads((latest / "manifest.json").read_text())
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as warehouse:
        ledger = warehouse.execute("select keyed_id from raw.deliveries order by 1").fetchall()
    assert [delivery["delivery_id"] for delivery in manifest["deliveries"]] == [
        row[0] for row in ledger
    ]
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


@dataclass(frozen=True)
class Evening:
    """The night of one evening's logs, of which one file is bad and one damaged."""

    data: Path
    logs: Path
    helpline: Path
    said: str


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    folder = tmp_path_factory.mktemp("evening")
    data, logs = folder / "data", small_logs(folder / "logs")
    helpline = events.helpline(folder / "helpline")
    bad = [events.click("cleo", "2022-03-02 10:00"), *({"not": "an event"} for _ in range(200))]
    events.deliver(logs, "bad.ndjson", bad, compress="gz")
    damaged = events.deliver(logs, "damaged.ndjson", bad, compress="gz")
    damaged.write_bytes(damaged.read_bytes()[:-5])
    done = run(data, "--logs", str(logs), "--helpline", str(helpline))
    assert done.returncode == 0, done.stdout + done.stderr
    return Evening(data, logs, helpline, done.stdout)


def test_a_bad_delivery_is_set_apart_and_the_others_go_through(evening: Evening):
    latest = evening.data / "published" / "latest"
    figures = rows_of(latest / "internal" / "figures.csv")
    assert figures["clicks", "2022-03", "", ""]["value"] == "1"
    assert figures["clicks", "2022-03", "", ""]["obs_status"] == "P"
    assert figures["conversations", "2022-03", "", ""]["value"] == "2"
    manifest = json.loads((latest / "manifest.json").read_text())
    statuses = sorted(delivery["status"] for delivery in manifest["deliveries"])
    assert statuses == ["loaded", "quarantined"]
    assert "1 file could not be read, and nothing of it was loaded" in evening.said
    assert "    damaged.ndjson.gz: " in evening.said
    assert "1 delivery did not pass the first gate" in evening.said
    assert "    bad.ndjson.gz (" in evening.said
    assert "All is well" not in evening.said


def test_a_failed_gate_fails_the_dag_and_leaves_the_latest_release_as_it_was(evening: Evening):
    data, helpline = evening.data, evening.helpline
    before = snapshot(data / "published")

    # A telephone number that somebody made a code of would be printed as a category.
    codes = helpline / "codes.csv"
    codes.write_text(codes.read_text() + "scheduled_by,0471 23 45 67,De buur,The neighbour,9\n")
    second = run(data, "--logs", str(evening.logs), "--helpline", str(helpline))
    assert second.returncode == 1
    assert "Traceback" not in second.stdout + second.stderr
    assert "phone" in second.stdout + second.stderr
    assert "0471" not in second.stdout + second.stderr
    assert snapshot(data / "published") == before
    assert last_run_state(data) == ("failed", "failed")


def test_a_first_run_on_logs_in_another_form_ends_with_what_they_look_like(tmp_path):
    data, logs = tmp_path / "data", tmp_path / "logs"
    mark = plants.PLAIN_MARK
    said = {"name": mark, "text": f"{mark} said", mark: mark}
    bodies = [
        {
            "event": "chat:visitor_message", "timestamp": 1646247780.5 + number, "payload": said,
            "ticket_id": f"{mark}-{number}", f"{mark}-{number}": None,
        }
        for number in range(30)
    ]  # fmt: skip
    events.deliver(logs, "bodies.ndjson", bodies)
    events.deliver(logs, "table.ndjson", ["time;visitor;page", *[f"1;{mark};/"] * 20])
    helpline = events.helpline(tmp_path / "helpline")

    done = run(data, "--logs", str(logs), "--helpline", str(helpline))

    assert done.returncode == 1
    printed = done.stdout + done.stderr
    assert "The run failed in the task `pull`." in printed
    for part in (
        "None of the 51 lines of these logs can be read as an event",
        f"python -m ingest check-logs {logs}/bodies.ndjson",
        "- 30 lines: a JSON object",
        "- 21 lines: a row of a table (CSV)",
        "event (text 30); payload (object 30); ticket_id (text 30); timestamp (number 30)",
        '"type": "helpline.session.requested"',
        "Nothing was published.",
    ):
        assert part in printed
    assert "expectation" not in printed
    assert plants.find_in_bytes([mark], printed.encode()) == []
    assert plants.find_in_tables([mark], data / "warehouse.duckdb") == []
    shutil.rmtree(logs)
    assert plants.find_in_files([mark], [tmp_path]) == []
    last = json.loads((data / "operations" / "runs" / "nightly.json").read_text())
    assert last["reason"] == printed[printed.index("None of") :].splitlines()[0]


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
