-- Grain: one figure that adds up, in one category of one breakdown of one period.
with

hours_of_week as (

    select * from {{ ref('hours_of_week') }}

),

definitions as (

    select * from {{ ref('figure_definitions') }}

),

contact_events as (

    select * from {{ ref('int_contact_events_grouped') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

conversations as (

    select * from {{ ref('conversations') }}

),

open_hours as (

    select * from {{ ref('int_open_hours_located') }}

),

dates as (

    select * from {{ ref('int_dates_counted') }}

),

months as (

    select distinct
        basis,
        period,
        month
    from dates
    where period_type <> 'week'

),

hourly as (

    select
        month,
        hour_of_week,
        weekday,
        if(counted = 'open_seconds', 'open_hours', counted) as figure,
        amount
    from hours_of_week
    unpivot (
        amount for counted in (
            clicks,
            attempts,
            answered_attempts,
            missed_attempts,
            out_of_hours_attempts,
            answered_in_hours_attempts,
            conversations,
            open_seconds
        )
    )

),

valued as (

    select
        hourly.figure,
        months.period,
        cast(hourly.weekday as varchar) as weekday,
        right(hourly.hour_of_week, 2) as hour,
        hourly.hour_of_week,
        {{ part_of_week('hourly.hour_of_week') }} as part_of_week,
        hourly.amount
    from hourly
    inner join definitions on hourly.figure = definitions.figure
    inner join months
        on
            definitions.basis = months.basis
            and hourly.month = months.month

),

summed as (

    select
        figure,
        period,
        case
            when grouping(hour_of_week) = 0 then 'hour_of_week'
            when grouping(part_of_week) = 0 then 'part_of_week'
            when grouping(weekday) = 0 then 'weekday'
            when grouping(hour) = 0 then 'hour'
            else ''
        end as breakdown,
        coalesce(hour_of_week, part_of_week, weekday, hour, '') as category,
        sum(amount) as amount
    from valued
    group by grouping sets (
        (figure, period),
        (figure, period, weekday),
        (figure, period, hour),
        (figure, period, hour_of_week),
        (figure, period, part_of_week)
    )

),

-- A week may lie in two months, so that the hours of the week by month cannot tell of it.
daily as (

    select
        'clicks' as figure,
        cast(occurred_at_local as date) as local_date,
        count(*) as amount
    from contact_events
    where is_click
    group by all
    union all
    select
        'attempts' as figure,
        started_on as local_date,
        count(*) as amount
    from attempts
    group by all
    union all
    select
        outcome || '_attempts' as figure,
        started_on as local_date,
        count(*) as amount
    from attempts
    group by all
    union all
    select
        'conversations' as figure,
        answered_on as local_date,
        count(*) as amount
    from conversations
    group by all
    union all
    select
        'open_hours' as figure,
        local_date,
        sum(open_seconds) as amount
    from open_hours
    group by all

),

weekly as (

    select
        daily.figure,
        dates.period,
        '' as breakdown,
        '' as category,
        sum(daily.amount) as amount
    from daily
    inner join definitions on daily.figure = definitions.figure
    inner join dates
        on
            definitions.basis = dates.basis
            and dates.period_type = 'week'
            and daily.local_date = dates.local_date
    group by daily.figure, dates.period

),

united as (

    select * from summed
    union all
    select * from weekly

)

select
    figure,
    period,
    breakdown,
    category,
    cast(amount as bigint) as numerator,
    cast(if(figure = 'open_hours', 3600, 1) as bigint) as denominator
from united
