"""Daily files on disk."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from pathlib import Path

UNFINISHED = ".unfinished"


def write_files(folder: Path, contents: Mapping[str, bytes]) -> int:
    """Put files into a folder, gzipped, and return how many had to be written.

    A file that is there with the same bytes is left alone; another is replaced as a whole, so that
    a run after an interrupted one puts right what is missing and touches nothing else.

    Raises:
        OSError: the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(f"*{UNFINISHED}"):
        left_over.unlink()
    written = 0
    for name, content in contents.items():
        compressed = gzip.compress(content, compresslevel=6, mtime=0)
        path = folder / name
        if path.exists() and path.read_bytes() == compressed:
            continue
        unfinished = path.with_name(path.name + UNFINISHED)
        unfinished.write_bytes(compressed)
        os.replace(unfinished, path)
        written += 1
    return written
