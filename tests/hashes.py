"""The search for the hashes of delivered files, whole or how they begin, in what others may read.

Whoever guesses what a file holds, an event of one visitor say, can make sure with its hash.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

SHOWN = 8  # hex digits by which somebody could tell a file from others
# Enough of a hash not to be found by chance in the middle of something else.
TELLING = 12
WORD = re.compile(rb"(?<![0-9a-f])[0-9a-f]{8,64}(?![0-9a-f])")


def hashes_of(logs: Path) -> set[bytes]:
    """Give the SHA-256, in hex, of all files in a folder, and of their texts if compressed."""
    found = set()
    for path in sorted(logs.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found.add(content)
            if path.suffix == ".gz":
                try:
                    found.add(gzip.decompress(content))
                except (EOFError, OSError):
                    continue
    return {hashlib.sha256(content).hexdigest().encode() for content in found}


def find_hashes(hashes: Iterable[bytes], path: Path) -> set[bytes]:
    """Find hashes in a file: in all columns of a database, in the parts of a packed file."""
    return {one for text in texts_of(path) for one in hashes_in(hashes, text)}


def hashes_in(hashes: Iterable[bytes], text: bytes) -> set[bytes]:
    """Find hashes, or words with which one begins, in a text."""
    words = {word[:SHOWN] for word in WORD.findall(text.lower())}
    return {one for one in hashes if one[:SHOWN] in words or one[:TELLING] in text}


def texts_of(path: Path) -> Iterator[bytes]:
    """Give what a file holds as text: as it is, and what only its own software would show."""
    yield path.read_bytes()
    if path.suffix == ".duckdb":
        yield from _columns_of(path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            yield from (packed.read(name) for name in packed.namelist())


def _columns_of(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where not internal order by all"
        ).fetchall()
        for schema, table, column in columns:
            rows = connection.execute(
                f'select distinct "{column}"::varchar from "{schema}"."{table}"'
            ).fetchall()
            yield "\n".join(text for (text,) in rows if text).encode()
