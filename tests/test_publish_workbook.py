"""The workbook of public figures: real numbers, their marks, and nothing that is not text."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from publish import sections
from publish.disclosure.cells import Cell
from publish.public import Public, Revision, State, Value
from publish.words import Words
from publish.workbook import write_workbook
from publish.workbook.sheets import LONGEST_NAME, literal, number_format
from publish.workbook.write import TEXTS
from tests.test_publish_opendata import make_public_folder

HOSTILE = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "{=1+1}",
    "http://evil.example/",
    "mailto:a@evil.example",
    "internal:'Cover'!A1",
    "[click](http://evil.example)",
    "$$note$$",
    "$$$$",
    '=HYPERLINK("http://evil.example")',
    "<b>&amp;",
    "\u202egnorts",
    "неизвестно",
    "—",
    " ",
    "007",
    "nan",
]
MAY = Cell("conversations", "2022-05")
JUNE = Cell("conversations", "2022-06")
JULY = Cell("conversations", "2022-07")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_public_folder(tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="module")
def public(folder: Path) -> Public:
    """Public figures with every kind of mark: one is revised, one not there, one not computable."""
    read = Public.read(folder)
    ratio = next(cell for cell in read.values if cell.figure == "answer_rate")
    values = dict(read.values) | {
        MAY: replace(read.values[MAY], is_revised=True),
        JUNE: replace(read.values[JUNE], state=State.PROVISIONAL),
        JULY: replace(read.values[JULY], state=State.MISSING, number=None),
        ratio: replace(read.values[ratio], state=State.NOT_APPLICABLE, number=None),
    }
    revisions = dict(read.revisions) | {MAY: Revision(MAY, "late delivery", "2023-02-01")}
    return replace(read, values=values, revisions=revisions)


@pytest.fixture(scope="module")
def path(public: Public, tmp_path_factory) -> Path:
    return written(public, tmp_path_factory.mktemp("workbook"))


@pytest.fixture(scope="module")
def book(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


def written(public: Public, folder: Path) -> Path:
    path = folder / "figures.xlsx"
    write_workbook(public, path)
    return path


def words_of(public: Public) -> Words:
    return Words(public.about.language, public, sections.TEXTS, TEXTS)


def only_table(sheet: Worksheet) -> list[list]:
    """Give the cells of a sheet's table, the headings first."""
    [table] = sheet.tables.values()
    return [list(row) for row in sheet[table.ref]]


def sheet_with(book: openpyxl.Workbook, table: str) -> Worksheet:
    return next(sheet for sheet in book if table in sheet.tables)


def links(sheet: Worksheet) -> list[str]:
    """Give where the links of a sheet lead, in the order of its rows."""
    cells = (cell for row in sheet.iter_rows() for cell in row)
    return [cell.hyperlink.location for cell in cells if cell.hyperlink]


def expected(value: Value, words: Words) -> object:
    return float(value.number) if value.number is not None else words.value(value) or None


# --- numbers and marks


def test_every_table_has_a_sheet_with_its_numbers_and_marks(book, public):
    words = words_of(public)
    tables = [table for one in sections.sections(public, words) for table in one.tables]
    for table in tables:
        headings, *rows = only_table(sheet_with(book, table.name))
        first = 2 if any(line.unit for line in table.lines) else 1
        assert [row[0].value for row in rows] == [line.label for line in table.lines]
        for row, line in zip(rows, table.lines, strict=True):
            cells = row[first : first + len(table.columns)]
            assert [cell.value for cell in cells] == [expected(one, words) for one in line.values]
            for cell, value in zip(cells, line.values, strict=True):
                if value.number is not None:
                    assert isinstance(cell.value, int | float)
                    assert cell.number_format == number_format(value.decimals)
        assert len(headings) - first - len(table.columns) in (0, 1)
    assert {"#,##0", "#,##0.0", "#,##0.00"} == set(map(number_format, range(3)))


def test_a_provisional_or_revised_number_stays_a_number_and_its_mark_stands_beside_it(book, public):
    headings, *rows = only_table(sheet_with(book, "conversations_by_month"))
    year = [cell.value for cell in headings].index("2022")
    assert headings[-1].value == "Tekens bij getallen"
    may, june = rows[4], rows[5]
    assert (may[year].value, may[-1].value) == (public.values[MAY].number, "2022: [h]")
    assert (june[year].value, june[-1].value) == (public.values[JUNE].number, "2022: [p]")
    assert rows[0][-1].value is None


def test_pending_confidential_missing_and_zero_do_not_look_alike(book, public):
    _, *rows = only_table(sheet_with(book, "all_figures"))
    looks: dict[State, set[object]] = {}
    for row, value in zip(rows, public.values.values(), strict=True):
        if value.number is None:
            looks.setdefault(value.state, set()).add(row[5].value)
    assert looks == {
        State.PENDING: {"[volgt]"},
        State.CONFIDENTIAL: {"[v]"},
        State.MISSING: {"[x]"},
        State.NOT_APPLICABLE: {words_of(public).group("marks")["not_applicable"]},
    }
    assert any(row[5].value == 0 and row[5].data_type == "n" for row in rows)


def test_all_figures_are_there_with_their_labels_marks_and_remarks(book, public):
    headings, *rows = only_table(sheet_with(book, "all_figures"))
    assert [cell.value for cell in headings][:6] == [
        *("Cijfer", "Soort periode", "Periode", "Uitsplitsing", "Categorie", "Waarde")
    ]
    words = words_of(public)
    assert [row[5].value for row in rows] == [
        expected(value, words) for value in public.values.values()
    ]
    found = {(row[0].value, row[2].value, row[4].value): row for row in rows}
    may = found["Gesprekken", "2022-05", None]
    assert [cell.value for cell in may[6:]] == ["gesprekken", "[h]", "late delivery"]
    wednesday = found["Kliks op de chatknop", "2022", "woensdag 19–20 u."]
    assert wednesday[3].value == "Uur van de week"


def test_every_mark_is_explained_on_its_sheet_and_among_the_notes(book, public):
    notes = [row[0].value for row in only_table(sheet_with(book, "notes"))]
    assert set(words_of(public).group("marks").values()) <= set(notes)
    used = set()
    for sheet in book:
        texts = [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "s"]
        used.update(re.findall(r"\[noot \d+\]", " ".join(texts)))
        if sheet.title[0].isdigit():
            marks = set(re.findall(r"\[[a-z]+\]|\[/\]", " ".join(map(str, _cells(sheet)))))
            explained = {text.split(":")[0] for text in texts if re.match(r"\[.+?\]: ", text)}
            assert marks <= explained, sheet.title
    assert used and used <= set(notes)


def _cells(sheet: Worksheet) -> list:
    return [cell.value for row in only_table(sheet) for cell in row if cell.value is not None]


def test_days_without_complete_data_are_among_the_notes(book):
    notes = [row[1].value for row in only_table(sheet_with(book, "notes"))]
    gap = "Kliks, 1 maart 2022 t.e.m. 2 maart 2022: ontbreken of worden nog uitgezuiverd"
    assert gap in notes


# --- form


def test_the_cover_comes_first_and_the_contents_lead_to_every_sheet(book):
    assert book.sheetnames[:3] == ["Voorblad", "Inhoud", "Noten"]
    assert book.active.title == "Voorblad"
    assert links(book["Inhoud"]) == [f"'{name}'!A1" for name in book.sheetnames[2:]]
    for sheet in book.worksheets[2:]:
        assert links(sheet) == ["'Inhoud'!A1"]


def test_names_of_sheets_are_short_and_readable(book, public):
    assert all(len(name) <= LONGEST_NAME for name in book.sheetnames)
    assert len({name.casefold() for name in book.sheetnames}) == len(book.sheetnames)
    words = words_of(public)
    tables = [table for one in sections.sections(public, words) for table in one.tables]
    named = words.group("tables")
    assert [table.name for table in tables if table.name not in named] == []


def test_every_sheet_is_one_table_with_headings_of_its_own_and_no_merged_cell(book):
    for sheet in book.worksheets[1:]:
        headings = [cell.value for cell in only_table(sheet)[0]]
        assert all(isinstance(heading, str) and heading for heading in headings)
        assert len(set(map(str.casefold, headings))) == len(headings)
        assert sheet.title and sheet["A1"].value and not sheet.merged_cells.ranges
        [table] = sheet.tables.values()
        assert range_boundaries(table.ref)[3] == sheet.max_row
        assert sheet.freeze_panes is not None
    assert len({name for sheet in book for name in sheet.tables}) == len(book.sheetnames) - 1


def test_no_number_is_wider_than_its_column(book, public):
    words = words_of(public)
    for sheet in book.worksheets[1:]:
        widths = _widths(sheet)
        for row in only_table(sheet):
            for cell in row:
                if cell.data_type == "n" and cell.value is not None:
                    decimals = len(cell.number_format.partition(".")[2])
                    shown = words.number(Decimal(str(cell.value)), decimals)
                    assert len(shown) + 1 <= widths[cell.column], (sheet.title, cell.coordinate)


def _widths(sheet: Worksheet) -> dict[int, float]:
    found: dict[int, float] = {}
    for dimension in sheet.column_dimensions.values():
        for column in range(dimension.min, dimension.max + 1):
            found[column] = dimension.width
    assert get_column_letter(1) in sheet.column_dimensions
    return found


# --- what a text can do


@pytest.fixture(scope="module")
def hostile(public: Public, tmp_path_factory) -> tuple[Public, Path]:
    """The workbook of a helpline whose every text tries to be more than a text."""
    texts = iter(HOSTILE * 100)
    codes = {key: dict(row) | {"label_nl": next(texts)} for key, row in public.codes.items()}
    codes |= {
        ("age_band", cell.category): {"label_nl": next(texts), "label_en": "", "sort": "1"}
        for cell in public.values
        if cell.breakdown == "age_band"
    }
    definitions = {
        figure: dict(row) | {"label_nl": text, "definition_nl": text}
        for (figure, row), text in zip(public.definitions.items(), texts, strict=False)
    }
    revisions = {cell: replace(one, reason=next(texts)) for cell, one in public.revisions.items()}
    gaps = tuple(replace(gap, reason=text) for text in HOSTILE for gap in public.gaps)
    made = replace(
        public,
        about=replace(public.about, helpline="=cmd|' /C calc'!A0\u202e"),
        codes=codes,
        definitions=definitions,
        revisions=revisions,
        gaps=gaps,
    )
    return made, written(made, tmp_path_factory.mktemp("hostile"))


def test_no_text_becomes_a_formula_or_a_link(hostile, book):
    _, path = hostile
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8")
            assert not re.search(r"<f[ >/]", text), name
            assert 'TargetMode="External"' not in text, name
            assert "calcChain" not in name and "externalLink" not in name
    known = {sheet.title: links(sheet) for sheet in book}
    for sheet in openpyxl.load_workbook(path):
        assert links(sheet) == known[sheet.title]
        assert all(cell.data_type in "nsb" for row in sheet.iter_rows() for cell in row)


def test_a_hostile_text_stands_in_the_workbook_as_it_is(hostile):
    public, path = hostile
    book = openpyxl.load_workbook(path)
    _, *rows = only_table(sheet_with(book, "definitions"))
    labels = [row["label_nl"] for row in public.definitions.values()]
    assert [row[0].value for row in rows] == [literal(label) for label in labels]
    assert set(HOSTILE) <= set(labels)
    _, *rows = only_table(sheet_with(book, "all_figures"))
    assert {row[0].value for row in rows} == set(labels)
    ages = [row[0].value for row in only_table(sheet_with(book, "callers_by_age_band"))]
    assert {literal(public.codes["age_band", "9-11"]["label_nl"])} <= set(ages)


def test_gptables_finds_no_note_and_no_link_in_a_text():
    assert literal("[a](b) $$1$$ $$$$") == "[a] (b) $ $1$ $ $ $ $ $"
    assert literal("[p]: 5 $ (b)") == "[p]: 5 $ (b)"


# --- properties and bytes


def test_the_properties_say_what_it_is_and_not_when_it_was_made(book):
    assert book.properties.title == "Cijfers van Testlijn, t.e.m. januari 2023"
    assert book.properties.creator == "Testlijn"
    assert f"{book.properties.created:%Y-%m-%d}" == "2023-01-31"
    assert book.properties.modified == book.properties.created
    assert book.custom_doc_props["Language"].value == "nl"


def test_two_processes_write_the_same_bytes(folder, tmp_path):
    code = (
        "import sys; from pathlib import Path; from publish.public import Public;"
        "from publish.workbook import write_workbook;"
        "write_workbook(Public.read(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    for number in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, str(folder), str(tmp_path / number)],
            env=os.environ | {"PYTHONHASHSEED": number, "TZ": f"Etc/GMT-{number}"},
            cwd=Path(__file__).parent.parent,
            check=True,
        )
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    with zipfile.ZipFile(tmp_path / "1") as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_tables_of_years_wait_for_the_first_year(public, tmp_path):
    values = {cell: value for cell, value in public.values.items() if cell.period == "2022-01"}
    book = openpyxl.load_workbook(written(replace(public, values=values), tmp_path))
    assert "2 Nieuwe oproepers" in book.sheetnames
    assert not [name for name in book.sheetnames if "Oproepers per" in name]
    assert all(len(only_table(sheet)[0]) > 1 for sheet in book.worksheets[1:])


def test_a_helpline_in_another_language_gets_english(public, tmp_path):
    about = replace(public.about, language="fr")
    book = openpyxl.load_workbook(written(replace(public, about=about), tmp_path))
    assert book.sheetnames[:4] == ["Cover", "Contents", "Notes", "1 Conversations"]
    headings = [cell.value for cell in only_table(book["1 Conversations"])[0]]
    assert (headings[0], headings[-1]) == ("Month", "Marks of numbers")
