"""What became of the last run of each DAG: kept as a small file beside the warehouse.

Airflow knows it too, but the health check has to work when Airflow does not.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.problem import Problem
from ingest.workspace import Workspace
from operations.files import read_json, write_json

RUNNING, WAITING, SUCCESS, FAILED = "running", "waiting", "success", "failed"
LONGEST_REASON = 600  # characters


@dataclass(frozen=True)
class LastTask:
    """The last task of a DAG's last run: what became of it, and why, in plain words.

    `run` names the run, `at` is when it began or ended, in UTC. `succeeded_at` is when a run last
    came to its end.
    """

    dag: str
    run: str
    task: str
    state: str
    at: datetime
    reason: str = ""
    succeeded_at: datetime | None = None

    @property
    def key(self) -> str:
        """What tells this task of this run from all others."""
        return f"{self.dag}/{self.run}/{self.task}"


def note(workspace: Workspace, last: LastTask) -> None:
    """Keep what became of a task; a full disk is no reason to fail, and goes without a note."""
    content = asdict(last) | {
        "reason": first_line(last.reason),
        "at": last.at.isoformat(timespec="seconds"),
        "succeeded_at": last.succeeded_at and last.succeeded_at.isoformat(timespec="seconds"),
    }
    with suppress(OSError, Problem):
        write_json(_path(workspace, last.dag), content)


def read(workspace: Workspace, dag: str) -> LastTask | None:
    """Read what became of a DAG's last run; None if there was none, or if the file is no good."""
    content = read_json(_path(workspace, dag))
    try:
        content["at"] = datetime.fromisoformat(content["at"])
        if content["succeeded_at"]:
            content["succeeded_at"] = datetime.fromisoformat(content["succeeded_at"])
        return LastTask(**content)
    except (KeyError, TypeError, ValueError):
        return None


def dags(workspace: Workspace) -> list[str]:
    """Name the DAGs that ever ran here."""
    return sorted(path.stem for path in (workspace.operations / "runs").glob("[!.]*.json"))


def first_line(reason: str) -> str:
    """Give the part of a reason that may be sent to people: no list of what was found."""
    return reason.strip().partition("\n")[0][:LONGEST_REASON]


def first_seen(workspace: Workspace, now: datetime) -> datetime:
    """Tell since when this state folder is known; from now on, if it was not known before."""
    path = workspace.operations / "since.json"
    with suppress(KeyError, TypeError, ValueError):
        since = datetime.fromisoformat(read_json(path)["since"])
        if since <= now:
            return since
    with suppress(OSError):
        write_json(path, {"since": now.astimezone(UTC).isoformat(timespec="seconds")})
    return now


def _path(workspace: Workspace, dag: str) -> Path:
    return workspace.operations / "runs" / f"{dag}.json"
