"""Random logs, delivered over several nights in random order, splits and repetitions.

After every night the figures are those of the slow reference, row by row: value, status, break, the
quotient that was rounded, and which periods are closed. In the end they are those of one full
rebuild from all files at once.
"""

from __future__ import annotations

import shutil
import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import duckdb
from hypothesis import HealthCheck, Phase, given, settings

import ingest
from ingest.workspace import Workspace
from tests import reference, strategies
from tests.models import Models

Night = list[tuple[str, bytes]]


class Row(NamedTuple):
    """What a row of the figures says, but for what stands in the definitions."""

    value: Decimal | None
    obs_status: str
    series_break: str
    exact: Fraction | None


# A whole run for each example: shrinking one takes minutes, so a failure is shown as it was found.
# To shrink it: add Phase.shrink and the seed that pytest prints.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(delivered=strategies.nights(), drawn=strategies.helplines())
def test_every_night_gives_the_figures_of_the_reference(delivered, drawn, models: Models, key: str):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        helpline = strategies.helpline_of(folder / "helpline", drawn, key)
        nightly = Workspace(folder / "nightly", str(folder / "logs"), helpline)
        for night in delivered:
            deliver(night, folder / "logs")
            ingest.pull(nightly)
            models.build(nightly.warehouse)
            counted = read_rows(nightly.warehouse)
            keys = year_keys(nightly)
            log = reference.Log(folder / "logs", helpline, key, year_keys=keys)
            assert differences(counted, rows_of(log)) == {}
            assert read_periods(nightly.warehouse) == periods_of(log)
            assert read_breaks(nightly.warehouse) == sorted(log.breaks)

        at_once = Workspace(folder / "at_once", nightly.logs, helpline)
        if keys:  # of copies of an event that differ, the pseudonyms decide which one counts
            at_once.data.mkdir(mode=0o700)
            shutil.copytree(nightly.keys_folder, at_once.keys_folder)
        ingest.pull(at_once)
        models.build(at_once.warehouse)
        assert differences(read_rows(at_once.warehouse), counted) == {}
        shutil.rmtree(folder / "logs")


def year_keys(workspace: Workspace) -> dict[int, str]:
    """Read the keys of years, by year."""
    return {int(file.name): file.read_text().strip() for file in workspace.keys_folder.glob("*")}


def deliver(night: Night, logs: Path) -> None:
    """Put a night's files into the folder of logs."""
    logs.mkdir(exist_ok=True)
    for name, content in night:
        (logs / name).write_bytes(content)


def differences(left: dict, right: dict) -> dict:
    """Every cell whose row differs, with both."""
    return {
        cell: (left.get(cell), right.get(cell))
        for cell in left.keys() | right.keys()
        if left.get(cell) != right.get(cell)
    }


def rows_of(log: reference.Log) -> dict[reference.Cell, Row]:
    """Every row that the figures of a log must have, by the reference."""
    exact = reference.exact_figures_of(log)
    breaks = {series: reference.break_of(log, *series) for series in {cell[:2] for cell in exact}}
    return {
        cell: Row(reference.rounded(cell[0], value), status, breaks[cell[:2]], value)
        for cell, (value, status) in exact.items()
    }


def read_rows(warehouse: Path) -> dict[reference.Cell, Row]:
    """Every row of the figures in a warehouse."""
    columns = "figure, period, breakdown, category, value, obs_status, break"
    rows = _read(warehouse, f"select {columns}, numerator, denominator from figures.figures")
    return {
        tuple(cell): Row(*row, None if bottom is None else Fraction(int(top), int(bottom)))
        for *cell, value, status, series_break, top, bottom in rows
        for row in [(value, status, series_break)]
    }


def periods_of(log: reference.Log) -> dict[str, tuple]:
    """Every period that has rows, by the reference: type, whether it is closed, first, last day."""
    periods = {}
    for name, is_closed in reference.closed_periods(log).items():
        _, kind, first, last = reference.period_of(name)
        periods[name] = (kind, is_closed, first, last)
    return periods


def read_periods(warehouse: Path) -> dict[str, tuple]:
    """Every period in a warehouse: type, whether it is closed, first and last day."""
    columns = "period, period_type, is_closed, starts_on, ends_on"
    rows = _read(warehouse, f"select {columns} from figures.periods")
    return {name: tuple(row) for name, *row in rows}


def read_breaks(warehouse: Path) -> list[reference.Break]:
    """Every break of a series in a warehouse."""
    rows = _read(warehouse, "select figure, starts_on, kind, reason from figures.breaks")
    return sorted(reference.Break(*row) for row in rows)


def _read(warehouse: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()
