"""Identities on the status of figures, on breaks in their series, on which periods are closed."""

from __future__ import annotations

from expectations.identities.identity import Identity


def _rank(table: str) -> str:
    """Give the SQL for how final a status is: 1 missing, 2 provisional, 3 final."""
    return f"list_position(['O', 'P', 'A'], {table}.obs_status)"


STATUSES = (
    Identity(
        "one_status_per_period",
        "Figures that rest on the same logs have one status in a period, in all their cells; but "
        "a change rests on two periods.",
        "=",
        """
        select basis as figure, period, '' as breakdown, '' as category,
            count(distinct obs_status) as found, 1 as against
        from cells
        where kind <> 'change' and not is_unknown
        group by basis, period
        """,
    ),
    Identity(
        "years_are_as_final_as_their_months",
        "A year or range is final if all its months are, from the helpline's start on, missing if "
        "all are, else provisional.",
        "=",
        f"""
        with months as (
            select * from cells
            where period_type = 'month' and breakdown = '' and not is_unknown
        ),
        compared as (
            select wholes.figure, wholes.period, wholes.obs_status,
                months_of(wholes.starts_on, wholes.ends_on) as wanted,
                count(distinct months.period) as there,
                count(distinct months.period) filter (where months.obs_status = 'A') as final,
                count(distinct months.period) filter (where months.obs_status = 'O') as missing
            from comparable as wholes
            inner join months
                on wholes.figure = months.figure
                and months.starts_on between wholes.starts_on and wholes.ends_on
            where wholes.period_type in ('year', 'range') and wholes.breakdown = ''
                and wholes.kind <> 'change' and not wholes.is_unknown
            group by all
        )
        select figure, period, '' as breakdown, '' as category,
            {_rank("compared")} as found,
            case when missing = there then 1 when final = wanted then 3 else 2 end as against
        from compared
        """,
    ),
    Identity(
        "weeks_are_as_final_as_their_months",
        "A week is final if the months that it lies in are, and missing if they are.",
        "=",
        f"""
        with compared as (
            select weeks.basis, weeks.period, weeks.obs_status,
                min({_rank("months")}) as least,
                max({_rank("months")}) as most
            from (from basis_periods anti join reaching_over using (period)) as weeks
            inner join basis_periods as months
                on weeks.basis = months.basis
                and months.period_type = 'month'
                and months.starts_on <= weeks.ends_on and months.ends_on >= weeks.starts_on
            where weeks.period_type = 'week'
            group by all
            having count(*) = any_value(
                date_diff('month', weeks.starts_on, weeks.ends_on) + 1
            )
        )
        select basis as figure, period, '' as breakdown, '' as category,
            {_rank("compared")} as found, least as against
        from compared
        where least = most and least <> 2
        """,
    ),
    Identity(
        "changes_are_as_final_as_both_their_periods",
        "A change is missing if its period or that of the year before is, else provisional if one "
        "of them is, else final.",
        "=",
        f"""
        select cells.figure, period, '' as breakdown, '' as category,
            {_rank("cells")} as found,
            least({_rank("periods")}, {_rank("before")}) as against
        from comparable as cells
        inner join basis_periods as periods using (basis, period)
        inner join statuses_by_months as before using (basis, period)
        where kind = 'change' and before.year = 'before' and before.obs_status is not null
            and not is_unknown
        """,
    ),
    Identity(
        "breaks_stand_where_they_belong",
        "A row says which breaks its figure has in its period, with their reasons, and no other, "
        "but for the first change of keys where that is why it has no value, and the start of the "
        "helpline, which breaks what began before it and what is compared with that.",
        "=",
        """
        with keys as (
            select figure, min(starts_on) as starts_on, 'key' as kind, arg_min(reason, starts_on)
                as reason
            from figures.breaks
            where kind = 'key'
            group by figure
        ),
        told as (
            select breaks.figure, period, breaks.starts_on, kind, reason
            from figures.breaks as breaks
            inner join spans on breaks.starts_on between spans.starts_on and spans.ends_on
            where not (breaks.kind = 'start' and breaks.starts_on = spans.starts_on)
            union
            select breaks.figure, period, breaks.starts_on, breaks.kind, reason
            from figures.breaks as breaks
            inner join figures.figure_definitions as definitions
                on definitions.figure = breaks.figure and definitions.kind = 'change'
            inner join spans
                on breaks.starts_on > spans.starts_on - interval 1 year
                and breaks.starts_on <= last_day(spans.ends_on - interval 1 year)
            where breaks.kind = 'start'
            union
            select figure, period, starts_on, kind, reason
            from spanning
            inner join keys using (figure)
            where persons_within = 'beginning'
        ),
        reasons as (
            select figure, period,
                string_agg(reason, '; ' order by starts_on, kind, reason) as reasons
            from told
            group by all
        )
        select figure, period, breakdown, '' as category,
            count(*) filter (where coalesce(break, '') <> coalesce(reasons, '')) as found,
            0 as against
        from cells
        anti join retired using (period)
        anti join remembered using (figure, period)
        left join reasons using (figure, period)
        where not is_unknown
        group by figure, period, breakdown
        """,
    ),
    Identity(
        "what_spans_two_keys_has_no_value",
        "Persons are not counted across a change of the key of their pseudonyms; the row says why.",
        "=",
        """
        select figure, period, breakdown, '' as category,
            count(*) filter (where value is not null or coalesce(break, '') = '') as found,
            0 as against
        from cells
        semi join spanning using (figure, period)
        anti join remembered using (figure, period)
        group by figure, period, breakdown
        """,
    ),
    Identity(
        "periods_are_those_of_the_figures",
        "The table of periods has each period of the figures once, with its type, its first and "
        "its last day.",
        "=",
        """
        with agreeing as (
            select period, count(*) as listed,
                count(*) filter (
                    where periods.period_type = spans.period_type
                        and periods.starts_on = spans.starts_on
                        and periods.ends_on = spans.ends_on
                ) as agreeing
            from figures.periods
            full join spans using (period)
            group by period
        )
        select '' as figure, period, '' as breakdown, '' as category,
            if(listed = 1, agreeing, listed) as found, 1 as against
        from agreeing
        """,
    ),
    Identity(
        "periods_close_in_order",
        "No period is still open that ended no later than one that is closed.",
        "=",
        """
        with closed as (select max(ends_on) as last_on from figures.periods where is_closed)
        select '' as figure, period, '' as breakdown, '' as category,
            cast(not is_closed and coalesce(ends_on <= last_on, false) as integer) as found,
            0 as against
        from figures.periods
        cross join closed
        """,
    ),
    Identity(
        "final_periods_are_closed",
        "A period is closed if its figures of the button, of the chat and of both are all final.",
        "<=",
        """
        with final as (
            select period
            from basis_periods
            group by period
            having count(*) filter (where obs_status = 'A') = 3
        )
        select '' as figure, period, '' as breakdown, '' as category,
            1 as found, cast(is_closed as integer) as against
        from figures.periods
        semi join final using (period)
        """,
    ),
)
