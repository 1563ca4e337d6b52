{# Whether what is dated by a local date belongs to a year whose events are deleted. #}
{% macro is_retired(local_date) -%}
    coalesce({{ local_date }} <= retirement.retired_through, false)
{%- endmacro %}
