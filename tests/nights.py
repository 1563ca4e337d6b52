"""Nights without Airflow: every stage in its order, with dbt's SQL run directly."""

from __future__ import annotations

import shutil
from pathlib import Path

import ingest
from expectations import deliveries, figures
from ingest.workspace import Workspace
from publish.protect import protect
from publish.release import Release, release
from tests.models import Models

GOLDEN = Path(__file__).parent / "golden"


def run_night(workspace: Workspace, models: Models) -> Release:
    """Run a night, for its owner only as the commands do."""
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build_in(workspace)
    protect(workspace)
    figures.judge(workspace)
    return release(workspace)


def workspace_of(case: str, folder: Path, files: int | None = None) -> Workspace:
    """A workspace in a folder, with a golden case's helpline and its first files as logs."""
    logs = folder / "logs"
    logs.mkdir(parents=True)
    for file in sorted((GOLDEN / case / "logs").iterdir())[:files]:
        shutil.copy(file, logs)
    return Workspace(folder / "data", str(logs), GOLDEN / case / "helpline")
