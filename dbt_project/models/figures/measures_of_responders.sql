-- Grain: the responder hours of one period.
with

responder_hours as (

    select * from {{ ref('int_responder_hours_located') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

staffed as (

    select
        strftime(responder_hours.local_date, '%Y-%m') as month,
        strftime(responder_hours.local_date, '%Y') as year,
        responder_hours.responder_seconds
    from responder_hours
    inner join log_days
        on
            responder_hours.local_date = log_days.local_date
            and log_days.log = 'chat'
            and log_days.is_covered

)

select
    'responder_hours' as figure,
    coalesce(month, year) as period,
    '' as breakdown,
    '' as category,
    cast(sum(responder_seconds) as bigint) as numerator,
    cast(3600 as bigint) as denominator
from staffed
group by grouping sets ((month), (year))
