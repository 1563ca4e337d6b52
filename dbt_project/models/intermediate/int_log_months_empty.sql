-- Grain: one month in which a log that says what it covers holds no event, although events were to be expected.
with

days as (

    select * from {{ ref('int_days') }}

),

log_days_covered as (

    select * from {{ ref('int_log_days_covered') }}
    where is_stated

),

log_days_seen as (

    select * from {{ ref('int_log_days_seen') }}

),

losses_accepted as (

    select * from {{ ref('int_losses_accepted') }}
    where is_valid

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

extents as (

    select
        log,
        count(*) as days_seen,
        min(local_date) as first_date,
        max(local_date) as last_date
    from log_days_seen
    group by log

),

-- What somebody has accepted is not looked at.
months as (

    select
        log_days_covered.log,
        days.month,
        count(*) as covered_days
    from log_days_covered
    inner join days on log_days_covered.local_date = days.local_date
    anti join losses_accepted
        on
            log_days_covered.log = losses_accepted.log
            and days.local_date between losses_accepted.starts_on and losses_accepted.ends_on
    group by all

),

months_seen as (

    select distinct
        log,
        strftime(local_date, '%Y-%m') as month
    from log_days_seen

),

-- By the log's own rate outside the month: days with an event to all days from its first event to its last.
compared as (

    select
        months.log,
        months.month,
        months.covered_days,
        extents.days_seen,
        extents.last_date - extents.first_date + 1
        - greatest(
            0,
            least(last_day(cast(months.month || '-01' as date)), extents.last_date)
            - greatest(cast(months.month || '-01' as date), extents.first_date)
            + 1
        ) as days_outside
    from months
    inner join extents on months.log = extents.log
    anti join months_seen
        on
            months.log = months_seen.log
            and months.month = months_seen.month

),

expected as (

    select
        compared.log,
        compared.month,
        compared.covered_days
    from compared
    cross join settings
    where
        compared.days_seen > settings.quiet_days
        and compared.days_seen * compared.covered_days >= (settings.quiet_days + 1) * compared.days_outside

)

select * from expected
