"""Writes figures.xlsx: a cover, contents, notes, a sheet for each table, and all figures."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gptables import GPWorkbook, Theme

from publish import sections
from publish.public import Public
from publish.sections import Section
from publish.words import Words
from publish.workbook.figures import write_all_figures
from publish.workbook.lists import Notes, contents_sheet, definitions_sheet, notes_sheet
from publish.workbook.sheets import (
    ROW_HEIGHT,
    count_lines,
    print_on_one_width,
    sheet_name,
    write_sheet,
)
from publish.workbook.tables import table_sheet

TEXTS = Path(__file__).with_name("words.toml")
THEME = Path(__file__).with_name("theme.yaml")
# A text stays a text, whatever it begins with.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
COVER_WIDTH = 720  # pixels


def write_workbook(public: Public, path: Path) -> None:
    """Write the public figures as a workbook; the same figures give the same bytes.

    Raises xlsxwriter's FileCreateError if the file cannot be written.
    """
    words = Words(public.about.language, public, sections.TEXTS, TEXTS)
    found = _with_values(sections.sections(public, words))
    tables = [table for section in found for table in section.tables]
    short = words.group("tables")
    names = {
        table.name: sheet_name(number, short.get(table.name, table.title))
        for number, table in enumerate(tables, start=1)
    }
    notes = Notes(words, tables)
    workbook = GPWorkbook(str(path), options=OPTIONS)
    workbook.set_theme(Theme(str(THEME)))
    _write_properties(workbook, public, words)
    _write_cover(workbook, public, words)
    write_sheet(workbook, contents_sheet(found, names, words))
    write_sheet(workbook, notes_sheet(public, notes, words))
    for section in found:
        for table in section.tables:
            write_sheet(workbook, table_sheet(section, table, names[table.name], notes, words))
    write_sheet(workbook, definitions_sheet(public, words))
    write_all_figures(workbook, public, words)
    workbook.close()


def _with_values(found: Iterable[Section]) -> list[Section]:
    """Leave out tables of years as long as no year is closed: they have no column yet."""
    return [
        replace(section, tables=tuple(one for one in section.tables if one.columns and one.lines))
        for section in found
    ]


def _write_properties(workbook: GPWorkbook, public: Public, words: Words) -> None:
    """Write the document's properties; its date is the last day of the figures, not of today."""
    year, month = map(int, public.about.closed_through.split("-"))
    workbook.set_properties(
        {
            "title": words.text("through_date", **_fields(public, words)),
            "subject": words["subject"],
            "author": public.about.helpline,
            "created": datetime(year, month, monthrange(year, month)[1]),
        }
    )
    workbook.set_custom_property("Language", words.language)


def _write_cover(workbook: GPWorkbook, public: Public, words: Words) -> None:
    """Write the cover in one column; gptables' own cover has English headings."""
    sheet = workbook.add_worksheet(words.text("sheet.cover"))
    sheet.set_column_pixels(0, 0, COVER_WIDTH)
    print_on_one_width(sheet)
    fields = _fields(public, words)
    theme = workbook.theme
    lines = [(theme.cover_title_format, words.text("through_date", **fields))]
    for key, text in words.group("cover").items():
        is_heading = "_" not in key
        look = theme.cover_subtitle_format if is_heading else theme.cover_text_format
        lines.append((look, text.format(**fields)))
    for row, (look, text) in enumerate(lines):
        size = look["font_size"] / theme.cover_text_format["font_size"]
        height = count_lines(text, round(COVER_WIDTH / size)) * ROW_HEIGHT * size
        sheet.set_row_pixels(row, round(height))
        sheet.write_string(row, 0, text, workbook.add_format(look))


def _fields(public: Public, words: Words) -> dict[str, object]:
    about = public.about
    return {
        "helpline": about.helpline,
        "through": words.period(about.closed_through),
        "timezone": about.timezone,
        "gap": about.attempt_gap_minutes,
        "settling": about.settling_days,
        "largest": about.small_count_threshold - 1,
        "contents": words.text("sheet.contents"),
        "notes": words.text("sheet.notes"),
        "confidential": words.text("marks.confidential"),
    }
