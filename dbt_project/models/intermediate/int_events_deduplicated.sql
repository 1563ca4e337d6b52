-- Grain: one event, however often it was delivered.
with

events as (

    select * from {{ ref('stg_logs__events') }}

),

-- Copies of one event should be equal. Where they are not, the earliest time counts, then the copy whose stored
-- fields sort first, in this order. DuckDB sorts empty fields of a row last.
contents as (

    select
        *,
        row(
            occurred_at,
            event_type,
            session_id,
            visitor_id,
            client_id,
            responder_id,
            channel,
            button,
            page,
            campaign,
            scheduled_for,
            scheduled_by,
            gender,
            age,
            topics,
            referred_by,
            log,
            starts_at,
            ends_at
        ) as content
    from events

),

ranked as (

    select
        *,
        row_number() over (partition by event_id order by content) as copy_number,
        count(*) over (partition by event_id) as copies,
        min(hash(content)) over (partition by event_id) < max(hash(content)) over (partition by event_id) as is_clash
    from contents

),

-- Which delivery an event came in is of no matter any more: equal copies may lie in several.
kept as (

    select
        event_id,
        source_id,
        session_id,
        visitor_id,
        client_id,
        responder_id,
        event_type,
        channel,
        button,
        page,
        campaign,
        scheduled_by,
        gender,
        topics,
        referred_by,
        log,
        age,
        copies,
        is_clash,
        scheduled_for,
        starts_at,
        ends_at,
        occurred_at,
        occurred_at_local
    from ranked
    where copy_number = 1

)

select * from kept
