"""`python -m tests.readers <published>`: a reader who looks at `latest` until told to stop.

Each time it resolves the link once, and reads all it wants through that one path: it verifies every
file and every table against the manifest, holds figures.csv against the tables of the database, and
what the site and `public/` say against the manifest. It stops when its standard input ends, and
then prints what it saw as JSON.
"""

from __future__ import annotations

import csv
import json
import select
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb

from publish.verify import MANIFEST, verify

SECONDS_BETWEEN_LOOKS = 2.0  # each look costs a second that the tests beside it need
QUOTIENTS = ("figure", "period", "breakdown", "category", "numerator", "denominator")


def main(published: Path) -> None:
    """Look until standard input ends."""
    latest = published / "latest"
    reads: Counter[str] = Counter()
    wrong: list[str] = []
    print("looking", flush=True)
    while not select.select([sys.stdin], [], [], SECONDS_BETWEEN_LOOKS)[0]:
        try:
            release = latest.resolve(strict=True)
        except FileNotFoundError:
            if reads:
                wrong.append("latest has gone")
            continue
        reads[release.name] += 1
        wrong += [f"{release.name}: {one}" for one in look(release)]
    print(json.dumps({"reads": reads, "wrong": wrong}))


def look(release: Path) -> Iterator[str]:
    """Say what does not fit together in a release."""
    yield from verify(release)
    manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    if manifest["release"] != release.name:
        yield f"its manifest is that of {manifest['release']}"
    with (release / "internal" / "figures.csv").open(encoding="utf-8", newline="") as file:
        listed = [tuple(row[name] for name in QUOTIENTS) for row in csv.DictReader(file)]
    database = release / "internal" / "analytics.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        columns = ", ".join(f"coalesce({name}::varchar, '')" for name in QUOTIENTS)
        stored = connection.execute(f"select {columns} from figures.figures").fetchall()
    if Counter(listed) != Counter(stored):
        yield "figures.csv and analytics.duckdb do not say the same"
    if not (release / "site" / "index.html").read_bytes().rstrip().endswith(b"</html>"):
        yield "its start page is cut off"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
