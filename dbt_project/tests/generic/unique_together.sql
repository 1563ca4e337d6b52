{# No two rows share the values of these columns. Nulls count as values: a grain has none. #}
{% test unique_together(model, columns) %}
    select
        {{ columns | join(', ') }},
        count(*) as duplicates
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
