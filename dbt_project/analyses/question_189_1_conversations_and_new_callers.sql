-- Question 189 of 2020, 1: did more people get in touch after April 2020, and how many more?
with

figures as (

    select * from {{ ref('figures') }}

),

asked as (

    select * from figures
    where
        breakdown = ''
        and (period = '2020-01/2020-10' or regexp_full_match(period, '2020-\d\d'))

),

set_out as (

    select
        period,
        max(value) filter (where figure = 'conversations') as conversations,
        max(value) filter (where figure = 'new_callers') as new_callers,
        max(value) filter (where figure = 'conversations_per_month') as conversations_per_month,
        max(value) filter (where figure = 'new_callers_per_month') as new_callers_per_month
    from asked
    group by period

),

compared as (

    select
        *,
        if(
            length(period) = 7,
            conversations - max(conversations) filter (where period = '2020-04') over (),
            null
        ) as conversations_more_than_in_april
    from set_out

)

select * from compared
order by length(period), period
