"""The identities that always hold between figures, each with the SQL that gathers what it compares.

To add one, add it to `IDENTITIES` and plant a defect for it in
tests/test_expectations_figures.py.
Every query gives: figure, period, breakdown, category, found, against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import duckdb
import pandas as pd

# What every identity may read. A value is exact here: decimals become floats only in the last step,
# where equal decimals become equal floats.
PREPARED = """
create temp table cells as
select
    figures.figure,
    period,
    coalesce(breakdown, '') as breakdown,
    coalesce(category, '') as category,
    value,
    obs_status,
    figures.decimals,
    left(period, 4) as year,
    length(period) = 4 as is_year,
    figure_definitions.kind,
    figure_definitions.basis,
    figure_definitions.decimals as known_decimals
from figures.figures
left join figures.figure_definitions using (figure);

-- A breakdown's cells beside the total of the period. Counts are exact; n + 1 rounded numbers of
-- two decimals are together off by at most half a hundredth each.
create temp table sums_of_cells as
with totals as (
    select figure, period, value as total
    from cells
    where breakdown = '' and value is not null
),
sums as (
    select figure, period, breakdown, sum(value) as summed, count(*) as parts
    from cells
    where breakdown <> ''
    group by all
    having count(value) = count(*)
)
select sums.*, total, 0.005 * (parts + 1) as rounding
from sums
inner join totals using (figure, period);

-- The hours of the week summed to weekdays and to hours, beside these.
create temp table sums_of_hours_of_week as
with fine as (
    select
        figure,
        period,
        unnest(['weekday', 'hour']) as breakdown,
        unnest(string_split(category, '-')) as category,
        value
    from cells
    where breakdown = 'hour_of_week'
),
sums as (
    select figure, period, breakdown, category, sum(value) as summed, count(*) as parts
    from fine
    group by all
    having count(value) = count(*)
)
select sums.*, value as total, 0.005 * (parts + 1) as rounding
from sums
inner join cells using (figure, period, breakdown, category)
where value is not null;

-- Each year beside its months.
create temp table years as
select
    figure,
    year as period,
    breakdown,
    category,
    kind,
    known_decimals,
    any_value(value) filter (where is_year) as value,
    coalesce(sum(value) filter (where not is_year), 0) as summed,
    coalesce(max(value) filter (where not is_year), 0) as largest,
    count(value) filter (where not is_year) as parts,
    0.005 * (parts + 1) as rounding
from cells
group by all
having any_value(value) filter (where is_year) is not null;

create temp table known_cells as
with clock as (
    select weekday, hour
    from (select unnest(generate_series(1, 7))::varchar as weekday)
    cross join (select lpad(unnest(generate_series(0, 23))::varchar, 2, '0') as hour)
),
categories as (
    select distinct 'weekday' as breakdown, weekday as category from clock
    union
    select 'hour', hour from clock
    union
    select 'hour_of_week', weekday || '-' || hour from clock
    union
    select breakdown, code from raw.codes where breakdown in ('scheduled_by', 'referred_by')
    union
    values ('scheduled_by', 'unknown'), ('scheduled_by', 'unlisted'), ('referred_by', 'unlisted')
),
broken_down as (
    select figure, unnest(string_split(breakdowns, ' ')) as breakdown
    from figures.figure_definitions
    where breakdowns <> ''
)
select figure, '' as breakdown, '' as category from figures.figure_definitions
union
select figure, breakdown, category from broken_down inner join categories using (breakdown)
union
values
    ('answered_sessions', 'channel', 'chat'),
    ('answered_sessions', 'channel', 'mail'),
    ('callers', 'channel', 'chat'),
    ('callers', 'channel', 'mail_only');
"""


@dataclass(frozen=True)
class Identity:
    """A sentence on the figures: `found` equals, or is at most, what it is held `against`."""

    name: str
    says: str
    relation: Literal["=", "<="]
    query: str


def _one_against_other(
    found: tuple[str, str, str], against: tuple[str, str, str], years_only: bool = False
) -> str:
    """Compare two series, each a figure, breakdown and category, in every period that has both."""
    return f"""
        select found.figure, period, found.breakdown, found.category,
            found.value as found, other.value as against
        from cells as found
        inner join cells as other using (period)
        where found.value is not null and other.value is not null
            and (found.figure, found.breakdown, found.category) = {found}
            and (other.figure, other.breakdown, other.category) = {against}
            {"and found.is_year" if years_only else ""}
    """


def _total(figure: str) -> tuple[str, str, str]:
    return (figure, "", "")


def _at_most(parts: dict[str, str]) -> str:
    """Compare the totals of figures with those of the figures that they are parts of."""
    pairs = ", ".join(f"('{part}', '{whole}')" for part, whole in parts.items())
    return f"""
        with pairs as (from (values {pairs}) as pairs (figure, whole))
        select cells.figure, cells.period, '' as breakdown, '' as category,
            cells.value as found, wholes.value as against
        from cells
        inner join pairs using (figure)
        inner join cells as wholes on wholes.figure = pairs.whole and wholes.period = cells.period
        where cells.breakdown = '' and wholes.breakdown = ''
            and cells.value is not null and wholes.value is not null
    """


def _cells_to_total(breakdowns: tuple[str, ...], figure: str = "") -> str:
    """Compare the sums of counted cells with the totals of their periods."""
    return f"""
        select figure, period, breakdown, '' as category, summed as found, total as against
        from sums_of_cells
        inner join figures.figure_definitions using (figure)
        where decimals = 0 and list_contains({list(breakdowns)}, breakdown)
            {f"and figure = '{figure}'" if figure else ""}
    """


def _recomputed(ratio: str, numerator: str, denominator: str) -> str:
    """Compare a ratio of one decimal with its parts: half up, in whole numbers."""
    return f"""
        with parts as (
            select period,
                any_value(value) filter (where figure = '{ratio}') as ratio,
                cast({numerator} as hugeint) as part,
                cast({denominator} as hugeint) as whole
            from cells
            where breakdown = ''
            group by period
        )
        select '{ratio}' as figure, period, '' as breakdown, '' as category,
            ratio as found, (20 * part + whole) // (2 * whole) / 10 as against
        from parts
        where ratio is not null and whole > 0
    """


def _value_of(figure: str) -> str:
    return f"any_value(value) filter (where figure = '{figure}')"


ANSWERED_IN_HOURS = _value_of("answered_in_hours_attempts")
MISSED = _value_of("missed_attempts")
TIME = ("weekday", "hour", "hour_of_week")

IDENTITIES = (
    # --- within a period
    Identity(
        "attempts_have_one_outcome",
        "Attempts answered, missed and out of hours sum to the attempts, in every cell.",
        "=",
        """
        select 'attempts' as figure, period, breakdown, category,
            any_value(value) filter (where figure = 'attempts') as found,
            sum(value) filter (where figure <> 'attempts') as against
        from cells
        where figure in
            ('attempts', 'answered_attempts', 'missed_attempts', 'out_of_hours_attempts')
        group by period, breakdown, category
        having count(value) = 4
        """,
    ),
    Identity(
        "times_sum_to_the_period",
        "The weekdays, the hours and the hours of the week of a count each sum to the period.",
        "=",
        _cells_to_total(TIME),
    ),
    Identity(
        "hours_sum_to_the_period",
        "The open hours by weekday, hour and hour of the week differ from those of the period by "
        "no more than their rounding.",
        "<=",
        """
        select figure, period, breakdown, '' as category,
            abs(summed - total) as found, rounding as against
        from sums_of_cells
        inner join figures.figure_definitions using (figure)
        where decimals = 2
        """,
    ),
    Identity(
        "hours_of_the_week_sum_to_weekdays_and_hours",
        "The hours of the week of a count sum to its weekdays, and to its hours.",
        "=",
        """
        select figure, period, breakdown, category, summed as found, total as against
        from sums_of_hours_of_week
        inner join figures.figure_definitions using (figure)
        where decimals = 0
        """,
    ),
    Identity(
        "open_hours_of_the_week_sum_to_weekdays_and_hours",
        "The open hours of the hours of the week differ from those of the weekdays, and of the "
        "hours, by no more than their rounding.",
        "<=",
        """
        select figure, period, breakdown, category,
            abs(summed - total) as found, rounding as against
        from sums_of_hours_of_week
        inner join figures.figure_definitions using (figure)
        where decimals = 2
        """,
    ),
    Identity(
        "channels_sum_to_answered_sessions",
        "Answered sessions by chat and by mail sum to the answered sessions.",
        "=",
        _cells_to_total(("channel",), "answered_sessions"),
    ),
    Identity(
        "channels_sum_to_callers",
        "Callers by chat and callers by mail only sum to the callers.",
        "=",
        _cells_to_total(("channel",), "callers"),
    ),
    Identity(
        "schedulers_sum_to_scheduled_conversations",
        "Scheduled conversations by who scheduled them sum to the scheduled conversations.",
        "=",
        _cells_to_total(("scheduled_by",)),
    ),
    Identity(
        "referrers_sum_to_referrals",
        "Referrals by who referred sum to the referrals.",
        "=",
        _cells_to_total(("referred_by",)),
    ),
    Identity(
        "conversations_are_answered_chats",
        "The answered sessions by chat are the conversations.",
        "=",
        _one_against_other(("answered_sessions", "channel", "chat"), _total("conversations")),
    ),
    Identity(
        "conversations_at_most_answered_sessions",
        "There are no more conversations than answered sessions.",
        "<=",
        _at_most({"conversations": "answered_sessions"}),
    ),
    Identity(
        "missed_pressers_at_most_pressers",
        "There are no more missed pressers than pressers.",
        "<=",
        _at_most({"missed_pressers": "pressers"}),
    ),
    Identity(
        "out_of_hours_pressers_at_most_pressers",
        "There are no more out-of-hours pressers than pressers.",
        "<=",
        _at_most({"out_of_hours_pressers": "pressers"}),
    ),
    Identity(
        "unreached_pressers_at_most_pressers",
        "There are no more unreached pressers than pressers.",
        "<=",
        _at_most({"unreached_pressers": "pressers"}),
    ),
    Identity(
        "parts_at_most_their_whole",
        "No count exceeds the count that it is a part of: visitors and their attempts, callers and "
        "their sessions, new callers and callers.",
        "<=",
        _at_most(
            {
                "answered_in_hours_attempts": "answered_attempts",
                "attempts_without_visitor": "attempts",
                "missed_pressers": "missed_attempts",
                "out_of_hours_pressers": "out_of_hours_attempts",
                "unreached_pressers": "missed_pressers",
                "scheduled_conversations": "conversations",
                "callers": "answered_sessions",
                "new_callers": "callers",
                "first_time_callers": "callers",
                "referrals": "answered_sessions",
            }
        ),
    ),
    # --- between months and years
    Identity(
        "months_sum_to_the_year",
        "The months of a count that adds up sum to the year, in every cell.",
        "=",
        """
        select figure, period, breakdown, category, value as found, summed as against
        from years
        where kind = 'sum' and known_decimals = 0
        """,
    ),
    Identity(
        "months_of_hours_sum_to_the_year",
        "The hours of the months differ from those of the year by no more than their rounding.",
        "<=",
        """
        select figure, period, breakdown, category,
            abs(summed - value) as found, rounding as against
        from years
        where kind = 'sum' and known_decimals = 2
        """,
    ),
    Identity(
        "new_callers_of_months_sum_to_chat_callers",
        "The new callers of the months sum to the year's callers by chat.",
        "=",
        """
        select years.figure, period, '' as breakdown, '' as category,
            years.summed as found, callers.value as against
        from years
        inner join years as callers using (period)
        where years.figure = 'new_callers'
            and callers.figure = 'callers' and callers.category = 'chat'
        """,
    ),
    Identity(
        "new_callers_of_a_year_are_chat_callers",
        "The new callers of a year are its callers by chat.",
        "=",
        _one_against_other(_total("new_callers"), ("callers", "channel", "chat"), years_only=True),
    ),
    Identity(
        "largest_month_at_most_the_year",
        "Persons of the largest month are no more than those of the year.",
        "<=",
        """
        select figure, period, breakdown, category, largest as found, value as against
        from years
        where figure in ('pressers', 'missed_pressers', 'out_of_hours_pressers')
            or figure = 'callers' and category in ('', 'chat')
        """,
    ),
    Identity(
        "year_at_most_its_months",
        "Persons of a year are no more than those of its months together.",
        "<=",
        """
        select figure, period, breakdown, category, value as found, summed as against
        from years
        where figure in ('pressers', 'missed_pressers', 'out_of_hours_pressers')
            or figure = 'callers' and category in ('', 'chat')
        """,
    ),
    Identity(
        "year_of_remainders_at_most_its_months",
        "Unreached pressers and callers by mail only of a year are no more than those of its "
        "months together.",
        "<=",
        """
        select figure, period, breakdown, category, value as found, summed as against
        from years
        where figure = 'unreached_pressers' or category = 'mail_only'
        """,
    ),
    # --- ratios and quantiles
    Identity(
        "answer_rate_follows_from_its_parts",
        "The answer rate is answered in hours ÷ (answered in hours + missed), rounded half up.",
        "=",
        _recomputed("answer_rate", f"100 * {ANSWERED_IN_HOURS}", f"{ANSWERED_IN_HOURS} + {MISSED}"),
    ),
    Identity(
        "clicks_per_conversation_follow_from_their_parts",
        "Clicks per conversation are clicks ÷ conversations, rounded half up.",
        "=",
        _recomputed("clicks_per_conversation", _value_of("clicks"), _value_of("conversations")),
    ),
    Identity(
        "ratios_have_a_value_if_a_denominator",
        "A ratio has a value exactly where there is something to divide by.",
        "=",
        f"""
        with wholes as (
            select 'answer_rate' as figure, period, {ANSWERED_IN_HOURS} + {MISSED} as whole
            from cells where breakdown = '' group by period
            union all
            select 'clicks_per_conversation', period, {_value_of("conversations")}
            from cells where breakdown = '' group by period
        )
        select figure, period, '' as breakdown, '' as category,
            cast(value is not null as integer) as found, cast(whole > 0 as integer) as against
        from cells
        inner join wholes using (figure, period)
        where obs_status <> 'O' and whole is not null
        """,
    ),
    Identity(
        "durations_need_a_conversation",
        "There is a median or a ninth decile only of periods with conversations.",
        "<=",
        """
        select cells.figure, period, '' as breakdown, '' as category,
            1 as found, conversations.value as against
        from cells
        inner join cells as conversations using (period)
        where cells.kind = 'quantile' and cells.value is not null
            and conversations.figure = 'conversations' and conversations.breakdown = ''
        """,
    ),
    Identity(
        "median_wait_at_most_ninth_decile",
        "Half of the waits are no longer than nine in ten of them.",
        "<=",
        _at_most({"wait_seconds_median": "wait_seconds_p90"}),
    ),
    # --- which rows there are
    Identity(
        "every_cell_is_there",
        "Every figure has every known category in every period of its logs, also where it is 0.",
        "=",
        """
        with periods as (select distinct basis, period from cells),
        there as (
            select figure, period, breakdown, count(distinct category) as there
            from cells
            semi join known_cells using (figure, breakdown, category)
            group by all
        ),
        wanted as (
            select figure, period, known_cells.breakdown, count(*) as wanted
            from known_cells
            inner join figures.figure_definitions using (figure)
            inner join periods using (basis)
            group by all
        )
        select figure, period, breakdown, '' as category,
            coalesce(there, 0) as found, wanted as against
        from wanted
        left join there using (figure, period, breakdown)
        """,
    ),
    Identity(
        "no_other_cell_is_there",
        "No figure has a category that is not known.",
        "=",
        """
        select figure, '' as period, cells.breakdown, '' as category,
            count(*) filter (where known_cells.figure is null) as found, 0 as against
        from cells
        left join known_cells using (figure, breakdown, category)
        group by figure, cells.breakdown
        """,
    ),
    Identity(
        "no_period_is_left_out",
        "The months of a figure follow each other without a gap, and its years are theirs.",
        "=",
        """
        with months as (
            select figure, try_strptime(period, '%Y-%m') as month, null as year from cells
            where not is_year
            union all
            select figure, null, try_cast(period as integer) from cells where is_year
        )
        select figure, 'months' as period, '' as breakdown, '' as category,
            count(distinct month) as found,
            date_diff('month', min(month), max(month)) + 1 as against
        from months group by figure
        union all
        select figure, 'years', '', '',
            count(distinct year),
            greatest(max(year), max(year(month))) - least(min(year), min(year(month))) + 1
        from months group by figure
        """,
    ),
    Identity(
        "ranges_begin_and_end_covered",
        "The first and the last period of a figure have a covered day: there are no rows outside.",
        "=",
        """
        select figure, arg_min(period, period) as period, '' as breakdown, '' as category,
            cast(arg_min(obs_status, period) = 'O' as integer) as found, 0 as against
        from cells group by figure, is_year
        union all
        select figure, arg_max(period, period), '', '',
            cast(arg_max(obs_status, period) = 'O' as integer), 0
        from cells group by figure, is_year
        """,
    ),
    # --- statuses
    Identity(
        "one_status_per_period",
        "Figures that rest on the same logs have one status in a period, in all their cells.",
        "=",
        """
        select basis as figure, period, '' as breakdown, '' as category,
            count(distinct obs_status) as found, 1 as against
        from cells
        where basis is not null
        group by basis, period
        """,
    ),
    Identity(
        "years_are_as_final_as_their_months",
        "A year is final (2) where its twelve months are, missing (0) where all are, and otherwise "
        "provisional (1).",
        "=",
        """
        select figure, year as period, '' as breakdown, '' as category,
            case any_value(obs_status) filter (where is_year)
                when 'A' then 2 when 'O' then 0 else 1
            end as found,
            case
                when count(distinct period) filter (where not is_year and obs_status = 'A') = 12
                    then 2
                when count(*) filter (where not is_year and obs_status <> 'O') = 0 then 0
                else 1
            end as against
        from cells
        where breakdown = ''
        group by figure, year
        having count(*) filter (where is_year) > 0
        """,
    ),
    Identity(
        "values_have_the_decimals_of_their_figure",
        "No value has more decimals than its figure, and every row says how many those are.",
        "=",
        """
        select figure, '' as period, breakdown, '' as category,
            count(*) filter (
                where value * cast(power(10, known_decimals) as integer) % 1 <> 0
                    or decimals is distinct from known_decimals
            ) as found,
            0 as against
        from cells
        where known_decimals is not null
        group by figure, breakdown
        """,
    ),
    # --- the tables that analysts read
    Identity(
        "figures_rest_on_the_deliveries_of_now",
        "The marts were computed from the deliveries as the ledger has them now.",
        "=",
        """
        with compared as (
            select deliveries.delivery_id is not distinct from ledger.delivery_id as is_same
            from raw.deliveries as ledger
            full join marts.deliveries
                on deliveries.delivery_id = ledger.delivery_id
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
        """
        with counted as (select month as period, count(*) as there from marts.attempts group by all)
        select figure, period, '' as breakdown, '' as category,
            value as found, coalesce(there, 0) as against
        from cells
        left join counted using (period)
        where figure = 'attempts' and breakdown = '' and not is_year and value is not null
        """,
    ),
    Identity(
        "analysts_count_the_same_conversations",
        "The conversations of a month are the rows of the mart of that month.",
        "=",
        """
        with counted as (
            select month as period, count(*) as there from marts.conversations group by all
        )
        select figure, period, '' as breakdown, '' as category,
            value as found, coalesce(there, 0) as against
        from cells
        left join counted using (period)
        where figure = 'conversations' and breakdown = '' and not is_year and value is not null
        """,
    ),
)


def compare(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Gather what all identities compare: one row for each cell of each identity, in a fixed order.

    Columns: identity, figure, period, breakdown, category, found, against.
    """
    connection.execute(PREPARED)
    queries = " union all by name ".join(
        f"""
        (
            select '{identity.name}' as identity, figure, period, breakdown, category,
                cast(found as double) as found, cast(against as double) as against
            from ({identity.query})
        )
        """
        for identity in IDENTITIES
    )
    return connection.execute(f"{queries} order by all").df()
