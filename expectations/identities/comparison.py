"""What the identities compare, gathered and narrowed down by the engine."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pandas as pd

from expectations.identities.identity import Identity
from expectations.identities.prepared import PREPARED

# Three years give 140,000 comparisons, over which Great Expectations would take seconds. Of those
# that hold it gets, by identity, figure and breakdown, the one that is nearest to breaking: if that
# holds, they all do. Of those that do not, it gets every one.
NARROWED = """
with judged as (
    select *, if(relation = '=', abs(found - against), found - against) as excess
    from comparisons
),
holding as (
    select identity, relation, figure, breakdown,
        max_by(
            {period: period, category: category, found: found, against: against},
            {excess: excess, period: period, category: category}
        ) as nearest,
        count(*) as compared
    from judged
    where excess <= 0
    group by all
)
select identity, relation, figure, nearest.period, breakdown, nearest.category,
    nearest.found, nearest.against, compared
from holding
union all
select identity, relation, figure, period, breakdown, category, found, against, 1
from judged
where (excess <= 0) is not true
order by all
"""


def compare(connection: duckdb.DuckDBPyConnection, identities: Iterable[Identity]) -> pd.DataFrame:
    """Gather what identities compare, in a fixed order.

    Columns: identity, relation, figure, period, breakdown, category, found, against, compared. A
    row is a comparison that does not hold, or the one nearest to breaking of the `compared` that
    do.
    """
    connection.execute(PREPARED)
    for identity in identities:
        connection.execute(
            f"""
            insert into comparisons by name
            select '{identity.name}' as identity, '{identity.relation}' as relation,
                figure, period, breakdown, category,
                cast(found as double) as found, cast(against as double) as against
            from ({identity.query})
            """
        )
    return connection.execute(NARROWED).df()
