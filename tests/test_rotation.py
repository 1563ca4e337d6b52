"""Keys of years: who has which key, what happens at New Year, and how a year's key ends."""

from __future__ import annotations

import importlib
import json
import logging
import shutil
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

import ingest.loading
from expectations import deliveries, figures
from ingest import Problem, Workspace, pull
from ingest.keys import Keys
from operations import overdue
from operations.keys import destroy_keys_of_closed_years
from publish.disclosure.cells import Cell
from publish.explain import explain
from publish.protect import protect
from publish.publications import read_history
from publish.release import release
from tests import reference
from tests.conftest import KEY
from tests.events import (
    answer,
    click,
    covered,
    deliver,
    end,
    exclusion,
    helpline,
    published,
    register,
    request,
)
from tests.models import Models
from tests.plants import find_in_files
from tests.test_nights import differences, read_breaks, read_rows, rows_of, year_keys

PULL = importlib.import_module("ingest.pull")  # `ingest.pull` is its function
RANGE = "2021-12/2022-02"
NEW_KEY = (
    "new key of pseudonyms from 2022-01-01: nobody is recognised from before, and persons are not "
    "counted across it"
)
IDENTIFIERS = ["visitor-anna-7d1", "visitor-ben-7d1", "client-k-7d1", "responder-r-7d1"]
ANNA, BEN, CLIENT, RESPONDER = IDENTIFIERS

EVENTS = [
    *(covered(log, "2021-12-01", "2023-01-15") for log in ("button", "chat")),
    click(ANNA, "2021-12-20 20:00"),
    request("s0", ANNA, "2021-12-20 20:01"),
    answer("s0", RESPONDER, "2021-12-20 20:02"),
    register("s0", "2021-12-20 21:00", client=CLIENT),
    # One press before New Year and one after, ten minutes later; the session crosses it as well.
    click(ANNA, "2021-12-31 23:58"),
    request("s1", ANNA, "2021-12-31 23:59:59.999"),
    click(ANNA, "2022-01-01 00:00"),
    answer("s1", RESPONDER, "2022-01-01 00:03"),
    end("s1", "2022-01-01 00:30"),
    register("s1", "2022-01-01 00:40", client=CLIENT),
    click(BEN, "2022-01-10 20:00"),
    click(BEN, "2022-01-11 20:00"),
    request("s2", ANNA, "2022-02-01 20:00"),
    answer("s2", RESPONDER, "2022-02-01 20:01"),
    register("s2", "2022-02-01 20:30", client=CLIENT),
]


def workspace_at(folder: Path, *events, **settings) -> Workspace:
    """Make a workspace whose keys rotate from 2022 on, and deliver events."""
    deliver(folder / "logs", "first.ndjson", events)
    settings = {"rotate_keys_from": 2022, **settings}
    return Workspace(
        folder / "data", str(folder / "logs"), helpline(folder / "helpline", **settings)
    )


def query(workspace: Workspace, sql: str) -> list[tuple]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def visitors(workspace: Workspace) -> list[str]:
    sql = "select visitor_id::varchar from raw.events where visitor_id is not null"
    return [visitor for (visitor,) in query(workspace, f"{sql} order by occurred_at")]


def key_of(workspace: Workspace, year: int) -> str:
    return year_keys(workspace)[year]


# --- A whole night over a New Year ---------------------------------------------------------------


@dataclass(frozen=True)
class Night:
    """A workspace after a night with a change of keys in it, and what it had counted."""

    workspace: Workspace
    rows: dict
    folder: Path


@pytest.fixture(scope="module")
def night(tmp_path_factory, models: Models) -> Night:
    """Carry out a whole night, up to the release."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATCIJFERS_KEY", KEY)
        folder = tmp_path_factory.mktemp("night")
        workspace = workspace_at(folder, *EVENTS, published=[published("callers", RANGE, 2)])
        pull(workspace)
        deliveries.judge(workspace)
        models.build_in(workspace)
        protect(workspace)
        figures.judge(workspace)
        released = release(workspace)
        yield Night(workspace, read_rows(workspace.warehouse), released.folder)


def test_a_night_over_new_year_gives_the_figures_of_the_reference(night: Night):
    log = reference.Log(
        Path(night.workspace.logs),
        night.workspace.helpline,
        KEY,
        year_keys=year_keys(night.workspace),
    )
    assert differences(night.rows, rows_of(log)) == {}
    assert read_breaks(night.workspace.warehouse) == log.breaks


def test_what_spans_two_keys_has_no_value_and_says_why(night: Night):
    def found(figure: str, period: str) -> tuple:
        row = night.rows[figure, period, "", ""]
        return row.value, row.series_break

    assert found("callers", "2021-12") == (1, "")
    assert found("callers", "2022-01") == (1, NEW_KEY)
    assert found("callers", "2022-02") == (1, "")
    assert found("callers", "2022") == (1, NEW_KEY)
    assert found("callers", RANGE) == (None, NEW_KEY)
    assert found("new_callers", RANGE) == (None, NEW_KEY)
    assert found("pressers", "2022-01") == (2, NEW_KEY)
    assert found("pressers", RANGE) == (None, NEW_KEY)
    # Nobody can tell any more whose first time it is.
    assert found("first_time_callers", "2021-12") == (1, "")
    assert found("first_time_callers", "2022-02") == (None, NEW_KEY)
    # Two counts, each under one key, can be compared.
    assert found("callers_change_percent", "2022-12") == (-100, "")
    # What happened is counted as ever; but an attempt ends where its visitor gets another name.
    assert found("conversations", RANGE) == (3, "")
    assert found("attempts", RANGE) == (6, "")


def test_a_person_has_a_pseudonym_for_each_key_and_a_session_only_one(night: Night):
    counts = "select count(distinct session_id), count(distinct event_id) from raw.events"
    assert query(night.workspace, counts) == [(3, len(EVENTS))]
    clients = "select distinct client_id::varchar from raw.events where client_id is not null"
    rotated = reference.pseudonym(key_of(night.workspace, 2022), "client", CLIENT)
    lasting = reference.pseudonym(KEY, "client", CLIENT)
    assert {client for (client,) in query(night.workspace, clients)} == {rotated, lasting}


def test_a_release_tells_of_its_keys_and_of_what_has_no_value(night: Night):
    manifest = json.loads((night.folder / "manifest.json").read_text())
    [(fingerprint,)] = query(night.workspace, "select fingerprint from raw.year_keys")
    assert manifest["year_key_fingerprints"] == {"2022": fingerprint}
    text = explain(night.folder, "callers", RANGE)
    assert "no value" in text
    assert "new key of pseudonyms from 2022-01-01" in " ".join(text.split())
    row = read_history(night.workspace.published).rows()[Cell("callers", RANGE)]
    assert (row.value, row.obs_status, row.break_reason) == ("", "A", NEW_KEY)


def test_keys_and_identifiers_are_nowhere_but_among_the_keys(night: Night):
    keys = [KEY, key_of(night.workspace, 2022)]
    folder = night.workspace.data
    found = find_in_files([*keys, *IDENTIFIERS], [folder])
    assert found == [f"{folder / 'keys' / '2022'}: {keys[1]}"]


def test_a_closed_year_loses_its_key_once_and_keeps_its_figures(
    night: Night, tmp_path, models: Models, key, caplog
):
    folder = tmp_path / "copy"
    shutil.copytree(night.workspace.data, folder / "data", symlinks=True)
    shutil.copytree(night.workspace.logs, folder / "logs")
    workspace = Workspace(folder / "data", str(folder / "logs"), night.workspace.helpline)

    with caplog.at_level(logging.WARNING):
        assert destroy_keys_of_closed_years(workspace) == [2022]
    assert "its key is destroyed" in caplog.text
    assert list(workspace.keys_folder.iterdir()) == []
    closings = "select year, reached_on::varchar, events_deleted, key_destroyed from raw.closings"
    assert query(workspace, closings) == [(2022, "2023-01-14", False, True)]
    assert destroy_keys_of_closed_years(workspace) == []

    # Killed after it was noted, before the file was gone: the next night does the rest.
    (workspace.keys_folder / "2022").write_text("a key of which a copy came back, and that is old")
    assert destroy_keys_of_closed_years(workspace) == [2022]

    late = [click(BEN, "2022-06-01 20:00"), click(BEN, "2021-12-02"), click(BEN, "2023-01-02")]
    deliver(folder / "logs", "late.ndjson", late)
    summary = pull(workspace)
    assert summary.reasons == {"closed_period": 2}
    assert year_keys(workspace).keys() == {2023}
    models.build(workspace.warehouse)
    now = read_rows(workspace.warehouse)
    of_2022 = {cell: row for cell, row in night.rows.items() if cell[1].startswith("2022")}
    assert {cell: now[cell] for cell in of_2022} == of_2022


def test_a_key_stays_until_its_year_is_closed_and_out(night: Night, tmp_path, key):
    folder = tmp_path / "data"
    shutil.copytree(night.workspace.data, folder, symlinks=True)
    workspace = Workspace(folder, night.workspace.logs, night.workspace.helpline)
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute("update figures.periods set is_closed = false where period = '2022'")
    assert destroy_keys_of_closed_years(workspace) == []
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute("update figures.periods set is_closed = true where period = '2022'")
        connection.execute("update raw.deliveries set status = 'withdrawn'")
    assert destroy_keys_of_closed_years(workspace) == []  # the release is not that of now
    assert [one.what for one in overdue.read(workspace)] == [overdue.KEYS]
    assert (workspace.keys_folder / "2022").exists()
    assert query(workspace, "from raw.closings") == []


# --- Keys as files -------------------------------------------------------------------------------


def test_a_key_is_made_with_the_first_event_that_names_somebody(tmp_path, key, caplog):
    workspace = workspace_at(
        tmp_path, click(ANNA, "2021-12-31 23:59:59.999"), click(None, "2022-01-01")
    )
    assert pull(workspace).made_keys == []
    assert not workspace.keys_folder.exists()

    deliver(tmp_path / "logs", "next.ndjson", [click(ANNA, "2022-01-01")])
    with caplog.at_level(logging.WARNING):
        assert pull(workspace).made_keys == [str(workspace.keys_folder / "2022")]
    assert "Keep a copy in a safe place" in caplog.text
    file = workspace.keys_folder / "2022"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    made = file.read_text()

    events = [click(ANNA, "2022-01-02"), click(ANNA, "2023-01-01")]
    deliver(tmp_path / "logs", "last.ndjson", events)
    assert pull(workspace).made_keys == [str(workspace.keys_folder / "2023")]
    assert file.read_text() == made
    pseudonyms = [
        reference.pseudonym(one, "visitor", ANNA)
        for one in (KEY, key_of(workspace, 2022), key_of(workspace, 2023))
    ]
    assert visitors(workspace) == [pseudonyms[number] for number in (0, 1, 1, 2)]


def test_a_key_that_is_missing_or_another_stops_the_run(tmp_path, key):
    workspace = workspace_at(tmp_path, click(ANNA, "2022-01-01"))
    pull(workspace)
    before = visitors(workspace)
    file = workspace.keys_folder / "2022"
    kept = file.read_text()
    deliver(tmp_path / "logs", "next.ndjson", [click(ANNA, "2022-03-01")])

    file.unlink()
    with pytest.raises(Problem, match=f"no longer at {file}.*Put it back"):
        pull(workspace)
    assert not file.exists()
    file.write_text("another key, as long as it has to be for that\n")
    file.chmod(0o600)
    with pytest.raises(Problem, match="is another one than the events of 2022"):
        pull(workspace)
    file.write_text(kept)
    file.chmod(0o640)
    with pytest.raises(Problem, match=f"chmod 600 {file}"):
        pull(workspace)
    file.chmod(0o600)
    file.parent.chmod(0o750)
    with pytest.raises(Problem, match=f"chmod 700 {file.parent}"):
        pull(workspace)
    file.parent.chmod(0o700)
    assert visitors(workspace) == before
    pull(workspace)
    assert visitors(workspace) == before * 2


def test_a_run_killed_between_a_key_and_its_rows_is_put_right_by_the_next(
    tmp_path, key, monkeypatch
):
    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    workspace = workspace_at(tmp_path, click(ANNA, "2022-01-01"))
    with monkeypatch.context() as patch:
        patch.setattr(ingest.loading, "note_fingerprints", kill)
        with pytest.raises(Killed):
            pull(workspace)
    assert query(workspace, "select count(*) from raw.events") == [(0,)]
    assert query(workspace, "from raw.year_keys") == []
    made = key_of(workspace, 2022)

    assert pull(workspace).made_keys == []
    assert key_of(workspace, 2022) == made
    assert visitors(workspace) == [reference.pseudonym(made, "visitor", ANNA)]


def test_keys_show_themselves_to_nobody_and_a_closed_year_gets_none(tmp_path, key):
    workspace = workspace_at(tmp_path, click(ANNA, "2022-01-01"))
    pull(workspace)
    [(fingerprint,)] = query(workspace, "select fingerprint from raw.year_keys")
    keys = Keys(None, workspace.keys_folder, {2022: fingerprint}, closed_year=2022)
    assert keys.of_years == {}
    with pytest.raises(RuntimeError, match="2022, a closed year"):
        keys.of(2022)
    keys = Keys(None, workspace.keys_folder, {2022: fingerprint})
    assert keys.of(2022).fingerprint == fingerprint
    assert key_of(workspace, 2022) not in f"{keys} {keys.of_years}"


def test_the_folder_of_keys_can_lie_elsewhere(tmp_path, key, monkeypatch):
    monkeypatch.setenv("CHATCIJFERS_KEYS_FOLDER", str(tmp_path / "safe"))
    workspace = workspace_at(tmp_path, click(ANNA, "2022-01-01"))
    pull(workspace)
    assert year_keys(workspace).keys() == {2022}
    assert (tmp_path / "safe" / "2022").exists()
    assert not (workspace.data / "keys").exists()


# --- Whose key it is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timezone", "before", "after"),
    [
        ("Europe/Brussels", "2021-12-31T22:59:59.999999Z", "2021-12-31T23:00:00Z"),
        ("Asia/Kathmandu", "2021-12-31T18:14:59.999999Z", "2021-12-31T18:15:00Z"),
        ("Pacific/Kiritimati", "2021-12-31T09:59:59.999999Z", "2021-12-31T10:00:00Z"),
        ("America/St_Johns", "2022-01-01T03:29:59.999999Z", "2022-01-01T03:30:00Z"),
    ],
)
def test_the_year_is_that_of_the_helplines_wall_clock(tmp_path, key, timezone, before, after):
    events = [click(ANNA, before), click(ANNA, after)]
    workspace = workspace_at(tmp_path, *events, timezone=timezone)
    pull(workspace)
    rotated = reference.pseudonym(key_of(workspace, 2022), "visitor", ANNA)
    assert visitors(workspace) == [reference.pseudonym(KEY, "visitor", ANNA), rotated]


def test_without_the_setting_there_is_one_key_for_ever(tmp_path, key):
    events = [click(ANNA, "2021-12-31"), click(ANNA, "2022-01-01")]
    workspace = workspace_at(tmp_path, *events, rotate_keys_from=None)
    pull(workspace)
    assert visitors(workspace) == 2 * [reference.pseudonym(KEY, "visitor", ANNA)]
    assert not workspace.keys_folder.exists()


def test_a_clock_that_is_set_back_names_nobody_by_another_years_key(tmp_path, key):
    workspace = workspace_at(tmp_path, click(ANNA, "2023-06-01"))
    pull(workspace, now=datetime(2023, 7, 1, tzinfo=UTC))
    before = visitors(workspace)
    # Other codes have everything read again, at a time that lies before the event.
    helpline(workspace.helpline, rotate_keys_from=2022, codes=[])
    summary = pull(workspace, now=datetime(2021, 7, 1, tzinfo=UTC))
    assert summary.read_again == 1
    assert visitors(workspace) == before


def test_rotating_from_a_year_that_was_read_reads_it_again_if_the_files_are_there(
    tmp_path, key, caplog
):
    events = [click(ANNA, "2021-12-31"), click(ANNA, "2022-01-01")]
    workspace = workspace_at(tmp_path, *events, rotate_keys_from=None)
    deliver(tmp_path / "logs", "of_2021.ndjson", [click(BEN, "2021-11-01")])
    pull(workspace)
    before = visitors(workspace)

    helpline(workspace.helpline, rotate_keys_from=2022)
    kept = (tmp_path / "logs" / "first.ndjson").rename(tmp_path / "kept")
    with pytest.raises(
        Problem, match=r"1 deliveries with events from 2022.*first.ndjson.*Put them"
    ):
        pull(workspace)
    assert visitors(workspace) == before
    kept.rename(tmp_path / "logs" / "first.ndjson")
    assert pull(workspace).read_again == 1  # not the one of 2021
    rotated = reference.pseudonym(key_of(workspace, 2022), "visitor", ANNA)
    assert visitors(workspace) == [*before[:2], rotated]

    helpline(workspace.helpline, rotate_keys_from=2023)
    assert pull(workspace).read_again == 1
    assert visitors(workspace) == before
    assert query(workspace, "from raw.year_keys") == []

    deliver(tmp_path / "logs", "of_2023.ndjson", [click(ANNA, "2023-01-01")])
    pull(workspace)
    assert sorted(path.name for path in workspace.keys_folder.iterdir()) == ["2022", "2023"]
    with caplog.at_level(logging.WARNING):
        destroy_keys_of_closed_years(workspace)
    assert "Keys no longer rotate from 2022 on, and its key is destroyed" in caplog.text
    assert [path.name for path in workspace.keys_folder.iterdir()] == ["2023"]
    assert pull(workspace).read_again == 0


def test_a_file_that_vanishes_while_keys_change_stops_the_run_until_it_is_back(
    tmp_path, key, monkeypatch
):
    workspace = workspace_at(tmp_path, click(ANNA, "2022-01-01"), rotate_keys_from=None)
    pull(workspace)
    file = tmp_path / "logs" / "first.ndjson"
    deliver(tmp_path / "logs", "other.ndjson", [click(BEN, "2021-01-01")])
    helpline(workspace.helpline, rotate_keys_from=2022)

    def settle_and_remove(*arguments):
        settle(*arguments)
        file.rename(tmp_path / "kept")

    settle = PULL.settle
    with monkeypatch.context() as patch:
        patch.setattr(PULL, "settle", settle_and_remove)
        with pytest.raises(Problem, match=r"first.ndjson could not be read again"):
            pull(workspace)
    with pytest.raises(Problem, match=r"first.ndjson could not be read again"):
        pull(workspace)
    (tmp_path / "kept").rename(file)
    pull(workspace)
    rotated = reference.pseudonym(key_of(workspace, 2022), "visitor", ANNA)
    assert rotated in visitors(workspace)


def test_an_exclusion_takes_out_a_visitor_of_the_year_whose_pseudonym_it_names(
    tmp_path, key, models: Models
):
    events = [click(ANNA, "2021-12-31 12:00"), click(ANNA, "2022-01-01 12:00")]
    said = [covered(log, "2021-12-01", "2022-02-01") for log in ("button", "chat")]
    workspace = workspace_at(tmp_path, *events, *said)
    pull(workspace)
    line = exclusion("staff", "visitor", ANNA, key=key_of(workspace, 2022), expected_events=1)
    helpline(workspace.helpline, rotate_keys_from=2022, exclusions=[line])
    pull(workspace)
    models.build(workspace.warehouse)
    rows = read_rows(workspace.warehouse)
    assert rows["excluded_events", "2021-12", "", ""].value == 0
    assert rows["excluded_events", "2022-01", "", ""].value == 1


def test_an_identifier_in_clear_is_found_under_the_key_of_its_year(tmp_path, key):
    clear = "7b0a3c2e-5d1f-4e6a-9b8c-0d1e2f3a4b5c"
    line = f"staff,visitor,{clear},,,Not a visitor,The tests,1"
    workspace = workspace_at(tmp_path, click(clear, "2022-01-01"), exclusions=[line])
    with pytest.raises(Problem, match="identifier in clear") as problem:
        pull(workspace)
    assert clear not in str(problem.value)
