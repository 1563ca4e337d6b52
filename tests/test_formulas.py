"""No cell of a public table is carried out by the spreadsheet that opens it."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.formulas import as_meant, as_text, as_text_in_sql
from publish.public import Public
from publish.workbook import write_workbook
from tests.test_publish_opendata import make_public_folder

NUMBER = re.compile(r"-?\d+(\.\d+)?")
CELLS = st.text("=+-@\t\r'1.a \n", max_size=6) | st.decimals(
    allow_nan=False, allow_infinity=False, places=1
).map(str)
# In every text that comes from a helpline's tables and is in public.
PLANTED = """
update raw.codes set label_nl = '=1+1', label_en = '+cmd';
update raw.data_gaps set reason = '@SUM(A1)';
update raw.revisions set reason = '-2+3';
insert into raw.codes (breakdown, code, label_nl, label_en, sort)
    values ('topic', '=cmd', '-een', chr(9) || 'one', 4);
"""


def begins_a_formula(cell: str) -> bool:
    return cell[:1] in set("=+-@\t\r") and not NUMBER.fullmatch(cell)


@given(CELLS)
def test_every_text_comes_back_and_none_begins_a_formula(cell):
    assert as_meant(as_text(cell)) == cell
    assert not begins_a_formula(as_text(cell))
    if NUMBER.fullmatch(cell):
        assert as_text(cell) == cell


@settings(deadline=None, max_examples=40)
@given(st.lists(CELLS, max_size=20))
def test_the_engine_does_the_same(cells):
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {as_text_in_sql('cell')} from (select unnest($1::varchar[]) as cell)", [cells]
        ).fetchall()
    assert [cell for (cell,) in rows] == [as_text(cell) for cell in cells]


@pytest.fixture(scope="module")
def public(tmp_path_factory) -> Path:
    return make_public_folder(tmp_path_factory.mktemp("formulas"), PLANTED)


def test_no_cell_of_any_public_file_begins_a_formula(public):
    planted = set()
    for path in public.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                assert not [cell for cell in row if begins_a_formula(cell)], path.name
                planted |= {cell for cell in row if begins_a_formula(cell[1:]) and cell[0] == "'"}
    assert planted >= {"'=1+1", "'+cmd", "'@SUM(A1)", "'-2+3", "'=cmd", "'-een", "'\tone"}


def test_what_is_made_of_them_has_the_texts_as_they_were_meant(public):
    read = Public.read(public)
    assert "\"'=" not in repr(read)
    assert "'=1+1'" in repr(read)


def test_no_cell_of_the_workbook_is_a_formula(public, tmp_path):
    write_workbook(Public.read(public), tmp_path / "figures.xlsx")
    with zipfile.ZipFile(tmp_path / "figures.xlsx") as packed:
        parts = {name: packed.read(name).decode() for name in packed.namelist() if "sheet" in name}
        texts = packed.read("xl/sharedStrings.xml").decode()
    assert "=1+1" in texts + "".join(parts.values())
    assert not [name for name, part in parts.items() if re.search(r"<f[ >]", part)]
