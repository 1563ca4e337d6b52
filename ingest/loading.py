"""Carries files into the warehouse: many small ones to a transaction, a large one in one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import duckdb

from ingest.content import Block, Content, reason_of
from ingest.deliveries import (
    Delivery,
    add_names,
    count_reasons,
    date_first_rejects,
    date_names,
    deliveries_with,
    enter,
    forget_line,
    forget_rows,
    last_date_before,
    note_lines_before,
    note_passed_over,
    note_refusals,
    read_contents,
    read_ledger,
    replace_known,
)
from ingest.keys import Keys, note_fingerprints
from ingest.problem import OutOfMemory, Problem
from ingest.reading import EVENT_COLUMNS, REJECT_COLUMNS, Batch, Reader, Rows
from ingest.recognition import Blank, Damaged, Form, NoLog
from ingest.shapes import Shapes
from ingest.sources import LogFile
from ingest.summary import Summary
from ingest.warehouse import Withheld, explain, run, transaction
from ingest.wording import counted

LOG = logging.getLogger("chatcijfers.ingest")
SECONDS_BETWEEN_REPORTS = 10
A_DAY = timedelta(days=1)


class Unread(Exception):
    """The reader could not make rows of a batch. That is about its lines, not the warehouse."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.lack_of_memory: Problem | None = None
        self.reason = "its lines could not be read; what is wrong with them is withheld"
        if isinstance(error, OutOfMemory | MemoryError):
            self.lack_of_memory = explain(duckdb.OutOfMemoryException())
            self.reason = "it takes more memory than is allowed (CHATCIJFERS_MEMORY)"


@dataclass
class Task:
    """A file on its way into the warehouse; `known` is the delivery that it was, or grew from.

    With `is_continued`, only what is new in it is read.
    """

    content: Content
    delivery: Delivery
    known: Delivery | None = None
    is_continued: bool = False
    names: list[str] = field(default_factory=list)
    first_line: int = 1

    @property
    def delivery_id(self) -> str:
        """By which its rows go."""
        return self.delivery.delivery_id

    @property
    def has_grown(self) -> bool:
        """Whether it holds more than the delivery that is known."""
        return self.known is not None and self.known.sha256 != self.delivery.sha256

    def pieces(self) -> Iterator[Block]:
        """Give the blocks of lines to be read; note how the text ends."""
        yield from self.content.pieces(self.known if self.is_continued else None)
        one = self.delivery
        one.text_sha256, one.text_bytes = self.content.text_sha256, self.content.text_bytes
        one.next_line, one.next_line_at = self.content.end.next_line, self.content.end.next_line_at

    def begin(self) -> None:
        """Count from what is kept of the delivery: nothing, or what it held before it grew."""
        one, before = self.delivery, self.known if self.is_continued else None
        for name in ("events", "rejects", "blank_lines", "expired"):
            setattr(one, name, getattr(before, name) if before else 0)


class _Part:
    """Files on their way, with blocks of their lines."""

    def __init__(self, tasks: list[Task] | None = None) -> None:
        self.tasks = tasks or []
        self.blocks: list[tuple[Task, Block]] = []
        self.size = 0
        self.lines = 0

    def add(self, task: Task, block: Block) -> None:
        lines = block.text.count("\n") + 1
        self.blocks.append((task, block))
        self.size += len(block.text)
        self.lines += lines
        task.delivery.lines += lines

    def extend(self, other: _Part) -> None:
        self.tasks += other.tasks
        self.blocks += other.blocks
        self.size += other.size
        self.lines += other.lines

    def clear(self) -> None:
        self.blocks, self.size, self.lines = [], 0, 0

    def halves(self) -> Iterator[_Part]:
        """Split it, each half with whole files."""
        middle = len(self.tasks) // 2
        for tasks in (self.tasks[:middle], self.tasks[middle:]):
            half = _Part(tasks)
            ids = {task.delivery_id for task in tasks}
            half.blocks = [pair for pair in self.blocks if pair[0].delivery_id in ids]
            yield half

    def batch(self) -> Batch:
        batch = Batch()
        for task, block in self.blocks:
            batch.add(task.delivery_id, task.delivery.loaded_at, block)
        return batch

    def name(self) -> str:
        """Say which file and lines, or from which file to which."""
        first, last = self.tasks[0].delivery, self.tasks[-1].delivery
        if first is not last:
            return f"the files {first.file} to {last.file}"
        return f"{first.file}, lines {self.blocks[0][1].first_line:,} to {first.lines:,}"


class Loader:
    """Carries files into the warehouse, whatever may be wrong with one of them."""

    def __init__(
        self,
        connection,
        make_reader: Callable[[], Reader],
        keys: Keys,
        reading: str,
        timezone: str,
        batch_bytes: int,
        batch_lines: int,
        now: datetime,
        closed_before: datetime | None,
    ) -> None:
        self._connection = connection
        self._make_reader = make_reader
        self._reader = make_reader()
        self._keys = keys
        self._reading = reading
        self._timezone = timezone
        self._batch_bytes = batch_bytes
        self._batch_lines = batch_lines
        self._now = now
        self._latest = (now + A_DAY).date()
        self._closed_before = closed_before
        self._ledger = read_ledger(connection)
        self._contents = read_contents(connection)
        self._by_name = self._last_of_each_name()
        self._with_future = deliveries_with(connection, "in_future")
        self._summary = Summary()
        self._shapes = Shapes()
        self._waiting = _Part()
        self._coming: dict[str, Task] = {}
        self._names: list[tuple[str, str]] = []
        self._read_now: dict[str, int] = {}
        self._there: set[str] = set()
        self._anew: set[str] = set()
        self._lack_of_memory: Problem | None = None

    def close(self) -> None:
        """Forget what was read."""
        self._reader.close()

    def read_again(self) -> None:
        """Have each delivery of before read again, once, if one of its files is there."""
        self._anew = set(self._ledger)

    def load(self, files: list[LogFile]) -> Summary:
        """Load all files that are not loaded yet; note names, and files that are no use."""
        summary = self._summary
        self._there = {file.name for file in files}
        reported = time.monotonic()
        for number, file in enumerate(files, 1):
            self._try(file)
            if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                LOG.info("%s of %s looked at", f"{number:,}", counted(len(files), "file"))
        self._commit_waiting()
        if self._lack_of_memory and not self._read_now:
            raise self._lack_of_memory
        if self._names:
            with transaction(self._connection):
                add_names(self._connection, self._names, self._latest)
        date_names(self._connection, self._latest)
        note_refusals(self._connection, summary.refusals, self._now, self._latest)
        note_passed_over(self._connection, summary.passed_over, self._now)
        summary.reasons = count_reasons(self._connection, self._read_now)
        summary.outdated = sorted(one.file for one in self.outdated())
        return summary

    def outdated(self) -> list[Delivery]:
        """List the deliveries that were read with other settings, and could not be read again."""
        return [one for one in self._ledger.values() if one.reading != self._reading]

    def _try(self, file: LogFile) -> None:
        """Load a file; whatever is wrong with it, the others are loaded."""
        self._summary.files += 1
        try:
            self._load(file)
        except Damaged as damage:
            self._summary.refusals[file.name] = str(damage)
        except NoLog as no_log:
            self._summary.files -= 1
            if not isinstance(no_log, Blank):
                self._summary.passed_over[file.name] = str(no_log)
        except (Problem, Withheld):
            raise
        except Exception as error:
            self._summary.refusals[file.name] = reason_of(error)

    def _load(self, file: LogFile) -> None:
        if file.no_log:
            raise NoLog(file.no_log)
        earlier = self._ledger.get(self._by_name.get(file.name, ""))
        content = Content(file, earlier)
        coming = self._coming.get(content.sha256)
        known = self._ledger.get(self._contents.get(content.sha256, ""))
        if coming:
            coming.names.append(file.name)
            coming.delivery.files.add(file.name)
            self._summary.known += 1
            return
        if known:
            self._load_known(content, known, file)
            return
        content.recognise()
        if earlier and self._is_alone(earlier) and content.begins_with(earlier):
            self._load_grown(content, earlier, file)
            return
        delivery = Delivery(
            content.sha256, file.name, content.bytes, self._reading, self._now,
            sha256=content.sha256, files={file.name},
            keyed_id=self._keys.lasting.delivery_id(content.sha256),
        )  # fmt: skip
        self._read(Task(content, delivery, names=[file.name]))

    def _load_known(self, content: Content, known: Delivery, file: LogFile) -> None:
        """Note the name of what was loaded before; read it again if that is due."""
        if file.name not in known.files:
            known.files.add(file.name)
            self._names.append((known.delivery_id, file.name))
        # Of a delivery that has grown since, the shorter content says nothing new.
        is_current = content.sha256 == known.sha256
        if not is_current or known.delivery_id in self._on_their_way():
            self._summary.known += 1
            return
        was_early = self._was_early(known, file)
        is_due = was_early or known.delivery_id in self._anew
        self._anew.discard(known.delivery_id)
        if known.reading == self._reading and not is_due:
            self._summary.known += 1
            return
        loaded_at = self._now if was_early else known.loaded_at
        delivery = replace(known, lines=0, reading=self._reading, loaded_at=loaded_at)
        self._read(Task(content, delivery, known, names=[file.name]))

    def _load_grown(self, content: Content, known: Delivery, file: LogFile) -> None:
        """Read what is new in a file that has grown, or all of it where that may alter the rest."""
        has_open_line = known.next_line is not None and known.next_line <= known.lines
        is_continued = (
            content.form is Form.LINES
            and known.next_line is not None
            and known.reading == self._reading
            and known.delivery_id not in self._anew
            and known.delivery_id not in self._with_future
            and not (has_open_line and self._closed_before is not None)
        )
        self._anew.discard(known.delivery_id)
        delivery = replace(
            known,
            lines=known.next_line - 1 if is_continued else 0,
            bytes=content.bytes,
            sha256=content.sha256,
            keyed_id=self._keys.lasting.delivery_id(content.sha256),
            reading=self._reading,
            loaded_at=self._now,
        )
        task = Task(content, delivery, known, is_continued, [file.name])
        if not is_continued:
            self._read(task)
            return
        task.first_line = known.next_line
        self._commit_waiting()
        self._read_alone(task, _Part([task]), task.pieces())

    def _was_early(self, known: Delivery, file: LogFile) -> bool:
        """Tell whether lines were set aside as of the future by a clock that was behind.

        No file is older than what it tells of: one that was written after its loading was loaded by
        a wrong clock, or has been delivered again since. Either is a reason to judge it anew.
        """
        return known.delivery_id in self._with_future and file.written_at() > known.loaded_at

    def _read(self, task: Task) -> None:
        part, pieces = _Part([task]), task.pieces()
        for piece in pieces:
            part.add(task, piece)
            if self._is_full(part):
                self._commit_waiting()
                self._read_alone(task, part, pieces)
                return
        if self._is_full(self._waiting, part):
            self._commit_waiting()
        self._waiting.extend(part)
        self._coming[task.delivery.sha256] = task

    def _is_full(self, *parts: _Part) -> bool:
        size = sum(part.size for part in parts)
        return size > self._batch_bytes or sum(part.lines for part in parts) > self._batch_lines

    def _read_alone(self, task: Task, part: _Part, pieces: Iterator[Block]) -> None:
        """Write a large file, or the rest of one, batch by batch within one transaction."""
        try:
            with transaction(self._connection):
                self._begin([task])
                for piece in pieces:
                    part.add(task, piece)
                    if self._is_full(part):
                        self._write(part)
                self._write(part)
                date_first_rejects(
                    self._connection, task.delivery_id, self._reader.first_date(task.delivery_id)
                )
                self._finish([task])
        except Unread as failure:
            self._renew_reader(failure)
            raise Damaged(failure.reason) from None
        self._settle([task])

    def _commit_waiting(self) -> None:
        waiting, self._waiting = self._waiting, _Part()
        if waiting.tasks:
            self._commit(waiting)
        self._coming.clear()

    def _commit(self, part: _Part) -> None:
        """Write files in one transaction; if that fails in reading, each half by itself."""
        try:
            with transaction(self._connection):
                self._begin(part.tasks)
                self._write(part)
                self._finish(part.tasks)
        except Unread as failure:
            self._renew_reader(failure)
            if len(part.tasks) > 1:
                for half in part.halves():
                    self._commit(half)
                return
            [task] = part.tasks
            self._summary.refusals |= dict.fromkeys(task.names, failure.reason)
            self._summary.known -= len(task.names) - 1
        else:
            self._settle(part.tasks)

    def _renew_reader(self, failure: Unread) -> None:
        """Begin with a new reader: nothing is left in memory of what it failed at."""
        self._lack_of_memory = failure.lack_of_memory or self._lack_of_memory
        self._reader.close()
        self._reader = self._make_reader()

    def _begin(self, tasks: list[Task]) -> None:
        """Take out the rows that are read again."""
        for task in tasks:
            task.begin()
        again = [task.delivery_id for task in tasks if task.known and not task.is_continued]
        if again:
            forget_rows(self._connection, again, self._closed_before)
        if len(tasks) == 1:
            [task] = tasks
            last_date = self._take_up(task) if task.is_continued else None
            self._reader.begin(task.delivery_id, last_date)

    def _take_up(self, task: Task):
        """Take out the last line of what a file was, if it had no end; give the date before it."""
        if task.first_line <= task.known.lines:
            kind = forget_line(self._connection, task.delivery_id, task.first_line)
            setattr(task.delivery, kind, getattr(task.delivery, kind) - 1)
        return last_date_before(self._connection, task.delivery_id, task.first_line, self._timezone)

    def _write(self, part: _Part) -> None:
        """Write the rows of a part within the caller's transaction, and empty it."""
        if not part.blocks:
            return
        deliveries = {task.delivery_id: task.delivery for task in part.tasks}
        all_counts = self._make_rows(part)
        note_fingerprints(self._connection, self._keys)
        written = self._take_over("events", self._reader.events(), EVENT_COLUMNS)
        written += self._take_over("rejects", self._reader.rejects(), REJECT_COLUMNS)
        for counts in all_counts:
            deliveries[counts.delivery_id].events += counts.events
            deliveries[counts.delivery_id].rejects += counts.rejects
            deliveries[counts.delivery_id].blank_lines += counts.blank_lines
            deliveries[counts.delivery_id].expired += counts.expired
            written -= counts.written + counts.rejects
        if written:
            raise Withheld(f"not every row of {part.name()} was written")
        part.clear()

    def _make_rows(self, part: _Part):
        """Have the reader make rows, and count them. Raises Unread if that fails for the lines."""
        batch = part.batch()
        again = [task.delivery_id for task in part.tasks if task.known and not task.is_continued]
        lines_before = self._lines_before(part, batch, again)
        try:
            self._reader.read(batch, part.name(), again, lines_before)
            all_counts = self._reader.counts()
            if any(counts.rejects and not counts.events for counts in all_counts):
                self._shapes.note(self._reader)
            return all_counts
        except Exception as error:
            if isinstance(error, Problem) and not isinstance(error, OutOfMemory):
                raise
            failure = Unread(error)
        raise failure

    def _lines_before(self, part: _Part, batch: Batch, again: list[str]) -> Rows | None:
        """Look up which lines of a part are of closed years, and stored or set aside already."""
        if not again or self._closed_before is None:
            return None
        first, last = batch.extent()
        grown = {task.delivery_id: task.known.lines for task in part.tasks if task.has_grown}
        note_lines_before(self._connection, again, self._closed_before, first, last, grown)
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

    def _finish(self, tasks: list[Task]) -> None:
        """Check that every line is accounted for, and enter the deliveries into the ledger."""
        for one in (task.delivery for task in tasks):
            if one.events + one.rejects + one.blank_lines != one.lines:
                raise Withheld(f"lines of {one.file} were lost in reading")
        enter(self._connection, [task.delivery for task in tasks if not task.known], self._latest)
        replace_known(self._connection, [task.delivery for task in tasks if task.known])
        self._shapes.store(self._connection, [task.delivery for task in tasks])

    def _settle(self, tasks: list[Task]) -> None:
        """Remember what has been committed."""
        summary = self._summary
        for task in tasks:
            one, before = task.delivery, task.known if task.is_continued else None
            if task.known:
                new = [name for name in task.names if name not in task.known.files]
                self._names += [(one.delivery_id, name) for name in new]
                one.files |= task.known.files
            if not task.content.checks_itself:
                summary.unchecked += task.names[:1]
            self._ledger[one.delivery_id] = one
            self._contents[one.sha256] = one.delivery_id
            self._by_name |= dict.fromkeys(task.names, one.delivery_id)
            self._read_now[one.delivery_id] = task.first_line
            for name in ("events", "rejects", "blank_lines"):
                new = getattr(one, name) - (getattr(before, name) if before else 0)
                setattr(summary, name, getattr(summary, name) + new)
            if not task.known:
                summary.loaded += 1
            elif task.has_grown:
                summary.grown += 1
            else:
                summary.read_again += 1

    def _is_alone(self, delivery: Delivery) -> bool:
        """Tell whether one file at most holds what a delivery held: a copy that stays as it is may
        say something else in its last line.
        """
        return len(delivery.files & self._there) <= 1

    def _on_their_way(self) -> set[str]:
        return {task.delivery_id for task in self._waiting.tasks}

    def _last_of_each_name(self) -> dict[str, str]:
        """Give the delivery that was loaded last of each name."""
        deliveries = sorted(self._ledger.values(), key=lambda one: (one.loaded_at, one.lines))
        return {name: one.delivery_id for one in deliveries for name in one.files}
