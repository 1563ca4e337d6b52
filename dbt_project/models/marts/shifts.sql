-- Grain: one shift: an opening interval on one local date, from the first to the last day that the logs tell of.
with

openings as (

    select * from {{ ref('int_openings_united') }}

),

open_hours as (

    select * from {{ ref('int_open_hours_located') }}

),

responder_hours as (

    select * from {{ ref('int_responder_hours_located') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

conversations as (

    select * from {{ ref('conversations') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

days as (

    select
        local_date,
        bool_or(is_covered) as is_covered,
        bool_and(is_covered) as is_fully_covered,
        bool_or(is_pending) as is_pending
    from log_days
    group by local_date

),

told as (

    select local_date from days
    where is_covered
    union all
    select started_on as local_date from attempts
    union all
    select answered_on as local_date from conversations

),

extent as (

    select
        min(local_date) as first_date,
        max(local_date) as last_date
    from told

),

-- An interval that the clock skips in spring is no shift.
opened as (

    select
        shift_id,
        cast(sum(open_seconds) as bigint) as open_seconds,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at
    from open_hours
    group by shift_id

),

staffed as (

    select
        openings.shift_id,
        cast(sum(responder_hours.responder_seconds) as bigint) as responder_seconds
    from openings
    inner join responder_hours
        on
            openings.local_date = responder_hours.local_date
            and openings.opens_at_local <= responder_hours.opens_at_local
            and openings.closes_at_local > responder_hours.opens_at_local
    group by openings.shift_id

),

attempted as (

    select
        shift_id,
        count(*) as attempts,
        count(*) filter (where outcome = 'answered') as answered_attempts,
        count(*) filter (where outcome = 'missed') as missed_attempts
    from attempts
    where shift_id is not null
    group by shift_id

),

talked as (

    select
        shift_id,
        count(*) as conversations
    from conversations
    where shift_id is not null
    group by shift_id

),

summed as (

    select
        openings.shift_id,
        cast(isodow(openings.local_date) as tinyint) as weekday,
        openings.responders,
        coalesce(attempted.attempts, 0) as attempts,
        coalesce(attempted.answered_attempts, 0) as answered_attempts,
        coalesce(attempted.missed_attempts, 0) as missed_attempts,
        coalesce(talked.conversations, 0) as conversations,
        opened.open_seconds / 3600 as open_hours,
        staffed.responder_seconds / 3600 as responder_hours,
        days.is_fully_covered as is_covered,
        days.is_pending,
        openings.local_date as opened_on,
        opened.starts_at,
        opened.ends_at,
        openings.opens_at_local,
        openings.closes_at_local
    from openings
    inner join opened on openings.shift_id = opened.shift_id
    inner join days on openings.local_date = days.local_date
    cross join extent
    cross join retirement
    left join staffed on openings.shift_id = staffed.shift_id
    left join attempted on openings.shift_id = attempted.shift_id
    left join talked on openings.shift_id = talked.shift_id
    where
        openings.local_date between extent.first_date and extent.last_date
        and not {{ is_retired('openings.local_date') }}

)

select * from summed
