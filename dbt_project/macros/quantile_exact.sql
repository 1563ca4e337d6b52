{# The continuous quantile `part`/`of` of a sorted list of whole numbers, times `of`, so that it stays a whole number: linear
   interpolation between the two neighbours of position (n - 1) * part / of (Hyndman and Fan 1996, definition 7). #}
{% macro quantile_exact(sorted_list, part, of) -%}
    {%- set position -%} (len({{ sorted_list }}) - 1) * {{ part }} {%- endset -%}
    (
        {{ sorted_list }}[({{ position }}) // {{ of }} + 1] * ({{ of }} - ({{ position }}) % {{ of }})
        + coalesce({{ sorted_list }}[({{ position }}) // {{ of }} + 2], 0) * (({{ position }}) % {{ of }})
    )
{%- endmacro %}
