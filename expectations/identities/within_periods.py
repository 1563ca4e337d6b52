"""Identities between the figures, and between the cells, of one period that no relation gives."""

from __future__ import annotations

from expectations.identities.identity import Identity

WITHIN_PERIODS = (
    Identity(
        "shares_sum_to_at_most_100",
        "The shares of a breakdown exceed 100 percent together by no more than their rounding.",
        "<=",
        """
        select figure, period, breakdown, '' as category,
            sum(value) as found, 100 + sum(0.5 / power(10, decimals)) as against
        from cells
        where kind = 'share' and value is not null
        group by all
        """,
    ),
)
