-- Grain: one delivery: a file, known by the hash of its bytes.
with

ledger as (

    select * from {{ source('raw', 'deliveries') }}

),

copies as (

    select * from {{ ref('stg_logs__events') }}

),

events as (

    select * from {{ ref('int_events_deduplicated') }}

),

excluded as (

    select * from {{ ref('int_events_excluded') }}

),

sessions as (

    select * from {{ ref('int_sessions_assembled') }}

),

compared as (

    select
        copies.delivery_id,
        case copies.event_type
            when 'helpline.button.clicked' then 'button'
            when 'helpline.log.covered' then copies.log
            else 'chat'
        end as log,
        copies.occurred_at,
        events.copies > 1 as is_repeated,
        events.is_clash,
        excluded.event_id is not null as is_excluded,
        copies.session_id is not null and sessions.session_id is null and not is_excluded as is_orphan,
        list_contains(
            [copies.button, copies.campaign, copies.scheduled_by, copies.gender, copies.referred_by], 'unlisted'
        )
        or coalesce(list_contains(copies.topics, 'unlisted'), false) as has_unlisted,
        copies.unfit_fields
    from copies
    inner join events on copies.event_id = events.event_id
    left join excluded on copies.event_id = excluded.event_id
    left join sessions on copies.session_id = sessions.session_id

),

profiled as (

    select
        delivery_id,
        list_sort(list(distinct log)) as logs,
        count(*) filter (where is_repeated) as repeated_events,
        count(*) filter (where is_clash) as clashing_events,
        count(*) filter (where is_excluded) as excluded_events,
        count(*) filter (where is_orphan) as orphaned_events,
        count(*) filter (where has_unlisted) as unlisted_events,
        cast(sum(unfit_fields) as bigint) as unfit_fields,
        min(occurred_at) as first_occurred_at,
        max(occurred_at) as last_occurred_at
    from compared
    group by delivery_id

),

described as (

    select
        ledger.keyed_id as delivery_id,
        ledger.status,
        profiled.logs,
        ledger.lines,
        ledger.events,
        ledger.rejects,
        ledger.blank_lines,
        coalesce(profiled.repeated_events, 0) as repeated_events,
        coalesce(profiled.clashing_events, 0) as clashing_events,
        coalesce(profiled.excluded_events, 0) as excluded_events,
        coalesce(profiled.orphaned_events, 0) as orphaned_events,
        coalesce(profiled.unlisted_events, 0) as unlisted_events,
        coalesce(profiled.unfit_fields, 0) as unfit_fields,
        profiled.first_occurred_at,
        profiled.last_occurred_at
    from ledger
    left join profiled on ledger.keyed_id = profiled.delivery_id

)

select * from described
