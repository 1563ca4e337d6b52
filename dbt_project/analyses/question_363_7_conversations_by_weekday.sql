-- Question 363 of 2023, 7: on which days do most conversations take place, and is that because the chat is open longer?
with

figures as (

    select * from {{ ref('figures') }}

),

set_out as (

    select
        period as year,
        cast(category as integer) as weekday,
        max(value) filter (where figure = 'conversations') as conversations,
        max(value) filter (where figure = 'conversations_share_percent') as conversations_share_percent,
        max(value) filter (where figure = 'open_hours') as open_hours
    from figures
    where
        breakdown = 'weekday'
        and length(period) = 4
    group by period, category

),

divided as (

    select
        *,
        round(conversations / nullif(open_hours, 0), 2) as conversations_per_open_hour
    from set_out

)

select * from divided
order by year desc, weekday asc
