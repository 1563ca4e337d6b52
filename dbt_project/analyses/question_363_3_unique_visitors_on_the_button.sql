-- Question 363 of 2023, 3: how many different visitors pressed the button, with a conversation and without?
with

figures as (

    select * from {{ ref('figures') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

-- A visitor counts once a year, however many months they came back in.
visitors as (

    select
        left(month, 4) as year,
        visitor_id,
        bool_or(outcome = 'answered') as has_answer,
        bool_or(outcome = 'missed') as has_missed
    from attempts
    where visitor_id is not null
    group by year, visitor_id

),

counted as (

    select
        year,
        count(*) as visitors,
        count(*) filter (where has_answer) as visitors_with_an_answer,
        count(*) filter (where has_missed and not has_answer) as visitors_missed_while_open,
        count(*) filter (where not has_answer and not has_missed) as visitors_only_outside_opening_hours
    from visitors
    group by year

),

published as (

    select
        period as year,
        max(value) filter (where figure = 'pressers') as pressers,
        max(value) filter (where figure = 'attempts_without_visitor') as attempts_without_visitor,
        max(obs_status) filter (where figure = 'pressers') as obs_status
    from figures
    where
        breakdown = ''
        and length(period) = 4
    group by period

),

joined as (

    select
        published.*,
        counted.visitors,
        counted.visitors_with_an_answer,
        counted.visitors_missed_while_open,
        counted.visitors_only_outside_opening_hours
    from published
    left join counted on published.year = counted.year

)

select * from joined
order by year
