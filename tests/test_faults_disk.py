"""A disk that is full at every stage, two runs at once, readers that look on all the while."""

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
)
from dags import transformation
from expectations import deliveries, figures
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.protect import protect
from publish.release import release
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


def test_a_disk_full_at_any_stage_is_said_and_harms_nothing(tmp_path, models: Models):
    undisturbed = workspace_in(tmp_path / "undisturbed")
    for stage in stages(models).values():
        stage(undisturbed)

    disk = tmp_path / "disk"
    with small_disk(disk):
        workspace = workspace_in(disk / "data")
        for name, stage in stages(models).items():
            failing = transformation.build if name == "transform" else stage
            for room in (0, 100_000):
                with room_for(room, disk), pytest.raises(Problem) as problem:
                    failing(workspace)
                print(name, room, problem.value)
            stage(workspace)
        assert list(differences_of_files(undisturbed.data, workspace.data)) == []
