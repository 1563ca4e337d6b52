"""`python -m ingest check-logs`: what would be read, what not, and not a trace of it."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from expectations import deliveries
from ingest import Workspace, pull
from ingest.__main__ import main
from ingest.deliveries import list_deliveries
from ingest.helpline import load_helpline
from ingest.quarantine import why_quarantined
from ingest.trial import try_logs
from tests import plants
from tests.events import (
    answer,
    click,
    covered,
    deliver,
    end,
    helpline,
    register,
    request,
    schedule,
)

NOON = "2022-03-01 12:00"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return helpline(tmp_path / "helpline")


def check(capsys, path: Path, folder: Path) -> tuple[int, str, str]:
    status = main(["check-logs", str(path), "--helpline", str(folder)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def evening() -> list[dict]:
    return [
        click("anna", "2022-03-01 19:00:00", button="open", page="/elsewhere", campaign="tv"),
        click({"id": 7}, "2022-03-01 19:00:10", page="/"),
        click("null", "2022-03-01 19:00:20"),
        request("s1", "anna", "2022-03-01 19:01"),
        {**answer("s1", "r1", "2022-03-01 19:02"), "time": 1646161320},
        answer("s1", "r1", "2022-03-01 19:03"),
        register("s1", "2022-03-01 19:40", client="c", gender="x", age="old", topics="home"),
        schedule("s2", "ben", "2022-03-01 19:50", scheduled_by="visitor"),
        {**end("s1", "2022-03-01 19:30"), "subject": None},
        covered("chat", "2022-03-01", "2022-03-02"),
    ]


def test_it_says_type_by_type_what_is_read_unlisted_unfit_and_set_aside(tmp_path, folder, capsys):
    path = deliver(tmp_path, "evening.ndjson", evening())
    status, said, _ = check(capsys, path, folder)
    assert status == 0
    lines = [" ".join(line.split()) for line in said.splitlines()]
    for line in (
        "1 file (one event a line), 10 lines: 8 events, 2 set aside, 0 blank lines",
        "helpline.button.clicked: 3 events, from 2022-03-01 19:00:00 to 2022-03-01 19:00:20",
        "visitor given 3 kept 1 unfit 1 no identifier 1",
        "button given 1 kept 1",
        "page given 2 kept 1 not among the pages of helpline.toml 1",
        "campaign given 1 kept 1 not among the codes of the helpline 1",
        "gender given 1 kept 1 not among the codes of the helpline 1",
        "age given 1 kept 0 unfit 1",
        "topics given 1 kept 0 unfit 1",
        "set aside bad_time 1",
        "helpline.session.ended: 0 events",
        "set aside no_session 1",
        "Not met: helpline.session.abandoned",
        "no_session 1: a session's event without subject (line 9)",
    ):
        assert line in lines


def test_a_folder_is_tried_as_a_whole_and_the_files_in_trouble_are_named(tmp_path, folder, capsys):
    logs = tmp_path / "logs"
    deliver(logs, "a/sound.ndjson", evening()[:4])
    deliver(logs, "bodies.ndjson", [{"event": "message_created", "content": "hush"}] * 12)
    deliver(logs, "cut.ndjson", evening(), compress="gz")
    (logs / "cut.ndjson.gz").write_bytes((logs / "cut.ndjson.gz").read_bytes()[:-3])
    status, said, wrong = check(capsys, logs, folder)
    assert status == 1
    assert "would be quarantined: none of its 12 lines can be read" in said
    assert "cut.ndjson.gz is damaged" in said
    assert "fields: content (text 12); event (text 12)" in said
    assert "sound.ndjson" not in said
    assert "Nothing of 2 files would count: bodies.ndjson, cut.ndjson.gz" in wrong


def test_a_damaged_file_that_takes_several_batches_leaves_nothing_in_the_counts(
    tmp_path, folder, capsys, monkeypatch
):
    monkeypatch.setattr("ingest.trial.BATCH_BYTES", 10_000)
    numbers = random.Random(5)
    clicks = [click(f"v{numbers.random()}", NOON) for _ in range(20_000)]
    path = deliver(tmp_path, "cut.ndjson", clicks, compress="gz")
    path.write_bytes(path.read_bytes()[:-9])
    status, said, _ = check(capsys, path, folder)
    assert status == 1
    assert "1 file, 0 lines: 0 events" in said
    assert "helpline.button.clicked:" not in said


def test_it_says_what_a_file_is(tmp_path, folder, capsys):
    logs = tmp_path / "logs"
    events = evening()[:3]
    deliver(logs, "a.ndjson", events, compress="gz")
    (logs / "batch.json").write_text(json.dumps(events, indent=1))
    (logs / "notes.txt").write_text("To do:\nring back\n")
    (logs / "wide.ndjson").write_text("\n".join(map(json.dumps, events)), encoding="utf-16")
    status, said, wrong = check(capsys, logs, folder)
    assert status == 1
    assert "1 one event a line, compressed (gz); 1 JSON arrays of events" in said
    assert "notes.txt is no log, it would be passed over: it is text that is no JSON" in said
    assert "wide.ndjson is damaged, nothing of it would be loaded: it is UTF-16 text" in said
    assert "Nothing of 2 files would count: notes.txt, wide.ndjson" in wrong


def test_ids_that_begin_anew_in_each_file_are_counted(tmp_path, folder, capsys):
    for day in (1, 2, 3):
        clicks = [click("anna", f"2022-03-0{day} 19:0{n}", id=str(n)) for n in range(1, 6)]
        deliver(tmp_path / "logs", f"{day}.ndjson", [*clicks, clicks[0]])
    status, said, _ = check(capsys, tmp_path / "logs", folder)
    assert status == 0
    assert "10 events would be lost: source and id are those of another event" in said


def test_it_leaves_no_file_and_shows_no_value(root, tmp_path, folder):
    marks = plants.plant(tmp_path / "logs")
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "check-logs", tmp_path / "logs", "--helpline", folder],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(root), "HOME": str(work), "TMPDIR": str(work)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"helpline.session.registered" in done.stdout
    assert plants.find_in_bytes(marks, done.stdout + done.stderr) == []
    assert list(work.iterdir()) == []


def test_what_is_not_there_is_said(tmp_path, folder, capsys):
    status, said, wrong = check(capsys, tmp_path / "elsewhere.ndjson", folder)
    assert (status, said) == (1, "")
    assert "There is no file or folder at" in wrong
    (tmp_path / "empty").mkdir()
    status, said, wrong = check(capsys, tmp_path / "empty", folder)
    assert (status, said) == (1, "")
    assert "There is no file in" in wrong


def test_what_takes_longer_says_how_far_it_is(tmp_path, folder, capsys, monkeypatch):
    for number in range(3):
        deliver(tmp_path / "logs", f"{number}.ndjson", evening()[:2])
    _, _, wrong = check(capsys, tmp_path / "logs", folder)
    assert wrong == ""
    monkeypatch.setattr("ingest.progress.SECONDS_BEFORE", 0)
    monkeypatch.setattr("ingest.progress.SECONDS_BETWEEN_LINES", 0)
    _, _, wrong = check(capsys, tmp_path / "logs", folder)
    assert wrong.splitlines() == [f"Read: {number} of 3 files" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("events", "sound", "lost", "why"),
    [
        (0, 0, 9, None),
        (0, 0, 10, "none of its 10 lines"),
        (0, 5, 10, None),
        (1, 0, 18, None),
        (10, 0, 10, None),
        (9, 0, 11, "more than half"),
        (1_900, 0, 100, None),
        (1_900, 0, 101, "more than 100"),
        (19_000, 0, 1_000, None),
        (0, 0, 0, None),
    ],
)
def test_what_is_quarantined_is_told_beforehand(events, sound, lost, why):
    found = why_quarantined(events, events + sound, lost)
    assert found is None if why is None else why in found


def test_the_first_gate_quarantines_what_was_told_beforehand(tmp_path, folder, key):
    within = [(0, 0, 9), (0, 2, 10), (1, 0, 18), (10, 0, 10), (500, 0, 100), (1_919, 0, 101),
              (1, 30, 0), (0, 9, 0)]  # fmt: skip
    beyond = [(0, 0, 10), (9, 0, 11), (9, 5, 11), (500, 0, 101), (1_918, 0, 101)]
    logs = tmp_path / "logs"
    for number, (events, sound, lost) in enumerate([*within, *beyond]):
        lines = [click(f"v{number}-{one}", NOON) for one in range(events)]
        lines += [click(f"v{number}-{one}", "2019-03-01 12:00") for one in range(sound)]
        deliver(logs, f"{number:02}.ndjson", [*lines, *({"number": number},) * lost])
    told = try_logs(logs, load_helpline(folder), tmp_path / "data")
    workspace = Workspace(tmp_path / "data", str(logs), folder)
    pull(workspace)
    deliveries.judge(workspace)
    ledger, _ = list_deliveries(workspace.warehouse)
    kept_out = {one.file for one in ledger if one.status == "quarantined"}
    assert kept_out == {one.name for one in told.files if one.quarantine}
    assert kept_out == {f"{number:02}.ndjson" for number in range(len(within), number + 1)}


def test_data_in_base64_is_looked_at_like_any_other(tmp_path, folder, capsys):
    plain = click("anna", NOON, button="open")
    packed = {name: value for name, value in plain.items() if name != "data"}
    packed["data_base64"] = base64.b64encode(json.dumps(plain["data"]).encode()).decode()
    path = deliver(tmp_path, "a.ndjson", [{**packed, "id": "other"}, plain])
    _, said, _ = check(capsys, path, folder)
    assert "visitor given 2 kept 2" in " ".join(said.split())
