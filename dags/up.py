"""`python -m dags up`: Airflow, its UI on the loopback interface, its schedule active."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

from dags import environment, health, preconditions, preparation, processes
from dags.progress import Parts
from ingest import lock
from ingest.helpline import Helpline
from ingest.problem import Problem
from ingest.workspace import Workspace

# Not `airflow standalone`: when it is killed, its children live on. The UI reads the tasks' logs
# where they lie, so the scheduler need not serve them to the network.
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
}
PARTS = ("metadatabase", "scheduler", "dag_processor")
PATIENCE_SECONDS = 120


def serve(workspace: Workspace, port: int) -> None:
    """Start Airflow's processes, say where the UI is, and wait; they end when this ends.

    Raises Problem if something that a night needs is no good, if the port is taken, if a run is on,
    or if one of the processes ends by itself.
    """
    helpline = preconditions.require(workspace)
    _ensure_free(port)
    with lock.hold(workspace.data):
        preconditions.require_warehouse(workspace, helpline)
    with lock.hold(workspace.airflow_home):
        with lock.hold(workspace.data):
            preparation.prepare(workspace)
            preparation.write_simulated_logs(workspace, Parts())
        user, password = _login(workspace)
        variables = environment.for_airflow(workspace, port)
        logs = workspace.airflow_home / "logs"
        children = {}
        print("Airflow starts ...", flush=True)
        _prepare(variables, logs / "metadata.log")
        try:
            for name, arguments in COMPONENTS.items():
                command = [sys.executable, "-m", "airflow", *arguments]
                children[name] = processes.start(command, variables, logs / f"{name}.log")
            _wait_until_healthy(port, children, logs)
            print(f"Airflow is up: http://127.0.0.1:{port} (user {user}, password {password})")
            print(f"The nightly run starts {_when(helpline)}. Ctrl-C stops Airflow.", flush=True)
            while True:
                _ensure_alive(children, logs)
                time.sleep(1)
        finally:
            processes.stop(list(children.values()))


def _when(helpline: Helpline) -> str:
    cron = environment.schedule()
    when = "every night at 03:30" if cron == environment.EVERY_NIGHT else f"at `{cron}`"
    return f"{when} ({helpline.timezone})"


def _ensure_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Problem(
                f"Port {port} of 127.0.0.1 is not free ({error.strerror}): name another one."
            ) from None


def _login(workspace: Workspace) -> tuple[str, str]:
    """Return the UI's user and password, which is made once and kept for its owner's eyes."""
    file = environment.passwords(workspace)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps({"admin": secrets.token_urlsafe(12)}))
    ((user, password),) = json.loads(file.read_text()).items()
    return user, password


def _prepare(variables: dict[str, str], log: Path) -> None:
    process = processes.start([sys.executable, "-m", "dags.metadata"], variables, log)
    try:
        if process.wait() != 0:
            raise Problem(f"Airflow's database could not be made ready. The whole story: {log}")
    finally:
        processes.stop([process])


def _wait_until_healthy(port: int, children: dict[str, subprocess.Popen], logs: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_healthy(port):
        _ensure_alive(children, logs)
        if time.monotonic() > deadline:
            raise Problem(f"Airflow is not up after {PATIENCE_SECONDS} s. The whole story: {logs}")
        time.sleep(0.5)


def _is_healthy(port: int) -> bool:
    try:
        parts = health.read(f"http://127.0.0.1:{port}/api/v2/monitor/health")
    except (OSError, ValueError):
        return False
    return all(parts[part] == health.HEALTHY for part in PARTS)


def _ensure_alive(children: dict[str, subprocess.Popen], logs: Path) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            raise Problem(f"Airflow's {name} has stopped. The whole story: {logs / name}.log")
