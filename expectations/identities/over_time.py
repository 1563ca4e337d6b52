"""Identities between the months, weeks, years and ranges of a figure that no relation gives."""

from __future__ import annotations

from expectations.identities.identity import Identity
from expectations.outcome import WARNING

OVER_TIME = (
    Identity(
        "months_above_the_year_hold_only_as_distinct_counts",
        "Where months of a year are pending or missing, its final ones together do not exceed it "
        "(persons who came in several months can make them: then it holds only as a distinct "
        "count).",
        "<=",
        """
        select figure, period, breakdown, category, summed_of_final as found, amount as against
        from wholes
        where kind = 'distinct' and period_type = 'year' and unfinished > 0
            and summed_of_final is not null and breakdown in ('', 'channel')
        """,
        severity=WARNING,
    ),
)
