"""The open data of a release: a Data Package that holds for each of its rows."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from frictionless import Package

from publish import datapackage
from publish.contents import open_warehouse
from publish.datapackage import REPORT, TABLES, WORKBOOK, package_name
from publish.opendata import write_open_data
from publish.public import ABOUT, DATAPACKAGE, Public
from publish.publications import read_proposed
from tests.test_expectations_clean import change, clean_workspace

HOSTILE = 'Écoute "103" | <script>\u202e=1+1'
WITH_GAPS = """
insert into raw.data_gaps values ('button', date '2022-03-01', date '2022-03-02', null);
insert into raw.codes (breakdown, code, sort) values ('topic', '1', 3);
insert into raw.revisions by name
select figure, period, breakdown, category, cast(value::bigint as varchar) as value,
    'a reason, "quoted"' as reason, 'An' as author, date '2023-02-01' as decided_on
from figures.figures where figure = 'clicks' and period = '2022-05' and breakdown = '';
"""


def make_public_folder(folder: Path, sql: str = "") -> Path:
    """Make the open data of the clean warehouse, with what people read beside it left empty."""
    workspace = clean_workspace(folder / "state")
    change(workspace, WITH_GAPS + sql)
    public = folder / "public"
    (public / REPORT).parent.mkdir(parents=True)
    for path in (WORKBOOK, REPORT):
        (public / path).touch()
    with open_warehouse(workspace) as connection:
        write_open_data(connection, read_proposed(connection), public)
    return public


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return make_public_folder(tmp_path_factory.mktemp("public"))


@pytest.fixture
def public(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "public"))


def package(folder: Path) -> dict:
    return json.loads((folder / DATAPACKAGE).read_text(encoding="utf-8"))


def errors(folder: Path) -> set[str]:
    report = Package(str(folder / DATAPACKAGE)).validate()
    return {error for (error,) in report.flatten(["type"])}


def test_the_package_and_every_row_of_it_are_valid(made):
    assert errors(made) == set()
    with (made / "figures.csv").open(encoding="utf-8") as file:
        states = {(row["obs_status"], row["conf_status"], row["value"] == "")
                  for row in csv.DictReader(file)}  # fmt: skip
    assert {("A", "F", False), ("A", "C", True), ("P", "N", True)} <= states


@pytest.mark.parametrize(
    ("file", "find", "put", "error"),
    [
        ("figures.csv", "\nclicks,2022-05,", "\nclicks,2022-13,", "constraint-error"),
        ("figures.csv", "\nclicks,2022-05,", "\nclicks,2022-05x,", "constraint-error"),
        ("figures.csv", "\nclicks,2022-05,,,", "\nclicks,2022-06,,,", "primary-key"),
        ("figures.csv", "\nclicks,2022-05,", "\nklicks,2022-05,", "foreign-key"),
        ("figures.csv", "\nclicks,2022-05,,,", "\nclicks,2022-05,,,x", "type-error"),
        ("figures.csv", ",A,F,", ",A,Q,", "constraint-error"),
        ("revisions.csv", "clicks,2022-05,,", "clicks,2019-05,,", "foreign-key"),
        ("data_gaps.csv", "button,", "knop,", "constraint-error"),
        ("codes.csv", "gender,girl,", "gender,boy,", "primary-key"),
        ("figure_definitions.csv", ",false,", ",perhaps,", "type-error"),
    ],
)
def test_a_row_that_breaks_a_rule_is_found(public, file, find, put, error):
    text = (public / file).read_text(encoding="utf-8")
    assert find in text
    (public / file).write_text(text.replace(find, put, 1), encoding="utf-8")
    described = package(public)
    for resource in described["resources"]:  # its bytes are another rule
        resource.pop("hash", None)
        resource.pop("bytes", None)
    (public / DATAPACKAGE).write_text(json.dumps(described), encoding="utf-8")
    assert error in errors(public)


def test_a_file_that_was_changed_is_found(public):
    with (public / "codes.csv").open("a", encoding="utf-8") as file:
        file.write("topic,new,New,Nieuw,9\n")
    assert {"byte-count", "hash-count"} & errors(public)


def test_every_column_of_every_file_is_described_in_its_order(made):
    described = {one["path"]: one["schema"]["fields"]
                 for one in package(made)["resources"] if "schema" in one}  # fmt: skip
    assert set(described) == {path.name for path in made.glob("*.csv")} == set(TABLES)
    for name, fields in described.items():
        with (made / name).open(encoding="utf-8") as file:
            assert next(csv.reader(file)) == [field["name"] for field in fields]
        assert all(field["description"] for field in fields)


def test_codes_are_text_and_an_empty_breakdown_is_one_too(made):
    with Package(str(made / DATAPACKAGE)).get_resource("figures") as figures:
        rows = [row.to_dict() for row in figures.row_stream]
    assert {row["breakdown"] for row in rows} >= {"", "weekday", "hour"}
    categories = {(row["breakdown"], row["category"]) for row in rows}
    assert {("", ""), ("weekday", "1"), ("hour", "00"), ("hour_of_week", "3-19")} <= categories
    assert any(row["value"] is None for row in rows)


def test_what_the_tables_need_stands_in_the_package(made):
    about = package(made)[ABOUT]
    assert about["helpline"] == "Testlijn"
    assert Public.read(made).about.closed_through == about["closed_through"] == "2023-01"


def test_the_package_says_its_period_and_no_time_and_no_licence_of_its_own(made):
    described = package(made)
    assert described["temporal"] == {"startDate": "2021-12-01", "endDate": "2023-01-31"}
    assert not {"created", "licenses", "homepage"} & described.keys()


def test_the_same_figures_give_the_same_bytes(made, tmp_path):
    again = make_public_folder(tmp_path)
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
    assert [(again / path).read_bytes() for path in files] == [
        (made / path).read_bytes() for path in files
    ]


def test_a_helpline_in_english_with_a_hostile_name_stays_valid(tmp_path):
    quoted = HOSTILE.replace("'", "''")
    public = make_public_folder(
        tmp_path, f"update raw.settings set language = 'en', name = '{quoted}'"
    )
    described = package(public)
    assert errors(public) == set()
    assert described["name"] == "chatcijfers-ecoute-103-script-1-1"
    assert described["title"] == f"Figures of {HOSTILE}, through January 2023"
    assert described["contributors"] == [{"title": HOSTILE, "roles": ["publisher"]}]
    assert "<script>" not in (public / "readme.md").read_text(encoding="utf-8").replace("\\<", "")


@pytest.mark.parametrize("helpline", ["Testlijn", HOSTILE, "أمل", "  ", "a/b\\c.d", "ß & Ærø 24/7"])
def test_a_package_name_fits_the_standard_whatever_the_helpline_is_called(helpline):
    assert re.fullmatch(r"[-a-z0-9._/]+", package_name(helpline))


def test_the_readme_says_of_every_file_and_column_what_it_is(made):
    text = (made / "readme.md").read_text(encoding="utf-8")
    for resource in package(made)["resources"]:
        assert f"\n## {resource['path']}\n" in text
        for field in resource.get("schema", {}).get("fields", []):
            assert f"\n| `{field['name']}` | " in text


def keys(texts: dict, before: str = "") -> set[str]:
    return {
        name
        for key, value in texts.items()
        for name in (keys(value, f"{before}{key}.") if isinstance(value, dict) else {before + key})
    }


@pytest.mark.parametrize(
    "path", [datapackage.TEXTS, Path(datapackage.__file__).parent / "workbook" / "words.toml"]
)
def test_both_languages_say_the_same_things(path):
    texts = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(texts) == {"en", "nl"}
    assert keys(texts["en"]) == keys(texts["nl"])
