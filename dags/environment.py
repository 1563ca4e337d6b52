"""The environment of Airflow and the tasks: all state under DATA, nothing told to anyone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dags import channels
from ingest.workspace import Workspace

ROOT = Path(__file__).parent.parent

QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


def for_airflow(workspace: Workspace, port: int | None = None) -> dict[str, str]:
    """Return the environment variables of Airflow's processes and of every task.

    Variables of another Airflow (AIRFLOW…) are left out. `port` is that of the API server on the
    loopback interface, if there is to be one. Raises Problem for a setting of announcements that
    cannot be used.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")
    }
    return (
        inherited
        | QUIET
        | _places(workspace)
        | _settings(workspace)
        | channels.connections()
        | (_server(port) if port else {})
    )


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
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords(workspace)),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(workspace.airflow_home / "logs"),
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
    }


def _server(port: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(64),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
    }


def passwords(workspace: Workspace) -> Path:
    """Return the file of the UI's users and passwords, for Airflow's simple auth manager."""
    return workspace.airflow_home / "passwords.json"


def metadata(workspace: Workspace) -> Path:
    """Return Airflow's metadata database, an SQLite file."""
    return workspace.airflow_home / "airflow.db"
