"""Lines and files made hostile: sound events full of marks, broken in every way that comes to mind.

Everything is drawn from a `random.Random`: the same seed gives the same bytes.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from backports import zstd

from ingest.event_types import ATTRIBUTES, DATA_FIELDS, EVENT_TYPES
from tests.plants import DIGITS, EMAIL, MARK, PHONE, PLAIN_MARK

FIRST_DAY = datetime(2022, 1, 1, tzinfo=UTC)
DAYS = 365
MARKS = (MARK, PLAIN_MARK, EMAIL, PHONE, DIGITS)
CODED = {"button": "open", "campaign": "tv", "gender": "female", "topics": ["home"]}
ONE_IN_LONG = 2_000  # lines: a mebibyte takes its time
LONGEST = 1024 * 1024
COMPRESSED = {
    "gz": lambda content: gzip.compress(content, mtime=0),
    "zst": lambda content: zstd.compress(content),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def sound_event(draw: Random) -> dict:
    """Draw an event that can be read, with a mark in each identifier and in each free field."""

    def mark() -> str | int:
        one = draw.choice(MARKS)
        number = draw.randrange(10_000)
        return int(f"{DIGITS}{number}") if draw.random() < 0.1 else f"{one}-{number}"

    event_type = draw.choice(list(EVENT_TYPES))
    moment = FIRST_DAY + timedelta(seconds=draw.randrange(DAYS * 86_400))
    event = {
        "specversion": "1.0", "id": mark(), "source": f"/{mark()}", "type": event_type,
        "time": moment.isoformat(), "note": mark(), f"{mark()}": mark(),
    }  # fmt: skip
    if ".session." in event_type:
        event["subject"] = mark()
    data = {field: draw.choice([mark(), CODED.get(field)]) for field in EVENT_TYPES[event_type]}
    fixed = {
        "channel": draw.choice(["chat", "mail"]), "log": draw.choice(["button", "chat"]),
        "scheduled_for": moment.isoformat(), "starts_at": moment.isoformat(),
        "ends_at": (moment + timedelta(days=1)).isoformat(), "age": draw.randrange(121),
        "page": draw.choice(["/", f"https://{EMAIL}/?{PLAIN_MARK}", f"/{mark()}"]),
    }  # fmt: skip
    data |= {field: fixed[field] for field in data if field in fixed}
    return {**event, "data": {**data, "content": f"{mark()} said", "deep": {"er": [mark()]}}}


def line_of(event: dict, draw: Random) -> bytes:
    """Write an event on one line."""
    return json.dumps(event, ensure_ascii=draw.random() < 0.5).encode()


# --- values and structure


def _junk(draw: Random):
    """Draw a value of a kind that nobody expects."""
    return draw.choice([
        None, True, False, "", " ", "\u0000", f"{MARK}\u0000{MARK}", "\ufeff", "\u2028", "null",
        0, -0.0, 10**25, -(10**400), 1e308, 5e-324, 7.0, [], {}, [[]], [MARK], {MARK: MARK},
        {"data": {"visitor": MARK}}, json.dumps({"visitor": MARK}), "{", "[" * 50, "9" * 400,
        "2022-13-45T99:99:99Z", "2022-03-01T12:00:60Z", 1646161320, "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999999+23:59", float("nan"), float("inf"), "�", "'; drop--",
        "%s%n", "\\u0041", f"={MARK}", "💥" * 9, MARK * 200,
    ])  # fmt: skip


def _set_field(event: dict, draw: Random) -> None:
    name = draw.choice([*ATTRIBUTES, "data", "data_base64", "datacontenttype"])
    event[name] = _junk(draw)


def _set_datum(event: dict, draw: Random) -> None:
    if isinstance(event.get("data"), dict):
        event["data"][draw.choice(DATA_FIELDS)] = _junk(draw)


def _drop_field(event: dict, draw: Random) -> None:
    event.pop(draw.choice(list(event)), None)


def _swap_fields(event: dict, draw: Random) -> None:
    one, other = draw.choice(list(event)), draw.choice(list(event))
    event[one], event[other] = event[other], event[one]


def _rename_field(event: dict, draw: Random) -> None:
    name = draw.choice(list(event))
    renamed = draw.choice([name.upper(), f" {name}", f"{name}\u0000", "", f"$.{name}", f"{name}.x"])
    event[renamed] = event.pop(name)


def _hoist_data(event: dict, draw: Random) -> None:
    if isinstance(event.get("data"), dict):
        event.update(event.pop("data"))


def _nest_event(event: dict, draw: Random) -> None:
    inner = dict(event)
    event.clear()
    event[draw.choice(["event", "payload", "data"])] = inner


def _data_as_text(event: dict, draw: Random) -> None:
    event["data"] = json.dumps(event.get("data"))


def _data_as_base64(event: dict, draw: Random) -> None:
    data = json.dumps(event.pop("data", None)).encode()
    cut = draw.choice([len(data), len(data), draw.randrange(len(data))])
    event["data_base64"] = base64.b64encode(data[:cut]).decode()[: draw.choice([None, None, -1])]


STRUCTURE: tuple[Callable[[dict, Random], None], ...] = (
    _set_field, _set_field, _set_datum, _set_datum, _set_datum, _drop_field, _swap_fields,
    _rename_field, _hoist_data, _nest_event, _data_as_text, _data_as_base64,
)  # fmt: skip


# --- bytes

NASTY = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\\ud800", b"\\udfff\\ud800", b"\\u0000", b"\\", b'"', b"\x1e", b"\x1b[2J", b"\r", b"\x85",
    b"\xe2\x80\xa8", b",", b"{", b"}", b"[", b"]", b":", b"\t", b"\x7f", b"NaN", b"/*x*/", b"\n",
)  # fmt: skip


def _cut(line: bytes, draw: Random) -> bytes:
    return line[: draw.randrange(len(line) + 1)]


def _behead(line: bytes, draw: Random) -> bytes:
    return line[draw.randrange(len(line) + 1) :]


def _double_slice(line: bytes, draw: Random) -> bytes:
    start, end = sorted(draw.randrange(len(line) + 1) for _ in range(2))
    return line[:end] + line[start:]


def _insert(line: bytes, draw: Random) -> bytes:
    at = draw.randrange(len(line) + 1)
    return line[:at] + draw.choice(NASTY) + line[at:]


def _prepend(line: bytes, draw: Random) -> bytes:
    return draw.choice(NASTY) * draw.choice([1, 1, 3]) + line


def _append(line: bytes, draw: Random) -> bytes:
    return line + draw.choice(NASTY)


def _flip(line: bytes, draw: Random) -> bytes:
    flipped = bytearray(line)
    for _ in range(draw.choice([1, 1, 2, 9]) if line else 0):
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
    return bytes(flipped)


def _double(line: bytes, draw: Random) -> bytes:
    return line + draw.choice([b"", b" ", b",", b"\r"]) + line


def _wrap(line: bytes, draw: Random) -> bytes:
    before, after = draw.choice([(b"[", b"]"), (b'"', b'"'), (b"{", b"}"), (b"(", b")")])
    return before + line + after


def _double_name(line: bytes, draw: Random) -> bytes:
    name = draw.choice([*ATTRIBUTES, "data"]).encode()
    return b'{"' + name + b'": "' + MARK.encode() + b'", ' + line[1:]


def _deepen(line: bytes, draw: Random) -> bytes:
    depth = draw.choice([10, 100, 1_000, 1_000, 1_000, 1_000, 5_000, 50_000])
    name = draw.choice([b"data", b"deep", MARK.encode()])
    inside = b"[" * depth + b"]" * depth if draw.random() < 0.5 else b'{"a":' * depth + b"1"
    return b'{"' + name + b'": ' + inside + b", " + line[1:]


def _write_numbers(line: bytes, draw: Random) -> bytes:
    number = draw.choice([b"1e5", b"007", b"+1", b"0x1F", b"1_000", b"-0", b"1e99999", b"9" * 5000])
    return line.replace(b"0", number, draw.choice([1, 3]))


def _recode(line: bytes, draw: Random) -> bytes:
    text = line.decode("utf-8", "replace")
    return text.encode(draw.choice(["utf-16", "utf-16-le", "latin-1", "utf-32-be"]), "replace")


def _replace_all(line: bytes, draw: Random) -> bytes:
    return draw.choice([b"", b" ", b"\t\r", b"null", b"{}", b"[]", b"0", MARK.encode(), b"\0" * 9])


BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    _cut, _behead, _double_slice, _insert, _insert, _insert, _prepend, _append, _flip, _flip,
    _double, _wrap, _double_name, _deepen, _write_numbers, _recode, _replace_all,
)  # fmt: skip


def hostile_line(draw: Random) -> bytes:
    """Draw a sound event and break it: not at all, in its structure, in its bytes, or in both."""
    event = sound_event(draw)
    for _ in range(draw.choice([0, 0, 1, 1, 2])):
        if event:
            draw.choice(STRUCTURE)(event, draw)
    line = line_of(event, draw)
    for _ in range(draw.choice([0, 0, 1, 1, 3])):
        line = draw.choice(BYTES)(line, draw)
    if draw.randrange(ONE_IN_LONG) == 0:
        mark = MARK.encode()
        line += b" " * draw.choice([LONGEST - len(line), LONGEST, 70_000]) + mark
    return line


# --- files


@dataclass(frozen=True)
class HostileFile:
    """A file's name and content."""

    name: str
    content: bytes


def hostile_file(number: int, draw: Random) -> HostileFile:
    """Draw a file of sound and of hostile lines, in some form and compression, and break that."""
    share = draw.choice([0, 0, 0.1, 0.5])
    lines = [
        hostile_line(draw) if draw.random() < share else line_of(sound_event(draw), draw)
        for _ in range(draw.choice([1, 3, 30, 30, 200]))
    ]
    form = draw.choice(list(FORMS))
    content = FORMS[form](lines, draw)
    for _ in range(draw.choice([0, 0, 0, 1, 1, 2])):
        content = draw.choice(OF_CONTENT)(content, draw)
    suffix = draw.choice(["", "", "", "gz", "gz", "zst", "bz2", "xz"])
    if suffix:
        content = COMPRESSED[suffix](content)
        for _ in range(draw.choice([0, 0, 0, 1])):
            content = draw.choice(OF_COMPRESSED)(content, draw)
    return HostileFile(_name(number, suffix, draw), content)


def _as_lines(lines: list[bytes], draw: Random) -> bytes:
    end = draw.choice([b"\n", b"\n", b"\n", b"\r\n", b"\n\n"])
    return end.join(lines) + draw.choice([b"", end])


def _as_array(lines: list[bytes], draw: Random) -> bytes:
    return b"[" + draw.choice([b",", b",\n", b" ,\r\n "]).join(lines) + draw.choice([b"]", b"]\n"])


def _as_pretty(lines: list[bytes], draw: Random) -> bytes:
    events = [sound_event(draw) for _ in lines]
    whole = draw.choice([events, *events[:1]])
    return json.dumps(whole, indent=draw.choice([1, 2, 4])).encode()


def _as_sequence(lines: list[bytes], draw: Random) -> bytes:
    return b"".join(b"\x1e" + line + b"\n" for line in lines)


def _as_utf_16(lines: list[bytes], draw: Random) -> bytes:
    text = b"\n".join(lines).decode("utf-8", "replace")
    return text.encode(draw.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32"]))


def _as_table(lines: list[bytes], draw: Random) -> bytes:
    separator = draw.choice([";", ",", "\t"])
    rows = [separator.join([str(number), MARK, EMAIL, PHONE]) for number in range(len(lines))]
    return "\n".join([separator.join(["id", "visitor", "mail", "phone"]), *rows]).encode()


def _as_noise(lines: list[bytes], draw: Random) -> bytes:
    return draw.choice([b"", b"\n" * 3000, b" ", draw.randbytes(5000), b"\0" * 70_000])


FORMS = {
    "lines": _as_lines, "more lines": _as_lines, "most lines": _as_lines, "array": _as_array,
    "pretty": _as_pretty, "sequence": _as_sequence, "UTF-16": _as_utf_16, "table": _as_table,
    "noise": _as_noise,
}  # fmt: skip


def _swap_halves(content: bytes, draw: Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[at:] + content[:at]


def _recompress(content: bytes, draw: Random) -> bytes:
    return COMPRESSED[draw.choice(list(COMPRESSED))](content)


def _join_plain(content: bytes, draw: Random) -> bytes:
    return content + draw.choice([MARK.encode(), b"\0" * 700, b'{"a": 1}\n'])


def _join_member(content: bytes, draw: Random) -> bytes:
    return content + _recompress(line_of(sound_event(draw), draw) + b"\n", draw)


OF_CONTENT: tuple[Callable[[bytes, Random], bytes], ...] = (
    _cut, _behead, _flip, _insert, _prepend, _append, _double, _swap_halves, _recompress,
)  # fmt: skip
OF_COMPRESSED: tuple[Callable[[bytes, Random], bytes], ...] = (
    _cut, _behead, _flip, _flip, _double, _recompress, _join_plain, _join_member, _prepend,
)  # fmt: skip


def _name(number: int, suffix: str, draw: Random) -> str:
    """Draw a name that may say something else than the file is."""
    day = (FIRST_DAY + timedelta(days=draw.randrange(DAYS))).strftime("%Y-%m-%d")
    told = draw.choice([suffix, suffix, suffix, "", *COMPRESSED])
    ending = f".{told}" if told else ""
    return draw.choice([
        f"{number:05}.ndjson{ending}", f"{number:05}-{day}.jsonl{ending}", f"{number:05}.json",
        f"{number:05}.log.1", f"{number:05}", f"{number:05}.ndjson-{day}{ending}",
        f"a folder/{number:05}\u202e\x07.ndjson{ending}", f"{number:05}.TXT",
    ])  # fmt: skip
