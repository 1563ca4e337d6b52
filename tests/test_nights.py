"""Random logs, delivered over several nights in random order, splits and repetitions.

After every night the figures are those of the slow reference, and in the end those of one full
rebuild from all files at once.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

import ingest
from ingest.workspace import Workspace
from tests import reference, strategies
from tests.models import Models, read_figures

Night = list[tuple[str, bytes]]


# A whole run for each example: shrinking one takes minutes, so a failure is shown as it was found.
# To shrink it: add Phase.shrink and the seed that pytest prints.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(delivered=strategies.nights())
def test_every_night_gives_the_figures_of_the_reference(delivered, models: Models, key: str):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        helpline = strategies.helpline_of(folder / "helpline")
        nightly = Workspace(folder / "nightly", str(folder / "logs"), helpline)
        for night in delivered:
            deliver(night, folder / "logs")
            ingest.pull(nightly)
            models.build(nightly.warehouse)
            counted = read_figures(nightly.warehouse)
            expected = reference.figures(folder / "logs", helpline, key)
            assert differences(counted, expected) == {}

        at_once = Workspace(folder / "at_once", nightly.logs, helpline)
        ingest.pull(at_once)
        models.build(at_once.warehouse)
        assert differences(read_figures(at_once.warehouse), counted) == {}
        shutil.rmtree(folder / "logs")


def deliver(night: Night, logs: Path) -> None:
    """Put a night's files into the folder of logs."""
    logs.mkdir(exist_ok=True)
    for name, content in night:
        (logs / name).write_bytes(content)


def differences(left: dict, right: dict) -> dict:
    """Every cell whose value or status differs, with both."""
    return {
        cell: (left.get(cell), right.get(cell))
        for cell in left.keys() | right.keys()
        if left.get(cell) != right.get(cell)
    }
