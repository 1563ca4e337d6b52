"""One pull: every log file of the source into the raw tables, exactly once."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from ingest import modes
from ingest.belonging import claim, require_not_lost
from ingest.closings import closed_before, last_closed_year, require_categories
from ingest.codes import require_codes
from ingest.content import require_logs
from ingest.damage import require_sound
from ingest.exclusions import store_exclusions
from ingest.helpline import load_helpline, store_helpline
from ingest.key import read_key
from ingest.keys import Keys, key_file, read_fingerprints
from ingest.loading import Loader
from ingest.lock import hold
from ingest.problem import Problem
from ingest.reading import Reader, reading_fingerprint
from ingest.rotation import new_years, require_settled, settle
from ingest.shapes import nothing_read
from ingest.sources import find_files
from ingest.striking import strike
from ingest.summary import LISTED_FILES, Summary
from ingest.warehouse import (
    Withheld,
    explain,
    open_warehouse,
    private_files,
)
from ingest.wording import counted
from ingest.workspace import Workspace

LOG = logging.getLogger("chatcijfers.ingest")
DEFAULT_MEMORY = "1GB"
LEAST_MEMORY = "150MB"
MEBIBYTE = 1024 * 1024
# Of the memory allowed, a batch of raw text may take this part: it is there as Python's text, as
# DuckDB's parameter, as lines and as rows at the same time.
BATCH_SHARE = 128
# However short they are, lines take room when they are read: each as many bytes as this.
SIZE_OF_LINE = 20_000
MOST_LINES = 50_000
SMALLEST_BATCH, LARGEST_BATCH = MEBIBYTE // 2, 8 * MEBIBYTE


def pull(
    workspace: Workspace,
    *,
    memory: str | None = None,
    now: datetime | None = None,
    anew: bool = False,
) -> Summary:
    """Load every log of the workspace that is not loaded yet, and the helpline's settings.

    `memory` is what both databases may take together (default: CHATCIJFERS_MEMORY, else 1GB); `now`
    is the time of loading, aware, for tests. With `anew`, what was loaded before is read again as
    well. A damaged file is refused whole and tried again at the next pull; the others go through.

    Raises Problem for what a person has to put right: no key, another key, a helpline with
    mistakes, no logs, no event in any of them, another run at the same time, no room or memory;
    Damaged for what is damaged in the state folder; and OutOfReach for a source that does not
    answer. Nothing is ever loaded by half. Any other failure is a Withheld error that quotes
    nothing of what was read.
    """
    started = time.monotonic()
    failure = None
    try:
        require_sound(workspace)
        modes.check(workspace)
        with private_files(), hold(workspace.data):
            summary = _pull(workspace, memory, now or datetime.now(UTC), anew)
    except Problem as problem:
        failure = type(problem)(str(problem))
    except OSError as error:
        failure = explain(error)
    except Withheld as error:
        failure = Withheld(f"{error} (at {_place(error)})")
    except Exception as error:
        failure = Withheld(f"ingest failed: {type(error).__name__} (at {_place(error)})")
    if failure:
        # Raised from here, without cause or context: a log that prints the variables of a
        # traceback's frames would otherwise print raw text.
        raise failure
    summary.seconds = time.monotonic() - started
    summary.report()
    if summary.nothing_read:
        raise Problem(summary.nothing_read)
    return summary


def pull_more(workspace: Workspace, folder: str = "", *, anew: bool = False) -> Summary:
    """Load logs from another folder besides the workspace's own, once; without one, from its own.

    Raises what `pull` raises, and Problem if a file of that folder is damaged: no later night would
    try it again.
    """
    summary = pull(dataclasses.replace(workspace, logs=folder or workspace.logs), anew=anew)
    if folder and summary.refusals:
        names = ", ".join(list(summary.refusals)[:LISTED_FILES])
        raise Problem(
            f"{counted(summary.refused, 'file')} of {folder} could not be read to the end: "
            f"{names}. The others were loaded. Put sound copies in their place and backfill again, "
            "or go on without them: tonight's run publishes what was loaded."
        )
    return summary


def _pull(workspace: Workspace, memory: str | None, now: datetime, anew: bool) -> Summary:
    allowed = _bytes(memory or os.environ.get("CHATCIJFERS_MEMORY") or DEFAULT_MEMORY)
    half = f"{allowed // 2 // 1024}KiB"
    key = read_key(workspace)
    require_not_lost(workspace)
    helpline = load_helpline(workspace.helpline)
    for warning in helpline.warnings:
        LOG.warning(warning)
    files = find_files(workspace.logs, workspace.data)
    require_logs(files, workspace.logs)
    now = now.astimezone(UTC).replace(tzinfo=None)
    with open_warehouse(workspace.warehouse, key=key, memory=half, make=True) as connection:
        claim(connection, workspace, helpline)
        require_categories(connection, helpline)
        require_codes(connection, helpline)
        settle(connection, helpline, files)
        store_helpline(connection, helpline)
        known, closed_year = read_fingerprints(connection), last_closed_year(connection)
        keys = Keys(key, workspace.keys_folder, known, closed_year)
        closed = closed_before(connection, helpline.timezone)
        years = new_years(connection, helpline, now)
        batch_bytes = min(max(allowed // BATCH_SHARE, SMALLEST_BATCH), LARGEST_BATCH)
        loader = Loader(
            connection,
            lambda: Reader(keys, helpline, half, closed, years),
            keys,
            reading_fingerprint(helpline),
            helpline.timezone,
            batch_bytes,
            min(allowed // SIZE_OF_LINE, MOST_LINES),
            now,
            closed,
        )
        if anew:
            loader.read_again()
        try:
            summary = loader.load(files)
        finally:
            loader.close()
        outdated = [one.delivery_id for one in loader.outdated()]
        summary.struck = strike(connection, helpline, keys, outdated, closed)
        require_settled(connection)
        # Only now is it known which identifiers the logs hold.
        store_exclusions(connection, helpline, keys)
        summary.nothing_read = nothing_read(connection, workspace.logs)
        summary.made_keys = [str(key_file(keys.folder, year)) for year in keys.made]
        return summary


def _place(error: BaseException) -> str:
    """Name the way to where an error was raised, as a traceback does, without its message."""
    places = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(at.filename).name}:{at.lineno}" for at in places)


def _bytes(memory: str) -> int:
    allowed = _amount(memory)
    if allowed < _amount(LEAST_MEMORY):
        raise Problem(f"{memory} is not enough memory. Allow at least {LEAST_MEMORY}.")
    return allowed


def _amount(memory: str) -> int:
    units = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
    units |= {f"{unit}i": 1024 ** (power + 1) for power, unit in enumerate("kmgt")}
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", memory.lower())
    if not found:
        raise Problem(f"{memory!r} is not an amount of memory. Write it as 500MB or 2GB.")
    return int(float(found[1]) * units[found[2] or ""])
