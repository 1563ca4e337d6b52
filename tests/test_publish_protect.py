"""What becomes public at a closing, what is held back, and what waits."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from expectations.outcome import Outcome
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish import identity
from publish.contents import describe, open_warehouse, published_tables
from publish.disclosure.cells import Cell
from publish.disclosure.registry import definitions_of_project
from publish.protect import protect
from publish.publications import read_history, read_publications
from publish.release import release
from publish.verify import verify
from publish.waiting import without_what_waits
from tests.models import Models
from tests.test_expectations_clean import change, clean_workspace

LATE = "update figures.periods set is_closed = false where period = '2023-01'"
CLOSE_JANUARY = """
update figures.periods set is_closed = true where period = '2023-01';
update figures.figures set obs_status = 'A' where period = '2023-01';
"""
CLOSE_THE_YEAR = """
update figures.periods set is_closed = true where period in ('2023-01', '2023-02', '2023');
insert into figures.periods by name
select '2023-12' as period, 'month' as period_type, true as is_closed,
    date '2023-12-01' as starts_on, date '2023-12-31' as ends_on;
"""
IN_MAY = "figure = 'answered_attempts' and period = '2022-05' and breakdown = ''"
ONE_MORE = f"""
update figures.figures set value = value + 1, numerator = numerator + 1 where {IN_MAY};
"""
REVISED = """
insert into raw.revisions by name
select figure, period, breakdown, category, cast(cast(value as integer) as varchar) as value,
    'late delivery' as reason, 'A. Author' as author, date '2023-03-01' as decided_on
from figures.figures
where
"""
MAY = Cell("answered_attempts", "2022-05")
JULY_PENDING = """
update figures.figures set obs_status = 'P'
from figures.figure_definitions as definitions
where
    figures.figure = definitions.figure
    and definitions.basis in ('button', 'both')
    and figures.period in ('2022-07', '2022', '2022-01/2022-10');
insert into raw.published by name
select 'answer 8' as document, figure, period, breakdown, category,
    cast(cast(value as integer) as varchar) as value,
    cast(cast(value as integer) as varchar) as as_printed, date '2023-01-31' as published_on
from figures.figures where figure = 'answered_attempts' and period = '2022' and breakdown = '';
"""


@pytest.fixture(scope="module", autouse=True)
def code_that_stays_the_same():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "CODE_FOLDERS", ())
        yield


@pytest.fixture(scope="module")
def closed_through_december(tmp_path_factory, models: Models) -> Path:
    """The state folder after a release of all that is closed at the end of 2022."""
    workspace = clean_workspace(tmp_path_factory.mktemp("december") / "data")
    models.leave_manifest(workspace)
    change(workspace, LATE)
    publish(workspace)
    return workspace.data


@pytest.fixture(scope="module")
def july_pending(tmp_path_factory, models: Models) -> Path:
    """A release after which the button's log of July is still wanting, and a document is out."""
    workspace = clean_workspace(tmp_path_factory.mktemp("july") / "data")
    models.leave_manifest(workspace)
    change(workspace, LATE)
    change(workspace, JULY_PENDING)
    return publish(workspace)


@pytest.fixture
def workspace(tmp_path, closed_through_december: Path) -> Workspace:
    data = tmp_path / "data"
    shutil.copytree(closed_through_december, data, symlinks=True)
    return Workspace(data=data, logs="", helpline=data)


def publish(workspace: Workspace) -> Path:
    """Protect, take the gates as passed (tests of their own hold them), and release."""
    protect(workspace)
    with open_warehouse(workspace) as connection:
        inputs = identity.input_id(connection)
        tables = describe(connection, published_tables(connection))
    Outcome("deliveries", inputs, passed=True, findings=[]).write(workspace.gates)
    Outcome("figures", inputs, True, findings=[], tables=tables).write(workspace.gates)
    folder = release(workspace).folder
    assert verify(folder) == []
    return folder


def public(folder: Path) -> dict[Cell, dict[str, str]]:
    with (folder / "public" / "figures.csv").open(encoding="utf-8", newline="") as file:
        return {Cell(*list(row.values())[:4]): row for row in csv.DictReader(file)}


def latest(workspace: Workspace) -> Path:
    return (workspace.published / "latest").resolve()


def public_bytes(workspace: Workspace) -> bytes:
    return (latest(workspace) / "public" / "figures.csv").read_bytes()


def standing(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["public"]


def marks(workspace: Workspace) -> dict[Cell, str]:
    """The confidentiality of every figure of the warehouse."""
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select figure, period, breakdown, category, conf_status from figures.figures"
        ).fetchall()
    return {Cell(*cell): conf_status for *cell, conf_status in rows}


# --- what is public


def test_public_are_the_closed_periods_in_the_breakdowns_that_are_meant_for_them(workspace):
    rows = public(latest(workspace))
    periods = {cell.period for cell in rows}
    assert periods == {
        *("2021", "2021-12", "2022", "2022-01/2022-10"),
        *(f"2022-{month:02}" for month in range(1, 13)),
    }
    breakdowns = {(len(cell.period), cell.breakdown) for cell in rows}
    assert {name for length, name in breakdowns if length in (7, 15)} == {"", "channel"}
    assert {name for length, name in breakdowns if length == 4} == {
        *("", "channel", "gender", "age_band", "topic", "referred_by"),
        *("weekday", "hour", "hour_of_week", "part_of_week"),
    }


def test_pending_hidden_and_shown_do_not_look_alike(workspace):
    rows = public(latest(workspace)).values()
    looks = {
        (row["obs_status"], row["conf_status"], bool(row["value"]))
        for row in rows
        if row["unit"] in ("persons", "conversations")
    }
    assert looks == {("A", "F", True), ("A", "C", False), ("P", "N", False)}


def test_a_total_over_pending_months_is_shown_so_far_and_its_months_wait(july_pending):
    rows = public(july_pending)

    def looks(figure: str, period: str, *category: str) -> tuple[str, str, str]:
        row = rows[Cell(figure, period, *category)]
        return row["value"], row["obs_status"], row["conf_status"]

    assert looks("clicks", "2022-07") == ("", "P", "N")
    assert looks("clicks", "2022") == ("1720", "P", "F")
    assert looks("clicks", "2022-01/2022-10") == ("1434", "P", "F")
    assert looks("missed_attempts", "2022", "weekday", "3")[1:] == ("P", "F")
    # It may be hidden with the conversations of the day.
    assert looks("clicks", "2022", "weekday", "3") == ("", "P", "N")
    assert looks("clicks_per_month", "2022") == ("143.3", "P", "F")
    assert looks("clicks_per_conversation", "2022") == ("6.0", "P", "F")
    assert looks("clicks", "2022-06")[1:] == ("A", "F")


def test_a_provisional_count_of_persons_waits_unless_a_document_printed_it(july_pending):
    rows = public(july_pending)
    printed = rows[Cell("answered_attempts", "2022")]
    assert (printed["value"], printed["obs_status"], printed["conf_status"]) == ("270", "P", "F")
    for figure in ("answered_in_hours_attempts", "attempts", "answer_rate"):
        row = rows[Cell(figure, "2022")]
        assert (row["value"], row["obs_status"], row["conf_status"]) == ("", "P", "N")
    assert rows[Cell("answered_attempts", "2022-07")]["value"] == ""


def test_who_only_pressed_is_shown_so_far(july_pending):
    rows = public(july_pending)
    for figure in ("missed_attempts", "missed_pressers", "unreached_pressers"):
        row = rows[Cell(figure, "2022")]
        assert (int(row["value"]) > 0, row["obs_status"], row["conf_status"]) == (True, "P", "F")


def test_a_year_that_the_logs_begin_in_is_no_provisional_total(july_pending):
    begun = public(july_pending)[Cell("clicks", "2021")]
    assert (begun["value"], begun["obs_status"], begun["conf_status"]) == ("", "P", "N")
    grown = public(july_pending)[Cell("clicks_change_percent", "2022")]
    assert (grown["value"], grown["obs_status"], grown["conf_status"]) == ("", "P", "N")


def test_a_provisional_value_becomes_final_without_a_revision(tmp_path, july_pending):
    data = tmp_path / "data"
    shutil.copytree(july_pending.parents[2], data, symlinks=True)
    workspace = Workspace(data=data, logs="", helpline=data)
    change(workspace, CLOSE_JANUARY)
    change(
        workspace,
        """
        update figures.figures set obs_status = 'A', value = value + if(breakdown = '', 10, 0),
            numerator = numerator + if(breakdown = '', 10, 0)
        where figure = 'clicks' and period in ('2022', '2022-07');
        """,
    )
    after = publish(workspace)
    assert not standing(after)["is_held"]
    year = public(after)[Cell("clicks", "2022")]
    assert (year["value"], year["obs_status"], year["conf_status"]) == ("1730", "A", "F")


def test_the_helpline_sees_which_hidden_counts_are_small_and_a_reader_does_not(workspace):
    history = read_publications(latest(workspace))
    reasons = {row.hidden_because for row in history.rows().values() if row.conf_status == "C"}
    assert reasons == {"primary", "secondary", "derived"}
    assert "hidden_because" not in next(iter(public(latest(workspace)).values()))
    expected = {"primary": "C", "secondary": "D", "derived": "D"}
    found = marks(workspace)
    for row in history.rows().values():
        assert found[row.cell] == expected.get(row.hidden_because, row.conf_status)
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        small = connection.execute(
            "select count(*) from figures.figures where conf_status = 'C' and value not between 1"
            " and 4"
        ).fetchone()
    assert small == (0,)


def test_protecting_again_changes_nothing(workspace):
    before = (latest(workspace), public_bytes(workspace))
    assert publish(workspace) == before[0]
    assert (latest(workspace), public_bytes(workspace)) == before


def test_between_closings_public_stays_byte_for_byte(workspace):
    before = public_bytes(workspace)
    change(
        workspace,
        "update figures.figures set value = value + 7, numerator = numerator + 7"
        " where figure = 'callers' and period = '2023-01' and breakdown = '';"
        "update raw.settings set attempt_gap_minutes = 31",
    )
    first = latest(workspace)
    second = publish(workspace)
    assert second != first
    assert public_bytes(workspace) == before
    assert standing(second)["contents"] == standing(first)["contents"]


def test_a_closing_adds_its_month_and_keeps_the_others(workspace):
    before = public(latest(workspace))
    change(workspace, CLOSE_JANUARY)
    after = public(publish(workspace))
    assert {cell: row for cell, row in after.items() if cell in before} == before
    assert {cell.period for cell in after.keys() - before.keys()} == {"2023-01"}
    assert [one["closed_through"] for one in standing(latest(workspace))["contents"]] == [
        "2022-12",
        "2023-01",
    ]


# --- the ledger


def test_another_value_holds_public_back_until_it_is_revised(workspace, caplog):
    before = public_bytes(workspace)
    change(workspace, CLOSE_JANUARY + ONE_MORE)
    held = publish(workspace)
    assert public_bytes(workspace) == before
    assert standing(held)["is_held"]
    assert standing(held)["contradictions"] == [
        {
            **MAY._asdict(),
            "published": "23",
            "document": "public/",
            "revised": "",
            "found": "24",
            "cause": "value",
        }
    ]
    assert "answered_attempts 2022-05: 23 was shown in public/; the logs give 24" in caplog.text
    internal = (held / "internal" / "figures.csv").read_text(encoding="utf-8")
    assert "answered_attempts,2022-05,,,24," in internal

    change(workspace, f"{REVISED} {IN_MAY}")
    settled = publish(workspace)
    assert not standing(settled)["is_held"]
    assert standing(settled)["closed_through"] == "2023-01"


def test_another_value_than_a_document_printed_holds_the_first_content_back(
    tmp_path, models: Models
):
    workspace = clean_workspace(tmp_path / "data")
    models.leave_manifest(workspace)
    change(workspace, "update raw.published set value = '241' where value = '240'")
    held = publish(workspace)
    assert public(held) == {}
    assert standing(held)["is_held"]
    [one] = standing(held)["contradictions"]
    assert (one["published"], one["document"], one["found"]) == ("241", "answer 7", "240")


def test_a_shown_figure_that_is_not_final_any_more_is_shown_as_it_was(workspace):
    change(workspace, CLOSE_JANUARY)
    change(workspace, f"update figures.figures set obs_status = 'P' where {IN_MAY}")
    held = publish(workspace)
    [contradiction] = standing(held)["contradictions"]
    assert standing(held)["is_held"]
    assert (contradiction["period"], contradiction["cause"]) == ("2022-05", "logs_gone")
    assert public(held)[MAY]["value"] == "23"

    change(
        workspace,
        "insert into marts.log_months by name"
        " select unnest(['button', 'chat']) as log, '2022-05' as month, 'P' as obs_status,"
        " 0 as kept_events, 0 as lost_lines, 0 as accepted_lines, 'declared_gap' as because",
    )
    after = publish(workspace)
    assert not standing(after)["is_held"]
    assert standing(after)["closed_through"] == "2023-01"
    assert (public(after)[MAY]["value"], public(after)[MAY]["obs_status"]) == ("23", "A")


# --- revisions that would give a person away


def test_a_revision_by_one_person_waits_for_the_yearly_closing(workspace):
    change(workspace, f"{CLOSE_JANUARY} {ONE_MORE} {REVISED} {IN_MAY}")
    monthly = publish(workspace)
    assert standing(monthly)["contents"][-1]["waiting"] == "2022"
    assert public(monthly)[MAY]["value"] == "23"
    assert Cell("answered_attempts", "2023-01") in public(monthly)
    grown = public(monthly)[Cell("answered_attempts_change_percent", "2023-01")]
    assert (grown["obs_status"], grown["value"]) == ("P", "")  # it rests on a year that waits

    change(workspace, CLOSE_THE_YEAR)
    yearly = publish(workspace)
    assert standing(yearly)["contents"][-1]["waiting"] == ""
    assert public(yearly)[MAY]["value"] == "24"


def test_a_revision_by_many_goes_with_the_next_closing(workspace):
    many = ONE_MORE.replace("+ 1", "+ 8")
    change(workspace, f"{CLOSE_JANUARY} {many} {REVISED} {IN_MAY}")
    monthly = publish(workspace)
    assert standing(monthly)["contents"][-1]["waiting"] == ""
    assert public(monthly)[MAY]["value"] == "31"


def test_a_new_category_is_no_yearly_closing(workspace):
    change(workspace, f"{CLOSE_JANUARY} {ONE_MORE} {REVISED} {IN_MAY}")
    change(
        workspace,
        "insert into figures.figures by name select * replace ('x' as category) from"
        " figures.figures where figure = 'callers' and period = '2022' and category = 'girl'",
    )
    assert standing(publish(workspace))["contents"][-1]["waiting"] == "2022"


def test_a_quantile_of_a_few_durations_is_hidden(workspace):
    median = Cell("conversation_minutes_median", "2023-01")
    change(workspace, CLOSE_JANUARY)
    change(
        workspace,
        "update figures.figures set left_out = (select numerator - 4 from figures.figures where"
        " figure = 'conversations' and period = '2023-01' and breakdown = '')"
        " where figure = 'conversation_minutes_median' and period = '2023-01'",
    )
    row = public(publish(workspace))[median]
    assert (row["value"], row["conf_status"]) == ("", "C")


# --- the history


def test_a_history_that_was_changed_is_not_believed(workspace):
    path = latest(workspace) / "internal" / "publications.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("primary", ""), encoding="utf-8")
    with pytest.raises(Problem, match="is not what it was when it was published"):
        protect(workspace)


def test_a_lost_history_is_said_instead_of_forgotten(workspace):
    shutil.rmtree(latest(workspace))
    with pytest.raises(Problem, match="Restore the last backup"):
        protect(workspace)


def test_pointing_latest_at_an_older_release_forgets_nothing(workspace):
    older = latest(workspace)
    change(workspace, CLOSE_JANUARY)
    newer = publish(workspace)
    (workspace.published / "latest").unlink()
    (workspace.published / "latest").symlink_to(Path("releases") / older.name)
    assert protect(workspace).publications == read_publications(newer)


def test_before_the_first_release_there_is_no_history(tmp_path):
    assert read_history(tmp_path / "published").contents == ()


def test_the_history_goes_from_release_to_release(workspace):
    first = read_publications(latest(workspace))
    change(workspace, CLOSE_JANUARY)
    second = read_publications(publish(workspace))
    assert second.rows(1) == first.rows()
    assert second.contents[:1] == first.contents
    assert second.rows() != first.rows()


def test_what_rests_on_a_year_that_waits_has_no_value_so_far():
    so_far = {
        Cell("clicks_per_conversation", "2022"): "47.6",
        Cell("clicks_change_percent", "2023"): "5",
        Cell("clicks", "2023"): "100",
    }
    kept = without_what_waits(so_far, {"2022"}, definitions_of_project())
    assert kept == {Cell("clicks", "2023"): "100"}
