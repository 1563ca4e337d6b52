"""A disk that is full at every stage of the night."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ingest
from chaos.compare import (
    differences_of_files,
    differences_of_tables,
)
from dags import transformation
from expectations import deliveries, figures
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.protect import protect
from publish.release import release
from publish.verify import verify
from tests.conftest import KEY
from tests.models import Models

GOLDEN = Path(__file__).parent / "golden" / "a_whole_month"
MEBIBYTE = 1024 * 1024
BALLAST = "ballast"


@pytest.fixture(scope="module", autouse=True)
def a_key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", KEY)
        yield


def stages(models: Models) -> dict[str, Callable[[Workspace], object]]:
    """The rooms of a night, with dbt's SQL run directly."""
    return {
        "pull": ingest.pull,
        "judge deliveries": deliveries.judge,
        "transform": models.build_in,
        "protect": protect,
        "judge figures": figures.judge,
        "publish": release,
    }


def workspace_in(data: Path, logs: Path = GOLDEN / "logs") -> Workspace:
    return Workspace(data, str(logs), GOLDEN / "helpline")


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Make a folder a disk of its own, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def room_for(size: int, disk: Path) -> Iterator[None]:
    """Fill a disk until so many bytes are left; there is room again at the end of the block."""
    with (disk / BALLAST).open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, shutil.disk_usage(disk).free - size)
    try:
        yield
    finally:
        (disk / BALLAST).unlink()


# How many bytes are left at a stage of the night: none, or enough to begin with.
ROOM = {
    "pull": 0,
    "judge deliveries": 0,
    "transform": 3 * MEBIBYTE,
    "protect": 0,
    "judge figures": 0,
    "publish": MEBIBYTE,
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, models: Models) -> Workspace:
    """The state folder after a night with room enough."""
    workspace = workspace_in(tmp_path_factory.mktemp("undisturbed") / "data")
    for stage in stages(models).values():
        stage(workspace)
    return workspace


def test_a_disk_full_at_any_stage_is_said_and_the_next_run_is_as_if_nothing_was(
    tmp_path, undisturbed: Workspace, models: Models
):
    disk = tmp_path / "disk"
    with small_disk(disk):
        workspace = workspace_in(disk / "data")
        for name, stage in stages(models).items():
            failing = transformation.build if name == "transform" else stage
            full = pytest.raises(Problem, match=r"[Nn]o (room|space) left")
            with room_for(ROOM[name], disk), full:
                failing(workspace)
            assert not (workspace.published / "latest").exists()
            stage(workspace)
        shutil.rmtree(workspace.dbt_target)
        models.leave_manifest(workspace)
        assert list(differences_of_files(undisturbed.data, workspace.data)) == []
        found = differences_of_tables(undisturbed.warehouse, workspace.warehouse, "the warehouse")
        assert list(found) == []
        assert verify(workspace.published / "latest") == []
