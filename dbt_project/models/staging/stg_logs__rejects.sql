-- Grain: one line of a delivery in use that is set aside though it was to be counted.
with

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

rejects as (

    select * from {{ source('raw', 'rejects') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

-- A text that was delivered twice, compressed otherwise, is lost once.
first_deliveries as (

    select
        *,
        row_number() over (
            partition by coalesce(text_sha256, sha256) order by loaded_at, delivery_id
        ) as copy_number
    from deliveries
    where status in ('loaded', 'accepted')

),

-- Lines of closed years are late, types that the helpline lists as others are none of its events, and what lies before
-- its first day is none of its time.
lost as (

    select
        rejects.event_id,
        first_deliveries.sha256 as delivery_id,
        rejects.event_type,
        rejects.log,
        rejects.reason,
        rejects.line_number,
        rejects.local_date
    from rejects
    inner join first_deliveries
        on
            rejects.delivery_id = first_deliveries.delivery_id
            and first_deliveries.copy_number = 1
    cross join settings
    where
        rejects.reason not in ('closed_period', 'other_type', 'before_start')
        and coalesce(rejects.local_date >= settings.starts_on, true)

)

select * from lost
