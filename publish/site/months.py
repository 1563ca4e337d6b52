"""Which months are provisional, by log, and why; and how much is lost beside them, roughly.

Months that follow each other and of which the same is told are one row. As little is told as no
count: "fewer than ten" is also said of none, so that no night's first lost line shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import duckdb

from publish.lineage import columns_of
from publish.months import stretches
from publish.words import Words


@dataclass(frozen=True)
class Stretch:
    """Months of a log of which the same is told: `why` is nothing where they are final."""

    log: str
    months: str
    standing: str
    why: str
    lost: str
    accepted: str


def tell_months(
    connection: duckdb.DuckDBPyConnection, words: Words, roughly: Callable[[int], str]
) -> list[Stretch]:
    """Tell of each log's months how they stand; nothing of a warehouse that does not know."""
    if not columns_of(connection, "marts", "log_months"):
        return []
    rows = connection.execute(
        """
        select log, month, obs_status, coalesce(because, ''), lost_lines, accepted_lines
        from marts.log_months
        order by log, month
        """
    ).fetchall()
    told = {
        (log, month): (status, because, roughly(lost), roughly(accepted) if accepted else "")
        for log, month, status, because, lost, accepted in rows
    }
    found = []
    for (log, standing), keys in groupby(told, key=lambda key: (key[0], told[key])):
        status, because, lost, accepted = standing
        found += [
            Stretch(
                words.group("logs")[log],
                _written(stretch, words),
                words.group("standings")[status],
                "; ".join(words.group("because")[code] for code in because.split()),
                lost,
                accepted,
            )
            for stretch in stretches(month for _, month in keys)
        ]
    return found


def _written(stretch: list[str], words: Words) -> str:
    ends = stretch if len(stretch) == 1 else [stretch[0], stretch[-1]]
    return words.period("/".join(ends))
