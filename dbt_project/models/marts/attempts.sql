-- Grain: one attempt: a run of contact events of one visitor.
with

contact_events as (

    select * from {{ ref('int_contact_events_grouped') }}

),

answers as (

    select * from {{ ref('int_answers_matched') }}

),

open_hours as (

    select * from {{ ref('int_open_hours_located') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

runs as (

    select
        attempt_id,
        any_value(visitor_id) as visitor_id,
        count(*) filter (where is_click) as clicks,
        count(*) filter (where not is_click) as requests,
        min(occurred_at) as started_at,
        first(occurred_at_local order by {{ event_order() }}) as started_at_local,
        max(occurred_at) as last_contact_at
    from contact_events
    group by attempt_id

),

answered as (

    select
        attempt_id,
        count(*) as answered_sessions
    from answers
    group by attempt_id

),

-- Open stretches never overlap: the last one that began decides.
located as (

    select
        runs.*,
        if(runs.started_at < open_hours.ends_at, open_hours.shift_id, null) as shift_id
    from runs
    asof left join open_hours on runs.started_at >= open_hours.starts_at

),

judged as (

    select
        located.attempt_id,
        located.visitor_id,
        located.shift_id,
        case
            when answered.attempt_id is not null then 'answered'
            when located.shift_id is not null then 'missed'
            else 'out_of_hours'
        end as outcome,
        strftime(located.started_at_local, '%Y-%m') as month,
        isodow(located.started_at_local) || '-' || strftime(located.started_at_local, '%H') as hour_of_week,
        cast(isodow(located.started_at_local) as tinyint) as weekday,
        cast(extract('hour' from located.started_at_local) as tinyint) as hour,
        located.clicks,
        located.requests,
        coalesce(answered.answered_sessions, 0) as answered_sessions,
        located.shift_id is not null as is_in_hours,
        cast(located.started_at_local as date) as started_on,
        located.started_at,
        located.started_at_local,
        located.last_contact_at
    from located
    left join answered on located.attempt_id = answered.attempt_id

),

-- Of a year that has retired only what reaches into the next one is left.
kept as (

    select judged.*
    from judged
    cross join retirement
    where not {{ is_retired('judged.started_on') }}

)

select * from kept
