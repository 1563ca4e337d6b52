-- Grain: one ratio of two figures of a period.
with

hours as (

    select * from {{ ref('measures_of_hours') }}

),

totals as (

    select
        period,
        max(numerator) filter (where figure = 'clicks') as clicks,
        max(numerator) filter (where figure = 'conversations') as conversations,
        max(numerator) filter (where figure = 'missed_attempts') as missed_attempts,
        max(numerator) filter (where figure = 'answered_in_hours_attempts') as answered_in_hours_attempts
    from hours
    where breakdown = ''
    group by period

),

ratios as (

    select
        'clicks_per_conversation' as figure,
        period,
        clicks as numerator,
        conversations as denominator
    from totals
    union all
    select
        'answer_rate' as figure,
        period,
        100 * answered_in_hours_attempts as numerator,
        answered_in_hours_attempts + missed_attempts as denominator
    from totals

)

select
    figure,
    period,
    '' as breakdown,
    '' as category,
    cast(numerator as bigint) as numerator,
    cast(denominator as bigint) as denominator
from ratios
where
    numerator is not null
    and denominator > 0
