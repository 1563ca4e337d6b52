"""Cells of public CSV files that a spreadsheet would take for a formula.

Labels, reasons and codes come from a helpline's tables, where `=HYPERLINK(…)` is a text like any
other; in a file that readers open in a spreadsheet it would be carried out. Such a text gets an
apostrophe before it, which says that it is a text. Numbers stay as they are, negative ones too.
"""

from __future__ import annotations

import re

# What begins a formula, after apostrophes: a text with one of its own gets one more, so that
# taking one away gives every text back.
BEGINS = r"^'*[=+\-@\t\r]"
NUMBER = r"^-?\d+(\.\d+)?$"
_BEGINS, _NUMBER = re.compile(BEGINS), re.compile(NUMBER)


def as_text(cell: str) -> str:
    """Give a cell as it is written: a text that begins like a formula has an apostrophe first."""
    return f"'{cell}" if _BEGINS.match(cell) and not _NUMBER.fullmatch(cell) else cell


def as_meant(cell: str) -> str:
    """Give back what `as_text` was given."""
    is_marked = cell.startswith("'") and _BEGINS.match(cell)
    return cell[1:] if is_marked else cell


def as_text_in_sql(column: str) -> str:
    """Give the SQL that does the same as `as_text` to a column of texts, quoted already."""
    begins, number = BEGINS.replace("'", "''"), NUMBER
    return (
        f"if(regexp_matches({column}, '{begins}') and not regexp_matches({column}, '{number}'),"
        f" '''' || {column}, {column})"
    )
