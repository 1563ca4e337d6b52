-- Grain: one line of a batch that is set aside, with what can still be told of it, and the date it is counted on if it
-- is lost.
--
-- That is the date of its own time, if one can be read and is possible; else of the nearest earlier line of its delivery
-- that has one (one may be carried over from the batch before), else of the nearest later one.

create or replace table spoiled as
select
    readings.delivery_id,
    readings.line_number,
    readings.reason,
    coalesce(readings.event_type, type_within(lines.line)) as event_type,
    readings.log,
    readings.event_id,
    pseudonym(pads.inner_pad, pads.outer_pad, 'line', lines.line) as line_id,
    -- Of what is JSON, the reading has found the time, or that there is none.
    case
        when lines.given_reason is not null or not json_valid(lines.line)
            then possible(time_within(lines.line), lines.loaded_at)
    end as possible_at
from readings
inner join lines
    on readings.delivery_id = lines.delivery_id and readings.line_number = lines.line_number
cross join pads
where readings.reason not in ('blank', 'stored', 'expired');

-- Of a delivery that is alone in the batch, it may go on in the next one: its dates are wanted in any case.
create or replace table dated as
with moments as (
    select
        delivery_id,
        line_number,
        possible_at
    from readings
    where possible_at is not null
    union all
    select
        delivery_id,
        line_number,
        possible_at
    from spoiled
    where possible_at is not null
)

select
    moments.delivery_id,
    moments.line_number,
    cast((moments.possible_at at time zone 'UTC') at time zone helpline.timezone as date) as local_date
from moments
cross join helpline
where
    $is_alone
    or moments.delivery_id in (select spoiled.delivery_id from spoiled);

create or replace table rejected as
select
    spoiled.delivery_id,
    spoiled.line_number,
    spoiled.reason,
    spoiled.event_type,
    spoiled.log,
    coalesce(earlier.local_date, $last_date::date, later.local_date) as local_date,
    spoiled.event_id,
    spoiled.line_id
from spoiled
asof left join dated as earlier
    on spoiled.delivery_id = earlier.delivery_id and spoiled.line_number >= earlier.line_number
asof left join dated as later
    on spoiled.delivery_id = later.delivery_id and spoiled.line_number <= later.line_number;
