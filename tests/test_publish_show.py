"""What `python -m publish show` prints."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
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


def give_labels(release: Path) -> None:
    with duckdb.connect(str(release / "internal" / "analytics.duckdb")) as connection:
        connection.execute("create schema figures")
        connection.execute(
            """
            create table figures.figure_definitions as
            select 'answer_rate' as figure, 'Answer rate' as label_en, 'Beantwoording' as label_nl
            """
        )


def test_conversations_stand_by_month_for_the_last_three_whole_years(tmp_path):
    lines = show(write_release(tmp_path, three_years_and_a_month())).splitlines()

    assert lines[0] == "Gesprekken per maand   2020   2021   2022"
    assert lines[2] == "januari                  10     11     12"
    assert lines[8] == "juli                     70     71     72 [p]"
    assert lines[13] == "december                120    121    122"
    assert lines[15] == "Totaal                1.020  1.021  1.022"


def test_figures_stand_by_year_up_to_the_last_under_their_labels(tmp_path):
    release = write_release(tmp_path, three_years_and_a_month())
    give_labels(release)
    lines = show(release).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Cijfers"))

    assert lines[start] == "Cijfers per jaar  2020  2021  2022  2023"
    assert lines[start + 2] == "Beantwoording      [x]  61,5  61,5  61,5"
    assert lines[start + 3].startswith("[p] voorlopig: ")
    assert lines[start + 4].startswith("[x] niet beschikbaar: ")
    assert lines[-1] == str(tmp_path.resolve())


def test_a_column_with_marks_keeps_its_numbers_below_each_other(tmp_path):
    lines = show(write_release(tmp_path, three_years_and_a_month())).splitlines()
    ends = {lines[n].index(number) + 2 for n, number in ((2, "12"), (8, "72"))}

    assert len(ends) == 1


@pytest.mark.parametrize(
    ("language", "january", "total", "number"),
    [
        ("nl-BE", "januari", "Totaal", "1.020"),
        ("fr", "January", "Total", "1,020"),
        ("xx", "January", "Total", "1,020"),
    ],
)
def test_it_speaks_the_language_of_the_helpline(language, january, total, number, tmp_path):
    text = show(write_release(tmp_path, three_years_and_a_month(), language))

    assert january in text
    assert total in text
    assert number in text


def test_only_pages_that_are_there_can_be_clicked(tmp_path):
    release = write_release(tmp_path / "published" / "latest", three_years_and_a_month())
    report = release / "public" / "report" / "index.html"
    report.parent.mkdir(parents=True)
    report.touch()
    text = show(release)

    assert report.as_uri() in text
    assert "site/index.html" not in text
    assert "make docs" not in text
    assert f"make sql DATA={tmp_path}" in text

    (release / "site").mkdir()
    (release / "site" / "index.html").touch()
    assert f"make docs DATA={tmp_path}" in show(release)
    assert len(show(release).splitlines()) <= 40


def test_a_release_by_its_own_folder_names_no_command(tmp_path):
    text = show(write_release(tmp_path / "e99a", three_years_and_a_month()))

    assert "make sql" not in text


def test_a_log_of_a_few_months_is_shown_too(tmp_path):
    totals = {
        ("conversations", "2022-03"): ("4", "P"),
        ("conversations", "2022"): ("4", "P"),
    }
    lines = show(write_release(tmp_path, totals)).splitlines()

    assert lines[2] == "januari"
    assert lines[4] == "maart                    4 [p]"


def standing_of(folder: Path, **public: object) -> str:
    release = write_release(folder, three_years_and_a_month(), "en")
    about = {"closed_through": "", "closable_through": "2022-04", "is_held": False}
    manifest = {"settings": {"language": "en"}, "public": about | {"contradictions": []} | public}
    (release / "manifest.json").write_text(json.dumps(manifest))
    return show(release)


def test_no_month_is_closed_is_not_said_where_months_are_held_back(tmp_path):
    assert "no month is closed" in standing_of(tmp_path / "none")
    told = standing_of(tmp_path / "held", is_held=True)
    assert "no month is closed" not in told
    assert "figures through 2022-04 are due" in told


def test_what_somebody_decided_of_the_history_is_shown(tmp_path):
    begun = {"kind": "begun_anew", "decided_on": "2027-01-02", "author": None, "reason": "a fire"}
    forgotten = begun | {"kind": "forgotten", "author": "A. Peeters", "reason": "nobody read it"}
    told = standing_of(tmp_path / "release", decisions=[begun, forgotten])
    assert "The warehouse was lost and begun anew on 2027-01-02: a fire" in told
    assert "taken for all of it: nobody read it (A. Peeters)" in told


def test_no_release_is_said(tmp_path):
    with pytest.raises(Problem, match="There is no release in"):
        show(tmp_path / "latest")
