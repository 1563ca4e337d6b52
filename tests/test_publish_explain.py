"""What `python -m publish explain` tells of a figure, and the models and deliveries behind it."""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.outcome import Finding, Outcome
from ingest.definitions import LOGS_OF_BASES
from ingest.problem import Problem
from publish.__main__ import main
from publish.disclosure.cells import Cell
from publish.explain import add_options, explain
from publish.lineage import (
    COMPUTED,
    LINEAGE,
    days_of,
    models_of_status,
    models_of_value,
    read_deliveries,
    read_lineage,
    windows_of,
    write_lineage,
)
from publish.publications import (
    PUBLICATIONS,
    Content,
    Publications,
    Row,
    as_dicts,
    write_publications,
)
from publish.verify import sha256
from tests.models import ROOT, Models

SEED = ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"
HEADER = (
    "figure,period,breakdown,category,value,unit,base,obs_status,conf_status,break,decimals,"
    "version,numerator,denominator,left_out"
)
ROWS = """\
callers,2022,,,210,persons,,A,F,,0,1,210,1,0
callers,2022,gender,boy,,persons,,A,C,,0,1,3,1,0
callers,2022,gender,girl,140,persons,,A,F,,0,1,140,1,0
callers_change_percent,2022-03,,,-15,percent,callers of the year before,A,F,,0,1,-31,2,0
callers_share_percent,2022,gender,girl,67,percent,callers,A,F,,0,1,14000,210,0
clicks_per_conversation,2020-01/2020-10,,,4.9,clicks each,conversations,A,F,,1,1,3727,768,0
conversations,2022-W09,,,31,conversations,,A,N,,0,1,31,1,0
first_time_callers,2022-03,,,16,persons,,A,F,,0,1,16,1,0
missed_attempts,2022-07,,,12,attempts,attempts,P,N,"other hours, from 2022-07-04",0,1,12,1,2
new_callers,2022-03,,,16,persons,,A,F,,0,1,16,1,0
new_callers,2022-04,,,,persons,,O,N,,0,1,,,0
wait_seconds_median,2022-03,,,87,seconds,conversations,A,F,,0,1,173,2,3
"""
RELEASES = {  # release -> when it was made, and what it gives for new_callers of 2022-03
    "0aaa": ("2022-04-02T03:31:07+00:00", "14,P"),
    "9bbb": ("2022-04-12T03:31:09+00:00", "16,A"),
    "3ccc": ("2022-04-13T03:31:08+00:00", "16,A"),
    "1ddd": ("2022-04-14T03:31:00+00:00", "17,A"),
}
GATES = (
    Outcome("deliveries", "", True, [Finding("a", "Volumes are usual.", "warning", False, 90, 2)]),
    Outcome("figures", "", True, [Finding("b", "Parts sum up.", "critical", True, 9, 0)]),
)
TABLES = f"""
create schema figures;
create schema helpline;
create schema marts;
create table figures.figure_definitions as from read_csv('{SEED}');
create table figures.definition_changes (
    figure varchar, version int, applies_from date, reason varchar
);
create table figures.periods (period varchar, is_closed boolean);
insert into figures.periods values ('2022-03', true), ('2022-07', false);
create table helpline.data_gaps (log varchar, starts_on date, ends_on date, reason varchar);
insert into helpline.data_gaps values
    ('button', '2022-07-01', '2022-08-31', 'to be cleaned'),
    ('button', '2020-07-01', '2020-08-31', 'long ago'),
    ('chat', '2022-12-30', '2023-01-02', 'moved');
create table helpline.published (
    document varchar, published_on date, figure varchar, period varchar, breakdown varchar,
    category varchar, value varchar, as_printed varchar
);
insert into helpline.published values
    ('an answer', '2020-12-04', 'clicks_per_conversation', '2020-01/2020-10', '', '', '4.8', '4,8'),
    ('an answer', '2022-06-01', 'new_callers', '2022-03', '', '', '16', '16'),
    ('an answer', '2022-06-01', 'missed_attempts', '2022-07', '', '', '', '***');
create table helpline.revisions (
    figure varchar, period varchar, breakdown varchar, category varchar, value varchar,
    reason varchar, author varchar, decided_on date
);
insert into helpline.revisions values (
    'clicks_per_conversation', '2020-01/2020-10', '', '', '4.9', 'it was cut off', 'Ann',
    '2022-01-09'
);
create table marts.deliveries (
    delivery_id varchar, status varchar, events bigint, first_occurred_at timestamp,
    last_occurred_at timestamp, logs varchar[]
);
"""
HIDDEN = ("persons", "", "A", "C", "", "0", "1", "primary")
PUBLIC = Publications(
    (
        Content(1, "2022-02", 9, 1, 0, 0, 0.0, 0.0, 0),
        Content(2, "2022-12", 9, 1, 1, 1, 2.0, 0.0, 1),
    ),
    (
        (1, Row("new_callers", "2022-03", "", "", "", "persons", "", "P", "N", "", "0", "1")),
        (2, Row("new_callers", "2022-03", "", "", "16", "persons", "", "A", "F", "", "0", "1")),
        (2, Row("callers", "2022", "gender", "boy", "", *HIDDEN)),
    ),
)


def write_release(folder: Path, dbt_manifest: Path, ended_at: str, given: str) -> Path:
    """Write as much of a release as an explanation reads."""
    (folder / "internal").mkdir(parents=True)
    value, status = given.split(",")
    rows = ROWS.replace(
        "new_callers,2022-03,,,16,persons,,A", f"new_callers,2022-03,,,{value},persons,,{status}"
    )
    (folder / "internal" / "figures.csv").write_text(f"{HEADER}\n{rows}")
    with duckdb.connect(folder / "internal" / "analytics.duckdb") as connection:
        connection.execute(TABLES)
    write_lineage(dbt_manifest, folder / LINEAGE)
    write_publications(PUBLIC, folder / PUBLICATIONS)
    manifest = {
        "settings": {"name": "Testlijn", "timezone": "Europe/Brussels", "settling_days": "10"},
        "gates": {gate.gate: gate.summary() for gate in GATES},
        "public": {"contents": as_dicts(PUBLIC.contents), "contradictions": []},
        "files": {PUBLICATIONS: {"sha256": sha256(folder / PUBLICATIONS)}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    names = {number * "a": [f"{number}.ndjson", f"again-{number}.ndjson"] for number in range(1, 3)}
    (folder / "run.json").write_text(json.dumps({"ended_at": ended_at, "delivered_as": names}))
    return folder


@pytest.fixture(scope="module")
def dbt_manifest(models: Models) -> Path:
    return models.manifest


@pytest.fixture(scope="module")
def written(tmp_path_factory, dbt_manifest) -> Path:
    folder = tmp_path_factory.mktemp("written")
    for release, made in RELEASES.items():
        write_release(folder / release, dbt_manifest, *made)
    return folder


@pytest.fixture
def releases(written, tmp_path) -> Path:
    return shutil.copytree(written, tmp_path / "releases")


@pytest.fixture
def release(releases) -> Path:
    return releases / "3ccc"


def change(release: Path, sql: str) -> None:
    with duckdb.connect(release / "internal" / "analytics.duckdb") as connection:
        connection.execute(sql)


def section(text: str, title: str) -> str:
    """Give a section of an explanation, its lines joined and its spaces made single."""
    sections = {part.partition("\n")[0]: part.partition("\n")[2] for part in text.split("\n\n")}
    return " ".join(sections[title].split())


# --- what is told


def test_a_figure_is_told_from_its_cell_to_its_history(release):
    text = explain(release, "new_callers", "2022-03")

    cell = section(text, "new_callers 2022-03")
    assert "release 3ccc of Testlijn" in cell
    assert "period 2022-03-01 to 2022-03-31, closed value 16 persons base none status A" in cell
    assert "final: every day is covered by the log chat" in cell
    assert "public F, free" in cell
    assert "break none" in cell
    meaning = section(text, "What it means")
    assert (
        "Chat callers whose first conversation of the calendar year falls in the month." in meaning
    )
    assert "version 1 kind a sum" in meaning
    assert "protection a count of persons" in meaning
    computed = section(text, "How it is computed")
    assert computed == "exactly 16 ÷ 1 = 16 rounded once, half up, to 0 decimals: 16"
    way = section(text, "On the way from the raw tables")
    for step in ("stg_logs__events", "measures_of_persons", "int_periods_judged"):
        assert re.search(rf"{step} dbt_project/models/\w+/{step}.sql", way)
    assert way.index("raw.events") < way.index("int_") < way.index("measures_of_persons")
    assert section(text, "The gates it passed") == (
        "deliveries passed: 0 of 1 expectations held "
        "warning, not so for 2 of 90: Volumes are usual. "
        "figures passed: 1 of 1 expectations held"
    )
    assert max(map(len, text.splitlines())) < 110


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (("callers", "2022", "gender", "boy"), "no value base none status A"),
        (("callers", "2022", "gender", "boy"), "public C, confidential"),
        (("missed_attempts", "2022-07"), "2022-07-31, not closed yet"),
        (("missed_attempts", "2022-07"), "P, provisional: it can still change"),
        (("missed_attempts", "2022-07"), "button from 2022-07-01 to 2022-08-31 (to be cleaned)"),
        (("missed_attempts", "2022-07"), "break other hours, from 2022-07-04"),
        (("new_callers", "2022-04"), "no value base none status O, missing"),
        (("conversations", "2022-W09"), "2022-02-28 to 2022-03-06"),
        (("conversations", "2022-W09"), "N, not for publication"),
        (("clicks_per_conversation", "2020-01/2020-10"), "2020-01-01 to 2020-10-31"),
    ],
)
def test_a_cell_is_told_in_words(cell, said, release):
    assert said in section(explain(release, *cell), " ".join(cell))


def test_only_gaps_of_its_own_logs_and_days_are_named(release):
    text = explain(release, "missed_attempts", "2022-07")
    assert "long ago" not in text
    assert "moved" not in text


LOG_MONTHS = """
create table marts.log_months (
    log varchar, month varchar, kept_events bigint, lost_lines bigint, accepted_lines bigint,
    lost_percent double, is_over_tolerance boolean, lost_types varchar, obs_status varchar,
    because varchar
);
create table marts.losses (
    log varchar, month varchar, event_type varchar, reason varchar, delivery_id varchar,
    lost_lines bigint, accepted_lines bigint, first_on date, last_on date
);
insert into marts.log_months values
    ('chat', '2022-03', 280, 140, 0, 33.3, true, '', 'P', 'lost_lines unreadable_file'),
    ('chat', '2022-02', 280, 2, 30, 0.7, false, '', 'A', ''),
    ('button', '2022-03', 0, 0, 0, null, false, '', 'P', 'empty_month'),
    ('chat', '2022-04', 10, 9, 0, 47.0, true, '', 'P', 'lost_lines not_settled');
insert into marts.losses values
    ('chat', '2022-03', 'helpline.session.answered', 'bad_time', 'a', 138, 0, '2022-03-02', null),
    ('chat', '2022-03', 'helpline.session.ended', 'id_used_twice', 'b', 2, 0, '2022-03-09', null),
    ('chat', '2022-04', 'helpline.session.answered', 'bad_json', 'b', 9, 0, '2022-04-09', null),
    ('button', '2022-03', 'helpline.button.clicked', 'in_future', 'b', 3, 3, '2022-03-09', null);
"""
LACKS = "What its logs lack"


def test_what_the_logs_lack_is_told_with_lines_deliveries_and_remedy(release):
    change(release, LOG_MONTHS)
    told = section(explain(release, "new_callers", "2022-03"), LACKS)
    assert told.startswith("lost lines chat 2022-03: more is lost than is tolerated 140 of 420 lin")
    assert "138 of helpline.session.answered, bad_time, since 2022-03-02" in told
    assert "2 of helpline.session.ended, id_used_twice, since 2022-03-09" in told
    assert "1.ndjson, again-1.ndjson delivery a 138 lines" in told
    assert "`python -m ingest rejects a` shows which lines." in told
    assert "chat,2022-03-01,2022-03-31,140,WHY,WHO,WHEN" in told
    assert "damaged file chat 2022-03: a file that may be about these days" in told
    for other in ("button", "bad_json", "in_future", "tolerated chat", "settled"):
        assert other not in told


def test_what_a_month_of_the_figure_lacks_is_told_of_its_year_and_its_week(release):
    change(release, LOG_MONTHS)
    with (release / "internal" / "figures.csv").open("a") as figures:
        figures.write(
            "clicks_per_conversation,2022,,,3.0,clicks each,conversations,P,F,,1,1,3,1,0\n"
        )
    year = section(explain(release, "clicks_per_conversation", "2022"), LACKS)
    assert "no event button 2022-03: the log is declared whole and holds no event" in year
    assert "button,2022-03-01,2022-03-31,0,WHY,WHO,WHEN" in year
    assert "chat 2022-03 to 2022-04: more is lost" in year
    assert "not settled chat 2022-04: the log does not reach 10 days past the end" in year
    week = section(explain(release, "conversations", "2022-W09"), LACKS)
    assert "tolerated chat 2022-02: 2 of 312 lines lost" in week
    assert "accepted chat 2022-02: 30 of 312 lines lost, as accepted.csv says" in week


def test_a_release_that_does_not_know_what_the_logs_lack_says_nothing_of_it(release):
    assert LACKS not in explain(release, "new_callers", "2022-03")
    change(release, LOG_MONTHS + "delete from marts.log_months")
    assert LACKS not in explain(release, "new_callers", "2022-03")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (("clicks_per_conversation", "2020-01/2020-10"), "made from clicks, conversations"),
        (("clicks_per_conversation", "2020-01/2020-10"), "3727 ÷ 768 = 4.852864…"),
        (("clicks_per_conversation", "2020-01/2020-10"), "once, half up, to 1 decimal: 4.9"),
        (("callers_change_percent", "2022-03"), "-31 ÷ 2 = -15.5 rounded once, half up"),
        (("new_callers", "2022-04"), "no value, so nothing is divided"),
        (("wait_seconds_median", "2022-03"), "173 ÷ 2 = 86.5"),
        (("wait_seconds_median", "2022-03"), "left out 3"),
    ],
)
def test_a_value_is_worked_out_before_the_reader(cell, said, release):
    assert said in section(explain(release, *cell), "How it is computed")


def test_a_later_version_of_a_definition_is_told_with_its_reason(release):
    change(
        release,
        "insert into figures.definition_changes values ('new_callers', 2, '2023-01-01', 'wider')",
    )
    meaning = section(explain(release, "new_callers", "2022-03"), "What it means")
    assert "version 2 applies from 2023-01-01: wider" in meaning


# --- deliveries


def deliver(release: Path, *deliveries: tuple[str, str, str, list[str], str]) -> None:
    """Add deliveries: name, first and last time (local), logs, status."""
    rows = [
        [name, status, _utc(first), _utc(last), logs]
        for name, first, last, logs, status in deliveries
    ]
    with duckdb.connect(release / "internal" / "analytics.duckdb") as connection:
        connection.executemany("insert into marts.deliveries values (?, ?, 5, ?, ?, ?)", rows)


def _utc(local: str) -> datetime:
    when = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Brussels"))
    return when.astimezone(UTC).replace(tzinfo=None)


def listed(text: str) -> list[str]:
    return re.findall(r"delivery (\S+)\s+(?:loaded|accepted|quarantined|withdrawn),", text)


DELIVERIES = (
    ("long-before", "2019-05-01T12:00", "2019-05-02T12:00", ["chat"], "loaded"),
    ("year-before", "2021-03-31T12:00", "2021-03-31T12:00", ["chat"], "loaded"),
    ("just-before-new-year", "2021-12-30T23:59:59", "2021-12-30T23:59:59", ["chat"], "loaded"),
    ("new-year", "2021-12-31T00:00", "2021-12-31T00:00", ["chat"], "loaded"),
    ("too-early", "2022-02-27T23:59:59", "2022-02-27T23:59:59", ["chat"], "loaded"),
    ("day-before", "2022-02-28T00:00", "2022-02-28T00:00", ["chat"], "accepted"),
    ("around", "2022-02-01T00:00", "2022-05-01T00:00", ["button", "chat"], "loaded"),
    ("of-the-button", "2022-03-10T00:00", "2022-03-10T00:00", ["button"], "loaded"),
    ("set-apart", "2022-03-11T00:00", "2022-03-11T00:00", ["chat"], "quarantined"),
    ("day-after", "2022-04-01T23:59:59", "2022-04-01T23:59:59", ["chat"], "loaded"),
    ("too-late", "2022-04-02T00:00", "2022-04-02T00:00", ["chat"], "loaded"),
)
OF_THE_MONTH = {"day-before", "around", "day-after"}
OF_THE_YEAR_SO_FAR = OF_THE_MONTH | {"new-year", "too-early"}


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("wait_seconds_median", OF_THE_MONTH),
        ("callers_change_percent", OF_THE_MONTH | {"year-before"}),
        ("new_callers", OF_THE_YEAR_SO_FAR),
        (
            "first_time_callers",
            OF_THE_YEAR_SO_FAR | {"long-before", "year-before", "just-before-new-year"},
        ),
    ],
)
def test_deliveries_are_those_whose_events_can_enter_the_figure(figure, expected, release):
    deliver(release, *DELIVERIES)
    text = explain(release, figure, "2022-03", has_every_delivery=True)

    in_use, _, others = text.partition("Not in use: 1 delivery")
    assert sorted(listed(in_use)) == sorted(expected)
    assert listed(others) == ["set-apart"]
    assert f"{len(expected)} deliveries with events of the log chat" in in_use


def test_a_delivery_goes_by_all_its_names_and_its_hash(release):
    deliver(
        release,
        ("a", "2022-03-02", "2022-03-02", ["chat"], "loaded"),
        ("c", "2022-03-03", "2022-03-03", ["chat"], "loaded"),
    )
    told = section(explain(release, "new_callers", "2022-03"), "The deliveries it rests on")
    assert "1.ndjson, again-1.ndjson delivery a loaded, 5 events" in told
    assert "file name unknown delivery c loaded, 5 events" in told


def test_of_many_deliveries_the_first_and_last_are_listed_unless_all_are_asked_for(release):
    names = [f"{day:02}" for day in range(1, 32)]
    deliver(
        release,
        *((day, f"2022-03-{day}", f"2022-03-{day}", ["chat"], "loaded") for day in reversed(names)),
    )
    some = explain(release, "wait_seconds_median", "2022-03")
    every = explain(release, "wait_seconds_median", "2022-03", has_every_delivery=True)

    assert listed(some) == names[:3] + names[-3:]
    assert "… 25 more, listed with --all" in some
    assert listed(every) == names


def test_a_release_that_does_not_know_logs_or_times_lists_all(release):
    deliver(release, *DELIVERIES)
    change(release, "alter table marts.deliveries drop column logs")
    without_logs = explain(release, "wait_seconds_median", "2022-03", has_every_delivery=True)
    change(release, "alter table marts.deliveries drop column first_occurred_at")
    without_times = explain(release, "wait_seconds_median", "2022-03", has_every_delivery=True)

    assert set(listed(without_logs)) == OF_THE_MONTH | {"of-the-button", "set-apart"}
    assert "does not say of which log" in without_logs
    assert len(listed(without_times)) == len(DELIVERIES)


@settings(deadline=None, max_examples=50)
@given(
    st.datetimes(datetime(2021, 1, 1), datetime(2022, 12, 31, 23, 59)),
    st.sampled_from(["month", "week", "year"]),
    st.sampled_from(["clicks", "callers_change_percent", "new_callers", "clicks_per_conversation"]),
)
def test_a_delivery_with_an_event_in_the_period_is_among_them(local, kind, figure):
    year, week, _ = local.isocalendar()
    period = {"month": f"{local:%Y-%m}", "week": f"{year}-W{week:02}", "year": f"{local:%Y}"}[kind]
    occurred_at = _utc(local.isoformat())
    windows = windows_of(figure, period, definitions())
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            """
            create table marts.deliveries as
            select
                'it' as delivery_id, 'loaded' as status, 1 as events,
                ?::timestamp as first_occurred_at, ?::timestamp as last_occurred_at,
                ['chat'] as logs
            """,
            [occurred_at, occurred_at],
        )
        found = read_deliveries(connection, windows, ["chat"], "Europe/Brussels")
    assert [delivery.delivery_id for delivery in found] == ["it"]


# --- what became of it


def test_what_was_published_stands_beside_what_the_release_gives(release):
    def told(*cell: str) -> str:
        return section(explain(release, *cell), "What was published of it before")

    assert told("new_callers", "2022-03") == (
        "2022-06-01 an answer printed “16”; this release agrees "
        "content 1 public/, closed through 2022-02: no value: pending "
        "content 2 public/, closed through 2022-12: 16"
    )
    assert told("clicks_per_conversation", "2020-01/2020-10") == (
        "2020-12-04 an answer printed “4,8”; this release gives another value: 4.9 "
        "2022-01-09 revised to 4.9 by Ann: it was cut off; this release agrees "
        "It is not in public/."
    )
    assert "an answer printed “***”, without a value" in told("missed_attempts", "2022-07")
    assert told("callers", "2022", "gender", "boy") == (
        "No document published it. "
        "content 2 public/, closed through 2022-12: hidden, for it is small"
    )


def test_what_holds_public_back_is_told_with_both_values(release):
    manifest = json.loads((release / "manifest.json").read_text())
    manifest["public"]["contradictions"] = [
        Cell("new_callers", "2022-03")._asdict()
        | {"published": "15", "document": "an answer", "revised": "", "found": "16"}
    ]
    (release / "manifest.json").write_text(json.dumps(manifest))

    said = "public/ stays as it was: an answer gave 15, the logs give 16"
    for period, is_said in (("2022-03", True), ("2022-04", False)):
        told = section(explain(release, "new_callers", period), "What was published of it before")
        assert (said in told) == is_said


def test_why_what_was_public_is_final_no_more_is_told(release):
    manifest = json.loads((release / "manifest.json").read_text())
    manifest["public"]["contradictions"] = [
        Cell("new_callers", "2022-03")._asdict()
        | {"published": "15", "document": "public/", "revised": "", "found": ""}
        | {"cause": "before_start"}
    ]
    (release / "manifest.json").write_text(json.dumps(manifest))
    told = section(explain(release, "new_callers", "2022-03"), "What was published of it before")
    assert "public/ gave 15, the logs give no final value" in told
    assert "set starts_on back" in told


def test_history_is_told_oldest_first_with_unchanged_stretches_joined(release):
    assert section(explain(release, "new_callers", "2022-03"), "Its history over the releases") == (
        "14 provisional 0aaa (2022-04-02 03:31 UTC) "
        "16 final 9bbb (2022-04-12 03:31 UTC) to 3ccc (2022-04-13 03:31 UTC): 2 releases "
        "(this one among them) "
        "17 final 1ddd (2022-04-14 03:31 UTC)"
    )


def test_history_goes_on_over_releases_that_lack_the_cell_or_are_damaged(releases):
    figures = releases / "0aaa" / "internal" / "figures.csv"
    figures.write_text(figures.read_text().replace("new_callers", "other_callers"))
    (releases / "9bbb" / "internal" / "figures.csv").unlink()
    (releases / "1ddd" / "run.json").unlink()
    (releases / ".building-7eee-1").mkdir()
    (releases / ".building-7eee-1" / "manifest.json").write_text("{")

    history = section(
        explain(releases / "3ccc", "new_callers", "2022-03"), "Its history over the releases"
    )
    assert history == (
        "17 final 1ddd (at an unknown time) "
        "no row 0aaa (2022-04-02 03:31 UTC) "
        "unreadable 9bbb (2022-04-12 03:31 UTC) "
        "16 final 3ccc (2022-04-13 03:31 UTC) (this one)"
    )


def test_an_old_release_is_explained_as_far_as_it_goes(release):
    figures = release / "internal" / "figures.csv"
    with figures.open(newline="") as lines:
        rows = [row[:11] for row in csv.reader(lines)]
    with figures.open("w", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(rows)
    manifest = json.loads((release / "manifest.json").read_text())
    del manifest["public"]
    (release / "manifest.json").write_text(json.dumps(manifest))
    for name in (LINEAGE, PUBLICATIONS, "run.json"):
        (release / name).unlink()
    change(
        release,
        """
        drop table helpline.published;
        drop table helpline.revisions;
        drop table figures.definition_changes;
        drop table figures.periods;
        create or replace table figures.figure_definitions as
            select figure, kind, basis, unit, base, decimals, breakdowns, definition
            from figures.figure_definitions;
        """,
    )

    text = explain(release, "new_callers", "2022-03")

    assert "value           16 persons" in text
    assert section(text, "How it is computed") == "exactly this release does not say"
    assert "before releases kept their lineage" in text
    assert "No document published it. It is not in public/." in " ".join(text.split())


# --- what is not there


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (("new_caller", "2022-03"), "Did you mean new_callers"),
        (("xyzzy", "2022-03"), "They are clicks, attempts"),
        (("new_callers", "2022-3"), "`2022-3` is no period. One is written as 2022, 2022-03"),
        (("new_callers", "2022-13"), "is no period"),
        (("new_callers", "2022,"), "is no period"),
        (("new_callers", "2020-10/2020-01"), "is no period"),
        (("new_callers", "2031-03"), "has no row for 2031-03 in .*: it has 2022-03 to 2022-04"),
        (("new_callers", "2022-W03"), "it is given by month, year, range"),
        (("clicks_per_conversation", "2020-01/2020-09"), "it has 2020-01/2020-10"),
        (("callers", "2022", "age_band", "9-11"), "given as a total or with --breakdown gender"),
        (("callers", "2022", "gender", "grl"), "no category `grl`. .* --category: boy, girl"),
        (("callers", "2022", "gender"), "has categories. .* --category: boy, girl"),
        (("callers", "2022", "", "girl"), "`girl` only within a breakdown"),
        (("callers_share_percent", "2022"), "has no total. It is given with --breakdown gender"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(cell, said, release):
    with pytest.raises(Problem, match=said):
        explain(release, *cell)


def test_no_release_is_said(tmp_path):
    with pytest.raises(Problem, match="There is no release in"):
        explain(tmp_path / "latest", "new_callers", "2022-03")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", "{"),
        ("manifest.json", "{}"),
        ("manifest.json", "[]"),
        ("internal/analytics.duckdb", "nothing"),
        ("internal/figures.csv", "nothing"),
        (LINEAGE, "[]"),
        (LINEAGE, "{"),
    ],
)
def test_a_damaged_release_is_said(name, content, release):
    (release / name).write_text(content)
    with pytest.raises(Problem, match=r"cannot be read.* `python -m publish verify`"):
        explain(release, "new_callers", "2022-03")


def test_the_command_prints_it_or_what_is_wrong(release, capsys):
    asked = ["explain", "callers", "2022", "--release", str(release), "--breakdown", "gender"]
    assert main([*asked, "--category", "girl"]) == 0
    assert capsys.readouterr().out.startswith("callers 2022 gender girl\n  release")
    assert main(asked) == 1
    assert "--category: boy, girl" in capsys.readouterr().err


def test_options_are_those_of_the_command():
    command = argparse.ArgumentParser()
    add_options(command)
    named = ["--breakdown", "gender", "--category", "girl"]
    options = command.parse_args(["callers", "2022", *named, "--all"])
    assert vars(options) == {
        "figure": "callers",
        "period": "2022",
        "breakdown": "gender",
        "category": "girl",
        "all": True,
    }


# --- models


def definitions() -> dict[str, dict[str, str]]:
    with SEED.open(newline="", encoding="utf-8") as lines:
        return {row["figure"]: row for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def lineage(dbt_manifest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    (folder / "internal").mkdir()
    write_lineage(dbt_manifest, folder / LINEAGE)
    return read_lineage(folder)


@pytest.mark.parametrize("figure", definitions())
def test_every_figure_comes_from_raw_tables_through_files_that_exist(figure, lineage):
    known = definitions()
    value = models_of_value(figure, known, lineage)
    status = models_of_status(figure, known, lineage)
    names = [model.name for model in value]

    assert {known[figure]["model"], "figures"} <= set(names)
    assert any(name.startswith("raw.") for name in names)
    for models in (value, status):
        for model in models:
            assert (ROOT / model.file).is_file(), model
            assert model.description, model
            assert model.parents or model.name.startswith("raw.") or "/seeds/" in model.file
    for number, model in enumerate(value):
        assert not set(model.parents) & set(names[number:]), f"{model.name} is before its parents"
    assert not {model.name for model in status} & set(names)


@pytest.mark.parametrize(
    "figure", [figure for figure, line in definitions().items() if line["kind"] in COMPUTED]
)
def test_a_figure_is_followed_only_to_what_it_is_worked_out_from(figure, lineage):
    known = definitions()
    parts = known[figure]["parts"].split()
    expected = {known[figure]["model"], *(known[part]["model"] for part in parts)}
    measuring = {definition["model"] for definition in known.values()}

    shown = {model.name for model in models_of_value(figure, known, lineage)}

    assert shown & measuring == expected


def test_the_same_models_give_the_same_bytes(dbt_manifest, tmp_path):
    manifest = json.loads(dbt_manifest.read_text())
    manifest["metadata"]["generated_at"] = "another time"
    for kind in ("nodes", "sources"):
        manifest[kind] = dict(reversed(manifest[kind].items()))
        for node in manifest[kind].values():
            node["created_at"] = 1.0
            if "depends_on" in node:
                node["depends_on"].get("nodes", []).reverse()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))

    write_lineage(dbt_manifest, tmp_path / "one.json")
    write_lineage(tmp_path / "manifest.json", tmp_path / "another.json")

    written = (tmp_path / "one.json").read_text()
    assert (tmp_path / "another.json").read_text() == written
    assert str(ROOT) not in written
    assert len(written) < 100_000


@pytest.mark.parametrize("content", [None, "{", "[]", '{"metadata": {}}'])
def test_an_account_of_the_models_that_cannot_be_read_is_said(content, tmp_path):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(Problem, match="The account of the models"):
        write_lineage(tmp_path / "manifest.json", tmp_path / "lineage.json")
    assert not (tmp_path / "lineage.json").exists()


# --- periods


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("2022", "2022-01-01", "2023-01-01"),
        ("2022-02", "2022-02-01", "2022-03-01"),
        ("2022-12", "2022-12-01", "2023-01-01"),
        ("2020-W53", "2020-12-28", "2021-01-04"),
        ("2020-01/2020-10", "2020-01-01", "2020-11-01"),
    ],
)
def test_periods_have_days(period, first, after):
    assert days_of(period) == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize("figure", definitions())
def test_the_days_of_a_figure_hold_its_period_and_a_day_on_either_side(figure):
    for period in ("2022-03", "2022", "2021-11/2022-02"):
        first, after = days_of(period)
        windows = windows_of(figure, period, definitions())
        starts_on, ends_on = windows[-1]
        assert starts_on is None or starts_on <= first - timedelta(days=1)
        assert ends_on == after + timedelta(days=1)
        assert len(windows) == (2 if definitions()[figure]["kind"] == "change" else 1)
        assert definitions()[figure]["basis"] in LOGS_OF_BASES
