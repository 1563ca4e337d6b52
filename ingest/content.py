"""The bytes of one delivered file: their hash, and the lines they decompress to."""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from ingest.compression import (
    WRONG,
    checks_itself,
    compression_by_name,
    compression_of,
    decompressed,
    is_cut_off,
)
from ingest.elements import Element, cut_array, cut_sequence
from ingest.problem import Problem
from ingest.recognition import (
    BYTE_ORDER_MARK,
    FIRST_LOOK,
    SECOND_LOOK,
    Blank,
    Damaged,
    Form,
    NoLog,
    is_named_as_log,
    recognise,
)
from ingest.sources import LogFile
from ingest.wording import counted

MEBIBYTE = 1024 * 1024
HELD_BYTES = 4 * MEBIBYTE  # a file up to this size is read once, a larger one is read twice
CHUNK_BYTES = 128 * 1024
LONGEST_LINE_BYTES = MEBIBYTE
SHOWN_BYTES = 4 * 1024  # of a line that is too long, to tell its type and time by
LINES_OF_BLOCK = 2_048
MARKS_OF_LINES = re.compile(rb"(?m)^(?:\xef\xbb\xbf)+")
UNREADABLE = "\ufffd"
LISTED = 5


class Earlier(Protocol):
    """What is known of the text of an earlier delivery, by which one that has grown is known."""

    text_sha256: str | None
    text_bytes: int | None
    next_line: int | None
    next_line_at: int | None


@dataclass(frozen=True, repr=False)
class Block:
    """Whole lines of one file, without the last line's end. Never shows its text.

    With a `reason`, they are set aside for it: the text is what can be shown of them.
    """

    first_line: int
    text: str
    reason: str | None = None


@dataclass
class End:
    """Where a text ends: the line that goes on, or begins, there, and the bytes before that line.

    Neither is known of a text that is no lines.
    """

    next_line: int | None = 1
    next_line_at: int | None = 0


class Content:
    """A delivered file's bytes. A small file is held; a large one is read again, and checked.

    Reading happens twice at most: once for the hash, which tells whether the file was loaded
    before, and once for the lines. What is loaded is always what the hash says: if a large file
    changes in between, it is refused. It may grow: what is read is what it held when it was opened.
    """

    def __init__(self, file: LogFile, earlier: Earlier | None = None) -> None:
        """Read the file for its hash; a large one is looked at before that.

        `earlier` is what may be its beginning. Raises Damaged if it cannot be read, and NoLog.
        """
        self.file = file
        self.form: Form | None = None
        self.end = End()
        self._held: bytes | None = None
        self._beginning: str | None = None
        self._rest: str | None = None
        self._text: _Text | None = None
        self.text_sha256 = ""  # of the text, and its size: known when all pieces were given
        self.text_bytes = 0
        with _failures_as_damage(), file.open() as stream:
            self.bytes = stream.size
            self._clock = _Clock(file.time_limit(self.bytes))
            start = _read_up_to(stream, min(self.bytes, HELD_BYTES))
            self.compression = compression_of(start)
            self.checks_itself = checks_itself(self.compression, start)
            if len(start) == self.bytes:
                self._held = start
                self.sha256 = hashlib.sha256(start).hexdigest()
            else:
                with self.file.open() as again:
                    self._recognise(_Text(decompressed(self.compression, again)), start)
                self._hash(stream, start, earlier)

    def __repr__(self) -> str:
        return f"<content of {self.file.name}>"

    def recognise(self) -> Form:
        """Tell in which form it is a log. Raises NoLog if it is none, and Damaged."""
        if self.form is None:
            with _failures_as_damage():
                text = self._open_text(io.BytesIO(self._held))
                self._recognise(text, self._held)
                self._text = text if self.compression else None
        return self.form

    def begins_with(self, earlier: Earlier) -> bool:
        """Tell whether its text begins with the whole text of an earlier delivery.

        Raises Damaged if it cannot be read that far.
        """
        if not earlier.text_sha256 or not earlier.text_bytes:
            return False
        if self.compression is None and self.bytes < earlier.text_bytes:
            return False
        if self._beginning is None or self.compression:
            with _failures_as_damage(), self._stream() as stream:
                text = _Text(decompressed(self.compression, stream), self._clock, is_hashed=True)
                text.skip(earlier.text_bytes)
                return text.bytes == earlier.text_bytes and (
                    text.hexdigest() == earlier.text_sha256
                )
        return self._beginning == earlier.text_sha256

    def pieces(self, earlier: Earlier | None = None) -> Iterator[Block]:
        """Give every line of the file, in blocks of at most about a mebibyte, in order.

        With `earlier`, which it begins with, from the line on that goes on, or begins, where that
        ends. Afterwards nothing of it is held any more. Raises Damaged if the file is truncated, if
        its checksum is wrong, or if it has changed; NoLog if it is no log.
        """
        form = self.recognise()
        with _failures_as_damage(), self._stream() as stream:
            if earlier is not None:
                self.end = End(earlier.next_line, earlier.next_line_at)
            start = self.end.next_line_at
            is_part = start > 0 and self.compression is None
            checked = _Checked(stream) if self._held is None else None
            if self._text is None or self._held is None:
                text = self._open_text(checked or stream)
                self._text = text if self.compression else None
            else:
                text = self._text
            if is_part:
                stream.seek(start)
            elif start:
                text.skip(start)
            yield from cut_into_blocks(text, self.end, form)
            if checked and checked.finish() != (self._rest if is_part else self.sha256):
                raise Damaged("it changed while it was being read")
        plain = self._text is None
        self.text_sha256 = self.sha256 if plain else self._text.hexdigest()
        self.text_bytes = self.bytes if plain else self._text.bytes
        self._held = self._text = None

    def _open_text(self, stream) -> _Text:
        is_hashed = self.compression is not None
        return _Text(decompressed(self.compression, stream), self._clock, is_hashed)

    def _stream(self) -> BinaryIO:
        if self._held is not None:
            return io.BytesIO(self._held)
        stream = self.file.open()
        stream.size = min(stream.size, self.bytes)
        return stream

    def _hash(self, stream, start: bytes, earlier: Earlier | None) -> None:
        """Hash a large file; a plain one as far as an earlier text went as well, and the rest."""
        digest = hashlib.sha256()
        at = [0, 0]
        if earlier is not None and earlier.text_bytes and self.compression is None:
            at = [earlier.text_bytes, earlier.next_line_at or 0]
        rest = hashlib.sha256() if at[1] else None
        done, chunk = 0, start
        while chunk:
            self._clock.check()
            if done < at[0] <= done + len(chunk):
                beginning = digest.copy()
                beginning.update(chunk[: at[0] - done])
                self._beginning = beginning.hexdigest()
            digest.update(chunk)
            if rest and done + len(chunk) > at[1]:
                rest.update(chunk[max(at[1] - done, 0) :])
            done += len(chunk)
            chunk = stream.read(MEBIBYTE)
        if done != self.bytes:
            raise Damaged("it became shorter while it was being read")
        self.sha256 = digest.hexdigest()
        self._rest = rest.hexdigest() if rest else None

    def _recognise(self, text: _Text, start: bytes) -> None:
        promised = compression_by_name(self.file.name) if self.compression is None else None
        if promised and is_cut_off(start, promised):
            raise EOFError
        is_named = is_named_as_log(self.file.name) and not promised
        try:
            for size in (FIRST_LOOK, SECOND_LOOK):
                window = text.look(size)
                is_final = len(window) < size or size == SECOND_LOOK
                self.form = recognise(window, is_final, is_named)
                if self.form:
                    return
        except NoLog:
            if promised:
                raise Damaged("its compressed data or its checksum is wrong") from None
            raise
        self.form = Form.LINES  # of lines longer than one looks


def require_logs(files: list[LogFile], location: str) -> None:
    """Look at files until one is a log, or may be one. Raises Problem if none is."""
    passed_over: dict[str, str] = {}
    for file in files:
        try:
            if file.no_log:
                raise NoLog(file.no_log)
            Content(file).recognise()
            return
        except Blank:
            continue
        except NoLog as no_log:
            passed_over[file.name] = str(no_log)
        except Damaged:
            return
    what = "nothing there holds events, one JSON object a line"
    if passed_over:
        first = ", ".join(
            f"{name} ({what_it_is})" for name, what_it_is in list(passed_over.items())[:LISTED]
        )
        more = " …" if len(passed_over) > LISTED else ""
        what = f"{counted(len(passed_over), 'file')} passed over: {first}{more}"
    raise Problem(
        f"There are no logs in {location}: {what}. Name the right folder with LOGS=, "
        "--logs or CHATCIJFERS_LOGS."
    )


def cut_into_blocks(stream, end: End | None = None, form: Form = Form.LINES) -> Iterator[Block]:
    """Cut a stream of bytes into blocks of whole lines of UTF-8 text.

    Lines end with a line feed; a last line may lack it. A byte order mark at the start of a line is
    dropped. A line of more than a mebibyte is set aside as `line_too_long` and never held in
    memory; a line that is not UTF-8 as `not_utf8`. Of another form than lines, the elements count
    as lines. `end` is where the stream begins, and afterwards where it ends.
    """
    end = end or End()
    if form is not Form.LINES:
        cut = cut_array if form is Form.ARRAY else cut_sequence
        elements = cut(stream, CHUNK_BYTES, LONGEST_LINE_BYTES, SHOWN_BYTES)
        yield from _joined(elements)
        end.next_line = end.next_line_at = None
        return
    line, line_at = end.next_line, end.next_line_at
    read, carried = line_at, b""
    beginning: bytes | None = None  # of a line that is too long
    while chunk := stream.read(CHUNK_BYTES):
        ends = chunk.find(b"\n")
        read += len(chunk)
        if beginning is not None or (
            len(carried) + (ends if ends >= 0 else len(chunk)) > LONGEST_LINE_BYTES
        ):
            if beginning is None:
                here = chunk[: ends if ends >= 0 else None]
                beginning, carried = (carried + here[:SHOWN_BYTES])[:SHOWN_BYTES], b""
            if ends < 0:
                continue
            yield _too_long(line, beginning)
            line, line_at, beginning = line + 1, read - len(chunk) + ends + 1, None
            chunk = chunk[ends + 1 :]
        ends = chunk.rfind(b"\n")
        if ends >= 0:
            whole = carried + chunk[:ends]
            yield from _blocks(line, whole)
            line += whole.count(b"\n") + 1
            carried = chunk[ends + 1 :]
            line_at = read - len(carried)
        else:
            carried += chunk
    if beginning is not None:
        yield _too_long(line, beginning)
    elif carried:
        yield from _blocks(line, carried)
    end.next_line, end.next_line_at = line, line_at


def _joined(elements: Iterator[Element]) -> Iterator[Block]:
    """Put elements together, one a line."""
    line, together, size = 1, [], 0
    for element in elements:
        if element.is_too_long or len(together) == LINES_OF_BLOCK or size > CHUNK_BYTES:
            if together:
                yield from _blocks(line, b"\n".join(together))
                line, together, size = line + len(together), [], 0
            if element.is_too_long:
                yield _too_long(line, element)
                line += 1
                continue
        together.append(element)
        size += len(element)
    if together:
        yield from _blocks(line, b"\n".join(together))


def _blocks(line: int, content: bytes) -> Iterator[Block]:
    """Make blocks of whole lines, of which the last has no end."""
    if BYTE_ORDER_MARK in content:
        content = MARKS_OF_LINES.sub(b"", content)
    if content.count(b"\n") < LINES_OF_BLOCK:
        yield from _decoded(line, content)
        return
    lines = content.split(b"\n")
    for start in range(0, len(lines), LINES_OF_BLOCK):
        yield from _decoded(line + start, b"\n".join(lines[start : start + LINES_OF_BLOCK]))


def _decoded(line: int, content: bytes) -> Iterator[Block]:
    text = _text(content)
    if text is not None:
        yield Block(line, text)
        return
    lines: list[str] = []
    reason = None
    for number, part in enumerate(content.split(b"\n"), line):
        text = _text(part)
        reason_here = "not_utf8" if text is None else None
        if lines and reason_here != reason:
            yield Block(number - len(lines), "\n".join(lines), reason)
            lines = []
        reason = reason_here
        lines.append(part.decode("utf-8", errors="replace") if text is None else text)
    yield Block(line + content.count(b"\n") + 1 - len(lines), "\n".join(lines), reason)


def _text(content: bytes) -> str | None:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _too_long(line: int, beginning: bytes) -> Block:
    text = beginning.decode("utf-8", errors="replace").replace("\ufeff", "")
    return Block(line, text if text.strip() else UNREADABLE, "line_too_long")


def _read_up_to(stream, size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Clock:
    """The time that one file may take."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds

    def check(self) -> None:
        """Raise Damaged if the time is up."""
        if time.monotonic() > self._ends_at:
            raise Damaged(
                f"it was not read to its end in {self._seconds:,.0f} seconds, which is more than "
                "enough for its size"
            )


class _Text:
    """The text of a file as it comes out of its decompressor, counted and hashed."""

    def __init__(self, stream, clock: _Clock | None = None, is_hashed: bool = False) -> None:
        self._stream = stream
        self._clock = clock
        self._digest = hashlib.sha256() if is_hashed else None
        self._ahead = b""
        self.bytes = 0

    def look(self, size: int) -> bytes:
        """Give the first bytes, which are then read once more."""
        self._ahead += _read_up_to(self._stream, size - len(self._ahead))
        return self._ahead

    def read(self, size: int) -> bytes:
        if self._clock:
            self._clock.check()
        chunk, self._ahead = self._ahead, b""
        if len(chunk) < size:
            chunk += self._stream.read(size - len(chunk))
        if self._digest:
            self._digest.update(chunk)
        self.bytes += len(chunk)
        return chunk

    def skip(self, size: int) -> None:
        """Read some bytes for nothing but the hash."""
        if size < len(self._ahead):
            self._stream = _Before(self._ahead, self._stream)
            self._ahead = b""
        while size > 0 and (chunk := self.read(min(size, MEBIBYTE))):
            size -= len(chunk)

    def hexdigest(self) -> str:
        """SHA-256 of all that was read."""
        return self._digest.hexdigest()


class _Before:
    """A stream with bytes before it, which are read first."""

    def __init__(self, ahead: bytes, stream) -> None:
        self._ahead = ahead
        self._stream = stream

    def read(self, size: int) -> bytes:
        if not self._ahead:
            return self._stream.read(size)
        chunk, self._ahead = self._ahead[:size], self._ahead[size:]
        return chunk


class _Checked(io.RawIOBase):
    """A stream that hashes what passes through."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = self._stream.readinto(buffer)
        self._digest.update(memoryview(buffer)[:size])
        return size

    def finish(self) -> str:
        """Read what is left, and return the hash of everything."""
        while self.read(MEBIBYTE):
            pass
        return self._digest.hexdigest()


@contextmanager
def _failures_as_damage() -> Iterator[None]:
    """Replace what decompressors and file systems raise: it may hold parts of the file."""
    try:
        yield
    except (Damaged, NoLog, Problem):
        raise
    except Exception as error:
        raise Damaged(reason_of(error)) from None


def reason_of(error: Exception) -> str:
    """Say why a file cannot be read, by an error that may hold parts of it."""
    if isinstance(error, EOFError):
        return "it is cut off before its end"
    if isinstance(error, WRONG):
        return "its compressed data or its checksum is wrong"
    if isinstance(error, FileNotFoundError):
        return "it has gone while this was running"
    if isinstance(error, OSError):
        return f"it cannot be read ({error.strerror or type(error).__name__})"
    if isinstance(error, MemoryError):
        return "there is not enough memory to read it"
    return f"reading it failed ({type(error).__name__})"
