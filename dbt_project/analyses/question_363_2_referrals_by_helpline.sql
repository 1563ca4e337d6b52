-- Question 363 of 2023, 2: how many came through another helpline, by referral or by appointment?
with

figures as (

    select * from {{ ref('figures') }}

),

counted as (

    select
        left(period, 4) as year,
        category as helpline,
        max(value) filter (where figure = 'referrals' and breakdown = 'referred_by') as referrals,
        max(value) filter (
            where figure = 'scheduled_conversations' and breakdown = 'scheduled_by'
        ) as scheduled_conversations
    from figures
    where
        breakdown in ('referred_by', 'scheduled_by')
        and length(period) = 4
    group by year, helpline

)

select * from counted
order by year desc, referrals desc nulls last, helpline asc
