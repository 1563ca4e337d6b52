"""Nights in a row up to a New Year: what becomes public by month and by year fits together."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

import ingest
from expectations import deliveries, figures
from expectations.outcome import Outcome
from ingest.workspace import Workspace
from publish import report, workbook
from publish.protect import protect
from publish.publications import Publications, read_publications
from publish.release import release
from simulation.files import write_files
from simulation.logs import simulate
from simulation.opening import Calendar
from simulation.targets import read_targets
from tests.conftest import KEY, once
from tests.models import Models

ROOT = Path(__file__).parent.parent
YEAR = 2021
# Eleven days after a month has ended, its last day lies ten covered days back.
DAY_OF_CLOSING = 12
DAY_BETWEEN = 20
# The first night is in September: it closes eight months at once, as a first release may.
CLOSED_AT_FIRST = 8
CLOSINGS = [date(YEAR, month, DAY_OF_CLOSING) for month in range(CLOSED_AT_FIRST + 1, 13)]
CLOSINGS.append(date(YEAR + 1, 1, DAY_OF_CLOSING))
BETWEEN = [CLOSINGS[0].replace(day=DAY_BETWEEN), CLOSINGS[-1].replace(day=DAY_BETWEEN)]


@dataclass(frozen=True)
class Year:
    """The state folder after all nights, what was public after each, and what a reader saw.

    `public` goes by the night's day, `read` is as `tests.readers` prints it.
    """

    workspace: Workspace
    public: dict[date, dict[str, bytes]]
    read: dict[str, object] = field(default_factory=dict)

    @property
    def publications(self) -> Publications:
        return read_publications(self.workspace.published / "latest")

    def figures(self, night: date) -> dict[tuple[str, ...], dict[str, str]]:
        """The rows of public/figures.csv after a night, by figure, period, breakdown, category."""
        text = self.public[night]["figures.csv"].decode()
        return {tuple(row.values())[:4]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, models: Models) -> Iterator[Year]:
    """One night after the other, on logs that grow by the days that have passed.

    This is about the figures: every closing has the pages of the first, for each takes seconds.
    """
    folder = tmp_path_factory.mktemp("year")
    targets = read_targets()
    contents = simulate(targets, Calendar(targets.first_day, targets.last_day), seed=1)
    workspace = Workspace(
        folder / "data", str(folder / "logs"), ROOT / "helplines" / "nupraatikerover"
    )
    public: dict[date, dict[str, bytes]] = {}
    read: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as environment, looked_at(workspace.published, read):
        environment.setenv("CHATCIJFERS_KEY", KEY)
        for pages, write in ((report, "write_report"), (workbook, "write_workbook")):
            made_once = once(getattr(pages, write), folder / write, name=lambda _: "first")
            environment.setattr(pages, write, made_once)
        for night in sorted(CLOSINGS + BETWEEN):
            last = max(public, default=targets.first_day)
            write_files(
                folder / "logs",
                {name: text for name, text in contents.items() if last <= day_of(name) < night},
            )
            run_night(workspace, models)
            latest = workspace.published / "latest" / "public"
            public[night] = {
                path.relative_to(latest).as_posix(): path.read_bytes()
                for path in latest.rglob("*")
                if path.is_file()
            }
    yield Year(workspace, public, read)


@contextlib.contextmanager
def looked_at(published: Path, read: dict[str, object]) -> Iterator[None]:
    """Have another process read `latest` all the while; put what it saw into `read`."""
    reader = subprocess.Popen(
        [sys.executable, "-m", "tests.readers", str(published)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        reader.stdout.readline()
        yield
        said, _ = reader.communicate()
        read |= json.loads(said)
    finally:
        reader.kill()
        reader.wait()


def day_of(name: str) -> date:
    """The day of a simulated file, such as button-2021-03-01.ndjson.gz."""
    return date.fromisoformat(name.partition("-")[2][:10])


def run_night(workspace: Workspace, models: Models) -> None:
    """Every stage of the night in its order, without Airflow and with dbt's SQL run directly."""
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build_in(workspace)
    protect(workspace)
    figures.judge(workspace)
    release(workspace)


def test_whoever_reads_latest_all_the_while_always_reads_one_whole_release(year: Year):
    assert year.read["wrong"] == []
    releases = {path.name for path in (year.workspace.published / "releases").iterdir()}
    assert year.read["reads"].keys() <= releases
    assert len(year.read["reads"]) > len(releases) / 2


def test_every_closing_adds_its_month_and_the_last_one_its_year(year: Year):
    assert [content.closed_through for content in year.publications.contents] == [
        f"{YEAR}-{month:02}" for month in range(CLOSED_AT_FIRST, 13)
    ]
    for number, night in enumerate(CLOSINGS, start=CLOSED_AT_FIRST):
        periods = {period for _, period, _, _ in year.figures(night)}
        months = {f"{YEAR}-{month:02}" for month in range(1, number + 1)}
        expected = months | ({f"{YEAR}"} if number == 12 else set())
        assert {period for period in periods if period.startswith(f"{YEAR}")} == expected


def test_public_is_carried_forward_byte_for_byte_between_closings(year: Year):
    for night in BETWEEN:
        closing = max(day for day in CLOSINGS if day < night)
        assert year.public[night] == year.public[closing]
    assert year.public[CLOSINGS[0]] != year.public[CLOSINGS[1]]


def test_what_was_shown_once_stays_shown_with_its_value(year: Year):
    shown: dict[tuple[str, ...], str] = {}
    for night in sorted(year.public):
        figures_of_night = year.figures(night)
        for cell, value in shown.items():
            assert figures_of_night[cell]["value"] == value, (night, cell)
        shown |= {cell: row["value"] for cell, row in figures_of_night.items() if row["value"]}
    assert len(shown) > 1000


def test_small_counts_of_persons_are_hidden_in_every_content(year: Year):
    persons = {"visitors", "persons", "conversations", "sessions"}
    hidden = 0
    for night in year.public:
        for cell, row in year.figures(night).items():
            if row["unit"] in persons and row["value"] and row["decimals"] == "0":
                assert not 0 < int(row["value"]) < 5, (night, cell)
            hidden += row["conf_status"] == "C"
    assert hidden > 0


def test_all_contents_together_stand_up_to_the_attacker(year: Year):
    outcome = Outcome.read(year.workspace.gates, "figures")
    pinned = outcome.finding("no_hidden_cell_is_pinned")
    assert outcome.passed
    assert pinned.success
    hidden = {
        row.cell
        for row in year.publications.rows().values()
        if row.conf_status == "C" and row.hidden_because != "derived"
    }
    assert hidden  # the auditor had something to attack
