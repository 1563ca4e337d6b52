"""CSV tables that people write: read, and every cell checked, with the line that it stands on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.folder import Folder

SEMICOLONS = "separate them by commas, not by semicolons"

Cells = tuple[str | None, ...]
Row = dict[str, str | None]


@dataclass(frozen=True)
class Form:
    """What a file's lines have to be.

    `columns` are those that the header begins with, each with the function that reads its cells:
    text in, canonical text out (None is empty), ValueError for what is wrong. `checks` say what is
    wrong with a whole line, or None. `unique` columns together stand once. `nothing` says what it
    would mean if a file that is needed held no line; None for a file that may be absent.
    """

    file: str
    columns: dict[str, Callable[[str], str | None]]
    checks: tuple[Callable[[Row], str | None], ...] = ()
    unique: tuple[str, ...] = ()
    nothing: str | None = None


@dataclass
class Table:
    """The sound lines of a file: their cells in the order of the form's columns, and where."""

    rows: list[Cells] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_table(folder: Folder, form: Form) -> Table:
    """Read a table of a folder; what is wrong with it is noted there, its other lines are given."""
    table = Table()
    seen: dict[Cells, int] = {}
    for line, cells in _lines(folder, form):
        row = _row(folder, form, line, cells)
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
        table.rows.append(tuple(row[name] for name in form.columns))
        table.lines.append(line)
    if form.nothing and not table.rows and not folder.problems:
        folder.refuse(form.file, None, f"holds no line; {form.nothing}")
    return table


def _row(folder: Folder, form: Form, line: int, cells: list[str]) -> Row | None:
    row: Row = {}
    for (name, read), cell in zip(form.columns.items(), cells, strict=False):
        try:
            row[name] = read(cell)
        except ValueError as error:
            folder.refuse(form.file, line, f"{name} {error}")
    if len(row) < len(form.columns):
        return None
    found = [problem for check in form.checks if (problem := check(row))]
    for problem in found:
        folder.refuse(form.file, line, problem)
    return None if found else row


def _lines(folder: Folder, form: Form) -> list[tuple[int, list[str]]]:
    """Give the lines below the header, with their numbers; a line of `#` is a comment."""
    text = folder.text(form.file, is_required=form.nothing is not None)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    width = 0
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            cells = [cell.strip() for cell in cells]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not width:
                if not _is_header(folder, form, line, cells):
                    return []
                width = len(cells)
            elif len(cells) != width:
                folder.refuse(form.file, line, _wrong_width(cells, width))
            else:
                lines.append((line, cells))
    except csv.Error as error:
        folder.refuse(form.file, before + 1, f"is not CSV: {error}")
    if not width:
        folder.refuse(form.file, 1, f"the header is missing: {','.join(form.columns)}")
    return lines


def _is_header(folder: Folder, form: Form, line: int, cells: list[str]) -> bool:
    columns = list(form.columns)
    if cells[: len(columns)] == columns:
        return True
    remedy = f"; {SEMICOLONS}" if ";" in "".join(cells) else ""
    folder.refuse(form.file, line, f"the header has to begin with {','.join(columns)}{remedy}")
    return False


def _wrong_width(cells: list[str], width: int) -> str:
    remedy = "put a cell with a comma between double quotes"
    return f"has {len(cells)} cells, the header has {width}; " + (
        SEMICOLONS if ";" in "".join(cells) else remedy
    )
