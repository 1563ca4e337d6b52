"""Identifiers planted in logs, and the search for them in everything that a run leaves behind.

    plants = plant(logs)                      # writes log files full of recognisable identifiers
    ...                                       # any run on them
    assert not find_in_files(plants, [data, temporary])
    assert not find_in_tables(plants, data / "warehouse.duckdb")
    assert not find_in_bytes(plants, printed)

Every planted value contains one of a few marks, so that a value that is cut short or put into
another text is found as well; marks are also looked for as base64, hex, JSON and URL escapes, and
as UTF-16.
"""

from __future__ import annotations

import base64
import gzip
import json
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import duckdb
from backports import zstd

from tests.events import answer, click, covered, end, register, request, schedule

MARK = "PLANTéD-7Q"  # with a letter that JSON and URLs escape
PLAIN_MARK = "PLANTED-7Q"
EMAIL = "planted7q@example.org"
PHONE = "+32 470 70 71 72"
DIGITS = "470707172"
MARKS = (MARK, PLAIN_MARK, EMAIL, "planted7q", PHONE, DIGITS, "470 70 71 72")
FIELDS = (
    "visitor", "client", "responder", "channel", "button", "page", "campaign", "scheduled_for",
    "scheduled_by", "gender", "age", "topics", "referred_by", "log", "starts_at", "ends_at",
)  # fmt: skip
ATTRIBUTES = ("specversion", "id", "source", "type", "time", "subject")
WHEN = "2022-03-01 19:02:11"


def plant(folder: Path, *, megabytes: float = 0) -> list[str]:
    """Write logs with planted identifiers into `folder`; return the marks to look for.

    Every field and attribute of every type of event holds a plant at least once, in events that are
    loaded and in such that are set aside for every reason; so do unknown fields, malformed,
    non-UTF-8 and overlong lines, and files that are truncated or damaged. `megabytes` adds one file
    of that size, so that a run with less memory has to be short of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    events = list(_events())
    lines = [*map(_line, events), *_bad_lines(events)]
    content = b"".join(line + b"\n" for line in lines)
    (folder / "plain.ndjson").write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    (folder / "packed.ndjson.gz").write_bytes(gzip.compress(content + b"\n"))
    (folder / "packed.ndjson.zst").write_bytes(zstd.compress(content + b"\n\n"))
    (folder / "truncated.ndjson.gz").write_bytes(gzip.compress(content * 3)[:-9])
    (folder / "damaged.ndjson.gz").write_bytes(_damaged(gzip.compress(content, compresslevel=0)))
    if megabytes:
        _write_large(folder / "large.ndjson", events, int(megabytes * 1e6))
    return list(MARKS)


def _events() -> Iterator[dict]:
    planted = {field: f"{MARK}-{field}" for field in FIELDS}
    for mark in (MARK, EMAIL, PHONE, DIGITS, int(DIGITS)):
        for number, event in enumerate(_valid_events(mark)):
            yield event
            yield {**event, "unknown": mark, "data": {**event["data"], "unknown": {"deep": [mark]}}}
            yield {**event, "id": f"{mark}-{number}", "source": f"/{mark}"}
            for field in FIELDS:
                yield {**event, "data": {**event["data"], field: mark}}
            yield {**event, "data": {**event["data"], **planted}}
            yield {**event, "data": {**event["data"], "topics": [mark, [mark], {mark: mark}]}}
            for attribute in ATTRIBUTES:
                yield {**event, attribute: mark}
            yield {**event, "data": mark}
            yield {**event, "data": [mark]}
            yield {**event, str(mark): mark, "time": "2019-01-01T00:00:00Z"}
            yield {**event, str(mark): mark, "time": "2999-01-01T00:00:00Z"}


def _valid_events(mark) -> list[dict]:
    page = f"https://{EMAIL}/?visitor={mark}#{mark}"
    return [
        click(mark, WHEN, button="open", page=page, campaign=str(mark), source=f"/b/{mark}"),
        click(mark, WHEN, page=f"/{mark}"),
        request(mark, mark, WHEN),
        schedule(mark, mark, WHEN, scheduled_for=WHEN, scheduled_by=mark),
        answer(mark, mark, WHEN),
        end(mark, WHEN),
        {**end(mark, WHEN), "type": "helpline.session.abandoned"},
        register(mark, WHEN, client=mark, gender=mark, age=mark, topics=[mark], referred_by=mark),
        covered("chat", WHEN, "2022-03-02", id=str(mark)),
        {**click(mark, WHEN), "type": f"helpline.{mark}.unknown"},
    ]


def _line(event: dict) -> bytes:
    escaped = event["id"].endswith(("1", "3", "5", "7", "9")) if isinstance(event["id"], str) else 0
    return json.dumps(event, ensure_ascii=bool(escaped)).encode()


def _bad_lines(events: list[dict]) -> Iterator[bytes]:
    one = json.dumps(events[0], ensure_ascii=False).encode()
    mark = MARK.encode()
    yield one[:-5]
    yield b"{" + one
    yield one + one
    yield b'"' + mark + b'"'
    yield b'["' + mark + b'"]'
    yield mark
    yield PHONE.encode() + b";" + EMAIL.encode()
    yield one.replace(mark, mark + b"\xff\xfe")
    yield PLAIN_MARK.encode("utf-16-le")
    yield b'{"id": "' + mark + b'", "id": "' + mark + b'\\ud800"}'
    yield b'{"id": "' + mark + b'", "data": {"visitor": "\\u0000' + mark + b'"}}'
    yield one.replace(mark, mark * 120_000)  # longer than a line may be
    yield one.replace(mark, mark * 50_000)
    yield b'{"' + mark + b'": ' + b"[" * 2000 + b"]" * 2000 + b"}"


def _damaged(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def _write_large(path: Path, events: list[dict], size: int) -> None:
    filler = MARK * 2000
    with path.open("wb") as file:
        number = 0
        while file.tell() < size:
            for event in events:
                number += 1
                identified = {**event, "id": f"{MARK}-{number}", "note": filler}
                file.write(json.dumps(identified, ensure_ascii=False).encode() + b"\n")


def needles(marks: Iterable[str]) -> dict[bytes, str]:
    """Give every form in which a mark may lie in a file: plain, escaped, base64, hex, UTF-16."""
    forms: dict[bytes, str] = {}
    for mark in marks:
        plain = mark.encode()
        texts = {mark, json.dumps(mark)[1:-1], quote(mark), quote(mark, safe=""), repr(plain)[2:-1]}
        found = {text.encode() for text in texts} | {plain}
        found |= {mark.encode("utf-16-le"), mark.encode("utf-16-be")}
        found |= {plain.hex().encode(), plain.hex().upper().encode()}
        for shift in range(3):
            # The characters of base64 that depend on the mark alone, wherever it stands in a text.
            whole = base64.b64encode(b"\0" * shift + plain)
            found.add(whole[(4 * shift + 2) // 3 + (shift > 0) : len(whole) // 4 * 4 - 4])
        forms |= dict.fromkeys(found, mark)
    return forms


def find_in_bytes(marks: Iterable[str], content) -> list[str]:
    """Give the marks that lie in bytes, in any form."""
    return sorted({mark for form, mark in needles(marks).items() if content.find(form) >= 0})


def find_in_files(marks: Iterable[str], places: Iterable[Path]) -> list[str]:
    """Give "file: mark" for every mark in any byte of any file, or in its name, below `places`."""
    found = []
    for place in places:
        for path in sorted(place.rglob("*")):
            found += [f"{path}: {mark}" for mark in find_in_bytes(marks, str(path).encode())]
            if path.is_file() and not path.is_symlink() and path.stat().st_size:
                with path.open("rb") as file, _mapped(file) as content:
                    found += [f"{path}: {mark}" for mark in find_in_bytes(marks, content)]
    return found


def find_in_tables(marks: Iterable[str], database: Path) -> list[str]:
    """Give "table: mark" for every mark in any row of any table of a DuckDB file, as text."""
    forms = {form.decode("utf-8", "replace"): mark for form, mark in needles(marks).items()}
    contained = ", ".join(f"bool_or(contains(text, ${number + 1}))" for number in range(len(forms)))
    found = set()
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal"
            " union all select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        for schema, table in tables:
            name = f'"{schema}"."{table}"'
            sql = f"select {contained} from (select t::varchar as text from {name} as t)"
            [hits] = connection.execute(sql, list(forms)).fetchall()
            found |= {
                f"{name}: {mark}" for mark, hit in zip(forms.values(), hits, strict=True) if hit
            }
    return sorted(found)


def _mapped(file) -> mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
