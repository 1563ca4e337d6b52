-- Grain: one closed date.
with

source as (

    select * from {{ source('raw', 'closures') }}

)

select
    reason,
    closed_on
from source
