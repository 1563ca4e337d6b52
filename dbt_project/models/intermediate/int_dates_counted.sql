-- Grain: one local date in one period that counts what happened on it, for one basis.
with

log_days as (

    select * from {{ ref('int_log_days') }}

),

judged as (

    select * from {{ ref('int_periods_judged') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

-- Of a year that has retired, nothing is counted any more.
periods as (

    select judged.*
    from judged
    cross join retirement
    where not {{ is_retired('judged.starts_on') }}

),

months as (

    select * from periods
    where
        period_type = 'month'
        and obs_status <> 'O'

),

bases as (

    {{ logs_of_bases() }}

),

basis_days as (

    select
        bases.basis,
        log_days.local_date,
        bool_and(log_days.is_covered) as is_covered
    from bases
    inner join log_days on bases.log = log_days.log
    group by bases.basis, log_days.local_date

),

-- Months without any covered day are in no year and no range: the months of a period always add up to it.
in_valued_months as (

    select
        basis_days.basis,
        months.period as month,
        basis_days.is_covered,
        basis_days.local_date
    from basis_days
    inner join months
        on
            basis_days.basis = months.basis
            and basis_days.local_date between months.starts_on and months.ends_on

),

-- A week is no sum of months: it counts its own covered days.
counted as (

    select
        in_valued_months.basis,
        periods.period,
        periods.period_type,
        in_valued_months.month,
        in_valued_months.is_covered,
        in_valued_months.local_date
    from in_valued_months
    inner join periods
        on
            in_valued_months.basis = periods.basis
            and in_valued_months.local_date between periods.starts_on and periods.ends_on
    where
        periods.period_type <> 'week'
        or in_valued_months.is_covered

)

select * from counted
