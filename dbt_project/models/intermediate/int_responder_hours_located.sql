-- Grain: one opening line of one local date: how long its responders are there, in seconds of UTC time.
with

openings as (

    select
        *,
        row_number() over (order by local_date, opens_at_local, closes_at_local, responders) as line_number
    from {{ ref('int_openings_dated') }}

),

clock_hours as (

    select * from {{ ref('stg_helpline__clock_hours') }}

),

located as (

    select
        openings.line_number,
        openings.local_date,
        openings.responders,
        openings.opens_at_local,
        greatest(
            date_diff(
                'second',
                greatest(
                    clock_hours.starts_at,
                    openings.opens_at_local - to_seconds(clock_hours.utc_offset_seconds)
                ),
                least(
                    clock_hours.ends_at,
                    openings.closes_at_local - to_seconds(clock_hours.utc_offset_seconds)
                )
            ),
            0
        ) as open_seconds
    from openings
    inner join clock_hours on openings.local_date = clock_hours.local_date

),

summed as (

    select
        line_number,
        responders,
        cast(sum(open_seconds * responders) as bigint) as responder_seconds,
        local_date,
        opens_at_local
    from located
    group by all

)

select * from summed
