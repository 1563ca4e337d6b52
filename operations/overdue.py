"""What should have gone by now and is still there, since when, and why: for the health check.

What goes by law or by promise must not stay for years because of a line in a log.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from ingest.problem import Problem
from ingest.workspace import Workspace
from operations.files import read_json, write_json

EVENTS = "events of years that are older than the helpline keeps them"
KEYS = "keys of closed years"
BACKUPS = "old contents of backups"


@dataclass(frozen=True)
class Overdue:
    """What is still there, since when it should not be, and why it is."""

    what: str
    since: date
    reason: str


def note(workspace: Workspace, what: str, reason: str | None) -> None:
    """Keep why something did not go tonight, or forget it if nothing is overdue (`reason` None)."""
    kept = read_json(_path(workspace))
    before = kept.pop(what, None)
    if reason is None and before is None:
        return
    if reason is not None:
        since = before["since"] if before else datetime.now(UTC).date().isoformat()
        kept[what] = {"since": since, "reason": reason}
    with suppress(OSError, Problem):  # a full disk is found by itself
        write_json(_path(workspace), kept)


def read(workspace: Workspace) -> list[Overdue]:
    """List what is overdue; a file that cannot be read lists nothing, and is written anew."""
    try:
        return [
            Overdue(what, date.fromisoformat(one["since"]), str(one["reason"]))
            for what, one in sorted(read_json(_path(workspace)).items())
        ]
    except (KeyError, TypeError, ValueError):
        return []


def _path(workspace: Workspace) -> Path:
    return workspace.operations / "overdue.json"
