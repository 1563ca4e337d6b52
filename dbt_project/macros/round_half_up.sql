{# A quotient of two whole numbers, rounded once, half up, to `decimals` places: 3727 / 768 to one place is 4.9.
   Half up is floor(x + 1/2), also below zero: -15.5 becomes -15. Whole numbers up to the last step, so that no binary
   fraction decides a tie; `//` cuts off towards zero, so a negative rest takes one more off. No value if the denominator
   is 0; it is never negative. #}
{% macro round_half_up(numerator, denominator, decimals) -%}
    {%- set dividend -%}
    (2 * cast({{ numerator }} as hugeint) * cast(power(10, {{ decimals }}) as hugeint) + {{ denominator }})
    {%- endset -%}
    {%- set divisor -%} nullif(2 * cast({{ denominator }} as hugeint), 0) {%- endset -%}
    cast(
        ({{ dividend }} // {{ divisor }} - if({{ dividend }} % {{ divisor }} < 0, 1, 0)) / power(10, {{ decimals }})
        as decimal(18, 2)
    )
{%- endmacro %}
