{# A quotient of two whole numbers, rounded once, half up, to `decimals` places: 3727 / 768 to one place is 4.9.
   Whole numbers up to the last step, so that no binary fraction decides a tie. Numerators are not negative; no value
   if the denominator is 0. #}
{% macro round_half_up(numerator, denominator, decimals) -%}
    cast(
        (
            (2 * cast({{ numerator }} as hugeint) * cast(power(10, {{ decimals }}) as hugeint) + {{ denominator }})
            // nullif(2 * cast({{ denominator }} as hugeint), 0)
        ) / power(10, {{ decimals }})
        as decimal(18, 2)
    )
{%- endmacro %}
