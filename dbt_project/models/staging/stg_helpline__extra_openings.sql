-- Grain: one extra opening on one date.
with

source as (

    select * from {{ source('raw', 'extra_openings') }}

)

select
    reason,
    responders,
    opens,
    closes,
    opened_on
from source
