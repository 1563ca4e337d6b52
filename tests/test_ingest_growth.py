"""A file that grows costs what is new in it, and ends as if it had come whole."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import importlib
import json
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import ingest.content
import ingest.loading
from ingest import Workspace, pull
from ingest.__main__ import main
from ingest.deliveries import list_deliveries, quarantine, set_status
from ingest.warehouse import open_warehouse
from publish.identity import deliveries, input_id
from tests.conftest import KEY
from tests.events import click, compressed, covered, end, helpline, pack, register, request

PULL = importlib.import_module("ingest.pull")  # `ingest.pull` is its function
NOON = "2022-03-01 12:00"
EVENTS = "select line_number, * exclude (line_number, delivery_id) from raw.events order by all"
REJECTS = "select line_number, * exclude (line_number, delivery_id) from raw.rejects order by all"
LEDGER = (
    "select sha256, text_sha256, bytes, text_bytes, lines, events, rejects, blank_lines, next_line,"
    " next_line_at from raw.deliveries where sha256 = $1"
)


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    """A workspace with a helpline and an empty folder of logs."""
    (tmp_path / "logs").mkdir()
    return Workspace(tmp_path / "data", str(tmp_path / "logs"), helpline(tmp_path / "helpline"))


def put(workspace: Workspace, name: str, content: bytes) -> Path:
    path = Path(workspace.logs, name)
    path.write_bytes(content)
    return path


def query(workspace: Workspace, sql: str, *values) -> list[tuple]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute(sql, values).fetchall()


def row_ids(workspace: Workspace) -> dict[int, int]:
    """Give which row of the table holds which line: rows that are written again are others."""
    return dict(query(workspace, "select line_number, rowid from raw.events"))


def some(number: int, start: int = 0) -> list[dict]:
    return [click(f"v{i}", NOON, id=f"e{i}") for i in range(start, start + number)]


@pytest.mark.parametrize("compress", [None, "gz", "zst"])
@pytest.mark.parametrize("held", [4_000_000, 500])
def test_only_what_is_new_is_read(workspace, compress, held, monkeypatch):
    monkeypatch.setattr(ingest.content, "HELD_BYTES", held)
    contents = [pack(some(number)) for number in (40, 90, 91)]
    put(workspace, "a.ndjson", compressed(contents[0], compress))
    pull(workspace)
    [(first_id,)] = query(workspace, "select delivery_id from raw.deliveries")
    before = row_ids(workspace)
    read: list[int] = []
    original = ingest.loading.Reader.read

    def noting(reader, batch, *arguments):
        read.append(batch.lines)
        return original(reader, batch, *arguments)

    monkeypatch.setattr(ingest.loading.Reader, "read", noting)
    for content in contents[1:]:
        put(workspace, "a.ndjson", compressed(content, compress))
        summary = pull(workspace)
        assert (summary.grown, summary.loaded, summary.read_again, summary.known) == (1, 0, 0, 0)
    assert read == [50, 1]
    assert summary.events == 1
    now = row_ids(workspace)
    assert sorted(now) == list(range(1, 92))
    assert {line: row for line, row in now.items() if line <= 40} == before
    digest = hashlib.sha256(compressed(contents[-1], compress)).hexdigest()
    ledger = "select delivery_id, sha256, text_sha256, lines, events, file from raw.deliveries"
    text = hashlib.sha256(contents[-1]).hexdigest()
    assert query(workspace, ledger) == [(first_id, digest, text, 91, 91, "a.ndjson")]
    assert query(workspace, "select count(*) from raw.contents") == [(3,)]
    assert pull(workspace).known == 1


def test_an_older_shorter_version_says_nothing_new(workspace):
    put(workspace, "a.ndjson", pack(some(3)))
    pull(workspace)
    put(workspace, "a.ndjson", pack(some(9)))
    pull(workspace)
    before = workspace.warehouse.read_bytes()
    put(workspace, "a.ndjson", pack(some(3)))
    assert pull(workspace).known == 1
    assert workspace.warehouse.read_bytes() == before
    helpline(workspace.helpline, pages=["/", "/chat"])
    summary = pull(workspace)  # other settings: the longer version cannot be read again
    assert (summary.known, summary.read_again, summary.outdated) == (1, 0, ["a.ndjson"])
    put(workspace, "a.ndjson", pack(some(12)))
    assert pull(workspace).grown == 1
    assert len(query(workspace, EVENTS)) == 12


def test_another_content_under_the_same_name_and_growth_under_another_are_deliveries(workspace):
    put(workspace, "a.ndjson", pack(some(3)))
    pull(workspace)
    put(workspace, "a.ndjson", pack(some(5, 100)))
    put(workspace, "b.ndjson", pack(some(4)))
    summary = pull(workspace)
    assert (summary.loaded, summary.grown) == (2, 0)
    assert query(workspace, "select count(*) from raw.deliveries") == [(3,)]
    # Of one name, what was loaded last is what may have grown.
    put(workspace, "a.ndjson", pack(some(6, 100)))
    assert pull(workspace).grown == 1


@pytest.mark.parametrize("cut", [1, 10, 60, 200, -1])
@pytest.mark.parametrize("held", [4_000_000, 300])
def test_a_last_line_without_end_is_read_again(workspace, cut, held, monkeypatch):
    monkeypatch.setattr(ingest.content, "HELD_BYTES", held)
    whole = pack(some(12))
    lines = whole.splitlines(keepends=True)
    put(workspace, "a.ndjson", b"".join(lines[:9]) + lines[9][:cut])
    pull(workspace)
    put(workspace, "a.ndjson", whole)
    summary = pull(workspace)
    assert (summary.grown, summary.refusals) == (1, {})
    assert [row[0] for row in query(workspace, EVENTS)] == list(range(1, 13))
    assert query(workspace, REJECTS) == []
    assert query(workspace, "select lines, events, rejects, next_line from raw.deliveries") == [
        (12, 12, 0, 13)
    ]


def test_an_event_without_end_may_grow_into_another_or_into_none(workspace):
    line = json.dumps(click("v", NOON, id="1")).encode()
    put(workspace, "a.ndjson", line)
    put(workspace, "b.ndjson", line)
    put(workspace, "c.ndjson", b"\xef\xbb\xbf  ")
    pull(workspace)
    put(workspace, "a.ndjson", line + b"oops\n" + pack([end("s", NOON)]))
    put(workspace, "c.ndjson", b"\xef\xbb\xbf  " + line)
    pull(workspace)
    rejects = query(workspace, "select line_number, reason from raw.rejects")
    assert rejects == [(1, "not_json")]
    assert sorted(row[0] for row in query(workspace, EVENTS)) == [1, 1, 2]


def test_what_a_person_decided_stays_and_a_quarantine_is_lifted(workspace):
    for name in ("accepted", "loaded", "quarantined", "withdrawn"):
        put(workspace, name, pack([click(name, NOON, id=name)]))
    pull(workspace)
    ids = {one.file: one.keyed_id for one in list_deliveries(workspace.warehouse)[0]}
    with open_warehouse(workspace.warehouse) as connection:
        quarantine(connection, {ids["quarantined"]: "odd"})
    for name in ("accepted", "withdrawn"):
        set_status(workspace.warehouse, ids[name], name, "seen")
    for name in ids:
        put(workspace, name, pack([click(name, NOON, id=name), *some(1)]))
    assert pull(workspace).grown == 4
    assert query(
        workspace, "select file, status, status_reason from raw.deliveries order by 1"
    ) == [
        ("accepted", "accepted", "seen"),
        ("loaded", "loaded", None),
        ("quarantined", "loaded", None),
        ("withdrawn", "withdrawn", "seen"),
    ]


def test_people_name_a_delivery_by_what_it_holds_now(workspace, capsys):
    put(workspace, "a.ndjson", pack(some(2)))
    pull(workspace)
    content = pack([*some(2), "nothing"])
    put(workspace, "a.ndjson", content)
    pull(workspace)
    digest = hashlib.sha256(content).hexdigest()
    keyed = hmac.new(KEY.encode(), f"delivery:{digest}".encode(), hashlib.sha256).hexdigest()[:16]
    data = ["--data", str(workspace.data)]
    main(["deliveries", *data])
    assert keyed in capsys.readouterr().out
    assert main(["rejects", keyed[:9], *data]) == 0
    assert main(["accept", digest[:9], "--reason", "who has the file", *data]) == 0
    assert main(["withdraw", keyed, "--reason", "of a test", *data]) == 0
    said = capsys.readouterr().out
    assert "1 of 3 lines set aside" in said
    assert digest[:8] not in said
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        assert [one["delivery_id"] for one in deliveries(connection)] == [keyed]


def test_what_comes_in_pieces_is_the_same_input_as_what_comes_at_once(workspace, tmp_path):
    at_once = Workspace(tmp_path / "other", workspace.logs, workspace.helpline)
    for number in (2, 5, 9):
        put(workspace, "a.ndjson", pack(some(number)))
        pull(workspace)
    pull(at_once)
    inputs = []
    for one in (workspace, at_once):
        with duckdb.connect(str(one.warehouse), read_only=True) as connection:
            inputs.append(input_id(connection))
    assert inputs[0] == inputs[1]


def test_lines_of_the_future_are_judged_anew_when_a_file_grows(workspace):
    early, late = datetime(2022, 3, 1, 12, tzinfo=UTC), datetime(2022, 3, 9, 12, tzinfo=UTC)
    events = [click("a", NOON), click("b", "2022-03-05 12:00"), click("c", "2022-03-06 12:00")]
    put(workspace, "a.ndjson", pack(events[:2]))
    pull(workspace, now=early)
    assert query(workspace, "select reason from raw.rejects") == [("in_future",)]
    put(workspace, "a.ndjson", pack(events))
    assert pull(workspace, now=late).grown == 1
    assert len(query(workspace, EVENTS)) == 3
    assert query(workspace, "select loaded_at from raw.deliveries") == [(datetime(2022, 3, 9, 12),)]


def test_dates_of_lines_set_aside_go_on_where_a_file_was(workspace):
    parts = [
        ["nothing", "nothing"],
        [click("a", "2022-03-02 12:00"), "nothing"],
        ["nothing", '{"time":"2022-03-07T12:00:00Z"', "nothing"],
        ["nothing"],
    ]
    put(workspace, "other.ndjson", pack(some(1)))
    for number in range(1, 5):
        put(workspace, "a.ndjson", pack([line for part in parts[:number] for line in part]))
        pull(workspace)
    found = query(workspace, "select line_number, local_date from raw.rejects order by all")
    second, seventh = date(2022, 3, 2), date(2022, 3, 7)
    assert found == [
        (1, second), (2, second), (4, second), (5, second), (6, seventh), (7, seventh),
        (8, seventh),
    ]  # fmt: skip


def close(workspace: Workspace, year: int) -> None:
    """Note that a year is closed, as operations do."""
    with duckdb.connect(str(workspace.warehouse)) as connection:
        names = [row[0] for row in connection.execute("describe raw.closings").fetchall()]
        values = {"year": str(year)}
        types = dict(
            connection.execute(
                "select column_name, data_type from duckdb_columns() where table_name = 'closings'"
            ).fetchall()
        )
        filler = {
            "VARCHAR": "'x'",
            "TIMESTAMP": "timestamp '2023-02-01'",
            "DATE": "date '2023-02-01'",
        }
        listed = ", ".join(values.get(name, filler.get(types[name], "0")) for name in names)
        connection.execute(f"insert into raw.closings values ({listed})")


@pytest.mark.parametrize("last", [b"", b'{"half'])
def test_a_closed_year_takes_nothing_more_from_a_file_that_grows(workspace, last):
    old = [click("a", "2022-12-30 12:00"), "nothing", click("b", "2023-01-02 12:00")]
    put(workspace, "a.ndjson", pack(old) + last)
    pull(workspace)
    close(workspace, 2022)
    new = [click("c", "2022-12-31 12:00"), click("d", "2023-01-03 12:00")]
    content = pack(old) + (last + b'"}\n' if last else b"") + pack(new)
    put(workspace, "a.ndjson", content)
    assert pull(workspace).grown == 1
    shift = 1 if last else 0
    assert [row[0] for row in query(workspace, EVENTS)] == [1, 3, 5 + shift]
    reasons = query(workspace, "select line_number, reason from raw.rejects order by all")
    half = [(4, "not_json")] if last else []
    assert reasons == [(2, "not_json"), *half, (4 + shift, "closed_period")]
    assert query(workspace, "select expired from raw.deliveries") == [(0,)]


def test_arrays_and_sequences_that_grow_are_read_whole(workspace):
    events = some(6)
    put(workspace, "a.json", json.dumps(events[:2]).encode())
    put(workspace, "b.json", b"".join(b"\x1e" + pack([event]) for event in events[:2]))
    pull(workspace)
    put(
        workspace,
        "a.json",
        b"".join(json.dumps(part).encode() for part in (events[:2], events[2:])),
    )
    put(workspace, "b.json", b"".join(b"\x1e" + pack([event]) for event in events))
    assert pull(workspace).grown == 2
    assert [row[0] for row in query(workspace, EVENTS)] == [n for n in range(1, 7) for _ in "ab"]


def test_copies_that_grow_apart_in_one_night_are_two_deliveries(workspace):
    put(workspace, "a.ndjson", pack(some(2)))
    put(workspace, "b.ndjson", pack(some(2)))
    pull(workspace)
    put(workspace, "a.ndjson", pack([*some(2), *some(1, 50)]))
    put(workspace, "b.ndjson", pack([*some(2), *some(1, 60)]))
    summary = pull(workspace)
    assert (summary.grown, summary.loaded) == (0, 2)
    assert query(workspace, "select count(distinct event_id) from raw.events") == [(4,)]
    put(workspace, "a.ndjson", pack([*some(2), *some(9, 50)]))
    assert pull(workspace).grown == 1


def test_a_grown_file_that_is_damaged_leaves_what_was_loaded(workspace):
    put(workspace, "a.ndjson", gzip.compress(pack(some(30))))
    pull(workspace)
    before = query(workspace, EVENTS)
    put(workspace, "a.ndjson", gzip.compress(pack(some(3000)))[:-9])
    assert list(pull(workspace).refusals) == ["a.ndjson"]
    assert query(workspace, EVENTS) == before
    put(workspace, "a.ndjson", gzip.compress(pack(some(3000))))
    assert pull(workspace).grown == 1


def test_a_large_file_that_changes_while_what_is_new_is_read_is_refused(workspace, monkeypatch):
    monkeypatch.setattr(ingest.content, "HELD_BYTES", 100)
    path = put(workspace, "a.ndjson", pack(some(20)))
    pull(workspace)
    path.write_bytes(pack(some(40)))
    original = ingest.content.Content.pieces

    def changed(content, earlier=None):
        path.write_bytes(pack(some(39)) + pack(some(1, 40)))
        return original(content, earlier)

    monkeypatch.setattr(ingest.content.Content, "pieces", changed)
    assert "changed" in pull(workspace).refusals["a.ndjson"]
    assert len(query(workspace, EVENTS)) == 20


LINES = st.one_of(
    st.integers(0, 20).map(
        lambda i: json.dumps(click(f"v{i}", f"2022-03-{i + 1:02} 12:00", id=f"c{i}"))
    ),
    st.integers(0, 9).map(lambda i: json.dumps(request(f"s{i}", f"v{i}", NOON, id=f"r{i}"))),
    st.just(json.dumps(register("s1", NOON, client=1, age=14, topics=["home"], id="g"))),
    st.just(json.dumps(covered("chat", "2022-03-01", "2022-03-02", id="k"))),
    st.sampled_from(
        ["", "  ", "nothing", "{}", "\ufeff", '{"time":"2022-03-04T12:00:00Z"', "x" * 70]
    ),
).map(str.encode) | st.sampled_from([b"\xff", b'{"type":"helpline.session.ended"\xff'])


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    texts=st.lists(st.lists(LINES, min_size=1, max_size=9), min_size=1, max_size=2),
    nights=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.integers(0, 100),
            st.sampled_from([None, "gz", "zst"]),
            st.booleans(),
        ),
        max_size=7,
    ),
    last=st.sampled_from([b"", b"\n"]),
    sizes=st.sampled_from([(4_000_000, 50_000), (60, 3), (300, 8)]),
)
def test_any_way_of_growing_ends_as_one_pull_of_the_last_files(key, texts, nights, last, sizes):
    firsts = [json.dumps(click("first", NOON, id=f"first{n}")).encode() for n in range(2)]
    wholes = [b"\n".join([firsts[n], *texts[n % len(texts)]]) + last for n in range(2)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest.content, "HELD_BYTES", sizes[0])
        patch.setattr(PULL, "MOST_LINES", sizes[1])
        patch.setattr(ingest.content, "LONGEST_LINE_BYTES", 400)
        patch.setattr(ingest.content, "CHUNK_BYTES", 90)
        root = Path(folder)
        (root / "logs").mkdir()
        kept = helpline(root / "helpline")
        nightly = Workspace(root / "nightly", str(root / "logs"), kept)
        grown = {0: 0, 1: 0}
        for file, percent, compress, is_pulled in nights:
            whole = wholes[file]
            # It grows: shorter than it was, it is an older version that shows up again.
            grown[file] = max(grown[file], len(firsts[file]), len(whole) * percent // 100)
            (root / "logs" / f"{file}.ndjson").write_bytes(
                compressed(whole[: grown[file]], compress)
            )
            if is_pulled:
                pull(nightly)
        for file in range(2):
            (root / "logs" / f"{file}.ndjson").write_bytes(wholes[file])
        pull(nightly)
        at_once = Workspace(root / "once", str(root / "logs"), kept)
        pull(at_once)
        for sql in (EVENTS, REJECTS):
            assert rows(nightly, sql) == rows(at_once, sql)
        # The same text may have come compressed in between: by its bytes it is another one then.
        ledger = (
            "select * exclude (delivery_id, loaded_at, file, sha256, keyed_id, bytes)"
            " from raw.deliveries order by text_sha256"
        )
        assert query(nightly, ledger) == query(at_once, ledger)


def rows(workspace: Workspace, sql: str) -> list[tuple]:
    """Give rows as often as they are there, and each file once: the same file is one delivery."""
    return query(workspace, sql)


def test_what_stands_for_nobody_is_struck_where_the_file_is_gone(workspace, caplog):
    events = [
        click("Onbekend", NOON), click("anna", NOON), request("s1", "ONBEKEND", NOON),
        register("s1", NOON, client="onbekend"), request("onbekend", "ben", NOON),
    ]  # fmt: skip
    put(workspace, "gone.ndjson", pack(events)).touch()
    put(workspace, "here.ndjson", pack([click("Onbekend", NOON, id="h")]))
    pull(workspace)
    Path(workspace.logs, "gone.ndjson").unlink()
    settings_file = workspace.helpline / "helpline.toml"
    settings_file.write_text(settings_file.read_text() + 'no_identifiers = ["onbekend"]\n')
    summary = pull(workspace)
    assert (summary.struck, summary.read_again) == (4, 1)
    assert "4 pseudonyms were struck" in caplog.text
    found = query(
        workspace,
        "select line_number, visitor_id is null, client_id is null, session_id is null"
        " from raw.events inner join raw.deliveries using (delivery_id)"
        " where file = 'gone.ndjson' order by all",
    )
    assert found == [
        (1, True, True, True), (2, False, True, True), (3, True, True, False),
        (4, True, True, False), (5, False, True, True),
    ]  # fmt: skip
    assert pull(workspace).struck == 0
