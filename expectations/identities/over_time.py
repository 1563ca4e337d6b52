"""Identities between the months, weeks, years and ranges of a figure."""

from __future__ import annotations

from expectations.identities.identity import Identity
from expectations.outcome import WARNING

# Distinct persons: those of a month are among those of the year.
GROWING = """
    (
        figure in ('pressers', 'missed_pressers', 'out_of_hours_pressers')
        or figure = 'callers' and category in ('', 'chat')
    )
"""
# Who is reached, or chats, in another month is none of these in the year.
REMAINDERS = "(figure = 'unreached_pressers' or figure = 'callers' and category = 'mail_only')"

OVER_TIME = (
    Identity(
        "months_sum_to_years_and_ranges",
        "The months of a figure that adds up sum to the year, and to a range, in every cell.",
        "=",
        """
        select figure, period, breakdown, category, amount as found, summed as against
        from wholes
        where kind = 'sum' and unknown = 0 and summed is not null
        """,
    ),
    Identity(
        "new_callers_since_january_are_chat_callers",
        "The new callers of a January, a year or a range from January on are its chat callers.",
        "=",
        """
        select newcomers.figure, period, '' as breakdown, '' as category,
            newcomers.amount as found, callers.amount as against
        from cells as newcomers
        inner join cells as callers using (period)
        where (newcomers.figure, newcomers.breakdown) = ('new_callers', '')
            and (callers.figure, callers.category) = ('callers', 'chat')
            and newcomers.amount is not null and callers.amount is not null
            and newcomers.period_type <> 'week'
            and month(newcomers.starts_on) = 1
            and year(newcomers.starts_on) = year(newcomers.ends_on)
        """,
    ),
    Identity(
        "new_callers_of_months_sum_to_chat_callers",
        "The new callers of the months sum to the year's callers by chat.",
        "=",
        """
        select newcomers.figure, period, '' as breakdown, '' as category,
            newcomers.summed as found, callers.amount as against
        from wholes as newcomers
        inner join cells as callers using (period)
        where newcomers.figure = 'new_callers' and newcomers.period_type = 'year'
            and newcomers.unknown = 0 and newcomers.summed is not null
            and (callers.figure, callers.category) = ('callers', 'chat')
            and callers.amount is not null
        """,
    ),
    Identity(
        "largest_month_at_most_the_whole",
        "Persons of the largest month are no more than those of the year, or of a range.",
        "<=",
        f"""
        select figure, period, breakdown, category, largest as found, amount as against
        from wholes
        where largest is not null and {GROWING}
        """,
    ),
    Identity(
        "whole_at_most_its_months",
        "Persons of a year, or of a range, are no more than those of its months together.",
        "<=",
        f"""
        select figure, period, breakdown, category, amount as found, summed as against
        from wholes
        where unknown = 0 and summed is not null and {GROWING}
        """,
    ),
    Identity(
        "whole_of_remainders_at_most_its_months",
        "Unreached pressers and callers by mail only of a year, or of a range, are no more than "
        "those of its months together.",
        "<=",
        f"""
        select figure, period, breakdown, category, amount as found, summed as against
        from wholes
        where unknown = 0 and summed is not null and {REMAINDERS}
        """,
    ),
    Identity(
        "weeks_inside_at_most_the_whole",
        "The weeks that lie wholly in a month, a year or a range are together no more than it.",
        "<=",
        """
        select wholes.figure, wholes.period, '' as breakdown, '' as category,
            sum(weeks.numerator) / any_value(wholes.denominator) as found,
            any_value(wholes.amount) as against
        from comparable as wholes
        inner join comparable as weeks
            on wholes.figure = weeks.figure
            and weeks.period_type = 'week'
            and weeks.starts_on >= wholes.starts_on
            and weeks.ends_on <= wholes.ends_on
        where wholes.period_type <> 'week' and wholes.kind = 'sum'
            and wholes.breakdown = '' and weeks.breakdown = ''
            and wholes.amount is not null and weeks.amount is not null
        group by wholes.figure, wholes.period
        """,
    ),
    Identity(
        "final_whole_at_most_its_weeks",
        "A final month, year or range is no more than all weeks together that share a day with it.",
        "<=",
        """
        select wholes.figure, wholes.period, '' as breakdown, '' as category,
            any_value(wholes.amount) as found,
            sum(weeks.numerator) / any_value(wholes.denominator) as against
        from comparable as wholes
        inner join comparable as weeks
            on wholes.figure = weeks.figure
            and weeks.period_type = 'week'
            and weeks.ends_on >= wholes.starts_on
            and weeks.starts_on <= wholes.ends_on
        where wholes.period_type <> 'week' and wholes.kind = 'sum' and wholes.obs_status = 'A'
            and wholes.breakdown = '' and weeks.breakdown = ''
            and wholes.amount is not null and weeks.amount is not null
        group by wholes.figure, wholes.period
        -- All of them, or there is nothing to compare with.
        having count(distinct weeks.period) = any_value(
            date_diff(
                'week', date_trunc('week', wholes.starts_on), date_trunc('week', wholes.ends_on)
            ) + 1
        )
        """,
    ),
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
