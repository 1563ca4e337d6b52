-- Grain: one conversation: a chat session that a responder answered.
with

sessions as (

    select * from {{ ref('int_sessions_answered') }}

),

answers as (

    select * from {{ ref('int_answers_matched') }}

),

open_hours as (

    select * from {{ ref('int_open_hours_located') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

-- Of a year that has retired only what reaches into the next one is left.
conversations as (

    select sessions.*
    from sessions
    cross join retirement
    where
        sessions.is_conversation
        and not {{ is_retired('sessions.answered_on') }}

),

located as (

    select
        conversations.*,
        if(conversations.first_answered_at < open_hours.ends_at, open_hours.shift_id, null) as shift_id
    from conversations
    asof left join open_hours on conversations.first_answered_at >= open_hours.starts_at

),

described as (

    select
        located.session_id,
        located.person_id,
        located.visitor_id,
        located.client_id,
        attempts.attempt_id,
        located.shift_id,
        if(located.is_scheduled, coalesce(located.scheduled_by, 'unknown'), null) as scheduled_by,
        located.referred_by,
        located.gender,
        located.age_band,
        located.topic,
        located.topics,
        located.month,
        located.weekday || '-' || strftime(located.first_answered_at_local, '%H') as hour_of_week,
        located.weekday,
        located.hour,
        located.age,
        located.responders,
        located.wait_microseconds / 1000000 as wait_seconds,
        located.conversation_microseconds / 60000000 as conversation_minutes,
        located.is_scheduled,
        located.shift_id is not null as is_in_hours,
        located.is_first_of_year as is_new_caller,
        located.is_first_ever as is_first_time_caller,
        located.answered_on,
        located.first_requested_at,
        located.scheduled_for,
        located.first_answered_at,
        located.first_answered_at_local,
        located.last_ended_at
    from located
    left join answers on located.session_id = answers.session_id
    left join attempts on answers.attempt_id = attempts.attempt_id

)

select * from described
