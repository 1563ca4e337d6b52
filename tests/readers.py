"""`python -m tests.readers <published>`: a reader who looks at `latest` until told to stop.

Each time it resolves the link once, and reads all it wants through that one path. When the link
leads elsewhere, and again from time to time, it verifies every file and every table against the
manifest, holds figures.csv against the tables of the database, and reads the start page to its end;
in between it reads the manifest. It stops when its standard input ends, and then prints what it saw
as JSON.
"""

from __future__ import annotations

import csv
import json
import select
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb

from publish.verify import MANIFEST, verify

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_BETWEEN_WHOLE_LOOKS = 20.0  # each costs a second that the tests beside it need
QUOTIENTS = ("figure", "period", "breakdown", "category", "numerator", "denominator")


def main(published: Path) -> None:
    """Look until standard input ends."""
    latest = published / "latest"
    reads: Counter[str] = Counter()
    wrong: list[str] = []
    seen, looked_at = "", -SECONDS_BETWEEN_WHOLE_LOOKS
    print("looking", flush=True)
    while not select.select([sys.stdin], [], [], SECONDS_BETWEEN_LOOKS)[0]:
        try:
            release = latest.resolve(strict=True)
        except FileNotFoundError:
            if reads:
                wrong.append("latest has gone")
            continue
        reads[release.name] += 1
        past = time.monotonic() - looked_at
        is_whole = release.name != seen or past > SECONDS_BETWEEN_WHOLE_LOOKS
        found = look(release) if is_whole else glance(release)
        wrong += [f"{release.name}: {one}" for one in found]
        if is_whole:
            seen, looked_at = release.name, time.monotonic()
    print(json.dumps({"reads": reads, "wrong": wrong}))


def glance(release: Path) -> Iterator[str]:
    """Say whether a release tells of another one."""
    manifest = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    if manifest["release"] != release.name:
        yield f"its manifest is that of {manifest['release']}"


def look(release: Path) -> Iterator[str]:
    """Say what does not fit together in a release."""
    yield from verify(release)
    yield from glance(release)
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
