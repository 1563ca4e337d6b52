-- Grain: one line of opening_hours.csv: an interval of a weekday, while it is valid.
with

source as (

    select * from {{ source('raw', 'opening_hours') }}

)

select
    weekday,
    responders,
    opens,
    closes,
    valid_from,
    valid_to
from source
