-- Grain: one month of one log, as a whole (`event_type` is empty) or one type of event in it.
with

lines_lost as (

    select * from {{ ref('int_lines_lost') }}
    where not is_recovered

),

losses_accepted as (

    select * from {{ ref('int_losses_accepted') }}
    where is_valid

),

events as (

    select * from {{ ref('int_events_deduplicated') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

days_accepted as (

    select distinct
        log,
        cast(unnest(generate_series(starts_on, ends_on, interval 1 day)) as date) as local_date
    from losses_accepted

),

kept as (

    select
        {{ log_of_type('event_type', 'log') }} as log,
        strftime(occurred_at_local, '%Y-%m') as month,
        event_type,
        count(*) as kept_events,
        0 as lost_lines,
        0 as accepted_lines
    from events
    group by all

),

lost as (

    select
        lines_lost.log,
        strftime(lines_lost.local_date, '%Y-%m') as month,
        lines_lost.event_type,
        0 as kept_events,
        count(*) filter (where days_accepted.log is null) as lost_lines,
        count(*) filter (where days_accepted.log is not null) as accepted_lines
    from lines_lost
    left join days_accepted
        on
            lines_lost.log = days_accepted.log
            and lines_lost.local_date = days_accepted.local_date
    where lines_lost.local_date is not null
    group by all

),

united as (

    select
        *,
        event_type = 'helpline.log.covered' as is_coverage
    from kept
    union all
    select
        *,
        event_type = 'helpline.log.covered' as is_coverage
    from lost

),

-- A statement of coverage is a type of its own, and no event of the log that it is about.
counted as (

    select
        log,
        month,
        if(grouping(event_type) = 1, '', event_type) as event_type,
        cast(sum(kept_events) as bigint) as kept_events,
        cast(sum(lost_lines) as bigint) as lost_lines,
        cast(sum(accepted_lines) as bigint) as accepted_lines
    from united
    group by grouping sets ((log, month, event_type, is_coverage), (log, month, is_coverage))
    having
        not (grouping(event_type) = 1 and is_coverage)
        and not (grouping(event_type) = 0 and event_type = '')

),

-- More than a trace: at least three lines above what the helpline tolerates, or over a hundred above half a percent.
judged as (

    select
        counted.log,
        counted.month,
        counted.event_type,
        counted.kept_events,
        counted.lost_lines,
        counted.accepted_lines,
        100 * counted.lost_lines / nullif(counted.lost_lines + counted.kept_events, 0) as lost_percent,
        (
            counted.lost_lines >= 3
            and 100 * counted.lost_lines
            > settings.tolerated_loss_percent * (counted.lost_lines + counted.kept_events)
        )
        or (
            counted.lost_lines > 100
            and 1000 * counted.lost_lines > 5 * (counted.lost_lines + counted.kept_events)
        ) as is_over_tolerance
    from counted
    cross join settings

)

select * from judged
