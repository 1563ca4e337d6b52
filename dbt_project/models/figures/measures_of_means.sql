-- Grain: the mean of one figure by month, in one period.
with

definitions as (

    select * from {{ ref('figure_definitions') }}
    where kind = 'mean'

),

dates as (

    select * from {{ ref('int_dates_counted') }}
    where period_type in ('year', 'range')

),

counts as (
    {{ union_measures(['hours', 'persons', 'sessions']) }}

),

totals as (

    select * from counts
    where breakdown = ''

),

-- Months without a value count nothing, so that nothing is divided by them either.
lengths as (

    select
        basis,
        period,
        count(distinct month) as months
    from dates
    group by basis, period

)

select
    definitions.figure,
    lengths.period,
    '' as breakdown,
    '' as category,
    coalesce(totals.numerator, 0) as numerator,
    lengths.months as denominator
from definitions
inner join lengths on definitions.basis = lengths.basis
left join totals
    on
        definitions.parts = totals.figure
        and lengths.period = totals.period
