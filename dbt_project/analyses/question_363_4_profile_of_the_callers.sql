-- Question 363 of 2023, 4 and 8: who are the callers, by gender and age, and how does that change over the years?
with

figures as (

    select * from {{ ref('figures') }}

),

set_out as (

    select
        period as year,
        breakdown,
        category,
        max(value) filter (where figure = 'callers') as callers,
        max(value) filter (where figure = 'callers_share_percent') as callers_share_percent
    from figures
    where
        breakdown in ('gender', 'age_band')
        and length(period) = 4
        and figure in ('callers', 'callers_share_percent')
    group by period, breakdown, category

)

select * from set_out
order by year desc, breakdown asc, callers desc, category asc
