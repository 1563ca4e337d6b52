-- Grain: one quantile of the durations of a period's conversations.
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

conversations as (

    select
        dates.period,
        answered.wait_microseconds,
        answered.conversation_microseconds
    from answered
    inner join dates on answered.answered_on = dates.local_date
    where answered.is_conversation

),

-- Durations that are negative (clocks that disagree) or have no end are left out, and counted.
listed as (

    select
        period,
        count(*) as conversations,
        list(wait_microseconds order by wait_microseconds) filter (where wait_microseconds >= 0) as waits,
        list(conversation_microseconds order by conversation_microseconds) filter (
            where conversation_microseconds >= 0
        ) as lengths
    from conversations
    group by period

),

asked as (

    select
        'wait_seconds_median' as figure,
        *,
        waits as durations,
        1 as part,
        2 as of_parts,
        1000000 as unit_microseconds
    from listed
    union all
    select
        'wait_seconds_p90' as figure,
        *,
        waits as durations,
        9 as part,
        10 as of_parts,
        1000000 as unit_microseconds
    from listed
    union all
    select
        'conversation_minutes_median' as figure,
        *,
        lengths as durations,
        1 as part,
        2 as of_parts,
        60000000 as unit_microseconds
    from listed

),

quantiles as (

    select
        figure,
        period,
        '' as breakdown,
        '' as category,
        cast({{ quantile_exact('durations', 'part', 'of_parts') }} as bigint) as numerator,
        cast(of_parts * unit_microseconds as bigint) as denominator,
        conversations - coalesce(len(durations), 0) as left_out
    from asked

)

select * from quantiles
