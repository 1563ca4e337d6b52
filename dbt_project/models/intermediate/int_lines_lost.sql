-- Grain: one lost line, or lost event, for one log that it concerns.
with

rejects as (

    select * from {{ ref('stg_logs__rejects') }}

),

events as (

    select * from {{ ref('int_events_deduplicated') }}

),

copies as (

    select * from {{ ref('stg_logs__events') }}

),

events_lost as (

    select * from {{ ref('int_events_lost') }}

),

logs as (

    select unnest(['button', 'chat']) as log

),

-- What came again, sound, is lost no more.
judged as (

    select
        rejects.delivery_id,
        rejects.event_type,
        {{ log_of_type('rejects.event_type', 'rejects.log') }} as own_log,
        rejects.reason,
        rejects.line_number,
        events.event_id is not null as is_recovered,
        rejects.local_date
    from rejects
    left join events
        on
            rejects.event_id = events.event_id
            and rejects.event_type = events.event_type

),

without_log as (

    select distinct delivery_id
    from judged
    where own_log is null

),

-- The logs that a delivery holds, by whatever of it can be read.
held as (

    select
        copies.delivery_id,
        {{ log_of_type('copies.event_type', 'copies.log') }} as log
    from copies
    semi join without_log on copies.delivery_id = without_log.delivery_id
    union
    select
        delivery_id,
        own_log as log
    from judged
    where own_log is not null

),

-- Of one that holds none, nobody knows.
telling_nothing as (

    select without_log.delivery_id
    from without_log
    anti join held on without_log.delivery_id = held.delivery_id

),

concerned as (

    select
        without_log.delivery_id,
        logs.log
    from without_log
    cross join logs
    left join held
        on
            without_log.delivery_id = held.delivery_id
            and logs.log = held.log
    left join telling_nothing on without_log.delivery_id = telling_nothing.delivery_id
    where
        held.log is not null
        or telling_nothing.delivery_id is not null

),

united as (

    select
        judged.delivery_id,
        coalesce(judged.own_log, concerned.log) as log,
        coalesce(judged.event_type, '') as event_type,
        judged.reason,
        judged.is_recovered,
        judged.local_date
    from judged
    left join concerned
        on
            judged.delivery_id = concerned.delivery_id
            and judged.own_log is null
    union all
    select
        delivery_id,
        log,
        event_type,
        'id_used_twice' as reason,
        false as is_recovered,
        local_date
    from events_lost

)

select * from united
