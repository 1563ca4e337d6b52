-- Grain: one log on one local date: was everything of that day delivered, and may it still change.
with

days as (

    select * from {{ ref('int_days') }}

),

log_days_covered as (

    select * from {{ ref('int_log_days_covered') }}

),

log_days_doubted as (

    select * from {{ ref('int_log_days_doubted') }}

),

log_days_seen as (

    select * from {{ ref('int_log_days_seen') }}

),

-- What was delivered of the years that have retired.
closed_days as (

    select * from {{ source('raw', 'closed_days') }}

),

logs as (

    select unnest(['button', 'chat']) as log

),

covered as (

    select distinct
        log,
        local_date
    from log_days_covered

),

doubted as (

    select distinct
        log,
        local_date
    from log_days_doubted

),

stated as (

    select log
    from log_days_covered
    where is_stated
    union
    select log
    from closed_days
    where is_stated

),

judged as (

    select
        logs.log,
        covered.local_date is not null as is_covered,
        doubted.local_date is not null as is_pending,
        stated.log is not null as is_stated,
        log_days_seen.log is not null as is_seen,
        days.local_date
    from days
    cross join logs
    left join stated on logs.log = stated.log
    left join covered
        on
            logs.log = covered.log
            and days.local_date = covered.local_date
    left join doubted
        on
            logs.log = doubted.log
            and days.local_date = doubted.local_date
    left join log_days_seen
        on
            logs.log = log_days_seen.log
            and days.local_date = log_days_seen.local_date

),

united as (

    select * from judged
    union all
    select
        log,
        is_covered,
        is_pending,
        is_stated,
        is_seen,
        local_date
    from closed_days

)

select * from united
