-- Grain: one declared gap of one log.
with

source as (

    select * from {{ source('raw', 'data_gaps') }}

)

select
    log,
    reason,
    starts_on,
    ends_on
from source
