-- Grain: the events that one exclusion, or all of them together, took out of one period.
with

excluded as (

    select * from {{ ref('int_events_excluded') }}

),

dates as (

    select * from {{ ref('int_dates_counted') }}
    where
        basis = 'both'
        and period_type <> 'week'

),

dated as (

    select
        dates.period,
        excluded.exclusion
    from excluded
    inner join dates on excluded.occurred_on = dates.local_date

)

select
    'excluded_events' as figure,
    period,
    if(grouping(exclusion) = 0, 'exclusion', '') as breakdown,
    coalesce(exclusion, '') as category,
    count(*) as numerator,
    cast(1 as bigint) as denominator
from dated
group by grouping sets ((period), (period, exclusion))
