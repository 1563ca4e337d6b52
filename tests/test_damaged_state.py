"""Damaged state: every command says what is damaged and how it is mended, and that mends it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dags.__main__
import ingest.__main__
import operations.__main__
import publish.__main__
from ingest import Workspace, pull
from ingest.damage import find_damage
from ingest.key import read_key
from ingest.problem import InUse
from tests.conftest import KEY
from tests.events import click, covered, helpline, pack

ROOT = Path(__file__).parent.parent
EVENTS = [click(f"v{number}", f"2022-03-01 12:{number % 60:02}") for number in range(200)]
COMMANDS: dict[str, Callable[[Workspace], int]] = {
    "make run": lambda workspace: dags.__main__.main(["run", *places(workspace)]),
    "make up": lambda workspace: dags.__main__.main(["up", *places(workspace)]),
    "ingest pull": lambda workspace: ingest.__main__.main(["pull", *places(workspace)]),
    "ingest deliveries": lambda workspace: ingest.__main__.main(["deliveries", *data(workspace)]),
    "health": lambda workspace: operations.__main__.main(["health", *data(workspace)]),
    "backup": lambda workspace: operations.__main__.main(["backup", *data(workspace)]),
    "publish show": lambda workspace: publish.__main__.main(["show", *data(workspace)]),
    "publish verify": lambda workspace: publish.__main__.main(["verify", *data(workspace)]),
    "publish protect": lambda workspace: publish.__main__.main(["protect", *data(workspace)]),
    "publish release": lambda workspace: publish.__main__.main(["release", *data(workspace)]),
}
NIGHTS = ("make run", "make up", "ingest pull", "health")
OPENING = ("ingest deliveries", "backup", "publish protect", "publish release")
OF_WAREHOUSE = (*NIGHTS, *OPENING)
OF_LATEST = (*NIGHTS, "publish show", "publish verify")
OF_AIRFLOW = ("make run", "make up", "health")


def places(workspace: Workspace) -> list[str]:
    return [*data(workspace), "--logs", workspace.logs, "--helpline", str(workspace.helpline)]


def data(workspace: Workspace) -> list[str]:
    return ["--data", str(workspace.data)]


@pytest.fixture(autouse=True)
def process_as_it_was() -> Iterator[None]:
    """Commands that run in this process change its umask, and what ends it."""
    umask, ends = os.umask(0o022), signal.getsignal(signal.SIGTERM)
    yield
    os.umask(umask)
    signal.signal(signal.SIGTERM, ends)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a warehouse, a backup of it, and two releases to lead to."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "logs").mkdir()
    events = [*EVENTS, covered("button", "2022-01-01", "2022-04-01")]
    (folder / "logs" / "a.ndjson").write_bytes(pack(events))
    workspace = workspace_in(folder, make=True)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", KEY)
        pull(workspace)
        assert operations.__main__.main(["backup", *data(workspace)]) == 0
    for number in (1, 2):
        release = workspace.published / "releases" / (4 * str(number))
        release.mkdir(parents=True)
        made = {"ended_at": f"2022-04-0{number}T03:31:00+00:00"}
        (release / "run.json").write_text(json.dumps(made))
    workspace.published.chmod(0o755)
    (workspace.published / "latest").symlink_to("releases/2222")
    workspace.airflow_home.mkdir(mode=0o700)
    with sqlite3.connect(workspace.airflow_home / "airflow.db") as database:
        database.execute("create table dag_run (id integer, note text)")
        rows = [(number, "a run" * 50) for number in range(500)]
        database.executemany("insert into dag_run values (?, ?)", rows)
        database.execute("create index notes on dag_run (note)")
    database.close()
    return folder


def workspace_in(folder: Path, *, make: bool = False) -> Workspace:
    place = folder / "helpline"
    return Workspace(folder / "data", str(folder / "logs"), helpline(place) if make else place)


@pytest.fixture
def workspace(sound: Path, tmp_path: Path, key: str) -> Workspace:
    """A copy of the state folder, for one kind of damage."""
    folder = tmp_path / "it's here"
    shutil.copytree(sound, folder, symlinks=True)
    return workspace_in(folder)


def as_text(path: Path) -> None:
    path.write_text("This is no longer what it was.\n" * 500)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)
    (path / "a file").write_text("in the way")


def as_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("releases/gone")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_short(path: Path) -> None:
    os.truncate(path, 100)


def flipped(path: Path) -> None:
    """Flip the bits of every block but the first two headers' marks: one may not be in use."""
    content = bytearray(path.read_bytes())
    for start in range(12_288 if path.suffix == ".duckdb" else 4_096, len(content), 4_096):
        for place in range(start, min(start + 64, len(content))):
            content[place] ^= 0xFF
    path.write_bytes(content)


def header_flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(4_096, 12_288, 64):
        content[place] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "warehouse.duckdb": (as_text, as_folder, as_loop, as_pipe, cut, cut_short, flipped,
                         header_flipped),
    "published/latest": (as_folder, as_loop, nowhere),
    "airflow/airflow.db": (as_text, as_folder, as_loop, cut, flipped),
    "lock": (as_folder, as_loop, as_pipe),
}  # fmt: skip
CONCERNED = {
    "warehouse.duckdb": OF_WAREHOUSE,
    "published/latest": OF_LATEST,
    "airflow/airflow.db": OF_AIRFLOW,
    "lock": (*NIGHTS, "publish protect", "backup"),
}
VARIANTS = [
    pytest.param(place, damage, id=f"{place}-{damage.__name__}")
    for place, damages in DAMAGES.items()
    for damage in damages
]


@pytest.mark.parametrize(("place", "damage"), VARIANTS)
def test_every_command_names_what_is_damaged_and_what_mends_it(workspace, place, damage, capsys):
    path = workspace.data / place
    path.touch()
    damage(path)
    if place == "warehouse.duckdb":
        shutil.rmtree(workspace.published)  # its releases hold no history, which would come first
    commands = set()
    for name in CONCERNED[place]:
        if (name, damage) == ("publish protect", cut):
            continue  # of what is cut off here, it reads nothing
        assert COMMANDS[name](workspace) == 1, name
        captured = capsys.readouterr()
        told = captured.out + captured.err
        assert f"{path}" in told, name
        assert "is damaged: " in told, name
        assert 'docs/operations.md has it under "Damaged state"' in told, name
        assert "Traceback" not in told
        commands |= {found for found in re.findall("`([^`]+)`", told) if str(workspace.data) in
                     found.replace("'\"'\"'", "'")}  # fmt: skip
    assert len(commands) == 1, commands
    [command] = commands
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert find_damage(workspace) == []
    if place != "airflow/airflow.db":
        assert COMMANDS["ingest deliveries"](workspace) == 0
    if place == "published/latest":
        assert path.resolve().name == "2222"


def test_state_that_is_sound_is_not_called_damaged(workspace):
    assert find_damage(workspace) == []
    (workspace.data / "lock").write_bytes(b"\xff\xfe not what a run writes")
    assert find_damage(workspace) == []
    assert pull(workspace).known == 1


def test_a_lock_that_says_nonsense_is_a_lock(workspace):
    (workspace.data / "lock").write_bytes(b"\xff\xfe\x00")
    with (workspace.data / "lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InUse, match="Another run is using"):
            pull(workspace)


def as_key_folder(path: Path) -> None:
    path.mkdir(mode=0o700)


KEYS = {
    "a pipe": (lambda path: os.mkfifo(path, 0o600), "is a folder, pipe or device"),
    "a folder": (as_key_folder, "is a folder, pipe or device"),
    "a loop": (lambda path: path.symlink_to(path.name), "cannot be read"),
    "one letter": (lambda path: path.write_text("a" * 64), "can be guessed"),
    "a word again and again": (lambda path: path.write_text("password" * 8), "can be guessed"),
    "what counts on": (lambda path: path.write_text("".join(map(chr, range(48, 123)))), "guessed"),
    "nearly one letter": (lambda path: path.write_text("a" * 40 + "b"), "can be guessed"),
    "bytes": (lambda path: path.write_bytes(os.urandom(5) + b"\xff" * 60), "not UTF-8"),
    "nothing": (lambda path: path.write_text(""), "has 0 characters"),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("command", ["make run", "ingest pull"])
def test_a_key_that_is_no_good_is_refused_at_once(workspace, monkeypatch, kind, command, capsys):
    monkeypatch.delenv("CHATCIJFERS_KEY")
    make, says = KEYS[kind]
    os.umask(0o077)
    make(workspace.key_file)
    assert COMMANDS[command](workspace) == 1
    told = capsys.readouterr().err
    assert str(workspace.key_file) in told
    assert says in told


def test_a_key_that_is_made_is_good(tmp_path, monkeypatch):
    monkeypatch.delenv("CHATCIJFERS_KEY", raising=False)
    workspace = Workspace(tmp_path / "data", "", tmp_path)
    assert ingest.__main__.main(["key", *data(workspace)]) == 0
    assert read_key(workspace).fingerprint
