-- Question 363 of 2023, 4: with how many different people was there a conversation, and how many of them were new?
with

figures as (

    select * from {{ ref('figures') }}

),

set_out as (

    select
        period,
        max(value) filter (where figure = 'callers' and breakdown = '') as callers,
        max(value) filter (where figure = 'callers' and category = 'chat') as callers_by_chat,
        max(value) filter (where figure = 'callers' and category = 'mail_only') as callers_by_mail_only,
        max(value) filter (where figure = 'new_callers') as new_callers,
        max(value) filter (where figure = 'first_time_callers') as first_time_callers
    from figures
    where
        breakdown in ('', 'channel')
        and regexp_full_match(period, '\d{4}(-\d\d)?')
    group by period

)

select * from set_out
order by length(period) desc, period asc
