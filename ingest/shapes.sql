-- Grain: one field and kind of its values, in the first lines of a delivery of which a batch can read nothing.
--
-- A name is shown only if it is in $known: any other may be a name that somebody gave, and is counted under ''. So is each
-- line itself, by what kind of line it is. Values are looked at for their kind alone.

with unread_deliveries as (
    select
        delivery_id,
        min(line_number) = 1 as begins_here
    from readings
    group by delivery_id
    having
        min(line_number) <= $looked_at
        and bool_and(coalesce(reason not in ('stored', 'expired'), false))
        and bool_or(reason <> 'blank')
),

looked_at as (
    select
        lines.delivery_id,
        lines.line_number,
        unread_deliveries.begins_here,
        ltrim(lines.line, ' ' || chr(9) || chr(65279)) as text,
        coalesce(lines.given_reason = 'not_utf8', false) as is_not_utf8,
        coalesce(lines.given_reason = 'line_too_long', false) as is_too_long,
        lines.given_reason is null and json_valid(text) as is_json,
        coalesce(if(is_json, json_type(text) = 'OBJECT', false), false) as is_object
    from lines
    inner join unread_deliveries on lines.delivery_id = unread_deliveries.delivery_id
    inner join readings on lines.delivery_id = readings.delivery_id and lines.line_number = readings.line_number
    where lines.line_number <= $looked_at and readings.reason <> 'blank'
),

lines_by_kind as (
    select
        delivery_id,
        line_number,
        begins_here,
        '' as field,
        case
            when is_object then 'object line'
            when is_json then 'value line'
            when is_not_utf8 then 'not UTF-8 line'
            when is_too_long then 'long line'
            when regexp_full_match(text, '(?:[{}\[\]]+,?|"[^"]*"\s*:.*[^}])\s*') then 'part line'
            when starts_with(text, '{') then 'broken line'
            when starts_with(text, '<') then 'markup line'
            when regexp_matches(text, '"[A-Z]{3,7} [^"]* HTTP/[0-9.]+"') then 'access line'
            when regexp_matches(text, '^(?:\S+ )*?[A-Za-z_.]+=\S+ +[A-Za-z_.]+=\S') then 'pairs line'
            when regexp_matches(text, '^[^;]*(?:;[^;]*){2}|^[^,]*(?:,[^,]*){2}|^[^\t]*(?:\t[^\t]*){2}')
                then 'table line'
            else 'other line'
        end as kind
    from looked_at
),

fields_by_kind as (
    select
        looked_at.delivery_id,
        looked_at.line_number,
        looked_at.begins_here,
        if(list_contains($known, entries.key), entries.key, '') as field,
        case entries.type
            when 'VARCHAR' then 'text'
            when 'BOOLEAN' then 'boolean'
            when 'OBJECT' then 'object'
            when 'ARRAY' then 'list'
            when 'NULL' then 'null'
            else 'number'
        end as kind
    from looked_at
    cross join lateral json_each(if(looked_at.is_object, looked_at.text, '{}')) as entries
)

select
    delivery_id,
    field,
    kind,
    count(distinct line_number) as lines,
    bool_or(begins_here) as begins_here
from (
    from lines_by_kind
    union all
    from fields_by_kind
)
group by delivery_id, field, kind
order by delivery_id, field, kind
