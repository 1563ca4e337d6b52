-- Grain: one event that an exclusion takes out of the figures.
with

events as (

    select * from {{ ref('int_events_deduplicated') }}
    where event_type <> 'helpline.log.covered'

),

exclusions as (

    select * from {{ ref('stg_helpline__exclusions') }}

),

matched as (

    {%- for field, column in [
        ('visitor', 'cast(events.visitor_id as varchar)'),
        ('page', 'events.page'),
        ('button', 'events.button'),
        ('campaign', 'events.campaign'),
    ] %}
    select
        events.event_id,
        events.session_id,
        exclusions.exclusion
    from events
    inner join exclusions
        on
            exclusions.field = '{{ field }}'
            and {{ column }} = exclusions.value
            and (exclusions.starts_at is null or events.occurred_at >= exclusions.starts_at)
            and (exclusions.ends_at is null or events.occurred_at < exclusions.ends_at)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

    -- What can have a visitor and has none: on a page, or wherever it was.
    union all
    select
        events.event_id,
        events.session_id,
        exclusions.exclusion
    from events
    inner join exclusions
        on
            exclusions.field = 'no_visitor'
            and (exclusions.value = '' or events.page = exclusions.value)
            and (exclusions.starts_at is null or events.occurred_at >= exclusions.starts_at)
            and (exclusions.ends_at is null or events.occurred_at < exclusions.ends_at)
    where
        events.visitor_id is null
        and events.event_type in (
            'helpline.button.clicked',
            'helpline.session.requested',
            'helpline.session.scheduled'
        )

),

matched_events as (

    select
        event_id,
        min(exclusion) as exclusion
    from matched
    group by event_id

),

-- Of a session only requests and schedulings can match, by their visitor or for want of one. Half a session would be
-- counted wrongly: its other events go with them.
matched_sessions as (

    select
        session_id,
        min(exclusion) as exclusion
    from matched
    where session_id is not null
    group by session_id

),

excluded as (

    select
        events.event_id,
        coalesce(matched_sessions.exclusion, matched_events.exclusion) as exclusion,
        cast(events.occurred_at_local as date) as occurred_on
    from events
    left join matched_events on events.event_id = matched_events.event_id
    left join matched_sessions on events.session_id = matched_sessions.session_id
    where coalesce(matched_sessions.exclusion, matched_events.exclusion) is not null

)

select * from excluded
