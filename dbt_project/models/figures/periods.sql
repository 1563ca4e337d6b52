-- Grain: one period for which there are figures.
with

judged as (

    select * from {{ ref('int_periods_judged') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

log_ends as (

    select max(local_date) as last_covered_on
    from log_days
    where is_covered
    group by log

),

-- The day to which every log reaches that has anything covered at all: it decides for all figures of a period at once.
reach as (

    select min(last_covered_on) as reached_on
    from log_ends

),

closed as (

    select distinct
        judged.period,
        judged.period_type,
        reach.reached_on >= judged.ends_on + settings.settling_days as is_closed,
        {{ is_retired('judged.starts_on') }} as is_retired,
        judged.starts_on,
        judged.ends_on
    from judged
    cross join reach
    cross join settings
    cross join retirement
    where judged.is_shown

)

select * from closed
