-- Grain: one local date, from the helpline's first one, that the logs may tell of and whose events are not deleted.
with

clock_hours as (

    select * from {{ ref('stg_helpline__clock_hours') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

days as (

    select
        clock_hours.local_date,
        strftime(clock_hours.local_date, '%Y-%m') as month,
        min(clock_hours.starts_at) as starts_at,
        max(clock_hours.ends_at) as ends_at
    from clock_hours
    cross join settings
    cross join retirement
    where
        clock_hours.local_date >= settings.starts_on
        and not {{ is_retired('clock_hours.local_date') }}
    group by clock_hours.local_date

)

select * from days
