{# The measures of several subjects, one below the other, with the model that each comes from. #}
{% macro union_measures(subjects) -%}
    {%- for subject in subjects %}
    select
        *,
        'measures_of_{{ subject }}' as model
    from {{ ref('measures_of_' ~ subject) }}
    {%- if not loop.last %}
    union all by name
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
