-- Grain: one range of months that a published document has used.
with

source as (

    select * from {{ source('raw', 'published') }}

),

ranges as (

    select distinct
        period,
        cast(split_part(period, '/', 1) || '-01' as date) as starts_on,
        last_day(cast(split_part(period, '/', 2) || '-01' as date)) as ends_on
    from source
    where contains(period, '/')

)

select * from ranges
