"""What became of a figure: in documents, in `public/`, and in the releases one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from pathlib import Path

from ingest.problem import Problem
from publish.contradictions import tell_causes
from publish.disclosure.cells import Cell
from publish.explained import Explained, entry
from publish.ledger import Contradiction, Found
from publish.notes import database_removed_at, read_run
from publish.publications import CONFIDENTIAL, Row, read_publications
from publish.rows import read_rows
from publish.verify import MANIFEST
from publish.write import FIGURES

STATUS = {"A": "final", "P": "provisional", "O": "missing"}
WHY_HIDDEN = {
    "primary": "hidden, for it is small",
    "secondary": "hidden, to protect another cell",
    "derived": "hidden, for it is worked out from what is hidden",
}


def tell_published(explained: Explained) -> list[str]:
    """Tell what documents printed of a figure, what was revised, and what public/ showed of it."""
    said = sorted([*_documents(explained), *_revisions(explained)])
    lines = [line for day, text in said for line in entry(f"{day}", text)]
    return [
        *(lines or entry("", "No document published it.")),
        *_tell_contradictions(explained),
        *_tell_contents(explained),
    ]


def _documents(explained: Explained) -> list[tuple[date, str]]:
    return [
        (day, f"{document} printed “{as_printed}”{_compared(explained.found, value)}")
        for day, document, value, as_printed in explained.read(
            "helpline.published",
            """
            select published_on, document, value, as_printed
            from {table}
            where figure = ? and period = ? and breakdown = ? and category = ?
            """,
            *explained.cell,
        )
    ]


def _revisions(explained: Explained) -> list[tuple[date, str]]:
    return [
        (
            day,
            f"revised to {value} by {author}: {reason}{_compared(explained.found, value)}"
            if value
            else f"stays as it was, without a final value, says {author}: {reason}",
        )
        for day, value, author, reason in explained.read(
            "helpline.revisions",
            """
            select decided_on, value, author, reason
            from {table}
            where figure = ? and period = ? and breakdown = ? and category = ?
            """,
            *explained.cell,
        )
    ]


def _compared(found: Found, value: str) -> str:
    """Tell whether the release agrees with a published value."""
    if not value:
        return ", without a value"
    if found.exact is None:
        given = found.value or "no value"
        return f"; this release gives {given}"
    if found.agrees_with(value):
        return "; this release agrees"
    return f"; this release gives another value: {found.value}"


def _tell_contradictions(explained: Explained) -> list[str]:
    """Tell why public/ is held back, if it is for this cell."""
    lines = []
    for one in explained.manifest.get("public", {}).get("contradictions", []):
        if tuple(one[part] for part in Cell._fields) == explained.cell:
            held, found = one["revised"] or one["published"], one["found"] or "no final value"
            lines += entry(
                "held back",
                f"public/ stays as it was: {one['document']} gave {held}, the logs give {found}, "
                "and revisions.csv does not say why",
            )
            told = Contradiction(**one)
            for why in tell_causes([told]):
                lines += entry("", why)
    return lines


def _tell_contents(explained: Explained) -> list[str]:
    """Tell what public/ showed of the cell, from each content in which that changed."""
    publications = read_publications(explained.release)
    closed_through = {one.content: one.closed_through for one in publications.contents}
    changes = [(number, row) for number, row in publications.changes if row.cell == explained.cell]
    lines = []
    for number, row in changes:
        said = f"public/, closed through {closed_through[number]}: {_shown(row)}"
        lines += entry(f"content {number}", said)
    return lines or entry("", "It is not in public/.")


def _shown(row: Row) -> str:
    if row.value:
        return f"{row.value}, provisional" if row.is_provisional else row.value
    if row.conf_status == CONFIDENTIAL:
        return WHY_HIDDEN.get(row.hidden_because, "hidden")
    return "no value: missing" if row.obs_status == "O" else "no value: pending"


def tell_history(explained: Explained) -> list[str]:
    """Tell what the releases gave, oldest first; a stretch that gave the same is one line."""
    made = sorted(
        (read_run(folder).get("ended_at", ""), folder) for folder in _releases(explained.release)
    )
    lines = []
    for given, stretch in groupby(made, key=lambda one: _given(one[1], explained.cell)):
        alike = list(stretch)
        said = " to ".join(_release(*one) for one in dict.fromkeys((alike[0], alike[-1])))
        if len(alike) > 1:
            said += f": {len(alike)} releases"
        if len(made) > 1 and explained.release in [folder for _, folder in alike]:
            said += " (this one among them)" if len(alike) > 1 else " (this one)"
        lines += entry(given, said)
    return lines


def _release(ended_at: str, folder: Path) -> str:
    when = f"{ended_at[:16].replace('T', ' ')} UTC" if ended_at else "at an unknown time"
    removed = ", its database removed since" if database_removed_at(folder) else ""
    return f"{folder.name} ({when}{removed})"


def _releases(release: Path) -> Iterable[Path]:
    """List the folders of the releases beside a release, and its own."""
    beside = {folder.parent for folder in release.parent.glob(f"*/{MANIFEST}")}
    return {folder for folder in beside if not folder.name.startswith(".")} | {release}


def _given(release: Path, cell: Cell) -> str:
    """Tell the value and the status of a cell in a release."""
    try:
        rows = read_rows(release / FIGURES, cell.figure, cell.period)
    except Problem:
        return "unreadable"
    for row in rows:
        if (row["breakdown"], row["category"]) == cell[2:]:
            return f"{row['value'] or '–'} {STATUS.get(row['obs_status'], row['obs_status'])}"
    return "no row"
