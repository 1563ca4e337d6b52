-- Grain: one code of one breakdown.
with

source as (

    select * from {{ source('raw', 'codes') }}

)

select
    breakdown,
    code,
    label_nl,
    label_en,
    sort
from source
