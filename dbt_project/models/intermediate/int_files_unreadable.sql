-- Grain: one file for one log of which nobody knows what it holds, and which nobody has taken as it is.
with

unreadable_files as (

    select * from {{ ref('stg_logs__unreadable_files') }}

),

delivery_files as (

    select * from {{ source('raw', 'delivery_files') }}

),

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

lines_lost as (

    select * from {{ ref('int_lines_lost') }}

),

losses_accepted as (

    select * from {{ ref('int_losses_accepted') }}

),

-- Lines that are lost, and none of whose delivery has a date: more than a trace of them is a file that cannot be read.
undated as (

    select
        delivery_id,
        log,
        count(*) as lost_lines
    from lines_lost
    where
        local_date is null
        and not is_recovered
    group by all
    having count(*) >= 3

),

united as (

    select * from unreadable_files
    union all
    select
        undated.delivery_id,
        deliveries.file,
        undated.log,
        min(delivery_files.starts_on) as starts_on,
        max(delivery_files.ends_on) as ends_on
    from undated
    inner join deliveries on undated.delivery_id = deliveries.keyed_id
    left join delivery_files on deliveries.delivery_id = delivery_files.delivery_id
    group by all

),

-- A file whose dates are known can be accepted by them.
open as (

    select
        united.delivery_id,
        united.file,
        united.log,
        united.starts_on,
        united.ends_on
    from united
    anti join losses_accepted
        on
            united.log = losses_accepted.log
            and losses_accepted.is_valid
            and united.starts_on >= losses_accepted.starts_on
            and united.ends_on <= losses_accepted.ends_on

)

select * from open
