-- Grain: one log on one local date and one reason for which what is known of the day may still change.
with

days as (

    select * from {{ ref('int_days') }}

),

data_gaps as (

    select * from {{ ref('stg_helpline__data_gaps') }}

),

quarantined_days as (

    select * from {{ ref('stg_logs__quarantined_days') }}

),

unreadable_files as (

    select * from {{ ref('int_files_unreadable') }}

),

public_months as (

    select * from {{ ref('stg_logs__public_months') }}

),

losses as (

    select * from {{ ref('int_losses_counted') }}
    where is_over_tolerance

),

months_empty as (

    select * from {{ ref('int_log_months_empty') }}

),

-- A day more than the name says on either side: a file may be named for the day on which it was closed. Where it says
-- nothing, all that has not been public may be in it.
unreadable_days as (

    select
        unreadable_files.log,
        days.local_date
    from days
    inner join unreadable_files
        on days.local_date between unreadable_files.starts_on - 1 and unreadable_files.ends_on + 1
    union
    select
        unreadable_files.log,
        days.local_date
    from days
    inner join unreadable_files on unreadable_files.starts_on is null
    anti join public_months
        on
            unreadable_files.log = public_months.log
            and days.month = public_months.month

),

doubted as (

    select
        data_gaps.log,
        'declared_gap' as because,
        days.local_date
    from days
    inner join data_gaps on days.local_date between data_gaps.starts_on and data_gaps.ends_on
    union
    select
        log,
        'quarantined_delivery' as because,
        local_date
    from quarantined_days
    union
    select
        log,
        'unreadable_file' as because,
        local_date
    from unreadable_days
    union
    select
        losses.log,
        'lost_lines' as because,
        days.local_date
    from days
    inner join losses on days.month = losses.month
    union
    select
        months_empty.log,
        'empty_month' as because,
        days.local_date
    from days
    inner join months_empty on days.month = months_empty.month

)

select * from doubted
