"""A trial of logs without a state folder: what would be read, and what not. Writes nothing."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.content import Block, Content, reason_of
from ingest.event_types import EVENT_TYPES
from ingest.helpline import Helpline
from ingest.key import Key
from ingest.keys import Keys
from ingest.patience import Patience
from ingest.problem import Problem
from ingest.progress import Progress
from ingest.quarantine import why_quarantined
from ingest.reading import Batch, Reader, Rows
from ingest.reasons import NOT_LOST, REASONS
from ingest.recognition import Blank, Damaged, Form, NoLog
from ingest.shapes import Shapes, describe
from ingest.sources import LogFile, find_files
from ingest.sources.folder import File
from ingest.warehouse import Withheld, connect, run
from ingest.wording import counted, printable

QUERY = Path(__file__).with_name("trial.sql")
MEMORY = "1GB"
BATCH_BYTES = 4 * 1024 * 1024
MOST_LINES = 50_000  # of a batch
LISTED_LINES = 5
LISTED_FILES = 20
FIELDS = [f"{event_type} {name}" for event_type, names in EVENT_TYPES.items() for name in names]


@dataclass
class FileTrial:
    """What would become of one file. `first_lines` are those set aside, by reason.

    `form` says what it is, or `no_log` what it is instead of a log.
    """

    name: str
    bytes: int = 0
    lines: int = 0
    events: int = 0
    blank_lines: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    first_lines: dict[str, list[int]] = field(default_factory=dict)
    form: str = ""
    damage: str | None = None
    no_log: str | None = None
    shapes: list[tuple[str, str, int]] = field(default_factory=list)

    def set_aside(self, reason: str, lines: int, first: list[int]) -> None:
        """Count lines that are set aside, of which some are the first ones."""
        self.rejects[reason] += lines
        self.first_lines[reason] = sorted([*self.first_lines.get(reason, ()), *first])[
            :LISTED_LINES
        ]

    @property
    def quarantine(self) -> str | None:
        """Why the first gate would quarantine it; None if it would not."""
        lost = sum(lines for reason, lines in self.rejects.items() if reason not in NOT_LOST)
        return why_quarantined(self.events, self.events + self.rejects.total() - lost, lost)


@dataclass
class TypeTrial:
    """What would be read of the events of one type; times are UTC, without a zone."""

    events: int = 0
    first: datetime = datetime.max
    last: datetime = datetime.min
    given: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    unlisted: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)


@dataclass
class Trial:
    """What would become of some files: file by file, and type by type of event."""

    files: list[FileTrial] = field(default_factory=list)
    types: dict[str, TypeTrial] = field(default_factory=dict)
    ids_used_twice: int = 0

    @property
    def left_out(self) -> list[FileTrial]:
        """Files of which nothing would count: no log, damaged, quarantined, without an event."""
        return [
            one
            for one in self.files
            if one.damage or one.no_log or one.quarantine or (one.lines and not one.events)
        ]


def try_logs(path: Path, helpline: Helpline, state: Path) -> Trial:
    """Read a file, or all logs of a folder but those in the folder `state`, and keep nothing of it.

    Pseudonyms are made with a key that nobody ever sees, so nobody is known by them. Raises Problem
    if there is no such file or folder, or no log in it.
    """
    key = Key(secrets.token_urlsafe(48))
    reader = Reader(Keys(key, state), helpline, MEMORY)
    progress = Progress("Read")
    try:
        trying = _Trying(reader, progress)
        trying.take(_files(path, state))
        return trying.trial
    finally:
        progress.end()
        reader.close()


def _files(path: Path, state: Path) -> list[LogFile]:
    if path.is_dir():
        files = find_files(str(path), state)
        if not files:
            raise Problem(f"There is no file in {path} that may be a log.")
        return files
    if not path.exists():
        raise Problem(f"There is no file or folder at {path}.")
    return [LogFile(File(printable(path.name), path), Patience.from_environment())]


class _Trying:
    """Reads files into a trial: many small ones at once, a large one in parts."""

    def __init__(self, reader: Reader, progress: Progress) -> None:
        self.trial = Trial()
        self._reader = reader
        self._progress = progress
        self._shapes = Shapes()
        self._now = datetime.now(UTC).replace(tzinfo=None)
        self._waiting = Batch()
        self._ids = connect(MEMORY)
        run(self._ids, "create table ids (event_id uuid, event ubigint)")

    def take(self, files: list[LogFile]) -> None:
        """Take files one by one, whatever is wrong with one of them."""
        for number, file in enumerate(files):
            one = FileTrial(file.name)
            self.trial.files.append(one)
            try:
                self._take(file, one, str(number))
            except Blank:
                one.form = "it holds nothing"
            except NoLog as no_log:
                one.no_log = str(no_log)
            except Exception as error:
                damage = str(error) if isinstance(error, Damaged) else reason_of(error)
                self.trial.files[number] = FileTrial(file.name, one.bytes, damage=damage)
            self._progress.tell(f"{number + 1:,} of {counted(len(files), 'file')}")
        self._read_waiting()
        for number, one in enumerate(self.trial.files):
            if not one.events and not one.damage:
                one.shapes = self._shapes.of(str(number))
        [(self.trial.ids_used_twice,)] = run(
            self._ids,
            "select coalesce(sum(events - 1), 0)"
            " from (select count(distinct event) as events from ids group by event_id)",
        )
        self._ids.close()

    def _take(self, file: LogFile, one: FileTrial, number: str) -> None:
        if file.no_log:
            raise NoLog(file.no_log)
        content, batch = Content(file), Batch()
        one.bytes = content.bytes
        one.form = _form(content.recognise(), content.compression)
        is_large = False
        for block in content.pieces():
            batch.add(number, self._now, block)
            one.lines += block.text.count("\n") + 1
            if self._is_full(batch):
                self._progress.tell(f"{file.name}, {counted(one.lines, 'line')}")
                if not is_large:
                    is_large = True
                    _require_whole(file)
                    self._read_waiting()
                self._read(batch)
        if self._is_full(self._waiting, batch):
            self._read_waiting()
        self._waiting.extend(batch)

    def _is_full(self, *batches: Batch) -> bool:
        size, lines = (sum(getattr(one, name) for one in batches) for name in ("size", "lines"))
        return size > BATCH_BYTES or lines > MOST_LINES

    def _read_waiting(self) -> None:
        """Read the files that wait together; if that fails, each by itself."""
        waiting, self._waiting = self._waiting, Batch()
        try:
            self._read(waiting)
            return
        except (Problem, Withheld):
            numbers = dict.fromkeys(waiting.delivery_ids)
        for number in numbers:
            try:
                self._read(_of(waiting, number))
            except (Problem, Withheld):
                one = self.trial.files[int(number)]
                damage = "its lines could not be read; what is wrong with them is withheld"
                self.trial.files[int(number)] = FileTrial(one.name, one.bytes, damage=damage)

    def _read(self, batch: Batch) -> None:
        """Read a batch, add what came of it to the trial, and empty it."""
        if not batch.texts:
            return
        self._reader.read(batch, "the logs")
        self._shapes.note(self._reader)
        for counts in self._reader.counts():
            one = self.trial.files[int(counts.delivery_id)]
            one.events += counts.events
            one.blank_lines += counts.blank_lines
        self._count_rejects()
        self._count_types()
        self._count_fields()
        self._note_ids()
        batch.clear()

    def _count_rejects(self) -> None:
        rows = self._reader.ask(
            "select delivery_id, reason, event_type, count(*),"
            " list(line_number order by line_number)[:$1]"
            " from rejected group by delivery_id, reason, event_type order by min(line_number)",
            [LISTED_LINES],
        )
        for number, reason, event_type, lines, first in rows:
            self.trial.files[int(number)].set_aside(reason, lines, first)
            if event_type:
                self._type(event_type).rejects[reason] += lines

    def _type(self, event_type: str) -> TypeTrial:
        return self.trial.types.setdefault(event_type, TypeTrial())

    def _count_types(self) -> None:
        rows = self._reader.ask(
            "select event_type, count(*), min(occurred_at), max(occurred_at) from readings"
            " where reason is null group by event_type"
        )
        for event_type, events, first, last in rows:
            one = self._type(event_type)
            one.events += events
            one.first, one.last = min(one.first, first), max(one.last, last)

    def _count_fields(self) -> None:
        rows = self._reader.ask(QUERY.read_text(encoding="utf-8"), {"fields": FIELDS})
        for event_type, name, given, kept, unlisted, unfit in rows:
            one = self.trial.types[event_type]
            one.given[name] += given
            one.kept[name] += kept
            one.unlisted[name] += unlisted
            one.unfit[name] += unfit

    def _note_ids(self) -> None:
        self._ids.register("events", Rows(self._reader.events()))
        run(
            self._ids,
            "insert into ids select distinct event_id,"
            " hash((event_type, session_id, visitor_id, occurred_at)) from events",
        )
        self._ids.unregister("events")


def _require_whole(file: LogFile) -> None:
    """Read a large file to its end once, before any part of it is counted."""
    for _ in Content(file).pieces():
        pass


def _of(batch: Batch, number: str) -> Batch:
    one = Batch()
    for index, delivery_id in enumerate(batch.delivery_ids):
        if delivery_id == number:
            block = Block(batch.first_lines[index], batch.texts[index], batch.reasons[index])
            one.add(number, batch.loaded_ats[index], block)
    return one


def _form(form: Form, compression: str | None) -> str:
    return f"{form.value}, compressed ({compression})" if compression else form.value


def describe_trial(trial: Trial, timezone: str) -> str:
    """Put a trial into words: what would be read, type by type, and what is wrong, file by file."""
    files = trial.files
    events = sum(one.events for one in files)
    rejects = sum(one.rejects.total() for one in files)
    lines = [
        f"{_what_files(files)}, {counted(sum(one.lines for one in files), 'line')}: "
        f"{counted(events, 'event')}, {rejects:,} set aside, "
        f"{counted(sum(one.blank_lines for one in files), 'blank line')}",
        *_types(trial, ZoneInfo(timezone)),
    ]
    troubled = [one for one in files if one.damage or one.rejects or one.no_log]
    for one in troubled[:LISTED_FILES]:
        lines += ["", *_file(one)]
    if len(troubled) > LISTED_FILES:
        lines += [
            "",
            f"… and {len(troubled) - LISTED_FILES:,} more files that are no logs, are damaged, or "
            "of which lines are set aside",
        ]
    if trial.ids_used_twice:
        lines += [
            "",
            f"{counted(trial.ids_used_twice, 'event')} would be lost: source and id are those of "
            "another event, with another time, subject or visitor. An id may never come again.",
        ]
    return "\n".join(lines)


def _what_files(files: list[FileTrial]) -> str:
    """Say how many files there are, and of which forms they are."""
    forms = Counter(one.form for one in files if one.form)
    said = "; ".join(
        form if len(files) == 1 else f"{number:,} {form}" for form, number in forms.most_common()
    )
    return counted(len(files), "file") + (f" ({said})" if said else "")


def _types(trial: Trial, zone: ZoneInfo) -> list[str]:
    lines = []
    for event_type in EVENT_TYPES:
        one = trial.types.get(event_type)
        if not one:
            continue
        span = f", from {_local(one.first, zone)} to {_local(one.last, zone)}" if one.events else ""
        lines.append(f"\n{event_type}: {counted(one.events, 'event')}{span}")
        lines += [f"  {name:<13} {_field(one, name)}" for name in EVENT_TYPES[event_type]]
        lines += [f"  set aside     {_reasons(one.rejects)}"] if one.rejects else []
    missing = [event_type for event_type in EVENT_TYPES if event_type not in trial.types]
    if missing:
        lines.append(f"\nNot met: {', '.join(missing)}")
    return lines


def _reasons(rejects: Counter[str]) -> str:
    return ", ".join(f"{reason} {lines:,}" for reason, lines in rejects.most_common())


def _field(one: TypeTrial, name: str) -> str:
    said = [f"given {one.given[name]:>9,}", f"kept {one.kept[name]:>9,}"]
    if one.unfit[name]:
        said.append(f"unfit {one.unfit[name]:,}")
    if one.unlisted[name]:
        where = "pages of helpline.toml" if name == "page" else "codes of the helpline"
        said.append(f"not among the {where} {one.unlisted[name]:,}")
    no_identifier = one.given[name] - one.kept[name] - one.unfit[name]
    if no_identifier and name in ("visitor", "client", "responder"):
        said.append(f"no identifier {no_identifier:,}")
    return "   ".join(said)


def _file(one: FileTrial) -> list[str]:
    if one.damage:
        return [f"{one.name} is damaged, nothing of it would be loaded: {one.damage}"]
    if one.no_log:
        return [f"{one.name} is no log, it would be passed over: it is {one.no_log}"]
    lines = [
        f"{one.name} ({one.form}): {counted(one.events, 'event')}, {one.rejects.total():,} of "
        f"{counted(one.lines, 'line')} set aside"
    ]
    for reason, number in one.rejects.most_common():
        first = ", ".join(map(str, one.first_lines[reason]))
        more = " …" if number > len(one.first_lines[reason]) else ""
        where = f"line {first}" if number == 1 else f"lines {first}{more}"
        lines.append(f"  {reason} {number:,}: {REASONS[reason]} ({where})")
    if one.quarantine:
        lines.append(f"  would be quarantined: {one.quarantine}")
    if one.shapes:
        lines.append("  what its first lines look like:")
        lines += [f"  - {line}" for line in describe(one.shapes)]
    return lines


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M:%S}"
