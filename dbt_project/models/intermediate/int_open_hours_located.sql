-- Grain: one opening interval in one hour of the wall clock: the stretch of UTC time in which the helpline is open.
with

openings as (

    select * from {{ ref('int_openings_united') }}

),

clock_hours as (

    select * from {{ ref('stg_helpline__clock_hours') }}

),

-- Opening hours are wall time. Every hour of the clock knows its offset, so that a repeated hour is open twice
-- and a skipped one never.
located as (

    select
        openings.shift_id,
        clock_hours.local_date,
        clock_hours.hour,
        greatest(
            clock_hours.starts_at,
            openings.opens_at_local - to_seconds(clock_hours.utc_offset_seconds)
        ) as starts_at,
        least(
            clock_hours.ends_at,
            openings.closes_at_local - to_seconds(clock_hours.utc_offset_seconds)
        ) as ends_at
    from openings
    inner join clock_hours on openings.local_date = clock_hours.local_date

),

open as (

    select
        shift_id,
        hour,
        date_diff('second', starts_at, ends_at) as open_seconds,
        local_date,
        starts_at,
        ends_at
    from located
    where ends_at > starts_at

)

select * from open
