"""The simulated logs add up to their targets, whatever the seed, and are as untidy as real ones."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from simulation.__main__ import main
from simulation.files import write_files
from simulation.logs import simulate
from simulation.opening import HELPLINE, Calendar
from simulation.targets import TARGETS_FILE, apportion, read_targets
from tests import reference
from tests.reference import (
    ABANDONED,
    ANSWERED,
    CLICKED,
    COVERED,
    ENDED,
    REGISTERED,
    REQUESTED,
    SCHEDULED,
)

ROOT = Path(__file__).resolve().parent.parent
KEY = "a key for tests only: protects no one's identity"
LOADED_AT = datetime(2023, 1, 30, 3, 30, tzinfo=UTC)
TARGETS = tomllib.loads(TARGETS_FILE.read_text(encoding="utf-8"))
SEEDS = (1, 20230130)


@pytest.fixture(scope="module", params=SEEDS)
def contents(request: pytest.FixtureRequest) -> dict[str, bytes]:
    targets = read_targets()
    return simulate(targets, Calendar(targets.first_day, targets.last_day), request.param)


@pytest.fixture(scope="module")
def log(contents: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> reference.Log:
    folder = tmp_path_factory.mktemp("logs")
    write_files(folder, contents)
    return reference.Log(folder, HELPLINE, KEY, loaded_at=LOADED_AT)


@pytest.fixture(scope="module")
def delivered(contents: dict[str, bytes]) -> list[tuple[str, dict]]:
    """Every line that is a JSON object, with the name of its file."""
    lines = []
    for name, content in contents.items():
        for line in content.split(b"\n"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                lines.append((name, event))
    return lines


def month_of(log: reference.Log, instant: datetime) -> str:
    return f"{log.helpline.day_of(instant):%Y-%m}"


def by_month(years: dict[str, list[int]]) -> dict[str, int]:
    return {
        f"{year}-{number:02}": value
        for year, values in years.items()
        for number, value in enumerate(values, start=1)
    }


def percentages(counts: Counter) -> dict[str, int]:
    """Round each category's share half up to whole percents."""
    total = counts.total()
    return {
        category: (Fraction(100 * count, total) + Fraction(1, 2)).__floor__()
        for category, count in counts.items()
    }


def visitors_by_period(log: reference.Log, outcome: str) -> dict[str, set[str]]:
    visitors = defaultdict(set)
    for attempt in log.attempts:
        if attempt.outcome == outcome and attempt.visitor is not None:
            for period in reference.periods_of(log.helpline.day_of(attempt.at)):
                visitors[period].add(attempt.visitor)
    return visitors


# --- Targets -------------------------------------------------------------------------------------


def test_conversations_are_those_of_all_36_months(log: reference.Log) -> None:
    counted = Counter(month_of(log, session.answer.at) for session in log.conversations)
    printed = by_month(TARGETS["conversations"])
    assert len(printed) == 36
    assert {month: counted[month] for month in printed} == printed
    assert set(counted) == {*printed, "2023-01"}


def test_new_callers_are_those_of_all_36_months(log: reference.Log) -> None:
    first = {}
    for session in log.conversations:
        first.setdefault((log.helpline.day_of(session.answer.at).year, session.person), session)
    counted = Counter(month_of(log, session.answer.at) for session in first.values())
    printed = by_month(TARGETS["new_callers"])
    assert len(printed) == 36
    assert {month: counted[month] for month in printed} == printed


def test_clicks_are_those_of_january_to_october_2020(log: reference.Log) -> None:
    counted = Counter(month_of(log, click.at) for click in log.of_type(CLICKED))
    printed = by_month(TARGETS["clicks"])
    assert len(printed) == 10
    assert {month: counted[month] for month in printed} == printed


def test_missed_pressers_are_distinct_by_month_and_by_year(log: reference.Log) -> None:
    missed = visitors_by_period(log, "missed")
    printed = TARGETS["missed_pressers_by_month"] | TARGETS["missed_pressers"]
    assert len(printed) == 13
    assert {period: len(missed[period]) for period in printed} == printed


def test_2022_has_its_pressers_and_out_of_hours_attempts(log: reference.Log) -> None:
    pressers = {c.visitor for c in log.contacts if log.helpline.day_of(c.at).year == 2022}
    attempts = [a for a in log.attempts if log.helpline.day_of(a.at).year == 2022]
    assert len(pressers - {None}) == TARGETS["pressers"]["2022"]
    counted = sum(attempt.outcome == "out_of_hours" for attempt in attempts)
    assert counted == TARGETS["out_of_hours_attempts"]["2022"]


def test_2022_has_its_callers_by_chat_and_by_mail_only(log: reference.Log) -> None:
    sessions = [s for s in log.answered_sessions if log.helpline.day_of(s.answer.at).year == 2022]
    chat = {session.person for session in sessions if session.is_conversation}
    everyone = {session.person for session in sessions}
    printed = TARGETS["callers"]["2022"]
    assert {"chat": len(chat), "mail_only": len(everyone - chat)} == printed
    assert len(everyone) == 747


def test_2022_has_its_referrals(log: reference.Log) -> None:
    sessions = [s for s in log.answered_sessions if log.helpline.day_of(s.answer.at).year == 2022]
    counted = Counter(session.noted("referred_by") for session in sessions)
    printed = TARGETS["referrals"]["2022"]
    assert {helpline: counted[helpline] for helpline in printed} == printed


@pytest.mark.parametrize("breakdown", ["gender", "age_band", "topic"])
def test_2022_has_the_printed_shares_of_callers(log: reference.Log, breakdown: str) -> None:
    counted = reference.callers_by(log, breakdown, "2022")
    assert percentages(counted) == TARGETS["share_percent"]["2022"][breakdown]


def test_2022_has_the_printed_shares_of_weekdays(log: reference.Log) -> None:
    days = [log.helpline.day_of(session.answer.at) for session in log.conversations]
    shares = percentages(Counter(str(day.isoweekday()) for day in days if day.year == 2022))
    printed = TARGETS["share_percent"]["2022"]["weekday"]
    assert {weekday: shares[weekday] for weekday in printed} == printed


def test_january_2023_goes_on_like_the_year_before(log: reference.Log) -> None:
    january = {attempt.outcome: 0 for attempt in log.attempts}
    for attempt in log.attempts:
        january[attempt.outcome] += month_of(log, attempt.at) == "2023-01"
    assert 60 < january["answered"] < 110
    assert 100 < january["missed"] < 300
    assert 500 < january["out_of_hours"] < 1200


# --- Files ---------------------------------------------------------------------------------------


def test_there_is_one_file_for_each_day_and_log(contents: dict[str, bytes]) -> None:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(1125)]
    assert days[-1] == date(2023, 1, 29)
    assert set(contents) == {
        f"{log}-{day.isoformat()}.ndjson.gz" for day in days for log in ("button", "chat")
    }


def test_both_logs_cover_every_day_and_few_lines_are_set_aside(log: reference.Log) -> None:
    assert {name: len(days) for name, days in log.covered_days.items()} == {
        "button": 1125,
        "chat": 1125,
    }
    assert 30_000 < len(log.events) < 42_000
    assert max(Counter(file for file, _, _ in log.rejects).values()) < 5


@pytest.mark.parametrize("contents", SEEDS[:1], indirect=True)
def test_the_same_seed_gives_the_same_bytes(contents: dict[str, bytes], tmp_path: Path) -> None:
    """In another process, whose sets are in another order, too."""
    write_files(tmp_path / "here", contents)
    subprocess.run(
        [sys.executable, "-m", "simulation", "--out", tmp_path / "there", "--seed", str(SEEDS[0])],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "7"},
        check=True,
        capture_output=True,
    )
    here = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    there = {path.name: path.read_bytes() for path in (tmp_path / "there").iterdir()}
    assert here == there


def test_writing_again_puts_right_only_what_is_not_as_it_should_be(tmp_path: Path) -> None:
    files = {f"chat-2022-03-0{day}.ndjson.gz": b"%d\n" % day for day in range(1, 6)}
    assert write_files(tmp_path, files) == 5
    assert write_files(tmp_path, files) == 0
    (tmp_path / "chat-2022-03-01.ndjson.gz").write_bytes(b"half a fi")
    (tmp_path / "chat-2022-03-02.ndjson.gz").unlink()
    (tmp_path / "chat-2022-03-03.ndjson.gz.unfinished").write_bytes(b"")
    assert write_files(tmp_path, files) == 2
    assert {p.name: gzip.decompress(p.read_bytes()) for p in tmp_path.iterdir()} == files


def test_a_folder_that_cannot_be_written_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulation.__main__.simulate", lambda *_: {})
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "file")]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "cannot be written" in line]
    assert len(said) == 1 and "Traceback" not in said[0]


def test_parts_sum_to_the_whole_and_stay_within_one_of_their_share() -> None:
    parts = apportion(747, {"girl": 81, "boy": 14, "x": 3, "unknown": 2})
    assert parts == {"girl": 605, "boy": 105, "x": 22, "unknown": 15}


# --- Untidiness: every kind is there -------------------------------------------------------------


def test_events_come_twice_clash_and_come_late_and_out_of_order(
    delivered: list[tuple[str, dict]], log: reference.Log
) -> None:
    copies, files = defaultdict(set), defaultdict(list)
    late = out_of_order = 0
    previous = ("", datetime.min.replace(tzinfo=UTC))
    known = [(n, e) for n, e in delivered if e.get("type") in reference.LOGS and "id" in e]
    for name, event in known:
        copies[event.get("source"), str(event["id"])].add(json.dumps(event))
        files[event.get("source"), str(event["id"])].append(name)
        try:
            at = datetime.fromisoformat(event["time"])
        except (KeyError, ValueError):
            continue
        if at.tzinfo is None:
            continue
        at = at.astimezone(log.helpline.zone)
        delay = date.fromisoformat(name[-20:-10]) - at.date()
        if at.year in range(2020, 2024):
            assert timedelta(0) <= delay <= timedelta(days=5)
            late += delay > timedelta(0)
            out_of_order += previous[0] == name and at < previous[1]
            previous = (name, at)
    twice = [names for key, names in files.items() if len(names) > 1 and len(copies[key]) == 1]
    assert len([names for names in twice if len(set(names)) == 1]) > 50
    assert len([names for names in twice if len(set(names)) > 1]) > 50
    assert len([texts for texts in copies.values() if len(texts) > 1]) > 20
    assert late > 300
    assert out_of_order > 300


def test_lines_are_set_aside_for_every_reason(log: reference.Log) -> None:
    reasons = {
        *("not_utf8", "not_json", "not_an_event", "unknown_type", "bad_time", "in_future"),
        *("before_start", "no_session", "bad_channel", "bad_coverage"),
    }
    assert {reason for _, _, reason in log.rejects} == reasons
    assert 50 < len(log.rejects) < 250


def test_fields_are_missing_unlisted_or_out_of_range(delivered: list[tuple[str, dict]]) -> None:
    values = defaultdict(Counter)
    for _, event in delivered:
        data = event.get("data", {})
        for name, value in data.items():
            for one in value if isinstance(value, list) else [value]:
                values[name][json.dumps(one)] += 1
        if event.get("type") in (CLICKED, SCHEDULED, REQUESTED, ANSWERED, REGISTERED, ENDED):
            values["id"][type(event.get("id")).__name__] += 1
    assert all(values["visitor"][text] > 5 for text in ('""', "null", '"undefined"', '"0"', "0"))
    assert all(values["client"][text] > 5 for text in ('""', "null", '"undefined"'))
    assert values["age"]["150"] > 3 and values["age"]["-3"] > 3
    assert values["button"]['"offline"'] and values["referred_by"]['"jac-chat"']
    assert values["scheduled_by"]['"caw-chat"'] and values["scheduled_by"]["null"]
    assert values["topics"]['"pesten"'] and values["topics"]['""']
    assert values["campaign"]['"zomer2019"'] and values["page"]['"/admin/preview"']
    assert values["ip"] and values["id"]["int"] > 50
    clients = {json.loads(text) for text in values["client"]}
    assert {type(client) for client in clients} >= {int, str}
    visitors = {json.loads(text) for text in values["visitor"]}
    numbers = {str(client) for client in clients} & {str(visitor) for visitor in visitors}
    assert len(numbers - {"", "None", "undefined", "null", "0"}) > 5


def test_sessions_take_every_course(log: reference.Log) -> None:
    sessions = list(log.sessions.values())
    answered = log.answered_sessions
    assert count(s.events[ABANDONED] for s in sessions) > 100
    assert count(len({e.responder for e in s.events[ANSWERED]}) > 1 for s in answered) > 50
    assert count(len(s.events[REQUESTED]) > 1 for s in answered) > 50
    assert count(len(s.events[REGISTERED]) > 1 for s in answered) > 50
    assert count(not s.events[ENDED] for s in answered) > 100
    assert count(s.events[ANSWERED] and s.channel is None for s in sessions) > 10
    assert count(s.channel == "mail" for s in answered) > 100
    assert count(s.events[SCHEDULED] and not s.events[ANSWERED] for s in sessions) > 10
    assert count(s.events[SCHEDULED] and not s.events[REQUESTED] for s in answered) > 10
    appointments = [s.answer.at for s in log.conversations if s.events[SCHEDULED]]
    assert count(not log.helpline.is_open(at) for at in appointments) > 30
    assert count(s.wait < timedelta(0) for s in log.conversations if s.wait is not None) > 5


def test_attempts_take_every_course(log: reference.Log) -> None:
    answered = [a for a in log.attempts if a.outcome == "answered"]
    assert count(not attempt.started_open for attempt in answered) > 20
    sessions = [{c.session for c in a.contacts} - {None} for a in log.attempts]
    assert count(len(of_attempt) > 1 for of_attempt in sessions) > 3
    attempts_by_session = Counter(session for of_attempt in sessions for session in of_attempt)
    assert count(attempts > 1 for attempts in attempts_by_session.values()) > 10
    assert count(all(c.type == REQUESTED for c in a.contacts) for a in log.attempts) > 100
    pauses = [b.at - a.at for r in log.attempts for a, b in pairwise(r.contacts)]
    assert count(pause < timedelta(seconds=2) for pause in pauses) > 100
    assert count(attempt.visitor is None for attempt in log.attempts) > 100


def test_presses_fall_on_the_edges_of_openings_and_clock_changes(log: reference.Log) -> None:
    clicks = [log.helpline.local(click.at) for click in log.of_type(CLICKED)]
    times = Counter(local.replace(tzinfo=None).time() for local in clicks)
    for edge in (time(19), time(21, 59, 59, 999_000), time(22), time(18, 59, 59, 999_000)):
        assert times[edge] > 20
    for text in ("2020-03-29", "2021-03-28", "2022-03-27"):
        of_day = [c for c in clicks if c.date().isoformat() == text]
        assert {time(1, 59, 59, 999_000), time(3)} <= {
            c.replace(tzinfo=None).time() for c in of_day
        }
        assert not any(c.hour == 2 for c in of_day)
    for text in ("2020-10-25", "2021-10-31", "2022-10-30"):
        repeated = [c for c in clicks if c.date().isoformat() == text and c.hour == 2]
        assert {c.utcoffset() for c in repeated} == {timedelta(hours=1), timedelta(hours=2)}


def test_the_gap_of_summer_2022_has_clicks_all_the_same(log: reference.Log) -> None:
    months = Counter(month_of(log, click.at) for click in log.of_type(CLICKED))
    assert months["2022-07"] > 100 and months["2022-08"] > 100
    assert log.of_type(COVERED)


def count(conditions: Iterable[object]) -> int:
    return sum(1 for condition in conditions if condition)
