-- One row for each of the busiest visitors of a month, and how many of its contact events are theirs. Five
-- cannot each have more than a fifth, so four of a month are enough. Needs `visitor_events`.
with counted as (
    select
        date_trunc('month', local_date) as month,
        visitor_id,
        count(*) as events,
        count_if(not is_contact) as further_events
    from visitor_events
    group by all
),
contacts as (
    select month, visitor_id, events - further_events as contact_events, events
    from counted
),
shared as (
    select
        month,
        visitor_id,
        contact_events,
        cast(sum(contact_events) over (partition by month) as bigint) as month_events,
        100.0 * contact_events / nullif(month_events, 0) as percent_of_month,
        events
    from contacts
)
select * replace (
    strftime(month, '%Y-%m') as month,
    cast(visitor_id as varchar) as visitor_id
)
from shared
where visitor_id is not null
qualify
    row_number() over (partition by shared.month order by contact_events desc, shared.visitor_id) <= 4
order by month desc, contact_events desc, visitor_id;
