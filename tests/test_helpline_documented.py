"""docs/helpline.md names every file, column, setting and default that the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.cells import MOST_RESPONDERS
from ingest.definitions import CHANNELS, FIXED_CATEGORIES, OTHER_BREAKDOWNS, read_definitions
from ingest.forms import EXCLUDED_FIELDS
from ingest.helpline import RAW_COLUMNS
from ingest.settings import DEFAULTS, READERS
from tests.test_helpline_spreadsheets import RAW_COLUMNS_OF

PAGE = (Path(__file__).parent.parent / "docs" / "helpline.md").read_text(encoding="utf-8")
SECTIONS = {
    title: text
    for titles, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for title in titles.split(" and ")
}


@pytest.mark.parametrize("table", [table for table in RAW_COLUMNS if table != "settings"])
def test_every_column_of_a_file_stands_in_its_section(table):
    section = SECTIONS[f"{table}.csv"]
    for column in RAW_COLUMNS_OF[table]:
        assert re.search(rf"^\|.*`{column}`.*\|", section, re.MULTILINE), column


@pytest.mark.parametrize("name", READERS)
def test_every_setting_has_a_line_with_its_default(name):
    [line] = re.findall(rf"^\| `{name}` \|(.*)\|$", SECTIONS["helpline.toml"], re.MULTILINE)
    default = line.split(" | ")[1].strip("` ")
    written = {
        "name": "needed",
        "language": "needed",
        "timezone": "needed",
        "starts_on": "needed",
        "keep_events_years": "for ever",
        "rotate_keys_from": "never",
    }
    assert default == written.get(name, str(DEFAULTS.get(name)).replace("False", "false"))


def test_no_other_setting_is_described():
    described = re.findall(r"^\| `(\w+)` \|", SECTIONS["helpline.toml"], re.MULTILINE)
    assert described == list(READERS)


def test_the_breakdowns_and_fixed_codes_are_named():
    section = SECTIONS["codes.csv"]
    breakdowns = {one for known in read_definitions().values() for one in known.breakdowns}
    for breakdown in (breakdowns | set(OTHER_BREAKDOWNS)) - {"exclusion", "page"}:
        assert f"`{breakdown}`" in section, breakdown
    for code in [*FIXED_CATEGORIES["age_band"], *CHANNELS["callers"], "mail"]:
        assert f"`{code}`" in section, code


def test_what_can_be_taken_out_is_named():
    for name in EXCLUDED_FIELDS:
        assert f"`{name}`" in SECTIONS["exclusions.csv"]


def test_the_ranges_are_those_of_the_code():
    assert f"up to {MOST_RESPONDERS}" in SECTIONS["opening_hours.csv"]
    numbers = re.findall(r"^\| `(\w+)` \| (?:whole )?number, (\d+) to (\d+) \|", PAGE, re.MULTILINE)
    assert len(numbers) == 6
    for name, least, most in numbers:
        read = READERS[name]
        assert read(int(least)) == int(least)
        assert read(int(most)) == int(most)
        for beyond in (int(least) - 1, int(most) + 1):
            with pytest.raises(ValueError, match="has to be"):
                read(beyond)


def test_the_readme_leads_there(root):
    assert "docs/helpline.md" in (root / "README.md").read_text(encoding="utf-8")
