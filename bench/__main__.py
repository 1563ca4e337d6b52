"""`python -m bench`: the stages of a night on the simulated three years, timed in one go.

Machines differ and are noisy: compare the stages of one run with each other, or two versions on the
same machine one after the other, rather than seconds with seconds of another day.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import ingest
from dags import transformation
from expectations import deliveries, figures
from ingest import key
from ingest.workspace import DEFAULT_HELPLINE, Workspace
from publish.protect import protect
from publish.public import Public
from publish.release import release
from publish.report import write_report
from publish.workbook import write_workbook

ROOT = Path(__file__).resolve().parent.parent
STAGES: dict[str, Callable[[Workspace], object]] = {
    "pull": ingest.pull,
    "judge deliveries": deliveries.judge,
    "transform": transformation.build,
    "protect": protect,
    "judge figures": figures.judge,
    "publish": release,
}


def main(arguments: list[str] | None = None) -> int:
    """Time the stages of whole nights and print seconds by stage: least, median and most."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--nights", type=int, default=3, help="first nights to time (3)")
    options = parser.parse_args(arguments)
    os.environ["CHATCIJFERS_KEY"] = "only for timing, and long enough to be a key"
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        command = [sys.executable, "-m", "simulation", "--out", str(logs)]
        subprocess.run(command, cwd=ROOT, check=True)
        nights = []
        for number in range(options.nights):
            workspace = Workspace(Path(folder) / f"{number}", str(logs), ROOT / DEFAULT_HELPLINE)
            nights.append(time_night(workspace))
        again = time_night(workspace)
        report = time_pages(workspace)
    print_table(nights, again)
    print("\nof publish, when a month closes:")
    for name, seconds in report.items():
        print(f"{name:<18} {seconds:7.2f}")
    return 0


def time_night(workspace: Workspace) -> dict[str, float]:
    """Run a night and give the seconds of each stage."""
    key.make_key(workspace)
    seconds = {}
    for name, stage in STAGES.items():
        started = time.perf_counter()
        stage(workspace)
        seconds[name] = time.perf_counter() - started
        print(f"  {name:<18} {seconds[name]:6.2f} s", file=sys.stderr, flush=True)
    return seconds


def time_pages(workspace: Workspace) -> dict[str, float]:
    """Give the seconds that the report and the workbook of the latest release take."""
    public = Public.read(workspace.published / "latest" / "public")
    seconds = {}
    for name, write in {
        "report": lambda: write_report(public, workspace.temporary / "report"),
        "workbook": lambda: write_workbook(public, workspace.temporary / "figures.xlsx"),
    }.items():
        started = time.perf_counter()
        write()
        seconds[name] = time.perf_counter() - started
    return seconds


def print_table(nights: list[dict[str, float]], again: dict[str, float]) -> None:
    """Print a line for each stage; `again` is a night on unchanged logs."""
    print(f"{'seconds':<18} {'least':>7} {'median':>7} {'most':>7} {'again':>7} {'share':>6}")
    total = sum(median(night[name] for night in nights) for name in STAGES)
    for name in STAGES:
        times = [night[name] for night in nights]
        share = 100 * median(times) / total
        print(
            f"{name:<18} {min(times):7.2f} {median(times):7.2f} {max(times):7.2f} "
            f"{again[name]:7.2f} {share:4.0f} %"
        )
    print(f"{'all':<18} {'':7} {total:7.2f} {'':7} {sum(again.values()):7.2f}")


if __name__ == "__main__":
    sys.exit(main())
