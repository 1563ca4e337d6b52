-- Grain: one hour of the wall clock at one UTC offset, from the first to the last day of the logs.
-- The repeated hour of a day on which the clock goes back is two rows, the skipped hour of spring is none.
{{ config(materialized='table') }}

with

events as (

    select * from {{ ref('stg_logs__events') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

-- Coverage may begin before the first event and end after the last one, but never before the helpline's start. Where
-- years have retired, what is left of the events may begin late in the first year that has not.
extent as (

    select
        greatest(
            least(
                min(least(events.occurred_at, coalesce(events.starts_at, events.occurred_at))),
                cast(any_value(retirement.retired_through) + 1 as timestamp)
            ),
            cast(any_value(settings.starts_on) as timestamp)
        ) as first_at,
        max(greatest(events.occurred_at, coalesce(events.ends_at, events.occurred_at))) as last_at
    from events
    cross join settings
    cross join retirement

),

-- Two days more on either side, so that every local date of an event is there from its first to its last instant.
bounds as (

    select
        cast(first_at as date) - interval 2 day as first_at,
        cast(last_at as date) + interval 3 day as last_at
    from extent

),

-- Zones change their offset on quarters of an hour, and some (Kathmandu, Adelaide) are not whole hours away from UTC.
quarters as (

    select unnest(generate_series(first_at, last_at, interval 15 minute)) as starts_at
    from bounds

),

localized as (

    select
        quarters.starts_at,
        {{ to_local_time('quarters.starts_at', 'settings.timezone') }} as starts_at_local
    from quarters
    cross join settings

),

grouped as (

    select
        cast(starts_at_local as date) as local_date,
        cast(extract('hour' from starts_at_local) as tinyint) as hour,
        cast(date_diff('second', starts_at, starts_at_local) as integer) as utc_offset_seconds,
        min(starts_at) as starts_at,
        max(starts_at) + interval 15 minute as ends_at
    from localized
    group by all

),

-- The outermost dates are not whole: they were only needed to make the others so.
outermost as (

    select
        min(local_date) as first_date,
        max(local_date) as last_date
    from grouped

),

whole as (

    select
        grouped.local_date,
        grouped.hour,
        grouped.utc_offset_seconds,
        grouped.starts_at,
        grouped.ends_at
    from grouped
    cross join outermost
    where
        grouped.local_date > outermost.first_date
        and grouped.local_date < outermost.last_date

)

select * from whole
