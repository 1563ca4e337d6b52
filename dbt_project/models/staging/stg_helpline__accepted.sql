-- Grain: one line of accepted.csv: losses, or months without events, that somebody takes as they are.
with

source as (

    select * from {{ source('raw', 'accepted') }}

)

select
    log,
    reason,
    author,
    lost_lines,
    starts_on,
    ends_on,
    decided_on
from source
