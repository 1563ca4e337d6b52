-- Grain: the helpline (one row).
with

source as (

    select * from {{ source('raw', 'settings') }}

)

select
    name,
    language,
    timezone,
    attempt_gap_minutes,
    settling_days,
    small_count_threshold,
    rotate_keys_from,
    quiet_days,
    tolerated_loss_percent,
    starts_on
from source
