"""What is noted of a release after it was made: in run.json, outside of every comparison."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from publish.place import UNFINISHED

RUN = "run.json"
MADE = "ended_at"
PLACED = "placed_at"
REMOVED = "database_removed_at"


def note(release: Path, name: str, when: datetime) -> None:
    """Add a time to a release's run.json, or replace it: at once, and with the mode it has.

    Raises OSError if it cannot be written.
    """
    path = release / RUN
    content = read_run(release) | {name: when.isoformat(timespec="seconds")}
    aside = release.parent / f"{UNFINISHED}{release.name}.{RUN}-{os.getpid()}"
    aside.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o640)
    os.replace(aside, path)


def placed_at(release: Path) -> datetime | None:
    """Tell when a release was last put in place, in UTC; None if it does not say.

    It is written down in the release, so that copying or restoring the folder does not change it.
    """
    return _time(release, PLACED) or _time(release, MADE)


def database_removed_at(release: Path) -> datetime | None:
    """Tell when the database of an old release was removed; None if it was not."""
    return _time(release, REMOVED)


def read_run(release: Path) -> dict:
    """Read when a release was made and what its files were called; nothing if that is gone."""
    try:
        content = json.loads((release / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _time(release: Path, name: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(read_run(release)[name])
    except (KeyError, TypeError, ValueError):
        return None
    return when.astimezone() if when.tzinfo is None else when
