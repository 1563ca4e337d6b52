"""What the logs lack, as the end of a run, the health check and announcements tell it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ingest.reasons import REASONS
from operations import losses
from operations.losses import read_story
from publish.months import accepted_line, spans
from tests.conftest import KEY
from tests.lacking import ANSWERED, CLICKED, FIRST, SECOND, Warehouse, lost, month_of


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "data")


BOTH = [month_of("button", "2022-02"), month_of("chat", "2022-02")]


def test_when_all_is_well_it_is_one_line(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED)
    warehouse.model(months=BOTH)
    assert str(warehouse.story()) == "All is well: 1 file, 2 lines read, nothing lost."


def test_what_is_tolerated_and_accepted_is_said_in_that_line(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED, rejects=12)
    warehouse.model([lost("2022-02", 12), lost("2022-01", 140, accepted=140)], BOTH)
    assert str(warehouse.story()) == (
        "All is well: 1 file, 14 lines read, 12 lines lost, within what is tolerated; 140 lost "
        "lines accepted."
    )


def test_a_line_that_is_lost_to_both_logs_is_one_line(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED, rejects=2)
    both = [lost("2022-02", 2, log=log, kind="") for log in ("button", "chat")]
    warehouse.model(both, BOTH)
    assert warehouse.story().lost == 2


def test_lost_lines_are_told_by_type_and_reason_with_the_line_that_accepts_them(warehouse):
    warehouse.deliver(FIRST, "jan-jansens.ndjson", CLICKED, ANSWERED, rejects=150)
    warehouse.model(
        [
            lost("2022-02", 140),
            lost("2022-03", 10, kind="helpline.session.requested", reason="bad_channel", of=SECOND),
            lost("2022-01", 1),
        ],
        [
            month_of("button", "2022-02"),
            month_of("chat", "2022-01", 100, 1),
            month_of("chat", "2022-02", 672, 140, is_over=True, because="lost_lines"),
            month_of("chat", "2022-03", 50, 10, is_over=True, because="lost_lines not_settled"),
        ],
    )
    [lack] = warehouse.story().lacks
    assert lack.finding.what == (
        "The log `chat` lost 150 of 872 lines in 2022-02 to 2022-03, and figures of then are "
        "provisional: "
        f"140 lines of helpline.session.answered for bad_time ({REASONS['bad_time']}), since "
        f"2022-02-03; 10 lines of helpline.session.requested for bad_channel "
        f"({REASONS['bad_channel']}), since 2022-03-03."
    )
    assert f"python -m ingest rejects {FIRST} --data" in lack.finding.remedy
    assert lack.finding.remedy.endswith("chat,2022-02-01,2022-03-31,150,WHY,WHO,WHEN")
    assert "jansens" not in str(lack.finding)
    assert f"jan-jansens.ndjson ({FIRST}): 140 lines" in str(lack)
    assert "All is well" not in str(warehouse.story())


def test_ids_that_are_used_twice_are_told_as_such(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED)
    warehouse.model(
        [lost("2022-02", 6, log="button", kind=CLICKED, reason="id_used_twice")],
        [
            month_of("button", "2022-02", 2, 6, is_over=True, because="lost_lines"),
            month_of("chat", "2022-02"),
        ],
    )
    [finding] = warehouse.story().findings
    assert "6 lines of helpline.button.clicked share the ids of others with other" in finding.what
    assert "Every event needs an id" in finding.remedy
    assert "ingest rejects" not in finding.remedy


def test_lost_lines_without_a_date_are_found_too(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED, rejects=3)
    warehouse.model([lost("", 3, kind="", reason="not_json")], BOTH)
    [finding] = warehouse.story().findings
    assert "of no date" in finding.what
    assert "accepted.csv" not in finding.remedy


@pytest.mark.parametrize("grown", [("2022-02", 150), ("2022-03", 3), ("2022-02", 3, "no_session")])
def test_lost_lines_are_the_same_trouble_until_they_get_worse(tmp_path, grown):
    month, lines, *reason = grown
    rows = [lost("2022-02", 140), lost(month, lines, reason=(reason or ["bad_time"])[0])]
    over = [month_of("chat", one, is_over=True, because="lost_lines") for one in
            ("2022-02", "2022-03")]  # fmt: skip
    keys = []
    for number, losses_of_night in enumerate((rows[:1], rows)):
        warehouse = Warehouse(tmp_path / str(number))
        warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED)
        warehouse.model(losses_of_night, [*over, BOTH[0]])
        [finding] = warehouse.story().findings
        keys.append(finding.keys)
    before, after = keys
    is_worse = grown != ("2022-02", 150)
    assert (after <= before) != is_worse
    assert before <= after  # and what got better is no new trouble


def test_a_declared_month_without_events_is_told_with_the_line_that_accepts_it(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED)
    empty = [month_of("chat", f"2022-{month}", 0, because="empty_month") for month in
             ("03", "04", "06")]  # fmt: skip
    warehouse.model(months=[*BOTH, *empty])
    [finding] = warehouse.story().findings
    assert finding.kind == "empty_months"
    assert "holds no event in 2022-03 to 2022-04, 2022-06" in finding.what
    assert "chat,2022-03-01,2022-04-30,0,WHY,WHO,WHEN" in finding.remedy
    assert "chat,2022-06-01,2022-06-30,0,WHY,WHO,WHEN" in finding.remedy


@pytest.mark.parametrize(("found", "remedy"), [(150, "2022-02-28,150,WHY"), (0, "Remove the line")])
def test_an_acceptance_that_is_void_is_told(warehouse, found, remedy):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED)
    days = date(2022, 2, 1), date(2022, 2, 28)
    decided = "seen", "An", date(2022, 3, 1)
    sound = ("button", *days, 3, 3, 0, True, *decided)
    warehouse.model(months=BOTH, accepted=[("chat", *days, 140, found, 0, False, *decided), sound])
    [finding] = warehouse.story().findings
    assert finding.kind == "void_acceptance"
    assert (
        f"140 lost lines of the log `chat` from 2022-02-01 to 2022-02-28 as they are, and {found}"
    )
    assert remedy in finding.remedy


@pytest.mark.parametrize("is_modelled", [True, False])
@pytest.mark.parametrize(
    ("types", "missing", "costs"),
    [
        ((CLICKED,), "chat", "2 figures that rest on it have no value (attempts, conversations)"),
        ((ANSWERED,), "button", "2 figures that rest on it have no value (attempts, clicks)"),
    ],
)
def test_a_log_that_was_never_delivered(warehouse, is_modelled, types, missing, costs):
    warehouse.deliver(FIRST, "a.ndjson", *types)
    if is_modelled:
        warehouse.model(months=[one for one in BOTH if one[0] != missing])
    [finding] = warehouse.story().findings
    assert finding.kind == "missing_log"
    assert f"The log `{missing}` was never delivered" in finding.what
    assert (costs in finding.what) == is_modelled
    assert '"type":"helpline.log.covered"' in finding.remedy


def test_the_line_that_mends_a_missing_log_is_an_event_that_is_read(tmp_path, monkeypatch):
    from ingest.pull import pull
    from ingest.workspace import Workspace
    from tests import events

    monkeypatch.setenv("CHATCIJFERS_KEY", KEY)
    logs = tmp_path / "logs"
    logs.mkdir()
    events.deliver(logs, "a.ndjson", [events.click("anna", "2022-03-01 18:42")])
    workspace = Workspace(tmp_path / "data", str(logs), events.helpline(tmp_path / "helpline"))
    pull(workspace)
    [finding] = read_story(workspace.warehouse, workspace.data).findings
    assert finding.kind == "missing_log"
    (logs / "b.ndjson").write_text(finding.remedy[finding.remedy.index("{") :] + "\n")
    pull(workspace)
    assert read_story(workspace.warehouse, workspace.data).lacks == ()


def test_of_nothing_that_can_be_read_it_is_told_what_it_looks_like(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", rejects=85, status="quarantined")
    warehouse.write(
        f"insert into warehouse.raw.shapes values ('{FIRST}', 'id', 'number', 80),"
        f" ('{FIRST}', 'id', 'text', 5), ('{FIRST}', '', 'text', 84),"
        f" ('{FIRST}', '', 'object line', 85)"
    )
    story = warehouse.story()
    assert story.is_nothing_read
    assert [finding.kind for finding in story.findings] == ["nothing_read", "quarantined"]
    told = str(story)
    assert "85 lines: a JSON object" in told
    assert "fields: id (number 80, text 5)" in told
    assert "fields with names that are not shown: text 84" in told
    assert "Expected is one JSON object a line" in told


def test_files_are_named_in_the_story_and_not_in_a_finding(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED)
    warehouse.deliver(SECOND, "jan-jansens.ndjson", rejects=1, status="quarantined")
    warehouse.write(
        "insert into warehouse.raw.refusals (file, reason, refused_at)"
        " values ('piet\x1b[2J.gz', 'cut off', now())",
        "insert into warehouse.raw.passed_over values ('foto.jpg', 'an image', now())",
    )
    warehouse.model(
        months=[
            *BOTH,
            month_of("chat", "2022-03", because="unreadable_file not_settled"),
            month_of("chat", "2022-04", because="unreadable_file"),
        ]
    )
    story = warehouse.story()
    assert [one.kind for one in story.findings] == ["damaged", "quarantined", "passed_over"]
    for name in ("jan-jansens.ndjson", "piet\\x1b[2J.gz: cut off", "foto.jpg: an image"):
        assert name in str(story)
        assert name not in " ".join(map(str, story.findings))
    assert "\x1b" not in str(story)
    assert "provisional in 2022-03 to 2022-04 of `chat`" in story.findings[0].what


def test_many_files_are_counted_and_the_first_ones_named(warehouse):
    rows = ", ".join(f"('{number:02}.jpg', 'an image', now())" for number in range(25))
    warehouse.write(f"insert into warehouse.raw.passed_over values {rows}")
    told = str(warehouse.story())
    assert "25 files among the logs are no logs" in told
    assert "19.jpg" in told
    assert "20.jpg" not in told
    assert "… and 5 more" in told


@pytest.mark.parametrize(
    ("is_public", "starts_on", "is_told"),
    [(True, "null", True), (False, "null", False), (True, "date '2022-03-01'", False)],
)
def test_public_months_are_in_doubt_while_nobody_knows_the_days_of_a_file(
    warehouse, is_public, starts_on, is_told
):
    warehouse.write(
        "insert into warehouse.raw.refusals"
        f" values ('a.gz', 'cut off', now(), {starts_on}, {starts_on})"
    )
    if is_public:
        warehouse.write("insert into warehouse.raw.public_months values ('chat', '2021-12')")
    assert ("public_in_doubt" in warehouse.kinds()) == is_told


def test_before_the_models_were_built_the_raw_tables_tell(warehouse):
    warehouse.deliver(FIRST, "a.ndjson", CLICKED, ANSWERED, rejects=5)
    warehouse.write(
        *(
            "insert into warehouse.raw.rejects (delivery_id, line_number, reason, event_type)"
            f" values ('{FIRST}', {line}, '{reason}', '{ANSWERED}')"
            for line, reason in enumerate(["bad_time"] * 3 + ["before_start", "other_type"], 3)
        )
    )
    [finding] = warehouse.story().findings
    assert finding.what.startswith(
        f"3 lines could not be read: 3 lines of {ANSWERED} for bad_time ({REASONS['bad_time']})"
    )
    assert warehouse.story().lost == 3


def test_every_kind_that_is_told_is_one_that_only_the_warehouse_knows(warehouse):
    source = Path(losses.__file__).read_text()
    told = {part.partition(",")[0].strip().strip('"') for part in source.split("_finding(\n")[1:]}
    assert told - {"NOTHING_READ"} | {losses.NOTHING_READ} == set(losses.KINDS)


def test_months_are_told_as_stretches():
    assert spans([]) == ""
    assert spans(["2021-12", "2022-01", "2022-01", "2022-03"]) == "2021-12 to 2022-01, 2022-03"
    assert accepted_line("button", ["2024-01", "2024-02"], 0).startswith(
        "button,2024-01-01,2024-02-29"
    )
