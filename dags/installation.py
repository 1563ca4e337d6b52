"""`python -m dags.installation`: what the stack needs in its database, at every `up`.

Only in the environment of `dags.environment.for_stack`. The first user is made when there is none;
what people change in the UI afterwards (users, passwords, a paused DAG) stays as they left it.
"""

from __future__ import annotations

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

from dags import environment, metadata

ADMINISTRATOR = "admin"


def install() -> None:
    """Bring the database up to date, load the DAG, and let the first user in."""
    metadata.prepare_stack()
    _make_administrator()


def _make_administrator() -> None:
    """Make the user `admin` with the password from its file, unless there are users.

    Raises RuntimeError if Airflow refuses.
    """
    password = (environment.SECRETS / environment.ADMINISTRATOR_PASSWORD).read_text().strip()
    with get_application_builder() as builder:
        manager = builder.sm
        if manager.count_users() > 0:
            return
        role = manager.find_role("Admin")
        address = f"{ADMINISTRATOR}@localhost"
        if not manager.add_user(ADMINISTRATOR, "Administrator", "-", address, role, password):
            raise RuntimeError("Airflow could not make the first user; what it said stands above.")


if __name__ == "__main__":
    install()
