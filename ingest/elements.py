"""The elements of JSON arrays and of JSON text sequences, one by one, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

BETWEEN = re.compile(rb"[ \t\n\v\f\r\xef\xbb\xbf]*")  # white space and byte order marks
OUTSIDE = re.compile(rb'["{}\[\],]')
WITHIN_TEXT = re.compile(rb'["\\]')
ENDS_OF_LINES = bytes.maketrans(b"\r\n", b"  ")
RECORD_SEPARATOR = b"\x1e"


class Element(bytes):
    """What one element holds, on one line; if it is too long, its beginning."""

    is_too_long = False


def cut_array(stream, chunk_bytes: int, longest: int, shown: int) -> Iterator[Element]:
    """Cut JSON arrays into their elements: one array or several, on one line or many.

    What stands between arrays is an element a line. Of an element of more than `longest` bytes, the
    first `shown` are kept. Raises EOFError if the last array has no end.
    """
    scanner = _Scanner(longest, shown)
    while chunk := stream.read(chunk_bytes):
        yield from scanner.feed(chunk)
    yield from scanner.finish()


def cut_sequence(stream, chunk_bytes: int, longest: int, shown: int) -> Iterator[Element]:
    """Cut a JSON text sequence (RFC 7464) into its elements; empty ones are none."""
    element = _Growing(longest, shown)
    while chunk := stream.read(chunk_bytes):
        *ended, going_on = chunk.split(RECORD_SEPARATOR)
        for part in ended:
            element.add(part)
            yield from element.take(is_blank_one=False)
        element.add(going_on)
    yield from element.take(is_blank_one=False)


class _Growing:
    """An element that is being put together."""

    def __init__(self, longest: int, shown: int) -> None:
        self._longest = longest
        self._shown = shown
        self._content = bytearray()
        self._is_too_long = False

    def add(self, part: bytes) -> None:
        if not self._is_too_long:
            self._content += part
            if len(self._content) > self._longest:
                self._is_too_long = True
                del self._content[self._shown :]

    def take(self, is_blank_one: bool = True) -> Iterator[Element]:
        """Give what there is, unless it is blank and blank is none; begin another one."""
        content = bytes(self._content).translate(ENDS_OF_LINES).strip()
        if content or is_blank_one or self._is_too_long:
            element = Element(content)
            element.is_too_long = self._is_too_long
            yield element
        self._content.clear()
        self._is_too_long = False


class _Scanner:
    """Follows brackets and texts, whatever stands between them."""

    def __init__(self, longest: int, shown: int) -> None:
        self._element = _Growing(longest, shown)
        self._depth = 0  # of brackets that are open; the outermost is that of an array
        self._is_text = False
        self._is_stray = False
        self._skips = False  # the first byte of the next chunk, which a backslash stands before

    def feed(self, chunk: bytes) -> Iterator[Element]:
        at = 0
        if self._skips:
            self._skips, at = False, 1
            self._element.add(chunk[:1])
        while at < len(chunk):
            if self._depth:
                at = yield from self._follow(chunk, at)
            elif self._is_stray:
                at = yield from self._stray(chunk, at)
            else:
                at = BETWEEN.match(chunk, at).end()
                if chunk[at : at + 1] == b"[":
                    self._depth, at = 1, at + 1
                else:
                    self._is_stray = at < len(chunk)

    def finish(self) -> Iterator[Element]:
        if self._depth:
            raise EOFError
        if self._is_stray:
            yield from self._element.take(is_blank_one=False)

    def _stray(self, chunk: bytes, at: int):
        end = chunk.find(b"\n", at)
        self._element.add(chunk[at : end if end >= 0 else None])
        if end < 0:
            return len(chunk)
        self._is_stray = False
        yield from self._element.take(is_blank_one=False)
        return end + 1

    def _follow(self, chunk: bytes, at: int):
        """Go on within an array, to its end or that of the chunk; return where that is."""
        start = at
        while found := (WITHIN_TEXT if self._is_text else OUTSIDE).search(chunk, at):
            sign, at = found[0], found.end()
            if sign == b"\\":
                at += 1
                if at > len(chunk):
                    self._skips = True
                    break
            elif sign == b'"':
                self._is_text = not self._is_text
            elif sign in b"{[":
                self._depth += 1
            elif sign in b"}]":
                self._depth -= 1
                if not self._depth:
                    self._element.add(chunk[start : at - 1])
                    yield from self._element.take(is_blank_one=False)
                    return at
            elif self._depth == 1:
                self._element.add(chunk[start : at - 1])
                yield from self._element.take()
                start = at
        self._element.add(chunk[start:])
        return len(chunk)
