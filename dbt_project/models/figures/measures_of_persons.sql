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

dates as (

    select * from {{ ref('int_dates_counted') }}
    where period_type <> 'week'

),

pressing as (

    select
        dates.period,
        contact_events.visitor_id
    from contact_events
    inner join dates
        on
            cast(contact_events.occurred_at_local as date) = dates.local_date
            and dates.basis = 'both'

),

pressers as (

    select
        'pressers' as figure,
        period,
        '' as breakdown,
        '' as category,
        count(distinct visitor_id) as numerator
    from pressing
    group by period

),

attempting as (

    select
        dates.period,
        attempts.visitor_id,
        attempts.outcome
    from attempts
    inner join dates
        on
            attempts.started_on = dates.local_date
            and dates.basis = 'both'

),

-- One row per visitor and period, so that "missed and never answered" can be asked of it.
visitors as (

    select
        visitor_id,
        period,
        bool_or(outcome = 'answered') as has_answered,
        bool_or(outcome = 'missed') as has_missed,
        bool_or(outcome = 'out_of_hours') as has_out_of_hours
    from attempting
    where visitor_id is not null
    group by visitor_id, period

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
        period,
        '' as breakdown,
        '' as category,
        count(*) as numerator
    from attempting
    where visitor_id is null
    group by period

),

answering as (

    select
        dates.period,
        answered.*
    from answered
    inner join dates
        on
            answered.answered_on = dates.local_date
            and dates.basis = 'chat'

),

-- A person who chatted and mailed in the period is a chat caller. What is known of them is what their first session of
-- the period with a value says, field by field; `unknown` is no value, even if a responder noted it.
persons as (

    select
        person_id,
        period,
        if(bool_or(is_conversation), 'chat', 'mail_only') as channel,
        coalesce(arg_min(gender, answer_number) filter (where gender <> 'unknown'), 'unknown') as gender,
        coalesce(arg_min(age_band, answer_number), 'unknown') as age_band,
        coalesce(arg_min(topic, answer_number) filter (where topic <> 'unknown'), 'unknown') as topic
    from answering
    group by person_id, period

),

callers as (

    select
        'callers' as figure,
        period,
        case
            when grouping(channel) = 0 then 'channel'
            when grouping(gender) = 0 then 'gender'
            when grouping(age_band) = 0 then 'age_band'
            when grouping(topic) = 0 then 'topic'
            else ''
        end as breakdown,
        coalesce(channel, gender, age_band, topic, '') as category,
        count(*) as numerator
    from persons
    group by grouping sets ((period), (period, channel), (period, gender), (period, age_band), (period, topic))

),

new_callers as (

    select
        'new_callers' as figure,
        period,
        '' as breakdown,
        '' as category,
        count(*) as numerator
    from answering
    where is_first_of_year
    group by period

),

first_time_callers as (

    select
        'first_time_callers' as figure,
        period,
        '' as breakdown,
        '' as category,
        count(*) as numerator
    from answering
    where is_first_ever
    group by period

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
