-- Grain: one exclusion: the events that the helpline wants to be left out of its figures.
with

source as (

    select * from {{ source('raw', 'exclusions') }}

)

select
    exclusion,
    field,
    value,
    reason,
    author,
    expected_events,
    starts_at,
    ends_at
from source
