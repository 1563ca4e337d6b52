-- Grain: one month, week, year or range of months, for one basis: the log, or both, that a figure rests on.
with

log_days as (

    select * from {{ ref('int_log_days') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

published_ranges as (

    select * from {{ ref('stg_helpline__published_ranges') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

-- Periods that start in a year that has retired, as they were judged before its events were deleted.
closed_periods as (

    select * from {{ source('raw', 'closed_periods') }}

),

bases as (

    {{ logs_of_bases() }}

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

days as (

    select
        basis,
        unnest(generate_series(
            date_trunc('month', first_covered_on), last_day(last_covered_on), interval 1 day
        )) as starts_at_local,
        starts_at_local between first_covered_on and last_covered_on as is_in_covered_week
    from extents
    where first_covered_on is not null

),

months as (

    select
        basis,
        min(cast(starts_at_local as date)) as first_month_on,
        max(cast(starts_at_local as date)) as last_month_on
    from days
    group by basis

),

-- A figure is compared with the same range of the year before, which no document needs to have used.
ranges as (

    select
        period,
        starts_on,
        ends_on,
        true as is_shown
    from published_ranges
    union all
    select
        strftime(starts_on - interval 1 year, '%Y-%m/') || strftime(ends_on - interval 1 year, '%Y-%m') as period,
        cast(starts_on - interval 1 year as date) as starts_on,
        last_day(ends_on - interval 1 year) as ends_on,
        false as is_shown
    from published_ranges

),

periods as (

    select distinct
        basis,
        strftime(starts_at_local, '%Y-%m') as period,
        'month' as period_type,
        true as is_shown,
        cast(date_trunc('month', starts_at_local) as date) as starts_on,
        last_day(starts_at_local) as ends_on
    from days
    union all
    select distinct
        basis,
        strftime(starts_at_local, '%G-W%V') as period,
        'week' as period_type,
        true as is_shown,
        cast(date_trunc('week', starts_at_local) as date) as starts_on,
        cast(date_trunc('week', starts_at_local) + interval 6 day as date) as ends_on
    from days
    where is_in_covered_week
    union all
    select distinct
        basis,
        strftime(starts_at_local, '%Y') as period,
        'year' as period_type,
        true as is_shown,
        cast(date_trunc('year', starts_at_local) as date) as starts_on,
        cast(date_trunc('year', starts_at_local) + interval 1 year - interval 1 day as date) as ends_on
    from days
    union all
    select
        months.basis,
        ranges.period,
        'range' as period_type,
        bool_or(ranges.is_shown) as is_shown,
        ranges.starts_on,
        ranges.ends_on
    from ranges
    inner join months
        on
            ranges.starts_on <= months.last_month_on
            and ranges.ends_on >= months.first_month_on
    group by all

),

-- A local date that never was lacks nothing: Samoa had no 30 December 2011.
skipped_dates as (

    select cast(unnest(generate_series(min(local_date), max(local_date), interval 1 day)) as date) as local_date
    from log_days
    except
    select local_date
    from log_days

),

skipped as (

    select
        periods.basis,
        periods.period,
        count(*) as dates
    from periods
    inner join skipped_dates on skipped_dates.local_date between periods.starts_on and periods.ends_on
    group by periods.basis, periods.period

),

counted as (

    select
        periods.*,
        count(*) filter (where basis_days.is_covered) as covered_days,
        coalesce(bool_or(basis_days.is_pending), false) as has_pending_days
    from periods
    left join basis_days
        on
            periods.basis = basis_days.basis
            and basis_days.local_date between periods.starts_on and periods.ends_on
    group by all

),

-- SDMX's observation status: O missing, P provisional, A final. The wall clock decides nothing; days before the
-- helpline's first one lack nothing.
judged as (

    select
        counted.basis,
        counted.period,
        counted.period_type,
        case
            when counted.covered_days = 0 then 'O'
            when
                counted.covered_days + coalesce(skipped.dates, 0)
                < date_diff('day', greatest(counted.starts_on, settings.starts_on), counted.ends_on) + 1
                then 'P'
            when counted.has_pending_days then 'P'
            when reaches.reached_on < counted.ends_on + settings.settling_days then 'P'
            else 'A'
        end as obs_status,
        counted.covered_days,
        counted.is_shown,
        counted.starts_on,
        counted.ends_on
    from counted
    inner join reaches on counted.basis = reaches.basis
    left join skipped
        on
            counted.basis = skipped.basis
            and counted.period = skipped.period
    cross join settings

),

-- Of a retired year, what nobody stored has no value any more: a range that a document has used since.
settled as (

    select
        judged.basis,
        judged.period,
        judged.period_type,
        if({{ is_retired('judged.starts_on') }}, 'O', judged.obs_status) as obs_status,
        judged.covered_days,
        judged.is_shown,
        judged.starts_on,
        judged.ends_on
    from judged
    cross join retirement
    anti join closed_periods
        on
            judged.basis = closed_periods.basis
            and judged.period = closed_periods.period

),

-- A week has none: the week of that number a year before is not the same days.
earlier as (

    select * from settled
    where period_type <> 'week'
    union all
    select
        basis,
        period,
        period_type,
        obs_status,
        covered_days,
        is_shown,
        starts_on,
        ends_on
    from closed_periods
    where period_type <> 'week'

),

compared as (

    select
        settled.basis,
        settled.period,
        settled.period_type,
        settled.obs_status,
        earlier.period as earlier_period,
        case
            when earlier.period is null then null
            when 'O' in (settled.obs_status, earlier.obs_status) then 'O'
            when 'P' in (settled.obs_status, earlier.obs_status) then 'P'
            else 'A'
        end as change_status,
        settled.covered_days,
        settled.is_shown,
        settled.starts_on,
        settled.ends_on
    from settled
    left join earlier
        on
            settled.basis = earlier.basis
            and settled.period_type = earlier.period_type
            and settled.starts_on - interval 1 year = earlier.starts_on
            and settled.ends_on = last_day(earlier.ends_on + interval 1 year)

),

-- A range that was only compared with may have been used by a document since.
stored as (

    select
        closed_periods.basis,
        closed_periods.period,
        closed_periods.period_type,
        closed_periods.obs_status,
        closed_periods.earlier_period,
        closed_periods.change_status,
        closed_periods.covered_days,
        closed_periods.is_shown or coalesce(judged.is_shown, false) as is_shown,
        closed_periods.starts_on,
        closed_periods.ends_on
    from closed_periods
    left join judged
        on
            closed_periods.basis = judged.basis
            and closed_periods.period = judged.period

),

united as (

    select * from compared
    union all
    select * from stored

)

select * from united
