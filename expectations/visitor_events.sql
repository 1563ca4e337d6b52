-- One row for each event that can have a visitor and that no exclusion takes out, in the temporary table
-- `visitor_events`; clicks and requests for a chat are contact events. Of years that have retired only
-- what reaches into the next one is left, so they are left out. Needs `matched_events`.

create or replace temp table visitor_events as
with retired as (
    select coalesce(make_date(max(year), 12, 31), '-infinity'::date) as ended_on
    from raw.closings
    where events_deleted
),
delivered as (
    select
        events.event_id,
        events.session_id,
        events.visitor_id,
        events.page,
        events.event_type = 'helpline.button.clicked' as is_click,
        events.event_type = 'helpline.button.clicked'
        or events.event_type = 'helpline.session.requested' and events.channel = 'chat'
            as is_contact,
        events.occurred_at,
        cast(events.occurred_at at time zone 'UTC' at time zone settings.timezone as date)
            as local_date
    from raw.events
    inner join raw.deliveries using (delivery_id)
    cross join raw.settings
    where
        deliveries.status in ('loaded', 'accepted')
        and events.event_type in (
            'helpline.button.clicked', 'helpline.session.requested', 'helpline.session.scheduled'
        )
),
-- Of copies of one event the earliest counts.
counted as (
    select * from delivered
    qualify row_number() over (partition by event_id order by occurred_at, visitor_id, page) = 1
)
select counted.*
from counted
cross join retired
where
    counted.local_date > retired.ended_on
    and counted.event_id not in (select event_id from matched_events)
    and coalesce(
        counted.session_id not in (
            select session_id from matched_events where session_id is not null
        ),
        true
    );
