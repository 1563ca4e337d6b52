{# Which key names the persons of an event at a local time: that of its year, or 0 for the lasting key. #}
{% macro key_of(local_time, rotate_keys_from) -%}
    if(year({{ local_time }}) >= {{ rotate_keys_from }}, year({{ local_time }}), 0)
{%- endmacro %}
