-- Grain: one answered chat session that was requested, with the attempt that it answers.
with

sessions as (

    select * from {{ ref('int_sessions_assembled') }}

),

contact_events as (

    select * from {{ ref('int_contact_events_grouped') }}

),

requests as (

    select
        contact_events.session_id,
        contact_events.event_id,
        contact_events.source_id,
        contact_events.attempt_id,
        contact_events.occurred_at,
        contact_events.occurred_at <= sessions.first_answered_at as is_before_answer
    from contact_events
    inner join sessions
        on
            contact_events.session_id = sessions.session_id
            and sessions.is_answered

),

-- The last request at or before the first answer; if none precedes it, the first request.
matched as (

    select
        session_id,
        coalesce(
            last(attempt_id order by {{ event_order() }}) filter (where is_before_answer),
            first(attempt_id order by {{ event_order() }})
        ) as attempt_id
    from requests
    group by session_id

)

select * from matched
