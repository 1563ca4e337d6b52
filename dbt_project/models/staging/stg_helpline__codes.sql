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
    sort,
    valid_from,
    valid_to
from source
