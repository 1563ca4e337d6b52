-- Clicks and requests of each attempt are all its contact events, each once, and every contact event has an attempt. Of
-- a year that has retired only what reaches into the next one is left, and no attempt.
with

attempts as (

    select
        attempt_id,
        clicks + requests as contact_events
    from {{ ref('attempts') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

grouped as (

    select
        attempt_id,
        count(*) as contact_events,
        cast(min(occurred_at_local) as date) as started_on
    from {{ ref('int_contact_events_grouped') }}
    group by attempt_id

),

kept as (

    select grouped.*
    from grouped
    cross join retirement
    where not {{ is_retired('grouped.started_on') }}

)

select
    coalesce(kept.attempt_id, attempts.attempt_id) as attempt_id,
    attempts.contact_events as in_attempts,
    kept.contact_events
from kept
full outer join attempts on kept.attempt_id = attempts.attempt_id
where kept.contact_events is distinct from attempts.contact_events
