{# The part of the week of an hour of the week: 3-19 is in 3-evening. Night is from 0 to 6, morning to 12. #}
{% macro part_of_week(hour_of_week) %}
    left({{ hour_of_week }}, 2)
    || ['night', 'morning', 'afternoon', 'evening'][1 + cast(right({{ hour_of_week }}, 2) as integer) // 6]
{% endmacro %}
