"""What can be told before Airflow starts is told at once, by the command of `make run`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dags import preconditions, stack
from ingest import lock
from ingest.belonging import claim
from ingest.helpline import load_helpline
from ingest.key import Key, read_key
from ingest.problem import Problem
from ingest.pull import pull
from ingest.warehouse import open_warehouse, run
from ingest.workspace import Workspace
from tests import events
from tests.conftest import KEY

ROOT = Path(__file__).parent.parent
HELPLINE = ROOT / "helplines/nupraatikerover"
SECONDS = 20  # Airflow alone takes as long to make its database


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    events.deliver(folder, "a.ndjson", [events.click("anna", "2022-03-01 18:42")])
    return folder


def said(data: Path, logs: Path | str, *options: str, command: str = "run", **variables) -> str:
    """What `python -m dags` says when it refuses to start, at once."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATCIJFERS")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "dags", command, "--data", data, "--logs", logs, *options],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < SECONDS
    assert "Airflow  " not in done.stdout
    return done.stderr


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("command", ["run", "up"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_of_logs_that_is_not_there_or_empty(tmp_path, command, is_there):
    if is_there:
        (tmp_path / "none").mkdir()
    told = said(tmp_path / "data", tmp_path / "none", command=command)
    assert ("There are no logs in" if is_there else "There is no folder of logs") in told
    assert str(tmp_path / "none") in told
    assert not (tmp_path / "data").exists()


def test_mistakes_in_the_settings(tmp_path, logs):
    helpline = tmp_path / "helpline"
    shutil.copytree(HELPLINE, helpline)
    settings = (helpline / "helpline.toml").read_text()
    (helpline / "helpline.toml").write_text(settings.replace("Europe/Brussels", "Europe/Brusels"))
    told = said(tmp_path / "data", logs, "--helpline", str(helpline))
    assert "helpline.toml" in told
    assert "timezone" in told
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("100%", "`%`"),
        ("for $HOME", "`$`"),
        ("what?", "`?`"),
        ("no #1", "`#`"),
        ("two\nlines", "two\\nlines"),
        ("a\x1b[31m", "a\\x1b[31m"),
        (os.fsdecode(b"\xff"), "\\udcff"),
    ],
)
def test_a_path_that_airflow_takes_for_something_else(tmp_path, logs, name, shown):
    told = said(tmp_path / name / "data", logs)
    assert shown in told
    assert "Name another one" in told
    assert "\x1b" not in told
    assert everything(tmp_path) == ["logs", "logs/a.ndjson"]


@pytest.mark.parametrize("name", ["it's", "één map", "a&b;c", "[x]"])
def test_other_paths_are_no_trouble(tmp_path, name):
    (tmp_path / name).mkdir()
    told = said(tmp_path / name / "data", tmp_path / name / "none")
    assert "There is no folder of logs" in told


@pytest.mark.parametrize("place", ["data", "data/below"])
def test_a_state_folder_that_is_a_file(tmp_path, logs, place):
    (tmp_path / "data").write_text("a file")
    told = said(tmp_path / place, logs)
    assert f"{tmp_path / 'data'} is no folder" in told
    assert (tmp_path / "data").read_text() == "a file"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_state_folder_that_cannot_be_written(tmp_path, logs, is_there):
    disk = tmp_path / "disk"
    disk.mkdir()
    if is_there:
        (disk / "data").mkdir(mode=0o700)
    apart = ["unshare", "--mount", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    mounted = f"mount --bind {disk} {disk} && mount -o remount,ro,bind {disk} {disk} && "
    command = f"{sys.executable} -m dags run --data {disk}/data --logs {logs}"
    done = subprocess.run(
        [*apart, "sh", "-c", mounted + command], cwd=ROOT, capture_output=True, text=True
    )
    if "mount" in done.stderr.partition("\n")[0]:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.returncode == 1
    assert "mounted read-only" in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(disk) == ["data"] * is_there


@pytest.fixture
def filled(tmp_path: Path, logs: Path, monkeypatch) -> Workspace:
    """A state folder that a pull has filled, and nothing else."""
    monkeypatch.setenv("CHATCIJFERS_KEY", KEY)
    workspace = Workspace(tmp_path / "data", str(logs), HELPLINE)
    pull(workspace)
    return workspace


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "was filled with a key that is no longer at"),
        ({"CHATCIJFERS_KEY": "another key, and as long as one has to be"}, "The key is another"),
        ({"CHATCIJFERS_KEY": "short"}, "it needs at least 32"),
    ],
)
def test_no_key_another_one_or_one_that_is_no_good(filled, variables, told):
    before = everything(filled.data)
    assert told in said(filled.data, filled.logs, **variables)
    assert everything(filled.data) == before


def test_logs_of_another_kind(filled):
    before = everything(filled.data)
    told = said(filled.data, "", CHATCIJFERS_KEY=KEY)
    assert "was filled with a helpline's own logs, among which simulated ones" in told
    assert everything(filled.data) == before


def helpline_called(name: str, folder: Path, formerly: str = "") -> Path:
    shutil.copytree(HELPLINE, folder)
    lines = (folder / "helpline.toml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("name")]
    named = [f'name = "{name}"', *([f'formerly = ["{formerly}"]'] if formerly else [])]
    (folder / "helpline.toml").write_text("\n".join([*named, *kept]) + "\n")
    return folder


def test_the_folder_of_another_helpline(filled, tmp_path):
    another = helpline_called("Een andere lijn", tmp_path / "another")
    before = everything(filled.data)
    name = load_helpline(HELPLINE).name
    for command in ("run", "up"):
        told = said(
            filled.data, filled.logs, "--helpline", str(another), command=command,
            CHATCIJFERS_KEY=KEY,
        )  # fmt: skip
        assert f"belongs to the helpline '{name}'" in told
        assert "is 'Een andere lijn'" in told
        assert f'formerly = ["{name}"]' in told
    assert everything(filled.data) == before


def test_a_stack_on_the_volumes_of_another_helpline_does_not_come_up(filled, tmp_path):
    another = helpline_called("Een andere lijn", tmp_path / "another")
    before = everything(filled.data)
    with pytest.raises(Problem, match="belongs to the helpline"):
        stack.serve("init", Workspace(filled.data, filled.logs, another), [])
    assert everything(filled.data) == before


def test_nothing_of_another_helpline_is_read_by_a_pull_alone(filled, tmp_path):
    another = helpline_called("Een andere lijn", tmp_path / "another")
    events.deliver(Path(filled.logs), "b.ndjson", [events.click("bert", "2022-03-02 18:42")])
    with pytest.raises(Problem, match="belongs to the helpline"):
        pull(Workspace(filled.data, filled.logs, another))
    with open_warehouse(filled.warehouse, read_only=True) as connection:
        assert run(connection, "select count(*) from warehouse.raw.deliveries") == [(1,)]


def test_a_helpline_that_was_renamed_goes_on(filled, tmp_path):
    renamed = helpline_called("Nieuwe naam", tmp_path / "new", load_helpline(HELPLINE).name)
    pull(Workspace(filled.data, filled.logs, renamed))
    with open_warehouse(filled.warehouse, read_only=True) as connection:
        assert run(connection, "select name from warehouse.raw.settings") == [("Nieuwe naam",)]


def test_who_was_first_decides_and_an_empty_warehouse_is_anybodys(tmp_path):
    workspace = Workspace(tmp_path / "data", "logs", HELPLINE)
    with (
        lock.hold(workspace.data),
        open_warehouse(workspace.warehouse, key=Key(KEY), make=True) as connection,
    ):
        claim(connection, workspace, load_helpline(HELPLINE))
        assert run(connection, "select is_simulated from warehouse.raw.warehouse") == [(False,)]


# --- a warehouse that is gone while its releases are there


@pytest.fixture
def bereft(tmp_path: Path, logs: Path, key: str) -> Workspace:
    """A state folder whose warehouse is gone: a release of it is there."""
    workspace = Workspace(tmp_path / "data", str(logs), HELPLINE)
    workspace.data.mkdir(mode=0o700)
    (workspace.published / "releases" / "0123").mkdir(parents=True)
    return workspace


def test_no_new_warehouse_is_made_beside_releases_of_one_that_is_gone(bereft, logs):
    told = said(bereft.data, logs, CHATCIJFERS_KEY=KEY)
    assert "is gone" in told
    assert f"make restore DATA={bereft.data}." in told
    assert "make run ANEW=WHY" in told
    with pytest.raises(Problem, match=r"is gone.*make restore.*pull --anew WHY"):
        pull(bereft)
    assert not bereft.warehouse.exists()


@pytest.mark.parametrize("is_of_this_key", [True, False])
def test_no_new_warehouse_is_made_beside_backups_of_one_that_is_gone(
    tmp_path, logs, key, is_of_this_key
):
    """Also where the releases are gone with it; backups of another state folder say nothing."""
    workspace = Workspace(tmp_path / "data", str(logs), HELPLINE)
    (workspace.backups / "manifests").mkdir(parents=True)
    for folder in (workspace.data, workspace.backups, workspace.backups / "manifests"):
        folder.chmod(0o700)
    fingerprint = read_key(workspace).fingerprint if is_of_this_key else "0" * 16
    (workspace.backups / "manifests" / "000001-x.json").write_text(
        json.dumps({"key_fingerprint": fingerprint})
    )
    (workspace.backups / "manifests" / "000002-x.json").write_text("{")
    for path in (workspace.backups / "manifests").iterdir():
        path.chmod(0o600)
    if is_of_this_key:
        with pytest.raises(Problem, match=r"holds backups of it.*make restore"):
            pull(workspace)
    else:
        pull(workspace)
    assert workspace.warehouse.exists() == (not is_of_this_key)


def test_with_a_reason_it_is_begun_anew_once_and_the_reason_is_kept(bereft):
    helpline = load_helpline(HELPLINE)
    with pytest.raises(Problem, match="Say why"):
        preconditions.require_warehouse(bereft, helpline, " ")
    preconditions.require_warehouse(bereft, helpline, "the disk broke")
    with pytest.raises(Problem, match="nothing is begun anew"):
        preconditions.require_warehouse(bereft, helpline, "and again")
    pull(bereft)
    with open_warehouse(bereft.warehouse, read_only=True) as connection:
        kept = run(connection, "select kind, reason from warehouse.raw.public_decisions")
    assert kept == [("begun_anew", "the disk broke")]


def test_the_first_warehouse_needs_no_reason(tmp_path, logs, key):
    workspace = Workspace(tmp_path / "data", str(logs), HELPLINE)
    workspace.data.mkdir(mode=0o700)
    (workspace.published / "releases" / ".building-x-1").mkdir(parents=True)
    pull(workspace)
    assert workspace.warehouse.exists()
