-- Grain: one figure that adds up, in one category of one breakdown of one period.
with

hours_of_week as (

    select * from {{ ref('hours_of_week') }}

),

definitions as (

    select * from {{ ref('figure_definitions') }}

),

periods as (

    select * from {{ ref('int_periods_judged') }}

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

-- Only months with a value of their own: the months of a year always add up to it.
valued as (

    select
        hourly.figure,
        hourly.month,
        left(hourly.month, 4) as year,
        cast(hourly.weekday as varchar) as weekday,
        right(hourly.hour_of_week, 2) as hour,
        hourly.hour_of_week,
        hourly.amount
    from hourly
    inner join definitions on hourly.figure = definitions.figure
    inner join periods
        on
            definitions.basis = periods.basis
            and hourly.month = periods.period
            and periods.obs_status <> 'O'

),

summed as (

    select
        figure,
        coalesce(month, year) as period,
        case
            when grouping(hour_of_week) = 0 then 'hour_of_week'
            when grouping(weekday) = 0 then 'weekday'
            when grouping(hour) = 0 then 'hour'
            else ''
        end as breakdown,
        coalesce(hour_of_week, weekday, hour, '') as category,
        cast(sum(amount) as bigint) as numerator,
        cast(if(figure = 'open_hours', 3600, 1) as bigint) as denominator
    from valued
    group by grouping sets (
        (figure, month),
        (figure, month, weekday),
        (figure, month, hour),
        (figure, month, hour_of_week),
        (figure, year),
        (figure, year, weekday),
        (figure, year, hour),
        (figure, year, hour_of_week)
    )

)

select * from summed
