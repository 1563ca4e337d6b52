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

-- A line that was delivered twice is lost once, equal lines of one delivery as often as they stand there.
-- What came again, sound, is lost no more.
judged as (

    select
        rejects.line_id,
        rejects.copy_number,
        arg_min(rejects.delivery_id, (rejects.local_date, rejects.delivery_id)) as delivery_id,
        rejects.event_type,
        {{ log_of_type('rejects.event_type', 'rejects.log') }} as own_log,
        min(rejects.reason) as reason,
        bool_or(events.event_id is not null) as is_recovered,
        min(rejects.local_date) as local_date
    from rejects
    left join events
        on
            rejects.event_id = events.event_id
            and rejects.event_type = events.event_type
    group by
        rejects.line_id,
        rejects.copy_number,
        rejects.event_type,
        rejects.log

),

-- The deliveries of lines of no known type.
without_log as (

    select distinct rejects.delivery_id
    from rejects
    inner join judged
        on
            rejects.line_id = judged.line_id
            and judged.own_log is null

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
        {{ log_of_type('event_type', 'log') }} as log
    from rejects
    where {{ log_of_type('event_type', 'log') }} is not null

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

lines_concerned as (

    select distinct
        rejects.line_id,
        rejects.copy_number,
        concerned.log
    from rejects
    inner join concerned on rejects.delivery_id = concerned.delivery_id

),

united as (

    select
        judged.delivery_id,
        coalesce(judged.own_log, lines_concerned.log) as log,
        coalesce(judged.event_type, '') as event_type,
        judged.reason,
        judged.is_recovered,
        judged.local_date
    from judged
    left join lines_concerned
        on
            judged.line_id = lines_concerned.line_id
            and judged.copy_number = lines_concerned.copy_number
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
