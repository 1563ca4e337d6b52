"""CSV tables that people write: read, and every cell checked, with the line that it stands on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.cells import DECIMAL_COMMA, name_leniency
from ingest.folder import Folder

NAMES = {",": "commas", ";": "semicolons"}
# What is no line of a table: a comment, and what Excel writes of the separator.
NO_LINE = ("#", "sep=")

Cells = tuple[str | None, ...]
Row = dict[str, str | None]


@dataclass(frozen=True)
class Form:
    """What a file's lines have to be.

    `columns` are those that the header begins with, each with the function that reads its cells:
    text in, canonical text out (None is empty), ValueError for what is wrong. `optional_columns`
    may stand behind them, in any order, or be absent: their cells are empty then. `checks` say what
    is wrong with a whole line, or None. `unique` columns together stand once. `nothing` says what
    it would mean if a file that is needed held no line; None for a file that may be absent. A line
    with an unfit cell still goes through those checks that do without it.
    """

    file: str
    columns: dict[str, Callable[[str], str | None]]
    checks: tuple[Callable[[Row], str | None], ...] = ()
    unique: tuple[str, ...] = ()
    nothing: str | None = None
    optional_columns: dict[str, Callable[[str], str | None]] = field(default_factory=dict)

    @property
    def all_columns(self) -> dict[str, Callable[[str], str | None]]:
        """All columns that a line is read into, in the order of its cells."""
        return self.columns | self.optional_columns


@dataclass
class Table:
    """The sound lines of a file: their cells in the order of the form's columns, and where."""

    rows: list[Cells] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_table(folder: Folder, form: Form) -> Table:
    """Read a table of a folder; what is wrong with it is noted there, its other lines are given."""
    table = Table()
    text = folder.text(form.file, is_required=form.nothing is not None)
    if text is None:
        return table
    separator = separator_of(text)
    if separator == ";":
        folder.note_reading(form.file, "separated by semicolons")
    seen: dict[Cells, int] = {}
    for line, cells in _lines(folder, form, text, separator):
        row = _row(folder, form, line, cells, separator)
        if row is None:
            continue
        same = tuple(row[name] for name in form.unique)
        if same and same in seen:
            what = " ".join(part for part in same if part)
            folder.refuse(
                form.file, line, f"{what} stands on line {seen[same]} already; remove one"
            )
            continue
        seen[same] = line
        table.rows.append(tuple(row[name] for name in form.all_columns))
        table.lines.append(line)
    if form.nothing and not table.rows and folder.is_sound(form.file):
        folder.refuse(form.file, None, f"holds no line; {form.nothing}")
    return table


def separator_of(text: str) -> str:
    """Tell by a table's header what its cells are separated by: "," or ";"."""
    lines = (line.strip() for line in text.splitlines())
    header = next((line for line in lines if line.strip('",;') and not _is_no_line(line)), "")
    return ";" if header.count(";") > header.count(",") else ","


def _is_no_line(start: str) -> bool:
    return start.lstrip('"').startswith(NO_LINE)


def _row(folder: Folder, form: Form, line: int, cells: list[str], separator: str) -> Row | None:
    row: Row = {}
    for (name, read), cell in zip(form.all_columns.items(), cells, strict=True):
        try:
            row[name] = read(cell)
            if row[name] != cell:
                _note_leniency(folder, form, line, cell, row[name], separator)
        except ValueError as error:
            folder.refuse(form.file, line, f"{name} {error}")
    found = list(_checked(form, row))
    for problem in found:
        folder.refuse(form.file, line, problem)
    return row if len(row) == len(form.all_columns) and not found else None


def _note_leniency(
    folder: Folder, form: Form, line: int, cell: str, canonical: str | None, separator: str
) -> None:
    """Note how a cell was read. Raises ValueError if it could as well be read otherwise."""
    names = name_leniency(cell)
    if not names or canonical is None:
        return
    number = re.fullmatch(DECIMAL_COMMA, cell)
    if number and separator == "," and len(number[2]) == 3:
        raise ValueError(
            f"{cell!r} may be {canonical} or {cell.replace(',', '')}; write it without a comma"
        )
    shown = f"{canonical} UTC" if " " in canonical else canonical
    folder.note_cell(form.file, line, names, cell, shown)


def _checked(form: Form, row: Row) -> Iterator[str]:
    """Give what is wrong with a line as a whole, as far as its sound cells tell."""
    for check in form.checks:
        try:
            problem = check(row)
        except KeyError:
            if len(row) == len(form.all_columns):
                raise
            continue  # the check needs a cell that is unfit, and was refused
        if problem:
            yield problem


def _lines(folder: Folder, form: Form, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Give the lines below the header, with their numbers: the cells of the form's columns.

    A line of `#` is a comment.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    lines: list[tuple[int, list[str]]] = []
    places: list[int | None] = []
    width = 0
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            cells = [cell.strip() for cell in cells]
            if not any(cells) or _is_no_line(cells[0]):
                continue
            if not width:
                width = len(cells)
                places = _places(folder, form, line, cells)
                if not places:
                    return []
                places += [
                    cells.index(name) if name in cells else None for name in form.optional_columns
                ]
            elif len(cells) != width:
                folder.refuse(form.file, line, _wrong_width(cells, width, separator))
            else:
                lines.append((line, ["" if place is None else cells[place] for place in places]))
    except csv.Error as error:
        folder.refuse(form.file, before + 1, f"is not CSV: {error}")
    if not width:
        folder.refuse(form.file, 1, f"the header is missing: {','.join(form.columns)}")
    return lines


def _places(folder: Folder, form: Form, line: int, header: list[str]) -> list[int]:
    """Give the places of the form's columns in a header, which has to begin with them.

    One that does not is refused. If it can be told what is meant, the lines below are checked all
    the same; if not, there are no places.
    """
    columns = list(form.columns)
    if header[: len(columns)] == columns:
        return list(range(len(columns)))
    folder.refuse(form.file, line, f"the header has to begin with {','.join(columns)}")
    named = [header.index(name) if name in header else None for name in columns]
    free = (place for place in range(len(header)) if place not in named)
    places = [next(free, None) if place is None else place for place in named]
    is_told = named.count(None) * 2 < len(columns) and None not in places
    return [place for place in places if place is not None] if is_told else []


def _wrong_width(cells: list[str], width: int, separator: str) -> str:
    said = f"has {len(cells)} cells, the header has {width}"
    [other] = NAMES.keys() - {separator}
    if len(cells) == 1 and other in cells[0]:
        return f"{said}; separate them by {NAMES[separator]} as the header does, not {NAMES[other]}"
    name = NAMES[separator][:-1]
    return f"{said}; put a cell with a {name} between double quotes"
