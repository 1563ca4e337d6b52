"""A table of the report as a sheet: numbers stay numbers, their marks stand beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from publish.public import State
from publish.sections import Section
from publish.tables import Column, Line, Table
from publish.words import Words
from publish.workbook.lists import Notes, back_to_contents
from publish.workbook.sheets import (
    WRAPPED,
    Sheet,
    lines_of,
    text_cell,
    unique,
    value_cell,
    written_marks,
)

TOTAL = {"bold": True, "top": 1}


def table_sheet(section: Section, table: Table, name: str, notes: Notes, words: Words) -> Sheet:
    """Lay a table out; units of rows and marks of numbers get columns of their own."""
    columns = [_heading(column) for column in table.columns]
    marks = [_marks(line, columns, words) for line in table.lines]
    has_units = any(line.unit for line in table.lines)
    headings = [
        table.stub,
        *([words.text("column.unit")] if has_units else []),
        *columns,
        *([words.text("column.marks")] if any(marks) else []),
    ]
    rows = [
        [
            text_cell(line.label, **WRAPPED, **_look(line)),
            *([text_cell(line.unit, **_look(line))] if has_units else []),
            *(value_cell(value, words, **_look(line)) for value in line.values),
            *([text_cell(mark, indent=1, **WRAPPED, **_look(line))] if any(marks) else []),
        ]
        for line, mark in zip(table.lines, marks, strict=True)
    ]
    return Sheet(
        name=name,
        title=table.title,
        table=table.name,
        about=[*lines_of(table.subtitle), *lines_of(section.lead)],
        reading=" ".join(_reading(table, words)),
        headings=unique(headings),
        rows=rows,
        legend=list(_legend(table, notes, words)),
        back=back_to_contents(words),
    )


def _reading(table: Table, words: Words) -> Iterator[str]:
    """Say how to read the table, whatever is in it."""
    yield words["one_table"]
    if any(line.unit for line in table.lines):
        yield words["several_units"]
    if any(value.state is State.ABSENT for value in table.values()):
        yield words["empty_cells"]
    if any(written_marks(value, words) for value in table.values()):
        yield words["marks_of_numbers"]


def _legend(table: Table, notes: Notes, words: Words) -> Iterator[str]:
    """Say what the table's marks mean and where its notes are."""
    for mark, meaning in table.marks:
        yield words.text("mark", mark=mark, meaning=meaning)
    if references := notes.references(table):
        yield words.text("notes_of_table", sheet=words.text("sheet.notes"), notes=references)


def _heading(column: Column) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    return ", ".join(part for part in (column.group, column.label) if part) + unit


def _marks(line: Line, headings: Sequence[str], words: Words) -> str:
    """Write the marks of a line's numbers, each behind the heading of its column."""
    marked = zip(headings, (written_marks(value, words) for value in line.values), strict=True)
    return "; ".join(f"{heading}: {marks}" for heading, marks in marked if marks)


def _look(line: Line) -> dict[str, object]:
    return TOTAL if line.is_total else {}
