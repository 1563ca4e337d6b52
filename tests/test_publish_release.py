"""A release: whole, the same for the same inputs, put in place at once, only after the gates."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from expectations.outcome import Outcome
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish import identity
from publish.__main__ import main
from publish.contents import describe, open_warehouse, published_tables
from publish.release import Release, release
from publish.verify import verify
from tests.models import Models
from tests.test_expectations_clean import ROOT, change, clean_workspace


@pytest.fixture(autouse=True)
def code_that_stays_the_same(monkeypatch):
    monkeypatch.setattr(identity, "CODE_FOLDERS", ())


@pytest.fixture(scope="module")
def protected(tmp_path_factory, models: Models) -> Path:
    """The state folder of a clean warehouse, as dbt and disclosure control leave it."""
    workspace = clean_workspace(tmp_path_factory.mktemp("protected") / "data")
    models.leave_manifest(workspace)
    return workspace.data


@pytest.fixture
def workspace(tmp_path, protected: Path) -> Workspace:
    return copied(protected, tmp_path / "data")


def copied(protected: Path, data: Path) -> Workspace:
    shutil.copytree(protected, data)
    return Workspace(data=data, logs="", helpline=data)


def pass_gates(workspace: Workspace, figures_pass: bool = True) -> None:
    """Write what both gates would, without running them."""
    with open_warehouse(workspace) as connection:
        inputs = identity.input_id(connection)
        tables = describe(connection, published_tables(connection))
    Outcome("deliveries", inputs, passed=True, findings=[]).write(workspace.gates)
    Outcome("figures", inputs, figures_pass, findings=[], tables=tables).write(workspace.gates)


def publish(workspace: Workspace) -> Release:
    pass_gates(workspace)
    return release(workspace)


def snapshot(folder: Path) -> dict[str, tuple]:
    """Give the bytes, inode and time of change of everything under a folder."""
    seen = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        seen[path.as_posix()] = (status.st_ino, status.st_mtime_ns, content)
    return seen


def texts(release: Release) -> dict[str, bytes]:
    """Give the bytes of all text files of a release but run.json."""
    return {
        path.relative_to(release.folder).as_posix(): path.read_bytes()
        for path in release.folder.rglob("*")
        if path.suffix in (".csv", ".json") and path.name != "run.json"
    }


def is_latest_whole(workspace: Workspace) -> bool:
    leftovers = list(workspace.published.rglob(".building-*"))
    return verify(workspace.published / "latest") == [] and leftovers == []


# --- what is in it


def test_figures_are_written_as_they_are_read(workspace):
    folder = publish(workspace).folder

    with (folder / "internal" / "figures.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    cells = {tuple(row[:4]): row for row in rows}

    assert ",".join(header) == (
        "figure,period,breakdown,category,value,unit,base,obs_status,conf_status,break,decimals,"
        "version,numerator,denominator,left_out"
    )
    assert rows == sorted(rows, key=lambda row: row[:4])
    assert cells["clicks_per_conversation", "2022-01", "", ""][4:14] == [
        "6.3",
        "clicks per conversation",
        "conversations",
        "A",
        "F",
        "",
        "1",
        "1",
        "144",
        "23",
    ]
    assert cells["clicks", "2022-W09", "", ""][8] == "N"
    assert cells["responder_hours", "2022", "", ""][4] == "1560.00"
    assert cells["clicks", "2023-02", "", ""][4:8] == ["", "clicks", "", "O"]
    assert cells["clicks", "2022", "", ""][4] == "1720"


def test_analysts_get_marts_figures_and_what_the_helpline_said_and_nothing_raw(workspace):
    folder = publish(workspace).folder

    with duckdb.connect(folder / "internal" / "analytics.duckdb", read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name, comment from duckdb_tables() order by 1"
        ).fetchall()
        comment = connection.execute(
            "select comment from duckdb_columns() where column_name = 'attempt_id'"
        ).fetchone()
        closing = connection.execute(
            "select closes::varchar from helpline.opening_hours where weekday = 2"
        ).fetchone()
        times = connection.execute(
            "select column_name from duckdb_columns() where column_name = 'loaded_at'"
        ).fetchall()

    schemas = {name.partition(".")[0] for name, _ in tables}
    assert schemas == {"disclosure", "figures", "helpline", "marts"}
    assert {name for name, _ in tables} >= {
        "disclosure.publications",
        "figures.figures",
        "figures.periods",
        "helpline.exclusions",
        "helpline.published",
        "helpline.revisions",
        "helpline.settings",
        "marts.attempts",
        "marts.conversations",
        "marts.deliveries",
    }
    assert dict(tables)["marts.attempts"] == "One row for each attempt; it's a run."
    assert (comment, closing, times) == (("Pseudonym.",), ("24:00:00",), [])


def test_the_manifest_says_what_went_in(workspace):
    made = publish(workspace)
    manifest = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))

    assert manifest["release"] == made.id == made.folder.name
    assert (manifest["helpline"], manifest["key_fingerprint"]) == ("Testlijn", "0011223344556677")
    assert manifest["rejects"] == {"bad_time": 1}
    assert manifest["deliveries"][1] == {
        "delivery_id": "b2" * 8,
        "status": "accepted",
        "reading": "r1",
        "lines": 11,
        "events": 10,
        "rejects": 0,
        "blank_lines": 1,
        "expired": 0,
    }
    assert list(manifest["files"]) == [
        "internal/analytics.duckdb",
        "internal/coordinator.html",
        "internal/figures.csv",
        "internal/lineage.json",
        "internal/publications.csv",
        "public/codes.csv",
        "public/data_gaps.csv",
        "public/datapackage.json",
        "public/figure_definitions.csv",
        "public/figures.csv",
        "public/figures.xlsx",
        "public/readme.md",
        "public/report/index.html",
        "public/revisions.csv",
        "site/docs/index.html",
        "site/index.html",
        "site/quality/index.html",
    ]
    assert manifest["public"]["closed_through"] == "2023-01"
    assert manifest["public"]["contents"][0]["primary"] > 0
    assert "2022-03-01.ndjson" not in json.dumps(manifest)


@pytest.fixture
def private_by_default():
    """A process whose files are for its owner alone, as the nightly run is."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("private_by_default")
def test_anybody_can_read_what_is_for_everybody_and_nobody_the_rest(workspace):
    made = publish(workspace)
    open_to_all = {workspace.published, made.folder.parent, made.folder}
    for name in ("public", "site"):
        open_to_all |= {made.folder / name, *(made.folder / name).rglob("*")}
    paths = [workspace.published, made.folder.parent, made.folder, *made.folder.rglob("*")]

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}

    for path, mode in modes.items():
        expected = (0o755, 0o750) if path.is_dir() else (0o644, 0o640)
        assert mode == expected[path not in open_to_all], path
    closed = {path.relative_to(made.folder).as_posix() for path in modes.keys() - open_to_all}
    assert {"internal", "internal/analytics.duckdb", "manifest.json", "run.json"} <= closed


# --- the same inputs


def test_running_again_writes_nothing(workspace):
    first = publish(workspace)
    before = snapshot(workspace.published)

    second = release(workspace)

    assert (second.id, first.is_new, second.is_new) == (first.id, True, False)
    assert snapshot(workspace.published) == before


def test_the_same_inputs_give_the_same_text_and_the_same_tables(workspace, protected, tmp_path):
    other = copied(protected, tmp_path / "other")
    change(
        other,
        """
        create table shuffled as from figures.figures order by hash(figure || period || category);
        delete from figures.figures;
        insert into figures.figures from shuffled;
        drop table shuffled;
        create or replace table marts.conversations as
            from marts.conversations order by session_id desc;
        update raw.deliveries set loaded_at = timestamp '2023-01-01', file = 'elsewhere/' || file;
        """,
    )

    one, another = publish(workspace), publish(other)

    assert one.id == another.id
    assert texts(one) == texts(another)
    assert verify(another.folder) == []


@pytest.mark.parametrize(
    "sql",
    [
        "update raw.deliveries set status = 'withdrawn' where status = 'accepted'",
        "update raw.deliveries set reading = 'r2'",
        "delete from raw.deliveries where status = 'accepted'",
        "update raw.settings set attempt_gap_minutes = 31",
        "update raw.opening_hours set responders = 3",
        "insert into raw.data_gaps values ('button', '2022-07-01', '2022-07-02', 'moved')",
        "update raw.warehouse set key_fingerprint = 'another'",
        "insert into raw.year_keys values (2022, 'another')",
        "insert into raw.refusals values ('a', 'cut off', now()::timestamp, null, null)",
        "insert into raw.passed_over values ('a', 'a picture', now()::timestamp)",
    ],
)
def test_other_inputs_are_another_release(sql, workspace):
    with open_warehouse(workspace) as connection:
        before = identity.input_id(connection)
    change(workspace, sql)
    with open_warehouse(workspace) as connection:
        assert identity.input_id(connection) != before


def test_other_code_is_another_release_and_left_behind_files_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "CODE_FOLDERS", ("dbt_project",))
    model = tmp_path / "dbt_project" / "models" / "attempts.sql"
    compiled = tmp_path / "dbt_project" / "target" / "attempts.sql"
    for path in (model, compiled):
        path.parent.mkdir(parents=True)
        path.write_text("select 1")
    before = identity.code_hash(tmp_path)

    compiled.write_text("select 2")
    assert identity.code_hash(tmp_path) == before
    model.write_text("select 2")
    assert identity.code_hash(tmp_path) != before


# --- how exact it is

RECOGNISABLE = """
create table marts.recognisable as
    select
        'f4b4d6b2-8f3c-5d84-9b8a-0d5f2c1e7a90'::uuid as session_id, '12-14' as age_band,
        13::smallint as age, 49.4999 as wait_seconds, 12.3456::double as conversation_minutes,
        date '2022-03-01' as answered_on,
        timestamp '2022-03-01 18:59:59.999999' as first_answered_at;
comment on column marts.recognisable.first_answered_at is 'First answer, in UTC.';
"""


@pytest.mark.parametrize("exact_times", [False, True])
@pytest.mark.parametrize("exact_ages", [False, True])
def test_analysts_get_what_the_settings_say_they_need(workspace, exact_times, exact_ages):
    change(
        workspace,
        RECOGNISABLE
        + f"update raw.settings set exact_times = {exact_times}, exact_ages = {exact_ages}",
    )
    database = publish(workspace).folder / "internal" / "analytics.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        [row] = connection.execute("select * exclude (session_id) from marts.recognisable")\
            .df().to_dict("records")  # fmt: skip
        [(comment,)] = connection.execute(
            "select comment from duckdb_columns()"
            " where (table_name, column_name) = ('recognisable', 'first_answered_at')"
        ).fetchall()
    at = "2022-03-01 18:59:59.999999" if exact_times else "2022-03-01 18:59:00"
    assert str(row.pop("first_answered_at")) == at
    assert str(row.pop("answered_on"))[:10] == "2022-03-01"
    durations = (49.4999, 12.3456) if exact_times else (49, 12.3)
    assert (float(row.pop("wait_seconds")), row.pop("conversation_minutes")) == durations
    assert row == {"age_band": "12-14"} | ({"age": 13} if exact_ages else {})
    assert comment == "First answer, in UTC." + " To the minute." * (not exact_times)


# --- damage


def _flip_a_bit(folder: Path) -> None:
    path = folder / "internal" / "figures.csv"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = path.with_name("damaged")
    damaged.write_bytes(content)
    os.replace(damaged, path)


def _change_a_table(folder: Path) -> None:
    with duckdb.connect(folder / "internal" / "analytics.duckdb") as connection:
        connection.execute("update marts.attempts set outcome = 'answered' where month = '2022-03'")


def _truncate_the_database(folder: Path) -> None:
    os.truncate(folder / "internal" / "analytics.duckdb", 5000)


def _link_to_a_copy(folder: Path) -> None:
    path = folder / "public" / "figures.csv"
    copy = folder.parent.parent / "a copy.csv"
    path.rename(copy)
    path.symlink_to(copy)


def _put_a_pipe(folder: Path) -> None:
    (folder / "internal" / "figures.csv").unlink()
    os.mkfifo(folder / "internal" / "figures.csv")


DAMAGES = {
    "public/figures.csv is a link": _link_to_a_copy,
    "internal/figures.csv is neither file nor folder": _put_a_pipe,
    "internal/figures.csv has changed": _flip_a_bit,
    "the table marts.attempts of internal/analytics.duckdb has changed": _change_a_table,
    "internal/analytics.duckdb cannot be read": _truncate_the_database,
    "public/figures.csv has changed": lambda at: (at / "public" / "figures.csv").write_text("mine"),
    "internal/figures.csv is missing": lambda at: (at / "internal" / "figures.csv").unlink(),
    "manifest.json is missing": lambda at: (at / "manifest.json").unlink(),
    "manifest.json cannot be read": lambda at: (at / "manifest.json").write_text("{"),
    "notes.txt does not belong to it": lambda at: (at / "notes.txt").write_text("mine"),
}


def test_a_folder_that_is_a_link_or_closed_is_seen(workspace, tmp_path):
    made = publish(workspace).folder
    (made / "site").rename(tmp_path / "site")
    (made / "site").symlink_to(tmp_path / "site")
    assert "site is a link" in verify(made)
    (made / "site").unlink()
    (tmp_path / "site").rename(made / "site")
    assert verify(made) == []
    if os.geteuid() == 0:
        return  # to whom nothing is closed
    (made / "site").chmod(0)
    (made / "internal" / "figures.csv").chmod(0)
    told = "; ".join(verify(made))
    (made / "site").chmod(0o755)
    assert "the folder site cannot be read" in told
    assert "internal/figures.csv cannot be read" in told


@pytest.mark.parametrize("wrong", DAMAGES)
def test_a_damaged_release_is_said_to_be_and_built_anew(wrong, workspace, caplog):
    first = publish(workspace)
    before = texts(first)
    DAMAGES[wrong](first.folder)

    assert verify(first.folder) == [wrong]
    second = release(workspace)

    assert (second.id, second.is_new) == (first.id, True)
    assert texts(second) == before
    assert is_latest_whole(workspace)
    assert wrong in caplog.text


# --- the gates


def _no_figures_gate(workspace: Workspace) -> None:
    (workspace.gates / "figures.json").unlink()


def _unreadable_gate(workspace: Workspace) -> None:
    (workspace.gates / "figures.json").write_text("{}")


def _no_deliveries_gate(workspace: Workspace) -> None:
    (workspace.gates / "deliveries.json").unlink()


def _failed_gate(workspace: Workspace) -> None:
    pass_gates(workspace, figures_pass=False)


def _later_delivery(workspace: Workspace) -> None:
    change(workspace, "update raw.deliveries set status = 'withdrawn'")


def _other_figures(workspace: Workspace) -> None:
    change(workspace, "update figures.figures set value = value + 1 where figure = 'callers'")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_no_figures_gate, "the gate `figures` has not been run"),
        (_unreadable_gate, "the gate `figures` has not been run"),
        (_no_deliveries_gate, "the gate `deliveries` has not been run"),
        (_failed_gate, "the gate `figures` failed"),
        (_later_delivery, "judged other deliveries"),
        (_other_figures, "the figures have changed since"),
    ],
)
def test_what_no_gate_has_passed_leaves_the_latest_release_as_it_was(spoil, reason, workspace):
    publish(workspace)
    change(workspace, "update raw.settings set attempt_gap_minutes = 31")
    pass_gates(workspace)
    before = snapshot(workspace.published)
    spoil(workspace)

    with pytest.raises(Problem, match=re.escape(reason)):
        release(workspace)

    assert snapshot(workspace.published) == before


def test_the_real_gates_let_a_clean_warehouse_through_and_nothing_else(workspace):
    from expectations import deliveries, figures
    from expectations.outcome import GateFailed

    deliveries.judge(workspace)
    figures.judge(workspace)
    assert release(workspace).is_new
    before = snapshot(workspace.published)

    change(workspace, "update figures.figures set value = value + 1 where figure = 'callers'")
    with pytest.raises(GateFailed):
        figures.judge(workspace)
    with pytest.raises(Problem, match="the gate `figures` failed"):
        release(workspace)
    assert snapshot(workspace.published) == before


# --- what can go wrong on the way

KILLED = """
import os, signal, sys
from pathlib import Path
from ingest.workspace import Workspace
from publish import identity, place, release

def die(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

identity.CODE_FOLDERS = ()
{at} = die
data = Path(sys.argv[1])
release.release(Workspace(data=data, logs="", helpline=data))
"""


def run_python(script: str, workspace: Workspace) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", script, str(workspace.data)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "at", ["release.write", "release.put_in_place", "place.Path.rename", "os.replace"]
)
def test_a_run_that_is_killed_leaves_a_whole_release_and_the_next_one_is_right(at, workspace):
    old = publish(workspace)
    change(workspace, "update raw.settings set attempt_gap_minutes = 31")
    pass_gates(workspace)

    killed = run_python(KILLED.format(at=at), workspace)
    assert killed.returncode == -9, killed.stderr
    assert (workspace.published / "latest").resolve() == old.folder
    assert verify(workspace.published / "latest") == []

    new = release(workspace)
    assert (workspace.published / "latest").resolve() == new.folder != old.folder
    assert is_latest_whole(workspace)


def test_what_another_process_is_building_is_left_alone(workspace):
    releases = workspace.published / "releases"
    alive = releases / f".building-0123456789abcdef-{os.getppid()}"
    dead = releases / ".building-0123456789abcdef-999999999"
    for folder in (alive, dead):
        folder.mkdir(parents=True)

    publish(workspace)

    assert (alive.exists(), dead.exists()) == (True, False)


def test_a_reader_always_finds_a_whole_release(workspace):
    made = [publish(workspace)]
    latest, seen, wrong, done = workspace.published / "latest", set(), [], threading.Event()

    def read() -> None:
        while not done.wait(0.002):
            try:
                seen.add(json.loads((latest / "manifest.json").read_text())["release"])
                if len((latest / "internal" / "figures.csv").read_bytes()) < 100_000:
                    wrong.append("figures.csv is not whole")
            except (OSError, ValueError) as error:
                wrong.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for gap in (31, 32):
        change(workspace, f"update raw.settings set attempt_gap_minutes = {gap}")
        made.append(publish(workspace))
    for _ in range(2):
        _flip_a_bit(made[-1].folder)
        assert release(workspace).is_new
    done.set()
    reader.join()

    assert wrong == []
    assert {folder.id for folder in made} == seen


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond a size in bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [10_000, 300_000, 1_000_000])
def test_no_room_to_write_is_said_and_leaves_the_latest_release_as_it_was(room, workspace):
    publish(workspace)
    change(workspace, "update raw.settings set attempt_gap_minutes = 31")
    pass_gates(workspace)
    latest = snapshot(workspace.published)

    with room_for(room), pytest.raises(Problem, match="The release could not be written"):
        release(workspace)

    after = snapshot(workspace.published)
    assert {path: seen[2] for path, seen in after.items()} == {
        path: seen[2] for path, seen in latest.items()
    }


def test_a_full_disk_noticed_last_is_said_too(workspace, monkeypatch):
    pass_gates(workspace)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(Problem, match="No space left on device"):
        release(workspace)

    assert [path.name for path in workspace.published.rglob("*")] == ["releases"]


# --- the command


def test_commands_say_what_they_did(workspace, capsys):
    data = ["--data", str(workspace.data)]
    assert main(["release", *data]) == 1
    assert "has not been run" in capsys.readouterr().err
    pass_gates(workspace)

    assert main(["release", *data]) == 0
    made = Path(capsys.readouterr().out.strip())
    assert main(["verify", *data]) == 0
    assert capsys.readouterr().out == f"{made} is whole.\n"
    _flip_a_bit(made)
    assert main(["verify", *data]) == 1
    assert "internal/figures.csv has changed" in capsys.readouterr().err


def test_a_release_that_is_not_there_is_said_to_be_missing_and_not_damaged(tmp_path, capsys):
    assert main(["verify", "--data", str(tmp_path)]) == 1
    assert "There is no release in" in capsys.readouterr().err
