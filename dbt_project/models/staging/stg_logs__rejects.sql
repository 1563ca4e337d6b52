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

-- Lines of closed years are late, types that the helpline lists as others are none of its events, and what lies before
-- its first day is none of its time.
lost as (

    select
        rejects.event_id,
        coalesce(
            cast(rejects.line_id as varchar), deliveries.keyed_id || ' ' || rejects.line_number
        ) as line_id,
        deliveries.keyed_id as delivery_id,
        rejects.event_type,
        rejects.log,
        rejects.reason,
        rejects.line_number,
        row_number() over (
            partition by rejects.delivery_id, rejects.line_id order by rejects.line_number
        ) as copy_number,
        rejects.local_date
    from rejects
    inner join deliveries
        on
            rejects.delivery_id = deliveries.delivery_id
            and deliveries.status in ('loaded', 'accepted')
    cross join settings
    where
        rejects.reason not in ('closed_period', 'other_type', 'before_start')
        and coalesce(rejects.local_date >= settings.starts_on, true)

)

select * from lost
