"""Recording what a document published, and the lines that a contradicted figure needs."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from ingest.helpline import load_helpline
from ingest.problem import Problem
from publish.__main__ import main
from publish.record import NAMED, lines_to_decide
from tests.models import Models
from tests.test_expectations_clean import ROOT, clean_workspace
from tests.test_publish_protect import publish

PRESSERS = "pressers,2022-05,,"  # 23 in the clean warehouse, and public
HIDDEN = "callers,2022-05,channel,mail_only"  # small there, and hidden


@pytest.fixture(scope="module")
def data(tmp_path_factory, models: Models) -> Path:
    """The state folder of a release."""
    workspace = clean_workspace(tmp_path_factory.mktemp("recorded") / "data")
    models.leave_manifest(workspace)
    publish(workspace)
    return workspace.data


@pytest.fixture
def helpline(tmp_path) -> Path:
    """A helpline's folder, with its published.csv."""
    return shutil.copytree(ROOT / "helplines" / "nupraatikerover", tmp_path / "helpline")


def record(tmp_path: Path, data: Path, helpline: Path, table: str, document="answer-9") -> int:
    path = tmp_path / "table.csv"
    path.write_text(table, encoding="utf-8")
    return main(
        [
            *("record", str(path), "--document", document, "--published-on", "2023-05-01"),
            *("--data", str(data), "--helpline", str(helpline)),
        ]
    )


def recorded(helpline: Path) -> list[dict[str, str]]:
    with (helpline / "published.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["document"] == "answer-9"]


def test_a_figure_without_a_value_gets_the_one_that_is_public(tmp_path, data, helpline, capsys):
    before = (helpline / "published.csv").read_text(encoding="utf-8")
    header = "figure,period,breakdown,category\n"
    assert record(tmp_path, data, helpline, f"{header}{PRESSERS}\n") == 0
    assert recorded(helpline) == [
        {
            "document": "answer-9",
            "published_on": "2023-05-01",
            "figure": "pressers",
            "period": "2022-05",
            "breakdown": "",
            "category": "",
            "value": "23",
            "as_printed": "23",
        }
    ]
    assert (helpline / "published.csv").read_text(encoding="utf-8").startswith(before)
    assert "for answer-9: 1. There already: 0." in capsys.readouterr().out
    load_helpline(helpline)


def test_what_is_there_already_is_not_added_again(tmp_path, data, helpline, capsys):
    table = f"figure,period,breakdown,category,value,as_printed\n{PRESSERS},23,23\n"
    assert record(tmp_path, data, helpline, table) == 0
    assert record(tmp_path, data, helpline, table) == 0
    assert len(recorded(helpline)) == 1
    assert "for answer-9: 0. There already: 1." in capsys.readouterr().out


def test_what_is_printed_without_a_value_is_recorded_too(tmp_path, data, helpline):
    table = f"figure,period,breakdown,category,value,as_printed\n{PRESSERS},,***\n"
    assert record(tmp_path, data, helpline, table) == 0
    assert [(row["value"], row["as_printed"]) for row in recorded(helpline)] == [("", "***")]


def test_a_table_and_a_ledger_with_semicolons_are_read_and_stay_so(tmp_path, data, helpline):
    ledger = helpline / "published.csv"
    with ledger.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with ledger.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    before = load_helpline(helpline).tables["published"]
    table = "figure;period;breakdown;category;value\nanswer_rate;2022;;;16,2\n"
    for _ in range(2):
        assert record(tmp_path, data, helpline, table) == 0
    after = load_helpline(helpline).tables["published"]
    assert after[:-1] == before
    assert after[-1][2:] == ("answer_rate", "2022", "", "", "16.2", "16,2")


def test_another_value_than_that_of_the_release_is_said_with_both(tmp_path, data, helpline, capsys):
    table = f"figure,period,breakdown,category,value\n{PRESSERS},24\n"
    assert record(tmp_path, data, helpline, table) == 0
    assert "pressers 2022-05: answer-9 has 24, the logs give 23" in capsys.readouterr().out


def test_a_hidden_figure_that_was_printed_is_said_to_be_out(tmp_path, data, helpline, capsys):
    table = f"figure,period,breakdown,category,value\n{HIDDEN},2\n"
    assert record(tmp_path, data, helpline, table) == 0
    assert "callers 2022-05 channel mail_only" in capsys.readouterr().out.partition("hidden")[2]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("figure,period\nclicks,2022\n", "table.csv:1: the header lacks breakdown, category"),
        ("figure;period\nclicks;2022\n", "table.csv:1: the header lacks breakdown, category"),
        (
            'figure,period,breakdown,category,value\nanswer_rate,2022,,,"1,074"\n',
            "table.csv:2: value '1,074' may be 1.074 or 1074",
        ),
        ("figure,period,breakdown,category\n", "table.csv:1: holds a header and no line"),
        ("figure,period,breakdown,category\nclicks,1999,,\n", "clicks 1999 is not public"),
        (f"figure,period,breakdown,category\n{HIDDEN}\n", "is confidential: do not print it"),
        (
            "figure,period,breakdown,category,value\nconversations,2022,,,1.074\n",
            "table.csv:2: value '1.074' has decimals, and conversations counts whole ones",
        ),
        (
            f"figure,period,breakdown,category,value\n{PRESSERS},23\n{PRESSERS},24\n",
            "table.csv:3: answer-9 pressers 2022-05",
        ),
        (
            "figure,period,breakdown,category,value\nclicks,2022,,,9\nnonsense,2022,,,3\n",
            "table.csv:3: figure",
        ),
        ("figure,period,breakdown,category,value\nclicks,2022,,,many\n", "table.csv:2: value"),
    ],
)
def test_what_the_ledger_cannot_take_is_said_by_file_and_line(
    table, said, tmp_path, data, helpline, capsys
):
    before = (helpline / "published.csv").read_bytes()
    assert record(tmp_path, data, helpline, table) == 1
    assert said in capsys.readouterr().err
    assert (helpline / "published.csv").read_bytes() == before
    assert sorted(path.name for path in helpline.iterdir()) == sorted(
        path.name for path in (ROOT / "helplines" / "nupraatikerover").iterdir()
    )


def test_the_lines_for_what_is_gone_uphold_it_and_the_helpline_takes_them(tmp_path, helpline):
    gone = [
        ("conversations", "2022-05", "", ""),
        ("callers", "2022", "topic", "a_code_of_before"),
        ("a_figure_of_before", "2022", "", ""),
    ]
    standing = {
        "contradictions": [dict(zip(NAMED, cell, strict=True)) | {"found": ""} for cell in gone]
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"public": standing}), encoding="utf-8")
    lines = lines_to_decide(tmp_path, "the log was withdrawn", "A. Author", date(2023, 5, 2))
    revisions = helpline / "revisions.csv"
    before = load_helpline(helpline).tables["revisions"]
    revisions.write_text(revisions.read_text() + lines.partition("\n")[2], encoding="utf-8")
    added = load_helpline(helpline).tables["revisions"][len(before) :]
    assert [row[:5] for row in added] == [(*cell, "") for cell in gone]
    revisions.write_text(
        revisions.read_text() + "a_figure_of_before,2022,,,7,why,A. Author,2023-05-03\n"
    )
    with pytest.raises(Problem, match="'a_figure_of_before' is not a figure"):
        load_helpline(helpline)


def test_the_lines_that_a_contradicted_figure_needs_are_written(tmp_path, data):
    release = shutil.copytree((data / "published" / "latest").resolve(), tmp_path / "release")
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    cell = {"figure": "pressers", "period": "2022-05", "breakdown": "", "category": ""}
    both = {"published": "23", "document": "public/", "revised": "", "found": "24"}
    manifest["public"]["contradictions"] = [
        cell | both,
        cell | both | {"document": "an answer"},
    ]
    (release / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert lines_to_decide(release, "late delivery", "A. Author", date(2023, 5, 2)) == (
        "figure,period,breakdown,category,value,reason,author,decided_on\n"
        "pressers,2022-05,,,24,late delivery,A. Author,2023-05-02\n"
    )
