"""Whose a state folder is: one helpline's, and filled with simulated logs or with its own."""

from __future__ import annotations

from ingest.helpline import Helpline
from ingest.problem import Problem
from ingest.warehouse import run
from ingest.workspace import Workspace

ANOTHER = "another state folder (DATA=, --data or CHATCIJFERS_DATA)"


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
