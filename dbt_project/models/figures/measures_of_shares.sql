-- Grain: one category's share of the total of one figure in one period.
with

definitions as (

    select
        *,
        ends_with(base, ' of whom it is known') as is_of_known
    from {{ ref('figure_definitions') }}
    where kind = 'share'

),

categories as (

    select * from {{ ref('figure_categories') }}

),

counts as (
    {{ union_measures(['hours', 'persons', 'sessions']) }}

),

totals as (

    select
        figure,
        period,
        numerator
    from counts
    where
        breakdown = ''
        and numerator > 0

),

unknowns as (

    select
        figure,
        period,
        breakdown,
        numerator
    from counts
    where category = 'unknown'

),

-- A category that nobody is in has a share as well: 0.
shared as (

    select
        definitions.figure,
        totals.period,
        categories.breakdown,
        categories.category,
        cast(100 * coalesce(counts.numerator, 0) as bigint) as numerator,
        totals.numerator - if(definitions.is_of_known, coalesce(unknowns.numerator, 0), 0) as denominator
    from definitions
    inner join categories on definitions.figure = categories.figure
    inner join totals on definitions.parts = totals.figure
    left join counts
        on
            totals.figure = counts.figure
            and totals.period = counts.period
            and categories.breakdown = counts.breakdown
            and categories.category = counts.category
    left join unknowns
        on
            totals.figure = unknowns.figure
            and totals.period = unknowns.period
            and categories.breakdown = unknowns.breakdown

)

select * from shared
where denominator > 0
