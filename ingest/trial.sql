-- Grain: one type of event and one of its fields, of the batch that was read last: lines that give it a value, of how
-- many it is kept, in how many of these as `unlisted`, and in how many its value is of a kind that does not fit.

with events as (
    select
        readings.*,
        case
            when json_type(lines.line, '$.data') = 'OBJECT' then lines.line -> '$.data'
            when json_type(lines.line, '$.data_base64') = 'VARCHAR'
                then with_data('{}', text_of_base64(lines.line ->> '$.data_base64')) -> '$.data'
        end as data
    from readings
    inner join lines on readings.delivery_id = lines.delivery_id and readings.line_number = lines.line_number
    where readings.reason is null
),

fields as (
    select
        event_type,
        data,
        unnest([
            {'field': 'visitor', 'value': visitor_id::varchar},
            {'field': 'client', 'value': client_id::varchar},
            {'field': 'responder', 'value': responder_id::varchar},
            {'field': 'channel', 'value': channel},
            {'field': 'button', 'value': button},
            {'field': 'page', 'value': page},
            {'field': 'campaign', 'value': campaign},
            {'field': 'scheduled_for', 'value': scheduled_for::varchar},
            {'field': 'scheduled_by', 'value': scheduled_by},
            {'field': 'gender', 'value': gender},
            {'field': 'age', 'value': age::varchar},
            {'field': 'topics', 'value': if(list_contains(topics, 'unlisted'), 'unlisted', topics::varchar)},
            {'field': 'referred_by', 'value': referred_by},
            {'field': 'log', 'value': log},
            {'field': 'starts_at', 'value': starts_at::varchar},
            {'field': 'ends_at', 'value': ends_at::varchar}
        ], recursive := true)
    from events
),

given as (
    select
        event_type,
        field,
        value,
        json_type(data, '$.' || field) as kind,
        nullif(data ->> ('$.' || field), '') as text
    from fields
    where list_contains($fields, event_type || ' ' || field)
)

select
    event_type,
    field,
    count(*) filter (text is not null) as given,
    count(value) as kept,
    count(*) filter (value = 'unlisted' or (field = 'page' and value is null and text is not null)) as unlisted,
    count(*) filter (
        value is null
        and case
            when field in ('visitor', 'client', 'responder') then kind in ('OBJECT', 'ARRAY', 'BOOLEAN')
            when field = 'topics' then kind not in ('ARRAY', 'NULL')
            when field in ('scheduled_for', 'age') then text is not null
        end
    ) as unfit
from given
group by event_type, field
