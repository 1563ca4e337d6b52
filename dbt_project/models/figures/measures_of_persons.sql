-- Grain: one count of distinct visitors or persons, in one category of one breakdown of one period.
with

contact_events as (

    select * from {{ ref('int_contact_events_grouped') }}

),

attempts as (

    select * from {{ ref('attempts') }}

),

answered as (

    select * from {{ ref('int_sessions_answered') }}

),

periods as (

    select * from {{ ref('int_periods_judged') }}

),

months as (

    select period as month
    from periods
    where
        basis = 'both'
        and period_type = 'month'
        and obs_status <> 'O'

),

pressing as (

    select
        contact_events.visitor_id,
        months.month,
        left(months.month, 4) as year
    from contact_events
    inner join months on strftime(contact_events.occurred_at_local, '%Y-%m') = months.month

),

pressers as (

    select
        'pressers' as figure,
        coalesce(month, year) as period,
        '' as breakdown,
        '' as category,
        count(distinct visitor_id) as numerator
    from pressing
    group by grouping sets ((month), (year))

),

attempting as (

    select
        attempts.visitor_id,
        attempts.outcome,
        months.month,
        left(months.month, 4) as year
    from attempts
    inner join months on attempts.month = months.month

),

-- One row per visitor and period, so that "missed and never answered" can be asked of it.
visitors as (

    select
        visitor_id,
        coalesce(month, year) as period,
        bool_or(outcome = 'answered') as has_answered,
        bool_or(outcome = 'missed') as has_missed,
        bool_or(outcome = 'out_of_hours') as has_out_of_hours
    from attempting
    where visitor_id is not null
    group by grouping sets ((visitor_id, month), (visitor_id, year))

),

reached as (

    select
        period,
        count(*) filter (where has_missed) as missed_pressers,
        count(*) filter (where has_out_of_hours) as out_of_hours_pressers,
        count(*) filter (where has_missed and not has_answered) as unreached_pressers
    from visitors
    group by period

),

visitors_by_outcome as (

    unpivot reached
    on missed_pressers, out_of_hours_pressers, unreached_pressers
    into
    name figure
    value numerator

),

without_visitor as (

    select
        'attempts_without_visitor' as figure,
        coalesce(month, year) as period,
        '' as breakdown,
        '' as category,
        count(*) as numerator
    from attempting
    where visitor_id is null
    group by grouping sets ((month), (year))

),

answering as (

    select
        *,
        left(month, 4) as year
    from answered
    where is_in_valued_month

),

-- A person who chatted and mailed in the period is a chat caller.
persons as (

    select
        person_id,
        coalesce(month, year) as period,
        if(bool_or(is_conversation), 'chat', 'mail_only') as channel
    from answering
    group by grouping sets ((person_id, month), (person_id, year))

),

callers as (

    select
        'callers' as figure,
        period,
        if(grouping(channel) = 0, 'channel', '') as breakdown,
        coalesce(channel, '') as category,
        count(*) as numerator
    from persons
    group by grouping sets ((period), (period, channel))

),

new_callers as (

    select
        'new_callers' as figure,
        coalesce(month, year) as period,
        '' as breakdown,
        '' as category,
        count(*) as numerator
    from answering
    where is_first_of_year
    group by grouping sets ((month), (year))

),

first_time_callers as (

    select
        'first_time_callers' as figure,
        coalesce(month, year) as period,
        '' as breakdown,
        '' as category,
        count(*) as numerator
    from answering
    where is_first_ever
    group by grouping sets ((month), (year))

),

united as (

    select * from pressers
    union all
    select
        figure,
        period,
        '' as breakdown,
        '' as category,
        numerator
    from visitors_by_outcome
    union all
    select * from without_visitor
    union all
    select * from callers
    union all
    select * from new_callers
    union all
    select * from first_time_callers

)

select
    figure,
    period,
    breakdown,
    category,
    numerator,
    cast(1 as bigint) as denominator
from united
