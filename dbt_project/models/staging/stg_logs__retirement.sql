-- Grain: the warehouse (one row): up to where its events are deleted, because their years have retired.
with

closings as (

    select * from {{ source('raw', 'closings') }}

)

select make_date(max(year) filter (where events_deleted), 12, 31) as retired_through
from closings
