"""What `python -m publish show` prints."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ingest.problem import Problem
from publish.show import show


def write_release(folder: Path, totals: dict, language: str = "nl") -> Path:
    """Write as much of a release as `show` reads: figure and period to value and status."""
    (folder / "internal").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"settings": {"language": language}}))
    with (folder / "internal" / "figures.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["figure", "period", "breakdown", "category", "value", "obs_status"])
        for (figure, period), (value, status) in totals.items():
            writer.writerow([figure, period, "", "", value, status])
            writer.writerow([figure, period, "weekday", "1", "999", status])
    return folder


def three_years_and_a_month() -> dict:
    totals = {}
    for year in range(2020, 2024):
        for month in range(1, 13 if year < 2023 else 2):
            status = "P" if (year, month) in ((2022, 7), (2023, 1)) else "A"
            totals["conversations", f"{year}-{month:02}"] = (str(10 * month + year - 2020), status)
        totals["conversations", str(year)] = (str(year - 1000), "P" if year == 2023 else "A")
        totals["answer_rate", str(year)] = ("61.5", "A") if year > 2020 else ("", "O")
    return totals


def test_conversations_stand_by_month_for_the_last_three_whole_years(tmp_path):
    lines = show(write_release(tmp_path, three_years_and_a_month())).splitlines()

    assert lines[0] == "Gesprekken per maand  2020   2021   2022"
    assert lines[2] == "januari                 10     11     12"
    assert lines[8] == "juli                    70     71     72*"
    assert lines[13] == "december               120    121    122"
    assert lines[15] == "totaal                1020   1021   1022"


def test_figures_stand_by_year_up_to_the_last(tmp_path):
    lines = show(write_release(tmp_path, three_years_and_a_month())).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Cijfers"))

    assert lines[start] == "Cijfers per jaar  2020   2021   2022   2023"
    assert lines[start + 2] == "conversations     1020   1021   1022   1023*"
    assert lines[start + 3] == "answer_rate          –   61.5   61.5   61.5"
    assert lines[start + 5] == "* voorlopig   – geen waarde"
    assert lines[-1] == str(tmp_path.resolve())


@pytest.mark.parametrize(
    ("language", "january", "total"),
    [("nl-BE", "januari", "totaal"), ("fr", "janvier", "total"), ("xx", "January", "total")],
)
def test_months_are_in_the_language_of_the_helpline(language, january, total, tmp_path):
    text = show(write_release(tmp_path, three_years_and_a_month(), language))

    assert january in text
    assert total in text


def test_a_log_of_a_few_months_is_shown_too(tmp_path):
    totals = {
        ("conversations", "2022-03"): ("4", "P"),
        ("conversations", "2022"): ("4", "P"),
    }
    lines = show(write_release(tmp_path, totals)).splitlines()

    assert lines[2] == "januari"
    assert lines[4] == "maart                    4*"


def test_no_release_is_said(tmp_path):
    with pytest.raises(Problem, match="There is no release in"):
        show(tmp_path / "latest")
