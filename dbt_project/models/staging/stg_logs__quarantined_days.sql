-- Grain: one local date of one log on which a quarantined delivery has events.
with

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

events as (

    select * from {{ source('raw', 'events') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

dated as (

    select distinct
        if(events.event_type = 'helpline.button.clicked', 'button', 'chat') as log,
        cast({{ to_local_time('events.occurred_at', 'settings.timezone') }} as date) as local_date
    from events
    inner join deliveries
        on
            events.delivery_id = deliveries.delivery_id
            and deliveries.status = 'quarantined'
    cross join settings
    where events.event_type <> 'helpline.log.covered'

)

select * from dated
