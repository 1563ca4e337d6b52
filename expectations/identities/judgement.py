"""What became of each identity, as Great Expectations found it."""

from __future__ import annotations

from collections.abc import Iterable

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.identities.identity import Identity
from expectations.outcome import Finding
from expectations.validation import EXAMPLES, named, validate

SHOWN = ["figure", "period", "breakdown", "category", "found", "against"]
# The expectation that stands for all identities of a relation, by its name.
RELATIONS = {"=": "equal", "<=": "at_most"}


def judge_identities(
    comparisons: pd.DataFrame, identities: Iterable[Identity], subject: str = "identities"
) -> list[Finding]:
    """Judge what `compare` gathered, and give the finding of each identity.

    Great Expectations takes a twentieth of a second over each expectation, however little it is
    held against: all identities with the same relation are one for it, and come apart again here.
    """
    found = validate(
        {"comparisons": comparisons},
        {"comparisons": [_expect_equal(), _expect_at_most()]},
        {"comparisons": ["identity", *SHOWN]},
        examples=None,
    )
    broken: dict[str, list[dict]] = {}
    for finding in found:
        for example in finding.examples:
            broken.setdefault(example.pop("identity"), []).append(example)
    compared = comparisons.groupby("identity")["compared"].sum()
    declared = {finding.name: finding.declared for finding in found}
    return [
        _finding(
            identity,
            broken.get(identity.name, []),
            int(compared.get(identity.name, 0)),
            subject,
            declared[RELATIONS[identity.relation]],
        )
        for identity in identities
    ]


def _expect_equal() -> Expectation:
    return named(
        gxe.ExpectColumnPairValuesToBeEqual,
        RELATIONS["="],
        "What is found equals what it is held against.",
        column_A="found",
        column_B="against",
        row_condition=Column("relation") == "=",
    )


def _expect_at_most() -> Expectation:
    return named(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        RELATIONS["<="],
        "What is found is at most what it is held against.",
        column_A="against",
        column_B="found",
        or_equal=True,
        row_condition=Column("relation") == "<=",
    )


def _finding(
    identity: Identity, broken: list[dict], compared: int, subject: str, declared: dict
) -> Finding:
    return Finding(
        name=identity.name,
        says=identity.says,
        severity=identity.severity,
        success=not broken,
        checked=compared,
        broken=len(broken),
        examples=broken[:EXAMPLES],
        subject=subject,
        declared=declared,
    )
