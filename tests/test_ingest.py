"""Loading: exactly once, every line accounted for, pseudonymised, plain about what is wrong."""

from __future__ import annotations

import errno
import gzip
import hashlib
import hmac
import importlib
import io
import json
import os
import random
import re
import resource
import signal
import stat
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ingest.content
from ingest import Problem, Workspace, pull
from ingest.__main__ import main
from ingest.deliveries import list_deliveries, quarantine, set_status
from ingest.key import Key, make_key, read_key
from ingest.lock import HELD, hold
from ingest.problem import OutOfReach
from ingest.warehouse import open_warehouse
from tests.conftest import KEY
from tests.events import (
    abandon,
    answer,
    click,
    covered,
    deliver,
    end,
    helpline,
    pack,
    register,
    request,
    schedule,
)

EVENTS = (
    "event_id, source_id, event_type, session_id, visitor_id, client_id, responder_id, channel,"
    " button, page, campaign, scheduled_for, scheduled_by, gender, age, topics, referred_by, log,"
    " occurred_at, starts_at, ends_at"
)
NOON = "2022-03-01 12:00"
PULL = importlib.import_module("ingest.pull")  # `ingest.pull` is its function


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    """A workspace with a helpline and an empty folder of logs."""
    logs = tmp_path / "logs"
    logs.mkdir()
    return Workspace(tmp_path / "data", str(logs), helpline(tmp_path / "helpline"))


def logs_of(workspace: Workspace) -> Path:
    return Path(workspace.logs)


def query(workspace: Workspace, sql: str) -> list[tuple]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def rows(workspace: Workspace) -> list[tuple]:
    """Everything that figures can see of the events, with repetitions."""
    return query(workspace, f"select {EVENTS} from raw.events order by all")


def load(workspace: Workspace, lines, name: str = "a.ndjson", compress: str | None = None):
    """Deliver one file and pull."""
    deliver(logs_of(workspace), name, lines, compress)
    return pull(workspace)


def rejects(workspace: Workspace) -> list[tuple]:
    return query(workspace, "select line_number, reason from raw.rejects order by all")


def some_events(number: int = 40) -> list[dict]:
    made = []
    for index in range(number):
        when = f"2022-03-{index % 27 + 1:02} 19:{index % 60:02}"
        session, visitor = f"s{index // 4}", f"v{index % 7}"
        made += [
            click(visitor, when, button="open", page="/", id=f"c{index}"),
            request(session, visitor, when, id=f"r{index}"),
            register(session, when, client=index % 5 + 1, age=14, topics=["home"], id=f"g{index}"),
        ]
    return made


def pseudonym(kind: str, value: str) -> uuid.UUID:
    digest = hmac.new(KEY.encode(), f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()
    return uuid.UUID(digest[:32])


def command(workspace: Workspace, root: Path, *arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", *arguments, "--data", workspace.data],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def pulling(workspace: Workspace) -> list[str]:
    return ["pull", "--logs", workspace.logs, "--helpline", str(workspace.helpline)]


# --- exactly once


def test_a_file_is_loaded_once_however_often_and_under_whatever_name_it_comes(workspace):
    load(workspace, some_events())
    before = rows(workspace)
    deliver(logs_of(workspace), "later/again.ndjson", some_events())

    summary = pull(workspace)

    assert (summary.loaded, summary.known) == (0, 2)
    assert rows(workspace) == before
    [(delivery_id, file)] = query(workspace, "select delivery_id, file from raw.deliveries")
    assert file == "a.ndjson"
    assert delivery_id == hashlib.sha256((logs_of(workspace) / "a.ndjson").read_bytes()).hexdigest()
    names = query(workspace, "select file from raw.delivery_files order by file")
    assert names == [("a.ndjson",), ("later/again.ndjson",)]


def test_the_same_file_twice_in_one_pull_is_one_delivery_with_two_names(workspace):
    deliver(logs_of(workspace), "b.ndjson", some_events())
    load(workspace, some_events(), "a.ndjson")
    assert query(workspace, "select count(*) from raw.deliveries") == [(1,)]
    assert query(workspace, "select count(*) from raw.delivery_files") == [(2,)]
    assert query(workspace, "select count(*) from raw.events") == [(120,)]


def test_order_splits_nights_and_compression_give_the_same_rows(workspace, tmp_path):
    events = some_events()
    load(workspace, events)
    other = Workspace(tmp_path / "other", str(tmp_path / "parts"), workspace.helpline)
    shuffled = random.Random(4).sample(events, len(events))
    for number, start in enumerate(range(0, len(shuffled), 25)):
        part = shuffled[start : start + 25]
        load(other, part, f"part-{9 - number}.jsonl", ["gz", "zst", None][number % 3])
    assert rows(other) == rows(workspace)


def test_a_second_pull_leaves_the_warehouse_as_it_is(workspace):
    load(workspace, some_events())
    before = workspace.warehouse.read_bytes()
    summary = pull(workspace)
    assert summary.known == 1
    assert workspace.warehouse.read_bytes() == before


def test_a_pull_that_is_killed_loses_and_doubles_nothing(workspace, tmp_path, root):
    folder = logs_of(workspace)
    for number in range(30):
        lines = [click(f"v{i}", NOON, id=f"{number}-{i}") for i in range(2000)]
        deliver(folder, f"part-{number:02}.ndjson", lines, "gz")
    deliver(folder, "whole.ndjson", [click(f"v{i}", NOON, id=f"w{i}") for i in range(30000)])
    undisturbed = Workspace(tmp_path / "other", workspace.logs, workspace.helpline)
    pull(undisturbed)

    killed = 0
    for wait in (0.0, 0.1, 0.2, 0.4, 0.6):
        process = command(workspace, root, *pulling(workspace), "--memory", "200MB")
        lock = workspace.data / "lock"
        while process.poll() is None and not (
            lock.exists() and str(process.pid) in lock.read_text()
        ):
            time.sleep(0.01)
        time.sleep(wait)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    pull(workspace)

    assert killed
    assert rows(workspace) == rows(undisturbed)
    ledger = "select delivery_id, file, lines, events from raw.deliveries order by all"
    assert query(workspace, ledger) == query(undisturbed, ledger)


def test_a_large_file_takes_several_batches_and_one_transaction(workspace, monkeypatch):
    monkeypatch.setattr(PULL, "LARGEST_BATCH", 20_000)
    monkeypatch.setattr(PULL, "SMALLEST_BATCH", 20_000)
    monkeypatch.setattr(ingest.content, "CHUNK_BYTES", 3_000)
    monkeypatch.setattr(ingest.content, "HELD_BYTES", 10_000)
    events = some_events(200)
    events[300] = "no event"
    events[599] = b"\xff"
    load(workspace, events)
    assert rejects(workspace) == [(301, "not_json"), (600, "not_utf8")]
    lines = query(workspace, "select line_number from raw.events order by all")
    assert lines == [(line,) for line in range(1, 601) if line not in (301, 600)]


# --- damaged files


def packed(events, how: str) -> bytes:
    checked = {zstd.CompressionParameter.checksum_flag: 1}
    content = pack(events)
    return gzip.compress(content) if how == "gz" else zstd.compress(content, options=checked)


@pytest.mark.parametrize("how", ["gz", "zst"])
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.9, -1])
def test_a_truncated_file_is_refused_whole_and_loaded_once_it_is_whole(workspace, how, kept):
    content = packed(some_events(), how)
    cut = content[:-1] if kept < 0 else content[: int(len(content) * kept)]
    path = logs_of(workspace) / f"b.ndjson.{how}"
    path.write_bytes(cut)
    deliver(logs_of(workspace), "c.ndjson", [click("anna", NOON)])

    summary = pull(workspace)

    assert list(summary.refusals) == [path.name]
    assert "cut off" in summary.refusals[path.name]
    assert query(workspace, "select file, reason from raw.refusals") == [
        (path.name, summary.refusals[path.name])
    ]
    assert query(workspace, "select file from raw.deliveries") == [("c.ndjson",)]
    assert len(rows(workspace)) == 1

    path.write_bytes(content)
    assert pull(workspace).refused == 0
    assert query(workspace, "from raw.refusals") == []
    assert len(rows(workspace)) == 121


@pytest.mark.parametrize("how", ["gz", "zst"])
def test_a_flipped_bit_anywhere_in_the_data_is_noticed(workspace, how):
    content = packed(some_events(), how)
    places = [*range(12, len(content), len(content) // 12), len(content) - 1]
    if how == "gz":
        places += [0, 1, len(content) - 6]  # magic, and the checksum itself
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 0x40
        (logs_of(workspace) / f"flipped-{place:05}.ndjson.{how}").write_bytes(flipped)
    deliver(logs_of(workspace), "sound.ndjson", [click("anna", NOON)])

    summary = pull(workspace)

    assert summary.refused == len(set(places))
    assert len(rows(workspace)) == 1


def test_a_large_damaged_file_leaves_nothing_behind(workspace, monkeypatch):
    monkeypatch.setattr(PULL, "LARGEST_BATCH", 20_000)
    monkeypatch.setattr(PULL, "SMALLEST_BATCH", 20_000)
    content = packed(some_events(1000), "gz")
    (logs_of(workspace) / "a.ndjson.gz").write_bytes(content[:-8])
    load(workspace, [click("anna", NOON)], "b.ndjson")
    assert len(rows(workspace)) == 1
    assert rejects(workspace) == []


def test_a_large_file_that_changes_while_it_is_read_is_refused(workspace, monkeypatch):
    monkeypatch.setattr(ingest.content, "HELD_BYTES", 100)
    deliver(logs_of(workspace), "sound.ndjson", [click("anna", NOON)])
    path = deliver(logs_of(workspace), "a.ndjson", some_events())
    original = ingest.content.Content.pieces

    def changed(content, earlier=None):
        path.write_bytes(path.read_bytes().replace(b"/button", b"/knob  "))
        return original(content, earlier)

    monkeypatch.setattr(ingest.content.Content, "pieces", changed)
    assert "changed" in pull(workspace).refusals["a.ndjson"]
    assert len(rows(workspace)) == 1
    monkeypatch.setattr(ingest.content.Content, "pieces", original)
    assert pull(workspace).loaded == 1


def test_several_members_in_one_gzip_are_one_file(workspace):
    first, second = pack([click("anna", NOON)]), pack([click("bram", NOON)])
    content = gzip.compress(first) + gzip.compress(second)
    (logs_of(workspace) / "a.ndjson.gz").write_bytes(content)
    pull(workspace)
    assert len(rows(workspace)) == 2


# --- lines


def test_every_line_that_does_not_fit_is_set_aside_with_its_number_and_reason(workspace):
    good = click("anna", NOON)
    session = request("s1", "anna", NOON)
    coverage = covered("chat", "2022-03-01", "2022-03-02")

    def data(event, **changes):
        return {**event, "data": {**event["data"], **changes}}

    def without(event, attribute):
        return {name: value for name, value in event.items() if name != attribute}

    expected = [
        (good, None),
        (b'{"id": "\xff"}', "not_utf8"),
        ("{", "not_json"),
        ("no event", "not_json"),
        (json.dumps(good) + json.dumps(good), "not_json"),
        (json.dumps(good)[:-1], "not_json"),
        ("[1, 2]", "not_an_event"),
        ("null", "not_an_event"),
        ("7", "not_an_event"),
        ('"text"', "not_an_event"),
        ("{}", "not_an_event"),
        *((without(good, it), "not_an_event") for it in ("specversion", "id", "source", "type")),
        *(({**good, "id": none}, "not_an_event") for none in (None, "", "null", "undefined", 0)),
        ({**good, "specversion": "0.3"}, "not_an_event"),
        ({**good, "source": ""}, "not_an_event"),
        ({**good, "type": "helpline.button.pressed"}, "unknown_type"),
        ({**good, "type": "HELPLINE.BUTTON.CLICKED"}, "unknown_type"),
        ({**good, "data": "x"}, "bad_data"),
        ({**good, "data": ["x"]}, "bad_data"),
        ({**good, "data": None}, None),
        (without(good, "time"), "bad_time"),
        ({**good, "time": None}, "bad_time"),
        ({**good, "time": 1646132400}, "bad_time"),
        ({**good, "time": "2022-03-01"}, "bad_time"),
        ({**good, "time": "2022-03-01T12:00:00"}, "bad_time"),
        ({**good, "time": "2022-02-29T12:00:00Z"}, "bad_time"),
        ({**good, "time": "2022-03-01T24:00:00Z"}, "bad_time"),
        ({**good, "time": "2022-03-01T12:00:00+0100"}, "bad_time"),
        ({**good, "time": "0000-01-01T00:00:00Z"}, "bad_time"),
        ({**good, "time": "9999-12-31T23:59:59-12:00"}, "bad_time"),
        ({**good, "time": " 2022-03-01T12:00:00Z"}, "bad_time"),
        ({**good, "time": "2999-01-01T12:00:00Z"}, "in_future"),
        ({**good, "time": "2019-12-31T23:59:59.999+01:00"}, "before_start"),
        ({**good, "time": "2020-01-01T00:00:00+01:00"}, None),
        *((without(event, "subject"), "no_session") for event in (
            session, answer("s", "r", NOON), end("s", NOON), abandon("s", NOON),
            register("s", NOON), schedule("s", "v", NOON),
        )),
        *(({**session, "subject": none}, "no_session") for none in (
            None, "", "null", "undefined", "0", 0,
        )),
        (data(session, channel=None), "bad_channel"),
        (data(session, channel="phone"), "bad_channel"),
        (data(schedule("s", "v", NOON), channel=""), "bad_channel"),
        (data(coverage, log="mail"), "bad_coverage"),
        (data(coverage, log=None), "bad_coverage"),
        (data(coverage, starts_at=coverage["data"]["ends_at"]), "bad_coverage"),
        (data(coverage, ends_at="2022-03-01"), "bad_coverage"),
        (data(coverage, ends_at="2999-01-01T00:00:00Z"), "in_future"),
        ({**coverage, "data": None}, "bad_coverage"),
        ('"' + "x" * ingest.content.LONGEST_LINE_BYTES + '"', "line_too_long"),
        (end("s", NOON), None),
    ]  # fmt: skip
    summary = load(workspace, [line for line, _ in expected])
    assert rejects(workspace) == [
        (number, reason) for number, (_, reason) in enumerate(expected, 1) if reason
    ]
    kept = query(workspace, "select line_number from raw.events order by all")
    assert kept == [(number,) for number, (_, reason) in enumerate(expected, 1) if not reason]
    assert sum(summary.reasons.values()) == summary.rejects == len(rejects(workspace))
    assert set(summary.reasons) == {reason for _, reason in expected if reason}


def test_more_than_a_day_after_loading_is_the_future(workspace):
    now = datetime(2022, 3, 1, 12, tzinfo=UTC)
    at = [{**click("v", NOON), "time": time} for time in (
        "2022-03-02T12:00:00Z", "2022-03-02T12:00:00.000001Z", "2022-03-02T13:00:00+01:00",
    )]  # fmt: skip
    deliver(logs_of(workspace), "a.ndjson", at)
    pull(workspace, now=now)
    assert rejects(workspace) == [(2, "in_future")]


def test_crlf_a_byte_order_mark_blank_lines_and_a_last_line_without_end(workspace):
    one, two = (json.dumps(click(name, NOON)).encode() for name in ("anna", "bram"))
    content = b"\xef\xbb\xbf" + one + b"\r\n\r\n \t \n\n" + two + b"\r\n" + one.replace(b"e", b"e")
    (logs_of(workspace) / "a.ndjson").write_bytes(content)
    pull(workspace)
    assert query(workspace, "select line_number from raw.events order by all") == [(1,), (5,), (6,)]
    ledger = "select lines, events, rejects, blank_lines, bytes from raw.deliveries"
    assert query(workspace, ledger) == [(6, 3, 0, 3, len(content))]


def test_an_empty_file_is_a_delivery_without_lines(workspace):
    (logs_of(workspace) / "a.ndjson").write_bytes(b"")
    (logs_of(workspace) / "b.ndjson.gz").write_bytes(gzip.compress(b""))
    deliver(logs_of(workspace), "c.ndjson", [click("anna", NOON)])
    summary = pull(workspace)
    assert (summary.loaded, summary.refused) == (3, 0)
    assert query(workspace, "select sum(lines) from raw.deliveries") == [(1,)]


@pytest.mark.parametrize("size", [-1, 0, 1, 500_000])
def test_a_line_may_be_as_long_as_it_may_be_and_no_longer(workspace, size):
    longest = ingest.content.LONGEST_LINE_BYTES
    event = {**click("anna", NOON), "note": ""}
    short = len(json.dumps(event).encode())
    line = json.dumps({**event, "note": "x" * (longest + size - short)})
    load(workspace, [event, line, event])
    assert rejects(workspace) == ([(2, "line_too_long")] if size > 0 else [])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    content=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [b"", b" ", b"\r", b"\xff", b"{}", b"\x00", b"x" * 400, b"\xef\xbb\xbf"]
            ),
            st.sampled_from([pack([click("v", NOON)])[:-1], pack([end("s", NOON)])[:-1]]),
        ),
        max_size=30,
    ),
    last=st.sampled_from([b"", b"\n"]),
    chunk=st.integers(4, 300),
)
def test_rows_rejects_and_blank_lines_are_all_lines(content, last, chunk):
    whole = b"\n".join(content) + last
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest.content, "CHUNK_BYTES", chunk)
        patch.setattr(ingest.content, "LONGEST_LINE_BYTES", 390)
        pieces = list(ingest.content.cut_into_blocks(io.BytesIO(whole)))
    # Every physical line comes exactly once, under its own number, as text or set aside.
    physical = whole.split(b"\n")
    if not physical[-1]:
        physical.pop()
    found: dict[int, object] = {}
    for piece in pieces:
        for number, line in enumerate(piece.text.split("\n"), piece.first_line):
            assert number not in found
            found[number] = piece.reason or line.encode()
    assert sorted(found) == list(range(1, len(physical) + 1))
    for number, line in enumerate(physical, 1):
        line = re.sub(b"^(\xef\xbb\xbf)+", b"", line) if len(line) <= 390 else line
        if found[number] == "line_too_long":
            assert len(line) > 390
        elif found[number] == "not_utf8":
            with pytest.raises(UnicodeDecodeError):
                line.decode()
        else:
            assert found[number] == line
            assert len(line) <= 390


def test_random_lines_are_all_accounted_for_in_the_ledger(workspace):
    random_lines = random.Random(8)
    good = pack([click("v", NOON), end("s", NOON), covered("chat", NOON, "2022-03-02")]).split(
        b"\n"
    )
    for number in range(20):
        lines = []
        for _ in range(random_lines.randrange(40)):
            line = bytearray(random_lines.choice([*good, b"  ", b"{}", b"[1]"]))
            for _ in range(random_lines.choice([0, 0, 1, 3])):
                if line:
                    line[random_lines.randrange(len(line))] = random_lines.randrange(256)
            lines.append(bytes(line))
        (logs_of(workspace) / f"{number}.ndjson").write_bytes(b"\n".join(lines))
    pull(workspace)
    assert query(
        workspace,
        """
        select count(*) from raw.deliveries as d
        where lines <> events + rejects + blank_lines
            or events <> (select count(*) from raw.events where delivery_id = d.delivery_id)
            or rejects <> (select count(*) from raw.rejects where delivery_id = d.delivery_id)
        """,
    ) == [(0,)]
    for file, lines in query(workspace, "select file, lines from raw.deliveries"):
        content = (logs_of(workspace) / file).read_bytes()
        assert lines == content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


# --- what a row holds


def test_pseudonyms_are_pythons_hmac_and_kinds_differ(workspace):
    load(workspace, [
        click(7, NOON, id="e1", source="/bütton"),
        request("zitting", "7", NOON, id=7),
        answer("zitting", 7, NOON, id="7"),
        register("zitting", NOON, client="7", id="ë"),
        click(12345678901234567890123, NOON, id="e5"),
    ])  # fmt: skip
    found = query(
        workspace,
        "select source_id, event_id, session_id, visitor_id, client_id, responder_id"
        " from raw.events order by line_number",
    )
    session = pseudonym("session", "zitting")
    chat = pseudonym("source", "/chat")
    assert found == [
        (pseudonym("source", "/bütton"), pseudonym("event", "/bütton\x1fe1"), None,
         pseudonym("visitor", "7"), None, None),
        (chat, pseudonym("event", "/chat\x1f7"), session, pseudonym("visitor", "7"), None, None),
        (chat, pseudonym("event", "/chat\x1f7"), session, None, None, pseudonym("responder", "7")),
        (chat, pseudonym("event", "/chat\x1fë"), session, None, pseudonym("client", "7"), None),
        (pseudonym("source", "/button"), pseudonym("event", "/button\x1fe5"), None,
         pseudonym("visitor", "12345678901234567890123"), None, None),
    ]  # fmt: skip
    assert (
        len({pseudonym(kind, "7") for kind in ("visitor", "client", "responder", "session")}) == 4
    )


def test_a_key_longer_than_a_block_is_hashed_as_rfc_2104_says(workspace, monkeypatch):
    long = "ключ, длиннее блока: " + "".join(map(chr, range(1200, 1000, -3)))
    monkeypatch.setenv("CHATCIJFERS_KEY", f"  {long}\n")
    load(workspace, [click("anna", NOON)])
    expected = hmac.new(long.encode(), b"visitor:anna", hashlib.sha256).hexdigest()[:32]
    assert query(workspace, "select visitor_id from raw.events") == [(uuid.UUID(expected),)]


@pytest.mark.parametrize("none", [None, "", "null", "undefined", "0", 0])
def test_what_is_no_identifier_becomes_no_pseudonym(workspace, none):
    one = click("x", NOON)
    one["data"]["visitor"] = none
    two = register("s", NOON)
    two["data"]["client"] = none
    three = answer("s", "r", NOON)
    three["data"]["responder"] = none
    load(workspace, [one, two, three])
    ids = "visitor_id, client_id, responder_id"
    assert query(workspace, f"select distinct {ids} from raw.events") == [(None, None, None)]


def test_codes_pass_and_everything_else_becomes_unlisted(workspace):
    campaign = helpline(workspace.helpline, campaigns=["radio,Radio,2022-01-01,,radio"])
    assert campaign == workspace.helpline
    load(workspace, [
        click("v", NOON, button="busy", campaign="radio"),
        click("v", NOON, button="off", campaign="+32 470 00 00 00"),
        click("v", NOON, button="", campaign=""),
        schedule("s", "v", NOON, scheduled_by="visitor"),
        schedule("s", "v", NOON, scheduled_by="Visitor"),
        register("s", NOON, gender="other", topics=["home", "secret", None, ""], referred_by=1712),
        register("s", NOON, gender=["other"], topics=[None, ""], referred_by="1713"),
        register("s", NOON, topics="home"),
        register("s", NOON, topics=[["home"], {"a": 1}, 7]),
    ])  # fmt: skip
    found = query(
        workspace,
        "select button, campaign, scheduled_by, gender, topics, referred_by from raw.events"
        " order by line_number",
    )
    assert found == [
        ("busy", "radio", None, None, None, None),
        ("unlisted", "unlisted", None, None, None, None),
        (None, None, None, None, None, None),
        (None, None, "visitor", None, None, None),
        (None, None, "unlisted", None, None, None),
        (None, None, None, "other", ["home", "unlisted"], "1712"),
        (None, None, None, "unlisted", None, "unlisted"),
        (None, None, None, None, None, None),
        (None, None, None, None, ["unlisted"] * 3, None),
    ]


@pytest.mark.parametrize(
    ("age", "kept"),
    [(0, 0), (120, 120), (121, None), (-1, None), ("14", 14), ("", None), ("14 jaar", None),
     (14.0, 14), (14.5, None), (True, None), (None, None), ([14], None), ("1e1", None),
     (10**30, None), ("٣", None)],
)  # fmt: skip
def test_an_age_is_a_whole_number_up_to_120(workspace, age, kept):
    event = register("s", NOON)
    event["data"]["age"] = age
    load(workspace, [event])
    assert query(workspace, "select age from raw.events") == [(kept,)]


@pytest.mark.parametrize(
    ("page", "kept"),
    [("/chat", "/chat"), ("https://x.be/chat?visitor=7#top", "/chat"), ("https://x.be", "/"),
     ("//x.be/chat", "/chat"), ("/chat?x", "/chat"), ("/", "/"), ("", None), (None, None),
     ("/other", None), ("/chat/7", None), ("chat", None), ("https://x.be?x=/chat", "/"), (7, None)],
)  # fmt: skip
def test_a_page_is_kept_as_a_path_if_it_is_listed(workspace, page, kept):
    helpline(workspace.helpline, pages=["/", "/chat"])
    event = click("v", NOON)
    event["data"]["page"] = page
    load(workspace, [event])
    assert query(workspace, "select page from raw.events") == [(kept,)]


@pytest.mark.parametrize(
    ("text", "utc"),
    [("2022-03-01T19:02:11.123456+01:00", "2022-03-01 18:02:11.123456"),
     ("2022-03-01T19:02:11Z", "2022-03-01 19:02:11"),
     ("2022-03-01t19:02:11z", "2022-03-01 19:02:11"),
     ("2022-03-01T23:30:00-05:30", "2022-03-02 05:00:00"),
     ("2022-03-01T19:02:11.123456789Z", "2022-03-01 19:02:11.123456"),
     ("2022-10-30T02:30:00+02:00", "2022-10-30 00:30:00"),
     ("2022-10-30T02:30:00+01:00", "2022-10-30 01:30:00")],
)  # fmt: skip
def test_every_time_is_kept_in_utc(workspace, text, utc):
    one = schedule("s", "v", NOON)
    one["time"] = one["data"]["scheduled_for"] = text
    load(workspace, [one])
    moment = datetime.fromisoformat(utc)
    found = query(workspace, "select occurred_at, scheduled_for from raw.events")
    assert found == [(moment, moment)]


def test_the_first_day_begins_at_local_midnight(workspace):
    helpline(workspace.helpline, starts_on=datetime(2022, 7, 1).date(), timezone="Asia/Tokyo")
    at = [{**click("v", NOON), "time": text} for text in (
        "2022-06-30T14:59:59.999999Z", "2022-06-30T15:00:00Z",
    )]  # fmt: skip
    load(workspace, at)
    assert rejects(workspace) == [(1, "before_start")]


def test_a_field_counts_only_in_the_events_that_have_it(workspace):
    everything = {
        "visitor": "v", "client": "c", "responder": "r", "channel": "chat", "button": "open",
        "page": "/", "campaign": "x", "scheduled_for": "2022-03-01T12:00:00Z", "age": 14,
        "scheduled_by": "visitor", "gender": "other", "topics": ["home"], "referred_by": "awel",
        "log": "chat", "starts_at": "2022-03-01T00:00:00Z", "ends_at": "2022-03-02T00:00:00Z",
    }  # fmt: skip
    events = [click("v", NOON), request("s", "v", NOON), schedule("s", "v", NOON), end("s", NOON),
              answer("s", "r", NOON), abandon("s", NOON), register("s", NOON),
              covered("chat", NOON, "2022-03-02")]  # fmt: skip
    load(workspace, [{**event, "subject": "s", "data": everything} for event in events])
    names = [name.strip() for name in EVENTS.split(",")]
    filled = {
        row[names.index("event_type")].removeprefix("helpline."): {
            name for name, value in zip(names, row, strict=True) if value is not None
        } - {"event_id", "source_id", "event_type", "occurred_at", "session_id"}
        for row in rows(workspace)
    }  # fmt: skip
    assert filled == {
        "button.clicked": {"visitor_id", "button", "page", "campaign"},
        "session.requested": {"visitor_id", "channel"},
        "session.scheduled": {"visitor_id", "channel", "scheduled_for", "scheduled_by"},
        "session.answered": {"responder_id"},
        "session.abandoned": set(),
        "session.ended": set(),
        "session.registered": {"client_id", "gender", "age", "topics", "referred_by"},
        "log.covered": {"log", "starts_at", "ends_at"},
    }
    without = "select event_type from raw.events where session_id is null order by all"
    assert query(workspace, without) == [("helpline.button.clicked",), ("helpline.log.covered",)]


# --- new settings


def test_new_codes_have_every_file_read_again_and_keep_what_was_decided(workspace, tmp_path):
    first = [register("s", NOON, gender="girl")]
    load(workspace, first, "a.ndjson")
    load(workspace, [click("v", NOON)], "b.ndjson")
    other = hashlib.sha256(pack(first)).hexdigest()
    set_status(workspace.warehouse, other, "accepted", "seen")
    loaded_at = query(workspace, "select loaded_at from raw.deliveries order by file")
    assert query(workspace, "select gender from raw.events where gender is not null") == [
        ("unlisted",)
    ]

    helpline(workspace.helpline, codes=["gender,girl,Meisje,Girl,1"])
    summary = pull(workspace)

    assert (summary.read_again, summary.loaded, summary.known) == (2, 0, 0)
    genders = "select gender from raw.events where gender is not null"
    assert query(workspace, genders) == [("girl",)]
    assert query(workspace, "select count(*) from raw.events") == [(2,)]
    status = "select status, status_reason from raw.deliveries order by file"
    assert query(workspace, status) == [("accepted", "seen"), ("loaded", None)]
    assert query(workspace, "select loaded_at from raw.deliveries order by file") == loaded_at
    assert pull(workspace).known == 2


def test_a_new_reading_lifts_a_quarantine_and_keeps_what_a_person_decided(workspace):
    for name in ("a", "b", "c"):
        load(workspace, [click(name, NOON)], f"{name}.ndjson")
    a, b, c = (
        row[0] for row in query(workspace, "select keyed_id from raw.deliveries order by file")
    )
    with open_warehouse(workspace.warehouse) as connection:
        quarantine(connection, {a: "odd"})
    set_status(workspace.warehouse, b, "accepted", "seen")
    set_status(workspace.warehouse, c, "withdrawn", "of a test")
    status = "select status, status_reason from raw.deliveries order by file"
    decided = [("accepted", "seen"), ("withdrawn", "of a test")]
    assert pull(workspace).known == 3
    assert query(workspace, status) == [("quarantined", "odd"), *decided]

    helpline(workspace.helpline, pages=["/", "/chat"])

    assert pull(workspace).read_again == 3
    assert query(workspace, status) == [("loaded", None), *decided]


def test_a_file_that_is_gone_keeps_its_old_reading_and_is_named(workspace, caplog):
    load(workspace, [click("v", NOON)], "a.ndjson")
    load(workspace, [end("s", NOON)], "b.ndjson")
    (logs_of(workspace) / "a.ndjson").unlink()
    helpline(workspace.helpline, pages=["/", "/chat"])
    summary = pull(workspace)
    assert summary.outdated == ["a.ndjson"]
    assert "a.ndjson" in caplog.text
    assert len(rows(workspace)) == 2


def test_settings_that_do_not_change_a_row_have_nothing_read_again(workspace):
    load(workspace, [click("v", NOON)])
    helpline(workspace.helpline, attempt_gap_minutes=5, closures=["2022-12-25,Christmas"])
    assert pull(workspace).known == 1
    assert query(workspace, "select attempt_gap_minutes from raw.settings") == [(5,)]
    assert query(workspace, "select reason from raw.closures") == [("Christmas",)]


# --- decisions


def test_quarantine_leaves_what_a_person_decided(workspace):
    for name in ("a", "b", "c"):
        load(workspace, [click(name, NOON)], f"{name}.ndjson")
    a, b, c = (
        row[0] for row in query(workspace, "select keyed_id from raw.deliveries order by file")
    )
    decided = [("accepted", "seen"), ("withdrawn", "of a test")]
    set_status(workspace.warehouse, b[:8], *decided[0])
    set_status(workspace.warehouse, c[:8], *decided[1])
    for verdict, found in [
        ({a: "odd", b: "odd", c: "odd"}, ("quarantined", "odd")),
        ({a: "odder"}, ("quarantined", "odder")),
        ({}, ("loaded", None)),
    ]:
        with open_warehouse(workspace.warehouse) as connection:
            quarantine(connection, verdict)
        statuses = "select status, status_reason from raw.deliveries order by file"
        assert query(workspace, statuses) == [found, *decided]


# --- exclusions


VISITOR = "9F1C2D3E-4B5A-4789-8ABC-0123456789AB"
EXCLUSIONS = "exclusion,field,value,starts_at,ends_at,reason,author,expected_events\n"


@pytest.mark.parametrize("written", [VISITOR, VISITOR.lower(), VISITOR.replace("-", "")])
@pytest.mark.parametrize(
    "event",
    [
        lambda one: click(one, NOON),
        lambda one: request(one, "v", NOON),
        lambda one: answer("s", one, NOON),
        lambda one: register("s", NOON, client=one),
    ],
)
def test_an_identifier_in_clear_that_looks_like_a_pseudonym_is_refused(workspace, event, written):
    exclusions = workspace.helpline / "exclusions.csv"
    exclusions.write_text(f"{EXCLUSIONS}staff,visitor,{VISITOR.lower()},,,a test,me,1\n")
    deliver(logs_of(workspace), "a.ndjson", [event(written)])

    with pytest.raises(
        Problem, match=r"exclusions\.csv:2: value is an identifier in clear"
    ) as told:
        pull(workspace)

    assert VISITOR.lower() not in str(told.value).lower()
    assert query(workspace, "select count(*) from raw.exclusions") == [(0,)]
    for file in workspace.data.rglob("*"):
        assert file.is_dir() or VISITOR.lower().encode() not in file.read_bytes().lower()


def test_a_pseudonym_of_the_logs_is_an_exclusion(workspace):
    load(workspace, [click(VISITOR, NOON)])
    [(pseudonym,)] = query(workspace, "select visitor_id::varchar from raw.events")
    assert pseudonym == Key(KEY).pseudonym("visitor", VISITOR)
    exclusions = workspace.helpline / "exclusions.csv"
    exclusions.write_text(f"{EXCLUSIONS}staff,visitor,{pseudonym},,,a test,me,1\n")
    pull(workspace)
    assert query(workspace, "select value from raw.exclusions") == [(pseudonym,)]
    exclusions.unlink()
    pull(workspace)
    assert query(workspace, "select value from raw.exclusions") == []


@pytest.mark.parametrize(
    ("beginning", "reason", "message"),
    [("000000", "x", "No delivery"), ("", "x", "No delivery"), ("KNOWN3", "x", "too short"),
     ("KNOWN12", " ", "needs a reason")],
)  # fmt: skip
def test_a_decision_names_one_delivery_and_a_reason(workspace, beginning, reason, message):
    load(workspace, [click("v", NOON)])
    [(known,)] = query(workspace, "select delivery_id from raw.deliveries")
    if beginning.startswith("KNOWN"):
        beginning = known[: int(beginning[5:])]
    with pytest.raises(Problem, match=message):
        set_status(workspace.warehouse, beginning, "accepted", reason)


def test_the_commands_decide_and_list(workspace, root):
    load(workspace, [click("v", NOON)], "a.ndjson")
    load(workspace, ["x"], "b.ndjson")
    (logs_of(workspace) / "c.ndjson.gz").write_bytes(b"\x1f\x8b")
    pull(workspace)
    wanted = hashlib.sha256(b"x\n").hexdigest()
    with open_warehouse(workspace.warehouse) as connection:
        quarantine(connection, {Key(KEY).delivery_id(wanted): "nothing readable"})
    out, _ = command(workspace, root, "deliveries").communicate()
    lines = out.splitlines()
    assert lines[0].startswith("damaged: c.ndjson.gz: it is cut off")
    assert "quarantined" in lines[2]
    assert "b.ndjson (nothing readable)" in lines[2]
    assert "a.ndjson" in lines[3]
    done = command(workspace, root, "accept", wanted[:10], "--reason", "as it should be")
    assert "accepted" in done.communicate()[0]
    assert [one.status for one in list_deliveries(workspace.warehouse)[0]].count("accepted") == 1
    done = command(workspace, root, "withdraw", "ffff0000ffff", "--reason", "no")
    out, err = done.communicate()
    assert done.returncode == 1
    assert "Traceback" not in err
    assert "No delivery" in err


# --- the key


def no_key_in_environment(monkeypatch):
    monkeypatch.delenv("CHATCIJFERS_KEY")
    monkeypatch.delenv("CHATCIJFERS_KEY_FILE", raising=False)


def test_without_a_key_nothing_starts(workspace, monkeypatch):
    no_key_in_environment(monkeypatch)
    deliver(logs_of(workspace), "a.ndjson", [click("v", NOON)])
    with pytest.raises(Problem, match="python -m ingest key"):
        pull(workspace)
    assert not workspace.warehouse.exists()


def test_a_made_key_is_private_random_and_never_replaced(workspace, tmp_path, monkeypatch):
    no_key_in_environment(monkeypatch)
    assert make_key(workspace)
    content = workspace.key_file.read_bytes()
    assert stat.S_IMODE(workspace.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(workspace.data.stat().st_mode) == 0o700
    assert not make_key(workspace)
    assert workspace.key_file.read_bytes() == content
    assert [path.name for path in workspace.data.iterdir()] == ["key"]
    other = Workspace(tmp_path / "other", "", tmp_path)
    make_key(other)
    assert other.key_file.read_bytes() != content


def test_a_lost_key_is_not_replaced_by_a_new_one(workspace, monkeypatch):
    no_key_in_environment(monkeypatch)
    make_key(workspace)
    load(workspace, [click("v", NOON)])
    workspace.key_file.unlink()
    with pytest.raises(Problem, match="put the old key back"):
        make_key(workspace)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o601])
def test_a_key_file_that_others_can_use_is_refused(workspace, monkeypatch, mode):
    no_key_in_environment(monkeypatch)
    make_key(workspace)
    workspace.key_file.chmod(mode)
    with pytest.raises(Problem, match="chmod 600 "):
        read_key(workspace)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"short", "at least 32"), (b" " * 40, "at least 32"), (b"\xff" * 40, "not UTF-8"),
     (b"x" * 40 + b"\ny", "more than one line")],
)  # fmt: skip
def test_a_key_that_is_none_is_refused_without_being_shown(
    workspace, monkeypatch, content, message
):
    no_key_in_environment(monkeypatch)
    make_key(workspace)
    workspace.key_file.write_bytes(content)
    with pytest.raises(Problem, match=message) as caught:
        read_key(workspace)
    assert "short" not in str(caught.value)


def test_a_key_is_read_from_the_file_stripped(workspace, monkeypatch):
    no_key_in_environment(monkeypatch)
    make_key(workspace)
    workspace.key_file.write_text(f"\n {KEY} \n")
    assert read_key(workspace).fingerprint == Key(KEY).fingerprint
    expected = hmac.new(KEY.encode(), b"fingerprint", hashlib.sha256).hexdigest()[:16]
    assert Key(KEY).fingerprint == expected
    assert KEY not in repr(Key(KEY))


def test_another_key_is_refused_and_leaves_the_warehouse_alone(workspace, monkeypatch):
    load(workspace, [click("v", NOON)])
    before = workspace.warehouse.read_bytes()
    monkeypatch.setenv("CHATCIJFERS_KEY", KEY[::-1])
    deliver(logs_of(workspace), "b.ndjson", [end("s", NOON)])
    with pytest.raises(Problem, match="another one than"):
        pull(workspace)
    assert workspace.warehouse.read_bytes() == before


# --- places


@pytest.mark.parametrize(
    ("location", "message"),
    [("/does/not/exist", "no folder of logs"), ("s3://bucket/logs", "s3://"),
     ("file://elsewhere/logs", "another machine")],
)  # fmt: skip
def test_a_place_without_logs_is_named(workspace, location, message):
    with pytest.raises(Problem, match=message):
        pull(Workspace(workspace.data, location, workspace.helpline))


@pytest.mark.parametrize("call", ["scandir", "stat"])
def test_a_folder_that_does_not_answer_is_out_of_reach(workspace, monkeypatch, call):
    load(workspace, [click("v", NOON)], "a.ndjson")
    real = getattr(os, call)

    def fail(path=".", *arguments, **options):
        if str(path).startswith(workspace.logs):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutOfReach, match=r"logs cannot be read \(Input/output error\)"):
        pull(workspace)


def test_a_wrong_place_is_not_out_of_reach(workspace):
    deliver(logs_of(workspace), "a.ndjson", [click("v", NOON)])
    for wrong in ("/does/not/exist", str(Path(workspace.logs, "a.ndjson"))):
        with pytest.raises(Problem, match="no folder of logs") as caught:
            pull(Workspace(workspace.data, wrong, workspace.helpline))
        assert not isinstance(caught.value, OutOfReach)


def test_an_empty_folder_is_a_problem_and_so_are_hidden_and_unfinished_files_alone(workspace):
    folder = logs_of(workspace)
    for name in (
        ".hidden.ndjson",
        "a.ndjson.part",
        "a.ndjson.tmp",
        "a.json~",
    ):
        (folder / name).write_bytes(b"{}")
    with pytest.raises(Problem, match="There are no logs"):
        pull(workspace)
    deliver(folder / "deep" / "er", "a.JSON", [click("v", NOON)])
    assert pull(workspace).files == 1
    assert pull(Workspace(workspace.data, f"file://{folder}", workspace.helpline)).known == 1


def test_the_state_folder_holds_no_logs_unless_it_is_asked_for_them(tmp_path, key):
    folder = tmp_path / "place"
    deliver(folder, "a.ndjson", [click("v", NOON)])
    deliver(folder / "data" / "other", "b.ndjson", [click("w", NOON)])
    state = folder / "data"
    state.chmod(0o710)
    helpline(tmp_path / "h")
    assert pull(Workspace(state, str(folder), tmp_path / "h")).files == 1
    assert pull(Workspace(state, str(state / "other"), tmp_path / "h")).files == 1


def test_simulated_logs_and_a_helplines_own_are_never_mixed(tmp_path, key):
    helpline(tmp_path / "h")
    states = [tmp_path / "first", tmp_path / "second"]
    deliver(tmp_path / "logs", "a.ndjson", [click("v", NOON)])
    for state in states:
        deliver(state / "simulated", "b.ndjson", [click("w", NOON)])
        state.chmod(0o710)
    own = [Workspace(state, str(tmp_path / "logs"), tmp_path / "h") for state in states]
    simulated = [Workspace(state, str(state / "simulated"), tmp_path / "h") for state in states]

    pull(own[0])
    pull(own[0])
    with pytest.raises(Problem, match=r"filled with a helpline's own logs.*Name the logs"):
        pull(simulated[0])
    assert pull(own[0]).known == 1

    pull(simulated[1])
    pull(simulated[1])
    with pytest.raises(Problem, match=r"filled with simulated logs.*another state folder"):
        pull(own[1])
    with pytest.raises(Problem, match="filled with simulated logs"):
        PULL.pull_more(simulated[1], str(tmp_path / "logs"))


def test_everything_a_pull_writes_is_for_its_owner_only(workspace):
    load(workspace, [click("v", NOON)])
    assert stat.S_IMODE(workspace.data.stat().st_mode) == 0o710  # the group passes, to the releases
    for path in workspace.data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


# --- another run, no room


def test_a_second_run_at_the_same_time_says_so(workspace, root):
    load(workspace, [click("v", NOON)])
    with hold(workspace.data):
        with pytest.raises(Problem, match=r"Another run is using .* process .* since"):
            pull(workspace)
        done = command(workspace, root, *pulling(workspace))
        _, err = done.communicate()
        assert done.returncode == 1
        assert "Another run is using" in err
        environment = {**os.environ, HELD: "1"}
        child = command(workspace, root, *pulling(workspace), env=environment)
        assert "1 loaded before" in child.communicate()[1]
    assert pull(workspace).known == 1


def test_a_lock_waits_as_long_as_it_is_told(workspace):
    with hold(workspace.data):
        started = time.monotonic()
        with pytest.raises(Problem), hold(workspace.data, wait_seconds=0.5):
            pass
        assert 0.4 < time.monotonic() - started < 5


def test_a_warehouse_that_another_program_has_open_says_so(workspace):
    load(workspace, [click("v", NOON)])
    program = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True);"
        " time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(workspace.warehouse)], stdout=subprocess.PIPE
    )
    try:
        other.stdout.readline()
        with pytest.raises(Problem, match="in use by another process"):
            pull(workspace)
    finally:
        other.kill()
        other.communicate()


def test_no_room_to_write_is_said_and_nothing_is_half_loaded(workspace, root):
    load(workspace, [click("v", NOON)], "a.ndjson")
    before = rows(workspace)
    many = [click(f"v{i}", NOON, id=f"{i}-{random.random()}") for i in range(20000)]
    deliver(logs_of(workspace), "b.ndjson", many)
    limit = workspace.warehouse.stat().st_size + 100_000

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = command(workspace, root, *pulling(workspace), preexec_fn=small_disk)
    _, err = done.communicate()

    assert done.returncode == 1, err
    assert "no room left" in err
    assert "Traceback" not in err
    assert rows(workspace) == before
    assert query(workspace, "select file from raw.deliveries") == [("a.ndjson",)]
    assert pull(workspace).loaded == 1
    assert len(rows(workspace)) == 20001


@pytest.mark.parametrize("room", ["300k", "2m", "4m"])
def test_a_full_disk_is_said_and_nothing_is_half_loaded(workspace, root, room):
    many = [click(f"v{i}", NOON, id=f"{i}-{random.random()}") for i in range(20000)]
    deliver(logs_of(workspace), "b.ndjson", many)
    workspace.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", workspace.data]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        for _ in range(2):
            done = command(workspace, root, *pulling(workspace), "--memory", "200MB")
            _, err = done.communicate()
            assert done.returncode == 1
            assert "no room left" in err
            assert "Traceback" not in err
        subprocess.run(["mount", "-o", "remount,size=100m", workspace.data], check=True)
        assert pull(workspace).loaded == 1
        assert len(rows(workspace)) == 20000
    finally:
        subprocess.run(["umount", workspace.data], check=True)


def test_an_empty_warehouse_file_is_filled_and_a_foreign_one_is_left_alone(workspace):
    workspace.data.mkdir(mode=0o700)
    workspace.warehouse.touch(mode=0o600)
    load(workspace, [click("v", NOON)])
    assert len(rows(workspace)) == 1
    workspace.warehouse.write_bytes(b"something else" * 1000)
    with pytest.raises(Problem, match="is damaged: it is no DuckDB file"):
        pull(workspace)
    assert workspace.warehouse.read_bytes() == b"something else" * 1000


def test_a_warehouse_of_another_version_is_refused(workspace):
    load(workspace, [click("v", NOON)])
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute("update raw.warehouse set schema_version = 99")
    with pytest.raises(Problem, match="another version"):
        pull(workspace)


@pytest.mark.parametrize("memory", ["much", "", "1KB", "-1GB", "40MB", "149MB"])
def test_memory_that_is_none_or_too_little_is_said(workspace, memory):
    deliver(logs_of(workspace), "a.ndjson", some_events())
    with pytest.raises(Problem, match="memory"):
        pull(workspace, memory=memory or " ")


def test_the_least_memory_that_is_named_is_enough(workspace):
    deliver(logs_of(workspace), "a.ndjson", some_events())
    assert pull(workspace, memory=PULL.LEAST_MEMORY).loaded == 1


def test_there_is_no_ledger_before_the_first_pull(workspace):
    with pytest.raises(Problem, match="no warehouse"), open_warehouse(workspace.warehouse):
        pass


def test_help_tells_how_to_use_it(root):
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "--help"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for word in (
        "pull",
        "check",
        "deliveries",
        "accept",
        "withdraw",
        "key",
        "CHATCIJFERS_KEY_FILE",
        f"at least {PULL.LEAST_MEMORY}",
    ):
        assert word in done.stdout


def test_fields_that_do_not_fit_are_empty_and_counted(workspace):
    fits = register("s1", NOON, age=14, topics=["home"])
    load(
        workspace,
        [
            fits,
            {**fits, "id": "2", "data": {"age": 121, "topics": "home"}},
            {**fits, "id": "3", "data": {"age": None, "topics": None}},
            {**schedule("s1", "v", NOON), "data": {"channel": "chat", "scheduled_for": "soon"}},
        ],
    )
    rows = query(
        workspace, "select unfit_fields, age, topics, scheduled_for from raw.events order by all"
    )
    assert sorted(row[0] for row in rows) == [0, 0, 1, 2]
    assert [row[1:] for row in rows if row[0]] == [(None, None, None)] * 2


def test_why_lines_were_set_aside_is_listed_without_what_they_say(workspace, capsys):
    events = [click("v", NOON), *({"not": "an event"} for _ in range(12)), click("w", "2199-01-01")]
    load(workspace, events)
    [delivery] = list_deliveries(workspace.warehouse)[0]
    assert main(["rejects", delivery.keyed_id[:8], "--data", str(workspace.data)]) == 0
    said = capsys.readouterr().out
    assert "13 of 14 lines set aside" in said
    assert "12  not_an_event: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 …" in said
    assert "1  in_future: 14\n" in said


def test_under_which_pseudonym_somebody_is_kept(workspace, monkeypatch, capsys):
    load(workspace, [click("visitor-1", NOON)])
    monkeypatch.setattr("sys.stdin", io.StringIO("visitor-1\n"))
    assert main(["pseudonym", "visitor", "--data", str(workspace.data)]) == 0
    said = capsys.readouterr().out
    assert "visitor-1" not in said
    [(kept,)] = query(workspace, "select visitor_id::varchar from raw.events")
    assert said == f"{kept}  with the lasting key\n"


def test_a_key_tells_its_fingerprint_and_nothing_else(workspace, capsys):
    load(workspace, [click("v", NOON)])
    assert main(["key", "--data", str(workspace.data)]) == 0
    said = capsys.readouterr().out
    [(known,)] = query(workspace, "select key_fingerprint from raw.warehouse")
    assert known in said
    assert KEY not in said
