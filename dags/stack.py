"""`python -m dags service <name>`: what each container of docker-compose.yml runs.

`secrets` and `init` run once and end, each time the stack is brought up: they make what is missing
and leave alone what is there. The others become a process of Airflow. `airflow` is its command
line, in a container that is up.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import sys
from pathlib import Path

from dags import channels, environment, preconditions, preparation
from dags.progress import Parts
from ingest import lock
from ingest.helpline import load_helpline
from ingest.problem import InUse, Problem
from ingest.workspace import Workspace

MODULES = {
    "init": ["dags.installation"],
    "api-server": ["airflow", "api-server"],
    "scheduler": ["airflow", "scheduler", "--skip-serve-logs"],
    "dag-processor": ["airflow", "dag-processor"],
    "airflow": ["airflow"],
}
NAMES = ("secrets", *MODULES)
# Tasks tell what is wrong, and only this container has what they need for it.
ANNOUNCING = ("scheduler",)

# PostgreSQL is another user: what lets it in is the volume that it is given, not the file's mode.
OPEN_TO_OTHERS = (environment.DATABASE_PASSWORD,)


def serve(name: str, workspace: Workspace, arguments: list[str]) -> None:
    """Do what a container is for; `arguments` go to Airflow's command line.

    Does not return where the container becomes a process of Airflow. Raises Problem if something
    that it needs is missing or no good.
    """
    if name == "secrets":
        make_secrets(environment.SECRETS)
        return
    if name == "init":
        _prepare(workspace)
    try:
        variables = environment.for_stack(workspace)
    except OSError as error:
        raise Problem(
            f"There is no password for the database ({error.strerror}: {error.filename}). "
            "This command is for the containers of docker-compose.yml."
        ) from None
    if name in ANNOUNCING:
        usable, problems = channels.usable_connections()
        variables |= usable
        for problem in problems:
            print(f"Announcements: {problem}", file=sys.stderr)
    command = [sys.executable, "-m", *MODULES[name], *arguments]
    os.execve(sys.executable, command, variables)


def make_secrets(folder: Path) -> None:
    """Make the stack's secrets under a folder, each once and at random; what is there stays.

    Raises Problem if one cannot be written.
    """
    made = {
        environment.DATABASE_PASSWORD: secrets.token_urlsafe(32),
        environment.ADMINISTRATOR_PASSWORD: secrets.token_urlsafe(15),
        **{file: secrets.token_urlsafe(64) for file in environment.SETTINGS_IN_SECRETS.values()},
        # Fernet: 32 bytes in URL-safe base64.
        environment.SETTINGS_IN_SECRETS["AIRFLOW__CORE__FERNET_KEY"]: base64.urlsafe_b64encode(
            secrets.token_bytes(32)
        ).decode(),
    }
    for name, text in made.items():
        is_open = name in OPEN_TO_OTHERS
        file = folder / name
        try:
            file.parent.mkdir(exist_ok=True)
            file.parent.chmod(0o755 if is_open else 0o700)
            _write_once(file, text, 0o444 if is_open else 0o400)
        except OSError as error:
            raise Problem(f"The secret {file} cannot be written ({error.strerror}).") from None


def _write_once(file: Path, text: str, mode: int) -> None:
    """Write a file that appears whole or not at all, unless it is there."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        aside.chmod(mode)
        with contextlib.suppress(FileExistsError):
            os.link(aside, file)
    finally:
        aside.unlink(missing_ok=True)


def _prepare(workspace: Workspace) -> None:
    """Make what a night needs in the state folder: a key, and simulated logs if it has no others.

    The helpline's folder is read first: `docker compose up` fails at once if it is no good, or if
    the state folder is another helpline's.
    """
    helpline = load_helpline(workspace.helpline)
    try:
        with lock.hold(workspace.data):
            preconditions.require_warehouse(workspace, helpline)
            preparation.prepare(workspace)
            preparation.write_simulated_logs(workspace, Parts())
    except InUse:
        print("A night is on: the state folder has what it needs, and is left alone.")
