"""What a reader has: the folder `public/` of a release, with its values, labels and marks.

The report, the workbook and the annex are made from these files alone, so that nothing else can
slip into them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cached_property
from pathlib import Path

from ingest.definitions import FIXED_CATEGORIES
from ingest.problem import Problem
from publish.disclosure.cells import Cell
from publish.formulas import as_meant

FIGURES = "figures.csv"
DEFINITIONS = "figure_definitions.csv"
CODES = "codes.csv"
REVISIONS = "revisions.csv"
DATA_GAPS = "data_gaps.csv"
DATAPACKAGE = "datapackage.json"
# What the tables need to know of the helpline; datapackage.json carries it under this name.
ABOUT = "chatcijfers"
# The category of codes that no list of the helpline holds.
UNLISTED = "unlisted"
# What stands between the reasons of a value with several breaks.
BETWEEN_BREAKS = "; "


class State(Enum):
    """What a reader gets of a cell: a value, or which mark in its place.

    `ABSENT` is a cell that the file has no row for, such as a month that has not closed yet; in a
    table it stays empty.
    """

    FINAL = "final"
    PROVISIONAL = "provisional"
    PENDING = "pending"
    CONFIDENTIAL = "confidential"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"
    ABSENT = "absent"


@dataclass(frozen=True)
class Value:
    """What a reader gets of one cell.

    `number` is there if `state` is final or provisional; it has `decimals` decimals. `unit` and
    `base` are those of the figure, in English; `break_reason` says why the series breaks, if it
    does. `is_revised` marks what an earlier document printed otherwise.
    """

    state: State
    number: Decimal | None = None
    decimals: int = 0
    unit: str = ""
    base: str = ""
    break_reason: str = ""
    is_revised: bool = False


@dataclass(frozen=True)
class Revision:
    """Why a published figure has another value now. `decided_on` is an ISO date."""

    cell: Cell
    reason: str
    decided_on: str


@dataclass(frozen=True)
class Gap:
    """Days of a log (`button` or `chat`) known to be wanting or still to be cleaned, and why."""

    log: str
    starts_on: date
    ends_on: date
    reason: str


@dataclass(frozen=True)
class About:
    """Whose figures they are, and how they were made.

    `language` is the helpline's, as `nl`; `closed_through` the last month in `public/`, as
    `2022-12`; counts of persons below `small_count_threshold` are hidden; a month closes
    `settling_days` after its end; `content` numbers the contents of `public/` from 1.
    """

    helpline: str
    language: str
    timezone: str
    closed_through: str
    content: int
    small_count_threshold: int
    settling_days: int
    attempt_gap_minutes: int


@dataclass(frozen=True)
class Public:
    """All that a reader has.

    `definitions` are the lines of figure_definitions.csv by figure, `codes` those of codes.csv by
    breakdown and code, in the helpline's order.
    """

    about: About
    values: Mapping[Cell, Value]
    definitions: Mapping[str, Mapping[str, str]]
    codes: Mapping[tuple[str, str], Mapping[str, str]]
    revisions: Mapping[Cell, Revision]
    gaps: tuple[Gap, ...]

    @classmethod
    def read(cls, folder: Path) -> Public:
        """Read the folder `public/` of a release. Raises Problem if it is not whole."""
        try:
            package = json.loads((folder / DATAPACKAGE).read_text(encoding="utf-8"))
            about = About(**package[ABOUT])
            definitions = {row["figure"]: row for row in _rows(folder / DEFINITIONS)}
            codes = {(row["breakdown"], row["code"]): row for row in _rows(folder / CODES)}
            revisions = {
                cell: Revision(cell, row["reason"], row["decided_on"])
                for row in _rows(folder / REVISIONS)
                for cell in [cell_of(row)]
            }
            gaps = tuple(_gap(row) for row in _rows(folder / DATA_GAPS))
            values = {cell_of(row): value_of(row, _state(row)) for row in _rows(folder / FIGURES)}
        except (OSError, ValueError, KeyError, TypeError):
            raise Problem(
                f"{folder} holds no whole set of public figures; `python -m publish verify` says "
                "what is wrong with the release."
            ) from None
        for cell in revisions.keys() & values.keys():
            values[cell] = replace(values[cell], is_revised=True)
        return cls(about, values, definitions, codes, revisions, gaps)

    def value(self, figure: str, period: str, breakdown: str = "", category: str = "") -> Value:
        """Give what a reader gets of a cell; `ABSENT` for one that has no row."""
        return self.values.get(Cell(figure, period, breakdown, category), Value(State.ABSENT))

    def categories(self, figure: str, breakdown: str) -> list[str]:
        """Give the categories of a figure's breakdown: codes in the helpline's order, then others.

        Weekdays, hours, hours and parts of the week come in their own order.
        """
        found = {cell.category for cell in self._cells_of(figure) if cell.breakdown == breakdown}
        order = {
            code: int(row["sort"]) for (of, code), row in self.codes.items() if of == breakdown
        } or {code: place for place, code in enumerate(FIXED_CATEGORIES.get(breakdown, ()))}
        return sorted(found, key=lambda category: (order.get(category, len(order) + 1), category))

    @cached_property
    def years(self) -> list[str]:
        """The calendar years of which something is public, the whole ones and the last one."""
        return sorted({cell.period[:4] for cell in self.values if "/" not in cell.period})

    @cached_property
    def whole_years(self) -> list[str]:
        """The calendar years that are closed, oldest first."""
        return sorted({cell.period for cell in self.values if len(cell.period) == 4})

    def _cells_of(self, figure: str) -> Iterator[Cell]:
        return (cell for cell in self.values if cell.figure == figure)


def breaks_of(values: Iterable[Value]) -> Iterator[str]:
    """Give the breaks in the series of values one by one, also where a value has several."""
    for value in values:
        if value.break_reason:
            yield from value.break_reason.split(BETWEEN_BREAKS)


def months_of_year(year: str) -> list[str]:
    """Give the twelve months of a year, as `2022-03`."""
    return [f"{year}-{month:02}" for month in range(1, 13)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [{name: as_meant(cell) for name, cell in row.items()} for row in rows]


def cell_of(row: Mapping[str, str]) -> Cell:
    """Give the cell that a line of figures.csv is about."""
    return Cell(row["figure"], row["period"], row["breakdown"], row["category"])


def _gap(row: Mapping[str, str]) -> Gap:
    first, last = (date.fromisoformat(row[name]) for name in ("starts_on", "ends_on"))
    return Gap(row["log"], first, last, row["reason"])


def value_of(row: Mapping[str, str], state: State) -> Value:
    """Give what a line of figures.csv says of its cell, to whom it is in this state."""
    return Value(
        state=state,
        number=Decimal(row["value"]) if row["value"] else None,
        decimals=int(row["decimals"]),
        unit=row["unit"],
        base=row["base"],
        break_reason=row["break"],
    )


def _state(row: Mapping[str, str]) -> State:
    if row["value"]:
        return State.FINAL if row["obs_status"] == "A" else State.PROVISIONAL
    if row["conf_status"] == "C":
        return State.CONFIDENTIAL
    if row["obs_status"] == "P":
        return State.PENDING
    return State.MISSING if row["obs_status"] == "O" else State.NOT_APPLICABLE
