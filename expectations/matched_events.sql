-- One row for each event of a delivery that an exclusion names itself, without the rest of its session,
-- in the temporary table `matched_events`. `no_visitor` names the events without a visitor among those
-- that can have one: on the page that is its value, or all of them.

create or replace temp table matched_events as
with sought as (
    select
        exclusion,
        field,
        value,
        try_cast(value as uuid) as visitor_id,
        coalesce(starts_at, '-infinity') as starts_at,
        coalesce(ends_at, 'infinity') as ends_at
    from raw.exclusions
),
matched as (
    select sought.exclusion, sought.starts_at, sought.ends_at, events.*
    from raw.events
    inner join sought on sought.field = 'visitor' and sought.visitor_id = events.visitor_id
    union all
    select sought.exclusion, sought.starts_at, sought.ends_at, events.*
    from raw.events
    inner join sought on sought.field = 'page' and sought.value = events.page
    union all
    select sought.exclusion, sought.starts_at, sought.ends_at, events.*
    from raw.events
    inner join sought on sought.field = 'button' and sought.value = events.button
    union all
    select sought.exclusion, sought.starts_at, sought.ends_at, events.*
    from raw.events
    inner join sought on sought.field = 'campaign' and sought.value = events.campaign
    union all
    select sought.exclusion, sought.starts_at, sought.ends_at, events.*
    from raw.events
    inner join sought
        on
            sought.field = 'no_visitor'
            and (sought.value = '' or sought.value = events.page)
            and events.visitor_id is null
            and events.event_type in (
                'helpline.button.clicked', 'helpline.session.requested', 'helpline.session.scheduled'
            )
)
select exclusion, delivery_id, event_id, session_id, occurred_at
from matched
where occurred_at >= starts_at and occurred_at < ends_at;
