-- Grain: one count of answered sessions, in one category of one breakdown of one period.
with

answered as (

    select * from {{ ref('int_sessions_answered') }}

),

counted as (

    select
        month,
        left(month, 4) as year,
        channel,
        referred_by,
        if(is_scheduled, coalesce(scheduled_by, 'unknown'), null) as scheduled_by,
        is_conversation and is_scheduled as is_scheduled_conversation
    from answered
    where is_in_valued_month

),

by_channel as (

    select
        'answered_sessions' as figure,
        coalesce(month, year) as period,
        if(grouping(channel) = 0, 'channel', '') as breakdown,
        coalesce(channel, '') as category,
        count(*) as numerator
    from counted
    group by grouping sets ((month), (month, channel), (year), (year, channel))

),

by_scheduler as (

    select
        'scheduled_conversations' as figure,
        coalesce(month, year) as period,
        if(grouping(scheduled_by) = 0, 'scheduled_by', '') as breakdown,
        coalesce(scheduled_by, '') as category,
        count(*) as numerator
    from counted
    where is_scheduled_conversation
    group by grouping sets ((month), (month, scheduled_by), (year), (year, scheduled_by))

),

by_referrer as (

    select
        'referrals' as figure,
        coalesce(month, year) as period,
        if(grouping(referred_by) = 0, 'referred_by', '') as breakdown,
        coalesce(referred_by, '') as category,
        count(*) as numerator
    from counted
    where referred_by is not null
    group by grouping sets ((month), (month, referred_by), (year), (year, referred_by))

),

united as (

    select * from by_channel
    union all
    select * from by_scheduler
    union all
    select * from by_referrer

)

select
    figure,
    period,
    breakdown,
    category,
    numerator,
    cast(1 as bigint) as denominator
from united
