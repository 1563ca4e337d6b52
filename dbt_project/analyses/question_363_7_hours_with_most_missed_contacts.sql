-- Question 363 of 2023, 7: at which hours of the week do people press most, and where is most missed per hour open?
with

hours_of_week as (

    select * from {{ ref('hours_of_week') }}

),

summed as (

    select
        left(month, 4) as year,
        weekday,
        hour,
        sum(attempts) as attempts,
        sum(answered_attempts) as answered_attempts,
        sum(missed_attempts) as missed_attempts,
        sum(out_of_hours_attempts) as out_of_hours_attempts,
        sum(conversations) as conversations,
        sum(open_seconds) / 3600 as open_hours
    from hours_of_week
    group by year, weekday, hour

),

divided as (

    select
        *,
        if(open_hours > 0, round(missed_attempts / open_hours, 2), null) as missed_attempts_per_open_hour
    from summed

)

select * from divided
order by year desc, missed_attempts_per_open_hour desc nulls last, weekday asc, hour asc
