"""Backups, restoring them on another machine, and the aging of both releases and backups.

Nights run in process on golden logs; what is killed, or runs "on another machine", is a process of
its own with an environment of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

import ingest
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations import aging, overdue, restoring
from operations.backup import backup
from operations.store import Store
from publish.contents import describe, tables_of
from publish.notes import PLACED, database_removed_at, note, placed_at, read_run
from publish.release import release
from publish.verify import DATABASE, is_without_database, verify
from tests.conftest import KEY
from tests.models import Models
from tests.nights import run_night, workspace_of

ROOT = Path(__file__).parent.parent
OTHER_KEY = "quite another key, long enough to be one"


@dataclass(frozen=True)
class Machine:
    """A machine after a night, with a backup of it."""

    workspace: Workspace
    more_logs: Path
    release: str


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, models: Models):
    """A night on the first of two logs, and a backup."""
    folder = tmp_path_factory.mktemp("machine")
    workspace = workspace_of("sessions", folder, files=1)
    more = folder / "more"
    shutil.copytree(ROOT / "tests/golden/sessions/logs", more)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", KEY)
        made = run_night(workspace, models)
        backup(workspace)
        yield Machine(workspace, more, made.id)


@pytest.fixture
def copied(machine: Machine, tmp_path: Path, monkeypatch) -> Workspace:
    """An empty state folder elsewhere, and a copy of the backups that is its own."""
    shutil.copytree(machine.workspace.backups, tmp_path / "backups")
    monkeypatch.setenv("CHATCIJFERS_BACKUPS", str(tmp_path / "backups"))
    return Workspace(tmp_path / "data", machine.workspace.logs, machine.workspace.helpline)


@pytest.fixture
def state(machine: Machine, tmp_path: Path) -> Workspace:
    """A copy of the machine's whole state folder, for a test to spoil."""
    shutil.copytree(machine.workspace.data, tmp_path / "data", symlinks=True)
    return Workspace(tmp_path / "data", machine.workspace.logs, machine.workspace.helpline)


def operations(*arguments: str, home: Path, key: str = KEY, **variables: str):
    """Run a command of the room in a clean environment."""
    return subprocess.run(
        [sys.executable, "-m", "operations", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "CHATCIJFERS_KEY": key} | variables,
        capture_output=True,
        text=True,
    )


def listing(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its hash."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def tables(workspace: Workspace) -> dict:
    """Every table of the latest release, by count and content."""
    with duckdb.connect() as connection:
        database = workspace.published / "latest" / DATABASE
        connection.execute(f"attach '{database}' as release (read_only)")
        return describe(connection, tables_of(connection, "release"))


def test_a_backup_goes_on_elsewhere(machine: Machine, tmp_path: Path, models: Models, monkeypatch):
    backups = tmp_path / "carried" / "backups"
    shutil.copytree(machine.workspace.backups, backups)
    here = Workspace(tmp_path / "elsewhere" / "data", "", machine.workspace.helpline)
    done = operations("restore", "--data", here.data, "--backups", backups, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Restored 000001" in done.stdout

    released = here.published / "releases" / machine.release
    assert (here.published / "latest").resolve() == released
    assert verify(released) == []
    asked = [sys.executable, "-m", "publish", "verify", "--data", here.data]
    assert subprocess.run(asked, cwd=ROOT).returncode == 0

    before = listing(here.published)
    assert before == listing(machine.workspace.published)
    same_logs = Workspace(here.data, machine.workspace.logs, here.helpline)
    again = run_night(same_logs, models)
    assert (again.id, again.is_new) == (machine.release, False)
    assert listing(here.published) == before

    more = str(machine.more_logs)
    monkeypatch.delenv("CHATCIJFERS_BACKUPS", raising=False)
    there = tmp_path / "original"  # the machine that the backup is of, without troubling others
    shutil.copytree(machine.workspace.data, there, symlinks=True)
    original = Workspace(there, more, machine.workspace.helpline)
    restored = Workspace(here.data, more, here.helpline)
    ids = {run_night(one, models).id for one in (original, restored)}
    assert len(ids) == 1
    assert machine.release not in ids
    assert tables(restored) == tables(original)
    assert listing(restored.published / "latest" / "public") == listing(
        original.published / "latest" / "public"
    )


def test_a_backup_holds_no_key_and_is_for_its_owner_only(machine: Machine):
    for path in machine.workspace.backups.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        assert not path.is_file() or KEY.encode() not in path.read_bytes()


def test_what_is_there_already_is_not_copied_again(copied: Workspace, machine: Machine):
    state = machine.workspace
    before = set(Store(state.backups).objects.glob("*/*"))
    second = backup(Workspace(state.data, state.logs, state.helpline))
    added = set(Store(copied.backups).objects.glob("*/*")) - before
    assert second.name.startswith("000002-")
    assert {path.name for path in added} - {path.name for path in before} <= {
        second.files["warehouse.duckdb"].sha256
    }


def test_a_backup_is_numbered_on_when_the_clock_was_set_back(copied: Workspace, state: Workspace):
    names = [backup(state, datetime(year, 1, 1, tzinfo=UTC)).name for year in (2031, 2029)]
    store = Store(state.backups)
    assert store.names()[-2:] == names
    assert store.manifest("latest").name == names[-1]


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_file_is_named_and_nothing_is_restored(copied: Workspace, tmp_path: Path):
    store = Store(copied.backups)
    entry = store.manifest("latest").files["warehouse.duckdb"]
    spoil(store.objects / entry.sha256[:2] / entry.sha256)
    for command in ("verify", "restore"):
        done = operations(command, "--data", copied.data, "--backups", copied.backups,
                          home=tmp_path)  # fmt: skip
        assert done.returncode == 1
        assert entry.sha256 in done.stderr
        assert "warehouse.duckdb" in done.stderr
        assert "Traceback" not in done.stderr
    assert not copied.warehouse.exists()
    assert not (copied.published / "latest").exists()
    assert not (copied.data / restoring.STAGE).exists()


def test_a_damaged_manifest_is_named(copied: Workspace):
    (path,) = (copied.backups / "manifests").iterdir()
    path.write_text(path.read_text().replace('"latest": "', '"latest": "0'))
    with pytest.raises(Problem, match=path.name):
        restoring.restore(copied)


def test_a_damaged_manifest_keeps_what_should_go_and_that_is_noted(copied: Workspace):
    (path,) = (copied.backups / "manifests").iterdir()
    whole = path.read_bytes()
    unheld = copied.backups / "objects" / "00" / ("0" * 64)
    unheld.parent.mkdir(exist_ok=True)
    unheld.touch()
    path.write_text("{")
    aging.age(copied)
    assert unheld.exists()
    [kept] = overdue.read(copied)
    assert kept.what == overdue.BACKUPS
    assert path.name in kept.reason
    path.write_bytes(whole)
    aging.age(copied)
    assert not unheld.exists()
    assert overdue.read(copied) == []


def test_another_key_and_no_key_are_refused(copied: Workspace, tmp_path: Path, monkeypatch):
    done = operations("restore", "--data", copied.data, "--backups", copied.backups,
                      home=tmp_path, key=OTHER_KEY)  # fmt: skip
    assert done.returncode == 1
    assert "another one than that of the backup" in done.stderr
    assert OTHER_KEY not in done.stderr
    monkeypatch.delenv("CHATCIJFERS_KEY")
    with pytest.raises(Problem, match="A backup holds no key"):
        restoring.restore(copied)
    assert not copied.warehouse.exists()


def test_what_was_there_is_kept_aside(copied: Workspace, state: Workspace):
    (state.published / "releases" / "later").mkdir()
    (state.published / "releases" / "later" / "run.json").write_text("{}")
    old = state.warehouse.read_bytes()
    with state.warehouse.open("ab") as file:
        file.write(b"other")
    state.warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"of the other")
    _, aside = restoring.restore(state)
    assert state.warehouse.read_bytes() == old
    assert not (state.data / "warehouse.duckdb.wal").exists()
    assert (aside[0] / "warehouse.duckdb").read_bytes() == old + b"other"
    assert (aside[0] / "warehouse.duckdb.wal").read_bytes() == b"of the other"
    assert (aside[1] / "releases" / "later" / "run.json").exists()
    assert [path.stat().st_mode & 0o777 for path in aside] == [0o700, 0o700]
    assert verify(state.published / "latest") == []


def test_two_restores_in_one_second_keep_both_aside(copied: Workspace, state: Workspace):
    now = datetime(2026, 11, 23, 2, 1, 38, tzinfo=UTC)
    both = []
    for number in (1, 2):
        (state.published / "releases" / f"later-{number}").mkdir()
        both.append(restoring.restore(state, now=now)[1][1])
    assert [path.name for path in both] == [
        "replaced-2026-11-23T020138Z",
        "replaced-2026-11-23T020138Z-2",
    ]
    assert [sorted(path.name for path in aside.glob("releases/later*")) for aside in both] == [
        ["later-1"],
        ["later-2"],
    ]


KILLED = """
import os, signal, sys
from operations import restoring, backup, store
from ingest.workspace import Workspace
from pathlib import Path
import publish.place
module, name, after, data = sys.argv[1:]
target = {"restoring": restoring, "store": store, "Store": store.Store}[module]
real, calls = getattr(target, name), [0]
def deadly(*arguments, **named):
    calls[0] += 1
    if calls[0] > int(after):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(target, name, deadly)
workspace = Workspace.from_environment(data=data)
if module == "restoring":
    restoring.restore(workspace)
else:
    backup.backup(workspace)
"""


def killed(module: str, name: str, after: int, workspace: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, module, name, str(after), workspace.data], cwd=ROOT
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("name", "after"),
    [("write_json", 0), ("_put_in_place", 0), ("exchange", 0), ("exchange", 1), ("point", 0),
     ("_move_aside", 0)],
)  # fmt: skip
def test_a_restore_that_is_killed_happens_not_at_all_or_with_the_next_run(
    copied: Workspace, state: Workspace, name: str, after: int
):
    (state.published / "releases" / "later").mkdir()
    killed("restoring", name, after, state)
    is_begun = name != "write_json"
    assert restoring.is_interrupted(state) == is_begun
    assert state.warehouse.exists()
    assert (state.published / "latest" / "manifest.json").exists()
    ingest.pull(state)  # nobody is left without a warehouse, and the lock is free
    with ingest.lock.hold(state.data):
        restoring.carry_through(state)
    assert (state.published / "releases" / "later").exists() != is_begun
    assert verify(state.published / "latest") == []
    restoring.restore(state)
    assert not (state.published / "releases" / "later").exists()
    assert not list(state.data.glob(restoring.STAGE)) + list(state.published.glob(restoring.STAGE))


@pytest.mark.parametrize(("module", "name", "after"), [("Store", "_put", 0), ("Store", "keep", 0),
                                                       ("Store", "sweep", 0)])  # fmt: skip
def test_a_backup_that_is_killed_is_put_right_by_the_next(
    copied: Workspace, state: Workspace, module: str, name: str, after: int
):
    store = Store(copied.backups)
    with duckdb.connect(str(state.warehouse)) as connection:
        connection.execute("create table other as select 1")  # something to copy
    killed(module, name, after, state)
    assert len(store.names()) == (2 if name == "sweep" else 1)
    restoring.verify(copied)
    made = backup(state)
    assert restoring.verify(copied).name == made.name
    manifests = store.manifests()
    held = {entry.sha256 for one in manifests for _, entry in store.contents(one)}
    held |= {digest for one in manifests for digest in one.releases.values()}
    assert {path.name for path in store.objects.rglob("*") if path.is_file()} == held


def test_a_full_disk_leaves_the_backups_as_they_were(copied: Workspace, state: Workspace):
    with duckdb.connect(str(state.warehouse)) as connection:
        connection.execute("create table other as select 1")
    before = listing(copied.backups)
    small = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000)); "
    small += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    small += "from operations.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", small, "backup", "--data", state.data]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "There is no room left to write the backup" in done.stderr
    assert listing(copied.backups) == before
    assert len(Store(copied.backups).names()) + 1 == int(backup(state).name.partition("-")[0])


def forge(workspace: Workspace, number: int, at: datetime) -> Path:
    """A release beside the real one, put in place at a time; it shares the real one's content."""
    real = (workspace.published / "latest").resolve()
    folder = real.with_name(f"{number:016x}")
    shutil.copytree(real, folder)
    note(folder, PLACED, at)
    return folder


def test_old_releases_lose_their_database_and_nothing_else(state: Workspace, monkeypatch, capsys):
    monkeypatch.setenv("CHATCIJFERS_KEEP_RELEASES", "2")
    real = (state.published / "latest").resolve()
    now = datetime(2030, 1, 1, tzinfo=UTC)
    forged = [forge(state, number, now + timedelta(days=number)) for number in range(3)]
    before = listing(state.published)

    assert aging.age(state, now).releases == 2
    assert is_without_database(forged[0])
    assert is_without_database(forged[1])
    assert (forged[2] / DATABASE).exists()
    assert (real / DATABASE).exists()  # the oldest of all, and the latest
    gone = {f"releases/{one.name}/{DATABASE}" for one in forged[:2]}
    after = listing(state.published)
    assert before.keys() - after.keys() == gone
    changed = {name for name, digest in after.items() if digest != before[name]}
    assert changed == {f"releases/{one.name}/run.json" for one in forged[:2]}
    assert verify(forged[0]) == []
    assert (database_removed_at(forged[0]), placed_at(forged[0])) == (now, now)
    assert aging.age(state, now).releases == 0
    assert listing(state.published) == after

    from publish.__main__ import main

    said = {}
    for command in (["verify"], ["explain", "new_callers", "2022"], ["sql", "select 1"], ["show"]):
        status = main([*command, "--release", str(forged[0])])
        streams = capsys.readouterr()
        said[command[0]] = (status, streams.out + streams.err)
    assert {name: status for name, (status, _) in said.items()} == {
        "verify": 0, "explain": 1, "sql": 1, "show": 0
    }  # fmt: skip
    for name, (_, words) in said.items():
        assert "was removed on 2030-01-01" in words, name


def test_an_aging_that_is_interrupted_is_no_damage(state: Workspace, monkeypatch):
    monkeypatch.setenv("CHATCIJFERS_KEEP_RELEASES", "1")
    now = datetime(2030, 1, 1, tzinfo=UTC)
    forged = forge(state, 1, now)
    monkeypatch.setattr(Path, "unlink", lambda *_args, **_named: (_ for _ in ()).throw(OSError()))
    with pytest.raises(Problem):
        aging.age(state, now)
    monkeypatch.undo()
    monkeypatch.setenv("CHATCIJFERS_KEEP_RELEASES", "1")
    assert verify(forged) == []
    assert not is_without_database(forged)
    assert aging.age(state, now + timedelta(days=1)).releases == 1
    assert database_removed_at(forged) == now


def test_an_old_release_that_comes_again_is_made_whole(state: Workspace, monkeypatch):
    monkeypatch.setenv("CHATCIJFERS_KEEP_RELEASES", "1")
    real = (state.published / "latest").resolve()
    other = forge(state, 1, datetime(2030, 1, 1, tzinfo=UTC))
    latest = state.published / "latest"
    latest.unlink()
    latest.symlink_to(f"releases/{other.name}")
    assert aging.age(state).releases == 1
    assert is_without_database(real)
    made = release(state)
    assert (made.folder, made.is_new) == (real, True)
    assert latest.resolve() == real
    assert verify(real) == []
    assert database_removed_at(real) is None

    latest.unlink()
    latest.symlink_to(f"releases/{other.name}")
    before = placed_at(real)
    note(real, "ended_at", before - timedelta(days=400))
    assert release(state).is_new is False
    assert placed_at(real) > before - timedelta(days=1)
    assert PLACED in read_run(real)


def test_old_backups_lose_their_warehouse_and_databases(
    copied: Workspace, state: Workspace, monkeypatch
):
    monkeypatch.setenv("CHATCIJFERS_KEEP_BACKUPS", "2")
    store = Store(copied.backups)
    for number in range(2):
        with duckdb.connect(str(state.warehouse)) as connection:
            connection.execute(f"create table other_{number} as select 1")
        backup(state)
    first = store.manifest("1")
    warehouse = first.files["warehouse.duckdb"].sha256
    assert aging.age(state).backups == 1
    assert not (store.objects / warehouse[:2] / warehouse).exists()
    assert store.manifest("1").is_aged
    for name in ("1", "2", "3"):
        restoring.verify(copied, name)
    with pytest.raises(Problem, match=r"holds no warehouse any more.* 000002-.*000003-"):
        restoring.restore(copied, "1")
    assert aging.age(state).backups == 0
    held = dict(store.contents(store.manifest("1")))
    assert not [name for name in held if name.endswith(".duckdb")]
    assert json.loads(store.path_of(first.name).read_text())["aged_at"]


def test_old_logs_of_airflow_go(tmp_path: Path):
    workspace = Workspace(tmp_path, "logs", tmp_path)
    logs = workspace.airflow_home / "logs"
    now = datetime.now(UTC)
    for name, days in (("dag_id=nightly/run_id=a/one.log", 100), ("scheduler.log", 0)):
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_text("said\n")
        when = (now - timedelta(days=days)).timestamp()
        os.utime(logs / name, (when, when))
    assert aging.age(workspace, now).logs == 1
    assert [path.name for path in logs.rglob("*.log")] == ["scheduler.log"]


def test_a_long_log_keeps_its_end(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(aging, "LONGEST_LOG", 1000)
    monkeypatch.setattr(aging, "KEPT_OF_A_LOG", 100)
    workspace = Workspace(tmp_path, "logs", tmp_path)
    log = workspace.airflow_home / "logs" / "scheduler.log"
    log.parent.mkdir(parents=True)
    with log.open("ab") as held:
        held.write(b"".join(b"line %d\n" % number for number in range(200)))
        held.flush()
        aging.age(workspace)
        held.write(b"after\n")
    assert log.read_text().startswith("line 1")
    assert log.read_text().endswith("line 199\nafter\n")
    assert log.stat().st_size < 200
