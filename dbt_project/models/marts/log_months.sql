-- Grain: one log in one month of which something is known.
with

losses_counted as (

    select * from {{ ref('int_losses_counted') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

log_days_doubted as (

    select * from {{ ref('int_log_days_doubted') }}

),

periods_judged as (

    select * from {{ ref('int_periods_judged') }}
    where period_type = 'month'

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

types_lost as (

    select
        log,
        month,
        string_agg(event_type, ' ' order by event_type) as lost_types
    from losses_counted
    where
        is_over_tolerance
        and event_type <> ''
    group by log, month

),

days as (

    select
        log,
        strftime(local_date, '%Y-%m') as month,
        bool_or(not is_covered) as lacks_days
    from log_days
    group by all

),

reasons as (

    select distinct
        log,
        strftime(local_date, '%Y-%m') as month,
        because
    from log_days_doubted
    union all
    select
        log,
        month,
        'not_covered' as because
    from days
    where lacks_days
    union all
    select
        periods_judged.basis as log,
        periods_judged.period as month,
        'not_settled' as because
    from periods_judged
    cross join settings
    where periods_judged.ends_on + settings.settling_days > (
        select max(log_days.local_date)
        from log_days
        where
            log_days.log = periods_judged.basis
            and log_days.is_covered
    )

),

explained as (

    select
        log,
        month,
        string_agg(because, ' ' order by because) as because
    from reasons
    group by log, month

),

-- A month of which everything was lost has no figures, and is here all the same.
months as (

    select
        basis as log,
        period as month
    from periods_judged
    where basis <> 'both'
    union
    select
        log,
        month
    from losses_counted

),

described as (

    select
        months.log,
        months.month,
        coalesce(losses_counted.kept_events, 0) as kept_events,
        coalesce(losses_counted.lost_lines, 0) as lost_lines,
        coalesce(losses_counted.accepted_lines, 0) as accepted_lines,
        cast(losses_counted.lost_percent as double) as lost_percent,
        coalesce(losses_counted.is_over_tolerance, false) or types_lost.month is not null as is_over_tolerance,
        coalesce(types_lost.lost_types, '') as lost_types,
        coalesce(periods_judged.obs_status, 'O') as obs_status,
        case
            when periods_judged.obs_status is null then 'not_covered'
            when periods_judged.obs_status = 'A' then ''
            else coalesce(explained.because, '')
        end as because
    from months
    left join periods_judged
        on
            months.log = periods_judged.basis
            and months.month = periods_judged.period
    left join losses_counted
        on
            months.log = losses_counted.log
            and months.month = losses_counted.month
            and losses_counted.event_type = ''
    left join types_lost
        on
            months.log = types_lost.log
            and months.month = types_lost.month
    left join explained
        on
            months.log = explained.log
            and months.month = explained.month

)

select * from described
