-- Grain: one figure that adds up, in one category of one breakdown of one period.
with

hours_of_week as (

    select * from {{ ref('hours_of_week') }}

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

-- Months without a value are not here: the months of a year always add up to it.
valued as (

    select
        figure,
        month,
        left(month, 4) as year,
        cast(weekday as varchar) as weekday,
        right(hour_of_week, 2) as hour,
        hour_of_week,
        amount
    from hourly
    where amount is not null

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
