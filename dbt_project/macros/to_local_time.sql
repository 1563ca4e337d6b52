{# The wall time of an instant (a UTC timestamp) in an IANA time zone. Only staging models convert: another engine would do it there. #}
{% macro to_local_time(instant, timezone) -%}
    timezone({{ timezone }}, timezone('UTC', {{ instant }}))
{%- endmacro %}
