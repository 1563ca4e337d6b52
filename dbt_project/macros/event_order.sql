{# "First" and "last" of events mean least and greatest in this order, so that no figure depends on the order of arrival. #}
{% macro event_order(direction='asc') -%}
    occurred_at {{ direction }}, source_id {{ direction }}, event_id {{ direction }}
{%- endmacro %}
