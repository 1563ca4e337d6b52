-- Grain: one count of answered sessions, in one category of one breakdown of one period.
with

answered as (

    select * from {{ ref('int_sessions_answered') }}

),

dates as (

    select * from {{ ref('int_dates_counted') }}
    where
        basis = 'chat'
        and period_type <> 'week'

),

counted as (

    select
        dates.period,
        answered.channel,
        answered.referred_by,
        if(answered.is_scheduled, coalesce(answered.scheduled_by, 'unknown'), null) as scheduled_by,
        answered.is_conversation and answered.is_scheduled as is_scheduled_conversation
    from answered
    inner join dates on answered.answered_on = dates.local_date

),

by_channel as (

    select
        'answered_sessions' as figure,
        period,
        if(grouping(channel) = 0, 'channel', '') as breakdown,
        coalesce(channel, '') as category,
        count(*) as numerator
    from counted
    group by grouping sets ((period), (period, channel))

),

by_scheduler as (

    select
        'scheduled_conversations' as figure,
        period,
        if(grouping(scheduled_by) = 0, 'scheduled_by', '') as breakdown,
        coalesce(scheduled_by, '') as category,
        count(*) as numerator
    from counted
    where is_scheduled_conversation
    group by grouping sets ((period), (period, scheduled_by))

),

by_referrer as (

    select
        'referrals' as figure,
        period,
        if(grouping(referred_by) = 0, 'referred_by', '') as breakdown,
        coalesce(referred_by, '') as category,
        count(*) as numerator
    from counted
    where referred_by is not null
    group by grouping sets ((period), (period, referred_by))

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
