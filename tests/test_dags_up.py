"""`python -m dags up`: one Airflow for all tests here, on a port of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dags.environment import ROOT
from tests import events

COMMAND = [sys.executable, "-m", "dags"]


class Up:
    """A running `python -m dags up`."""

    def __init__(self, state: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.places = ["--data", state / "data", "--logs", state / "logs"]
        self.state = state / "data"
        self.said = ""
        self.process = subprocess.Popen(
            [*COMMAND, "up", *self.places, "--port", str(self.port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                return
        pytest.fail(f"Airflow did not come up:\n{self.said}")

    def ask(self, path: str, body: dict | None = None, token: str = ""):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def token(self) -> str:
        user, password = re.search(r"user (\S+), password (\S+)\)", self.said).groups()
        login = {"username": user, "password": password}
        return self.ask("/auth/token", login)["access_token"]


def processes_below(pid: int) -> set[int]:
    """The ids of a process's children, and of theirs."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    state = tmp_path_factory.mktemp("up")
    events.deliver(state / "logs", "a.ndjson", [events.click("anna", "2022-03-01 18:42")])
    running = Up(state)
    yield running
    running.process.terminate()
    running.process.wait(timeout=60)


def test_it_says_where_the_ui_is(up):
    assert f"http://127.0.0.1:{up.port}" in up.said
    assert "every night at 03:30 (Europe/Brussels)" in up.said


def test_it_listens_on_the_loopback_interface_only(up):
    pids = {str(pid) for pid in processes_below(up.process.pid)}
    inodes = {
        match.group(1)
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").glob("*")
        if (match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())))
    }
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                listening.append(fields[1])
    assert listening == [f"0100007F:{up.port:04X}"]


@pytest.mark.parametrize(("token", "code"), [("", 401), ("made-up", 403)])
def test_it_turns_away_who_has_no_password(up, token, code):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        up.ask("/api/v2/dags", token=token)
    assert refusal.value.code == code


def test_the_password_is_for_its_owner_only(up):
    file = up.state / "airflow/passwords.json"
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_schedules_are_active(up):
    token = up.token()
    dags = up.ask("/api/v2/dags", token=token)["dags"]
    paused = {dag["dag_id"]: dag["is_paused"] for dag in dags}
    assert paused == dict.fromkeys(["backfill", "backup", "nightly", "restore", "watch"], False)
    nightly = up.ask("/api/v2/dags/nightly", token=token)
    assert nightly["timetable_summary"] == "30 3 * * *"
    assert nightly["next_dagrun_run_after"] is not None


def ended_states(up, dag: str) -> dict[str, str]:
    """Start a DAG by hand, and wait for its tasks to end: their states."""
    token = up.token()
    run = up.ask(f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None}, token)["dag_run_id"]
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        tasks = up.ask(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances", token=token)
        states = {task["task_id"]: task["state"] for task in tasks["task_instances"]}
        if states and set(states.values()) <= {"success", "failed"}:
            return states
        time.sleep(0.5)
    pytest.fail(f"{dag} did not end: {states}")


def test_a_backup_of_nothing_fails_and_airflows_records_are_pruned_all_the_same(up):
    assert ended_states(up, "backup") == {"back_up": "failed", "prune": "success"}
    last = json.loads((up.state / "operations/runs/backup.json").read_text())
    assert (last["task"], last["state"]) == ("back_up", "failed")


def test_the_watch_has_nothing_against_a_new_installation(up):
    assert ended_states(up, "watch") == {"look": "success"}


def test_a_run_on_the_same_state_folder_is_refused_meanwhile(up):
    done = subprocess.run([*COMMAND, "run", *up.places], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "make up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_named(up, tmp_path):
    done = subprocess.run(
        [*COMMAND, "up", "--data", tmp_path, "--port", str(up.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"Port {up.port}" in done.stderr


# The last one while it is up: whoever asks for a token after it has to wait.
def test_the_ui_answers_to_its_own_name_only_without_docs_and_guesses_have_to_wait(up):
    assert status_of(up, "/") == 200
    assert status_of(up, "/", Host="attacker.example") == 421
    assert status_of(up, "/auth/login/", Host=f"attacker.example:{up.port}") == 421
    for page in ("/docs", "/redoc"):
        assert b"swagger" not in body_of(up, page).lower()
        assert b"redoc" not in body_of(up, page).lower()
    wrong = b'{"username": "admin", "password": "guessed"}'
    guesses = [status_of(up, "/auth/token", wrong) for _ in range(7)]
    assert guesses == [401] * 5 + [429] * 2


def test_when_it_is_stopped_nothing_of_it_is_left(up):
    below = processes_below(up.process.pid)
    assert len(below) >= 3
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(timeout=60) == 128 + signal.SIGTERM
    deadline = time.monotonic() + 5
    while any(is_running(pid) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in below if is_running(pid)] == []


def request_for(up, path: str, body: bytes | None = None, **headers: str):
    address = f"http://127.0.0.1:{up.port}{path}"
    headers = {"Content-Type": "application/json"} | headers
    return urllib.request.Request(address, data=body, headers=headers)


def status_of(up, path: str, body: bytes | None = None, **headers: str) -> int:
    try:
        with urllib.request.urlopen(request_for(up, path, body, **headers), timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def body_of(up, path: str) -> bytes:
    try:
        with urllib.request.urlopen(request_for(up, path), timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.read()
