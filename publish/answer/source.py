"""What an annex is made from: what is public, or the helpline's own figures."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import duckdb

from ingest.problem import Problem
from publish.contents import literal, read_dicts
from publish.disclosure.cells import Cell
from publish.disclosure.periods import months_of, year_before
from publish.ledger import decimals_of, rounded
from publish.public import (
    BETWEEN_BREAKS,
    DATAPACKAGE,
    About,
    Gap,
    Public,
    Revision,
    State,
    Value,
    breaks_of,
    cell_of,
    value_of,
)
from publish.publications import PUBLIC
from publish.verify import DATABASE, MANIFEST, is_without_database, say_without_database
from publish.write import FIGURES

CHANGE = "_change_percent"
MEAN = "_per_month"
# From what is hidden nothing can be computed, then from what is wanting.
WORST_FIRST = (State.CONFIDENTIAL, State.PENDING, State.MISSING, State.NOT_APPLICABLE)


@dataclass(frozen=True)
class Shown(Value):
    """A value with what only an annex says of it.

    `remark` is `not_there` (no row in the release), `no_such` (the figure has no such value), or of
    an internal value what a reader of `public/` gets in its place: `hidden`, `not_public`, `other`.
    """

    remark: str = ""


@dataclass(frozen=True)
class Source:
    """The figures of a release: those of `public`, or all of them if `is_internal`.

    `readers` is what readers have beside internal figures, if anything is public yet.
    """

    figures: Public
    release: str
    is_internal: bool = False
    readers: Public | None = None

    @classmethod
    def read(cls, release: Path, is_internal: bool = False) -> Source:
        """Read the figures of a release. Raises Problem if there are none, or not whole ones."""
        if not release.is_dir():
            raise Problem(
                f"There is no release in {release}. Name another state folder with --data, or the "
                "folder of a release with --release; `make run` makes one."
            )
        folder = release / PUBLIC
        readers = Public.read(folder) if (folder / DATAPACKAGE).exists() else None
        name = release.resolve().name
        if is_internal:
            return cls(_read_internal(release), name, True, readers)
        if readers is None:
            raise Problem(
                f"Nothing is public yet in the release {name}: no month has closed, or all of it "
                "is held back (`python -m publish show` says which). With --internal the "
                "annex is made from the helpline's own figures."
            )
        return cls(readers, name)

    @cached_property
    def breakdowns(self) -> Mapping[str, frozenset[str]]:
        """The breakdowns by which each figure is given; empty for a total."""
        found: dict[str, set[str]] = {}
        for cell in self.figures.values:
            found.setdefault(cell.figure, set()).add(cell.breakdown)
        return {figure: frozenset(given) for figure, given in found.items()}

    @cached_property
    def periods(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The periods of each figure and breakdown."""
        found: dict[tuple[str, str], set[str]] = {}
        for cell in self.figures.values:
            found.setdefault((cell.figure, cell.breakdown), set()).add(cell.period)
        return {given: frozenset(periods) for given, periods in found.items()}

    def kind(self, figure: str) -> str:
        """Give the kind of a figure: sum, distinct, ratio, quantile, share, change or mean."""
        return self.figures.definitions[figure]["kind"]

    def value(self, cell: Cell) -> Value:
        """Give a cell's value; of a range of months that no document has used yet, worked out.

        A sum, its change and its mean follow from the months that are shown. What does not add up
        over time stays absent.
        """
        found = self.figures.values.get(cell)
        if found is not None:
            return found
        if "/" not in cell.period or cell.figure not in self.figures.definitions:
            return Value(State.ABSENT)
        kind = self.kind(cell.figure)
        if kind == "sum":
            return self._summed(cell)
        if kind == "change":
            return self._changed(cell)
        return self._averaged(cell) if kind == "mean" else Value(State.ABSENT)

    def shown(self, cell: Cell | None) -> Shown:
        """Give a cell's value with what an annex says of it; None is a cell that cannot be."""
        if cell is None:
            return Shown(State.ABSENT, remark="no_such")
        found = self.value(cell)
        if found.state is not State.ABSENT:
            return Shown(**vars(found), remark=self._remark(cell, found))
        # The first year of all has no change: there is nothing to compare it with.
        counted = cell._replace(figure=cell.figure.removesuffix(CHANGE))
        has_no_year_before = counted != cell and self.value(counted).state is not State.ABSENT
        return Shown(State.ABSENT, remark="no_such" if has_no_year_before else "not_there")

    def whole_mean(self, cell: Cell) -> Value:
        """Give a mean per month without decimals, rounded half up from its sum and its months.

        A mean that its public sum does not explain keeps its decimals.
        """
        mean = self.value(cell)
        exact = self._mean(cell)
        if mean.number is None or exact is None or rounded(exact, mean.decimals) != mean.number:
            return mean
        return replace(mean, number=rounded(exact, 0), decimals=0)

    def with_document(self, printed: Mapping[Cell, str]) -> Source:
        """Mark as revised what a document printed otherwise; `printed` has its values as text."""
        values = dict(self.figures.values)
        for cell, text in printed.items():
            value = values.get(cell)
            if value and value.number is not None and not agrees(value.number, Decimal(text)):
                values[cell] = replace(value, is_revised=True)
        return replace(self, figures=replace(self.figures, values=values))

    def _remark(self, cell: Cell, found: Value) -> str:
        if not self.is_internal or found.number is None:
            return ""
        public = self.readers.values.get(cell) if self.readers else None
        if public is not None and public.state is State.CONFIDENTIAL:
            return "hidden"
        if public is None or public.number is None:
            return "not_public"
        return "other" if public.number != found.number else ""

    def _summed(self, cell: Cell) -> Value:
        months = [self.value(cell._replace(period=month)) for month in months_of(cell.period)]
        if any(month.decimals for month in months):
            return Value(State.ABSENT)  # rounded months do not add up to a rounded total
        return _worked_out(months, sum((month.number or 0 for month in months), Decimal(0)))

    def _changed(self, cell: Cell) -> Value:
        counted = cell._replace(figure=cell.figure.removesuffix(CHANGE))
        now = self.value(counted)
        before = self.value(counted._replace(period=year_before(cell.period)))
        if before.number == 0:
            before = Value(State.NOT_APPLICABLE)
        if now.decimals or before.decimals:
            return Value(State.ABSENT)  # nor do they tell by what part the unrounded ones differ
        change = None
        if now.number is not None and before.number:
            share = Fraction(now.number - before.number) / Fraction(before.number)
            change = rounded(share * 100, 0)
        return replace(_worked_out([now, before], change), unit="percent", break_reason="")

    def _averaged(self, cell: Cell) -> Value:
        total = self.value(cell._replace(figure=cell.figure.removesuffix(MEAN)))
        definition = self.figures.definitions[cell.figure]
        decimals, exact = int(definition["decimals"]), self._mean(cell)
        mean = None if exact is None else rounded(exact, decimals)
        return replace(_worked_out([total], mean), decimals=decimals, unit=definition["unit"])

    def _mean(self, cell: Cell) -> Fraction | None:
        """Divide the sum of a period by its months that are covered, exactly."""
        counted = cell._replace(figure=cell.figure.removesuffix(MEAN))
        total = self.value(counted).number
        states = [self.value(counted._replace(period=one)).state for one in months_of(cell.period)]
        months = sum(state not in (State.MISSING, State.ABSENT) for state in states)
        return Fraction(total) / months if total is not None and months else None


def agrees(value: Decimal, printed: Decimal) -> bool:
    """Tell whether a rounded value and a printed one can be the same.

    A value that lies in the middle of two printed ones may have been rounded to either.
    """
    decimals = decimals_of(printed)
    if decimals >= decimals_of(value):
        return value == printed
    return abs(Fraction(value) - Fraction(printed)) * 2 * 10**decimals <= 1


def _worked_out(parts: Iterable[Value], number: Decimal | None) -> Value:
    """Give what was computed from other values; the worst of their states is its own."""
    parts = list(parts)
    states = {part.state for part in parts}
    if State.ABSENT in states:
        return Value(State.ABSENT)
    for state in WORST_FIRST:
        if state in states:
            return replace(parts[0], state=state, number=None, is_revised=False)
    breaks = dict.fromkeys(breaks_of(parts))
    return replace(
        parts[0],
        state=State.PROVISIONAL if State.PROVISIONAL in states else State.FINAL,
        number=number,
        break_reason=BETWEEN_BREAKS.join(breaks),
        is_revised=False,
    )


def _read_internal(release: Path) -> Public:
    """Read all figures of a release into what tables are made from."""
    if is_without_database(release):
        raise Problem(say_without_database(release))
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        about = _about(manifest)
        with duckdb.connect() as connection:
            connection.execute(f"attach {literal(release / DATABASE)} as release (read_only)")
            connection.execute("use release")
            definitions = _by(connection, "figures.figure_definitions", "figure")
            codes = {
                (row["breakdown"], row["code"]): row
                for row in _texts(connection, "from helpline.codes order by breakdown, sort, code")
            }
            gaps = tuple(
                Gap(row["log"], *map(date.fromisoformat, (row["starts_on"], row["ends_on"])),
                    row["reason"])
                for row in _texts(connection, "from helpline.data_gaps order by starts_on, log")
            )  # fmt: skip
            revisions = {
                cell: Revision(cell, row["reason"], row["decided_on"])
                for row in _texts(connection, "from helpline.revisions order by decided_on, rowid")
                for cell in [cell_of(row)]
            }
        with (release / FIGURES).open(encoding="utf-8", newline="") as file:
            values = {cell_of(row): value_of(row, _state(row)) for row in csv.DictReader(file)}
    except (OSError, duckdb.Error, ValueError, KeyError, TypeError):
        raise Problem(
            f"{release} holds no whole set of internal figures; `python -m publish verify` says "
            "what is wrong with the release."
        ) from None
    for cell in revisions.keys() & values.keys():
        values[cell] = replace(values[cell], is_revised=True)
    return Public(about, values, definitions, codes, revisions, gaps)


def _about(manifest: Mapping) -> About:
    settings, public = manifest["settings"], manifest["public"]
    return About(
        helpline=settings["name"],
        language=settings["language"],
        timezone=settings["timezone"],
        closed_through=public["closed_through"] or "",
        content=len(public["contents"]),
        small_count_threshold=int(settings["small_count_threshold"]),
        settling_days=int(settings["settling_days"]),
        attempt_gap_minutes=int(settings["attempt_gap_minutes"]),
    )


def _by(
    connection: duckdb.DuckDBPyConnection, table: str, column: str
) -> dict[str, dict[str, str]]:
    return {row[column]: row for row in _texts(connection, f"from {table} order by {column}")}


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, str]]:
    """Run a query and give each row by column, as text; null is empty."""
    rows = read_dicts(connection, query)
    return [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in rows
    ]


def _state(row: Mapping[str, str]) -> State:
    """Give what the helpline itself has of a cell; who else may see it makes no difference."""
    if row["value"]:
        return State.FINAL if row["obs_status"] == "A" else State.PROVISIONAL
    without = {"O": State.MISSING, "P": State.PENDING}
    return without.get(row["obs_status"], State.NOT_APPLICABLE)
