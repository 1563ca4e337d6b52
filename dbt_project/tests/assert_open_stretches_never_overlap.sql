-- Whether the helpline is open at an instant is looked up in the last stretch that began before it.
-- There may be only one.
with

open_hours as (

    select * from {{ ref('int_open_hours_located') }}

),

followed as (

    select
        shift_id,
        starts_at,
        ends_at,
        lead(starts_at) over (order by starts_at) as next_starts_at
    from open_hours

)

select * from followed
where ends_at > next_starts_at
