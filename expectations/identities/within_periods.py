"""Identities between the figures, and between the cells, of one period."""

from __future__ import annotations

from expectations.identities.identity import Identity

TIME = ("weekday", "hour", "hour_of_week", "part_of_week")


def _cells_to_total(breakdowns: tuple[str, ...], figure: str = "") -> str:
    """Compare the sums of counted cells with the totals of their periods."""
    return f"""
        select figure, period, breakdown, '' as category, summed as found, total as against
        from sums_of_cells
        where list_contains({list(breakdowns)}, breakdown)
            {f"and figure = '{figure}'" if figure else ""}
    """


def at_most(parts: dict[str, str], of: str = "amount") -> str:
    """Compare the totals of figures with those of the figures that they are parts of."""
    pairs = ", ".join(f"('{part}', '{whole}')" for part, whole in parts.items())
    return f"""
        with pairs as (from (values {pairs}) as pairs (figure, whole))
        select cells.figure, cells.period, '' as breakdown, '' as category,
            cells.{of} as found, wholes.{of} as against
        from cells
        inner join pairs using (figure)
        anti join remembered on
            cells.figure = remembered.figure and cells.period = remembered.period
        inner join cells as wholes on wholes.figure = pairs.whole and wholes.period = cells.period
        where cells.breakdown = '' and wholes.breakdown = ''
            and cells.{of} is not null and wholes.{of} is not null
            -- Who calls in both of two years is new in each, and one caller of both.
            and (
                cells.figure <> 'new_callers' or year(cells.starts_on) = year(cells.ends_on)
            )
    """


WITHIN_PERIODS = (
    Identity(
        "attempts_have_one_outcome",
        "Attempts answered, missed and out of hours sum to the attempts, in every cell.",
        "=",
        """
        select 'attempts' as figure, period, breakdown, category,
            any_value(amount) filter (where figure = 'attempts') as found,
            sum(amount) filter (where figure <> 'attempts') as against
        from cells
        where figure in
            ('attempts', 'answered_attempts', 'missed_attempts', 'out_of_hours_attempts')
        group by period, breakdown, category
        having count(amount) = 4
        """,
    ),
    Identity(
        "times_sum_to_the_period",
        "The weekdays, the hours, the hours of the week and the parts of the week of a figure each "
        "sum to the period.",
        "=",
        _cells_to_total(TIME),
    ),
    Identity(
        "hours_of_the_week_sum_to_weekdays_and_hours",
        "The hours of the week of a figure sum to its weekdays, to its hours, and to its parts of "
        "the week.",
        "=",
        """
        with fine as (
            select
                figure,
                period,
                unnest(['weekday', 'hour', 'part_of_week']) as breakdown,
                unnest([
                    category[1],
                    category[3:],
                    category[1:2]
                    || ['night', 'morning', 'afternoon', 'evening'][1 + category[3:]::integer // 6]
                ]) as category,
                numerator
            from cells
            where breakdown = 'hour_of_week'
        ),
        sums as (
            select figure, period, breakdown, category, sum(numerator) as numerator
            from fine
            group by all
            having count(numerator) = count(*)
        )
        select figure, period, breakdown, category,
            sums.numerator / denominator as found, amount as against
        from sums
        inner join cells using (figure, period, breakdown, category)
        where amount is not null
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
        "kinds_of_callers_sum_to_callers",
        "The callers by gender, by age band and by topic each sum to the callers of the period.",
        "=",
        _cells_to_total(("gender", "age_band", "topic")),
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
        "exclusions_sum_to_excluded_events",
        "The events that each exclusion took out sum to the excluded events: none, without any.",
        "=",
        """
        select figure, period, '' as breakdown, '' as category,
            sum(amount) filter (where breakdown = '') as found,
            coalesce(sum(amount) filter (where breakdown <> ''), 0) as against
        from cells
        where figure = 'excluded_events' and amount is not null
        group by figure, period
        having count(*) filter (where breakdown = '') > 0
        """,
    ),
    Identity(
        "conversations_are_answered_chats",
        "The answered sessions by chat are the conversations.",
        "=",
        """
        select chats.figure, period, chats.breakdown, chats.category,
            chats.amount as found, conversations.amount as against
        from cells as chats
        inner join cells as conversations using (period)
        where (chats.figure, chats.category) = ('answered_sessions', 'chat')
            and (conversations.figure, conversations.breakdown) = ('conversations', '')
            and chats.amount is not null and conversations.amount is not null
        """,
    ),
    Identity(
        "conversations_at_most_answered_sessions",
        "There are no more conversations than answered sessions.",
        "<=",
        at_most({"conversations": "answered_sessions"}),
    ),
    Identity(
        "missed_pressers_at_most_pressers",
        "There are no more missed pressers than pressers.",
        "<=",
        at_most({"missed_pressers": "pressers"}),
    ),
    Identity(
        "out_of_hours_pressers_at_most_pressers",
        "There are no more out-of-hours pressers than pressers.",
        "<=",
        at_most({"out_of_hours_pressers": "pressers"}),
    ),
    Identity(
        "unreached_pressers_at_most_pressers",
        "There are no more unreached pressers than pressers.",
        "<=",
        at_most({"unreached_pressers": "pressers"}),
    ),
    Identity(
        "parts_at_most_their_whole",
        "No count exceeds the count that it is a part of: visitors and their attempts, callers and "
        "their sessions, new callers and callers.",
        "<=",
        at_most(
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
