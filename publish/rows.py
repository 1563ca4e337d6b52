"""One row of a release's figures, or what is there instead of it."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping
from pathlib import Path

from ingest.problem import Problem
from publish.disclosure.cells import Cell
from publish.lineage import Definitions, days_of
from publish.write import COLUMNS, FIGURES


def find_row(release: Path, cell: Cell, definitions: Definitions) -> dict[str, str]:
    """Give the row of a cell in a release's internal/figures.csv, as text by column.

    Raises Problem if there is none, with what was meant perhaps.
    """
    _require_figure(cell, definitions, release)
    _require_period(cell.period)
    rows = read_rows(release / FIGURES, cell.figure, cell.period)
    for row in rows:
        if (row["breakdown"], row["category"]) == cell[2:]:
            return row
    if rows:
        raise _no_category(cell, rows)
    raise _no_period(cell, definitions[cell.figure], release)


def read_rows(figures: Path, figure: str, period: str) -> list[dict[str, str]]:
    """Read the rows of a figure and period from a sorted figures.csv, without parsing the others.

    Raises Problem if the file cannot be read.
    """
    try:
        content = figures.read_bytes()
    except OSError:
        raise _unreadable(figures) from None
    wanted = f"{figure},{period},".encode()
    header_end = content.find(b"\n") + 1
    start = end = content.find(b"\n" + wanted) + 1
    while start and content.startswith(wanted, end):
        end = content.find(b"\n", end) + 1 or len(content)
    text = (content[:header_end] + content[start:end]).decode(errors="replace")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise _unreadable(figures)
    return list(rows)


def _unreadable(figures: Path) -> Problem:
    return Problem(
        f"{figures} cannot be read: `python -m publish verify` says what is wrong with the release."
    )


def _require_figure(cell: Cell, definitions: Definitions, release: Path) -> None:
    if cell.figure in definitions:
        return
    close = difflib.get_close_matches(cell.figure, definitions, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"They are {', '.join(definitions)}."
    raise Problem(f"There is no figure `{cell.figure}` in the release {release.name}. {hint}")


def _require_period(period: str) -> None:
    try:
        days_of(period)
    except ValueError:
        raise Problem(
            f"`{period}` is no period. One is written as 2022, 2022-03, 2022-W09, or "
            "2020-01/2020-10 for a range of months."
        ) from None


def _no_category(cell: Cell, rows: list[dict[str, str]]) -> Problem:
    """Say which breakdown or category is not there, and which are."""
    categories = [row["category"] for row in rows if row["breakdown"] == cell.breakdown]
    if cell.breakdown and categories:
        wrong = f"has no category `{cell.category}`" if cell.category else "has categories"
        return Problem(
            f"{cell.figure} by {cell.breakdown} of {cell.period} {wrong}. Name one with "
            f"--category: {', '.join(categories)}."
        )
    breakdowns = list(dict.fromkeys(row["breakdown"] for row in rows))
    if cell.breakdown:
        wrong = f"is not given by `{cell.breakdown}`"
    elif cell.category:
        wrong = f"has `{cell.category}` only within a breakdown"
    else:
        wrong = "has no total"
    given = [
        f"with --breakdown {breakdown}" if breakdown else "as a total" for breakdown in breakdowns
    ]
    return Problem(f"{cell.figure} of {cell.period} {wrong}. It is given {' or '.join(given)}.")


def _no_period(cell: Cell, definition: Mapping[str, str], release: Path) -> Problem:
    path = release / FIGURES
    with path.open(encoding="utf-8", newline="") as lines:
        periods = {row["period"] for row in csv.DictReader(lines) if row["figure"] == cell.figure}
    alike = sorted(period for period in periods if _shape(period) == _shape(cell.period))
    if alike:
        there = ", ".join(alike) if "/" in cell.period else f"{alike[0]} to {alike[-1]}"
        return Problem(f"{cell.figure} has no row for {cell.period} in {release}: it has {there}.")
    kinds = definition.get("period_types", "").split() or ["month", "year"]
    return Problem(
        f"{cell.figure} has no row for {cell.period} in {release}: it is given by "
        f"{', '.join(kinds)}, and of ranges only for those that a published figure is about."
    )


def _shape(period: str) -> tuple[int, bool]:
    return len(period), "W" in period
