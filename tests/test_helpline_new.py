"""`make new`: a commented folder that is sound, and a sample of logs that gives all figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from expectations import deliveries
from ingest import Problem, Workspace, pull
from ingest.__main__ import main
from ingest.helpline import RAW_COLUMNS, load_helpline
from ingest.new_helpline import make_helpline
from ingest.settings import DEFAULTS, KNOWN_TYPES
from tests.models import Models, read_figures
from tests.test_helpline_spreadsheets import RAW_COLUMNS_OF

TABLES = [table for table in RAW_COLUMNS if table != "settings"]


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "our-line"
    make_helpline(folder)
    return folder


@pytest.fixture(scope="module")
def night(new, tmp_path_factory, models: Models) -> Workspace:
    """A night on the sample, as far as the figures."""
    workspace = Workspace(tmp_path_factory.mktemp("night") / "data", str(new / "sample-logs"), new)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATCIJFERS_KEY", "a key for a new helpline, long enough")
        pull(workspace)
        deliveries.judge(workspace)
        models.build_in(workspace)
    return workspace


def test_it_is_sound_and_nothing_about_it_is_odd(new):
    found = load_helpline(new)
    assert found.name == "Our line"
    assert found.warnings == found.readings == []
    assert found.tables["opening_hours"]
    assert all(found.coded_fields().values())


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_explained_above_its_table(new, table):
    lines = (new / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    header = lines.index(",".join(RAW_COLUMNS_OF[table]))
    comments = "\n".join(lines[:header])
    assert all(line.startswith("# ") for line in lines[:header])
    explained = {
        name.strip()
        for line in lines[:header]
        for name in line.removeprefix("# ").partition(":")[0].split(",")
    }
    assert set(RAW_COLUMNS_OF[table]) - explained == set(), comments


def test_every_setting_is_there_or_shown_as_a_comment(new):
    lines = (new / "helpline.toml").read_text(encoding="utf-8").splitlines()
    names = {line.removeprefix("# ").partition(" = ")[0] for line in lines if " = " in line}
    assert names == {*DEFAULTS, "name", "language", "timezone", "starts_on"}


@pytest.mark.parametrize("table", ["data_gaps", "accepted", "exclusions", "published", "revisions"])
def test_the_examples_in_comments_are_sound(new, tmp_path, table):
    make_helpline(tmp_path / "h")
    path = tmp_path / "h" / f"{table}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    example = lines[lines.index("# For example:") + 1].removeprefix("# ")
    path.write_text("\n".join([*lines, example]) + "\n", encoding="utf-8")
    found = load_helpline(tmp_path / "h")
    assert len(found.tables[table]) == 1
    assert found.warnings == []


def test_nothing_of_the_sample_is_lost(night, new):
    lines = sum(
        len(path.read_text().splitlines()) for path in (new / "sample-logs").glob("*.ndjson")
    )
    with duckdb.connect(str(night.warehouse), read_only=True) as connection:
        counted = connection.execute(
            "select count(*), sum(unfit_fields), count(distinct (source_id, event_id)),"
            " list(distinct event_type order by event_type), count(*) filter ("
            " 'unlisted' in (button, campaign, gender, referred_by, scheduled_by)"
            " or list_contains(topics, 'unlisted')) from raw.events"
        ).fetchone()
        assert counted == (lines, 0, lines, sorted(KNOWN_TYPES), 0)
        assert connection.execute("select count(*) from raw.rejects").fetchone() == (0,)
        statuses = connection.execute("select distinct status from raw.deliveries").fetchall()
        assert statuses == [("loaded",)]


def test_the_sample_gives_every_kind_of_figure(night, new):
    figures = read_figures(night.warehouse)
    conversations, status = figures["conversations", "2024-01", "", ""]
    assert conversations > 100
    assert status == "A"
    for figure in (
        *("clicks", "attempts", "missed_attempts", "out_of_hours_attempts", "pressers", "callers"),
        *("answer_rate", "wait_seconds_median", "open_hours", "unreached_pressers", "new_callers"),
    ):
        for month in ("2024-01", "2024-02"):
            value, status = figures[figure, month, "", ""]
            assert (figure, status) == (figure, "A")
            assert value > 0
    codes = load_helpline(new).coded_fields()
    for breakdown, field in (("gender", "gender"), ("topic", "topics")):
        for code in codes[field]:
            assert figures["callers", "2024", breakdown, code][0] > 0
    for code in codes["referred_by"]:
        assert figures["referrals", "2024", "referred_by", code][0] > 0
    for code in codes["scheduled_by"]:
        assert figures["scheduled_conversations", "2024", "scheduled_by", code][0] > 0
    for band in ("9-11", "12-14", "15-17", "18-20", "21-24", "unknown"):
        assert figures["callers", "2024", "age_band", band][0] > 0


def test_the_sample_is_always_the_same(new, tmp_path):
    again = make_helpline(tmp_path / "our-line")
    files = sorted(path.name for path in again.iterdir())
    assert files == sorted(path.name for path in (new / "sample-logs").iterdir())
    for name in files:
        assert (again / name).read_bytes() == (new / "sample-logs" / name).read_bytes()
        assert json.loads((again / name).read_text().splitlines()[-1])


@pytest.mark.parametrize("there", ["helpline.toml", ".hidden"])
def test_a_folder_that_holds_anything_stays_as_it_is(tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(Problem, match="is not an empty folder; it stays as it is"):
        make_helpline(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
    with pytest.raises(Problem, match="is not an empty folder"):
        make_helpline(tmp_path / there)
    with pytest.raises(Problem, match=r"cannot be written \(Not a directory\)"):
        make_helpline(tmp_path / there / "below")


def test_an_empty_folder_will_do(tmp_path):
    assert make_helpline(tmp_path).is_dir()
    assert load_helpline(tmp_path).warnings == []


def test_the_command_prints_the_next_commands(tmp_path, root):
    folder = tmp_path / "mine"
    done = subprocess.run(
        ["make", "--old-file=environment", f"PYTHON={sys.executable}", "new", f"HELPLINE={folder}"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"make check HELPLINE={folder}\n" in done.stdout
    assert f"make run HELPLINE={folder} LOGS={folder}/sample-logs DATA=" in done.stdout


def test_the_default_helpline_is_not_written_over(capsys, monkeypatch, root):
    monkeypatch.delenv("CHATCIJFERS_HELPLINE", raising=False)
    monkeypatch.chdir(root)
    assert main(["new"]) == 1
    assert "nupraatikerover is there already" in capsys.readouterr().err
