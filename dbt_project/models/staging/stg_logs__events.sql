-- Grain: one delivered copy of one event, of the deliveries that are in use.
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

-- A quarantined or withdrawn delivery keeps its rows in raw and gives none of them to the figures.
used as (

    select
        events.event_id,
        events.source_id,
        events.session_id,
        events.visitor_id,
        events.client_id,
        events.responder_id,
        deliveries.keyed_id as delivery_id,
        events.event_type,
        events.channel,
        events.button,
        events.page,
        events.campaign,
        events.scheduled_by,
        events.gender,
        events.topics,
        events.referred_by,
        events.log,
        events.age,
        events.unfit_fields,
        events.scheduled_for,
        events.starts_at,
        events.ends_at,
        events.occurred_at,
        {{ to_local_time('events.occurred_at', 'settings.timezone') }} as occurred_at_local
    from events
    inner join deliveries
        on
            events.delivery_id = deliveries.delivery_id
            and deliveries.status in ('loaded', 'accepted')
    cross join settings

)

select * from used
