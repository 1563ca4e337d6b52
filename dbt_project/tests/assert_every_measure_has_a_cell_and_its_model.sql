-- A measured category that no table shows would vanish from the figures without a word; and a figure comes from the
-- model that its definition names.
with

measures as (
    {{ union_measures([
        'hours', 'responders', 'sessions', 'persons', 'durations', 'ratios', 'exclusions', 'shares', 'changes', 'means'
    ]) }}

),

categories as (

    select * from {{ ref('figure_categories') }}

),

definitions as (

    select * from {{ ref('figure_definitions') }}

),

measured as (

    select distinct
        figure,
        breakdown,
        category,
        model
    from measures

)

select
    measured.figure,
    measured.breakdown,
    measured.category,
    measured.model,
    definitions.model as model_by_definition
from measured
left join definitions on measured.figure = definitions.figure
left join categories
    on
        measured.figure = categories.figure
        and measured.breakdown = categories.breakdown
        and measured.category = categories.category
where
    measured.model is distinct from definitions.model
    or (
        categories.figure is null
        and (
            measured.breakdown = ''
            or list_contains(string_split(coalesce(definitions.breakdowns, ''), ' '), measured.breakdown)
        )
    )
