-- Grain: one event that counts: delivered once or more often, and taken out by no exclusion.
{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('int_events_deduplicated') }}

),

excluded as (

    select * from {{ ref('int_events_excluded') }}

)

select
    events.event_id,
    events.source_id,
    events.session_id,
    events.visitor_id,
    events.client_id,
    events.responder_id,
    events.event_type,
    events.channel,
    events.button,
    events.page,
    events.campaign,
    events.scheduled_by,
    events.gender,
    events.topics,
    events.referred_by,
    events.log,
    events.age,
    events.scheduled_for,
    events.starts_at,
    events.ends_at,
    events.occurred_at,
    events.occurred_at_local
from events
anti join excluded on events.event_id = excluded.event_id
