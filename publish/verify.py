"""Is a release whole, and is it what its manifest says?"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb

from publish.contents import describe, literal, tables_of

MANIFEST = "manifest.json"
# When and how long is no part of what is compared.
RUN = "run.json"
DATABASE = "internal/analytics.duckdb"


def verify(release: Path) -> list[str]:
    """List in plain words what is wrong with a release folder: nothing if it is as it was made.

    Text files are compared byte for byte, the tables of the database by count and content.
    """
    try:
        files = json.loads((release / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return [f"{MANIFEST} is missing"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{MANIFEST} cannot be read"]
    there = {
        path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()
    } - {MANIFEST, RUN}
    wrong = [f"{name} is missing" for name in sorted(files.keys() - there)]
    wrong += [f"{name} does not belong to it" for name in sorted(there - files.keys())]
    for name in sorted(files.keys() & there):
        if "tables" in files[name]:
            wrong += _verify_tables(release / name, name, files[name]["tables"])
        elif sha256(release / name) != files[name]["sha256"]:
            wrong.append(f"{name} has changed")
    return wrong


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify_tables(path: Path, name: str, expected: dict[str, dict]) -> list[str]:
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach {literal(path)} as release (read_only)")
            found = describe(connection, tables_of(connection, "release"))
    except (duckdb.Error, OSError):
        return [f"{name} cannot be read"]
    return [
        f"the table {table} of {name} has changed"
        for table in sorted(expected.keys() | found.keys())
        if expected.get(table) != found.get(table)
    ]
