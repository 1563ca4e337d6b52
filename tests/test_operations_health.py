"""Is all well? What the health check says, of what, and what it does not."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import lock, modes
from ingest.key import Key
from ingest.problem import Problem
from ingest.warehouse import fill, open_warehouse, run
from ingest.workspace import Workspace
from operations import health, overdue, runs
from operations.announcing import announce
from operations.health import OF_THE_WAREHOUSE, examine
from operations.limits import Limit
from tests.conftest import KEY

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # the night the clocks change
HOUR = timedelta(hours=1)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch) -> Workspace:
    """A state folder with an empty warehouse, as a run leaves it, and a release put there."""
    for name in ("CHATCIJFERS_HEALTH_HOURS", "CHATCIJFERS_BACKUP_HOURS", "CHATCIJFERS_BACKUPS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(health, "LEAST_FREE", 0)
    workspace = Workspace(tmp_path / "data", "logs", tmp_path / "a_helpline")
    with lock.hold(workspace.data):
        with open_warehouse(workspace.warehouse, key=Key(KEY), make=True):
            pass
        give_release(workspace, NOW)
    return workspace


def give_release(workspace: Workspace, at: datetime, **public) -> Path:
    release = workspace.published / "releases" / "0123456789abcdef"
    release.mkdir(parents=True, exist_ok=True)
    standing = {"is_held": False, "closable_through": "", "contradictions": []} | public
    (release / "manifest.json").write_text(json.dumps({"public": standing, "files": {}}))
    (release / "run.json").write_text(json.dumps({"ended_at": at.isoformat()}))
    link = workspace.published / "latest"
    if not link.is_symlink():
        link.symlink_to(f"releases/{release.name}")
    return release


def kinds(workspace: Workspace, now: datetime = NOW) -> dict[str, bool]:
    """What is found, and whether it is critical; backups are looked at elsewhere."""
    return {
        one.kind: one.is_critical
        for one in examine(workspace, now).findings
        if one.kind != "backup"
    }


def says(workspace: Workspace, kind: str, now: datetime = NOW) -> str:
    (found,) = [one for one in examine(workspace, now).findings if one.kind == kind]
    return str(found)


def succeeded(workspace: Workspace, at: datetime) -> None:
    last = runs.LastTask("nightly", "r", "publish", runs.SUCCESS, at, succeeded_at=at)
    runs.note(workspace, last)


def failed(workspace: Workspace, reason: str = "", run: str = "r", task: str = "pull") -> None:
    last = runs.LastTask("nightly", run, task, runs.FAILED, NOW, reason)
    runs.note(workspace, last)


def deliver(workspace: Workspace, sha256: str, file: str, status: str) -> None:
    columns = (
        "delivery_id, file, bytes, lines, events, rejects, blank_lines, status, status_reason,"
        " reading, loaded_at, sha256, keyed_id"
    )
    row = (
        sha256, file, "1", "0", "0", "0", "0", status, "why", "r", "2026-03-20 02:00:00", sha256,
        f"id of {sha256}",
    )  # fmt: skip
    with open_warehouse(workspace.warehouse) as connection:
        fill(connection, f"warehouse.raw.deliveries ({columns})", [row], 13)


def damage(workspace: Workspace, *files: str) -> None:
    """Have these files, and no others, be those that cannot be read."""
    rows = [(file, "cut off", f"{NOW}") for file in files]
    with open_warehouse(workspace.warehouse) as connection:
        run(connection, "delete from warehouse.raw.refusals")
        fill(connection, "warehouse.raw.refusals (file, reason, refused_at)", rows, 3)


def test_all_is_well(workspace):
    assert kinds(workspace) == {}
    assert examine(workspace, NOW).is_well
    assert "All is well." in str(examine(workspace, NOW))


@pytest.mark.parametrize(("hours", "is_well"), [(35, True), (36, False), (400, False)])
def test_a_release_may_be_36_hours_old(workspace, hours, is_well):
    assert (kinds(workspace, NOW + hours * HOUR) == {}) == is_well


def test_the_hours_are_a_setting(workspace, monkeypatch):
    monkeypatch.setenv("CHATCIJFERS_HEALTH_HOURS", "2")
    assert kinds(workspace, NOW + 2 * HOUR) == {"stale": True}


@pytest.mark.parametrize("name", [limit.value[0] for limit in Limit])
def test_a_setting_that_is_none_is_found_and_the_usual_one_holds(workspace, monkeypatch, name):
    monkeypatch.setenv(name, "soon")
    (found,) = examine(workspace, NOW).findings
    assert (found.kind, found.is_critical) == ("setting", True)
    assert name in found.what
    assert "stale" in kinds(workspace, NOW + 36 * HOUR)


def test_a_warehouse_of_an_earlier_version_is_no_trouble(workspace):
    with open_warehouse(workspace.warehouse) as connection:
        run(connection, "update warehouse.raw.warehouse set schema_version = 2")
    report = examine(workspace, NOW)
    assert report.findings == []
    assert report.not_looked_at == OF_THE_WAREHOUSE
    assert "earlier version" in str(report)


def test_a_copied_folder_does_not_make_a_release_younger(workspace, tmp_path):
    copied = Workspace(tmp_path / "copied", "logs", workspace.helpline)
    shutil.copytree(workspace.data, copied.data, symlinks=True)
    assert kinds(copied, NOW + 40 * HOUR) == {"stale": True}


def test_a_release_of_the_future_is_the_clocks_fault(workspace):
    assert kinds(workspace, NOW - 2 * HOUR) == {"clock": True}
    assert kinds(workspace, NOW - HOUR / 2) == {}


def test_a_first_installation_has_its_36_hours(workspace):
    shutil.rmtree(workspace.published)
    assert kinds(workspace, NOW) == {}
    assert kinds(workspace, NOW + 35 * HOUR) == {}
    assert kinds(workspace, NOW + 36 * HOUR) == {"stale": True}
    assert "There is no release yet" in says(workspace, "stale", NOW + 36 * HOUR)


def test_sources_that_bring_nothing_new_are_named_with_their_last_delivery(workspace):
    deliver(workspace, "ab" * 32, "a.ndjson", "loaded")
    later = NOW + 40 * HOUR
    succeeded(workspace, later - HOUR)
    said = says(workspace, "stale", later)
    assert "the sources brought nothing new since 2026-03-20 02:00 UTC" in said


@pytest.mark.parametrize("is_known", [True, False])
def test_why_there_is_no_release_is_said_if_it_is_known(workspace, is_known):
    if is_known:
        failed(workspace, "There are no logs.\n- secret.ndjson")
    said = says(workspace, "stale", NOW + 40 * HOUR)
    assert ("There are no logs." in said) == is_known
    assert ("see that Airflow is up" in said) != is_known
    assert "secret" not in said


def test_a_failed_run_is_noted_with_its_task_and_reason(workspace):
    failed(workspace, "The disk is gone.", task="transform")
    assert kinds(workspace) == {"failed": False}
    said = says(workspace, "failed")
    assert "in the task `transform`" in said
    assert "The disk is gone." in said
    succeeded(workspace, NOW)
    assert kinds(workspace) == {}


def test_a_run_that_was_cut_off_is_told_from_one_that_goes_on(workspace, monkeypatch):
    runs.note(workspace, runs.LastTask("nightly", "r", "transform", runs.RUNNING, NOW))
    assert kinds(workspace) == {"failed": False}
    assert "was cut off in the task `transform`" in says(workspace, "failed")
    with lock.hold(workspace.data):
        report = examine(workspace, NOW)
    assert [one.kind for one in report.findings if one.kind != "backup"] == []
    assert report.not_looked_at == OF_THE_WAREHOUSE


def test_what_should_have_gone_is_found_with_its_reason_for_as_long_as_it_is_there(workspace):
    overdue.note(workspace, overdue.KEYS, None)
    assert kinds(workspace) == {}
    overdue.note(workspace, overdue.KEYS, "there is no release yet.")
    [since] = {one.since for one in overdue.read(workspace)}
    overdue.note(workspace, overdue.EVENTS, "the latest release is damaged.")
    overdue.note(workspace, overdue.KEYS, "public/ is held back.")
    found = [one for one in examine(workspace, NOW).findings if one.kind == "overdue"]
    assert len({one.key for one in found}) == 2
    assert any(f"since {since}" in one.what and "held back" in one.what for one in found)
    for what in (overdue.KEYS, overdue.EVENTS):
        overdue.note(workspace, what, None)
    assert kinds(workspace) == {}


def test_a_share_that_is_away_is_found_and_all_else_as_well(workspace, monkeypatch):
    def away(_place):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), "/mnt/backups")

    failed(workspace, "The disk is gone.")
    monkeypatch.setattr(health.shutil, "disk_usage", away)
    assert kinds(workspace) == {"out_of_reach": True, "failed": False}
    assert "/mnt/backups: Stale file handle" in says(workspace, "out_of_reach")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('name = "Praat erover\\nBcc: x@example.org"', "Praat erover Bcc: x@example.org"),
        ('name = ""', "a_helpline"),
        ("name = 1", "a_helpline"),
        ("name = [", "a_helpline"),
        (None, "a_helpline"),
    ],
)
def test_a_helpline_is_called_by_its_name_or_by_its_folder(workspace, settings, said):
    if settings is not None:
        workspace.helpline.mkdir()
        (workspace.helpline / "helpline.toml").write_text(settings, encoding="utf-8")
    assert examine(workspace, NOW).helpline == said


def test_a_share_that_hangs_is_found_and_all_else_as_well(workspace, monkeypatch):
    failed(workspace, "The disk is gone.")
    monkeypatch.setattr(health, "SECONDS_TO_LOOK", 0.2)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _place: threading.Event().wait(30))
    assert kinds(workspace) == {"out_of_reach": True, "failed": False}


def test_what_a_restore_put_aside_is_found_after_a_month(workspace):
    for place in (workspace.data, workspace.published):
        (place / "replaced-2026-02-20T010203Z-2").mkdir()
        (place / "replaced-by-hand").mkdir()
    assert kinds(workspace, NOW - 15 * 24 * HOUR).get("aside") is None
    found = [one for one in examine(workspace, NOW).findings if one.kind == "aside"]
    assert len({one.key for one in found}) == 2
    assert "before a restore on 2026-02-20" in found[0].what


def test_deliveries_are_counted_and_not_named(workspace):
    deliver(workspace, "cd" * 32, "jan-jansens.ndjson", "quarantined")
    damage(workspace, "piet.gz")
    assert kinds(workspace) == {"damaged": False, "quarantined": False, "missing_log": False}
    text = examine(workspace, NOW).as_json() + str(examine(workspace, NOW))
    assert "cdcdcdcdcdcd" in text
    assert "jansens" not in text
    assert "piet" not in text


def test_a_public_that_is_held_back_names_figures_and_no_value(workspace):
    contradicted = {
        "figure": "new_callers", "period": "2022-03", "breakdown": "", "category": "",
        "published": "4711", "document": "public/", "revised": "", "found": "4712",
    }  # fmt: skip
    gone = contradicted | {"period": "2021-03", "found": "", "cause": "before_start"}
    give_release(
        workspace,
        NOW,
        is_held=True,
        closable_through="2022-04",
        contradictions=[contradicted, gone],
    )
    assert kinds(workspace) == {"held": False}
    said = says(workspace, "held")
    assert "new_callers 2022-03" in said
    assert "before the first day that helpline.toml now gives" in said
    assert "471" not in said
    give_release(workspace, NOW, contradictions=[gone])
    assert kinds(workspace) == {"contradicted": False}
    assert "before the first day" in says(workspace, "contradicted")


@pytest.mark.parametrize(
    ("place", "mode", "is_fine"),
    [
        ("", 0o755, False),
        ("", 0o730, False),
        ("", 0o710, True),
        ("", 0o700, True),
        ("warehouse.duckdb", 0o640, False),
        ("published", 0o777, False),
        ("published", 0o755, True),
        ("published/releases/0123456789abcdef/internal", 0o755, False),
        ("published/releases/0123456789abcdef/internal", 0o750, True),
        ("published/releases/0123456789abcdef/internal/figures.csv", 0o644, False),
        ("published/releases/0123456789abcdef/internal/figures.csv", 0o640, True),
    ],
)
def test_what_others_can_read_is_refused_with_path_mode_and_remedy(workspace, place, mode, is_fine):
    internal = workspace.published / "releases/0123456789abcdef/internal"
    internal.mkdir(mode=0o750)
    (internal / "figures.csv").touch(0o640)
    path = workspace.data / place
    path.chmod(mode)
    assert kinds(workspace) == ({} if is_fine else {"modes": True})
    if is_fine:
        modes.check(workspace)
        return
    with pytest.raises(Problem) as problem:
        modes.check(workspace)
    said = str(problem.value)
    assert f"{path} has mode {mode:04o}" in said
    os.system(said.partition("`")[2].partition("`")[0])
    modes.check(workspace)


def test_an_empty_folder_that_was_made_beforehand_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    modes.check(Workspace(tmp_path, "logs", tmp_path))
    assert tmp_path.stat().st_mode & 0o777 == 0o710


def test_a_disk_that_is_nearly_full_fails(workspace, monkeypatch):
    monkeypatch.setattr(health, "LEAST_FREE", 10**18)
    assert kinds(workspace) == {"disk": True}


def test_without_a_backup_it_fails_after_three_days(workspace):
    assert examine(workspace, NOW).is_well
    give_release(workspace, NOW + 72 * HOUR)
    report = examine(workspace, NOW + 72 * HOUR)
    assert {one.kind: one.is_critical for one in report.findings} == {"backup": True}


def test_there_has_to_be_a_state_folder(tmp_path):
    with pytest.raises(Problem, match="There is no state folder"):
        examine(Workspace(tmp_path / "none", "logs", tmp_path))


def test_the_command_fails_when_it_should_and_speaks_to_machines(workspace, monkeypatch, capsys):
    from operations.__main__ import main

    give_release(workspace, datetime.now(UTC))
    assert main(["health", "--data", str(workspace.data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_well"] is True
    give_release(workspace, datetime.now(UTC) - 50 * HOUR)
    assert main(["health", "--data", str(workspace.data), "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in content["findings"]] == ["stale"]
    assert main(["health", "--data", str(workspace.data)]) == 1
    assert "FAILS  There has been no new release for 50 hours" in capsys.readouterr().out


@pytest.mark.parametrize("limit", list(Limit))
def test_a_limit_is_a_whole_number(limit, monkeypatch):
    name, usual = limit.value
    assert limit.read() == usual
    monkeypatch.setenv(name, "3")
    assert limit.read() == 3
    for wrong in ("0", "-1", "1.5", "two"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(Problem, match=name):
            limit.read()


class Channel:
    """Keeps what it is sent, unless it is down."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.is_down = False

    def __call__(self, _report, findings) -> None:
        if self.is_down:
            raise ConnectionError("https://secret.example/hook")
        self.sent.append([one.kind for one in findings])


def test_each_trouble_is_announced_once_until_it_comes_again(workspace):
    mail, webhook = Channel(), Channel()

    def look(now: datetime = NOW) -> None:
        report = examine(workspace, now)
        announce(workspace, report, {"mail": mail, "webhook": webhook})

    look()
    failed(workspace, run="one")
    look()
    look()
    failed(workspace, run="two")
    look()
    succeeded(workspace, NOW)
    look()
    look(NOW + 40 * HOUR)
    look(NOW + 41 * HOUR)
    give_release(workspace, NOW + 42 * HOUR)
    look(NOW + 42 * HOUR)
    look(NOW + 100 * HOUR)
    assert mail.sent == [["failed"], ["failed"], ["stale"], ["stale", "backup"]]
    assert webhook.sent == mail.sent


def test_a_channel_that_is_down_is_tried_again_alone_and_its_address_is_not_logged(
    workspace, caplog
):
    mail, webhook = Channel(), Channel()
    channels = {"mail": mail, "webhook": webhook}
    failed(workspace)
    webhook.is_down = True
    announce(workspace, examine(workspace, NOW), channels)
    assert "could not be sent by webhook (ConnectionError)" in caplog.text
    assert "secret" not in caplog.text
    webhook.is_down = False
    announce(workspace, examine(workspace, NOW), channels)
    assert (mail.sent, webhook.sent) == ([["failed"]], [["failed"]])


def test_what_could_not_be_looked_at_is_not_announced_again(workspace):
    mail = Channel()
    damage(workspace, "piet.gz")
    announce(workspace, examine(workspace, NOW), {"mail": mail})
    with lock.hold(workspace.data):
        announce(workspace, examine(workspace, NOW), {"mail": mail})
    announce(workspace, examine(workspace, NOW), {"mail": mail})
    assert mail.sent == [["damaged"]]


def test_what_the_logs_lack_is_announced_when_it_is_worse_and_not_when_it_is_better(workspace):
    mail = Channel()
    for files in (["a.gz"], ["a.gz"], ["a.gz", "b.gz"], ["b.gz"], [], ["b.gz"]):
        damage(workspace, *files)
        announce(workspace, examine(workspace, NOW), {"mail": mail})
    assert mail.sent == [["damaged"]] * 3


def test_what_could_not_be_looked_at_is_not_said_to_be_well(workspace):
    with lock.hold(workspace.data):
        report = examine(workspace, NOW)
    assert "Not looked at, for the warehouse is in use" in str(report)
    assert "All is well." not in str(report)


def test_a_warehouse_that_cannot_be_read_is_said_so(workspace):
    workspace.warehouse.write_bytes(b"no database")
    report = examine(workspace, NOW)
    assert [one.kind for one in report.findings if one.kind != "backup"] == ["damaged_state"]
    assert not report.is_well
    assert report.not_looked_at == OF_THE_WAREHOUSE
