-- Grain: one opening line on one local date: what is left of the regular hours, and the extra openings.
with

clock_hours as (

    select * from {{ ref('stg_helpline__clock_hours') }}

),

opening_hours as (

    select * from {{ ref('stg_helpline__opening_hours') }}

),

closures as (

    select * from {{ ref('stg_helpline__closures') }}

),

extra_openings as (

    select * from {{ ref('stg_helpline__extra_openings') }}

),

dates as (

    select distinct local_date from clock_hours

),

regular as (

    select
        dates.local_date,
        opening_hours.responders,
        dates.local_date + opening_hours.opens as opens_at_local,
        dates.local_date + opening_hours.closes as closes_at_local
    from dates
    inner join opening_hours
        on
            isodow(dates.local_date) = opening_hours.weekday
            and dates.local_date >= opening_hours.valid_from
            and (opening_hours.valid_to is null or dates.local_date <= opening_hours.valid_to)
    anti join closures on dates.local_date = closures.closed_on

),

extra as (

    select
        dates.local_date,
        extra_openings.responders,
        dates.local_date + extra_openings.opens as opens_at_local,
        dates.local_date + extra_openings.closes as closes_at_local
    from dates
    inner join extra_openings on dates.local_date = extra_openings.opened_on

),

dated as (

    select * from regular
    union all
    select * from extra

)

select * from dated
