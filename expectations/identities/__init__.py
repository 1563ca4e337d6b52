"""The identities that always hold between figures, by subject, and what compares them.

What always holds between figures is a line of `dbt_project/seeds/figure_relations.csv`, and comes
from there (`related.py`). To add another one, add it to the tuple of its subject and plant a defect
for it in tests/test_expectations_figures.py. Its query reads the tables of `prepared.py`, and
gives: figure, period, breakdown, category, found, against.
"""

from expectations.identities.comparison import compare
from expectations.identities.identity import Identity
from expectations.identities.judgement import judge_identities
from expectations.identities.marts import MARTS
from expectations.identities.over_time import OVER_TIME
from expectations.identities.quotients import QUOTIENTS
from expectations.identities.related import RELATED
from expectations.identities.rows import ROWS
from expectations.identities.statuses import STATUSES
from expectations.identities.within_periods import WITHIN_PERIODS

IDENTITIES: tuple[Identity, ...] = (
    *RELATED,
    *WITHIN_PERIODS,
    *OVER_TIME,
    *QUOTIENTS,
    *ROWS,
    *STATUSES,
    *MARTS,
)

__all__ = ["IDENTITIES", "Identity", "compare", "judge_identities"]
