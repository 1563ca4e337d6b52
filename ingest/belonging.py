"""Whose a state folder is: one helpline's, and filled with simulated logs or with its own."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from shlex import quote

from ingest.helpline import Helpline
from ingest.key import has_key, read_key
from ingest.problem import Problem
from ingest.warehouse import fill, open_warehouse, run
from ingest.workspace import Workspace

ANOTHER = "another state folder (DATA=, --data or CHATCIJFERS_DATA)"


def require_not_lost(workspace: Workspace) -> None:
    """Refuse to make a new warehouse beside releases or backups of one that is gone.

    Logs may be gone, and what was decided and retired is nowhere else: figures that were public
    would come out otherwise. Raises Problem with the remedy.
    """
    releases = workspace.published / "releases"
    if workspace.warehouse.exists():
        return
    left = []
    if any(releases.glob("[!.]*")):
        left.append(f"{releases} holds releases that were made from it")
    if _has_backups(workspace):
        left.append(f"{workspace.backups} holds backups of it")
    if left:
        raise Problem(
            f"The warehouse {workspace.warehouse} is gone, and {' and '.join(left)}. Restore the "
            f"last backup: make restore DATA={quote(str(workspace.data))}. Only if there is none "
            "that can be used, begin anew from the logs that are left, and say why: python -m "
            "ingest pull --anew WHY, or make run ANEW=WHY, with the same state folder, logs and "
            "helpline as before. What was public still counts then."
        )


def _has_backups(workspace: Workspace) -> bool:
    """Tell whether a backup was made with the key of this state folder: it is one of it."""
    fingerprints = set()
    for path in (workspace.backups / "manifests").glob("[!.]*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            fingerprints.add(json.loads(path.read_text(encoding="utf-8"))["key_fingerprint"])
    # A first run has no key yet.
    return bool(fingerprints) and (
        has_key(workspace) and read_key(workspace).fingerprint in fingerprints
    )


def begin_anew(workspace: Workspace, reason: str, now: datetime | None = None) -> None:
    """Make a new, empty warehouse beside releases of one that is gone, and keep the reason in it.

    The caller holds the lock. Raises Problem if there is a warehouse, or no reason.
    """
    if not reason.strip():
        raise Problem("Say why the warehouse is begun anew: the reason is kept.")
    if workspace.warehouse.exists():
        raise Problem(
            f"There is a warehouse at {workspace.warehouse}: nothing is begun anew beside it."
        )
    decided_on = f"{now or datetime.now(UTC):%Y-%m-%d}"
    with open_warehouse(workspace.warehouse, key=read_key(workspace), make=True) as connection:
        fill(
            connection,
            "warehouse.raw.public_decisions (kind, decided_on, reason)",
            [("begun_anew", decided_on, reason)],
            3,
        )


def claim(connection, workspace: Workspace, helpline: Helpline) -> None:
    """Refuse an open warehouse that is not this helpline's, or of the other kind of logs.

    What the first pull reads decides: it is noted. Raises what `require_own` raises.
    """
    require_own(connection, workspace, helpline)
    run(
        connection,
        "update warehouse.raw.warehouse set is_simulated = $1 where is_simulated is null",
        [workspace.is_simulated],
    )


def require_own(connection, workspace: Workspace, helpline: Helpline) -> None:
    """Refuse an open warehouse that is not this helpline's, or of the other kind of logs.

    In the figures nobody could take the events of two helplines apart, nor simulated ones from
    others. Raises Problem that says whose it is, and the remedy.
    """
    _require_helpline(connection, workspace, helpline)
    _require_kind(connection, workspace)


def _require_helpline(connection, workspace: Workspace, helpline: Helpline) -> None:
    for (name,) in run(connection, "select name from warehouse.raw.settings"):
        if name not in (helpline.name, *helpline.formerly):
            raise Problem(
                f"The state folder {workspace.data} belongs to the helpline {name!r}, and "
                f"{helpline.folder} is {helpline.name!r}: their events would be counted together. "
                f"Name the right helpline (HELPLINE=, --helpline or CHATCIJFERS_HELPLINE) or "
                f"{ANOTHER}. If it was renamed, say so in helpline.toml: formerly = "
                f"[{_quoted(name)}]"
            )


def _require_kind(connection, workspace: Workspace) -> None:
    [(is_simulated,)] = run(connection, "select is_simulated from warehouse.raw.warehouse")
    if is_simulated is None or is_simulated == workspace.is_simulated:
        return
    kind, other, remedy = (
        ("simulated logs", "a helpline's own", "Leave it to them")
        if is_simulated
        else (
            "a helpline's own logs",
            "simulated ones",
            "Name the logs (LOGS=, --logs or CHATCIJFERS_LOGS)",
        )
    )
    raise Problem(
        f"The state folder {workspace.data} was filled with {kind}, among which {other} would be "
        f"counted. {remedy}, or begin with {ANOTHER}."
    )


def _quoted(text: str) -> str:
    """Write a text as TOML has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
