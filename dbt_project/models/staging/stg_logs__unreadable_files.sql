-- Grain: one delivered file of which no event could be read: nobody knows which days it is about.
with

deliveries as (

    select * from {{ source('raw', 'deliveries') }}

),

refusals as (

    select * from {{ source('raw', 'refusals') }}

),

unreadable as (

    select file
    from deliveries
    where
        status = 'quarantined'
        and events = 0
    union
    select file
    from refusals

)

select * from unreadable
