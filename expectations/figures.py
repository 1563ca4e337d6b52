"""The second gate: are these figures fit to publish?

It reads the finished figures, not how they came about, and fails on a broken identity and on any
text that looks as if it named somebody. To add an expectation, add it to `suite` here, or to
`IDENTITIES`, and plant a defect for it in tests/test_expectations_figures.py; what it is held
against is a frame of `gather`. What becomes public has its own auditor, in publication.py.
"""

from __future__ import annotations

import logging

import duckdb
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.identities import IDENTITIES, compare, judge_identities
from expectations.outcome import CRITICAL, WARNING, Finding, GateFailed, Outcome
from expectations.pages import write_pages
from expectations.publication import judge_publication
from expectations.traces import KINDS, Kind, find_traces
from expectations.validation import named, validate
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.contents import describe, open_warehouse, published_tables
from publish.identity import input_id

log = logging.getLogger("chatcijfers.expectations")

KEY = ["figure", "period", "breakdown", "category"]

MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
WEEK = r"\d{4}-W(?:0[1-9]|[1-4]\d|5[0-3])"
PERIOD = rf"^(?:\d{{4}}|{MONTH}|{WEEK}|{MONTH}/{MONTH})$"

SHOWN = {
    "figures": [*KEY, "value", "obs_status"],
    "traces": ["table_name", "column_name", "kind", "texts"],
}

FIGURES = """
select
    figure,
    period,
    coalesce(breakdown, '') as breakdown,
    coalesce(category, '') as category,
    cast(value as double) as value,
    obs_status,
    coalesce(kind, '') as kind,
    unit,
    cast(spanning.figure is not null as integer) as spans_keys
from figures.figures
left join (select figure, kind from figures.figure_definitions) using (figure)
left join spanning using (figure, period)
order by figure, period, breakdown, category, value
"""


def suite(known_figures: list[str]) -> dict[str, list[Expectation]]:
    """Declare the expectations of this gate that are no identity, by the frame they are held to."""
    return {
        "figures": [
            named(
                gxe.ExpectTableRowCountToBeBetween,
                "there_are_figures",
                "There are figures to publish.",
                min_value=1,
            ),
            named(
                gxe.ExpectCompoundColumnsToBeUnique,
                "every_cell_is_there_once",
                "No figure has two rows for one category of one period.",
                column_list=KEY,
            ),
            named(
                gxe.ExpectColumnValuesToBeInSet,
                "figures_are_defined",
                "Every figure has a definition.",
                column="figure",
                value_set=known_figures,
            ),
            named(
                gxe.ExpectColumnValuesToMatchRegex,
                "periods_are_years_months_weeks_or_ranges",
                "Every period is a year, a month, an ISO week or a range of months.",
                column="period",
                regex=PERIOD,
            ),
            named(
                gxe.ExpectColumnValuesToBeInSet,
                "statuses_are_known",
                "Every status is A (final), P (provisional) or O (missing).",
                column="obs_status",
                value_set=["A", "P", "O"],
            ),
            named(
                gxe.ExpectColumnValuesToBeBetween,
                "no_value_is_negative",
                "No value is negative, but of a change.",
                column="value",
                min_value=0,
                row_condition=Column("kind") != "change",
            ),
            named(
                gxe.ExpectColumnValuesToBeBetween,
                "shares_are_at_most_100",
                "No share or rate exceeds 100 percent.",
                column="value",
                max_value=100,
                row_condition=(Column("unit") == "percent") & (Column("kind") != "change"),
            ),
            named(
                gxe.ExpectColumnValuesToBeNull,
                "missing_figures_have_no_value",
                "A missing figure has no value.",
                column="value",
                row_condition=Column("obs_status") == "O",
            ),
            named(
                gxe.ExpectColumnValuesToNotBeNull,
                "counts_have_a_value",
                "A count or mean that is not missing has a value, unless it spans two keys.",
                column="value",
                row_condition=(Column("obs_status") != "O")
                & (Column("spans_keys") == 0)
                & Column("kind").is_in(["sum", "distinct", "mean"]),
            ),
        ],
        "traces": [_expect_no_trace(kind) for kind in KINDS],
    }


def _expect_no_trace(kind: Kind) -> Expectation:
    return named(
        gxe.ExpectColumnValuesToBeBetween,
        f"nothing_looks_like_{kind.name}",
        f"No text that would be published looks like {kind.called}.",
        column="texts",
        max_value=0,
        row_condition=Column("kind") == kind.name,
    )


def judge(workspace: Workspace) -> Outcome:
    """Judge the figures of the warehouse, and keep the outcome in gates/figures.json.

    The outcome is stamped with the identity of the inputs and the digests of the judged tables: a
    release is made of exactly these or not at all. Raises GateFailed if a critical expectation is
    broken, and Problem if there are no figures to judge or disclosure control has not run.
    """
    with open_warehouse(workspace) as connection:
        _require_figures(connection)
        frames = gather(connection)
        findings = hold(frames, _known_figures(connection))
        findings += judge_publication(connection, workspace)
        passed = all(found.success for found in findings if found.severity == CRITICAL)
        outcome = Outcome(
            gate="figures",
            input=input_id(connection),
            passed=passed,
            findings=findings,
            tables=describe(connection, published_tables(connection)),
        )
    write_pages(outcome, workspace.gates)
    outcome.write(workspace.gates)
    for finding in outcome.broken(WARNING):
        log.warning("%s", _describe_warning(finding))
    if not passed:
        raise GateFailed(_explain(outcome))
    log.info(
        "%d figures hold all %d critical expectations.",
        len(frames["figures"]),
        sum(found.severity == CRITICAL for found in findings),
    )
    return outcome


def gather(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """Gather the tables that the expectations are held against."""
    identities = compare(connection, IDENTITIES)  # makes the tables that FIGURES reads as well
    return {
        "figures": connection.execute(FIGURES).df(),
        "identities": identities,
        "traces": find_traces(connection),
    }


def hold(frames: dict[str, pd.DataFrame], known_figures: list[str]) -> list[Finding]:
    """Hold the frames of `gather` against every expectation, and give the findings."""
    findings = validate(frames, suite(known_figures), SHOWN)
    return findings + judge_identities(frames["identities"], IDENTITIES)


def _require_figures(connection: duckdb.DuckDBPyConnection) -> None:
    tables = connection.execute(
        """
        select table_schema || '.' || table_name from information_schema.tables
        where table_catalog = 'warehouse'
        """
    ).fetchall()
    if ("figures.figures",) not in tables:
        raise Problem(
            "The warehouse has no figures to judge yet: transform the events first, with dbt or "
            "`python -m dags run`."
        )
    if ("disclosure.publications",) not in tables:
        raise Problem(
            "Nobody has decided yet what becomes public: `python -m publish protect` does, after "
            "dbt."
        )


def _known_figures(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select figure from figures.figure_definitions order by figure")
    return [figure for (figure,) in rows.fetchall()]


def _explain(outcome: Outcome) -> str:
    broken = outcome.broken(CRITICAL)
    lines = [
        f"The figures are not fit to publish: {len(broken)} of {len(outcome.findings)} "
        "expectations are broken, and the release stays as it was. "
        "Mend what they point at, and run again."
    ]
    for finding in broken:
        lines.append(f"- {finding.says} ({finding.name}: {_so_often(finding)})")
        lines += [f"    {_describe(example)}" for example in finding.examples]
    return "\n".join(lines)


def _describe_warning(finding: Finding) -> str:
    examples = "; ".join(_describe(example) for example in finding.examples)
    return (
        f'Only a warning: "{finding.says}" {_so_often(finding).capitalize()}, such as {examples}.'
    )


def _so_often(finding: Finding) -> str:
    return f"not so for {finding.broken} of {finding.checked}"


def _describe(example: dict) -> str:
    if "texts" in example:
        column = f"{example['table_name']}.{example['column_name']}"
        return f"{column}: distinct texts {example['texts']}"
    cell = " ".join(str(example[name]) for name in KEY if example.get(name) not in (None, ""))
    values = [
        f"{name} {example[name]}"
        for name in ("found", "against", "value", "obs_status")
        if name in example
    ]
    return f"{cell}: {', '.join(values)}"
