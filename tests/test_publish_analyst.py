"""`make sql`: what analysts can ask, and what they cannot do to a release."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from ingest.problem import Problem
from publish import analyst
from publish.analyst import is_complete, open_shell

ROOT = Path(__file__).parent.parent


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """As much of a release as the shell reads."""
    folder = tmp_path / "releases" / "e99a"
    (folder / "internal").mkdir(parents=True)
    with duckdb.connect(str(folder / "internal" / "analytics.duckdb")) as connection:
        connection.execute("create schema figures")
        connection.execute(
            "create table figures.figures as select 'pressers' as figure, 7038 as value"
        )
        connection.execute("comment on table figures.figures is 'Every figure.'")
        connection.execute("comment on column figures.figures.value is 'The value.'")
    return folder


@pytest.mark.parametrize(
    "query",
    [
        "select value from figures.figures",
        'select value from "warehouse"."figures"."figures"',
        "select value from {{ ref('figures') }};",
    ],
)
def test_a_table_goes_by_its_plain_name_by_dbts_and_by_its_reference(query, release, capsys):
    open_shell(release, query)

    assert "7038" in capsys.readouterr().out


@pytest.mark.parametrize(
    "statement",
    [
        "delete from figures.figures",
        "update figures.figures set value = 1",
        "create table figures.mine as select 1",
        "drop table figures.figures",
    ],
)
def test_nothing_can_be_changed(statement, release):
    database = release / "internal" / "analytics.duckdb"
    before = database.read_bytes()
    with pytest.raises(Problem, match="open for reading only"):
        open_shell(release, statement)

    assert database.read_bytes() == before


def test_temporary_tables_and_files_of_results_are_possible(release, tmp_path, capsys):
    result = tmp_path / "result.csv"
    open_shell(
        release,
        "create temp table mine as select value + 1 as more from figures.figures;"
        f"copy mine to '{result}' (header);",
    )

    assert result.read_text() == "more\n7039\n"
    assert capsys.readouterr().out == ""


def test_no_extension_loads_itself(release):
    with pytest.raises(Problem, match="extensions are not loaded from here"):
        open_shell(release, "from 'https://example.invalid/some.parquet'")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select x from figures.figure", "Table with name figure does not exist"),
        ("selct 1", 'Syntax error at or near "selct"'),
        ("from {{ ref('raw_events') }}", "A release holds no table raw_events"),
        ("select '{{ var }}'", "only {{ ref"),
        ("question_1_nobody_asked", "There is no query question_1_nobody_asked"),
        ("missing.sql", "missing.sql cannot be read"),
    ],
)
def test_what_is_wrong_is_said_plainly(query, said, release):
    with pytest.raises(Problem) as problem:
        open_shell(release, query)

    assert said in str(problem.value)
    assert "Error:" not in str(problem.value)


def test_a_release_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Problem, match="There is no release in"):
        open_shell(tmp_path / "latest", "select 1")


def test_a_file_or_standard_input_is_read(release, tmp_path, capsys, monkeypatch):
    (tmp_path / "two.sql").write_text("select value + 2 as v from figures.figures; select 5 as w;")
    open_shell(release, str(tmp_path / "two.sql"))
    assert "7040" in (printed := capsys.readouterr().out)
    assert "w" in printed

    monkeypatch.setattr("sys.stdin", io.StringIO("select value + 3 from figures.figures"))
    open_shell(release)
    assert "7041" in capsys.readouterr().out


def test_every_row_is_printed_where_no_screen_limits_it(release, capsys):
    open_shell(release, "select i, repeat('x', 300) as x from range(500) as numbers(i)")

    lines = [line for line in capsys.readouterr().out.splitlines() if "x" * 300 in line]
    assert len(lines) == 500


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("select 1", False),
        ("select 1;", True),
        ("select 1; -- so far", True),
        ("select ';", False),
        ("select ';';", True),
        ("/* a comment;", False),
        ("selct 1;", True),
        ("from {{ ref('figures') }};", True),
        ("", False),
    ],
)
def test_a_statement_goes_on_until_its_semicolon(text, is_whole):
    assert is_complete(text) is is_whole


def test_a_terminal_is_a_conversation_with_a_history(release, tmp_path):
    history = tmp_path / "history"
    code = (
        "from pathlib import Path; from publish.analyst import open_shell; "
        f"open_shell(Path({str(release)!r}), '', Path({str(history)!r}))"
    )
    said = converse(
        [sys.executable, "-c", code],
        [
            ".tables",
            ".describe figures",
            "select value",
            "+ 4 from figures.figures;",
            "select nothing;",
            ".nonsense",
            ".quit",
        ],
    )

    assert "Release e99a, open for reading only. INTERNAL" in said
    assert "figures.figures  Every figure." in said
    assert "value integer   The value." in said
    assert "7042" in said
    assert 'Referenced column "nothing"' in said
    assert "There is no command .nonsense" in said
    assert "Traceback" not in said
    assert "+ 4 from figures.figures;" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600


def converse(command: list[str], lines: list[str]) -> str:
    """Type lines into a program on a terminal of its own, each after its prompt."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        env=os.environ | {"TERM": "dumb", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(slave)
    said, waiting, end = "", list(lines), time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                said += os.read(master, 65536).decode(errors="replace")
            except OSError:  # the program has gone
                break
        if waiting and said.rstrip(" ").endswith(("sql>", "...>")):
            line = waiting.pop(0)
            said += "\n"  # so that the same prompt does not count twice
            os.write(master, (line + "\n").encode())
    process.wait(timeout=10)
    os.close(master)
    return said


def test_help_names_every_command(capsys):
    with duckdb.connect() as connection:
        analyst._command(connection, ".help")
    printed = capsys.readouterr().out

    for command in (".tables", ".describe", ".questions", ".run", ".quit"):
        assert command in printed
