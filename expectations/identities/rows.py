"""Identities on which rows there are: every cell of every period, and no other."""

from __future__ import annotations

from expectations.identities.identity import Identity

ROWS = (
    Identity(
        "every_cell_is_there",
        "Every figure has every known category in every period of its logs and its kinds of "
        "period, also where it is 0; a change where the year before has figures too.",
        "=",
        """
        with there as (
            select figure, period, breakdown, count(distinct category) as there
            from cells
            inner join known_cells using (figure, breakdown, category)
            inner join figures.periods using (period)
            where coalesce(valid_from <= periods.ends_on, true)
                and coalesce(valid_to >= periods.starts_on, true)
            group by all
        ),
        wanted as (
            select figure, basis_periods.period, known_cells.breakdown, count(*) as wanted
            from known_cells
            inner join figures.figure_definitions as definitions using (figure)
            inner join basis_periods using (basis)
            inner join figures.periods using (period)
            left join statuses_by_months as before
                on before.basis = basis_periods.basis
                and before.period = basis_periods.period
                and before.year = 'before'
            where list_contains(string_split(period_types, ' '), basis_periods.period_type)
                and (basis_periods.period_type <> 'week' or breakdown = '')
                and (kind <> 'change' or before.obs_status is not null)
                and coalesce(valid_from <= periods.ends_on, true)
                and coalesce(valid_to >= periods.starts_on, true)
            group by all
        )
        select figure, period, breakdown, '' as category,
            coalesce(there, 0) as found, coalesce(wanted, 0) as against
        from wanted
        full join there using (figure, period, breakdown)
        anti join retired using (period)
        """,
    ),
    Identity(
        "no_other_cell_is_there",
        "No figure has a category that is not known.",
        "=",
        """
        select figure, '' as period, cells.breakdown, cells.category,
            count(*) filter (where known_cells.figure is null) as found, 0 as against
        from cells
        anti join retired using (period)
        left join known_cells using (figure, breakdown, category)
        group by figure, cells.breakdown, cells.category
        """,
    ),
    Identity(
        "no_period_is_left_out",
        "The months of a figure follow each other without a gap, and so do its weeks; its years "
        "are theirs.",
        "=",
        """
        with found as (
            select figure, period_type,
                count(distinct period) as periods,
                min(starts_on) as first_on, max(starts_on) as last_on
            from cells
            where period_type <> 'range'
            group by all
        ),
        months as (from found where period_type = 'month')
        select found.figure, found.period_type || 's' as period, '' as breakdown, '' as category,
            found.periods as found,
            case found.period_type
                when 'year' then
                    greatest(year(found.last_on), year(months.last_on))
                    - least(year(found.first_on), year(months.first_on)) + 1
                else date_diff(found.period_type, found.first_on, found.last_on) + 1
            end as against
        from found
        left join months using (figure)
        """,
    ),
    Identity(
        "published_ranges_are_there",
        "The ranges of months are those that a document has used, where there are months of them.",
        "=",
        """
        with months as (
            select basis, min(starts_on) as first_on, max(ends_on) as last_on
            from basis_periods
            where period_type = 'month'
            group by basis
        ),
        asked as (
            select distinct period,
                try_strptime(left(period, 7), '%Y-%m') as starts_on,
                last_day(try_strptime(right(period, 7), '%Y-%m')) as ends_on
            from raw.published
            where contains(period, '/')
        ),
        wanted as (
            select basis, period
            from months
            inner join asked on starts_on <= last_on and ends_on >= first_on
        ),
        there as (select basis, period from basis_periods where period_type = 'range')
        select basis as figure, period, '' as breakdown, '' as category,
            cast(there.period is not null as integer) as found,
            cast(wanted.period is not null as integer) as against
        from wanted
        full join there using (basis, period)
        anti join retired using (period)
        """,
    ),
    Identity(
        "figures_begin_and_end_covered",
        "The first and the last month, week and year of a figure have a covered day: there are no "
        "rows outside.",
        "=",
        """
        select figure, arg_min(period, starts_on) as period, '' as breakdown, '' as category,
            cast(arg_min(obs_status, starts_on) = 'O' as integer) as found, 0 as against
        from cells
        where period_type <> 'range' and kind <> 'change' and not is_unknown
        group by figure, period_type
        union all
        select figure, arg_max(period, starts_on), '', '',
            cast(arg_max(obs_status, starts_on) = 'O' as integer), 0
        from cells
        where period_type <> 'range' and kind <> 'change' and not is_unknown
        group by figure, period_type
        """,
    ),
    Identity(
        "rows_have_the_decimals_of_their_figure",
        "No value has more decimals than its figure, and every row says how many those are.",
        "=",
        """
        select figure, period, breakdown, '' as category,
            count(*) filter (
                where value * cast(power(10, known_decimals) as integer) % 1 <> 0
                    or decimals is distinct from known_decimals
            ) as found,
            0 as against
        from cells
        where known_decimals is not null
        group by figure, period, breakdown
        """,
    ),
)
