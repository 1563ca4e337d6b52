-- A measured category that no table shows would vanish from the figures without a word.
with

measures as (

    {%- for subject in ['hours', 'responders', 'sessions', 'persons', 'durations', 'ratios'] %}
    select
        figure,
        breakdown,
        category
    from {{ ref('measures_of_' ~ subject) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

categories as (

    select * from {{ ref('figure_categories') }}

),

definitions as (

    select * from {{ ref('figure_definitions') }}

)

select distinct
    measures.figure,
    measures.breakdown,
    measures.category
from measures
inner join definitions on measures.figure = definitions.figure
anti join categories
    on
        measures.figure = categories.figure
        and measures.breakdown = categories.breakdown
        and measures.category = categories.category
where
    measures.breakdown = ''
    or list_contains(string_split(coalesce(definitions.breakdowns, ''), ' '), measures.breakdown)
