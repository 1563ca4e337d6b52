-- Grain: the responder hours of one period.
with

responder_hours as (

    select * from {{ ref('int_responder_hours_located') }}

),

covered_dates as (

    select * from {{ ref('int_dates_counted') }}
    where
        basis = 'chat'
        and period_type <> 'week'
        and is_covered

)

select
    'responder_hours' as figure,
    covered_dates.period,
    '' as breakdown,
    '' as category,
    cast(sum(responder_hours.responder_seconds) as bigint) as numerator,
    cast(3600 as bigint) as denominator
from responder_hours
inner join covered_dates on responder_hours.local_date = covered_dates.local_date
group by covered_dates.period
