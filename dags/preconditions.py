"""What can be told before Airflow starts, is told at once: before anything is made in DATA."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path

from ingest import modes
from ingest.belonging import begin_anew, require_not_lost, require_own
from ingest.content import require_logs
from ingest.damage import require_sound
from ingest.helpline import Helpline, load_helpline
from ingest.key import has_key, read_key
from ingest.problem import OutOfReach, Problem
from ingest.sources import find_files
from ingest.warehouse import Outdated, Withheld, open_warehouse, private_files
from ingest.wording import printable
from ingest.workspace import Workspace

# Airflow reads % and $ in its settings as the beginning of another setting's name, and the address
# of its database ends at ? and #: the database would lie elsewhere.
NOT_IN_A_PATH = "%$?#"
ANOTHER = "Name another one with DATA=, --data or CHATCIJFERS_DATA."


def require(workspace: Workspace) -> Helpline:
    """Check all that a run needs, and that can be told without the state folder's lock.

    A source of logs that does not answer is left to the run, which tries it several times. Raises
    Problem for what a person has to put right. Makes nothing.
    """
    _require_path(workspace.data)
    _require_place(workspace.data)
    require_sound(workspace)
    modes.check(workspace)
    helpline = load_helpline(workspace.helpline)
    has_key(workspace)
    if not workspace.is_simulated:
        with suppress(OutOfReach, OSError):
            require_logs(find_files(workspace.logs, workspace.data), workspace.logs)
    return helpline


def require_warehouse(workspace: Workspace, helpline: Helpline, anew: str | None = None) -> None:
    """Refuse a warehouse of another key, another helpline or the other kind of logs, or one lost.

    With `anew`, the reason, a new one is made where one was lost. The caller holds the state
    folder's lock. One of an earlier version, or that cannot be read, is left to the pull. Raises
    Problem.
    """
    if anew is not None:
        with private_files():
            begin_anew(workspace, anew)
    require_not_lost(workspace)
    if not workspace.warehouse.exists() or not workspace.warehouse.stat().st_size:
        return
    key = read_key(workspace)
    with (
        suppress(Outdated, Withheld),
        open_warehouse(workspace.warehouse, key=key, read_only=True) as connection,
    ):
        require_own(connection, workspace, helpline)


def _require_path(data: Path) -> None:
    path = str(data)
    found = next((letter for letter in path if letter in NOT_IN_A_PATH), None)
    if found:
        raise Problem(
            f"The state folder {printable(path)} cannot be used: its path holds `{found}`, which "
            f"Airflow takes for something else, as it does each of {' '.join(NOT_IN_A_PATH)}. "
            f"{ANOTHER}"
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
        raise Problem(
            f"The state folder {printable(path)} cannot be used: its path holds a control "
            f"character, or is no UTF-8. {ANOTHER}"
        )


def _require_place(data: Path) -> None:
    """Look whether the state folder can be written, or made where it is to be."""
    there = next(place for place in (data, *data.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise Problem(f"The state folder {data} cannot be used: {there} is no folder. {ANOTHER}")
    if not os.access(there, os.W_OK | os.X_OK):
        is_read_only = os.statvfs(there).f_flag & os.ST_RDONLY
        why = (
            f"{there} lies on a disk that is mounted read-only"
            if is_read_only
            else f"{there} belongs to somebody else, or may not be written by its owner"
        )
        raise Problem(
            f"The state folder {data} cannot be written: {why}. It has to belong to whoever runs "
            f"this. {ANOTHER}"
        )
