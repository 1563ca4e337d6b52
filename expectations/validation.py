"""Great Expectations, held against small tables in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context import AbstractDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation import Expectation

from expectations.outcome import Finding

EXAMPLES = 5


def named(expectation: type[Expectation], name: str, says: str, **settings: object) -> Expectation:
    """Declare an expectation with a machine name and a sentence in plain words.

    `settings` are those of the Great Expectations class, among them its `severity`.
    """
    return expectation(description=says, meta={"name": name}, **settings)


def validate(
    frames: Mapping[str, pd.DataFrame],
    suite: Mapping[str, list[Expectation]],
    shown: Mapping[str, list[str]],
    examples: int | None = EXAMPLES,
) -> list[Finding]:
    """Hold each frame against the expectations declared for it.

    `shown` names, by frame, the columns that an example consists of; `examples` is the most to keep
    of each expectation, None for all. Raises RuntimeError if an expectation itself does not work.
    """
    source = _memory_only_context().data_sources.add_pandas("warehouse")
    findings = []
    for name, expectations in suite.items():
        asset = source.add_dataframe_asset(name)
        everything = asset.add_batch_definition_whole_dataframe("everything")
        batch = everything.get_batch({"dataframe": frames[name]})
        outcome = batch.validate(
            gx.ExpectationSuite(name=name, expectations=expectations), result_format="COMPLETE"
        )
        rows = frames[name][shown[name]]
        findings += [_finding(name, result, rows, examples) for result in outcome.results]
    return findings


def _memory_only_context() -> AbstractDataContext:
    """Make a context that sends nothing, writes nothing and draws no progress bars."""
    config = DataContextConfig(
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _finding(
    subject: str, result: ExpectationValidationResult, rows: pd.DataFrame, examples: int | None
) -> Finding:
    config, details = result.expectation_config, result.result
    if _was_raised(result.exception_info):
        raise RuntimeError(f"The expectation {config.meta['name']} does not work: {result}")
    broken = rows.loc[details.get("unexpected_index_list") or []]
    return Finding(
        name=config.meta["name"],
        says=config.description,
        severity=config.severity.value,
        success=bool(result.success),
        checked=details.get("element_count", len(rows)),
        broken=details.get("unexpected_count", 0 if result.success else 1),
        examples=[_plain(row) for row in broken[:examples].to_dict("records")],
        is_about_inputs=config.meta.get("is_about_inputs", True),
        subject=subject,
        declared=config.to_json_dict(),
    )


def _was_raised(information: dict) -> bool:
    if "raised_exception" in information:
        return bool(information["raised_exception"])
    return any(_was_raised(part) for part in information.values() if isinstance(part, dict))


def _plain(example: dict) -> dict:
    return {name: _plain_value(value) for name, value in example.items()}


def _plain_value(value: object) -> str | int | float | None:
    if value is None or isinstance(value, str | int):
        return value
    number = float(value)
    if math.isnan(number):
        return None
    return int(number) if number.is_integer() else number
