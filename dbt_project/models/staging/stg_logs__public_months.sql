-- Grain: one month of which a final figure that rests on the log has been public.
with

source as (

    select * from {{ source('raw', 'public_months') }}

)

select
    log,
    month
from source
