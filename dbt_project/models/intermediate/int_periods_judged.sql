-- Grain: one month or year, for one basis: the log, or both, that a figure rests on.
with

log_days as (

    select * from {{ ref('int_log_days') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

bases as (

    select
        unnest(['button', 'chat', 'both', 'both']) as basis,
        unnest(['button', 'chat', 'button', 'chat']) as log

),

basis_days as (

    select
        bases.basis,
        log_days.local_date,
        bool_and(log_days.is_covered) as is_covered,
        bool_or(log_days.is_pending) as is_pending
    from bases
    inner join log_days on bases.log = log_days.log
    group by all

),

log_ends as (

    select
        log,
        max(local_date) filter (where is_covered) as last_covered_on
    from log_days
    group by log

),

extents as (

    select
        basis_days.basis,
        min(basis_days.local_date) filter (where basis_days.is_covered) as first_covered_on,
        max(basis_days.local_date) filter (where basis_days.is_covered) as last_covered_on
    from basis_days
    group by basis_days.basis

),

-- The day to which every log of the basis reaches.
reaches as (

    select
        bases.basis,
        min(log_ends.last_covered_on) as reached_on
    from bases
    inner join log_ends on bases.log = log_ends.log
    group by bases.basis

),

months as (

    select
        basis,
        unnest(generate_series(
            date_trunc('month', first_covered_on), cast(last_covered_on as timestamp), interval 1 month
        )) as starts_at_local
    from extents
    where first_covered_on is not null

),

periods as (

    select
        basis,
        strftime(starts_at_local, '%Y-%m') as period,
        'month' as period_type,
        cast(starts_at_local as date) as starts_on,
        last_day(starts_at_local) as ends_on
    from months
    union all
    select distinct
        basis,
        strftime(starts_at_local, '%Y') as period,
        'year' as period_type,
        cast(date_trunc('year', starts_at_local) as date) as starts_on,
        cast(date_trunc('year', starts_at_local) + interval 1 year - interval 1 day as date) as ends_on
    from months

),

counted as (

    select
        periods.basis,
        periods.period,
        periods.period_type,
        count(*) filter (where basis_days.is_covered) as covered_days,
        coalesce(bool_or(basis_days.is_pending), false) as has_pending_days,
        periods.starts_on,
        periods.ends_on
    from periods
    left join basis_days
        on
            periods.basis = basis_days.basis
            and basis_days.local_date between periods.starts_on and periods.ends_on
    group by all

),

-- SDMX's observation status: O missing, P provisional, A final. The wall clock decides nothing.
judged as (

    select
        counted.basis,
        counted.period,
        counted.period_type,
        case
            when counted.covered_days = 0 then 'O'
            when counted.covered_days < date_diff('day', counted.starts_on, counted.ends_on) + 1 then 'P'
            when counted.has_pending_days then 'P'
            when reaches.reached_on < counted.ends_on + settings.settling_days then 'P'
            else 'A'
        end as obs_status,
        counted.covered_days,
        counted.starts_on,
        counted.ends_on
    from counted
    inner join reaches on counted.basis = reaches.basis
    cross join settings

)

select * from judged
