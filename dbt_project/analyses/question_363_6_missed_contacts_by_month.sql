-- Question 363 of 2023, 6: how many got no answer while the chat was open, and how many came while it was closed?
with

figures as (

    select * from {{ ref('figures') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

published as (

    select
        period,
        max(value) filter (where figure = 'missed_pressers') as missed_pressers,
        max(obs_status) filter (where figure = 'missed_pressers') as obs_status,
        max(value) filter (where figure = 'unreached_pressers') as unreached_pressers,
        max(value) filter (where figure = 'out_of_hours_attempts') as out_of_hours_attempts
    from figures
    where
        breakdown = ''
        and regexp_full_match(period, '\d{4}(-\d\d)?')
    group by period

),

-- Attempts add up over the months; the visitors behind them do not.
missed as (

    select
        if(grouping(month) = 1, left(any_value(month), 4), month) as period,
        count(*) as missed_attempts
    from attempts
    where outcome = 'missed'
    group by grouping sets ((month), (left(month, 4)))

),

joined as (

    select
        published.*,
        missed.missed_attempts
    from published
    left join missed on published.period = missed.period

)

select * from joined
order by length(period) desc, period asc
