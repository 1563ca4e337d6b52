-- Grain: one line of a delivery, pseudonymised, classified, and without anything that may not be kept.
--
-- The only place where raw text is looked at. It runs in a database that has no file. A line that is
-- set aside keeps nothing but its number and the reason. Whatever cannot be cast becomes null.
-- JSON is what DuckDB takes for JSON: it tolerates a trailing comma and NaN; of two equal names in
-- an object the first counts.

create or replace table readings as
-- `json` is the line if it is JSON, else null; what comes as data_base64 is data, if it is JSON itself.
with recognised as (
    select
        *,
        not regexp_matches(line, '[^ \t\n\v\f\r]') as is_blank,
        given_reason is null and json_valid(line) as is_json,
        case when is_json then line end as json
    from lines
),

decoded as (
    select
        * replace (
            -- One within the other: of conditions that are joined by `and`, all are worked out for every line.
            case
                when contains(json, '"data_base64"')
                    then case
                        when
                            json_type(json, '$.data_base64') = 'VARCHAR'
                            and coalesce(json_type(json, '$.data') = 'NULL', true)
                            then with_data(json, text_of_base64(json ->> '$.data_base64'))
                        else json
                    end
                else json
            end as json
        )
    from recognised
),

parsed as (
    select
        *,
        case
            when is_json
                then json_transform(
                    json,
                    '{
                        "specversion": "VARCHAR",
                        "id": "VARCHAR",
                        "source": "VARCHAR",
                        "type": "VARCHAR",
                        "subject": "VARCHAR",
                        "time": "VARCHAR",
                        "data": {
                            "visitor": "VARCHAR",
                            "client": "VARCHAR",
                            "responder": "VARCHAR",
                            "channel": "VARCHAR",
                            "button": "VARCHAR",
                            "page": "VARCHAR",
                            "campaign": "VARCHAR",
                            "scheduled_for": "VARCHAR",
                            "scheduled_by": "VARCHAR",
                            "gender": "VARCHAR",
                            "age": "VARCHAR",
                            "topics": ["VARCHAR"],
                            "referred_by": "VARCHAR",
                            "log": "VARCHAR",
                            "starts_at": "VARCHAR",
                            "ends_at": "VARCHAR"
                        }
                    }'
                )
        end as event
    from decoded
),

-- One step after the other: an alias that is used beside its own making is worked out, and planned, once more.
typed as (
    select
        parsed.*,
        nullif(event.type, '') as event_type,
        event_type = 'helpline.button.clicked' as is_click,
        event_type = 'helpline.session.scheduled' as is_scheduling,
        event_type = 'helpline.session.requested' as is_request,
        event_type = 'helpline.session.answered' as is_answer,
        event_type = 'helpline.session.registered' as is_registration,
        event_type = 'helpline.log.covered' as is_coverage,
        event_type in (
            'helpline.session.scheduled',
            'helpline.session.requested',
            'helpline.session.answered',
            'helpline.session.abandoned',
            'helpline.session.ended',
            'helpline.session.registered'
        ) as is_session
    from parsed
),

identified as (
    select
        *,
        scalar(event.id, json, '$.id') as id_text,
        case when is_session then scalar(event.subject, json, '$.subject') end as session_text,
        case
            when is_click or is_scheduling or is_request
                then scalar(event.data.visitor, json, '$.data.visitor')
        end as visitor_text,
        case when is_registration then scalar(event.data.client, json, '$.data.client') end as client_text,
        case when is_answer then scalar(event.data.responder, json, '$.data.responder') end as responder_text
    from typed
),

-- A field counts only in the types of event that have it.
fitted as (
    select
        delivery_id,
        line_number,
        loaded_at,
        given_reason,
        is_read_again,
        is_blank,
        is_json,
        event_type,
        is_click,
        is_scheduling,
        is_request,
        is_coverage,
        is_session,
        event.specversion as specversion,
        identifier(id_text, helpline.no_identifiers) as id,
        nullif(event.source, '') as source,
        instant(event.time) as occurred_at,
        -- What is no object has become an object of nulls, and what is no list a null: asked again, for the few
        -- lines where that may be so.
        case
            when is_json and coalesce(
                event.data.visitor,
                event.data.responder,
                event.data.client,
                event.data.channel,
                event.data.button,
                event.data.gender,
                event.data.log
            ) is null
                then coalesce(json_type(json, '$.data') not in ('OBJECT', 'NULL'), false)
            else false
        end as has_bad_data,
        identifier(session_text, helpline.no_identifiers) as session,
        identifier(visitor_text, helpline.no_identifiers) as visitor,
        identifier(client_text, helpline.no_identifiers) as client,
        identifier(responder_text, helpline.no_identifiers) as responder,
        case when is_scheduling or is_request then event.data.channel end as channel,
        case when is_click then nullif(event.data.button, '') end as button,
        case when is_click then path(event.data.page) end as page,
        case when is_click then nullif(event.data.campaign, '') end as campaign,
        case when is_scheduling then instant(event.data.scheduled_for) end as scheduled_for,
        case when is_scheduling then nullif(event.data.scheduled_by, '') end as scheduled_by,
        case when is_registration then nullif(event.data.gender, '') end as gender,
        case when is_registration then whole_number(event.data.age) end as age,
        case
            when is_registration
                then list_filter(event.data.topics, lambda topic: topic is not null and topic <> '')
        end as topics,
        case when is_registration then nullif(event.data.referred_by, '') end as referred_by,
        case when is_coverage then event.data.log end as log,
        case when is_coverage then instant(event.data.starts_at) end as starts_at,
        case when is_coverage then instant(event.data.ends_at) end as ends_at,
        cast(is_scheduling and scheduled_for is null and nullif(event.data.scheduled_for, '') is not null as tinyint)
        + cast(is_registration and age is null and nullif(event.data.age, '') is not null as tinyint)
        + case
            when is_registration and event.data.topics is null
                then cast(coalesce(json_type(json, '$.data.topics') not in ('ARRAY', 'NULL'), false) as tinyint)
            else 0
        end
        + cast(
            (is_click or is_scheduling or is_request) and visitor_text is null and event.data.visitor is not null as tinyint
        )
        + cast(is_registration and client_text is null and event.data.client is not null as tinyint)
        + cast(is_answer and responder_text is null and event.data.responder is not null as tinyint) as unfit_fields
    from identified
    cross join helpline
),

judged as (
    select
        fitted.*,
        case
            when is_blank then 'blank'
            when given_reason is not null then given_reason
            when not is_json then 'not_json'
            when list_contains(helpline.other_types, event_type) then 'other_type'
            when specversion is distinct from '1.0' or id is null or source is null or event_type is null
                then 'not_an_event'
            when not (is_click or is_session or is_coverage) then 'unknown_type'
            when has_bad_data then 'bad_data'
            when occurred_at is null or occurred_at < first_possible() then 'bad_time'
            when occurred_at > loaded_at + interval 1 day then 'in_future'
            when occurred_at < helpline.starts_at then 'before_start'
            when is_session and session is null then 'no_session'
            when (is_scheduling or is_request) and coalesce(channel not in ('chat', 'mail'), true)
                then 'bad_channel'
            when is_coverage and not coalesce(log in ('button', 'chat') and fitted.starts_at < ends_at, false)
                then 'bad_coverage'
            when is_coverage and ends_at > loaded_at + interval 1 day then 'in_future'
            -- A statement of coverage that reaches into open years is about these.
            when if(is_coverage, ends_at <= helpline.closed_before, occurred_at < helpline.closed_before)
                then 'closed_period'
        end as reason
    from fitted
    cross join helpline
),

-- A closed year stays as it is stored: whatever its lines would be read as today.
frozen as (
    select
        judged.* exclude (reason),
        case
            when lines_before.is_event then 'stored'
            when judged.reason = 'closed_period' and judged.is_read_again and lines_before.line_number is null
                then 'expired'
            else judged.reason
        end as reason
    from judged
    left join lines_before
        on judged.delivery_id = lines_before.delivery_id and judged.line_number = lines_before.line_number
),

-- Where keys rotate, years with a key of their own are numbered from 1; 0 is the lasting key. That one names what happens
-- and where, for ever; persons are named by the key of the local year of the event.
classified as (
    select
        frozen.*,
        case
            when pads.keys_change_at is null then 0
            else len(list_filter(pads.keys_change_at, lambda changes_at: changes_at <= frozen.occurred_at))
        end as key_number,
        case when key_number = 0 then pads.inner_pad else pads.inner_pads[key_number] end as person_inner_pad,
        case when key_number = 0 then pads.outer_pad else pads.outer_pads[key_number] end as person_outer_pad
    from frozen
    cross join pads
)

select
    classified.delivery_id,
    classified.line_number,
    classified.reason,
    case
        when classified.reason is null or classified.reason not in ('blank', 'stored', 'expired')
            then pseudonym(inner_pad, outer_pad, 'event', classified.source || chr(31) || classified.id)
    end as event_id,
    case when classified.reason is null then pseudonym(inner_pad, outer_pad, 'source', classified.source) end as source_id,
    -- A line that is set aside has a type too, if it is a known one.
    case
        when
            classified.is_click or classified.is_session or classified.is_coverage
            then classified.event_type
    end as event_type,
    case when classified.reason is null then pseudonym(inner_pad, outer_pad, 'session', classified.session) end as session_id,
    case
        when classified.reason is null
            then pseudonym(person_inner_pad, person_outer_pad, 'visitor', classified.visitor)
    end as visitor_id,
    case
        when classified.reason is null
            then pseudonym(person_inner_pad, person_outer_pad, 'client', classified.client)
    end as client_id,
    case
        when classified.reason is null
            then pseudonym(person_inner_pad, person_outer_pad, 'responder', classified.responder)
    end as responder_id,
    case when classified.reason is null then classified.channel end as channel,
    listed(classified.button, helpline.buttons) as button,
    case when list_contains(helpline.pages, classified.page) then classified.page end as page,
    listed(classified.campaign, helpline.campaigns) as campaign,
    classified.scheduled_for,
    listed(classified.scheduled_by, helpline.schedulers) as scheduled_by,
    listed(classified.gender, helpline.genders) as gender,
    classified.age,
    case
        when len(classified.topics) > 0
            then list_transform(classified.topics, lambda topic: listed(topic, helpline.topics))
    end as topics,
    listed(classified.referred_by, helpline.referrers) as referred_by,
    case when classified.log in ('button', 'chat') then classified.log end as log,
    classified.occurred_at,
    possible(classified.occurred_at, classified.loaded_at) as possible_at,
    classified.starts_at,
    classified.ends_at,
    classified.unfit_fields,
    case
        when
            classified.reason is null
            and person_inner_pad is null
            and coalesce(classified.visitor, classified.client, classified.responder) is not null
            then classified.key_number
    end as missing_key
from classified
cross join helpline
cross join pads
