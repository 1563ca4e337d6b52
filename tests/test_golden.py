"""Small logs made by hand, and the figures worked out by hand that the product must give."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

import ingest
from expectations import deliveries, figures
from ingest.workspace import Workspace
from publish.contents import open_warehouse
from publish.protect import protect
from publish.write import write_figures
from tests.models import Models

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("case", sorted(folder.name for folder in GOLDEN.iterdir()))
def test_figures_worked_out_by_hand(case: str, tmp_path: Path, models: Models, key: str):
    folder = GOLDEN / case
    workspace = Workspace(tmp_path / "data", str(folder / "logs"), folder / "helpline")
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build_in(workspace)
    protect(workspace)
    figures.judge(workspace)
    with open_warehouse(workspace) as connection:
        write_figures(connection, tmp_path / "figures.csv")

    counted = read_rows(tmp_path / "figures.csv")
    expected = read_rows(folder / "expected.csv")
    assert expected
    assert {cell: counted.get(cell, ())[: len(row)] for cell, row in expected.items()} == expected


def read_rows(path: Path) -> dict[tuple, tuple]:
    """Read what a file states of figures: a value or none, a status, and a break if it has any."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        return {
            (row["figure"], row["period"], row["breakdown"], row["category"]): (
                Decimal(row["value"]) if row["value"] else None,
                row["obs_status"],
                *([row["break"]] if "break" in row else []),
            )
            for row in rows
        }
