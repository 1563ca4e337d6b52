"""Is a release whole, and is it what its manifest says?"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import duckdb

from publish.contents import describe, literal, tables_of
from publish.notes import RUN, database_removed_at

MANIFEST = "manifest.json"
DATABASE = "internal/analytics.duckdb"


def verify(release: Path) -> list[str]:
    """List in plain words what is wrong with a release folder: nothing if it is as it was made.

    Text files are compared byte for byte, the tables of the database by count and content. No file
    or folder may be a link, and all have to be readable. That the database of an old release was
    removed (`operations.aging`) is no damage. When and how long it took to make is no part of what
    is compared.
    """
    try:
        files = json.loads((release / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return [f"{MANIFEST} is missing"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{MANIFEST} cannot be read"]
    there, wrong = _look_into(release)
    there -= {MANIFEST, RUN}
    removed = {DATABASE} if is_without_database(release) else set()
    wrong += [f"{name} is missing" for name in sorted(files.keys() - there - removed)]
    wrong += [f"{name} does not belong to it" for name in sorted(there - files.keys())]
    for name in sorted(files.keys() & there):
        if "tables" in files[name] and (release / name).is_file():
            wrong += _verify_tables(release / name, name, files[name]["tables"])
        else:
            wrong += _verify_bytes(release / name, name, files[name]["sha256"])
    return wrong


def _look_into(release: Path) -> tuple[set[str], list[str]]:
    """Name the files of a release, and what is in it that no release holds.

    That is links, whatever they lead to: what they show can change without the release; pipes and
    devices; and folders that are closed to whoever verifies.
    """
    root = release.resolve()
    there, wrong = set(), []

    def note(error: OSError) -> None:
        folder = Path(error.filename).relative_to(root).as_posix()
        wrong.append(f"the folder {folder} cannot be read ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=note):
        for path in (Path(folder, name) for name in sorted((*folders, *files))):
            name = path.relative_to(root).as_posix()
            try:
                mode = path.lstat().st_mode
            except OSError as error:
                wrong.append(f"{name} cannot be read ({error.strerror})")
                continue
            if stat.S_ISLNK(mode):
                wrong.append(f"{name} is a link")
            elif not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                wrong.append(f"{name} is neither file nor folder")
            if not stat.S_ISDIR(mode):
                there.add(name)
    return there, wrong


def _verify_bytes(path: Path, name: str, expected: str) -> list[str]:
    """Compare a file with its hash; what is no file was told of already, and is not opened."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return []
        return [] if sha256(path) == expected else [f"{name} has changed"]
    except OSError as error:
        return [f"{name} cannot be read ({error.strerror})"]


def is_without_database(release: Path) -> bool:
    """Tell whether a release is an old one whose database was removed, as run.json says."""
    return database_removed_at(release) is not None and not (release / DATABASE).exists()


def say_without_database(release: Path) -> str:
    """Say in plain words that the database of an old release was removed, and when."""
    removed_at = database_removed_at(release)
    return (
        f"The database of the release {release.resolve().name} was removed on "
        f"{removed_at:%Y-%m-%d}: only the last releases keep theirs (CHATCIJFERS_KEEP_RELEASES). "
        "Its figures, and all that was public, are still in its folder; ask a later release."
    )


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
