"""One pull: every log file of the source into the raw tables, exactly once."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest import modes
from ingest.belonging import claim
from ingest.closings import closed_before, last_closed_year, require_categories
from ingest.content import Content, Damaged, SetAside
from ingest.deliveries import (
    Delivery,
    add_names,
    count_reasons,
    deliveries_with,
    enter,
    forget_rows,
    note_lines_before,
    note_refusals,
    read_ledger,
    replace,
)
from ingest.exclusions import store_exclusions
from ingest.helpline import load_helpline, store_helpline
from ingest.key import read_key
from ingest.keys import Keys, key_file, note_fingerprints, read_fingerprints
from ingest.lock import hold
from ingest.problem import Problem
from ingest.reading import EVENT_COLUMNS, REJECT_COLUMNS, Batch, Reader, Rows, reading_fingerprint
from ingest.rotation import new_years, require_settled, settle
from ingest.sources import LogFile, find_files
from ingest.warehouse import (
    Withheld,
    explain,
    fill,
    open_warehouse,
    private_files,
    run,
    transaction,
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
SMALLEST_BATCH, LARGEST_BATCH = MEBIBYTE // 2, 8 * MEBIBYTE
SIZE_OF_REJECT = 200  # bytes that a line set aside takes in Python
LISTED_REFUSALS = 20
SECONDS_BETWEEN_REPORTS = 10


@dataclass
class Summary:
    """What a pull has done: counts of files, lines of the newly read ones, and what went wrong."""

    files: int = 0
    loaded: int = 0
    read_again: int = 0
    known: int = 0
    events: int = 0
    rejects: int = 0
    blank_lines: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    outdated: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    made_keys: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in one sentence or two."""
        again = f", {self.read_again:,} read again" if self.read_again else ""
        text = (
            f"{counted(self.files, 'file')} in {self.seconds:.1f} s: {self.loaded:,} new{again}, "
            f"{self.known:,} loaded before, {self.refused:,} damaged. "
            f"{counted(self.events, 'event')}, {counted(self.rejects, 'line')} set aside, "
            f"{counted(self.blank_lines, 'blank line')}."
        )
        if self.reasons:
            reasons = (f"{reason} {number:,}" for reason, number in self.reasons.items())
            text += f" Set aside: {', '.join(reasons)}."
        return text

    @property
    def refused(self) -> int:
        """Damaged files, of which nothing was loaded."""
        return len(self.refusals)


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
    mistakes, no logs, another run at the same time, no room or memory; and OutOfReach for a source
    that does not answer. Nothing is ever loaded by half. Any other failure is a Withheld error that
    quotes nothing of what was read.
    """
    started = time.monotonic()
    failure = None
    try:
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
    _report(summary)
    return summary


def pull_more(workspace: Workspace, folder: str = "", *, anew: bool = False) -> Summary:
    """Load logs from another folder besides the workspace's own, once; without one, from its own.

    Raises what `pull` raises, and Problem if a file of that folder is damaged: no later night would
    try it again.
    """
    summary = pull(dataclasses.replace(workspace, logs=folder or workspace.logs), anew=anew)
    if folder and summary.refusals:
        names = ", ".join(list(summary.refusals)[:LISTED_REFUSALS])
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
    helpline = load_helpline(workspace.helpline)
    for warning in helpline.warnings:
        LOG.warning(warning)
    files = find_files(workspace.logs, workspace.data)
    now = now.astimezone(UTC).replace(tzinfo=None)
    with open_warehouse(workspace.warehouse, key=key, memory=half, make=True) as connection:
        claim(connection, workspace, helpline)
        require_categories(connection, helpline)
        settle(connection, helpline, files)
        store_helpline(connection, helpline)
        known, closed_year = read_fingerprints(connection), last_closed_year(connection)
        keys = Keys(key, workspace.keys_folder, known, closed_year)
        closed = closed_before(connection, helpline.timezone)
        reader = Reader(keys, helpline, half, closed, new_years(connection, helpline, now))
        batch_bytes = min(max(allowed // BATCH_SHARE, SMALLEST_BATCH), LARGEST_BATCH)
        reading = reading_fingerprint(helpline)
        loader = Loader(connection, reader, keys, reading, batch_bytes, now, closed)
        if anew:
            loader.read_again()
        try:
            summary = loader.load(files)
        finally:
            reader.close()
        require_settled(connection)
        # Only now is it known which identifiers the logs hold.
        store_exclusions(connection, helpline, keys)
        summary.made_keys = [str(key_file(keys.folder, year)) for year in keys.made]
        return summary


class Loader:
    """Carries files into the warehouse: many small ones to a transaction, a large one in one."""

    def __init__(
        self,
        connection,
        reader: Reader,
        keys: Keys,
        reading: str,
        batch_bytes: int,
        now: datetime,
        closed_before: datetime | None,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._keys = keys
        self._reading = reading
        self._batch_bytes = batch_bytes
        self._now = now
        self._closed_before = closed_before
        self._ledger = read_ledger(connection)
        self._stored = {one: delivery.reading for one, delivery in self._ledger.items()}
        self._with_future = deliveries_with(connection, "in_future")
        self._summary = Summary()
        self._waiting = _Part()
        self._names: list[tuple[str, str]] = []
        self._read_now: list[str] = []
        self._anew: set[str] = set()

    def read_again(self) -> None:
        """Have each delivery of before read again, once, if one of its files is there."""
        self._anew = set(self._ledger)

    def load(self, files: list[LogFile]) -> Summary:
        """Load all files that are not loaded yet; note names, damaged files and outdated ones."""
        summary = self._summary
        reported = time.monotonic()
        for file in files:
            summary.files += 1
            try:
                self._load(file)
            except Damaged as damage:
                summary.refusals[file.name] = str(damage)
            if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                LOG.info("%s of %s looked at", f"{summary.files:,}", counted(len(files), "file"))
        self._commit_waiting()
        if self._names:
            with transaction(self._connection):
                add_names(self._connection, self._names)
        note_refusals(self._connection, summary.refusals, self._now)
        summary.reasons = count_reasons(self._connection, self._read_now)
        summary.outdated = sorted(
            one.file for one in self._ledger.values() if one.reading != self._reading
        )
        return summary

    def _load(self, file: LogFile) -> None:
        content = Content(file)
        known = self._ledger.get(content.sha256)
        if known and file.name not in known.files:
            known.files.add(file.name)
            if content.sha256 in self._stored:  # else its entry is still to be written, with names
                self._names.append((known.delivery_id, file.name))
        was_early = known is not None and self._was_early(known, file)
        is_due = was_early or content.sha256 in self._anew
        self._anew.discard(content.sha256)
        if known and known.reading == self._reading and not is_due:
            self._summary.known += 1
            return
        if not content.checks_itself:
            self._summary.unchecked.append(file.name)
        loaded_at = known.loaded_at if known and not was_early else self._now
        delivery = Delivery(
            content.sha256, file.name, content.bytes, self._reading, loaded_at, files={file.name}
        )
        self._read(content, delivery)
        if known:
            known.reading, known.loaded_at = self._reading, loaded_at
            self._summary.read_again += 1
        else:
            self._ledger[delivery.delivery_id] = delivery
            self._summary.loaded += 1

    def _was_early(self, known: Delivery, file: LogFile) -> bool:
        """Tell whether lines were set aside as of the future by a clock that was behind.

        No file is older than what it tells of: one that was written after its loading was loaded by
        a wrong clock, or has been delivered again since. Either is a reason to judge it anew.
        """
        return known.delivery_id in self._with_future and file.written_at() > known.loaded_at

    def _read(self, content: Content, delivery: Delivery) -> None:
        part = _Part([delivery])
        pieces = content.pieces()
        for piece in pieces:
            part.add(delivery, piece)
            if part.batch.size > self._batch_bytes:
                self._commit_waiting()
                with transaction(self._connection):
                    self._write_large(part, delivery, pieces)
                return
        if self._waiting.batch.size + part.batch.size > self._batch_bytes:
            self._commit_waiting()
        self._waiting.extend(part)

    def _write_large(self, part: _Part, delivery: Delivery, pieces) -> None:
        self._forget([delivery])
        self._write(part)
        for piece in pieces:
            part.add(delivery, piece)
            if part.batch.size > self._batch_bytes:
                self._write(part)
        self._write(part)
        self._finish([delivery])

    def _commit_waiting(self) -> None:
        waiting, self._waiting = self._waiting, _Part()
        if not waiting.deliveries:
            return
        with transaction(self._connection):
            self._forget(waiting.deliveries)
            self._write(waiting)
            self._finish(waiting.deliveries)

    def _forget(self, deliveries: list[Delivery]) -> None:
        again = self._known(deliveries)
        if again:
            forget_rows(self._connection, again, self._closed_before)

    def _known(self, deliveries: list[Delivery]) -> list[str]:
        return [one.delivery_id for one in deliveries if one.delivery_id in self._stored]

    def _write(self, part: _Part) -> None:
        """Write the rows of a part within the caller's transaction, and empty it."""
        deliveries = {one.delivery_id: one for one in part.deliveries}
        for delivery_id, _, _ in part.rejects:
            deliveries[delivery_id].rejects += 1
        fill(
            self._connection,
            "warehouse.raw.rejects (delivery_id, line_number, reason)",
            part.rejects_as_text(),
            3,
        )
        if part.batch.texts:
            again = self._known(part.deliveries)
            self._reader.read(part.batch, part.name(), again, self._lines_before(part, again))
            note_fingerprints(self._connection, self._keys)
            written = self._take_over("events", self._reader.events(), EVENT_COLUMNS)
            written += self._take_over("rejects", self._reader.rejects(), REJECT_COLUMNS)
            for counts in self._reader.counts():
                deliveries[counts.delivery_id].events += counts.events
                deliveries[counts.delivery_id].rejects += counts.rejects
                deliveries[counts.delivery_id].blank_lines += counts.blank_lines
                deliveries[counts.delivery_id].expired += counts.expired
                written -= counts.written + counts.rejects
            if written:
                raise Withheld(f"not every row of {part.name()} was written")
        part.clear()

    def _lines_before(self, part: _Part, again: list[str]) -> Rows | None:
        """Look up which lines of a part are of closed years, and stored or set aside already."""
        if not again or self._closed_before is None:
            return None
        first, last = part.batch.extent()
        note_lines_before(self._connection, again, self._closed_before, first, last)
        return Rows(self._connection.table("lines_before"))

    def _take_over(self, table: str, relation, columns: tuple[str, ...]) -> int:
        """Write the reader's rows into a raw table; return how many there were."""
        names = ", ".join(columns)
        self._connection.register("readings", Rows(relation))
        try:
            [(written,)] = run(
                self._connection,
                f"insert into warehouse.raw.{table} ({names}) select {names} from readings",
            )
            return written
        finally:
            with suppress(duckdb.Error):  # after a failure, nothing can be done but to roll back
                self._connection.unregister("readings")

    def _finish(self, deliveries: list[Delivery]) -> None:
        """Check that every line is accounted for, and enter the deliveries into the ledger."""
        for one in deliveries:
            if one.events + one.rejects + one.blank_lines != one.lines:
                raise Withheld(f"lines of {one.file} were lost in reading")
            self._summary.events += one.events
            self._summary.rejects += one.rejects
            self._summary.blank_lines += one.blank_lines
        self._read_now += [one.delivery_id for one in deliveries]
        enter(self._connection, [one for one in deliveries if one.delivery_id not in self._stored])
        replace(self._connection, [one for one in deliveries if one.delivery_id in self._stored])
        self._stored |= {one.delivery_id: one.reading for one in deliveries}


class _Part:
    """Deliveries on their way: their blocks, and their lines that are set aside already."""

    def __init__(self, deliveries: list[Delivery] | None = None) -> None:
        self.deliveries = deliveries or []
        self.batch = Batch()
        self.rejects: list[tuple[str, int, str]] = []

    def add(self, delivery: Delivery, piece) -> None:
        if isinstance(piece, SetAside):
            self.rejects.append((delivery.delivery_id, piece.line, piece.reason))
            self.batch.size += SIZE_OF_REJECT
            delivery.lines += 1
        else:
            self.batch.add(delivery.delivery_id, delivery.loaded_at, piece)
            delivery.lines += piece.text.count("\n") + 1

    def extend(self, other: _Part) -> None:
        self.deliveries += other.deliveries
        self.batch.extend(other.batch)
        self.rejects += other.rejects

    def clear(self) -> None:
        self.batch.clear()
        self.rejects.clear()

    def rejects_as_text(self) -> list[tuple[str, str, str]]:
        return [(delivery_id, str(line), reason) for delivery_id, line, reason in self.rejects]

    def name(self) -> str:
        """Say which file and lines, or from which file to which."""
        first, last = self.deliveries[0], self.deliveries[-1]
        if first is not last:
            return f"the files {first.file} to {last.file}"
        return f"{first.file}, lines {self.batch.first_lines[0]:,} to {first.lines:,}"


def _report(summary: Summary) -> None:
    for file, reason in list(summary.refusals.items())[:LISTED_REFUSALS]:
        LOG.warning(
            "%s is damaged: %s. Nothing of it was loaded. Deliver it again under the same or "
            "another name; until then it is tried at every pull.",
            file,
            reason,
        )
    if summary.refused > LISTED_REFUSALS:
        LOG.warning("… and %s", counted(summary.refused - LISTED_REFUSALS, "more damaged file"))
    if summary.outdated:
        LOG.warning(
            "%s read with other settings than today's, and the file is no longer there: %s%s. Put "
            "it back to have it read again.",
            f"{counted(len(summary.outdated), 'delivery', 'deliveries')} loaded earlier",
            ", ".join(summary.outdated[:3]),
            " …" if len(summary.outdated) > 3 else "",
        )
    if summary.unchecked:
        LOG.warning(
            "%s without a checksum (first: %s): damage inside would show as lines set aside only. "
            "Compress with `zstd`, which adds one, or with gzip.",
            counted(len(summary.unchecked), "zstd file"),
            summary.unchecked[0],
        )
    if summary.made_keys:
        LOG.warning(
            "A new year has begun, and keys rotate: made %s. Keep a copy in a safe place until the "
            "year has closed: without it nothing more of that year can be read.",
            ", ".join(summary.made_keys),
        )
    LOG.info("%s", summary)


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
