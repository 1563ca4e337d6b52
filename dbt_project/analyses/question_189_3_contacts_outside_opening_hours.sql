-- Question 189 of 2020, 3: would longer opening hours help: at which hours do people find the chat closed?
with

hours_of_week as (

    select * from {{ ref('hours_of_week') }}

),

summed as (

    select
        weekday,
        hour,
        sum(attempts) as attempts,
        sum(out_of_hours_attempts) as out_of_hours_attempts,
        sum(missed_attempts) as missed_attempts,
        sum(open_seconds) / 3600 as open_hours
    from hours_of_week
    where month between '2020-01' and '2020-12'
    group by weekday, hour

)

select * from summed
order by out_of_hours_attempts desc, weekday asc, hour asc
