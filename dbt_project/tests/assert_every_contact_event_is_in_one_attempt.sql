-- Clicks and requests of the attempts are all the contact events there are, each once; of a year that has retired, only
-- what reaches into the next one is left, and no attempt.
with

attempts as (

    select sum(clicks + requests) as contact_events from {{ ref('attempts') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

started as (

    select
        attempt_id,
        count(*) as contact_events,
        cast(min(occurred_at_local) as date) as started_on
    from {{ ref('int_contact_events_grouped') }}
    group by attempt_id

),

contact_events as (

    select coalesce(sum(started.contact_events), 0) as contact_events
    from started
    cross join retirement
    where not {{ is_retired('started.started_on') }}

)

select
    attempts.contact_events as in_attempts,
    contact_events.contact_events
from attempts
cross join contact_events
where coalesce(attempts.contact_events, 0) <> contact_events.contact_events
