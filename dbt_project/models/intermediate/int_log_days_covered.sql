-- Grain: one log on one local date of which everything was delivered.
with

events as (

    select * from {{ ref('int_events_deduplicated') }}
    where event_type = 'helpline.log.covered'

),

days as (

    select * from {{ ref('int_days') }}

),

log_days_seen as (

    select * from {{ ref('int_log_days_seen') }}

),

stretches_quiet as (

    select * from {{ ref('int_log_stretches_quiet') }}

),

closed_days as (

    select * from {{ source('raw', 'closed_days') }}

),

statements as (

    select
        log,
        starts_at,
        ends_at,
        max(ends_at) over (
            partition by log
            order by starts_at, ends_at
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from events

),

numbered as (

    select
        *,
        count_if(covered_until is null or starts_at > covered_until) over (
            partition by log
            order by starts_at, ends_at
            rows between unbounded preceding and current row
        ) as stretch_number
    from statements

),

-- Intervals that touch or overlap are one stretch.
stretches as (

    select
        log,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at
    from numbered
    group by log, stretch_number

),

stated as (

    select log
    from stretches
    union
    select log
    from closed_days
    where is_stated

),

-- A log that never says what it covers is taken to be whole from its first to its last event, but not in quiet
-- stretches, nor beyond one after which only a clock that is ahead goes on.
ends as (

    select
        log,
        min(starts_on) - 1 as last_date
    from stretches_quiet
    where is_end
    group by log

),

seen as (

    select
        log_days_seen.log,
        min(log_days_seen.local_date) as first_date,
        least(max(log_days_seen.local_date), any_value(ends.last_date)) as last_date
    from log_days_seen
    left join ends on log_days_seen.log = ends.log
    group by log_days_seen.log

),

covered as (

    select
        stretches.log,
        true as is_stated,
        days.local_date
    from days
    inner join stretches
        on
            days.starts_at >= stretches.starts_at
            and days.ends_at <= stretches.ends_at
    union all
    select
        seen.log,
        false as is_stated,
        days.local_date
    from days
    inner join seen on days.local_date between seen.first_date and seen.last_date
    anti join stated on seen.log = stated.log
    anti join stretches_quiet
        on
            seen.log = stretches_quiet.log
            and days.local_date between stretches_quiet.starts_on and stretches_quiet.ends_on

)

select * from covered
