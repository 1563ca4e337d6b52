{# One row for each log that a basis rests on. #}
{% macro logs_of_bases() -%}
    select
        unnest(['button', 'chat', 'both', 'both']) as basis,
        unnest(['button', 'chat', 'button', 'chat']) as log
{%- endmacro %}
