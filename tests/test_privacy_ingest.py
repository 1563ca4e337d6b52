"""No identifier in clear is left after a pull: not in a table, a file, or what is printed."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from ingest import Problem, Workspace, pull, reading
from ingest.pull import LEAST_MEMORY
from tests.events import click, deliver, helpline
from tests.plants import MARK, PHONE, find_in_bytes, find_in_files, find_in_tables, plant

# `ingest pull` without its lower limit on memory, so that it runs out half-way.
WITHOUT_LIMIT = """
import importlib, sys
importlib.import_module("ingest.pull").LEAST_MEMORY = "1MB"
from ingest.__main__ import main
sys.exit(main())
"""
WAREHOUSE_FILES = {
    "lock",
    "warehouse.duckdb",
    "warehouse.duckdb.wal",
    "warehouse.duckdb.wal.checkpoint",
    "warehouse.duckdb.new",
    "warehouse.duckdb.new.wal",
}


def run_ingest(
    root: Path,
    data: Path,
    logs: Path,
    folder: Path,
    key: str,
    *options: str,
    program: tuple[str, str] = ("-m", "ingest"),
):
    temporary = data.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "CHATCIJFERS_KEY": key,
        "TMPDIR": str(temporary),
        "HOME": str(temporary),
    }
    return subprocess.run(
        [sys.executable, *program, "pull", "--data", data, "--logs", logs,
         "--helpline", folder, *options],
        cwd=root, env=environment, capture_output=True, timeout=300, check=False,
        # A core dump would hold everything: it is not what is tested here.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    )  # fmt: skip


@contextmanager
def names_seen(*places: Path) -> Iterator[set[str]]:
    """Collect the names of all files that are in some places at any time during a `with` block."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            for place in places:
                seen.update(name for _, _, names in os.walk(place) for name in names)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_nothing_planted_is_found_after_a_pull_that_is_short_of_memory(tmp_path, root, key):
    marks = plant(tmp_path / "logs", megabytes=160)
    data, folder = tmp_path / "data", helpline(tmp_path / "helpline")

    with names_seen(data, tmp_path / "tmp") as seen:
        done = run_ingest(root, data, tmp_path / "logs", folder, key, "--memory", LEAST_MEMORY)

    # A database that spills to disk removes its files at the end: they must not have been there.
    assert "warehouse.duckdb" in seen
    assert seen <= WAREHOUSE_FILES
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed.decode()
    assert b"2 damaged" in printed
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        reasons = connection.sql("select distinct reason from raw.rejects order by all").fetchall()
        rows = connection.sql("select count(*) from raw.events").fetchall()[0][0]
    assert [reason for (reason,) in reasons] == sorted(
        ["not_utf8", "not_json", "not_an_event", "unknown_type", "bad_time", "in_future",
         "before_start", "bad_channel", "bad_coverage", "bad_data", "line_too_long"]
    )  # fmt: skip
    assert rows > 2_000
    assert not find_in_tables(marks, data / "warehouse.duckdb")
    assert not find_in_files(marks, [data, tmp_path / "tmp"])
    assert not find_in_bytes(marks, printed)


def test_the_key_is_found_nowhere(tmp_path, root, key):
    plant(tmp_path / "logs")
    folder = helpline(tmp_path / "helpline")
    done = run_ingest(root, tmp_path / "data", tmp_path / "logs", folder, key)
    assert done.returncode == 0
    assert not find_in_files([key], [tmp_path / "data", tmp_path / "tmp"])
    assert not find_in_bytes([key], done.stdout + done.stderr)


def test_a_run_that_has_too_little_memory_prints_nothing_of_a_line(tmp_path, root, key):
    marks = plant(tmp_path / "logs", megabytes=10)
    folder = helpline(tmp_path / "helpline")
    with names_seen(tmp_path / "data", tmp_path / "tmp") as seen:
        done = run_ingest(
            root, tmp_path / "data", tmp_path / "logs", folder, key, "--memory", "40MB",
            program=("-c", WITHOUT_LIMIT),
        )  # fmt: skip
    assert seen <= WAREHOUSE_FILES
    assert done.returncode == 1
    assert b"not enough memory to go on" in done.stderr
    assert not find_in_bytes(marks, done.stdout + done.stderr)
    assert not find_in_files(marks, [tmp_path / "data", tmp_path / "tmp"])


def shown_with_variables(error: BaseException) -> str:
    """Show an error as a log does that prints the variables of every frame, but this module's."""
    error = error.with_traceback(error.__traceback__.tb_next)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize(
    "query",
    [
        "create or replace table readings as select cast(line as integer) from lines",
        "create or replace table readings as select cast(line as timestamp) from lines",
        "create or replace table readings as select error(line) from lines",
    ],
)
def test_an_error_of_the_database_shows_no_value(tmp_path, key, monkeypatch, query):
    # A query that casts instead of trying: DuckDB's message holds the value.
    deliver(tmp_path / "logs", "a.ndjson", [click(f"{MARK} {PHONE}", "2022-03-01 19:00")])
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), helpline(tmp_path / "h"))
    path = tmp_path / "reading.sql"
    path.write_text(query)
    monkeypatch.setattr(reading, "QUERY", path)

    with pytest.raises(Problem) as caught:
        pull(workspace)

    chain, error = [], caught.value
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    assert len(chain) == 1
    shown = shown_with_variables(chain[0])
    assert MARK not in shown
    assert PHONE not in shown
    assert key not in shown
    assert "a.ndjson for one: its lines could not be read" in str(caught.value)


def test_a_problem_shows_no_value_in_the_frames_of_its_traceback(tmp_path, key, monkeypatch):
    deliver(tmp_path / "logs", "a.ndjson", [click(MARK, "2022-03-01 19:00")])
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), helpline(tmp_path / "h"))
    with pytest.raises(Problem) as caught:
        pull(workspace, memory="10MB")
    shown = shown_with_variables(caught.value)
    assert MARK not in shown
    assert key not in shown


# The search itself: each of these would be a leak, and it is found.


@pytest.mark.parametrize(
    "leak",
    [
        f"x{MARK}y".encode(),
        json.dumps(f"x{MARK}").encode(),
        base64.b64encode(f"x{MARK}yz".encode()),
        base64.b64encode(f"xx{MARK}yz".encode()),
        base64.b64encode(f"xxx{MARK}yz".encode()),
        f"x{MARK}y".encode().hex().encode(),
        f"x{MARK}y".encode("utf-16-le"),
        PHONE.encode(),
    ],
)
def test_the_search_finds_a_leak_in_a_file(tmp_path, leak):
    (tmp_path / "log").write_bytes(b"\0" * 100 + leak + b"\0" * 100)
    assert find_in_files([MARK, PHONE], [tmp_path])


@pytest.mark.parametrize("value", [MARK, [f"x{MARK}"], {"a": f"{MARK}x"}])
def test_the_search_finds_a_leak_in_a_table(tmp_path, value):
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("create table t as select 1 as a, $1 as b", [value])
    assert find_in_tables([MARK], tmp_path / "w.duckdb")
    assert not find_in_tables([PHONE], tmp_path / "w.duckdb")
