-- Grain: one hour of the week in one month. What rests on a log that covers no day of the month has no value.
with

periods as (

    select * from {{ ref('int_periods_judged') }}

),

contact_events as (

    select * from {{ ref('int_contact_events_grouped') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

conversations as (

    select * from {{ ref('conversations') }}

),

open_hours as (

    select * from {{ ref('int_open_hours_located') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

months as (

    select
        periods.period as month,
        bool_or(periods.basis = 'button' and periods.obs_status <> 'O') as has_clicks,
        bool_or(periods.basis = 'chat' and periods.obs_status <> 'O') as has_conversations,
        bool_or(periods.basis = 'both' and periods.obs_status <> 'O') as has_attempts
    from periods
    cross join retirement
    where
        periods.period_type = 'month'
        and not {{ is_retired('periods.starts_on') }}
    group by periods.period

),

weekdays as (

    select unnest(generate_series(1, 7)) as weekday

),

clock as (

    select unnest(generate_series(0, 23)) as hour

),

hours as (

    select
        months.*,
        cast(weekdays.weekday as tinyint) as weekday,
        cast(clock.hour as tinyint) as hour
    from months
    cross join weekdays
    cross join clock

),

clicked as (

    select
        strftime(occurred_at_local, '%Y-%m') as month,
        isodow(occurred_at_local) as weekday,
        extract('hour' from occurred_at_local) as hour,
        count(*) as clicks
    from contact_events
    where is_click
    group by all

),

attempted as (

    select
        month,
        weekday,
        hour,
        count(*) as attempts,
        count(*) filter (where outcome = 'answered') as answered_attempts,
        count(*) filter (where outcome = 'missed') as missed_attempts,
        count(*) filter (where outcome = 'out_of_hours') as out_of_hours_attempts,
        count(*) filter (where outcome = 'answered' and is_in_hours) as answered_in_hours_attempts
    from attempts
    group by all

),

talked as (

    select
        month,
        weekday,
        hour,
        count(*) as conversations
    from conversations
    group by all

),

-- Only the days whose conversations have been delivered: an open hour without its log says nothing.
opened as (

    select
        strftime(open_hours.local_date, '%Y-%m') as month,
        isodow(open_hours.local_date) as weekday,
        open_hours.hour,
        sum(open_hours.open_seconds) as open_seconds
    from open_hours
    inner join log_days
        on
            open_hours.local_date = log_days.local_date
            and log_days.log = 'chat'
            and log_days.is_covered
    group by all

),

counted as (

    select
        hours.month,
        hours.weekday || '-' || lpad(cast(hours.hour as varchar), 2, '0') as hour_of_week,
        hours.weekday,
        hours.hour,
        if(hours.has_clicks, coalesce(clicked.clicks, 0), null) as clicks,
        if(hours.has_attempts, coalesce(attempted.attempts, 0), null) as attempts,
        if(hours.has_attempts, coalesce(attempted.answered_attempts, 0), null) as answered_attempts,
        if(hours.has_attempts, coalesce(attempted.missed_attempts, 0), null) as missed_attempts,
        if(hours.has_attempts, coalesce(attempted.out_of_hours_attempts, 0), null) as out_of_hours_attempts,
        if(hours.has_attempts, coalesce(attempted.answered_in_hours_attempts, 0), null) as answered_in_hours_attempts,
        if(hours.has_conversations, coalesce(talked.conversations, 0), null) as conversations,
        if(hours.has_conversations, cast(coalesce(opened.open_seconds, 0) as bigint), null) as open_seconds
    from hours
    left join clicked
        on
            hours.month = clicked.month
            and hours.weekday = clicked.weekday
            and hours.hour = clicked.hour
    left join attempted
        on
            hours.month = attempted.month
            and hours.weekday = attempted.weekday
            and hours.hour = attempted.hour
    left join talked
        on
            hours.month = talked.month
            and hours.weekday = talked.weekday
            and hours.hour = talked.hour
    left join opened
        on
            hours.month = opened.month
            and hours.weekday = opened.weekday
            and hours.hour = opened.hour

)

select * from counted
