"""The second gate: are these figures fit to publish?

It reads the finished figures, not how they came about, and fails on a broken identity and on any
text that looks as if it named somebody. To add an expectation, add it to `suite` here, or to
`IDENTITIES`, and plant a defect for it in tests/test_expectations_figures.py.
"""

from __future__ import annotations

import logging

import duckdb
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.identities import IDENTITIES, Identity, compare
from expectations.outcome import CRITICAL, Finding, GateFailed, Outcome
from expectations.traces import KINDS, Kind, find_traces
from expectations.validation import named, validate
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.contents import describe, open_warehouse, published_tables
from publish.identity import input_id

log = logging.getLogger("chatcijfers.expectations")

KEY = ["figure", "period", "breakdown", "category"]

SHOWN = {
    "figures": [*KEY, "value", "obs_status"],
    "identities": [*KEY, "found", "against"],
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
    unit
from figures.figures
left join (select figure, kind from figures.figure_definitions) using (figure)
order by figure, period, breakdown, category, value
"""


def suite(known_figures: list[str]) -> dict[str, list[Expectation]]:
    """Declare all expectations of this gate, by the table that they are held against."""
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
                "periods_are_months_or_years",
                "Every period is a year or a month.",
                column="period",
                regex=r"^\d{4}(?:-(?:0[1-9]|1[0-2]))?$",
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
                "No value is negative.",
                column="value",
                min_value=0,
            ),
            named(
                gxe.ExpectColumnValuesToBeBetween,
                "shares_are_at_most_100",
                "No share exceeds 100 percent.",
                column="value",
                max_value=100,
                row_condition=Column("unit") == "percent",
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
                "A figure that is not missing has a value, if it is no ratio or quantile.",
                column="value",
                row_condition=(Column("obs_status") != "O")
                & Column("kind").is_not_in(["ratio", "quantile"]),
            ),
        ],
        "identities": [_expect_identity(identity) for identity in IDENTITIES],
        "traces": [_expect_no_trace(kind) for kind in KINDS],
    }


def _expect_identity(identity: Identity) -> Expectation:
    of_this = Column("identity") == identity.name
    if identity.relation == "=":
        return named(
            gxe.ExpectColumnPairValuesToBeEqual,
            identity.name,
            identity.says,
            column_A="found",
            column_B="against",
            row_condition=of_this,
        )
    return named(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        identity.name,
        identity.says,
        column_A="against",
        column_B="found",
        or_equal=True,
        row_condition=of_this,
    )


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
    broken, and Problem if there are no figures to judge.
    """
    with open_warehouse(workspace) as connection:
        _require_figures(connection)
        frames = gather(connection)
        findings = validate(frames, suite(_known_figures(connection)), SHOWN)
        passed = all(found.success for found in findings if found.severity == CRITICAL)
        outcome = Outcome(
            gate="figures",
            input=input_id(connection),
            passed=passed,
            findings=findings,
            tables=describe(connection, published_tables(connection)),
        )
    outcome.write(workspace.gates)
    if not passed:
        raise GateFailed(_explain(outcome))
    log.info("%d figures hold all %d expectations.", len(frames["figures"]), len(outcome.findings))
    return outcome


def gather(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """Gather the tables that the expectations are held against."""
    return {
        "figures": connection.execute(FIGURES).df(),
        "identities": compare(connection),
        "traces": find_traces(connection),
    }


def _require_figures(connection: duckdb.DuckDBPyConnection) -> None:
    there = connection.execute(
        """
        select count(*) from information_schema.tables
        where table_catalog = 'warehouse' and table_schema = 'figures' and table_name = 'figures'
        """
    ).fetchone()
    if not there[0]:
        raise Problem(
            "The warehouse has no figures to judge yet: transform the events first, with dbt or "
            "`python -m dags run`."
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
