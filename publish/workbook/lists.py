"""The sheets around the tables: contents, notes and marks, definitions of the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from publish.public import Gap, Public
from publish.sections import Section
from publish.tables import Table
from publish.words import Words
from publish.workbook.sheets import WRAPPED, Cell, Sheet, lines_of, text_cell

BESIDE_THE_TABLES = ("notes", "definitions", "all_figures")


class Notes:
    """Numbers the notes of all tables in the order in which they occur, each text once."""

    def __init__(self, words: Words, tables: Iterable[Table]) -> None:
        self._words = words
        texts = dict.fromkeys(note for table in tables for note in table.notes)
        self._references = {
            text: words.text("note", number=number) for number, text in enumerate(texts, start=1)
        }

    def references(self, table: Table) -> str:
        """Name the notes of a table: `[note 1], [note 3]`."""
        return ", ".join(self._references[note] for note in self._references if note in table.notes)

    def items(self) -> Iterable[tuple[str, str]]:
        """Give each note's reference and text."""
        return ((reference, text) for text, reference in self._references.items())


def contents_sheet(found: Iterable[Section], names: Mapping[str, str], words: Words) -> Sheet:
    """List all sheets but the cover; `names` are those of the tables' sheets."""
    rows = [
        [
            text_cell(names[table.name], link=names[table.name]),
            text_cell(section.title, **WRAPPED),
            text_cell(table.title, **WRAPPED),
        ]
        for section in found
        for table in section.tables
    ]
    notes, *others = (_own_sheet(name, words) for name in BESIDE_THE_TABLES)
    return _list("contents", ["sheet", "subject", "table"], [notes, *rows, *others], words)


def notes_sheet(public: Public, notes: Notes, words: Words) -> Sheet:
    """List all marks, the notes of all tables, and the days without complete data."""
    meanings = words.group("meanings")
    texts = [(mark, meanings[name]) for name, mark in words.group("marks").items()]
    texts += [("0", meanings["zero"])]
    texts += [*notes.items(), *_gaps(public.gaps, words)]
    rows = [[text_cell(name), text_cell(text, **WRAPPED)] for name, text in texts]
    return _list("notes", ["reference", "meaning"], rows, words)


def definitions_sheet(public: Public, words: Words) -> Sheet:
    """List what every figure counts, in which unit, and of what it is a part."""
    rows = [
        [
            text_cell(words.figure(figure), **WRAPPED),
            text_cell(words.definition(figure), **WRAPPED),
            text_cell(words.unit(definition["unit"])),
            text_cell(words.base(definition["base"]) if definition["base"] else "", **WRAPPED),
        ]
        for figure, definition in public.definitions.items()
    ]
    return _list("definitions", ["figure", "definition", "unit", "base"], rows, words)


def back_to_contents(words: Words) -> tuple[str, str]:
    """Give the text that leads back to the contents, and their sheet."""
    return words["to_contents"], words.text("sheet.contents")


def _list(name: str, columns: Iterable[str], rows: list[list[Cell]], words: Words) -> Sheet:
    return Sheet(
        name=words.text(f"sheet.{name}"),
        title=words.text(f"heading.{name}"),
        table=name,
        about=lines_of(words.text(f"about.{name}")),
        reading=words["one_table"],
        headings=[words.text(f"column.{column}") for column in columns],
        rows=rows,
        back=None if name == "contents" else back_to_contents(words),
    )


def _own_sheet(name: str, words: Words) -> list[Cell]:
    sheet, heading = words.text(f"sheet.{name}"), words.text(f"heading.{name}")
    return [text_cell(sheet, link=sheet), text_cell(heading, **WRAPPED), text_cell("")]


def _gaps(gaps: Iterable[Gap], words: Words) -> Iterator[tuple[str, str]]:
    for gap in gaps:
        text = words.text(
            f"gap_{gap.log}",
            first=words.date(gap.starts_on),
            last=words.date(gap.ends_on),
            reason=gap.reason or words["gap_without_reason"],
        )
        yield words["gap"], text
