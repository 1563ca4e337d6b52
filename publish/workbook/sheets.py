"""Sheets of a workbook that hold one table each, in the form that gptables gives them.

The form is that of the good practice for official statistics in spreadsheets: title in the first
cell, one table, no merged cells, marks in place of what is not there, headings that are unique.
https://analysisfunction.civilservice.gov.uk/policy-store/releasing-statistics-in-spreadsheets/
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd
from gptables import GPTable, GPWorkbook
from gptables.core.gptable import FormatList
from gptables.core.wrappers import GPWorksheet
from xlsxwriter.utility import xl_pixel_width

from publish.public import Value
from publish.words import Words, marks_of

LONGEST_NAME = 31  # characters of a sheet's name, by the file format
LONGEST_LINE = 120  # characters above a table, where nothing wraps
WIDEST = 420  # pixels of a column whose texts wrap
ROW_HEIGHT = 20  # pixels of a line of text
# How much wider a text may be than in the font that widths are known of: bold, or another font.
WIDER = 1.15
PADDING = 16  # pixels
A4 = 9  # as the file format numbers paper
RIGHT = {"align": "right"}
WRAPPED = {"text_wrap": True}


@dataclass(frozen=True)
class Cell:
    """A cell: its content, and what of it people see, from which its column's width comes.

    `link` names the sheet that the text leads to.
    """

    content: str | int | float | None
    shown: str = ""
    format: dict = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet with one table.

    Between its title and the table stand what it is about, how to read it, the `legend` of its
    marks and notes, and `back`: a text, and the name of the sheet that it leads to.
    """

    name: str
    title: str
    table: str
    about: Sequence[str]
    reading: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    legend: Sequence[str] = ()
    back: tuple[str, str] | None = None


def text_cell(text: str, link: str = "", **properties: object) -> Cell:
    """Make a cell of a text; no text becomes a formula or a link."""
    return Cell(text, text, properties, link)


def value_cell(value: Value, words: Words, **properties: object) -> Cell:
    """Make a cell of a value: a number with its decimals, or the mark in its place."""
    properties = RIGHT | properties
    if value.number is None:
        mark = words.value(value)
        return Cell(mark or None, mark, properties)
    properties["num_format"] = number_format(value.decimals)
    return Cell(as_number(value), words.number(value.number, value.decimals), properties)


def as_number(value: Value) -> int | float:
    """Give a value's number as a spreadsheet holds it."""
    return float(value.number) if value.decimals else int(value.number)  # type: ignore[arg-type]


def number_format(decimals: int) -> str:
    """Give the format of numbers with so many decimals; the reader's program has its own signs."""
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def written_marks(value: Value, words: Words) -> str:
    """Write the marks of a value that has a number."""
    if value.number is None:
        return ""
    return " ".join(words.group("marks")[name] for name in marks_of(value))


def sheet_name(number: int, name: str) -> str:
    """Give a table's sheet a name that is unique by its number and has no forbidden sign.

    >>> sheet_name(12, "Unieke bezoekers: buiten de openingsuren")
    '12 Unieke bezoekers buiten de'
    """
    words = re.sub(r"[\[\]:*?/\\']", " ", f"{number} {name}").split()
    while len(" ".join(words)) > LONGEST_NAME and len(words) > 2:
        words.pop()
    return " ".join(words)[:LONGEST_NAME].strip()


def unique(headings: Iterable[str]) -> list[str]:
    """Give headings of which no two are the same, as a table of a spreadsheet needs them.

    >>> unique(["2021", "%", "%"])
    ['2021', '%', '% (2)']
    """
    found: dict[str, str] = {}
    for heading in headings:
        one, number = heading, 1
        while one.casefold() in found:
            number += 1
            one = f"{heading} ({number})"
        found[one.casefold()] = one
    return list(found.values())


def lines_of(text: str) -> list[str]:
    """Give the sentences of a text, as many on a line as fit: lines above a table never wrap.

    >>> lines_of("Kliks gedeeld door gesprekken, t.e.m. mei. In kliks. Basis: gesprekken.")
    ['Kliks gedeeld door gesprekken, t.e.m. mei. In kliks. Basis: gesprekken.']
    """
    lines: list[str] = []
    for sentence in re.split(r"(?<=\.)\s+(?=[^\W\d_a-z])", text.strip()):
        if lines and len(lines[-1]) + len(sentence) < LONGEST_LINE:
            lines[-1] += f" {sentence}"
        elif sentence:
            lines.append(sentence)
    return lines


def write_sheet(workbook: GPWorkbook, sheet: Sheet) -> None:
    """Add a sheet to the workbook, with its first column frozen and no text cut."""
    worksheet = workbook.add_worksheet(sheet.name)
    legend = [literal(line) for line in sheet.legend]
    if sheet.back:
        legend.append("[{}](internal:'{}'!A1)".format(*sheet.back))
    table = GPTable(
        pd.DataFrame(
            [[_content(cell) for cell in row] for row in sheet.rows],
            columns=[literal(heading) for heading in sheet.headings],
            dtype=object,
        ),
        sheet.table,
        literal(sheet.title),
        subtitles=[literal(line) for line in sheet.about],
        instructions=literal(sheet.reading),
        legend=legend,
        index_columns={2: 0},
        additional_formatting=list(_formats(sheet)),
    )
    with warnings.catch_warnings():
        # A line above the table says what an empty cell means.
        warnings.filterwarnings("ignore", message=r"\s*Empty or null cell found")
        # What pandas will do otherwise one day is for the authors of gptables to know.
        warnings.simplefilter("ignore", pd.errors.PandasChangeWarning)
        worksheet.write_gptable(table, auto_width=False)
    _set_sizes(worksheet, sheet, table.data_range[0])
    worksheet.freeze_panes(0, 1)
    print_on_one_width(worksheet)


def print_on_one_width(worksheet: GPWorksheet) -> None:
    """Let a sheet print on A4, as wide as one page."""
    worksheet.set_landscape()
    worksheet.set_paper(A4)
    worksheet.fit_to_pages(1, 0)


def literal(text: str) -> str:
    """Give a text in which gptables finds nothing of its own: no note (`$$1$$`), no link."""
    return re.sub(r"\$(?=\$)", "$ ", text).replace("](", "] (")


def _content(cell: Cell) -> object:
    if cell.link:
        return {literal(cell.shown): f"internal:'{cell.link}'!A1"}
    if isinstance(cell.content, str):
        # gptables refuses a text in which it sees no Latin letter, unless it comes with a format.
        return FormatList([{}, literal(cell.content)])
    return cell.content


def _formats(sheet: Sheet) -> Iterable[dict]:
    """Give the format of each cell; a heading stands where the cells below it stand."""
    for number, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row):
            if cell.format:
                yield {"cell": {"cells": (number, column), "format": cell.format}}
    for column, cell in enumerate(sheet.rows[0]):
        if place := {key: cell.format[key] for key in ("align", "indent") if key in cell.format}:
            yield {"cell": {"cells": (0, column), "format": place}}


def _set_sizes(worksheet: GPWorksheet, sheet: Sheet, first_row: int) -> None:
    """Set widths and heights: not every program makes room for wrapped text by itself."""
    columns = list(zip(*sheet.rows, strict=True))
    widths = [
        column_width(
            heading, (cell.shown for cell in cells), any("text_wrap" in c.format for c in cells)
        )
        for heading, cells in zip(sheet.headings, columns, strict=True)
    ]
    for column, width in enumerate(widths):
        worksheet.set_column_pixels(column, column, width)
    shown = [sheet.headings, *([cell.shown for cell in row] for row in sheet.rows)]
    for row, texts in enumerate(shown, start=first_row):
        lines = max(map(count_lines, texts, widths))
        if lines > 1:
            worksheet.set_row_pixels(row, lines * ROW_HEIGHT)


def column_width(heading: str, shown: Iterable[str], wraps: bool) -> int:
    """Give the width in pixels that shows a heading's longest word and the longest content."""
    longest = max(map(xl_pixel_width, {*shown, *heading.split()}), default=0)
    width = round(longest * WIDER) + PADDING
    return min(WIDEST, width) if wraps else width


def count_lines(text: str, width: int) -> int:
    """Count the lines that a text takes when it wraps in a column of a width in pixels."""
    count, left = 1, float(width)
    for word in text.split():
        needed = xl_pixel_width(f"{word} ") * WIDER
        if needed > left and left < width:
            count, left = count + 1, float(width)
        left -= needed
    return count
