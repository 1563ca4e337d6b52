"""Retention: years retire whole, and no figure of any year changes by it.

Random logs crowd around New Year (tests/strategies.py); whole nights go through every gate.
"""

from __future__ import annotations

import datetime as dt
import gzip
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import ingest
from expectations import deliveries, figures
from expectations.outcome import GateFailed, Outcome
from ingest.helpline import load_helpline
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations import nightly, overdue, retention
from operations.retention import retain, retire
from publish.explain import explain
from publish.protect import protect
from publish.release import release
from tests import reference, strategies
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
    schedule,
)
from tests.models import Models
from tests.test_nights import differences, read_rows

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
NO_LONGER_KNOWN = "no longer known"


def no_objection(connection, workspace, years) -> None:
    """Say nothing against a retirement: what was published is looked at elsewhere."""


def read_one(warehouse: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


Reach = tuple[int, bool]  # of a period: its first year, and whether it is closed


def reaches_of(warehouse: Path) -> tuple[dict[str, Reach], dict[str, Reach]]:
    """Each period's first year and closedness, and those of the period it is compared with."""
    periods = read_one(warehouse, "select period, year(starts_on), is_closed from figures.periods")
    compared = read_one(
        warehouse,
        f"""
        select distinct
            judged.period,
            year(earlier.starts_on),
            earlier.ends_on + settling_days <= ({retention.REACH})
        from intermediate.int_periods_judged as judged
        inner join intermediate.int_periods_judged as earlier
            on judged.basis = earlier.basis and judged.earlier_period = earlier.period
        cross join (select settling_days from raw.settings)
        """,
    )
    return tuple(
        {period: (year, bool(is_closed)) for period, year, is_closed in rows}
        for rows in (periods, compared)
    )


def expected_after(before: dict, reaches: tuple, years: list[int]) -> dict:
    """What the figures have to be once years have retired: what they were, or no longer known."""
    periods, compared = reaches
    first_kept = max(years) + 1

    def is_lost(cell: tuple, status: str) -> bool:
        figure, period, *_ = cell
        year, is_closed = periods[period]
        rests_on_all_before = figure.startswith("first_time_callers")
        if not is_closed and (year < first_kept or rests_on_all_before):
            return True
        if rests_on_all_before and year >= first_kept and status == "O":
            return True  # it had no value before either, and says now that it never will
        # What was not closed yet is not stored, so that nothing can be compared with it any more.
        year, is_closed = compared.get(period, (first_kept, True))
        return figure.endswith("_change_percent") and year < first_kept and not is_closed

    return {cell: row for cell, row in before.items() if not is_lost(cell, row.obs_status)}


def without_lost(rows: dict) -> dict:
    """The rows that are still known; of the others none has a value, and each says why."""
    lost = {cell: row for cell, row in rows.items() if NO_LONGER_KNOWN in row.series_break}
    assert {row.value for row in lost.values()} <= {None}
    assert {row.obs_status for row in lost.values()} <= {"O"}
    return {cell: row for cell, row in rows.items() if cell not in lost}


# As in test_nights.py: a whole run for each example, so a failure is shown as it was found.
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(delivered=strategies.nights(), drawn=strategies.helplines())
def test_figures_stay_to_the_digit_when_years_retire(delivered, drawn, models: Models, key: str):
    with tempfile.TemporaryDirectory() as scratch:
        check_retirement(Path(scratch), delivered, drawn, models, key)


def check_retirement(folder: Path, delivered, drawn, models: Models, key: str) -> list[int]:
    """Retire what can retire of a random log, and hold the figures against those of before."""
    logs = folder / "logs"
    logs.mkdir()
    contents = [content for night in delivered for _, content in night]
    for night in delivered:
        for name, content in night:
            (logs / name).write_bytes(content)
    helpline = strategies.helpline_of(folder / "helpline", drawn, key)
    workspace = Workspace(folder / "data", str(logs), helpline)
    ingest.pull(workspace)
    models.build(workspace.warehouse)
    before = read_rows(workspace.warehouse)
    reaches = reaches_of(workspace.warehouse)
    years = retire(workspace, 0, no_objection)
    if not years:
        return years
    models.build(workspace.warehouse)
    after = read_rows(workspace.warehouse)
    assert after.keys() == before.keys()
    assert differences(expected_after(before, reaches, years), without_lost(after)) == {}

    # What comes again, in files of another content, adds nothing to any year.
    for number, content in enumerate(contents):
        if content[:2] != GZIP and content[:4] != ZSTD:
            (logs / f"again-{number}.ndjson").write_bytes(content + b"\n\n")
    ingest.pull(workspace)
    models.build(workspace.warehouse)
    assert differences(read_rows(workspace.warehouse), after) == {}
    assert retire(workspace, 0, no_objection) == []
    return years


# --- whole nights

KEY = "a key for tests, long enough to be one"


def persons(day: str, number: int) -> Iterator[dict]:
    """So many persons who ask, are answered, and are noted, on the evening of a day."""
    for one in range(number):
        who, session, at = f"v{one}", f"{day}-{one}", f"{day} 19:{one:02}"
        yield click(who, at)
        yield request(session, who, at)
        yield answer(session, "r", f"{day} 20:{one:02}")
        yield end(session, f"{day} 21:{one:02}")
        yield register(
            session, f"{day} 21:30", client=f"c{one}", gender="female", age=13, topics=["home"]
        )


def log_of(year: int) -> list[dict]:
    """What happened in a year: few evenings, and a New Year's Eve that reaches into the next."""
    return [
        *(event for month in (1, 6, 12) for event in persons(f"{year}-{month:02}-05", 6)),
        click(f"only-{year}", f"{year}-06-07 19:00"),
        click("eve", f"{year}-12-31 23:50"),
        request(f"eve-{year}", "eve", f"{year + 1}-01-01 00:05"),
        answer(f"eve-{year}", "r", f"{year + 1}-01-01 00:15"),
        schedule(f"later-{year}", "late", f"{year}-12-20", scheduled_for=f"{year + 1}-01-09 19:00"),
        request(f"later-{year}", "late", f"{year + 1}-01-09 19:00"),
        answer(f"later-{year}", "r", f"{year + 1}-01-09 19:02"),
    ]


@dataclass
class Nights:
    """A helpline of three years, before and after its first one retires."""

    workspace: Workspace
    before: dict
    ids: list[str]
    public: list[dict[str, bytes]]
    retired: list[list[int]]


def run_night(workspace: Workspace, models: Models) -> str:
    """Every stage of the night but retention, in its order; the release's id."""
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build_in(workspace)
    protect(workspace)
    figures.judge(workspace)
    return release(workspace).id


def public_of(workspace: Workspace) -> dict[str, bytes]:
    latest = workspace.published / "latest" / "public"
    return {
        path.relative_to(latest).as_posix(): path.read_bytes()
        for path in sorted(latest.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, models: Models) -> Iterator[Workspace]:
    """A warehouse and a release of three years, of which the first is due to retire."""
    folder = tmp_path_factory.mktemp("years")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", KEY)
        workspace = Workspace(
            folder / "data",
            str(folder / "logs"),
            helpline(
                folder / "helpline",
                keep_events_years=1,
                exclusions=[
                    exclusion("bot", "page", "/", "2022-01-01", "2022-12-01", expected_events=300)
                ],
                published=[published("clicks", "2022-12/2023-01", 13)],
            ),
        )
        for year in (2022, 2023):
            deliver(Path(workspace.logs), f"{year}.ndjson", log_of(year))
        stretch = ("2022-12-01", "2024-01-20")
        told = [covered("button", *stretch), covered("chat", *stretch)]
        deliver(Path(workspace.logs), "covered.ndjson", told)
        run_night(workspace, models)
        yield workspace


def copied(workspace: Workspace, folder: Path) -> Workspace:
    """A copy of a workspace's state, for a test that changes it."""
    shutil.copytree(workspace.data, folder / "data", symlinks=True)
    shutil.copytree(workspace.logs, folder / "logs")
    shutil.copytree(workspace.helpline, folder / "helpline")
    return Workspace(folder / "data", str(folder / "logs"), folder / "helpline")


@pytest.fixture(scope="module")
def nights(ready: Workspace, models: Models, tmp_path_factory) -> Nights:
    """The night on which a year retires, and the two that follow."""
    workspace = copied(ready, tmp_path_factory.mktemp("nights"))
    found = Nights(workspace, read_rows(workspace.warehouse), [], [], [])
    found.ids.append((workspace.published / "latest").resolve().name)
    found.public.append(public_of(workspace))
    found.retired.append(retain(workspace))
    for _ in range(2):
        found.ids.append(run_night(workspace, models))
        found.public.append(public_of(workspace))
        found.retired.append(retain(workspace))
    return found


def test_a_year_retires_once_and_the_releases_after_it_are_one(nights):
    assert nights.retired == [[2022], [], []]
    first, second, third = nights.ids
    assert first != second == third


def test_public_stays_byte_for_byte(nights):
    first, second, third = nights.public
    assert first == second == third
    assert "figures.csv" in first


def test_the_figures_of_all_years_are_what_they_were(nights):
    after = without_lost(read_rows(nights.workspace.warehouse))
    changed = differences(nights.before, after)
    # Nothing but who called for the first time in what was not closed when the year retired.
    assert {cell[0] for cell in changed} <= {
        "first_time_callers",
        "first_time_callers_change_percent",
        "first_time_callers_per_month",
    }
    assert {cell[1][:4] for cell in changed} == {"2024"}
    assert after[("clicks", "2022-12", "", "")].value == 7
    assert after[("clicks", "2022-12/2023-01", "", "")].value == 13
    assert after[("clicks_change_percent", "2023-12", "", "")].exact == 0


def test_nothing_of_a_retired_visitor_is_left_in_the_warehouse(nights, ready):
    gone = pseudonyms("only-2022")
    stays = pseudonyms("only-2023")
    assert holds(ready.warehouse, gone)
    assert holds(nights.workspace.warehouse, stays)
    for path in [nights.workspace.warehouse, *nights.workspace.temporary.rglob("*")]:
        assert not path.is_file() or not holds(path, gone)
    assert not list(nights.workspace.data.glob("*.retiring*"))
    assert nights.workspace.warehouse.stat().st_mode & 0o777 == 0o600


def pseudonyms(visitor: str) -> list[bytes]:
    """A visitor's pseudonym, in every way in which DuckDB may have it on the disk."""
    text = reference.pseudonym(KEY, "visitor", visitor)
    number = bytes.fromhex(text.replace("-", ""))
    # DuckDB keeps a UUID as a signed number of 128 bits, with its first bit turned.
    turned = bytes([number[0] ^ 0x80]) + number[1:]
    ways = [number, number[::-1], turned, turned[::-1]]
    ways += [half for way in list(ways) for half in (way[:8], way[8:])]
    return [*ways, text.encode(), text.replace("-", "").encode()]


def holds(path: Path, needles: list[bytes]) -> bool:
    content = path.read_bytes()
    return any(needle in content for needle in needles)


def test_only_what_reaches_into_the_next_year_is_left_of_it(nights):
    rows = read_one(
        nights.workspace.warehouse,
        "select distinct event_type from raw.events where event_type <> 'helpline.log.covered'"
        " and occurred_at < timestamp '2022-12-31 23:00' order by all",
    )
    assert rows == [("helpline.button.clicked",), ("helpline.session.scheduled",)]
    assert read_one(
        nights.workspace.warehouse,
        """
        select deliveries.events - expired = count(events.delivery_id), expired > 0
        from raw.deliveries left join raw.events using (delivery_id)
        group by file, deliveries.events, expired
        order by file
        """,
    ) == [(True, True), (True, False), (True, False)]
    assert read_one(nights.workspace.warehouse, "from raw.closings") == [
        (2022, dt.date(2024, 1, 19), True, False)
    ]
    marts = "select min(started_on)::varchar, (select min(answered_on)::varchar from {0}) from {1}"
    assert read_one(
        nights.workspace.warehouse, marts.format("marts.conversations", "marts.attempts")
    ) == [("2023-01-05", "2023-01-01")]


def test_the_first_gate_does_not_miss_what_is_deleted(nights):
    outcome = Outcome.read(nights.workspace.gates, "deliveries")
    ended, usual = (
        next(found for found in outcome.findings if found.name == name)
        for name in ("exclusions_find_their_events", "volumes_are_usual")
    )
    assert ended.success
    assert not [day for day in usual.examples if day["local_date"] < "2023-02"]


def test_a_late_file_of_a_retired_year_is_set_aside_and_changes_nothing(nights, models, tmp_path):
    workspace = copied(nights.workspace, tmp_path)
    before = read_rows(workspace.warehouse)
    late = [*log_of(2022)[:30], click("too late", "2022-12-24 19:00")]
    deliver(Path(workspace.logs), "late.ndjson", late)
    run_night(workspace, models)
    assert differences(read_rows(workspace.warehouse), before) == {}
    assert public_of(workspace) == nights.public[0]
    assert read_one(
        workspace.warehouse,
        "select events, rejects, status from raw.deliveries where file = 'late.ndjson'",
    ) == [(0, 31, "loaded")]


def test_a_kept_year_may_change_beside_what_is_stored(nights, models, tmp_path):
    workspace = copied(nights.workspace, tmp_path)
    late = [event for number in range(3) for event in persons(f"2023-01-0{number + 2}", 1)]
    deliver(Path(workspace.logs), "late.ndjson", late)
    run_night(workspace, models)  # which raises if the second gate fails
    (workspace.helpline / "data_gaps.csv").write_text(
        "log,starts_on,ends_on,reason\nchat,2023-01-03,2023-01-04,to be cleaned\n"
    )
    run_night(workspace, models)
    rows = read_rows(workspace.warehouse)
    assert rows["first_time_callers", "2023-01", "", ""].obs_status == "P"
    assert rows["callers", "2023-01", "", ""].obs_status == "P"
    assert rows["callers", "2022-12", "", ""].obs_status == "A"


def test_years_retire_where_keys_rotate(ready, models, tmp_path):
    workspace = Workspace(tmp_path / "data", ready.logs, tmp_path / "helpline")
    shutil.copytree(ready.helpline, workspace.helpline)
    with (workspace.helpline / "helpline.toml").open("a") as file:
        file.write("rotate_keys_from = 2023\n")
    for number in range(3):
        run_night(workspace, models)
        if number == 1:
            before = read_rows(workspace.warehouse)
        nightly.retain(workspace)
    assert read_one(workspace.warehouse, "from raw.closings order by 1") == [
        (2022, dt.date(2024, 1, 19), True, False),
        (2023, dt.date(2024, 1, 19), False, True),
    ]
    after = read_rows(workspace.warehouse)
    assert "new key of pseudonyms from 2023" in before["callers", "2023", "", ""].series_break
    changed = differences(before, after)
    assert {cell[0] for cell in changed} <= {
        cell[0] for cell in changed if cell[0].startswith("first_time_callers")
    }
    assert {cell[:2] for cell in changed} >= {("first_time_callers", "2024-01")}


def test_a_figure_of_a_retired_year_is_explained_from_what_is_stored(nights):
    latest = nights.workspace.published / "latest"
    text = explain(latest, "clicks", "2022-12")
    assert "7 clicks" in text
    assert "its year has retired" in text
    assert "the events behind it are deleted" in " ".join(text.split())
    assert "sha256" not in text
    text = explain(latest, "first_time_callers", "2024-01")
    assert "who called before 2023-01-01 is no longer known" in " ".join(text.split())


# --- when nothing may be deleted


def state(workspace: Workspace) -> tuple:
    return workspace.warehouse.read_bytes(), sorted(workspace.data.rglob("*"))


def test_nothing_is_deleted_without_a_setting(ready, tmp_path):
    workspace = copied(ready, tmp_path)
    helpline(workspace.helpline)
    before = state(workspace)
    assert retain(workspace) == []
    assert state(workspace) == before


def test_nothing_is_deleted_before_its_time(ready, tmp_path):
    workspace = copied(ready, tmp_path)
    helpline(workspace.helpline, keep_events_years=2)
    assert retain(workspace) == []
    assert read_one(workspace.warehouse, "from raw.closings") == []


def lose_the_release(workspace: Workspace) -> None:
    shutil.rmtree(workspace.published)


def damage_the_release(workspace: Workspace) -> None:
    path = workspace.published / "latest" / "internal" / "figures.csv"
    path.write_bytes(path.read_bytes() + b"\n")


def deliver_more(workspace: Workspace) -> None:
    deliver(Path(workspace.logs), "more.ndjson", [click("v", "2023-07-01 12:00")])
    ingest.pull(workspace)


def fail_the_gate(workspace: Workspace) -> None:
    deliver_more(workspace)
    deliveries.judge(workspace)
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute("update figures.figures set value = -1 where figure = 'clicks'")
    with pytest.raises(GateFailed):
        figures.judge(workspace)


def alter_a_figure(workspace: Workspace) -> None:
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute("update figures.figures set value = 9 where figure = 'clicks'")


def deliver_a_damaged_file(workspace: Workspace) -> None:
    path = Path(workspace.logs) / "cut_off.ndjson.gz"
    path.write_bytes(gzip.compress(b"{}")[:-4])
    ingest.pull(workspace)


def declare_a_gap(workspace: Workspace) -> None:
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute(
            "update intermediate.int_log_days set is_pending = true"
            " where log = 'chat' and local_date = '2022-12-20'"
        )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(deliver_a_damaged_file, "1 damaged file may"), (declare_a_gap, "the first is 2022-12-20")],
)
def test_nothing_goes_of_which_something_may_still_come(spoil, reason, ready, tmp_path):
    workspace = copied(ready, tmp_path)
    spoil(workspace)
    assert retain(workspace) == []
    [kept] = overdue.read(workspace)
    assert kept.what == overdue.EVENTS
    assert reason in kept.reason


@pytest.mark.parametrize(
    "spoil", [lose_the_release, damage_the_release, deliver_more, fail_the_gate, alter_a_figure]
)
def test_nothing_is_deleted_that_is_not_published(spoil, ready, tmp_path, caplog):
    workspace = copied(ready, tmp_path)
    spoil(workspace)
    [(events,)] = read_one(workspace.warehouse, "select count(*) from raw.events")
    assert retain(workspace) == []
    assert "are kept for now (2022)" in caplog.text
    assert [one.what for one in overdue.read(workspace)] == [overdue.EVENTS]
    assert read_one(workspace.warehouse, "select count(*) from raw.events") == [(events,)]
    assert read_one(workspace.warehouse, "from raw.closings") == []


def test_a_category_that_stored_figures_go_by_has_to_stay_listed(nights, tmp_path):
    workspace = copied(nights.workspace, tmp_path)
    for file, line in (("exclusions.csv", "bot,"), ("codes.csv", "topic,")):
        path = workspace.helpline / file
        whole = path.read_text()
        lines = whole.splitlines(keepends=True)
        [gone, *_] = [number for number, text in enumerate(lines) if text.startswith(line)]
        name = " ".join(lines[gone].split(",")[:2]) if file == "codes.csv" else "exclusion bot"
        path.write_text("".join(lines[:gone] + lines[gone + 1 :]))
        with pytest.raises(Problem, match=rf"{file}: the lines of {name} are gone"):
            ingest.pull(workspace)
        path.write_text(whole)
    ingest.pull(workspace)


# --- killed on the way

STEPS = ("_find_kept", "transaction", "_count_deleted", "_put_in_place", "after")


def retain_until(workspace: Workspace, step: str) -> None:
    """Retain in a process of its own, which is killed when it comes to a step, or after all."""
    whole = multiprocessing.get_context("fork").Process(target=_die_at, args=(workspace, step))
    whole.start()
    whole.join()
    assert whole.exitcode == -signal.SIGKILL


def _die_at(workspace: Workspace, step: str) -> None:
    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    if step != "after":
        setattr(retention, step, die)
    retain(workspace)
    die()


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_is_put_right_by_the_next(step, ready, nights, tmp_path):
    workspace = copied(ready, tmp_path)
    retain_until(workspace, step)
    is_done = step == "after"
    assert len(read_one(workspace.warehouse, "from raw.closings")) == is_done
    assert retain(workspace) == ([] if is_done else [2022])
    assert not list(workspace.data.glob("*.retiring*"))
    for table in ("events", "deliveries", "closings", "closed_figures", "closed_periods"):
        left, right = (
            read_one(one.warehouse, f"from raw.{table} order by all")
            for one in (workspace, nights.workspace)
        )
        assert left == right


# --- what is set


@pytest.mark.parametrize("value", ["0", "-1", "1.5", '"2"', "true", "1000"])
def test_a_setting_that_is_none_is_refused_by_its_line(value, tmp_path):
    folder = helpline(tmp_path / "helpline")
    path = folder / "helpline.toml"
    path.write_text(path.read_text() + f"keep_events_years = {value}\n")
    line = len(path.read_text().splitlines())
    with pytest.raises(Problem, match=rf"helpline\.toml:{line}: keep_events_years has to be"):
        load_helpline(folder)
