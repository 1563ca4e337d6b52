"""What was ever public: every content that `public/` had, as each release hands it on to the next.

A content is made when a month closes, and carried forward byte for byte in between. What a reader
was shown once cannot be taken back, so the whole history goes into the next disclosure control and
into its audit. `internal/publications.csv` holds it as changes: the rows of a content that the
content before did not have.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import duckdb

from ingest.problem import Problem
from publish.disclosure.cells import Cell, Publication
from publish.formulas import as_text
from publish.place import UNFINISHED
from publish.verify import MANIFEST, sha256

PUBLICATIONS = "internal/publications.csv"
PUBLIC = "public"
PUBLIC_FIGURES = "public/figures.csv"

LONGEST_LINE = 4096  # bytes

FREE = "F"
CONFIDENTIAL = "C"
SECONDARY = "D"
NOT_YET = "N"
PENDING = "P"  # of the observation statuses


class LostHistoryError(Problem):
    """What a release says of the history cannot be read; `release` is its folder or link."""

    def __init__(self, release: Path, message: str) -> None:
        super().__init__(message)
        self.release = release


class Row(NamedTuple):
    """One row of a public content, as text; `hidden_because` stays internal.

    `conf_status` is SDMX's: F free, C confidential, N not for publication (yet). `hidden_because`
    is `primary`, `secondary`, `derived` or empty.
    """

    figure: str
    period: str
    breakdown: str
    category: str
    value: str
    unit: str
    base: str
    obs_status: str
    conf_status: str
    break_reason: str
    decimals: str
    version: str
    hidden_because: str = ""

    @property
    def cell(self) -> Cell:
        """The cell that the row is about."""
        return Cell(*self[:4])

    @property
    def is_shown(self) -> bool:
        """Whether a reader sees a final value here."""
        return self.value != "" and self.obs_status != PENDING

    @property
    def is_provisional(self) -> bool:
        """Whether a reader sees a value here that can still change."""
        return self.value != "" and self.obs_status == PENDING


# As columns are called in files and tables.
COLUMNS = tuple("break" if name == "break_reason" else name for name in Row._fields)
PUBLIC_COLUMNS = COLUMNS[:-1]


@dataclass(frozen=True)
class Content:
    """One content of `public/`: what made it, and how its protection came about.

    `closed_through` is the last closed month; `gap` the relative gap that the solver left (0 is
    proven optimal), `nodes` its branch-and-bound nodes, `loss` the weights of all that was hidden
    beyond the small counts. `waiting` names the years whose revision waits for the next yearly
    closing.
    """

    content: int
    closed_through: str
    rows: int
    primary: int
    secondary: int
    derived: int
    loss: float
    gap: float
    nodes: int
    waiting: str = ""


@dataclass(frozen=True)
class Publications:
    """All contents so far, oldest first, and the rows in which each differs from the one before."""

    contents: tuple[Content, ...] = ()
    changes: tuple[tuple[int, Row], ...] = ()

    @property
    def latest(self) -> Content | None:
        """The content that is public now."""
        return self.contents[-1] if self.contents else None

    def rows(self, content: int | None = None) -> dict[Cell, Row]:
        """Give the rows of a content (by default the latest) by their cell, sorted."""
        last = content if content is not None else len(self.contents)
        rows = {row.cell: row for number, row in self.changes if number <= last}
        return dict(sorted(rows.items()))

    def all_rows(self) -> list[dict[Cell, Row]]:
        """Give the rows of every content, oldest first."""
        return [self.rows(content.content) for content in self.contents]

    def digest(self, content: int | None = None) -> str:
        """Hash all that readers have seen through a content (by default the last): SHA-256, hex."""
        last = content if content is not None else len(self.contents)
        digest = hashlib.sha256()
        for number, row in self.changes:
            if number <= last:
                digest.update(json.dumps([number, *row], ensure_ascii=False).encode())
        return digest.hexdigest()

    def followed_by(self, content: Content, rows: Mapping[Cell, Row]) -> Publications:
        """Give the history with one more content, which has these rows and what it keeps."""
        before = self.rows()
        changes = [
            (content.content, row) for cell, row in sorted(rows.items()) if before.get(cell) != row
        ]
        return Publications((*self.contents, content), (*self.changes, *changes))


def read_history(published: Path) -> Publications:
    """Read what the releases say that readers have seen so far, from the one that knows most of it.

    There is no history before the first release. Raises LostHistoryError if a release's history
    cannot be read: to go on without it would forget what readers have seen. Whether a release is
    wanting, `publish.seen.read_seen` knows.
    """
    newest = find_newest(published)
    latest = published / "latest"
    if newest and latest.is_symlink() and not _is(newest, latest):
        read_publications(latest)
    return read_publications(newest) if newest else Publications()


def find_newest(published: Path) -> Path | None:
    """Find the release that knows most of what readers have seen.

    That is the latest one, unless somebody has pointed `latest` at an older release. Raises
    LostHistoryError if `latest` is no release, or if it cannot be seen what a release knows.
    """
    latest = published / "latest"
    releases = [
        path
        for path in sorted((published / "releases").glob("*"))
        if path.is_dir() and not path.name.startswith((UNFINISHED, "."))
    ]
    if (latest.is_symlink() or latest.exists()) and not (latest / MANIFEST).is_file():
        raise _damaged(latest, MANIFEST)
    known = [(_last_content(release), _is(release, latest), release) for release in releases]
    return max(known)[-1] if known else None


def _is(release: Path, link: Path) -> bool:
    return release.resolve() == link.resolve()


def _last_content(release: Path) -> int:
    """Give the number of the last content in a release's history, from its last line.

    0 if the history has none. Raises Problem if its end cannot be read, or if it has no end and
    should have one.
    """
    if not (release / MANIFEST).is_file():
        raise _damaged(release, MANIFEST)
    try:
        with (release / PUBLICATIONS).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - LONGEST_LINE))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
        return int(last.partition(b",")[0])
    except (OSError, ValueError):
        return len(read_publications(release).contents)


def read_publications(release: Path) -> Publications:
    """Read the history that a release hands on.

    Raises Problem if the release's history is not what its manifest says.
    """
    try:
        manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
        public = manifest.get("public")
        expected = manifest["files"].get(PUBLICATIONS, {}).get("sha256")
    except (OSError, ValueError, KeyError, AttributeError):
        raise _damaged(release, MANIFEST) from None
    path = release / PUBLICATIONS
    if public is None and not path.exists():
        return Publications()  # made before there was disclosure control: nothing was public
    if public is None or not path.is_file() or sha256(path) != expected:
        raise _damaged(release, PUBLICATIONS)
    contents = tuple(Content(**content) for content in public["contents"])
    with path.open(encoding="utf-8", newline="") as file:
        changes = tuple(
            (int(line["content"]), Row(*(line[name] for name in COLUMNS)))
            for line in csv.DictReader(file)
        )
    history = Publications(contents, changes)
    noted = public.get("history")  # not by releases that were made before it was noted
    if noted and (noted["contents"], noted["sha256"]) != (len(contents), history.digest()):
        raise _damaged(release, MANIFEST)
    return history


def read_proposed(connection: duckdb.DuckDBPyConnection) -> Publications:
    """Read the history that disclosure control left in the warehouse, with what it proposes."""
    contents = connection.execute("from disclosure.contents order by content").fetchall()
    changes = connection.execute(
        """
        from disclosure.publications
        order by content, figure, period, breakdown, category
        """
    ).fetchall()
    return Publications(
        tuple(Content(*content) for content in contents),
        tuple((content, Row(*row)) for content, *row in changes),
    )


def remedy(published: Path) -> str:
    """Say what mends a history that is lost or changed, as commands for this state folder."""
    data = quote(str(published.parent))
    return (
        f"Restore the last backup (`make restore DATA={data}`), or put the release back that is "
        "wanting or changed, and run again. Only if what readers have does not count: "
        f"`.venv/bin/python -m publish forget --data {data} --reason WHY --author WHO` takes what "
        "is left for all that there was."
    )


def _damaged(release: Path, name: str) -> LostHistoryError:
    is_latest = release.name == "latest"
    return LostHistoryError(
        release,
        f"{release.resolve() / name} is not what it was when it was published, and it says which "
        "figures readers have seen already. "
        f"{remedy(release.parent if is_latest else release.parent.parent)}",
    )


def write_publications(publications: Publications, path: Path) -> None:
    """Write the history as a CSV file: content number, then the columns of a row."""
    lines = ((str(content), *row) for content, row in publications.changes)
    write_csv(path, ("content", *COLUMNS), lines)


def write_public_figures(rows: Iterable[Row], path: Path) -> None:
    """Write public/figures.csv: what a reader gets of each row."""
    lines = (map(as_text, row[: len(PUBLIC_COLUMNS)]) for row in rows)
    write_csv(path, PUBLIC_COLUMNS, lines)


def write_csv(path: Path, header: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    """Write a CSV file with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def as_publication(name: str, rows: Iterable[Row]) -> Publication:
    """Give what a reader has of a content's rows."""
    rows = list(rows)
    return Publication(
        name,
        shown={row.cell: Decimal(row.value) for row in rows if row.is_shown},
        hidden=frozenset(row.cell for row in rows if row.conf_status == CONFIDENTIAL),
        pending=frozenset(row.cell for row in rows if row.obs_status == PENDING),
    )


def as_publications(publications: Publications) -> list[Publication]:
    """Give what a reader has of every content, oldest first."""
    return [
        as_publication(f"content {number}", rows.values())
        for number, rows in enumerate(publications.all_rows(), start=1)
    ]


def closes_a_year(before: Publications, closed_through: str) -> bool:
    """Tell whether a content that is closed through a month closes a year, other than those before.

    At such a closing revisions come together that would give a person away one by one.
    """
    if before.latest is None:
        return True
    last_december = f"{int(closed_through[:4]) - (closed_through[5:] < '12')}-12"
    return last_december > before.latest.closed_through


def as_dicts(contents: Iterable[Content]) -> list[dict]:
    """Give contents as the manifest of a release holds them."""
    return [asdict(content) for content in contents]
