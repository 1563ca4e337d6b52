"""Identities between the figures and the tables that analysts read."""

from __future__ import annotations

from expectations.identities.identity import Identity


def _months_to_rows(figure: str, table: str) -> str:
    """Compare the months of a count with the rows of a mart."""
    return f"""
        with counted as (select month as period, count(*) as there from {table} group by all)
        select figure, period, '' as breakdown, '' as category,
            amount as found, coalesce(there, 0) as against
        from cells
        left join counted using (period)
        anti join retired using (period)
        where figure = '{figure}' and breakdown = '' and period_type = 'month'
            and amount is not null
    """


MARTS = (
    Identity(
        "figures_rest_on_the_deliveries_of_now",
        "The marts were computed from the deliveries as the ledger has them now.",
        "=",
        """
        with compared as (
            select deliveries.delivery_id is not distinct from ledger.keyed_id as is_same
            from raw.deliveries as ledger
            full join marts.deliveries
                on deliveries.delivery_id = ledger.keyed_id
                and deliveries.status = ledger.status
                and deliveries.events = ledger.events
        )
        select 'deliveries' as figure, '' as period, '' as breakdown, '' as category,
            count(*) filter (where not is_same) as found, 0 as against
        from compared
        """,
    ),
    Identity(
        "analysts_count_the_same_attempts",
        "The attempts of a month are the rows of the mart of that month.",
        "=",
        _months_to_rows("attempts", "marts.attempts"),
    ),
    Identity(
        "analysts_count_the_same_conversations",
        "The conversations of a month are the rows of the mart of that month.",
        "=",
        _months_to_rows("conversations", "marts.conversations"),
    ),
)
