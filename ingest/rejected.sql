-- Grain: one line of a batch that is set aside, with the local date that it is counted on if it is lost.
--
-- That is the date of its own time, if one can be read and is possible; else of the nearest earlier line of its delivery
-- that has one ($last_date is carried over from the batch before), else of the nearest later one.

create or replace table dated as
select
    readings.delivery_id,
    readings.line_number,
    cast((readings.possible_at at time zone 'UTC') at time zone helpline.timezone as date) as local_date
from readings
cross join helpline
where readings.possible_at is not null;

create or replace table rejected as
with rejects as (
    select
        delivery_id,
        line_number,
        reason,
        event_type,
        log,
        event_id,
        line_id
    from readings
    where reason not in ('blank', 'stored', 'expired')
)

select
    rejects.delivery_id,
    rejects.line_number,
    rejects.reason,
    rejects.event_type,
    rejects.log,
    coalesce(earlier.local_date, $last_date::date, later.local_date) as local_date,
    rejects.event_id,
    rejects.line_id
from rejects
asof left join dated as earlier
    on rejects.delivery_id = earlier.delivery_id and rejects.line_number >= earlier.line_number
asof left join dated as later
    on rejects.delivery_id = later.delivery_id and rejects.line_number <= later.line_number;
