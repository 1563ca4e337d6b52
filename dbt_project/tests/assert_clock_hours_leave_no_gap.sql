-- The calendar runs on without a gap or an overlap: each hour begins at the instant at which the one before ended.
with

clock_hours as (

    select * from {{ ref('stg_helpline__clock_hours') }}

),

followed as (

    select
        local_date,
        hour,
        ends_at,
        lead(starts_at) over (order by starts_at) as next_starts_at
    from clock_hours

)

select * from followed
where ends_at <> next_starts_at
