-- Grain: the change of one figure in one period, against the same period of the year before.
with

definitions as (

    select * from {{ ref('figure_definitions') }}
    where kind = 'change'

),

periods as (

    select * from {{ ref('int_periods_judged') }}
    where change_status <> 'O'

),

-- The totals of years whose events are deleted.
closed_figures as (

    select * from {{ source('raw', 'closed_figures') }}

),

closed_periods as (

    select distinct period from {{ source('raw', 'closed_periods') }}

),

counts as (
    {{ union_measures(['hours', 'persons', 'sessions']) }}

),

totals as (

    select * from counts
    where breakdown = ''

),

earlier_totals as (

    select
        totals.figure,
        totals.period,
        totals.numerator
    from totals
    anti join closed_periods on totals.period = closed_periods.period
    union all
    select
        closed_figures.figure,
        closed_figures.period,
        closed_figures.numerator
    from closed_figures
    semi join closed_periods on closed_figures.period = closed_periods.period
    where closed_figures.breakdown = ''

),

compared as (

    select
        definitions.figure,
        periods.period,
        coalesce(totals.numerator, 0) as later_count,
        earlier_totals.numerator as earlier_count
    from definitions
    inner join periods on definitions.basis = periods.basis
    inner join earlier_totals
        on
            definitions.parts = earlier_totals.figure
            and periods.earlier_period = earlier_totals.period
    left join totals
        on
            definitions.parts = totals.figure
            and periods.period = totals.period

)

select
    figure,
    period,
    '' as breakdown,
    '' as category,
    cast(100 * (later_count - earlier_count) as bigint) as numerator,
    earlier_count as denominator
from compared
where earlier_count > 0
