-- Grain: one contact event: a click, or a request for a chat session.
with

events as (

    select * from {{ ref('int_events_kept') }}

),

sessions as (

    select * from {{ ref('int_sessions_assembled') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

clicks as (

    select
        event_id,
        source_id,
        visitor_id,
        cast(null as uuid) as session_id,
        true as is_click,
        occurred_at,
        occurred_at_local
    from events
    where event_type = 'helpline.button.clicked'

),

chat_requests as (

    select
        events.event_id,
        events.source_id,
        events.visitor_id,
        events.session_id,
        false as is_click,
        events.occurred_at,
        events.occurred_at_local
    from events
    inner join sessions
        on
            events.session_id = sessions.session_id
            and sessions.channel = 'chat'
    where events.event_type = 'helpline.session.requested'

),

contact_events as (

    select * from clicks
    union all
    select * from chat_requests

),

-- Contact events run together by visitor; without one, those of a session do, and any other stands alone.
-- The pseudonyms of visitors, sessions and events never meet: each kind is hashed with its name.
owned as (

    select
        *,
        coalesce(visitor_id, session_id, event_id) as owner_id
    from contact_events

),

spaced as (

    select
        *,
        occurred_at - lag(occurred_at) over (partition by owner_id order by {{ event_order() }}) as gap
    from owned

),

-- A gap of exactly the limit still joins. Without a visitor the session alone decides, however long the gap.
started as (

    select
        spaced.*,
        coalesce(
            spaced.visitor_id is not null
            and spaced.gap > to_minutes(settings.attempt_gap_minutes),
            false
        )
        or spaced.gap is null as is_start
    from spaced
    cross join settings

),

numbered as (

    select
        *,
        count_if(is_start) over (
            partition by owner_id
            order by {{ event_order() }}
            rows between unbounded preceding and current row
        ) as attempt_number
    from started

),

-- An attempt is named after its first event.
grouped as (

    select
        event_id,
        source_id,
        first_value(event_id) over (
            partition by owner_id, attempt_number
            order by {{ event_order() }}
        ) as attempt_id,
        visitor_id,
        session_id,
        is_click,
        occurred_at,
        occurred_at_local
    from numbered

)

select * from grouped
