-- Question 189 of 2020, 2: how many contacts could not be answered, and how many clicks does a conversation take?
with

figures as (

    select * from {{ ref('figures') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

asked as (

    select * from figures
    where
        breakdown = ''
        and (period = '2020-01/2020-10' or regexp_full_match(period, '2020-(0\d|10)'))

),

set_out as (

    select
        period,
        max(value) filter (where figure = 'conversations') as conversations,
        max(value) filter (where figure = 'clicks') as clicks,
        max(value) filter (where figure = 'clicks_per_conversation') as clicks_per_conversation,
        max(value) filter (where figure = 'clicks_per_month') as clicks_per_month,
        max(value) filter (where figure = 'answer_rate') as answer_rate
    from asked
    group by period

),

-- An attempt is one run of clicks and requests of one visitor: who presses ten times in a row is missed once.
attempted as (

    select
        if(grouping(month) = 1, '2020-01/2020-10', month) as period,
        count(*) as attempts,
        count(*) filter (where outcome = 'missed') as missed_attempts,
        count(*) filter (where outcome = 'out_of_hours') as out_of_hours_attempts
    from attempts
    where month between '2020-01' and '2020-10'
    group by grouping sets ((month), ())

),

joined as (

    select
        set_out.*,
        attempted.attempts,
        attempted.missed_attempts,
        attempted.out_of_hours_attempts
    from set_out
    left join attempted on set_out.period = attempted.period

)

select * from joined
order by length(period), period
