-- Grain: one category of one breakdown of one figure: every cell that a table must have, also when it is 0.
with

definitions as (

    select * from {{ ref('figure_definitions') }}

),

codes as (

    select * from {{ ref('stg_helpline__codes') }}

),

exclusions as (

    select * from {{ ref('stg_helpline__exclusions') }}

),

broken_down as (

    select
        figure,
        ends_with(coalesce(base, ''), ' of whom it is known') as is_of_known,
        unnest(string_split(breakdowns, ' ')) as breakdown
    from definitions
    where breakdowns is not null

),

weekdays as (

    select cast(unnest(generate_series(1, 7)) as varchar) as weekday

),

hours as (

    select lpad(cast(unnest(generate_series(0, 23)) as varchar), 2, '0') as hour

),

listed as (

    select
        'weekday' as breakdown,
        weekday as category
    from weekdays
    union all
    select
        'hour' as breakdown,
        hour as category
    from hours
    union all
    select
        'hour_of_week' as breakdown,
        weekdays.weekday || '-' || hours.hour as category
    from weekdays
    cross join hours
    union
    select
        'part_of_week' as breakdown,
        {{ part_of_week("weekdays.weekday || '-' || hours.hour") }} as category
    from weekdays
    cross join hours
    union
    select
        breakdown,
        code as category
    from codes
    where breakdown in ('gender', 'topic', 'scheduled_by', 'referred_by')
    union
    select
        'age_band' as breakdown,
        unnest(['under_9', '9-11', '12-14', '15-17', '18-20', '21-24', '25_and_over', 'unknown']) as category
    union
    select
        unnest(['gender', 'topic', 'scheduled_by']) as breakdown,
        'unknown' as category
    union
    select
        unnest(['gender', 'topic', 'scheduled_by', 'referred_by']) as breakdown,
        'unlisted' as category
    union
    select
        'exclusion' as breakdown,
        exclusion as category
    from exclusions

),

-- A channel's categories depend on the figure: a person who used both is a chat caller.
channels as (

    select
        unnest(['answered_sessions', 'answered_sessions', 'callers', 'callers']) as figure,
        unnest(['chat', 'mail', 'chat', 'mail_only']) as category

),

united as (

    select
        figure,
        '' as breakdown,
        '' as category
    from definitions
    where kind <> 'share'
    union all
    select
        broken_down.figure,
        listed.breakdown,
        listed.category
    from broken_down
    inner join listed on broken_down.breakdown = listed.breakdown
    where not (broken_down.is_of_known and listed.category = 'unknown')
    union all
    select
        figure,
        'channel' as breakdown,
        category
    from channels

)

select * from united
