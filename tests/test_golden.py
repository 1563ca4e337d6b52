"""Small logs made by hand, and the figures worked out by hand that the product must give."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

import ingest
from ingest.workspace import Workspace
from tests.models import Models, read_figures

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("case", sorted(folder.name for folder in GOLDEN.iterdir()))
def test_figures_worked_out_by_hand(case: str, tmp_path: Path, models: Models, key: str):
    folder = GOLDEN / case
    workspace = Workspace(tmp_path / "data", str(folder / "logs"), folder / "helpline")
    ingest.pull(workspace)
    models.build(workspace.warehouse)
    figures = read_figures(workspace.warehouse)

    expected = read_expected(folder / "expected.csv")
    assert expected
    assert {cell: figures.get(cell) for cell in expected} == expected


def read_expected(path: Path) -> dict[tuple, tuple[Decimal | None, str]]:
    """Read the figures that a file states: a value, or none, and a status."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return {
            (row["figure"], row["period"], row["breakdown"], row["category"]): (
                Decimal(row["value"]) if row["value"] else None,
                row["obs_status"],
            )
            for row in rows
        }
