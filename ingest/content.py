"""The bytes of one delivered file: their hash, and the lines they decompress to."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from backports import zstd
from isal import igzip, igzip_lib

from ingest.sources import LogFile

MEBIBYTE = 1024 * 1024
HELD_BYTES = 4 * MEBIBYTE  # a file up to this size is read once, a larger one is read twice
CHUNK_BYTES = 128 * 1024
LONGEST_LINE_BYTES = MEBIBYTE
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_CHECKSUM_FLAG = 0b100  # RFC 8878, frame header descriptor


class Damaged(Exception):
    """A delivered file cannot be read to its end; the message says why, and quotes nothing."""


@dataclass(frozen=True, repr=False)
class Block:
    """Whole lines of one file, without the last line's end. Never shows its text.

    With a `reason`, it is one line that is set aside for it: the text is what can be shown of it.
    """

    first_line: int
    text: str
    reason: str | None = None


@dataclass(frozen=True)
class SetAside:
    """A line that cannot be handed on as text, and the reason."""

    line: int
    reason: str


class Content:
    """A delivered file's bytes. A small file is held; a large one is read again, and checked.

    Reading happens twice at most: once for the hash, which tells whether the file was loaded
    before, and once for the lines. What is loaded is always what the hash says: if a large file
    changes in between, it is refused.
    """

    def __init__(self, file: LogFile) -> None:
        """Read the file for its hash. Raises Damaged if it cannot be read."""
        self.file = file
        self._held: bytes | None = None
        with _failures_as_damage(), file.open() as stream:
            start = _read_up_to(stream, HELD_BYTES + 1)
            digest = hashlib.sha256(start)
            self.bytes = len(start)
            if self.bytes <= HELD_BYTES:
                self._held = start
            while self._held is None and (chunk := stream.read(MEBIBYTE)):
                digest.update(chunk)
                self.bytes += len(chunk)
        self.sha256 = digest.hexdigest()
        self.checks_itself = _checks_itself(file.name, start[:5])

    def __repr__(self) -> str:
        return f"<content of {self.file.name}>"

    def pieces(self) -> Iterator[Block | SetAside]:
        """Give every line of the file, in blocks of at most about a mebibyte, in order.

        Raises Damaged if the file is truncated, if its checksum is wrong, or if it has changed.
        """
        with _failures_as_damage(), self._stream() as stream:
            checked = _Checked(stream)
            yield from cut_into_blocks(_decompressed(self.file.name, checked))
            if checked.finish() != self.sha256:
                raise Damaged("it changed while it was being read")

    def _stream(self) -> BinaryIO:
        return self.file.open() if self._held is None else io.BytesIO(self._held)


def cut_into_blocks(stream) -> Iterator[Block | SetAside]:
    """Cut a stream of bytes into blocks of whole lines of UTF-8 text.

    Lines end with a line feed; a last line may lack it. A byte order mark at the start is dropped.
    A line of more than a mebibyte is set aside as `line_too_long` and never held in memory; a line
    that is not UTF-8 as `not_utf8`.
    """
    line, carried, is_too_long = 1, b"", False
    chunk = _read_up_to(stream, CHUNK_BYTES).removeprefix(BYTE_ORDER_MARK)
    while chunk:
        end = chunk.find(b"\n")
        if is_too_long or len(carried) + (end if end >= 0 else len(chunk)) > LONGEST_LINE_BYTES:
            carried, is_too_long = b"", end < 0
            if end >= 0:
                yield SetAside(line, "line_too_long")
                line += 1
            chunk = chunk[end + 1 :] if end >= 0 else b""
            end = chunk.rfind(b"\n")
        else:
            end = chunk.rfind(b"\n")
        if end >= 0:
            whole = carried + chunk[:end]
            yield from _decoded(line, whole)
            line += whole.count(b"\n") + 1
            carried = chunk[end + 1 :]
        else:
            carried += chunk
        chunk = stream.read(CHUNK_BYTES)
    if is_too_long:
        yield SetAside(line, "line_too_long")
    elif carried:
        yield from _decoded(line, carried)


def _decoded(line: int, content: bytes) -> Iterator[Block | SetAside]:
    text = _text(content)
    if text is not None:
        yield Block(line, text)
        return
    run: list[str] = []
    for number, part in enumerate(content.split(b"\n"), line):
        text = _text(part)
        if text is not None:
            run.append(text)
            continue
        if run:
            yield Block(number - len(run), "\n".join(run))
            run = []
        yield SetAside(number, "not_utf8")
    if run:
        yield Block(line + content.count(b"\n") + 1 - len(run), "\n".join(run))


def _text(content: bytes) -> str | None:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _decompressed(name: str, stream):
    if name.lower().endswith(".gz"):
        return _NotEmpty(igzip.IGzipFile(fileobj=stream, mode="rb"), stream)
    if name.lower().endswith(".zst"):
        return zstd.ZstdFile(stream, mode="r")
    return stream


def _checks_itself(name: str, start: bytes) -> bool:
    """Tell whether a compressed file carries a checksum of its content; zstd's is optional."""
    if not name.lower().endswith(".zst") or start[:4] != ZSTD_MAGIC:
        return True
    return bool(start[4:5] and start[4] & ZSTD_CHECKSUM_FLAG)


def _read_up_to(stream, size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Checked(io.RawIOBase):
    """A stream that hashes what passes through."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._digest = hashlib.sha256()
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = self._stream.readinto(buffer)
        self._digest.update(memoryview(buffer)[:size])
        self.bytes += size
        return size

    def finish(self) -> str:
        """Read what is left, and return the hash of everything."""
        while self.read(MEBIBYTE):
            pass
        return self._digest.hexdigest()


class _NotEmpty:
    """A gzip stream. A file of no bytes, which gzip's readers take for an empty one, is cut off."""

    def __init__(self, stream, compressed: _Checked) -> None:
        self._stream = stream
        self._compressed = compressed

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        if not chunk and not self._compressed.bytes:
            raise EOFError
        return chunk


class _failures_as_damage:  # noqa: N801 - reads as a phrase in a `with` statement
    """Replace what decompressors and file systems raise: it may hold parts of the file."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, Damaged):
            return
        reason = _reason(error)
        if reason:
            raise Damaged(reason) from None


def _reason(error: Exception) -> str | None:
    if isinstance(error, EOFError):
        return "it is cut off before its end"
    wrong = (gzip.BadGzipFile, igzip_lib.error, zlib.error, zstd.ZstdError)
    if isinstance(error, wrong):
        return "its compressed data or its checksum is wrong"
    if isinstance(error, FileNotFoundError):
        return "it has gone while this was running"
    if isinstance(error, OSError):
        return f"it cannot be read ({error.strerror or type(error).__name__})"
    return None
