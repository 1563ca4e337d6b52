"""How exact the analysts' file is: what a person could be recognised by is coarser there.

A time to the second, or an age to the year, is what somebody knows of one conversation: of their
own, a child's, a friend's. The warehouse keeps both, for figures need them; analysts get minutes
and bands, unless the helpline's settings say that its analyses need more.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from publish.contents import Table, quoted

# The schema whose tables have a row for what one person did.
OF_PERSONS = "marts"
TIMES = "TIMESTAMP"
AGE = "age"
# A duration says how long, not when: it stays, but not as fine as a clock's own ticks, which the
# chat's log has as well. The decimals that remain, by column.
DURATIONS = {"wait_seconds": 0, "conversation_minutes": 1}


@dataclass(frozen=True)
class Coarseness:
    """What the settings of a helpline say that its analysts need."""

    exact_times: bool
    exact_ages: bool

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> Coarseness:
        """Read it from a warehouse."""
        [(times, ages)] = connection.execute(
            "select exact_times, exact_ages from raw.settings"
        ).fetchall() or [(False, False)]
        return cls(times, ages)

    def columns(self, table: Table) -> dict[str, str]:
        """Give the columns of a table in the analysts' file, in order: name, and its SQL."""
        return {
            name: self._coarse(name, kind) if table.schema == OF_PERSONS else quoted(name)
            for name, kind in table.columns
            if table.schema != OF_PERSONS or name != AGE or self.exact_ages
        }

    def _coarse(self, name: str, kind: str) -> str:
        if self.exact_times:
            return quoted(name)
        if kind.startswith(TIMES):
            return f"date_trunc('minute', {quoted(name)})"
        if name in DURATIONS:
            return f"round({quoted(name)}, {DURATIONS[name]})"
        return quoted(name)

    def note(self, table: Table, column: str) -> str:
        """Say for the comment on a column how much of it is there."""
        kinds = dict(table.columns)
        if table.schema != OF_PERSONS or column not in kinds or self.exact_times:
            return ""
        if kinds[column].startswith(TIMES):
            return " To the minute."
        if column in DURATIONS:
            return f" Rounded to {DURATIONS[column]} decimals."
        return ""
