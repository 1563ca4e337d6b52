"""An attacker who shares no code with disclosure control pins nothing of random helplines."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from chaos import attacker
from chaos.attack import attack
from chaos.attacker import Pinned, pinned
from chaos.helplines import Size, draw
from publish.disclosure.cells import Cell, Definition
from publish.disclosure.links import Universe, relate

SOURCE = Path(attacker.__file__).read_text(encoding="utf-8")
SMALL = [
    Size(monthly=5, months=5, topics=3, starts_in="2021-09"),
    Size(monthly=60, months=6, topics=4, starts_in="2021-08"),
]


def test_the_attacker_shares_no_code_with_disclosure_control():
    imported = [line for line in SOURCE.splitlines() if line.startswith(("import ", "from "))]
    assert not [line for line in imported if "publish" in line or "expectations" in line]


@pytest.mark.parametrize("size", SMALL, ids=lambda size: f"{size.monthly} a month")
def test_nothing_is_pinned_by_all_contents_together(size, tmp_path):
    found, hidden = attack(size, 1, tmp_path)
    assert found == []
    assert hidden > 10
    assert len(list(tmp_path.iterdir())) == size.months


def _reveal(folder: Path, figure: str, breakdown: str, truth: dict) -> int:
    """Show what the last content hides of a breakdown, but for the least of it."""
    path = max(folder.iterdir())
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    hidden = [
        row
        for row in rows
        if (row["figure"], row["breakdown"]) == (figure, breakdown) and row["conf_status"] == "C"
    ]
    values = {id(row): truth[Cell(*list(row.values())[:4])] for row in hidden}
    for row in sorted(hidden, key=lambda row: values[id(row)])[1:]:
        row.update(value=str(values[id(row)]), conf_status="F")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return len(hidden)


@pytest.mark.parametrize(
    ("figure", "breakdown"),
    [("callers", "age_band"), ("conversations", "weekday"), ("answered_attempts", "weekday")],
)
def test_a_table_with_one_hidden_cell_is_pinned(figure, breakdown, tmp_path):
    size = SMALL[0]
    attack(size, 1, tmp_path)
    assert _reveal(tmp_path, figure, breakdown, draw(size, 1)) > 1
    found, _ = pinned(sorted(tmp_path.iterdir()), 5)
    # The total may be hidden: then it is in finer tables that the ones shown tell.
    assert any(one.cell[0] == figure for one in found), found


def test_attempts_that_are_shown_tell_the_answered_ones(tmp_path):
    path = tmp_path / "2022-01.csv"
    path.write_text(
        "figure,period,breakdown,category,value,obs_status,conf_status\n"
        "attempts,2022-01,,,9,A,F\n"
        "answered_attempts,2022-01,,,,A,C\n"
        "missed_attempts,2022-01,,,4,A,F\n"
        "out_of_hours_attempts,2022-01,,,2,A,F\n",
        encoding="utf-8",
    )
    cell = ("answered_attempts", "2022-01", "", "")
    assert pinned([path], 5) == ([Pinned(cell, 3, 3)], 1)


@pytest.mark.parametrize("size", SMALL, ids=lambda size: f"{size.monthly} a month")
def test_the_counts_of_a_random_helpline_fit_together(size):
    """What the attacker takes to hold does, and so does the project's own list."""
    counts = draw(size, 1)
    there = {tuple(cell) for cell in counts}
    values = {tuple(cell): value for cell, value in counts.items()}
    for relations, holds in (
        (attacker.equalities(there), lambda total: total == 0),
        (attacker.inequalities(there), lambda total: total <= 0),
    ):
        for terms in relations:
            if terms.keys() <= there:
                assert holds(sum(factor * values[cell] for cell, factor in terms.items())), terms
    definitions = {
        figure: Definition(figure, "sum" if figure in attacker.ADDITIVE else "distinct")
        for figure in attacker.COUNTS
    }
    cells = set(counts)
    for relation in relate(Universe(cells, cells), definitions):
        assert relation.holds(counts), (relation.name, relation.terms)
