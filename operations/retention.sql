-- Which events of the years that retire have to stay, because their attempt or session reaches into a
-- year that is kept. Copies of one event stay or go together. $boundary is the New Year before which
-- events go, $gap the longest gap within an attempt. `kept` is grown by retention.py until it is whole.

create or replace temp table old_events as
with contacts as (
    select
        rowid as row_id,
        visitor_id,
        occurred_at,
        coalesce(
            occurred_at - lag(occurred_at) over (partition by visitor_id order by occurred_at, rowid)
            > to_minutes($gap),
            true
        ) as is_start
    from warehouse.raw.events
    where
        event_type in ('helpline.button.clicked', 'helpline.session.requested')
        and visitor_id is not null
        and occurred_at < $boundary::timestamp + to_minutes($gap)
),
-- At least the attempts: what an exclusion takes out, and what is no contact event, counts here as well.
runs as (
    select
        row_id,
        visitor_id,
        occurred_at,
        count_if(is_start) over (
            partition by visitor_id
            order by occurred_at, row_id
            rows between unbounded preceding and current row
        ) as run
    from contacts
),
reaching as (
    select
        row_id,
        visitor_id,
        run,
        bool_or(occurred_at >= $boundary::timestamp) over (partition by visitor_id, run) as is_reaching
    from runs
)
select
    events.rowid as row_id,
    events.event_id,
    events.session_id,
    reaching.visitor_id,
    reaching.run,
    coalesce(reaching.is_reaching, false) as is_reaching
from warehouse.raw.events
left join reaching on events.rowid = reaching.row_id
where
    events.event_type <> 'helpline.log.covered'
    and events.occurred_at < $boundary::timestamp;

create or replace temp table kept as
select row_id
from old_events
where
    is_reaching
    or event_id in (
        select event_id from warehouse.raw.events where occurred_at >= $boundary::timestamp
    )
    or session_id in (
        select session_id from warehouse.raw.events where occurred_at >= $boundary::timestamp
    );
