"""What is a log is told by its content; what is none is named; one bad file stops nobody."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import os
import socket
import struct
import zipfile
import zlib
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

import ingest.content
from ingest import Problem, Workspace, pull
from ingest.__main__ import main
from ingest.elements import cut_array, cut_sequence
from ingest.name_dates import dates_in_name
from ingest.pull import LEAST_MEMORY
from ingest.reading import Reader
from ingest.recognition import Blank, Damaged, Form, NoLog, recognise
from tests.events import click, deliver, end, helpline, pack, request

PULL = importlib.import_module("ingest.pull")  # `ingest.pull` is its function
NOON = "2022-03-01 12:00"
TODAY = date(2026, 1, 1)
COMPRESS = {"gz": gzip.compress, "zst": zstd.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    """A workspace with a helpline and a folder with one sound log, of one event."""
    logs = tmp_path / "logs"
    deliver(logs, "sound.ndjson", [click("sound", NOON)])
    return Workspace(tmp_path / "data", str(logs), helpline(tmp_path / "helpline"))


def put(workspace: Workspace, name: str, content: bytes) -> Path:
    path = Path(workspace.logs, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def query(workspace: Workspace, sql: str) -> list[tuple]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def read_lines(workspace: Workspace, name: str) -> list[int]:
    """Give the numbers of the lines of a file that became events."""
    rows = query(
        workspace,
        "select line_number from raw.events inner join raw.deliveries using (delivery_id)"
        f" where file = '{name}' order by all",
    )
    return [line for (line,) in rows]


def some(number: int, mark: str = "e") -> list[dict]:
    return [click(f"v{i}", NOON, id=f"{mark}{i}") for i in range(number)]


# --- by content, not by name


@pytest.mark.parametrize(
    ("name", "how"),
    [("events.ndjson-20220102.gz", "gz"), ("button.log.1", None), ("b.ndjson.gzip", "gz"),
     ("b.json.zstd", "zst"), ("b.txt", None), ("b", None), ("b.ndjson", "gz"), ("b.log", "xz"),
     ("b.bz2", "bz2"), ("b.json.xz", "xz"), ("b.gz", None), ("b.zst", "gz"), ("b.csv", "bz2")],
)  # fmt: skip
def test_a_file_that_holds_events_is_a_log_whatever_it_is_called(workspace, name, how):
    content = pack(some(3))
    put(workspace, name, COMPRESS[how](content) if how else content)
    summary = pull(workspace)
    assert (summary.loaded, summary.refusals, summary.passed_over) == (2, {}, {})
    assert read_lines(workspace, name) == [1, 2, 3]


def zip_file() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.ndjson", pack(some(2)))
    return content.getvalue()


OTHERS = {
    "export.zip": (zip_file(), "zip archive"),
    "report.pdf": (b"%PDF-1.7\n" + bytes(range(256)), "PDF"),
    "chart.png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
    "table.parquet": (b"PAR1" + bytes(60) + b"PAR1", "Parquet"),
    "README": (b"These are the logs of our helpline.\nAsk Ann.\n", "text that is no JSON"),
    "app.log": (b"[2022-01-05 10:00:00] INFO started\n" * 30, "text in brackets"),
    "table.csv": (b"id;time\n1;2022\n2;2023\n", "table"),
    "page": (b"<!doctype html>\n<p>x\n", "HTML"),
    "core": (b"\x7fELF" + bytes(300), "program"),
    "random": (bytes(range(1, 256)) * 9, "binary"),
    "brief.txt": ("Beste collega,\nhier zijn de cijfers".encode("utf-16"), "UTF-16"),
    "letter.txt": ("Ce n'est pas à moi.\n" * 9).encode("latin-1") and (
        ("Ce n'est pas \xe0 moi.\n" * 9).encode("latin-1"), "not in UTF-8"),
    "backup.tar.gz": (gzip.compress(bytes(257) + b"ustar" + bytes(250)), "tar archive"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_log_is_passed_over_by_name_until_it_is_gone(workspace, name, caplog, capsys):
    content, what = OTHERS[name]
    path = put(workspace, f"deep/{name}", content)
    summary = pull(workspace)
    assert list(summary.passed_over) == [f"deep/{name}"]
    assert what in summary.passed_over[f"deep/{name}"]
    assert (summary.files, summary.loaded, summary.refusals) == (1, 1, {})
    assert f"deep/{name} is passed over" in caplog.text
    assert "Passed over, as no logs: 1 file." in str(summary)
    [(file, reason, seen_at)] = query(
        workspace, "select file, reason, seen_at from raw.passed_over"
    )
    assert (file, reason) == (f"deep/{name}", summary.passed_over[file])
    main(["deliveries", "--data", str(workspace.data)])
    assert f"passed over: deep/{name}: " in capsys.readouterr().out

    put(workspace, "zz.pdf", OTHERS["report.pdf"][0])
    pull(workspace)
    assert query(workspace, "select seen_at from raw.passed_over order by file")[0] == (seen_at,)
    path.unlink()
    Path(workspace.logs, "zz.pdf").unlink()
    pull(workspace)
    assert query(workspace, "from raw.passed_over") == []


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("end", [".ndjson", ".json", ".jsonl.zst"])
def test_what_is_called_a_log_is_never_passed_over(workspace, name, end):
    content = OTHERS[name][0]
    put(workspace, f"x{end}", content if "." not in end[1:] else zstd.compress(content))
    summary = pull(workspace)
    assert summary.passed_over == {}
    is_text = name in ("README", "app.log", "table.csv", "page")
    assert list(summary.refusals) == ([] if is_text else [f"x{end}"])
    assert summary.rejects == (content.count(b"\n") if is_text else 0)


def test_nothing_but_other_files_are_no_logs_and_named(workspace):
    Path(workspace.logs, "sound.ndjson").unlink()
    put(workspace, "empty", b"")
    put(workspace, "report.pdf", OTHERS["report.pdf"][0])
    put(workspace, "zz.txt", b"Hello\n")
    with pytest.raises(Problem, match=r"no logs .* 2 files passed over: report.pdf \(a PDF"):
        pull(workspace)
    assert not workspace.warehouse.exists()


def test_a_large_file_that_is_no_log_costs_a_look(workspace):
    path = Path(workspace.logs, "video.mp4")
    with path.open("wb") as file:
        file.write(b"\x00\x00\x00\x20ftypisom")
        file.truncate(40 * 1024**3)  # a hole: reading it all would take minutes
    summary = pull(workspace)
    assert "video" in summary.passed_over["video.mp4"]
    assert summary.seconds < 20


def test_hidden_files_are_left_alone_and_unfinished_uploads_named_after_a_day(workspace):
    put(workspace, ".hidden.ndjson", pack(some(1)))
    put(workspace, ".git/x.ndjson", pack(some(1)))
    ends = [".part", ".tmp", ".partial", ".filepart", ".crdownload", ".swp", "~"]
    paths = [put(workspace, f"a.ndjson{end}", pack(some(1))) for end in ends]
    assert pull(workspace).passed_over == {}
    for path in paths:
        os.utime(path, (1_600_000_000, 1_600_000_000))
    summary = pull(workspace)
    assert summary.passed_over == {
        f"a.ndjson{end}": "an upload that was not finished" for end in sorted(ends)
    }


# --- forms


def test_a_json_array_is_read_element_by_element(workspace):
    events = some(5)
    texts = {
        "line.json": json.dumps(events),
        "pretty.json": json.dumps(events, indent=4),
        "batches.json": json.dumps(events[:2]) + "\n" + json.dumps(events[2:]) + "\n",
        "on-end": "\ufeff" + json.dumps(events[:2], indent=1) + json.dumps(events[2:]),
        "crlf.json": json.dumps(events, indent=2).replace("\n", "\r\n"),
        "comma.json": json.dumps(events)[:-1] + ",]",
    }
    for name, text in texts.items():
        put(workspace, name, text.encode())
    put(workspace, "packed.json", gzip.compress(texts["pretty.json"].encode()))
    put(
        workspace,
        "sequence",
        b"".join(b"\x1e" + json.dumps(e, indent=1).encode() + b"\n" for e in events),
    )
    summary = pull(workspace)
    assert (summary.rejects, summary.blank_lines, summary.refusals) == (0, 0, {})
    for name in [*texts, "packed.json", "sequence"]:
        assert read_lines(workspace, name) == [1, 2, 3, 4, 5], name
    assert query(workspace, "select count(distinct event_id) from raw.events") == [(6,)]


def test_what_is_wrong_with_an_element_is_its_own(workspace):
    good = [json.dumps(event).encode() for event in some(3)]
    elements = [
        good[0],
        b'{"a": 1',
        b"7",
        b"\xff",
        b"",
        good[1],
        b'"' + b"x" * 1_100_000 + b'"',
        good[2],
    ]
    elements[1] += b"}"
    put(workspace, "a.json", b"[" + b",\n".join(elements) + b"]")
    summary = pull(workspace)
    assert read_lines(workspace, "a.json") == [1, 6, 8]
    assert query(workspace, "select line_number, reason from raw.rejects order by all") == [
        (2, "not_an_event"), (3, "not_an_event"), (4, "not_utf8"), (7, "line_too_long"),
    ]  # fmt: skip
    assert summary.blank_lines == 1


def test_an_array_without_its_end_is_cut_off(workspace):
    put(workspace, "a.json", json.dumps(some(9)).encode()[:-1])
    assert "cut off" in pull(workspace).refusals["a.json"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    arrays=st.lists(st.lists(VALUES, min_size=1, max_size=5), min_size=1, max_size=4),
    indent=st.sampled_from([None, 0, 3]),
    between=st.sampled_from(["", "\n", " \r\n\n"]),
    chunk=st.integers(1, 40),
)
def test_elements_of_arrays_are_what_json_says(arrays, indent, between, chunk):
    text = between.join(json.dumps(one, indent=indent, ensure_ascii=False) for one in arrays)
    stream = io.BytesIO(text.encode())
    found = [json.loads(one) for one in cut_array(stream, chunk, 10_000, 100)]
    assert found == [value for one in arrays for value in one]
    sequence = "".join("\x1e" + json.dumps(value, indent=indent) + "\n" for value in arrays)
    stream = io.BytesIO(sequence.encode())
    assert [json.loads(one) for one in cut_sequence(stream, chunk, 10_000, 100)] == arrays


def test_a_byte_order_mark_at_the_start_of_any_line_is_no_content(workspace):
    mark = b"\xef\xbb\xbf"
    lines = [json.dumps(event).encode() for event in some(4)]
    content = (
        mark
        + lines[0]
        + b"\n"
        + mark
        + lines[1]
        + b"\r\n"
        + mark
        + mark
        + lines[2]
        + b"\n"
        + mark
        + b"\n"
    )
    put(workspace, "a.ndjson", content + lines[3])
    summary = pull(workspace)
    assert read_lines(workspace, "a.ndjson") == [1, 2, 3, 5]
    assert (summary.rejects, summary.blank_lines) == (0, 1)


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"),
     ("utf-32", "UTF-32"), ("utf-32-le", "UTF-32LE"), ("utf-32-be", "UTF-32BE")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["2022-01-05.ndjson", "log.txt"])
def test_other_encodings_are_named_with_the_remedy(workspace, encoding, named, name):
    put(workspace, name, pack(some(3)).decode().encode(encoding))
    reason = pull(workspace).refusals[name]
    assert f"{named} text" in reason
    assert f"iconv -f {named} -t UTF-8" in reason
    dates = [(date(2022, 1, 5),) * 2] if name[0] == "2" else [(None, None)]
    assert query(workspace, "select starts_on, ends_on from raw.refusals") == dates


def test_pretty_printed_objects_are_named_with_the_remedy(workspace):
    for indent in (0, 2, "\t"):
        text = "".join(json.dumps(event, indent=indent) + "\n" for event in some(3))
        put(workspace, f"{indent!r}.json".replace("\\", ""), text.encode())
    put(workspace, "b.txt", b'{"topics": [\n{"a": 1}\n]}\n')
    summary = pull(workspace)
    assert len(summary.refusals) == 4
    assert {reason for reason in summary.refusals.values() if "jq -c" in reason}
    assert summary.loaded == 1


@pytest.mark.parametrize(
    "first",
    [b'{"a": 1', b'{"a": "x', b"{", b'{"a":', b"{\"a\": {", b"nonsense", b"", b"{}x", b'{"a" 1,',
     b"[1, 2", b"\x8f{}"],
)  # fmt: skip
def test_a_broken_first_line_is_one_line(workspace, first):
    put(workspace, "a.ndjson", first + b"\n" + pack(some(3)))
    summary = pull(workspace)
    assert read_lines(workspace, "a.ndjson") == [2, 3, 4]
    assert summary.rejects + summary.blank_lines == 1


@settings(max_examples=300, deadline=None)
@given(window=st.binary(max_size=60), is_named=st.booleans())
def test_anything_is_something(window, is_named):
    try:
        assert isinstance(recognise(window, True, is_named), Form)
    except Damaged:
        pass
    except NoLog as no_log:
        assert not is_named
        assert str(no_log) or isinstance(no_log, Blank)


# --- dates in names


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("2022-01-05.ndjson", "2022-01-05", "2022-01-05"),
     ("log_20220105.gz", "2022-01-05", "2022-01-05"),
     ("a.ndjson-20220105.gz", "2022-01-05", "2022-01-05"),
     ("x2022_01_05", "2022-01-05", "2022-01-05"),
     ("2022/01/05/a.ndjson", "2022-01-05", "2022-01-05"),
     ("2022/01/a.ndjson", "2022-01-01", "2022-01-31"),
     ("2022-01/05.ndjson", "2022-01-05", "2022-01-05"),
     ("2024-02.ndjson", "2024-02-01", "2024-02-29"),
     ("20220105T0300.ndjson", "2022-01-05", "2022-01-05"),
     ("20220105T030000Z.ndjson", "2022-01-05", "2022-01-05"),
     ("2022-01-05T03:00.ndjson", "2022-01-05", "2022-01-05"),
     ("2022-01-05-03.ndjson", "2022-01-05", "2022-01-05"),
     ("2022-01-05_2022-01-11.ndjson", "2022-01-05", "2022-01-11"),
     ("2022-01-11--2022-01-05.ndjson", "2022-01-05", "2022-01-11"),
     ("2021-12-31/2022-01.ndjson", "2021-12-31", "2022-01-31")],
)  # fmt: skip
def test_dates_are_read_from_names(name, first, last):
    assert dates_in_name(name, TODAY) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "name",
    ["a.ndjson", "2022.ndjson", "2022/a.ndjson", "1641340800.ndjson", "202201050300.ndjson",
     "202201.ndjson", "2022-02-30.ndjson", "2022-13-01", "2022-13", "1989-12-31", "2026-01-02",
     "9999-12-31", "0000-01-01", "120220105", "202201051", "ab2022-01c0de", "2022-0105", "2022-1-5",
     "20220105abcd-4e5f", "05-01-2022-01", "12345-20", "٢٠٢٢-٠١-٠٥"],
)  # fmt: skip
def test_other_numbers_are_no_dates(name):
    assert dates_in_name(name, TODAY) is None


@given(
    days=st.lists(st.dates(date(1980, 1, 1), date(2030, 1, 1)), min_size=1, max_size=3),
    form=st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y_%m_%d", "%Y/%m/%d", "%Y%m%dT%H%M"]),
    glue=st.sampled_from(["-", "_", ".", "to", "/x/"]),
    ends=st.sampled_from([("", ""), ("log-", ".ndjson.gz"), ("a/b.", "-x.log.1")]),
)
def test_what_was_written_into_a_name_is_read_from_it(days, form, glue, ends):
    name = ends[0] + glue.join(day.strftime(form) for day in days) + ends[1]
    possible = [day for day in days if date(1990, 1, 1) <= day <= TODAY]
    expected = (min(possible), max(possible)) if possible else None
    assert dates_in_name(name, TODAY) == expected


@given(name=st.text(alphabet="0123456789-_./Tabc", max_size=40))
def test_whatever_is_read_from_a_name_stands_in_it(name):
    found = dates_in_name(name, TODAY)
    if found:
        first, last = found
        assert date(1990, 1, 1) <= first <= TODAY
        assert first <= last < TODAY + timedelta(days=31)
        assert first.strftime("%Y") in name
        assert last.strftime("%m") in name


def test_dates_of_names_stand_beside_deliveries(workspace):
    put(workspace, "2022/03/a.ndjson", pack(some(1)))
    pull(workspace)
    rows = query(workspace, "select file, starts_on, ends_on from raw.delivery_files order by file")
    assert rows == [
        ("2022/03/a.ndjson", date(2022, 3, 1), date(2022, 3, 31)),
        ("sound.ndjson", None, None),
    ]


# --- one bad file


def long_header() -> bytes:
    body = pack(some(2))
    squeezed = zlib.compressobj(wbits=-15)
    header = b"\x1f\x8b\x08\x08" + bytes(5) + b"\x03" + b"n" * 700_000 + b"\0"
    data = squeezed.compress(body) + squeezed.flush()
    return header + data + struct.pack("<II", zlib.crc32(body), len(body))


def test_things_that_are_no_files_are_named_and_stop_nobody(workspace):
    logs = Path(workspace.logs)
    (logs / "device.ndjson").symlink_to("/dev/zero")
    (logs / "zero").symlink_to("/dev/zero")
    os.mkfifo(logs / "pipe.json")
    (logs / "gone.ndjson").symlink_to("/does/not/exist")
    (logs / "gone").symlink_to("/does/not/exist")
    (logs / "around.ndjson").symlink_to("around.ndjson")
    (logs / "folder.ndjson").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(logs)
        server.bind("s.json")
    summary = pull(workspace)
    assert set(summary.refusals) == {
        "device.ndjson", "pipe.json", "gone.ndjson", "around.ndjson", "s.json",
    }  # fmt: skip
    assert set(summary.passed_over) == {"zero", "gone"}
    assert "a device" in summary.refusals["device.ndjson"]
    assert summary.loaded == 1


def test_a_folder_below_that_may_not_be_read_is_named(workspace, monkeypatch):
    put(workspace, "closed/2022-03-01/a.ndjson", pack(some(1)))
    real = os.scandir

    def refuse(path):
        if str(path).endswith("closed/2022-03-01"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    summary = pull(workspace)
    assert summary.refusals == {"closed/2022-03-01": "it cannot be read (Permission denied)"}
    assert summary.loaded == 1
    assert query(workspace, "select starts_on from raw.refusals") == [(date(2022, 3, 1),)]


@pytest.mark.parametrize("memory", ["1GB", LEAST_MEMORY])
@pytest.mark.parametrize(
    ("content", "lines"),
    [(b"\n" * 2_000_000, 2_000_000), (b"{}\n" * 200_000, 200_000),
     (b"{}\n" + b"\xff\n" * 150_000, 150_001), (b"x\n" * 100_000, 100_000),
     (b'{"type":"helpline.button.clicked","time":"2022-03-01T12:00:00Z"\n' * 80_000, 80_000),
     (b'{"x": ' + b"[" * 500_000 + b"\n", 1), (b'{"x": ' + b"[{" * 400_000, 1),
     (b"{}\n" + b" " * 3_000_000 + b"\n{}", 3)],
)  # fmt: skip
def test_odd_files_take_no_more_memory_than_there_is(workspace, memory, content, lines):
    if memory == LEAST_MEMORY:
        put(workspace, "odd.ndjson.gz", gzip.compress(content, 1))
    else:
        put(workspace, "odd.ndjson", content)
    summary = pull(workspace, memory=memory)
    assert summary.refusals == {}
    [(counted,)] = query(workspace, "select lines from raw.deliveries where file like 'odd%'")
    assert counted == lines
    assert len(read_lines(workspace, "sound.ndjson")) == 1


def test_a_gzip_header_longer_than_half_a_mebibyte_is_that_files_trouble(workspace):
    put(workspace, "a.ndjson.gz", long_header())
    summary = pull(workspace)
    assert list(summary.refusals) == ["a.ndjson.gz"]
    assert summary.loaded == 1


@pytest.mark.parametrize("how", COMPRESS)
def test_a_compressed_file_that_is_cut_off_or_broken_is_damaged(workspace, how):
    content = COMPRESS[how](pack(some(400)))
    put(workspace, f"cut.ndjson.{how}", content[:-1])
    put(workspace, "half", content[: len(content) // 2])
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0x55
    if how != "zst":  # zstd adds a checksum only where it is asked for
        put(workspace, f"flipped.ndjson.{how}", bytes(flipped))
    put(workspace, f"none.ndjson.{how}", b"")
    put(workspace, f"wrong.{how}", b"plain text, and no log")
    put(workspace, f"twice.ndjson.{how}", COMPRESS[how](content))
    put(workspace, f"many.ndjson.{how}", content + COMPRESS[how](pack(some(3, "more"))))
    summary = pull(workspace)
    bad = {f"cut.ndjson.{how}", "half", f"none.ndjson.{how}", f"wrong.{how}", f"twice.ndjson.{how}"}
    assert set(summary.refusals) == bad | ({f"flipped.ndjson.{how}"} if how != "zst" else set())
    assert len(read_lines(workspace, f"many.ndjson.{how}")) == 403


class Odd(Exception):
    """What a library might raise."""


@pytest.mark.parametrize("error", [Odd, MemoryError, RecursionError, OSError, ValueError])
def test_whatever_a_library_raises_over_a_file_is_that_files_trouble(workspace, monkeypatch, error):
    real = ingest.content.decompressed

    class Broken:
        def read(self, size):
            raise error("x'; secret")

    monkeypatch.setattr(
        ingest.content,
        "decompressed",
        lambda how, stream: Broken() if how == "bz2" else real(how, stream),
    )
    put(workspace, "a.ndjson.bz2", bz2.compress(pack(some(2))))
    summary = pull(workspace)
    assert list(summary.refusals) == ["a.ndjson.bz2"]
    assert "secret" not in summary.refusals["a.ndjson.bz2"]
    assert summary.loaded == 1


@pytest.mark.parametrize("error", [Odd, MemoryError])
def test_a_file_that_fails_in_the_reader_is_refused_and_the_others_of_its_batch_are_loaded(
    workspace, monkeypatch, error
):
    real = Reader.read

    def fail(reader, batch, *arguments):
        if any("poison" in text for text in batch.texts):
            raise error("secret")
        return real(reader, batch, *arguments)

    monkeypatch.setattr(Reader, "read", fail)
    for number in range(9):
        lines = some(2, f"f{number}-") + ([click("poison", NOON)] if number in (3, 7) else [])
        deliver(Path(workspace.logs), f"{number}.ndjson", lines)
    deliver(Path(workspace.logs), "again.ndjson", [*some(2, "f3-"), click("poison", NOON)])
    summary = pull(workspace)
    assert {"3.ndjson", "7.ndjson"} <= set(summary.refusals)
    assert summary.loaded == 8
    assert summary.files == summary.loaded + summary.known + summary.refused
    assert len(query(workspace, "from raw.events")) == 15
    monkeypatch.undo()
    monkeypatch.setenv("CHATCIJFERS_KEY", "a key for tests, long enough to be one")
    assert pull(workspace).refusals == {}


def test_a_large_file_that_fails_in_the_reader_leaves_nothing_behind(workspace, monkeypatch):
    monkeypatch.setattr(PULL, "MOST_LINES", 100)
    monkeypatch.setattr(ingest.content, "LINES_OF_BLOCK", 40)
    real = Reader.read

    def fail(reader, batch, *arguments):
        if any("poison" in text for text in batch.texts):
            raise Odd("secret")
        return real(reader, batch, *arguments)

    monkeypatch.setattr(Reader, "read", fail)
    deliver(Path(workspace.logs), "a.ndjson", [*some(500), click("poison", NOON)])
    summary = pull(workspace)
    assert list(summary.refusals) == ["a.ndjson"]
    assert len(query(workspace, "from raw.events")) == 1


def test_a_file_that_takes_longer_than_its_size_allows_is_given_up(workspace, monkeypatch):
    monkeypatch.setenv("CHATCIJFERS_PATIENCE", "0.5")
    bomb = gzip.compress(b"{}" + b" " * 1_000_000_000 + b"\n" + b"{}\n" * 300_000, 1)
    put(workspace, "bomb.ndjson.gz", bomb)
    monkeypatch.setattr("ingest.sources.SLOWEST", 10**12)
    summary = pull(workspace)
    assert "not read to its end in" in summary.refusals.get("bomb.ndjson.gz", "")
    assert summary.loaded == 1


def test_names_are_printed_with_control_characters_escaped(workspace, caplog):
    names = ["a\nb.ndjson", "\x1b[31mred.pdf", "\u202egnp.json", "bell\x07.txt"]
    for number, name in enumerate(names):
        put(workspace, name, pack(some(1, f"n{number}")) if number % 2 == 0 else b"%PDF-1.4")
    Path(os.fsdecode(os.fsencode(workspace.logs) + b"/\xff.json")).write_bytes(pack(some(1, "x")))
    pull(workspace)
    files = {file for (file,) in query(workspace, "select file from raw.delivery_files")}
    assert files == {"a\\nb.ndjson", "\\u202egnp.json", "\\xff.json", "sound.ndjson"}
    passed = {file for (file,) in query(workspace, "select file from raw.passed_over")}
    assert passed == {"\\x1b[31mred.pdf", "bell\\x07.txt"}
    assert all(text.isprintable() for text in caplog.text.splitlines())


def test_a_log_that_is_being_written_to_is_read_as_far_as_it_was(workspace, monkeypatch):
    monkeypatch.setattr(ingest.content, "HELD_BYTES", 100)
    path = put(workspace, "a.ndjson", pack(some(50)))
    original = ingest.content.Content.pieces

    def grown(content, earlier=None):
        with path.open("ab") as file:
            file.write(pack([request("s1", "x", NOON), end("s1", NOON)]))
        return original(content, earlier)

    monkeypatch.setattr(ingest.content.Content, "pieces", grown)
    assert pull(workspace).refusals == {}
    assert len(read_lines(workspace, "a.ndjson")) == 50


# --- lines that cannot be handed on as they are


def test_of_a_line_that_is_no_text_or_too_long_its_type_and_date_are_known(workspace):
    early = '{"type":"helpline.session.ended","time":"2022-02-03T12:00:00Z","x":"'
    lines = [
        b'{"type":"helpline.button.clicked","time":"2022-02-01T12:00:00Z","x":"\xff"}',
        early.encode() + b"x" * 1_200_000 + b'"}',
        b" " * 1_200_000 + early.encode(),
        *(json.dumps(event).encode() for event in some(1)),
        b"\xfe\xfe",
    ]
    put(workspace, "a.ndjson", b"\n".join(lines))
    pull(workspace)
    found = query(
        workspace,
        "select line_number, reason, event_type, local_date from raw.rejects order by all",
    )
    assert found == [
        (1, "not_utf8", "helpline.button.clicked", date(2022, 2, 1)),
        (2, "line_too_long", "helpline.session.ended", date(2022, 2, 3)),
        (3, "line_too_long", None, date(2022, 2, 3)),
        (5, "not_utf8", None, date(2022, 3, 1)),
    ]


def test_lines_before_any_date_have_the_first_date_also_in_a_large_file(workspace, monkeypatch):
    monkeypatch.setattr(PULL, "MOST_LINES", 50)
    monkeypatch.setattr(ingest.content, "LINES_OF_BLOCK", 20)
    deliver(Path(workspace.logs), "a.ndjson", ["nothing"] * 300 + some(300))
    pull(workspace)
    found = query(workspace, "select local_date, count(*) from raw.rejects group by all")
    assert found == [(date(2022, 3, 1), 300)]
