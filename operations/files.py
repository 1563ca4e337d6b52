"""Files that are there whole or not at all, for their owner only."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from ingest.disk import sync
from ingest.lock import make_private_folder
from ingest.problem import Problem, is_full

ASIDE = ".new-"


def write_json(path: Path, content: object) -> None:
    """Write a private JSON file aside, and put it in place once it is on the disk.

    Raises OSError if it cannot be written.
    """
    for folder in (path.parent.parent, path.parent):
        make_private_folder(folder)
    aside = path.with_name(f"{ASIDE}{path.name}-{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def read_json(path: Path) -> dict:
    """Read a JSON file; nothing if there is none, or if it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def explain(error: OSError, what: str, stays: str) -> Problem:
    """Say in plain words that something could not be written, and what stays as it was."""
    if is_full(str(error)):
        return Problem(f"There is no room left to write {what}. Make room, and try again: {stays}.")
    return Problem(
        f"{what[:1].upper()}{what[1:]} could not be written ({error.strerror or error}). The "
        f"folder has to belong to whoever runs this. Mend it, and try again: {stays}."
    )
