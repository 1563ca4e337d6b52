-- Clicks and requests of the attempts are all the contact events there are, each once.
with

attempts as (

    select sum(clicks + requests) as contact_events from {{ ref('attempts') }}

),

contact_events as (

    select count(*) as contact_events from {{ ref('int_contact_events_grouped') }}

)

select
    attempts.contact_events as in_attempts,
    contact_events.contact_events
from attempts
cross join contact_events
where coalesce(attempts.contact_events, 0) <> contact_events.contact_events
