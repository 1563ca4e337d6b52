-- Question 189 of 2020, 4: are there enough responders: what do the hours worked give, month by month?
with

shifts as (

    select * from {{ ref('shifts') }}

),

-- A shift of a day whose logs have not been delivered in full would look like a quiet one.
covered as (

    select * from shifts
    where is_covered

),

summed as (

    select
        strftime(opened_on, '%Y-%m') as month,
        count(*) as shifts,
        sum(open_hours) as open_hours,
        sum(responder_hours) as responder_hours,
        sum(attempts) as attempts,
        sum(missed_attempts) as missed_attempts,
        sum(conversations) as conversations
    from covered
    group by month

),

divided as (

    select
        *,
        round(conversations / nullif(responder_hours, 0), 2) as conversations_per_responder_hour,
        round(100 * (attempts - missed_attempts) / nullif(attempts, 0), 1) as answer_rate
    from summed

)

select * from divided
order by month
