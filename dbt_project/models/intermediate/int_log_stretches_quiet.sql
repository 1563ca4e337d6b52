-- Grain: one stretch of days without any event of a log, in which events were to be expected.
with

log_days_seen as (

    select * from {{ ref('int_log_days_seen') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

ordered as (

    select
        log,
        local_date,
        lead(local_date) over (partition by log order by local_date) as next_date,
        count(*) over (partition by log) as days_seen,
        max(local_date) over (partition by log) - min(local_date) over (partition by log) + 1 as days_in_all,
        sum(events) over (
            partition by log
            order by local_date
            rows between 1 following and unbounded following
        ) as events_beyond
    from log_days_seen

),

stretches as (

    select
        ordered.log,
        ordered.next_date - ordered.local_date - 1 as days,
        ordered.days_seen,
        ordered.days_in_all,
        ordered.events_beyond,
        settings.quiet_days,
        ordered.local_date + 1 as starts_on,
        ordered.next_date - 1 as ends_on
    from ordered
    cross join settings
    where ordered.next_date - ordered.local_date - 1 > settings.quiet_days

),

-- Expected by the log's own rate: days with an event to all days, outside the stretch and outside longer ones that are
-- quiet themselves. Where a stretch is not quiet, no shorter one is. So few days as a stretch may have are no rate.
expected as (

    select
        log,
        days,
        days_seen > quiet_days
        and days_seen * days >= (quiet_days + 1) * (
            days_in_all - sum(days) over (
                partition by log
                order by days desc, starts_on asc
                rows between unbounded preceding and current row
            )
        ) as is_expected,
        events_beyond,
        starts_on,
        ends_on
    from stretches

),

compared as (

    select
        *,
        bool_and(is_expected) over (
            partition by log
            order by days desc, starts_on asc
            rows between unbounded preceding and current row
        ) as is_quiet
    from expected

),

-- Fewer events beyond it than it has days come from a clock gone wrong.
quiet as (

    select
        log,
        events_beyond < days as is_end,
        starts_on,
        ends_on
    from compared
    where is_quiet

)

select * from quiet
