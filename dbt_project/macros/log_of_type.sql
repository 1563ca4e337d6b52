{# The log that a type of event belongs to; a statement of coverage says itself which log it is about. #}
{% macro log_of_type(event_type, log) -%}
    case
        when {{ event_type }} = 'helpline.button.clicked' then 'button'
        when {{ event_type }} = 'helpline.log.covered' then {{ log }}
        when {{ event_type }} is not null then 'chat'
    end
{%- endmacro %}
