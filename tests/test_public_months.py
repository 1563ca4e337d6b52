"""A file of which nobody knows the days leaves alone what has been public as final."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

import ingest
from expectations import deliveries
from ingest.problem import Problem
from publish.seen import forget
from tests.models import Models, read_figures
from tests.nights import run_night, workspace_of


def test_a_file_without_a_date_doubts_only_months_that_nobody_has_seen(
    tmp_path: Path, models: Models, key: str
):
    workspace = workspace_of("midnight_and_new_year", tmp_path)
    (Path(workspace.logs) / "damaged.gz").write_bytes(b"\x1f\x8b\x08\x00 cut off")
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build(workspace.warehouse)
    months = ["2021-11", "2021-12", "2022-01", "2022-02"]
    assert statuses(workspace.warehouse, months) == [*"PPPP"]

    (Path(workspace.logs) / "damaged.gz").unlink()
    run_night(workspace, models)
    assert statuses(workspace.warehouse, months) == [*"AAAA"]
    (Path(workspace.logs) / "damaged.gz").write_bytes(b"\x1f\x8b\x08\x00 cut off")
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build(workspace.warehouse)
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        public = connection.sql("select * from raw.public_months order by all").fetchall()
    assert public == [(log, month) for log in ("button", "chat") for month in months]
    assert statuses(workspace.warehouse, months) == [*"AAAA"]
    assert statuses(workspace.warehouse, ["2022-03"]) == ["P"]

    shutil.rmtree(workspace.published)
    with pytest.raises(Problem, match="do not say what readers have seen"):
        deliveries.judge(workspace)
    forget(workspace, "a test", "A. Peeters")  # in so many words: nobody has seen anything
    deliveries.judge(workspace)
    models.build(workspace.warehouse)
    assert statuses(workspace.warehouse, months) == [*"PPPP"]


def statuses(warehouse: Path, months: list[str]) -> list[str]:
    figures = read_figures(warehouse)
    return [figures["attempts", month, "", ""][1] for month in months]
