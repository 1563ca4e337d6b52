-- Grain: one event that is lost because its source and id were used for another one.
with

events as (

    select * from {{ ref('stg_logs__events') }}

),

kept as (

    select * from {{ ref('int_events_deduplicated') }}
    where is_clash

),

-- Copies may differ in what was noted; another type, session, visitor or time is another event. Delivered twice, it is
-- still one.
others as (

    select
        events.event_id,
        events.event_type,
        events.session_id,
        events.visitor_id,
        events.log,
        events.occurred_at,
        events.occurred_at_local,
        min(events.delivery_id) as delivery_id
    from events
    inner join kept on events.event_id = kept.event_id
    where
        events.event_type <> kept.event_type
        or events.session_id is distinct from kept.session_id
        or events.visitor_id is distinct from kept.visitor_id
        or events.occurred_at <> kept.occurred_at
    group by all

),

dated as (

    select
        event_id,
        delivery_id,
        event_type,
        {{ log_of_type('event_type', 'any_value(log)') }} as log,
        cast(occurred_at_local as date) as local_date
    from others
    group by
        event_id,
        delivery_id,
        event_type,
        session_id,
        visitor_id,
        occurred_at,
        occurred_at_local

)

select * from dated
