"""Random logs with random losses: value and status as the slow reference has them, each night."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import ingest
from expectations import deliveries
from ingest.reasons import NOT_LOST, REASONS
from ingest.workspace import Workspace
from operations.losses import read_story
from tests import reference, strategies
from tests.models import Models
from tests.test_nights import deliver, differences, read_breaks, read_rows, rows_of


# A whole run for each example, as in test_nights.
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(delivered=strategies.lossy_nights(), drawn=strategies.lossy_helplines())
def test_what_is_lost_makes_figures_provisional(delivered, drawn, models: Models, key: str):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        helpline = strategies.helpline_of(folder / "helpline", drawn, key)
        nightly = Workspace(folder / "nightly", str(folder / "logs"), helpline)
        for night in delivered:
            deliver(night, folder / "logs")
            try:
                ingest.pull(nightly)
            except ingest.Problem as nothing_read:  # of all that came so far
                assert "nothing to make figures of" in str(nothing_read)
                continue
            deliveries.judge(nightly)
            models.build(nightly.warehouse)
            log = read_slowly(folder / "logs", helpline, key)
            assert differences(read_rows(nightly.warehouse), rows_of(log)) == {}
            assert read_breaks(nightly.warehouse) == sorted(log.breaks)
            story = read_story(nightly.warehouse, nightly.data)
            assert (str(story).startswith("All is well") and len(str(story).splitlines()) == 1) == (
                not story.lacks
            )
            assert {lack.finding.kind for lack in story.lacks} >= lacking(log)
        shutil.rmtree(folder / "logs")


def lacking(log: reference.Log) -> set[str]:
    """Say what a person has to be told of a log, by the reference."""
    lost = [one for one in log.lost if not one.is_recovered]
    told = {
        "lost_lines": any(log.months_with_losses(name) for name in ("button", "chat")),
        "empty_months": any(log.empty_months(name) for name in ("button", "chat")),
        "damaged": bool(log.names_unreadable),
        "quarantined": bool(log.set_aside),
        "missing_log": log.delivered
        and any(
            not log.covered_days[name]
            and not log.events_of(name)
            and not any(event.log == name for event in log.of_type(reference.COVERED))
            and not any(one.log == name for one in lost)
            for name in ("button", "chat")
        ),
    }
    return {kind for kind, is_told in told.items() if is_told}


def read_slowly(logs: Path, helpline: Path, key: str) -> reference.Log:
    """Have the reference read a folder of logs, and judge what is in it."""
    files = sorted(logs.iterdir())
    unreadable = reference.unreadable_among(files)
    return reference.Log(
        [file for file in files if file not in unreadable],
        helpline,
        key,
        is_judged=True,
        unreadable=[file.name for file in unreadable],
    )


@pytest.mark.parametrize("reason", REASONS)
def test_models_and_ingest_lose_for_the_same_reasons(reason: str, models: Models):
    nodes = json.loads(models.manifest.read_text())["nodes"]
    compiled = nodes["model.chatcijfers.stg_logs__rejects"]["compiled_code"]
    with duckdb.connect() as connection:
        connection.execute(
            """
            attach ':memory:' as warehouse;
            create schema warehouse.raw;
            create schema warehouse.staging;
            create table warehouse.raw.deliveries as
            select 'd' as delivery_id, 'd' as keyed_id, 'loaded' as status;
            create table warehouse.raw.rejects as
            select
                'd' as delivery_id, $1 as reason, uuid() as event_id, uuid() as line_id,
                'helpline.button.clicked' as event_type, 'button' as log, 1 as line_number,
                date '2022-01-01' as local_date;
            create table warehouse.staging.stg_helpline__settings as
            select date '2020-01-01' as starts_on;
            """.replace("$1", f"'{reason}'")
        )
        connection.execute("use warehouse")
        lost = len(connection.execute(compiled).fetchall())
    assert lost == (reason not in NOT_LOST)
