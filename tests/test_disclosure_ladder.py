"""Tables that suppression would take are public at a coarser step, and stay there."""

from __future__ import annotations

from publish.disclosure.cells import Cell
from publish.disclosure.ladder import beside_the_steps

THRESHOLD = 5
FIGURES = ("conversations", "answered_attempts", "attempts", "clicks")
HOURS = [f"{day}-{hour:02}" for day in range(1, 8) for hour in range(24)]
PARTS = [
    f"{d}-{part}" for d in range(1, 8) for part in ("night", "morning", "afternoon", "evening")
]
STEPS = {"hour_of_week": HOURS, "part_of_week": PARTS}


def cells(*years: str, figures: tuple[str, ...] = (*FIGURES, "missed_attempts")) -> set[Cell]:
    return {
        Cell(figure, year, step, code)
        for figure in figures
        for year in years
        for step, codes in STEPS.items()
        for code in codes
    }


def counts(year: str, hourly: int) -> dict[Cell, int]:
    """So many conversations in each of six hours on three evenings."""
    busy = [f"{day}-{hour}" for day in (1, 3, 4) for hour in range(18, 24)]
    of_hours = {code: hourly * (code in busy) for code in HOURS}
    of_parts = {
        code: 6 * hourly * (code in ("1-evening", "3-evening", "4-evening")) for code in PARTS
    }
    return {
        Cell("conversations", year, step, code): count
        for step, codes in (("hour_of_week", of_hours), ("part_of_week", of_parts))
        for code, count in codes.items()
    }


def public_steps(left_out: frozenset[Cell], year: str) -> dict[str, set[str]]:
    """The steps of each figure that are left."""
    steps: dict[str, set[str]] = {}
    for cell in cells(year) - left_out:
        steps.setdefault(cell.figure, set()).add(cell.breakdown)
    return steps


def test_hours_that_are_large_enough_are_public_and_their_parts_are_not_beside_them():
    left_out = beside_the_steps(cells("2022"), counts("2022", 9), set(), THRESHOLD)
    expected = {key: {"hour_of_week"} for key in FIGURES} | {"missed_attempts": set(STEPS)}
    assert public_steps(left_out, "2022") == expected


def test_hours_that_are_small_give_way_to_parts_of_the_week():
    left_out = beside_the_steps(cells("2022"), counts("2022", 2), set(), THRESHOLD)
    expected = {key: {"part_of_week"} for key in FIGURES} | {"missed_attempts": set(STEPS)}
    assert public_steps(left_out, "2022") == expected


def test_a_tenth_in_small_hours_is_not_too_much_and_more_is():
    for small, step in ((4, "hour_of_week"), (5, "part_of_week")):
        year = dict.fromkeys(counts("2022", 1), 0)
        year |= {Cell("conversations", "2022", "hour_of_week", "3-18"): 36}
        year |= {
            Cell("conversations", "2022", "hour_of_week", f"3-{19 + n}"): 1 for n in range(small)
        }
        left_out = beside_the_steps(cells("2022"), year, set(), THRESHOLD)
        assert public_steps(left_out, "2022")["conversations"] == {step}


def test_when_even_parts_are_small_they_are_the_step():
    year = {cell: int(cell.category.endswith(("evening", "18"))) for cell in counts("2022", 1)}
    left_out = beside_the_steps(cells("2022"), year, set(), THRESHOLD)
    assert public_steps(left_out, "2022")["conversations"] == {"part_of_week"}


def test_what_was_public_stays_the_step_of_its_year_and_of_no_other():
    shown = {Cell("conversations", "2022", "hour_of_week", "3-18")}
    true = counts("2022", 2) | counts("2023", 2)
    left_out = beside_the_steps(cells("2022", "2023"), true, shown, THRESHOLD)
    assert public_steps(left_out, "2022")["attempts"] == {"hour_of_week"}
    assert public_steps(left_out, "2023")["attempts"] == {"part_of_week"}


def test_a_year_without_final_counts_has_no_step_yet():
    left_out = beside_the_steps(cells("2022"), {}, set(), THRESHOLD)
    assert public_steps(left_out, "2022") == {"missed_attempts": set(STEPS)}
