"""Older logs from another folder, once; and everything read anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ingest
from ingest.deliveries import list_deliveries
from ingest.problem import Problem
from ingest.pull import pull_more
from ingest.workspace import Workspace
from tests.nights import GOLDEN, workspace_of


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    """A workspace that has loaded the first of two logs."""
    made = workspace_of("sessions", tmp_path, files=1)
    ingest.pull(made)
    return made


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A folder beside the source, with the second log."""
    folder = tmp_path / "older"
    folder.mkdir()
    shutil.copy(sorted((GOLDEN / "sessions/logs").iterdir())[1], folder)
    return folder


def loaded(workspace: Workspace) -> dict[str, tuple]:
    ledger, _ = list_deliveries(workspace.warehouse)
    return {one.delivery_id: (one.events, one.rejects, one.loaded_at) for one in ledger}


def test_a_folder_is_read_once_besides_the_source(workspace, older):
    before = loaded(workspace)
    assert pull_more(workspace, str(older)).loaded == 1
    after = loaded(workspace)
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()
    assert pull_more(workspace, str(older)).known == 1
    assert ingest.pull(workspace).known == 1
    assert loaded(workspace) == after


def test_everything_is_read_anew_and_nothing_counted_twice(workspace, older):
    pull_more(workspace, str(older))
    before = loaded(workspace)
    shutil.copy(next(older.iterdir()), workspace.logs)
    shutil.copy(next(older.iterdir()), Path(workspace.logs) / "again.ndjson")
    summary = pull_more(workspace, anew=True)
    assert (summary.read_again, summary.known, summary.outdated) == (2, 1, [])
    assert loaded(workspace) == before


def test_a_damaged_file_of_the_folder_is_named_and_the_others_are_loaded(workspace, older):
    (older / "broken.ndjson.gz").write_bytes(b"\x1f\x8b no gzip")
    with pytest.raises(Problem, match=r"1 file of .* broken\.ndjson\.gz\. The others were loaded"):
        pull_more(workspace, str(older))
    assert len(loaded(workspace)) == 2
