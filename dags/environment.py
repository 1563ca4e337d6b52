"""The environment of Airflow and the tasks: all state under DATA, nothing told to anyone.

There are two set-ups. `make run` and `make up` keep Airflow to one machine and one person: SQLite,
its simple login, the loopback interface. The stack of docker-compose.yml has PostgreSQL, users, and
secrets in files.
"""

from __future__ import annotations

import logging
import os
import secrets
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

from dags import channels
from ingest.settings import SETTINGS
from ingest.workspace import Workspace

ROOT = Path(__file__).parent.parent

QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


# Where clocks change at two and at three, half past three comes exactly once in every night.
EVERY_NIGHT = "30 3 * * *"
# Of a helpline whose folder cannot be read.
UTC = "UTC"

log = logging.getLogger("chatcijfers.schedule")

# Where the stack's containers find the secrets that they need; the others are not there at all.
SECRETS = Path("/run/secrets")
DATABASE_PASSWORD = "database/password"
ADMINISTRATOR_PASSWORD = "administrator/password"
SETTINGS_IN_SECRETS = {
    "AIRFLOW__API__SECRET_KEY": "sessions/secret_key",
    "AIRFLOW__API_AUTH__JWT_SECRET": "tokens/jwt_secret",
    "AIRFLOW__CORE__FERNET_KEY": "connections/fernet_key",
}


def schedule() -> str:
    """Return when the night begins, as five cron fields: CHATCIJFERS_SCHEDULE, else 03:30."""
    return os.environ.get("CHATCIJFERS_SCHEDULE", "").strip() or EVERY_NIGHT


def timezone(helpline: Path) -> str:
    """Return the time zone of a helpline, in which its nights begin.

    The schedule has to be there whatever is wrong with the helpline's folder: if it has no time
    zone that can be read, that is UTC, and a warning says so.
    """
    try:
        settings = tomllib.loads((helpline / SETTINGS).read_text(encoding="utf-8"))
        return ZoneInfo(settings["timezone"]).key
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.warning(
            "The time zone of %s cannot be read (%s): nights begin by UTC until it can.",
            helpline / SETTINGS,
            type(error).__name__,
        )
        return UTC


def for_airflow(workspace: Workspace, port: int | None = None) -> dict[str, str]:
    """Return the environment variables of Airflow's processes and of every task on one machine.

    Variables of another Airflow (AIRFLOW…) are left out. `port` is that of the API server on the
    loopback interface, if there is to be one. Raises Problem for a setting of announcements that
    cannot be used.
    """
    return (
        _inherited()
        | QUIET
        | _places(workspace)
        | _settings(workspace)
        | _simple_login(workspace)
        | channels.connections()
        | (_server(port) if port else {})
    )


def for_stack(workspace: Workspace, secret_files: Path = SECRETS) -> dict[str, str]:
    """Return the environment variables of Airflow's processes in a container of the stack.

    Secrets come from the files that the container was given. Raises OSError if the password of the
    database is not among them.
    """
    kept = {
        name: (secret_files / file).read_text().strip()
        for name, file in SETTINGS_IN_SECRETS.items()
        if (secret_files / file).exists()
    }
    password = (secret_files / DATABASE_PASSWORD).read_text().strip()
    return (
        _inherited()
        | QUIET
        | _places(workspace)
        | _settings(workspace)
        | _stack(password, os.environ.get("CHATCIJFERS_UI_URL", ""))
        | kept
    )


def of_this_place(workspace: Workspace) -> dict[str, str]:
    """Return the environment of Airflow's own commands, in a container of the stack or outside."""
    is_stack = (SECRETS / DATABASE_PASSWORD).exists()
    return for_stack(workspace) if is_stack else for_airflow(workspace)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}


def _places(workspace: Workspace) -> dict[str, str]:
    return {
        "CHATCIJFERS_DATA": str(workspace.data),
        "CHATCIJFERS_LOGS": workspace.logs,
        "CHATCIJFERS_HELPLINE": str(workspace.helpline),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(workspace.temporary),
        "AIRFLOW_HOME": str(workspace.airflow_home),
        "AIRFLOW_CONFIG": os.devnull,  # all settings are here: no file beside them
    }


def _settings(workspace: Workspace) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        # Its default asks the name server what this machine is called in full.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(workspace.airflow_home / "logs"),
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
    }


def _simple_login(workspace: Workspace) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords(workspace)),
    }


def _server(port: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",  # its page loads scripts from elsewhere
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(64),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
    }


def _stack(database_password: str, url: str) -> dict[str, str]:
    """Return what the stack does its own way; `url` is how browsers reach the UI, if it is known.

    A DAG is active from the first, and stays paused once somebody has paused it.
    """
    database = f"postgresql+psycopg2://airflow:{database_password}@postgres/airflow"
    return {
        "AIRFLOW_HOME": "/tmp/airflow",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
        ),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://api-server:8080/execution/",
        # A task waits some minutes for an API server or a database that is starting again.
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "12",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "30",
        "AIRFLOW__API__HOST": "0.0.0.0",
        "AIRFLOW__API__PORT": "8080",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",  # its page loads scripts from elsewhere
        "AIRFLOW__FAB__COOKIE_SECURE": str(url.startswith("https://")),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_LOG_TARGET": "stdout",
    } | ({"AIRFLOW__API__BASE_URL": url} if url else {})


def passwords(workspace: Workspace) -> Path:
    """Return the file of the UI's users and passwords, for Airflow's simple auth manager."""
    return workspace.airflow_home / "passwords.json"


def metadata(workspace: Workspace) -> Path:
    """Return Airflow's metadata database, an SQLite file."""
    return workspace.airflow_home / "airflow.db"
