-- Grain: one category's share of the total of one figure in one period.
with

definitions as (

    select * from {{ ref('figure_definitions') }}
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

-- A category that nobody is in has a share as well: 0.
shared as (

    select
        definitions.figure,
        totals.period,
        categories.breakdown,
        categories.category,
        cast(100 * coalesce(counts.numerator, 0) as bigint) as numerator,
        totals.numerator as denominator
    from definitions
    inner join categories on definitions.figure = categories.figure
    inner join totals on definitions.parts = totals.figure
    left join counts
        on
            totals.figure = counts.figure
            and totals.period = counts.period
            and categories.breakdown = counts.breakdown
            and categories.category = counts.category

)

select * from shared
