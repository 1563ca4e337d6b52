-- Grain: one answered session, of either channel, dated by its first answer.
with

sessions as (

    select * from {{ ref('int_sessions_assembled') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

periods as (

    select * from {{ ref('int_periods_judged') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

months as (

    select period
    from periods
    where
        basis = 'chat'
        and period_type = 'month'
        and obs_status <> 'O'

),

since as (

    select min(local_date) as first_covered_on
    from log_days
    where
        log = 'chat'
        and is_covered

),

dated as (

    select
        *,
        row_number() over (
            order by first_answered_at, first_answer_source_id, first_answer_event_id
        ) as answer_number,
        topics[1] as topic,
        case
            when age >= 25 then '25_and_over'
            when age >= 21 then '21-24'
            when age >= 18 then '18-20'
            when age >= 15 then '15-17'
            when age >= 12 then '12-14'
            when age >= 9 then '9-11'
            when age >= 0 then 'under_9'
        end as age_band,
        epoch_us(first_answered_at) - epoch_us(greatest(first_requested_at, scheduled_for)) as wait_microseconds,
        epoch_us(last_ended_at) - epoch_us(first_answered_at) as conversation_microseconds,
        cast(isodow(first_answered_at_local) as tinyint) as weekday,
        cast(extract('hour' from first_answered_at_local) as tinyint) as hour,
        channel = 'chat' as is_conversation,
        strftime(first_answered_at_local, '%Y-%m') as month,
        cast(first_answered_at_local as date) as answered_on
    from sessions
    where is_answered

),

-- Who called before is known as far back as the events go. A person is new in the year's first month with a
-- conversation; a month without a value takes part in no year.
ranked as (

    select
        dated.*,
        months.period is not null as is_in_valued_month,
        dated.is_conversation
        and is_in_valued_month
        and row_number() over (
            partition by dated.person_id, dated.is_conversation, left(dated.month, 4), is_in_valued_month
            order by dated.answer_number
        ) = 1 as is_first_of_year,
        retirement.retired_through is not null as is_cut_off,
        dated.is_conversation
        and coalesce(dated.answered_on >= since.first_covered_on, false)
        and row_number() over (
            partition by dated.person_id, dated.is_conversation, dated.answered_on >= since.first_covered_on
            order by dated.answer_number
        ) = 1 as is_first_since
    from dated
    cross join since
    cross join retirement
    left join months on dated.month = months.period

)

select
    session_id,
    person_id,
    visitor_id,
    client_id,
    channel,
    scheduled_by,
    gender,
    age_band,
    topic,
    topics,
    referred_by,
    month,
    weekday,
    hour,
    age,
    responders,
    answer_number,
    wait_microseconds,
    conversation_microseconds,
    is_conversation,
    is_scheduled,
    is_first_of_year,
    if(is_cut_off, null, is_first_since) as is_first_ever,
    answered_on,
    first_requested_at,
    scheduled_for,
    first_answered_at,
    first_answered_at_local,
    last_ended_at
from ranked
