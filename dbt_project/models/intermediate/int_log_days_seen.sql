-- Grain: one log on one local date on which something of it happened.
with

events as (

    select * from {{ ref('int_events_deduplicated') }}

),

-- Of years that have retired it is known on which days something happened; of those that retired before that was
-- kept, which were delivered.
closed_days as (

    select * from {{ source('raw', 'closed_days') }}

),

seen as (

    select
        {{ log_of_type('event_type', 'null') }} as log,
        cast(occurred_at_local as date) as local_date,
        count(*) as events
    from events
    where event_type <> 'helpline.log.covered'
    group by all
    union all
    select
        log,
        local_date,
        1 as events
    from closed_days
    where coalesce(is_seen, is_covered)

),

united as (

    select
        log,
        cast(sum(events) as bigint) as events,
        local_date
    from seen
    group by log, local_date

)

select * from united
