"""A file that cannot be read takes its days with it: those of its name, else who knows which."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import ingest
from ingest.workspace import Workspace
from tests import events, reference
from tests.models import Models, read_figures


def evening(day: int) -> list[dict]:
    return [
        events.click("anna", f"2022-03-{day:02} 19:00"),
        events.request(f"s{day}", "anna", f"2022-03-{day:02} 19:01"),
        events.answer(f"s{day}", "r1", f"2022-03-{day:02} 19:02"),
    ]


@pytest.mark.parametrize("declares", [False, True])
@pytest.mark.parametrize(
    ("name", "status"),
    [("extra.ndjson.gz", "P"), ("2022-03-09.ndjson.gz", "P"), ("2022-04-05.ndjson.gz", "A")],
)
def test_the_days_of_a_file_that_cannot_be_read_are_provisional_whatever_is_declared(
    declares: bool, name: str, status: str, tmp_path: Path, models: Models, key: str
):
    logs, helpline = tmp_path / "logs", events.helpline(tmp_path / "helpline")
    workspace = Workspace(tmp_path / "data", str(logs), helpline)
    for day in range(1, 32):
        events.deliver(logs, f"{day:02}.ndjson", evening(day), compress="gz")
    events.deliver(logs, "later.ndjson", [events.click("anna", "2022-04-10 19:00")])
    events.deliver(logs, "later-chat.ndjson", [events.end("s1", "2022-04-10 19:00")])
    if declares:
        covered = [events.covered(log, "2022-03-01", "2022-04-11") for log in ("button", "chat")]
        events.deliver(logs, "covered.ndjson", covered)
    cell = ("conversations", "2022-03", "", "")

    ingest.pull(workspace)
    models.build(workspace.warehouse)
    assert read_figures(workspace.warehouse)[cell] == (Decimal(31), "A")

    truncated = logs / name
    truncated.write_bytes((logs / "01.ndjson.gz").read_bytes()[:-4])
    ingest.pull(workspace)
    models.build(workspace.warehouse)
    counted = read_figures(workspace.warehouse)
    assert counted[cell] == (Decimal(31), status)
    whole = [path for path in logs.iterdir() if path != truncated]
    assert counted == reference.figures(whole, helpline, key, unreadable=[name])

    truncated.unlink()
    ingest.pull(workspace)
    models.build(workspace.warehouse)
    assert read_figures(workspace.warehouse)[cell] == (Decimal(31), "A")
