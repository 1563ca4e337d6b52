"""Recording what a document published, and what the logs say otherwise."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from ingest.cells import read_decimal
from ingest.forms import STAYS_AS_IT_WAS
from ingest.helpline import RAW_COLUMNS, load_helpline
from ingest.problem import Problem
from ingest.tables import separator_of
from ingest.workspace import Workspace
from publish.disclosure.cells import Cell
from publish.ledger import Found, name
from publish.publications import CONFIDENTIAL, PUBLIC_FIGURES
from publish.rows import read_rows
from publish.verify import MANIFEST
from publish.write import FIGURES

PUBLISHED = "published.csv"
HEADER = RAW_COLUMNS["published"]
REVISIONS_HEADER = RAW_COLUMNS["revisions"]
NAMED = HEADER[2:6]


@dataclass(frozen=True)
class Recorded:
    """What was added to the ledger, and what it says other than the latest release.

    `revealed` are figures that public/ hides, although the document prints them.
    """

    added: int
    known: int
    contradictions: list[str]
    revealed: list[str]


def record(workspace: Workspace, table: Path, document: str, published_on: date) -> Recorded:
    """Add a document's figures to the helpline's published.csv, all of them or none.

    `table` is a CSV file with the columns figure, period, breakdown, category, and if wanted value
    and as_printed; a figure without a value gets the one that is public now. A figure that the
    document has in the ledger already, with the same value, is left alone. Raises Problem, by file
    and line, for what the ledger cannot take.
    """
    latest = workspace.published / "latest"
    ledger = workspace.helpline / PUBLISHED
    known = {row[:1] + row[2:7] for row in _rows(workspace.helpline, ledger)}
    public = _public_rows(latest)
    lines = {
        number: _ledger_line(line, number, table, public, document, published_on)
        for number, line in _read(table)
    }
    fresh = {number: line for number, line in lines.items() if line[:1] + line[2:7] not in known}
    if fresh:
        _append(workspace, ledger, fresh, table)
    contradictions = _contradictions(latest, lines.values())
    revealed = [
        name(Cell(*line[2:6]))
        for line in fresh.values()
        if line[6] and public.get(Cell(*line[2:6]), {}).get("conf_status") == CONFIDENTIAL
    ]
    return Recorded(len(fresh), len(lines) - len(fresh), contradictions, revealed)


def _read(table: Path) -> list[tuple[int, dict[str, str]]]:
    """Read the lines of a document's table, with their numbers."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Problem(f"There is no file {table}.") from None
    except UnicodeDecodeError:
        raise Problem(f"{table} is not UTF-8 text; save it as CSV in UTF-8.") from None
    separator = separator_of(text)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    missing = [name for name in NAMED if name not in (reader.fieldnames or ())]
    if missing:
        raise Problem(
            f"{table}:1: the header lacks {', '.join(missing)}; it has to name "
            f"{', '.join(NAMED)}, and may name value and as_printed."
        )
    lines = [
        (reader.line_num, {key: (cell or "").strip() for key, cell in line.items() if key})
        for line in reader
    ]
    if not lines:
        raise Problem(f"{table}:1: holds a header and no line; there is nothing to record.")
    return lines


def _ledger_line(
    line: dict[str, str],
    number: int,
    table: Path,
    public: Mapping[Cell, dict[str, str]],
    document: str,
    published_on: date,
) -> tuple[str, ...]:
    written, as_printed = line.get("value", ""), line.get("as_printed", "")
    value = _plain_decimal(written)
    if not value and not as_printed:
        cell = Cell(*(line[name] for name in NAMED))
        value = public.get(cell, {}).get("value", "")
        if not value:
            raise Problem(f"{table}:{number}: {name(cell)} {_why_no_value(public.get(cell))}")
    cells = (line[name] for name in NAMED)
    return (document, published_on.isoformat(), *cells, value, as_printed or written or value)


def _plain_decimal(value: str) -> str:
    """Write a value with a decimal point.

    What is no decimal number stays as it is, and 1,074, which may be thousands: both are refused.
    """
    try:
        return value if re.search(r",\d{3}$", value) else read_decimal(value)
    except ValueError:
        return value


def _why_no_value(row: dict[str, str] | None) -> str:
    """Say why a figure has no public value, and what to write."""
    if row and row["conf_status"] == CONFIDENTIAL:
        return (
            "is confidential: do not print it. If the document has printed it already, write the "
            "value; it is no secret any more then."
        )
    why = "is pending" if row and row["obs_status"] == "P" else "is not public"
    return (
        f"{why}, so that there is no value to take over. Write what the document prints, in value "
        "or, if that is no number, in as_printed."
    )


def _public_rows(latest: Path) -> dict[Cell, dict[str, str]]:
    path = latest / PUBLIC_FIGURES
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {Cell(*(row[name] for name in NAMED)): row for row in csv.DictReader(file)}


def _rows(helpline: Path, ledger: Path) -> list[tuple[str | None, ...]]:
    """Give the lines of the ledger as it is, if there is one."""
    return load_helpline(helpline).tables["published"] if ledger.is_file() else []


def _append(
    workspace: Workspace, ledger: Path, lines: dict[int, tuple[str, ...]], table: Path
) -> None:
    """Add lines to the ledger if the helpline's folder is sound with them; in one move."""
    there = ledger.read_text(encoding="utf-8-sig") if ledger.is_file() else as_csv([HEADER])
    if not there.endswith("\n"):
        there += "\n"
    separator = separator_of(there)
    rows = csv.reader(io.StringIO(there), delimiter=separator)
    width = len(next(row for row in rows if row and row[0][:1] != "#"))
    padding = ("",) * (width - len(HEADER))
    extended = there + as_csv((line + padding for line in lines.values()), separator)
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place) / workspace.helpline.name
        shutil.copytree(workspace.helpline, trial)
        (trial / PUBLISHED).write_text(extended, encoding="utf-8")
        try:
            load_helpline(trial)
        except Problem as problem:
            said = str(problem).replace(str(trial), str(workspace.helpline))
            added_after = len(there.splitlines())
            for added, number in enumerate(lines, start=1):
                said = said.replace(f"{PUBLISHED}:{added_after + added}:", f"{table}:{number}:")
                said = said.replace(f"line {added_after + added} already", f"line {number} too")
            said = re.sub(r"on line (\d+) already", rf"on line \1 of {PUBLISHED} already", said)
            raise Problem(f"Nothing was recorded. {said}") from None
    aside = ledger.with_name(f".{ledger.name}-{os.getpid()}")
    aside.write_text(extended, encoding="utf-8")
    os.replace(aside, ledger)


def _contradictions(latest: Path, lines: Iterable[tuple[str, ...]]) -> list[str]:
    """Say which of the recorded values are not those of the latest release, with both."""
    if not (latest / FIGURES).is_file():
        return []
    said = []
    for line in lines:
        cell, value = Cell(*line[2:6]), line[6]
        found = _find(latest, cell)
        if value and found and found.is_final and not found.agrees_with(value):
            said.append(f"{name(cell)}: {line[0]} has {value}, the logs give {found.value}")
    return said


def _find(latest: Path, cell: Cell) -> Found | None:
    for row in read_rows(latest / FIGURES, cell.figure, cell.period):
        if (row["breakdown"], row["category"]) == cell[2:]:
            numerator, denominator = row["numerator"], row["denominator"]
            exact = Fraction(int(numerator), int(denominator)) if numerator else None
            return Found(row["value"], exact, row["obs_status"])
    return None


def lines_to_decide(release: Path, reason: str, author: str, decided_on: date) -> str:
    """Write the lines for revisions.csv that would let the release's own values hold, as CSV text.

    One for each published figure that does not hold any more; one that has no final value now stays
    as it was. Reason and author are for a person to give. Raises Problem if there is no release.
    """
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Problem(f"There is no release in {release}.") from None
    decided: dict[Cell, str] = {}
    for one in manifest["public"]["contradictions"]:
        cell = Cell(*(one[part] for part in NAMED))
        decided.setdefault(cell, one["found"] or STAYS_AS_IT_WAS)
    lines = [
        (*cell, found, reason, author, decided_on.isoformat()) for cell, found in decided.items()
    ]
    return as_csv([REVISIONS_HEADER, *lines])


def as_csv(lines: Iterable[Iterable[str]], separator: str = ",") -> str:
    """Write lines as CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", delimiter=separator).writerows(lines)
    return text.getvalue()
