"""Identities of figures computed from others: ratios, shares, changes, means, quantiles."""

from __future__ import annotations

from expectations.identities.identity import Identity

# What a category of age says: `under_9`, `12-14`, and `25_and_over`, which some print as `25+`.
# Nobody is older than 120: an age beyond is not read.
BANDS = r"""
    select distinct
        figure,
        period,
        category,
        coalesce(try_cast(regexp_extract(category, '^(\d+)(-\d+|_and_over|\+)$', 1) as integer), 0)
            as youngest,
        case
            when regexp_full_match(category, '\d+-\d+')
                then cast(split_part(category, '-', 2) as integer)
            when regexp_full_match(category, 'under_\d+') then cast(category[7:] as integer) - 1
            else 120
        end as oldest
    from cells
    where breakdown = 'age_band'
        and regexp_full_match(category, '\d+-\d+|under_\d+|\d+_and_over|\d+\+')
"""
AGES = f"""
    with bands as ({BANDS}),
    tables as (select distinct figure, period from bands),
    ages as (select unnest(generate_series(0, 120)) as age),
    counted as (
        select tables.figure, tables.period, age, count(bands.category) as bands
        from tables
        cross join ages
        left join bands
            on tables.figure = bands.figure and tables.period = bands.period
            and age between youngest and oldest
        group by all
    )
    select figure, period, 'age_band' as breakdown, 'age ' || age as category,
"""


def _follows_from_its_parts(kind: str) -> str:
    """Compare what a row states, to its own number of decimals, with its parts."""
    return f"""
        select figure, period, breakdown, category,
            value as found, rounded_half_up(top, bottom, decimals) as against
        from quotients
        where kind = '{kind}' and value is not null and bottom > 0
    """


QUOTIENTS = (
    Identity(
        "values_are_rounded_half_up",
        "Every value is its exact quotient, rounded half up to its decimals.",
        "=",
        """
        select figure, period, breakdown, category,
            value as found, rounded_half_up(numerator, denominator, decimals) as against
        from cells
        where value is not null and denominator > 0
        """,
    ),
    Identity(
        "values_have_an_exact_quotient",
        "A value has a numerator and a denominator, and nothing else has.",
        "=",
        """
        select figure, period, breakdown, '' as category,
            count(*) filter (
                where (value is null) <> (numerator is null)
                    or (value is null) <> (denominator is null)
                    or denominator <= 0
            ) as found,
            0 as against
        from cells
        group by figure, period, breakdown
        """,
    ),
    Identity(
        "sums_have_one_denominator",
        "The exact values of a count are whole; those of hours are parts of one unit.",
        "=",
        """
        with units as (
            select *,
                if(known_decimals = 0, 1, max(denominator) over (partition by figure)) as unit_parts
            from cells
            where kind in ('sum', 'distinct') and numerator <> 0
        )
        select figure, period, '' as breakdown, '' as category,
            count(*) filter (where denominator <> unit_parts) as found, 0 as against
        from units
        group by figure, period
        """,
    ),
    Identity(
        "ratios_follow_from_their_parts",
        "A ratio is the quotient of its parts, rounded half up.",
        "=",
        _follows_from_its_parts("ratio"),
    ),
    Identity(
        "shares_follow_from_their_parts",
        "A share is a cell's part of the total of the period, rounded half up.",
        "=",
        _follows_from_its_parts("share"),
    ),
    Identity(
        "changes_follow_from_both_years",
        "A change is the difference to the year before, of the year before, rounded half up.",
        "=",
        _follows_from_its_parts("change"),
    ),
    Identity(
        "means_follow_from_their_months",
        "A mean by month is the period's total ÷ its months with a value, rounded half up.",
        "=",
        _follows_from_its_parts("mean"),
    ),
    Identity(
        "exact_quotients_follow_from_their_parts",
        "The exact quotient of a ratio, share, change or mean is that of its parts.",
        "=",
        """
        select figure, period, breakdown, category,
            cast(numerator as hugeint) * bottom as found, top * denominator as against
        from quotients
        where numerator is not null and bottom > 0
        """,
    ),
    Identity(
        "quotients_have_a_value_if_a_denominator",
        "A ratio, share, change or mean has a value exactly where there is something to divide by.",
        "=",
        """
        select figure, period, breakdown, category,
            cast(value is not null as integer) as found, cast(bottom > 0 as integer) as against
        from quotients
        where obs_status <> 'O'
        """,
    ),
    Identity(
        "shares_have_a_base",
        "A share names its base, and the base has a total with a value in the period.",
        "=",
        """
        select cells.figure, cells.period, breakdown, category,
            cast(cells.base <> '' and totals.amount is not null as integer) as found, 1 as against
        from cells
        left join (select figure as part, period, amount from cells where breakdown = '') as totals
            on cells.parts[1] = totals.part and cells.period = totals.period
        where kind = 'share' and value is not null
        """,
    ),
    Identity(
        "no_age_lies_in_two_bands",
        "No age lies in two bands of one table.",
        "<=",
        f"{AGES} bands as found, 1 as against from counted",
    ),
    Identity(
        "every_age_lies_in_a_band",
        "Every age lies in a band of each table by age.",
        "<=",
        f"{AGES} 1 as found, bands as against from counted",
    ),
    Identity(
        "durations_need_a_conversation",
        "There is a median or a ninth decile exactly of the periods with a conversation that was "
        "not left out.",
        "=",
        """
        select cells.figure, cells.period, '' as breakdown, '' as category,
            cast(cells.value is not null as integer) as found,
            cast(conversations.amount > coalesce(cells.left_out, 0) as integer) as against
        from cells
        inner join cells as conversations using (period)
        where cells.kind = 'quantile' and cells.obs_status <> 'O'
            and conversations.figure = cells.parts[1] and conversations.breakdown = ''
            and conversations.amount is not null
        """,
    ),
)
