"""A stack of docker-compose.yml of its own: project, image, ports and volumes that no other has."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from dags.environment import ROOT

DATA = "/var/lib/chatcijfers/data"
LATEST = f"{DATA}/published/latest"
SERVICES = ("api-server", "dag-processor", "postgres", "scheduler", "web")
PATIENCE_SECONDS = 600


def why_no_engine() -> str | None:
    """Say why no stack can be tried here; None if one can."""
    if shutil.which("docker") is None:
        return "there is no docker"
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        asked = subprocess.run(command, capture_output=True, text=True)
        if asked.returncode != 0:
            return f"no container engine answers: {asked.stderr.strip()[:200]}"
    return None


class Stack:
    """A stack on free ports of 127.0.0.1; `settings` are those of .env."""

    def __init__(self, **settings: str) -> None:
        self.project = f"chatcijfers-test-{os.getpid()}"
        self.ui, self.site = _free_port(), _free_port()
        # No .env of whoever runs the tests: only what stands here.
        self.settings = {
            "CHATCIJFERS_IMAGE": self.project,
            "CHATCIJFERS_UI_PORT": str(self.ui),
            "CHATCIJFERS_SITE_PORT": str(self.site),
        } | settings
        self._token = ""

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run `docker compose` on the project; output is bytes."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("CHATCIJFERS_")
        }
        command = ["docker", "compose", "--ansi=never", "--env-file=/dev/null"]
        done = subprocess.run(
            [*command, f"--project-name={self.project}", *arguments],
            cwd=ROOT,
            env=inherited | self.settings,
            capture_output=True,
        )
        if check and done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise AssertionError(f"docker compose {' '.join(arguments)} failed:\n{said[-4000:]}")
        return done

    def up(self) -> None:
        """Bring everything up, and wait until it is healthy."""
        try:
            self.compose(
                "up", "--detach", "--wait", "--pull=never", f"--wait-timeout={PATIENCE_SECONDS}"
            )
        except AssertionError as failure:
            logs = self.compose("logs", "--no-color", "--tail=30", check=False)
            states = self.compose("ps", "--all", check=False)
            told = (states.stdout + logs.stdout).decode(errors="replace")
            raise AssertionError(f"{failure}\n{told}") from None

    def remove(self) -> None:
        """Remove containers, volumes, networks and the image, whatever state they are in."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout=5", check=False)
        subprocess.run(["docker", "image", "rm", "--force", self.project], capture_output=True)

    def inside(self, service: str, *command: str, check: bool = True) -> bytes:
        """Run a command in a service's container, as its user, and give what it says."""
        done = self.compose("exec", "--no-TTY", service, *command, check=check)
        return done.stdout + (b"" if check else done.stderr)

    def secret(self, name: str) -> str:
        """Read a secret the way the documentation says."""
        read = ("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint=cat", "secrets")
        return self.compose(*read, f"/run/secrets/{name}").stdout.decode().strip()

    def ask(
        self, path: str, method: str = "GET", body: object = None, token: str | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask the API server, following no redirect: status, headers, body."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return _ask(self.ui, method, path, headers, json.dumps(body) if body else None)

    def token(self, user: str = "admin", password: str | None = None) -> str:
        """Log in, and give the token; empty if the API server does not let the user in."""
        login = {"username": user, "password": password or self.secret("administrator/password")}
        _, _, answer = self.ask("/auth/token", "POST", login)
        return json.loads(answer).get("access_token", "")

    def api(self, path: str, method: str = "GET", body: object = None) -> dict:
        """Ask the API as the administrator; raises AssertionError if it does not answer well."""
        self._token = self._token or self.token()
        status, _, answer = self.ask(f"/api/v2{path}", method, body, self._token)
        assert status < 300, f"{method} {path}: {status} {answer[:500]!r}"
        return json.loads(answer)

    def runs(self) -> list[dict]:
        """List the runs of the nightly DAG, oldest first; none while the API does not answer."""
        return self._list("/dags/nightly/dagRuns?order_by=id&limit=100", "dag_runs")

    def tasks(self, run: dict) -> dict[str, str]:
        """Give the state of every task of a run; none while the API does not answer."""
        path = f"/dags/nightly/dagRuns/{run['dag_run_id']}/taskInstances"
        return {one["task_id"]: one["state"] for one in self._list(path, "task_instances")}

    def _list(self, path: str, name: str) -> list[dict]:
        try:
            return self.api(path)[name]
        except (AssertionError, OSError, http.client.HTTPException, ValueError):
            return []

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Ask the web server for a path of the site."""
        return _ask(self.site, "GET", path, {}, None)

    def send(self, request: bytes) -> bytes:
        """Send the web server bytes over a bare connection, and give all that it answers."""
        with socket.create_connection(("127.0.0.1", self.site), timeout=20) as connection:
            connection.sendall(request)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass
        return answer


def wait_for(what: Callable[[], object], why: str, seconds: float = PATIENCE_SECONDS) -> object:
    """Ask again and again until there is an answer, and give it."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"{why}: not after {seconds:.0f} s"
        time.sleep(0.5)
    return answer


def files_of(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder, by their path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _ask(
    port: int, method: str, path: str, headers: dict[str, str], body: str | None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, answer.read()
    finally:
        connection.close()
