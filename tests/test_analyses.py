"""What analysts get: every table explained, and for each question of parliament a query that holds.

The queries run on the three simulated years, as a release gives them.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

import ingest
from ingest.workspace import Workspace
from publish.analyst import ANALYSES, questions, resolve
from publish.contents import open_warehouse
from publish.protect import TABLES
from publish.write import _write_database
from simulation.__main__ import main as simulate
from tests.models import run_dbt

ROOT = Path(__file__).parent.parent
HELPLINE = ROOT / "helplines" / "nupraatikerover"
NAMES = sorted(path.stem for path in ANALYSES.glob("*.sql"))

Cell = tuple[str, str, str, str]
Row = dict[str, object]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A state folder with the simulated logs, and all models with their comments, built by dbt."""
    data = tmp_path_factory.mktemp("analysts")
    workspace = Workspace(data, str(data / "logs"), HELPLINE)
    assert not simulate(["--out", workspace.logs])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", "a key for tests, long enough to be one")
        ingest.pull(workspace)
    only = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    done = run_dbt(workspace.dbt_target, workspace.warehouse, "build", *only)
    assert done.returncode == 0, done.stdout
    done = run_dbt(
        workspace.dbt_target, workspace.warehouse, "compile", "--select", "path:analyses"
    )
    assert done.returncode == 0, done.stdout
    return workspace


@pytest.fixture(scope="module")
def compiled(workspace: Workspace) -> dict[str, dict]:
    """What dbt knows of each analysis, by name."""
    manifest = json.loads((workspace.dbt_target / "manifest.json").read_text())
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "analysis"
    }


@pytest.fixture(scope="module")
def release(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The analytics.duckdb of a release, attached as `make sql` attaches it."""
    database = workspace.data / "analytics.duckdb"
    with duckdb.connect(str(workspace.warehouse)) as warehouse:  # the file names the database
        warehouse.execute(TABLES.read_text(encoding="utf-8"))
    with open_warehouse(workspace) as warehouse:
        _write_database(warehouse, database)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{database}' as warehouse (read_only)")
        connection.execute("use warehouse")
        yield connection


@pytest.fixture(scope="module")
def figures(release: duckdb.DuckDBPyConnection) -> dict[Cell, Decimal]:
    rows = release.execute(
        "select figure, period, breakdown, category, value from warehouse.figures.figures"
    ).fetchall()
    return {tuple(cell): value for *cell, value in rows}


@pytest.fixture(scope="module")
def answers(release: duckdb.DuckDBPyConnection, compiled: dict[str, dict]) -> dict[str, list[Row]]:
    """What every analysis gives: the rows of dbt's own compiled SQL, by name."""
    given = {}
    for name, node in compiled.items():
        result = release.execute(node["compiled_code"])
        columns = [column[0] for column in result.description]
        given[name] = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
    return given


def test_every_table_and_column_of_a_release_has_a_comment(release):
    silent = release.execute(
        """
        select schema_name || '.' || table_name as name from duckdb_tables()
        where database_name = 'warehouse' and coalesce(trim(comment), '') = ''
        union all
        select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()
        where database_name = 'warehouse' and coalesce(trim(comment), '') = ''
        order by name
        """
    ).fetchall()
    schemas = release.execute(
        "select distinct schema_name from duckdb_tables() where database_name = 'warehouse'"
    ).fetchall()
    assert {schema for (schema,) in schemas} == {"disclosure", "figures", "helpline", "marts"}
    assert silent == []


def test_every_analysis_is_described_and_says_its_question_first(compiled):
    assert sorted(compiled) == NAMES
    for name, node in compiled.items():
        _, question, item, *_ = name.split("_")
        year = {"189": "2020", "363": "2023"}[question]
        assert node["description"].startswith(f"Written question {question} of {year}, {item}")
        assert node["raw_code"].startswith(f"-- Question {question} of {year}, {item}")
    assert [name for name, _ in questions()] == NAMES
    assert all(said.endswith("?") for _, said in questions())


def test_the_shell_names_the_tables_as_dbt_does(release, compiled):
    for name, node in compiled.items():
        raw = (ANALYSES / f"{name}.sql").read_text(encoding="utf-8")
        assert resolve(release, raw).strip() == node["compiled_code"].strip()


@pytest.mark.parametrize("document", ["README.md", "docs/analysts.md"])
def test_the_examples_of_the_documentation_give_something(document, release):
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    statements = [one for block in blocks for one in release.extract_statements(block)]

    assert len(statements) >= 3
    for statement in statements:
        assert release.execute(statement).fetchall(), statement.query


# --- what was printed


def totals(row: Row) -> Iterator[tuple[Cell, object]]:
    """Columns that bear a figure's name hold its total for the period of the row."""
    period = str(row.get("period") or row["year"])
    for column, value in row.items():
        yield (column, period, "", ""), value


def conversations_by_month(row: Row) -> Iterator[tuple[Cell, object]]:
    for year in ("2020", "2021", "2022"):
        period = year if row["month"] == "year" else f"{year}-{row['month']}"
        yield ("conversations", period, "", ""), row[f"conversations_{year}"]
    if row["month"] == "year":
        yield ("conversations_change_percent", "2022", "", ""), row["change_percent"]


def callers(row: Row) -> Iterator[tuple[Cell, object]]:
    yield from totals(row)
    period = str(row["period"])
    yield ("callers", period, "channel", "chat"), row["callers_by_chat"]
    yield ("callers", period, "channel", "mail_only"), row["callers_by_mail_only"]


def of_breakdown(
    figure: str, breakdown: str, category: str
) -> Callable[[Row], Iterator[tuple[Cell, object]]]:
    def read(row: Row) -> Iterator[tuple[Cell, object]]:
        kind = str(row.get("breakdown", breakdown))
        yield (figure, str(row["year"]), kind, str(row[category])), row[figure]

    return read


ANSWERED_BY: dict[str, Callable[[Row], Iterator[tuple[Cell, object]]]] = {
    "question_189_1_conversations_and_new_callers": totals,
    "question_189_2_clicks_and_unanswered_contacts": totals,
    "question_363_1_conversations_by_month": conversations_by_month,
    "question_363_2_referrals_by_helpline": of_breakdown("referrals", "referred_by", "helpline"),
    "question_363_3_unique_visitors_on_the_button": totals,
    "question_363_4_callers_and_new_callers": callers,
    "question_363_4_profile_of_the_callers": of_breakdown("callers_share_percent", "", "category"),
    "question_363_5_topics": of_breakdown("topics_share_percent", "topic", "topic"),
    "question_363_6_missed_contacts_by_month": totals,
    "question_363_7_conversations_by_weekday": of_breakdown(
        "conversations_share_percent", "weekday", "weekday"
    ),
}


def lines_of(name: str) -> list[dict[str, str]]:
    with (HELPLINE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def cell_of(line: dict[str, str]) -> Cell:
    return line["figure"], line["period"], line["breakdown"], line["category"]


def test_the_queries_give_every_printed_figure_or_what_revised_it(answers):
    found = {
        question.split("_")[1]: {
            cell: value
            for name, read in ANSWERED_BY.items()
            if name.split("_")[1] == question.split("_")[1]
            for row in answers[name]
            for cell, value in read(row)
        }
        for question in NAMES
    }
    revised = {cell_of(line): line["value"] for line in lines_of("revisions.csv")}
    printed = lines_of("published.csv")
    assert len(printed) == 171
    for line in printed:
        question = line["document"].split("-")[1]
        value = found[question][cell_of(line)]
        assert value is not None, line
        if line["value"]:  # what was printed as *** has a provisional value here
            expected = Decimal(revised.get(cell_of(line), line["value"]))
            decimals = Decimal(1).scaleb(-len(line["value"].partition(".")[2]))
            assert Decimal(str(value)).quantize(decimals, ROUND_HALF_UP) == expected, line


# --- the marts agree with the figures


def test_attempts_of_2020_are_those_of_the_figures(answers, figures):
    rows = answers["question_189_2_clicks_and_unanswered_contacts"]
    assert len(rows) == 11
    for row in rows:
        for figure in ("attempts", "missed_attempts", "out_of_hours_attempts"):
            assert row[figure] == figures[figure, row["period"], "", ""], row


def test_contacts_outside_opening_hours_add_up_to_the_year(answers, figures):
    rows = answers["question_189_3_contacts_outside_opening_hours"]
    assert len(rows) == 168
    for column in ("attempts", "out_of_hours_attempts", "missed_attempts", "open_hours"):
        assert sum(row[column] for row in rows) == figures[column, "2020", "", ""], column
    assert rows[0]["out_of_hours_attempts"] == max(row["out_of_hours_attempts"] for row in rows)


def test_hours_worked_in_shifts_are_those_of_the_figures(answers, figures):
    rows = [row for row in answers["question_189_4_staff_and_answers"] if row["month"] < "2023"]
    assert len(rows) == 36
    for row in rows:
        for figure in ("open_hours", "responder_hours", "missed_attempts", "answer_rate"):
            assert Decimal(str(row[figure])) == figures[figure, row["month"], "", ""], row
        assert row["conversations"] <= figures["conversations", row["month"], "", ""]


def test_visitors_of_a_year_have_one_fate_each(answers, figures):
    for row in answers["question_363_3_unique_visitors_on_the_button"]:
        parts = [
            row["visitors_with_an_answer"],
            row["visitors_missed_while_open"],
            row["visitors_only_outside_opening_hours"],
        ]
        assert sum(parts) == row["visitors"] == row["pressers"]
        assert parts[1] == figures["unreached_pressers", row["year"], "", ""]


def test_missed_attempts_by_month_are_those_of_the_figures(answers, figures):
    rows = answers["question_363_6_missed_contacts_by_month"]
    assert {"2020", "2022", "2022-07", "2022-12"} <= {row["period"] for row in rows}
    for row in rows:
        assert row["missed_attempts"] == figures["missed_attempts", row["period"], "", ""], row


def test_every_hour_of_the_week_is_that_of_the_figures(answers, figures):
    rows = answers["question_363_7_hours_with_most_missed_contacts"]
    for row in rows:
        hour = f"{row['weekday']}-{row['hour']:02}"
        for figure in ("attempts", "missed_attempts", "conversations", "open_hours"):
            found = figures[figure, row["year"], "hour_of_week", hour]
            assert Decimal(str(row[figure])) == found, (row, figure)
    assert len(rows) == 4 * 168


def test_topics_that_were_noted_are_no_fewer_than_the_main_ones(answers, release):
    mentions = {
        (row["year"], row["topic"]): row["mentions_in_conversations"]
        for row in answers["question_363_5_topics"]
    }
    main = release.execute(
        """
        select left(month, 4), topic, count(*) from warehouse.marts.conversations
        where topic is not null
        group by all
        """
    ).fetchall()
    assert len(main) > 15
    assert all(mentions[year, topic] >= count for year, topic, count in main)
