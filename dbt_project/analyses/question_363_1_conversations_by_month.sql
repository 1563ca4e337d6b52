-- Question 363 of 2023, 1: how many conversations were there by month, and how does that compare with the years before?
with

figures as (

    select * from {{ ref('figures') }}

),

totals as (

    select
        left(period, 4) as year,
        if(length(period) = 4, 'year', right(period, 2)) as month,
        value
    from figures
    where
        figure = 'conversations'
        and breakdown = ''
        and regexp_full_match(period, '\d{4}(-\d\d)?')

),

set_out as (

    select
        month,
        max(value) filter (where year = '2020') as conversations_2020,
        max(value) filter (where year = '2021') as conversations_2021,
        max(value) filter (where year = '2022') as conversations_2022
    from totals
    group by month

),

compared as (

    select
        *,
        round(100 * (conversations_2022 - conversations_2021) / nullif(conversations_2021, 0)) as change_percent
    from set_out

)

select * from compared
order by month
