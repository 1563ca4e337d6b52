"""The frame: the environment and its lock, the Makefile, and the rules that lint holds us to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)((?: ;.*)?) \\$", LOCK, re.MULTILINE)


def lint(code: str, file: str) -> str:
    """What ruff says of code that would stand in a file."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", file, "-"]
    return subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.parametrize("room", ["ingest", "expectations", "publish", "operations", "simulation"])
@pytest.mark.parametrize(
    "code", ["import airflow\n", "import airflow.sdk\n", "from airflow.sdk import dag\n"]
)
def test_no_other_room_may_import_the_orchestrator(room, code):
    assert "TID251" in lint(code, f"{room}/planted.py")
    assert "TID251" not in lint(code, "dags/planted.py")


def test_the_rooms_do_not_import_the_orchestrator():
    code = """
import sys
import ingest, ingest.__main__, expectations.deliveries, expectations.figures, publish.release
import publish.show, simulation.__main__, operations.__main__
print([name for name in sys.modules if name.split(".")[0] == "airflow"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_package_of_the_lock_has_hashes():
    requirements = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(requirements) == len(LOCKED) > 150
    assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_the_lock_names_no_registry():
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", LOCK)


def test_everything_the_project_asks_for_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    locked = {(name, version) for name, version, _ in LOCKED}
    for requirement in wanted:
        name, comparison, version = re.fullmatch(
            r"([a-z0-9.-]+)(?:(==|>=)([^,]+).*)?", requirement
        ).groups()
        normal = re.sub(r"[-_.]+", "-", name)
        assert normal in {name for name, _ in locked}
        if comparison == "==":
            assert (normal, version) in locked


def test_the_accepted_pythons_are_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "setup.sh").read_text()


def make(*arguments: str) -> subprocess.CompletedProcess:
    """Run a target in this environment, whatever .venv holds."""
    command = ["make", "--old-file=environment", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_make_alone_lists_every_target():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = re.findall(r"^make ([a-z]+) ", make().stdout, re.MULTILINE)
    assert sorted(listed) == sorted(set(targets) - {"environment"})


def test_make_check_says_what_is_wrong_with_a_helpline(tmp_path):
    assert make("check").returncode == 0
    helpline = tmp_path / "helpline"
    shutil.copytree(ROOT / "helplines/nupraatikerover", helpline)
    hours = helpline / "opening_hours.csv"
    hours.write_text(hours.read_text() + "2023-01-01,,1,22:00,19:00,1\n")
    line = len(hours.read_text().splitlines())
    done = make("check", f"HELPLINE={helpline}")
    assert done.returncode != 0
    assert re.search(rf"opening_hours\.csv\D+{line}\b", done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose environment has no packages, so that it is set up in seconds."""
    shutil.copy(ROOT / "setup.sh", tmp_path)
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    return tmp_path


def set_up(project: Path, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [project / "setup.sh"], env=os.environ | variables, capture_output=True, text=True
    )


def python_without(modules: list[str], folder: Path) -> str:
    """A PATH on which every Python lacks some modules, as Debian's does without its packages."""
    lacking = folder / "lacking"
    lacking.mkdir()
    for module in modules:
        (lacking / f"{module}.py").write_text(f"raise ImportError('no {module}')\n")
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        script = folder / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\nPYTHONPATH={lacking} exec {sys.executable} "$@"\n')
        script.chmod(0o755)
    return f"{folder / 'bin'}:{os.environ['PATH']}"


def test_the_environment_is_set_up_once(project):
    assert "The environment is ready" in set_up(project).stdout
    assert set_up(project).stdout == ""


def test_without_ensurepip_the_systems_pip_does_it_and_again_when_the_lock_changes(project):
    path = python_without(["ensurepip"], project)
    done = set_up(project, PATH=path)
    assert "The environment is ready" in done.stdout, done.stderr
    assert set_up(project, PATH=path).stdout == ""
    (project / "requirements.lock").write_text("# nothing else\n")
    assert "The environment is ready" in set_up(project, PATH=path).stdout


def test_a_set_up_that_was_interrupted_is_begun_afresh(project):
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").write_text("half a file")
    path = python_without(["ensurepip"], project)
    assert "The environment is ready" in set_up(project, PATH=path).stdout
    assert subprocess.run([project / ".venv/bin/python", "-c", ""]).returncode == 0


def test_a_package_that_cannot_be_had_is_told_in_pips_words(project):
    (project / "requirements.lock").write_text("./no-such-package.whl\n")
    done = set_up(project, PATH=python_without(["ensurepip"], project))
    assert done.returncode == 1
    assert "no-such-package" in done.stderr
    assert "The next call begins afresh" in done.stderr


def test_without_any_pip_the_missing_package_is_named(project):
    done = set_up(project, PATH=python_without(["ensurepip", "pip"], project))
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_without_a_python_that_will_do_the_missing_package_is_named(project):
    folder = project / "bin"
    folder.mkdir()
    for tool in ("bash", "cmp", "dirname", "env"):
        (folder / tool).symlink_to(shutil.which(tool))
    (folder / "python3").write_text("#!/bin/sh\nexit 1\n")
    (folder / "python3").chmod(0o755)
    done = set_up(project, PATH=str(folder))
    assert done.returncode == 1
    assert "apt-get install python3" in done.stderr


def test_an_audit_without_a_network_says_that_nothing_was_checked():
    apart = ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("no network can be taken from a process here")
    done = subprocess.run(
        [*apart, "./audit.sh"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Nothing was checked" in done.stderr
    assert "Traceback" not in done.stderr
