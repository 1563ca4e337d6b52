"""The second gate, held to what was published: the answers, by the printed word, as a release.

What the answers print and what cannot be stands in docs/contradictions.md. What they do not print
breaks expectations too, on which cells there are: that is absence, and no contradiction.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from expectations import figures
from expectations.outcome import Finding
from ingest.workspace import Workspace
from publish.contents import open_warehouse
from tests.test_expectations_clean import clean_workspace, period_type, span

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = ROOT / "tests" / "published" / "answers.csv"
TABLE = ROOT / "docs" / "contradictions.md"

# What breaks, and contradicts nothing: what is not printed, or printed by another name.
NO_CONTRADICTIONS = {
    "every_cell_is_there": "Not every figure is printed in every period and category.",
    "every_age_lies_in_a_band": "No band is printed for those under 9.",
    "no_other_cell_is_there": "The last band has another name here.",
    "counts_have_a_value": "Pending months are printed as ***.",
    "values_have_an_exact_quotient": "What is computed is printed rounded only.",
    "rows_have_the_decimals_of_their_figure": "Means are printed as whole numbers.",
}

# answers.csv says how the printed words must be read; here they are taken as they stand. Callers
# out of hours are persons who pressed, the last band begins at 24, and a base is what is printed.
READ_AS_PRINTED = """
create or replace temp table answers as
select
    if(figure = 'out_of_hours_attempts', 'out_of_hours_pressers', figure) as figure,
    period,
    coalesce(breakdown, '') as breakdown,
    if(category = '25_and_over', '24+', coalesce(category, '')) as category,
    coalesce(any_value(value), '') as value
from read_csv($answers, header = true, all_varchar = true)
group by all;

delete from figures.figures;
insert into figures.figures by name
select
    answers.figure,
    period,
    breakdown,
    category,
    nullif(value, '')::decimal(18, 2) as value,
    unit,
    case
        when kind <> 'share' then coalesce(base, '')
        when breakdown = 'weekday' then 'het totaal aantal gevoerde gesprekken'
        else ''
    end as base,
    if(value = '', 'P', 'A') as obs_status,
    'N' as conf_status,
    '' as break,
    len(split_part(value, '.', 2)) as decimals,
    version,
    if(kind in ('sum', 'distinct'), nullif(value, '')::bigint, null) as numerator,
    if(kind in ('sum', 'distinct') and value <> '', 1, null) as denominator
from answers
inner join figures.figure_definitions using (figure);
"""

# The rest of the warehouse, as it would be beside such figures.
SURROUNDINGS = """
update raw.settings set starts_on = date '2020-01-01';
delete from raw.exclusions;
delete from raw.published;
insert into raw.published by name
    select 'answer' as document, date '2023-01-30' as published_on,
        figure, period, breakdown, category, value, value as as_printed
    from answers;
delete from raw.codes;
insert into raw.codes by name
    select distinct breakdown, category as code, 1 as sort from answers
    where breakdown in ('gender', 'topic', 'referred_by') and category <> 'unknown';
delete from figures.breaks;
delete from figures.periods;
delete from marts.attempts;
create or replace table marts.conversations as
    select period as month, unnest(range(value::bigint)) as number
    from figures.figures
    where figure = 'conversations' and length(period) = 7;
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> Workspace:
    """A warehouse whose figures are those of the answers."""
    workspace = clean_workspace(tmp_path_factory.mktemp("answers"))
    with duckdb.connect(workspace.warehouse) as connection:
        for statement in READ_AS_PRINTED.split(";\n"):
            named = {"answers": str(ANSWERS)} if "$answers" in statement else None
            if statement.strip():
                connection.execute(statement, named)
        connection.execute(SURROUNDINGS)
        periods = connection.execute("select distinct period from figures.figures").fetchall()
        connection.executemany(
            "insert into figures.periods values (?, ?, true, false, ?, ?)",
            [(period, period_type(period), *span(period)) for (period,) in periods],
        )
    return workspace


@pytest.fixture(scope="module")
def found(answers) -> dict[str, list[dict]]:
    """Every cell that breaks an expectation, by the name of the expectation."""
    with open_warehouse(answers) as connection:
        frames = figures.gather(connection)
        findings = figures.hold(frames, figures._known_figures(connection))
    return {
        finding.name: _broken(frames["identities"], finding)
        for finding in findings
        if not finding.success
    }


def _broken(comparisons: pd.DataFrame, finding: Finding) -> list[dict]:
    """List all that breaks an expectation, where a finding shows a few examples."""
    of_this = comparisons[comparisons["identity"] == finding.name]
    holds = (of_this["found"] == of_this["against"]) | (
        (of_this["relation"] == "<=") & (of_this["found"] < of_this["against"])
    )
    return of_this[~holds].to_dict("records") or finding.examples


def _cell(row: dict) -> str:
    return " ".join(row[name] for name in ("figure", "period", "breakdown") if row[name])


def test_each_contradiction_stands_in_the_table_and_nothing_else_does(found):
    contradictions = {
        (name, _cell(row))
        for name, rows in found.items()
        if name not in NO_CONTRADICTIONS
        for row in rows
    }
    assert {(line["found by"], line["figure"]) for line in _table()} == contradictions


def test_what_only_is_not_printed_breaks_what_it_is_said_to_break(found):
    assert NO_CONTRADICTIONS.keys() <= found.keys()
    assert all(row["found"] < row["against"] for row in found["every_cell_is_there"])
    assert {row["category"] for row in found["every_age_lies_in_a_band"]} == {
        f"age {age}" for age in range(9)
    }
    assert {row["category"] for row in found["no_other_cell_is_there"]} == {"24+"}
    assert {_cell(row) for row in found["counts_have_a_value"]} == {
        "missed_pressers 2022-07",
        "missed_pressers 2022-08",
    }


@pytest.mark.parametrize(
    ("expectation", "cell", "printed", "held_against"),
    [
        ("out_of_hours_pressers_at_most_pressers", "out_of_hours_pressers 2022", 10166, 7038),
        ("ratios_follow_from_their_parts", "clicks_per_conversation 2020-01/2020-10", 4.8, 4.9),
        ("means_follow_from_their_months", "new_callers_per_month 2020-01/2020-10", 37, 38),
        ("no_age_lies_in_two_bands", "callers_share_percent 2022 age_band", 2, 1),
        ("years_are_as_final_as_their_months", "missed_pressers 2022", 3, 2),
        (
            "months_above_the_year_hold_only_as_distinct_counts",
            "missed_pressers 2022",
            2615,
            2608,
        ),
    ],
)
def test_the_gate_finds_what_cannot_be(found, expectation, cell, printed, held_against):
    [row] = found[expectation]
    assert (_cell(row), row["found"], row["against"]) == (cell, printed, held_against)


def test_the_gate_finds_every_share_without_a_base(found):
    without = {(row["breakdown"], row["category"]) for row in found["shares_have_a_base"]}
    printed = {
        (row["breakdown"], row["category"])
        for row in _read(ANSWERS)
        if row["breakdown"] in ("gender", "age_band", "topic")
    }
    assert len(without) == 16
    assert without - {("age_band", "24+")} == printed - {("age_band", "25_and_over")}


def test_the_table_names_the_items_that_print_them():
    printed = {
        (row["document"], row["item"], _cell(row).replace("out_of_hours_attempts", "pressed"))
        for row in _read(ANSWERS)
    }
    for line in _table():
        cell = line["figure"].replace("out_of_hours_pressers", "pressed")
        assert (line["document"], line["item"], cell) in printed


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _table() -> list[dict[str, str]]:
    """Read the table of contradictions, a line each, by its columns."""
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in TABLE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and not re.fullmatch(r"[|-]+", line)
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
