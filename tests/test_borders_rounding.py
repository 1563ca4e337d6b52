"""The macros that round, at their borders: ties, negative values, no value, one value alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import jinja2
import pytest

from publish.ledger import rounded

MACROS = Path(__file__).parents[1] / "dbt_project" / "macros"


def rendered(macro: str, *arguments: object) -> str:
    """Render a macro of dbt as it stands, with SQL expressions as its arguments."""
    source = (MACROS / f"{macro}.sql").read_text(encoding="utf-8")
    call = ", ".join(map(repr, arguments))
    return jinja2.Environment().from_string(f"{source}{{{{ {macro}({call}) }}}}").render()


def half_up(numerator: int | None, denominator: int | None, decimals: int) -> Decimal | None:
    sql = rendered("round_half_up", "numerator", "denominator", "decimals")
    return duckdb.execute(
        f"select {sql} from (select $1::bigint as numerator, $2::bigint as denominator,"
        " $3::integer as decimals)",
        [numerator, denominator, decimals],
    ).fetchone()[0]


@pytest.mark.parametrize(
    ("numerator", "denominator", "decimals", "expected"),
    [
        (5, 2, 0, "3"), (7, 2, 0, "4"), (249, 100, 0, "2"), (3727, 768, 1, "4.9"),
        (-31, 2, 0, "-15"), (-1, 2, 0, "0"), (-3, 2, 0, "-1"), (-151, 100, 0, "-2"),
        (-2, 1, 0, "-2"), (-4, 2, 0, "-2"), (-1, 20, 1, "0"), (-3, 20, 1, "-0.1"),
        (1, 20, 1, "0.1"), (1, 200, 2, "0.01"), (1, 3, 2, "0.33"), (2, 3, 2, "0.67"),
        (0, 7, 1, "0"), (2_000_000_000_001, 2, 0, "1000000000001"),
    ],
)  # fmt: skip
def test_a_quotient_is_rounded_once_half_up_also_below_zero(
    numerator, denominator, decimals, expected
):
    assert half_up(numerator, denominator, decimals) == Decimal(expected)


def test_a_quotient_over_nothing_or_of_nothing_has_no_value():
    assert half_up(5, 0, 0) is None
    assert half_up(0, 0, 1) is None
    assert half_up(None, 1, 0) is None
    assert half_up(5, None, 0) is None


def test_models_and_ledger_round_alike():
    sql = rendered("round_half_up", "numerator", "denominator", "decimals")
    rows = duckdb.execute(
        f"select numerator, denominator, decimals, {sql} from range(-40, 41) as tops (numerator),"
        " range(1, 13) as bottoms (denominator), range(0, 3) as places (decimals)"
    ).fetchall()
    assert len(rows) == 81 * 12 * 3
    for numerator, denominator, decimals, value in rows:
        assert value == rounded(Fraction(numerator, denominator), decimals)


def quantile(numbers: Sequence[int], part: int, of: int) -> Fraction | None:
    sql = rendered("quantile_exact", "numbers", part, of)
    [found] = duckdb.execute(f"select {sql} from (select $1::bigint[] as numbers)", [numbers])\
        .fetchone()  # fmt: skip
    return None if found is None else Fraction(found, of)


@pytest.mark.parametrize("numbers", [[7], [1, 2], [1, 2, 9], [1, 2, 9, 10], [0, 0, 3, 3, 8]])
def test_a_median_is_the_middle_one_or_the_mean_of_both(numbers):
    assert quantile(numbers, 1, 2) == Fraction(statistics.median(numbers))


@pytest.mark.parametrize("count", [1, 2, 5, 10, 11, 12, 21])
def test_a_ninth_decile_lies_between_its_two_neighbours(count):
    numbers = [number * number for number in range(count)]
    place = Fraction(9 * (count - 1), 10)
    below, above = numbers[math.floor(place)], numbers[math.ceil(place)]
    expected = below + (above - below) * (place - math.floor(place))
    assert quantile(numbers, 9, 10) == expected


def test_the_last_of_all_is_the_greatest_and_nothing_has_no_quantile():
    assert quantile([1, 4, 6], 1, 1) == 6
    assert quantile([1, 4, 6], 0, 2) == 1
    assert quantile([], 1, 2) is None
