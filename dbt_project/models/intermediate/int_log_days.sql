-- Grain: one log on one local date: was everything of that day delivered, and is it still to be cleaned.
with

events as (

    select * from {{ ref('int_events_deduplicated') }}

),

clock_hours as (

    select * from {{ ref('stg_helpline__clock_hours') }}

),

data_gaps as (

    select * from {{ ref('stg_helpline__data_gaps') }}

),

quarantined_days as (

    select * from {{ ref('stg_logs__quarantined_days') }}

),

unreadable_files as (

    select * from {{ ref('stg_logs__unreadable_files') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

-- What was delivered of the years that have retired.
closed_days as (

    select * from {{ source('raw', 'closed_days') }}

),

days as (

    select
        clock_hours.local_date,
        min(clock_hours.starts_at) as starts_at,
        max(clock_hours.ends_at) as ends_at
    from clock_hours
    cross join settings
    cross join retirement
    where
        clock_hours.local_date >= settings.starts_on
        and not {{ is_retired('clock_hours.local_date') }}
    group by clock_hours.local_date

),

deliveries_covered as (

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
    where event_type = 'helpline.log.covered'

),

numbered as (

    select
        *,
        count_if(covered_until is null or starts_at > covered_until) over (
            partition by log
            order by starts_at, ends_at
            rows between unbounded preceding and current row
        ) as stretch_number
    from deliveries_covered

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

days_seen as (

    select
        if(event_type = 'helpline.button.clicked', 'button', 'chat') as log,
        cast(occurred_at_local as date) as local_date
    from events
    where event_type <> 'helpline.log.covered'
    union all
    select
        log,
        local_date
    from closed_days
    where is_covered

),

-- A log that never says what it covers is taken to be whole from its first to its last event.
events_seen as (

    select
        log,
        min(local_date) as first_date,
        max(local_date) as last_date
    from days_seen
    group by log

),

covered as (

    select
        stretches.log,
        days.local_date
    from days
    inner join stretches
        on
            days.starts_at >= stretches.starts_at
            and days.ends_at <= stretches.ends_at
    union all
    select
        events_seen.log,
        days.local_date
    from days
    inner join events_seen
        on
            days.local_date >= events_seen.first_date
            and days.local_date <= events_seen.last_date
    anti join stated on events_seen.log = stated.log

),

logs as (

    select unnest(['button', 'chat']) as log

),

judged as (

    select
        logs.log,
        covered.local_date is not null as is_covered,
        exists (
            select 1 from data_gaps
            where
                data_gaps.log = logs.log
                and days.local_date between data_gaps.starts_on and data_gaps.ends_on
        )
        or exists (
            select 1 from quarantined_days
            where
                quarantined_days.log = logs.log
                and quarantined_days.local_date = days.local_date
        )
        or (
            exists (select 1 from unreadable_files)
            and stated.log is null
        ) as is_pending,
        stated.log is not null as is_stated,
        days.local_date
    from days
    cross join logs
    left join stated on logs.log = stated.log
    left join covered
        on
            logs.log = covered.log
            and days.local_date = covered.local_date

),

united as (

    select * from judged
    union all
    select
        log,
        is_covered,
        is_pending,
        is_stated,
        local_date
    from closed_days

)

select * from united
