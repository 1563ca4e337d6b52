"""What a file is, told from the first bytes of its text: a log, and of which form, or none."""

from __future__ import annotations

import codecs
import json
import re
from enum import Enum

FIRST_LOOK = 4 * 1024
SECOND_LOOK = 64 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WHITE = rb"[ \t\n\v\f\r]"
NAMED = re.compile(r".*\.(ndjson|jsonl|json)(\.(gz|zst|bz2|xz))?", re.IGNORECASE | re.DOTALL)

BEFORE = re.compile(rb"(?:\xef\xbb\xbf|" + WHITE + rb")*")
OBJECT = re.compile(rb"\{" + WHITE + rb'*(?:["}]|\Z)')
ARRAY = re.compile(rb"\[" + WHITE + rb"*(?:[{\]]|\Z)")
SEQUENCE = re.compile(rb"\x1e(?:\x1e|" + WHITE + rb")*(?:[{\[]|\Z)")
OBJECT_LINE = re.compile(rb"(?m)^(?:\xef\xbb\xbf)*[ \t]*\{[ \t]*\"")
CONTROL = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
MOST_CONTROL = 0.02  # of bytes that are text, in a text that is damaged here and there

# Magic bytes: where they stand, what they are, and what that is called.
UNPACK = "unpack it if it holds logs"
MAGIC = (
    (0, b"PK\x03\x04", f"a zip archive or a document of an office program: {UNPACK}"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7z archive: {UNPACK}"),
    (0, b"Rar!\x1a\x07", f"a rar archive: {UNPACK}"),
    (257, b"ustar", f"a tar archive: {UNPACK}"),
    (0, b"\x1f\x9d", f"compressed by compress (.Z): {UNPACK}"),
    (0, b"\x04\x22\x4d\x18", f"compressed by lz4: {UNPACK}"),
    (0, b"\xff\x06\x00\x00sNaPpY", f"compressed by snappy: {UNPACK}"),
    (0, b"\x1f\x8b", f"compressed twice: {UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"compressed twice: {UNPACK}"),
    (0, b"\xfd7zXZ\x00", f"compressed twice: {UNPACK}"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x89PNG\r\n", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (0, b"RIFF", "sound, video or a picture (RIFF)"),
    (4, b"ftyp", "a video (MP4)"),
    (0, b"\x1a\x45\xdf\xa3", "a video (Matroska)"),
    (0, b"OggS", "sound or video (Ogg)"),
    (0, b"ID3", "sound (MP3)"),
    (0, b"PAR1", "a table (Parquet)"),
    (0, b"ORC", "a table (ORC)"),
    (0, b"Obj\x01", "a table (Avro)"),
    (0, b"ARROW1", "a table (Arrow)"),
    (0, b"\xd0\xcf\x11\xe0", "a document of an office program"),
    (0, b"{\\rtf", "a document (RTF)"),
    (0, b"SQLite format 3\x00", "a database (SQLite)"),
    (8, b"DUCK", "a database (DuckDB)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"<?xml", "XML"),
)
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# Of four bytes of text in Latin letters, which are zero.
ZEROS = {
    "UTF-32LE": (False, True, True, True),
    "UTF-32BE": (True, True, True, False),
    "UTF-16LE": (False, True, False, True),
    "UTF-16BE": (True, False, True, False),
}


class Form(Enum):
    """How the events of a log are laid out."""

    LINES = "one event a line"
    ARRAY = "JSON arrays of events"
    SEQUENCE = "a JSON text sequence (RFC 7464)"


class Damaged(Exception):
    """A delivered file cannot be read to its end; the message says why, and quotes nothing."""


class NoLog(Exception):
    """A file is no log; the message says what it is instead, and quotes nothing."""


class Blank(NoLog):
    """A file that is not called a log holds nothing."""


def is_named_as_log(name: str) -> bool:
    """Tell whether a file is called a log; such a file is never passed over."""
    return NAMED.fullmatch(name) is not None


def recognise(window: bytes, is_final: bool, is_named: bool) -> Form | None:
    """Tell the form of a log by the beginning of its text, or None if more of it has to be seen.

    With `is_final`, there is no more. Raises NoLog for what is no log, and Damaged for what is one
    in a form that is not read, or for what is called a log (`is_named`) and is no text.
    """
    text = window[BEFORE.match(window).end() :]
    if not text:
        if not is_final:
            return None
        if not is_named:
            raise Blank("it holds nothing")
        return Form.LINES
    if SEQUENCE.match(text):
        return Form.SEQUENCE
    if ARRAY.match(text):
        return Form.ARRAY
    if OBJECT.match(text):
        return _judge_objects(text, is_final)
    if is_named and OBJECT_LINE.search(text) and not _name_by_magic(window):
        return Form.LINES  # with a first line that is damaged
    return _judge_others(window, text, is_named)


def _judge_objects(text: bytes, is_final: bool) -> Form | None:
    line, _, rest = text.partition(b"\n")
    if line.rstrip().endswith(b"}"):
        return Form.LINES
    rest = rest.lstrip()
    if not rest:
        return Form.LINES if is_final else None
    if rest.startswith((b'"', b"}", b"]")) or _spans_lines(text):
        raise Damaged("it is pretty-printed JSON: write one event a line, e.g. with `jq -c .`")
    return Form.LINES


def _spans_lines(text: bytes) -> bool:
    """Tell whether a text begins with an object that is sound JSON and has several lines."""
    decoded = text.decode("utf-8", errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(decoded)
    except (ValueError, RecursionError):
        return False
    return "\n" in decoded[:end]


def _judge_others(window: bytes, text: bytes, is_named: bool) -> Form:
    wide = _wide_encoding(window)
    if wide:
        decoded = window.decode(wide, errors="replace").lstrip("\ufeff \t\r\n")
        if is_named or decoded.startswith(("{", "[", "\x1e")):
            raise Damaged(
                f"it is {wide} text: save it as UTF-8, e.g. with `iconv -f {wide} -t UTF-8`"
            )
        raise NoLog(f"text in {wide}, and no log")
    what = _name_by_magic(window)
    if what is None and _is_binary(window):
        what = "binary data"
    if what is not None:
        if is_named:
            raise Damaged(f"it is no text, but {what}")
        raise NoLog(what)
    is_utf8 = _is_utf8(window)
    if is_named and is_utf8:
        return Form.LINES
    if is_named:
        raise Damaged(
            "it is text, but not in UTF-8: convert it, e.g. with `iconv -f WINDOWS-1252 -t UTF-8`"
        )
    raise NoLog(_name_text(text) if is_utf8 else "text that is not in UTF-8, and no log")


def _wide_encoding(window: bytes) -> str | None:
    """Name the encoding of a text of two or four bytes a letter."""
    for mark, name in BYTE_ORDER_MARKS:
        if window.startswith(mark):
            return name
    head = window[: min(len(window), 256) // 4 * 4]
    for name, zeros in ZEROS.items() if head else ():
        places = [head[place::4] for place in range(4)]
        fits = (
            part.count(0) >= 0.8 * len(part) if is_zero else part.count(0) == 0
            for part, is_zero in zip(places, zeros, strict=True)
        )
        if all(fits):
            return name
    return None


def _name_by_magic(window: bytes) -> str | None:
    for place, magic, what in MAGIC:
        if window.startswith(magic, place):
            return what
    return None


def _is_binary(window: bytes) -> bool:
    return len(CONTROL.findall(window)) > MOST_CONTROL * len(window)


def _is_utf8(window: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(window)  # it may be cut within a letter
    except UnicodeDecodeError:
        return False
    return True


def _name_text(text: bytes) -> str:
    first, _, rest = text.partition(b"\n")
    second = rest.partition(b"\n")[0]
    if first.lstrip()[:1] == b"<":
        return "XML or HTML"
    for separator in (b",", b";", b"\t"):
        columns = first.count(separator)
        if columns and columns == second.count(separator):
            return "a table (CSV): write each row as an event in JSON if it holds events"
    if text[:1] == b"[" and text[1:].lstrip()[:1] in b'"0123456789-[tfn':
        return "text in brackets, or a list of other things than events"
    return "text that is no JSON"
