"""What goes wrong with other people's logs: what is lost or guessed is never final, and is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

import ingest
from expectations import deliveries
from ingest.workspace import Workspace
from operations.losses import read_story
from tests import events
from tests.models import Models, read_figures

Night = Callable[..., dict[tuple[str, str], tuple[Decimal | None, str]]]
WHOLE = [events.covered(log, "2022-03-01", "2022-04-20") for log in ("button", "chat")]


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    folder = events.helpline(tmp_path / "helpline", starts_on=date(2022, 3, 1))
    return Workspace(tmp_path / "data", str(tmp_path / "logs"), folder)


@pytest.fixture
def night(workspace: Workspace, models: Models) -> Night:
    """Runs a night as far as the figures, and gives the totals by figure and period."""

    def run(folder: Path | None = None) -> dict:
        here = Workspace(workspace.data, workspace.logs, folder or workspace.helpline)
        ingest.pull(here)
        deliveries.judge(here)
        models.build(here.warehouse)
        return {
            (figure, period): row
            for (figure, period, breakdown, _), row in read_figures(here.warehouse).items()
            if breakdown == ""
        }

    return run


def told(workspace: Workspace) -> str:
    return str(read_story(workspace.warehouse, workspace.data))


def deliver(workspace: Workspace, name: str, *lines) -> Path:
    return events.deliver(Path(workspace.logs), name, lines)


def test_a_file_in_utf_16_leaves_no_month_final_though_coverage_is_declared(workspace, night):
    deliver(workspace, "covered.ndjson", *WHOLE)
    assert night()["clicks", "2022-03"] == (0, "A")
    text = events.pack([events.click("anna", "2022-03-02 20:00")]).decode()
    (Path(workspace.logs) / "button.ndjson").write_bytes(text.encode("utf-16"))
    assert night()["clicks", "2022-03"] == (0, "P")
    assert "button.ndjson: it is UTF-16" in told(workspace)
    (Path(workspace.logs) / "button.ndjson").write_bytes(text.encode())
    assert night()["clicks", "2022-03"] == (1, "A")


def test_a_file_that_cannot_be_read_costs_the_dates_of_its_name(workspace, night):
    deliver(workspace, "covered.ndjson", *WHOLE)
    (Path(workspace.logs) / "button-2022-03-30.gz").write_bytes(b"\x1f\x8b\x08\x00 cut off")
    figures = night()
    assert figures["clicks", "2022-03"] == (0, "P")
    assert figures["clicks", "2022-W10"] == (0, "A")
    assert figures["clicks", "2022-W13"] == (0, "P")


@pytest.mark.parametrize(
    "visitor", [{"id": 14, "name": "PLANTED"}, ["PLANTED"], True, False, {}, []]
)
def test_only_text_and_numbers_identify(workspace, night, visitor):
    lines = [events.click(visitor, f"2022-03-0{day} 20:00") for day in (2, 3)]
    deliver(workspace, "button.ndjson", *lines, *WHOLE)
    figures = night()
    assert figures["clicks", "2022-03"] == (2, "A")
    assert figures["pressers", "2022-03"] == (0, "A")
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        assert connection.execute("select sum(unfit_fields) from raw.events").fetchone() == (2,)


def test_a_number_is_one_however_it_is_written(workspace, night):
    texts = ["7", "7.0", '"7"', "7e0", "70e-1", "7.000"]
    lines = [
        json.dumps(events.click("X", f"2022-03-02 20:0{number}")).replace('"X"', text).encode()
        for number, text in enumerate(texts)
    ]
    deliver(workspace, "button.ndjson", *lines, *WHOLE)
    assert night()["pressers", "2022-03"] == (1, "A")


@pytest.mark.parametrize(
    "text",
    [
        *('"  "', '"\\u00a0"', "0", "0.0", '"00"', '"-"', '"NULL"', '"None"', '"nil"', '"NaN"'),
        *('"n/a"', '"Undefined"', '"unknown"', '"Anonymous"', '"guest"', '"true"', "-0"),
        *('"[object Object]"', '"00000000-0000-0000-0000-000000000000"', '"Kiosk 3"', '" kiosk 3"'),
    ],
)
def test_what_says_none_identifies_nobody(workspace, night, tmp_path, text):
    kiosk = events.helpline(
        tmp_path / "kiosk", starts_on=date(2022, 3, 1), no_identifiers=["kiosk 3"]
    )
    line = json.dumps(events.click("X", "2022-03-02 20:00")).replace('"X"', text).encode()
    deliver(workspace, "button.ndjson", line, *WHOLE)
    figures = night(kiosk)
    assert figures["attempts_without_visitor", "2022-03"] == (1, "A")
    assert figures["pressers", "2022-03"] == (0, "A")


def test_data_may_come_in_base64(workspace, night):
    pressed = events.click("anna", "2022-03-02 20:00")
    asked = events.request("s1", "anna", "2022-03-02 20:10")
    for event in (pressed, asked):
        event["data_base64"] = base64.b64encode(json.dumps(event.pop("data")).encode()).decode()
    no_json = events.click("ben", "2022-03-02 20:20") | {"data_base64": "bm8gSlNPTg=="}
    del no_json["data"]
    within = events.click("cleo", "2022-03-02 20:30") | {"data": '{"visitor": "cleo"}'}
    deliver(workspace, "all.ndjson", pressed, asked, no_json, within, *WHOLE)
    figures = night()
    assert figures["pressers", "2022-03"] == (1, "A")
    assert figures["attempts", "2022-03"] == (1, "A")
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        rejects = connection.sql("select reason, count(*) from raw.rejects group by 1").fetchall()
    assert rejects == [("bad_data", 2)]


def test_a_leap_second_is_a_time(workspace, night):
    event = events.click("anna", "2022-03-31 21:00") | {"time": "2022-03-31T21:59:60Z"}
    deliver(workspace, "button.ndjson", event, *WHOLE)
    figures = night()
    assert (figures["clicks", "2022-03"], figures["clicks", "2022-04"]) == ((1, "A"), (0, "P"))


def test_ids_that_begin_anew_in_each_file_lose_events(workspace, night):
    for day in (2, 3, 4):
        lines = [events.click("abc"[day - 2], f"2022-03-0{day} 2{n}:00", id=n) for n in (1, 2)]
        deliver(workspace, f"2022-03-0{day}.ndjson", *lines)
    deliver(workspace, "covered.ndjson", *WHOLE)
    figures = night()
    assert figures["clicks", "2022-03"] == (2, "P")
    assert figures["conversations", "2022-03"] == (0, "A")
    assert "4 lines of helpline.button.clicked share the ids of others with other content" in told(
        workspace
    )


def evenings(first: str, days: int) -> list[dict]:
    start = date.fromisoformat(first)
    return [events.click("anna", f"{start + timedelta(days=n)} 20:00") for n in range(days)]


def test_a_clock_that_is_ahead_makes_no_months_of_zeros(workspace, night):
    ahead = events.click("ben", "2022-08-01 20:00")
    deliver(workspace, "button.ndjson", *evenings("2022-03-01", 31), ahead)
    figures = night()
    assert figures["clicks", "2022-03"] == (31, "P")
    assert {period for figure, period in figures if figure == "clicks" and "W" not in period} == {
        "2022",
        "2022-03",
    }


def test_a_quiet_stretch_is_not_covered(workspace, night):
    lines = [*evenings("2022-03-01", 31), *evenings("2022-06-01", 91)]
    deliver(workspace, "button.ndjson", *lines)
    figures = night()
    assert [figures["clicks", f"2022-0{month}"][1] for month in range(3, 8)] == [*"AOOAA"]


def test_a_wrong_date_of_coverage_publishes_no_years_of_zeros(workspace, night, tmp_path):
    whole = [events.covered(log, "2022-03-01", "2022-09-20") for log in ("button", "chat")]
    deliver(workspace, "button.ndjson", *evenings("2022-03-01", 61), *whole)
    figures = night()
    assert [figures["clicks", f"2022-0{month}"][1] for month in range(3, 9)] == [*"AAPPPP"]
    assert "holds no event in 2022-05 to 2022-09" in told(workspace)
    accepted = ["button,2022-05-01,2022-08-31,0,Renovated,The tests,2022-10-01"]
    closed = events.helpline(tmp_path / "closed", starts_on=date(2022, 3, 1), accepted=accepted)
    figures = night(closed)
    assert [figures["clicks", f"2022-0{month}"][1] for month in range(3, 9)] == [*"AAAAAA"]


def test_a_helpline_that_began_within_a_year_has_final_figures_of_it(workspace, night, tmp_path):
    began = events.helpline(tmp_path / "began", starts_on=date(2022, 8, 15))
    whole = [events.covered(log, "2022-08-15", "2023-01-20") for log in ("button", "chat")]
    deliver(workspace, "button.ndjson", *evenings("2022-08-15", 150), *whole)
    figures = night(began)
    assert figures["clicks", "2022-08"] == (17, "A")
    assert figures["clicks", "2022"] == (139, "A")
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        breaks = connection.sql(
            "select period, break from figures.figures where figure = 'clicks' and breakdown = ''"
            " and period in ('2022', '2022-08', '2022-09', '2023-01') order by period"
        ).fetchall()
    start = "the helpline began on 2022-08-15"
    assert breaks == [("2022", start), ("2022-08", start), ("2022-09", ""), ("2023-01", "")]


def test_a_type_of_which_everything_is_lost_leaves_no_conversation_final(workspace, night):
    lines = []
    for number in range(40):
        day = date(2022, 3, 1) + timedelta(days=number)
        asked = events.request(f"s{number}", "anna", f"{day} 20:01")
        answered = events.answer(f"s{number}", "r1", f"{day} 20:02") | {"time": 1646157720}
        lines += [events.click("anna", f"{day} 20:00"), asked, answered]
    deliver(workspace, "all.ndjson", *lines, *WHOLE)
    figures = night()
    assert figures["conversations", "2022-03"] == (0, "P")
    assert figures["missed_attempts", "2022-03"][1] == "P"
    assert figures["clicks", "2022-03"] == (31, "A")
    assert "31 lines of helpline.session.answered for bad_time" not in told(workspace)
    assert "40 lines of helpline.session.answered for bad_time" in told(workspace)


def test_an_accepted_loss_is_void_once_more_is_lost_or_lines_come_again(workspace, night, tmp_path):
    sound = [events.click(f"v{n}", f"2022-03-{n:02} 20:00", id=n) for n in range(1, 31)]
    spoiled = [event | {"time": "sometime"} for event in sound[:6]]
    deliver(workspace, "button.ndjson", *sound[6:], *spoiled, *WHOLE)
    assert night()["clicks", "2022-03"] == (24, "P")

    def accepting(lines: int) -> Path:
        row = f"button,2022-03-01,2022-03-31,{lines},Known,The tests,2022-04-20"
        name = f"accepting-{lines}"
        return events.helpline(tmp_path / name, starts_on=date(2022, 3, 1), accepted=[row])

    assert night(accepting(5))["clicks", "2022-03"] == (24, "P")
    assert night(accepting(6))["clicks", "2022-03"] == (24, "A")
    deliver(workspace, "again.ndjson", *sound[:2])
    assert night(accepting(6))["clicks", "2022-03"] == (26, "P")
    assert night(accepting(4))["clicks", "2022-03"] == (26, "A")
