"""Why a figure that was public has another value now, or none that is final."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import duckdb

from ingest.definitions import LOGS_OF_BASES
from publish.disclosure.cells import Cell
from publish.disclosure.periods import months_of
from publish.publications import Row

VALUE = "value"
RULES = "rules"
BEFORE_START = "before_start"
CODE_REMOVED = "code_removed"
LOGS_DOUBTED = "logs_doubted"
LOGS_GONE = "logs_gone"
# Those that are told once, however many figures they concern, in this order.
CAUSES = (RULES, BEFORE_START, CODE_REMOVED, LOGS_DOUBTED, LOGS_GONE)
DECLARED_GAP = "declared_gap"
NOT_COVERED = frozenset({"not_covered", "not_settled"})


@dataclass(frozen=True)
class Standing:
    """What a warehouse has that says why a figure is not what it was.

    `figures` gives of each figure the version of its definition, as text, and its basis; `reasons`
    of each log and month why it is provisional, as codes of the mart `log_months`; `starts_on` is
    the month of the helpline's first day, `codes` all breakdowns and codes that it has,
    `dated_codes` those that are in use from or until a date.
    """

    figures: Mapping[str, tuple[str, str]]
    reasons: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    starts_on: str = ""
    codes: frozenset[tuple[str, str]] = frozenset()
    dated_codes: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> Standing:
        """Read it from an open warehouse with its models; tables go by `schema.table`."""
        figures = connection.execute(
            "select figure, version, basis from figures.figure_definitions"
        ).fetchall()
        reasons = connection.execute("select log, month, because from marts.log_months").fetchall()
        [starts_on] = connection.execute(
            "select strftime(starts_on, '%Y-%m') from raw.settings"
        ).fetchone()
        codes = connection.execute(
            "select breakdown, code, valid_from is not null or valid_to is not null from raw.codes"
        ).fetchall()
        return cls(
            {figure: (f"{version}", basis) for figure, version, basis in figures},
            {(log, month): frozenset(because.split()) for log, month, because in reasons},
            starts_on,
            frozenset((breakdown, code) for breakdown, code, _ in codes),
            frozenset((breakdown, code) for breakdown, code, is_dated in codes if is_dated),
        )

    def cause_of_other_value(self, row: Row) -> str:
        """Say why a figure that is final has another value than a row of `public/`."""
        version, _ = self.figures[row.figure]
        return RULES if row.version != version else VALUE

    def cause_of_no_value(self, row: Row, *, is_there: bool) -> str | None:
        """Say why a figure of `public/` is not final any more, or is not there at all.

        None if somebody has said so: a gap was declared, or dates were given to a code that counted
        nobody.
        """
        if row.figure not in self.figures:
            return RULES
        is_dated = (row.breakdown, row.category) in self.dated_codes
        if not is_there and is_dated and not Decimal(row.value):
            return None
        months = months_of(row.period)
        if months and months[0] < self.starts_on:
            return BEFORE_START
        is_coded = any(breakdown == row.breakdown for breakdown, _ in self.codes)
        if not is_there and is_coded and (row.breakdown, row.category) not in self.codes:
            return CODE_REMOVED
        _, basis = self.figures[row.figure]
        reasons = frozenset().union(
            *(
                self.reasons.get((log, month), NOT_COVERED)
                for log in LOGS_OF_BASES[basis]
                for month in months
            )
        )
        if reasons == {DECLARED_GAP}:
            return None
        if reasons - NOT_COVERED - {DECLARED_GAP}:
            return LOGS_DOUBTED
        return LOGS_GONE if reasons & NOT_COVERED else RULES


def by_cause(causes: Mapping[Cell, str]) -> dict[str, list[Cell]]:
    """Group cells by the cause that is told once for all of them, in the order of CAUSES."""
    grouped = defaultdict(list)
    for cell, cause in sorted(causes.items()):
        grouped[cause].append(cell)
    return {cause: grouped[cause] for cause in CAUSES if cause in grouped}
