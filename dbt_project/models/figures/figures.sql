-- Grain: one figure, in one category of one breakdown of one period. This table is internal/figures.csv.
with

definitions as (

    select * from {{ ref('figure_definitions') }}

),

categories as (

    select * from {{ ref('figure_categories') }}

),

periods as (

    select * from {{ ref('int_periods_judged') }}

),

measures as (

    {%- for subject in ['hours', 'responders', 'sessions', 'persons', 'durations', 'ratios'] %}
    select * from {{ ref('measures_of_' ~ subject) }}
    {%- if not loop.last %}
    union all by name
    {%- endif %}
    {%- endfor %}

),

-- Dense: a true 0 is written for every period of the covered range and every known category.
cells as (

    select
        definitions.figure,
        periods.period,
        categories.breakdown,
        categories.category,
        definitions.kind,
        definitions.unit,
        definitions.base,
        periods.obs_status,
        definitions.decimals
    from definitions
    inner join periods on definitions.basis = periods.basis
    inner join categories on definitions.figure = categories.figure

),

valued as (

    select
        cells.*,
        case
            when cells.obs_status = 'O' then null
            when cells.kind in ('sum', 'distinct') then coalesce(measures.numerator, 0)
            else measures.numerator
        end as numerator,
        coalesce(measures.denominator, 1) as denominator,
        measures.left_out
    from cells
    left join measures
        on
            cells.figure = measures.figure
            and cells.period = measures.period
            and cells.breakdown = measures.breakdown
            and cells.category = measures.category

),

-- Nothing is published before disclosure control: until then every row is for the helpline's own use (SDMX code N).
rounded as (

    select
        figure,
        period,
        breakdown,
        category,
        {{ round_half_up('numerator', 'denominator', 'decimals') }} as value,
        unit,
        coalesce(base, '') as base,
        obs_status,
        'N' as conf_status,
        '' as break,
        decimals,
        left_out
    from valued

)

select * from rounded
