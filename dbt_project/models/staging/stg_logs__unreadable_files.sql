-- Grain: one file that cannot be read, for one log that it may hold: refused, or quarantined.
--
-- It holds the dates that its name says; where these are empty, nobody knows which.
with

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

delivery_files as (

    select * from {{ source('raw', 'delivery_files') }}

),

events as (

    select * from {{ source('raw', 'events') }}

),

rejects as (

    select * from {{ source('raw', 'rejects') }}

),

refusals as (

    select * from {{ source('raw', 'refusals') }}

),

logs as (

    select unnest(['button', 'chat']) as log

),

quarantined as (

    select
        deliveries.delivery_id,
        deliveries.keyed_id,
        deliveries.file,
        min(delivery_files.starts_on) as starts_on,
        max(delivery_files.ends_on) as ends_on
    from deliveries
    left join delivery_files on deliveries.delivery_id = delivery_files.delivery_id
    where deliveries.status = 'quarantined'
    group by all

),

-- The logs that its lines tell of.
held as (

    select
        quarantined.delivery_id,
        {{ log_of_type('events.event_type', 'events.log') }} as log
    from events
    inner join quarantined on events.delivery_id = quarantined.delivery_id
    union
    select
        quarantined.delivery_id,
        {{ log_of_type('rejects.event_type', 'rejects.log') }} as log
    from rejects
    inner join quarantined on rejects.delivery_id = quarantined.delivery_id

),

told as (

    select
        quarantined.delivery_id,
        logs.log
    from quarantined
    cross join logs
    semi join held
        on
            quarantined.delivery_id = held.delivery_id
            and logs.log = held.log

),

-- Of one that tells of no log, nobody knows.
without_log as (

    select quarantined.delivery_id
    from quarantined
    anti join told on quarantined.delivery_id = told.delivery_id

),

united as (

    select
        quarantined.keyed_id as delivery_id,
        quarantined.file,
        logs.log,
        quarantined.starts_on,
        quarantined.ends_on
    from quarantined
    cross join logs
    left join told
        on
            quarantined.delivery_id = told.delivery_id
            and logs.log = told.log
    left join without_log on quarantined.delivery_id = without_log.delivery_id
    where
        told.log is not null
        or without_log.delivery_id is not null
    union all
    select
        null as delivery_id,
        refusals.file,
        logs.log,
        refusals.starts_on,
        refusals.ends_on
    from refusals
    cross join logs

)

select * from united
