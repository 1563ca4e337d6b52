-- Grain: one session that was requested or scheduled.
with

events as (

    select * from {{ ref('int_events_kept') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

requests as (

    select
        session_id,
        first(visitor_id order by {{ event_order() }}) as visitor_id,
        first(channel order by {{ event_order() }}) as channel,
        first(occurred_at_local order by {{ event_order() }}) as first_requested_at_local,
        min(occurred_at) as first_requested_at
    from events
    where event_type = 'helpline.session.requested'
    group by session_id

),

-- An appointment that was moved counts as moved: the last time agreed on. It was made by who made it first.
schedulings as (

    select
        session_id,
        first(visitor_id order by {{ event_order() }}) as visitor_id,
        first(channel order by {{ event_order() }}) as channel,
        first(scheduled_by order by {{ event_order() }}) filter (where scheduled_by is not null) as scheduled_by,
        last(scheduled_for order by {{ event_order() }}) filter (where scheduled_for is not null) as scheduled_for,
        first(occurred_at_local order by {{ event_order() }}) as first_scheduled_at_local
    from events
    where event_type = 'helpline.session.scheduled'
    group by session_id

),

-- A session that was passed on has several answers: the first one dates it.
answers as (

    select
        session_id,
        count(distinct responder_id) as responders,
        first(source_id order by {{ event_order() }}) as first_answer_source_id,
        first(event_id order by {{ event_order() }}) as first_answer_event_id,
        min(occurred_at) as first_answered_at,
        first(occurred_at_local order by {{ event_order() }}) as first_answered_at_local
    from events
    where event_type = 'helpline.session.answered'
    group by session_id

),

endings as (

    select
        session_id,
        max(occurred_at) as last_ended_at
    from events
    where event_type = 'helpline.session.ended'
    group by session_id

),

-- Of several registrations the latest value counts, field by field; an empty list of topics is no value.
registrations as (

    select
        session_id,
        {%- for field in ['client_id', 'gender', 'age', 'referred_by'] %}
        last({{ field }} order by {{ event_order() }}) filter (where {{ field }} is not null) as {{ field }},
        {%- endfor %}
        last(topics order by {{ event_order() }}) filter (where len(topics) > 0) as topics
    from events
    where event_type = 'helpline.session.registered'
    group by session_id

),

-- Where keys rotate, a session that crosses New Year has names under two keys. Its person counts in the year of the
-- first answer, so a client of that year's key comes before any other.
clients as (

    select
        events.session_id,
        last(events.client_id order by {{ event_order() }}) as client_id
    from events
    inner join answers on events.session_id = answers.session_id
    cross join settings
    where
        events.client_id is not null
        and {{ key_of('events.occurred_at_local', 'settings.rotate_keys_from') }}
        = {{ key_of('answers.first_answered_at_local', 'settings.rotate_keys_from') }}
    group by events.session_id

),

-- The session's channel and visitor both come from its first request, without any request from its first scheduling.
identified as (

    select
        coalesce(requests.session_id, schedulings.session_id) as session_id,
        if(requests.session_id is not null, requests.visitor_id, schedulings.visitor_id) as visitor_id,
        if(requests.session_id is not null, requests.channel, schedulings.channel) as channel,
        schedulings.scheduled_by,
        requests.session_id is not null as is_requested,
        schedulings.session_id is not null as is_scheduled,
        schedulings.scheduled_for,
        requests.first_requested_at,
        if(
            requests.session_id is not null,
            requests.first_requested_at_local,
            schedulings.first_scheduled_at_local
        ) as visitor_named_at_local
    from requests
    full outer join schedulings on requests.session_id = schedulings.session_id

),

assembled as (

    select
        identified.session_id,
        identified.visitor_id,
        registrations.client_id,
        answers.first_answer_source_id,
        answers.first_answer_event_id,
        coalesce(
            clients.client_id,
            case
                when
                    answers.session_id is not null
                    and {{ key_of('identified.visitor_named_at_local', 'settings.rotate_keys_from') }}
                    = {{ key_of('answers.first_answered_at_local', 'settings.rotate_keys_from') }}
                    then identified.visitor_id
            end,
            registrations.client_id,
            identified.visitor_id,
            identified.session_id
        ) as person_id,
        identified.channel,
        identified.scheduled_by,
        registrations.gender,
        registrations.topics,
        registrations.referred_by,
        registrations.age,
        coalesce(answers.responders, 0) as responders,
        identified.is_requested,
        identified.is_scheduled,
        answers.session_id is not null as is_answered,
        identified.scheduled_for,
        identified.first_requested_at,
        answers.first_answered_at,
        answers.first_answered_at_local,
        endings.last_ended_at
    from identified
    left join answers on identified.session_id = answers.session_id
    left join endings on identified.session_id = endings.session_id
    left join registrations on identified.session_id = registrations.session_id
    left join clients on identified.session_id = clients.session_id
    cross join settings

)

select * from assembled
