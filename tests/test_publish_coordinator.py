"""The coordinator's page: what is counted, what is not, and how both are told apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import duckdb
import pytest

import ingest
from ingest.workspace import Workspace
from publish.contents import open_warehouse
from publish.coordinator import write_coordinator
from publish.coordinator.shifts import Tally, read_hours, read_shifts
from tests import events
from tests.models import Models

# Tuesday 1 March 2022, 19:00 to 22:00 with two responders, and the Friday after, 14:00 to 17:00.
LAST_WEEK = [
    events.covered("button", "2022-03-01", "2022-03-05"),
    events.covered("chat", "2022-03-01", "2022-03-05"),
    events.click("an", "2022-03-01 19:10"),
    events.request("s1", "an", "2022-03-01 19:11"),
    events.answer("s1", "r1", "2022-03-01 19:13"),
    events.click("bo", "2022-03-01 19:20"),
    events.request("s2", "bo", "2022-03-01 19:21"),
    events.answer("s2", "r2", "2022-03-01 19:22"),
    events.click("cas", "2022-03-01 20:00"),
    events.click("dee", "2022-03-01 20:05"),
    events.click("els", "2022-03-01 23:30"),
    events.click("fem", "2022-03-04 14:00"),
]
# 52 weeks before 1 March 2022 is 2 March 2021, a Tuesday.
A_YEAR_BEFORE = [
    events.covered("button", "2021-03-01", "2021-03-06"),
    events.covered("chat", "2021-03-01", "2021-03-06"),
    events.click("gus", "2021-03-02 19:30"),
    events.request("s3", "gus", "2021-03-02 19:30"),
    events.answer("s3", "r1", "2021-03-02 19:35"),
]


class Page(HTMLParser):
    """The tables of a page by name, as rows of texts, and all of its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self.requests: list[str] = []
        self._is_cell = False
        self._rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = dict(attributes)
        if tag == "table" and "plain" in given.get("class", ""):
            self._rows = self.tables.setdefault(
                given["aria-labelledby"].removeprefix("caption-"), []
            )
        if tag == "tr" and given.get("role") != "presentation":
            self._rows.append([])
        self._is_cell = tag in ("th", "td") and given.get("role") != "presentation"
        if self._is_cell:
            self._rows[-1].append("")
        self.requests += [given[name] for name in ("src", "href", "xlink:href") if given.get(name)]
        if tag in ("script", "link", "iframe", "img"):
            self.requests.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self._is_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._is_cell:
            self._rows[-1][-1] += data

    def row(self, table: str, *begins: str) -> list[str]:
        """The row of a table that begins with these cells."""
        [found] = [row for row in self.tables[table] if row[: len(begins)] == list(begins)]
        return found


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, models: Models):
    """Build a warehouse from events and a helpline's overrides; the same ones are built once."""
    built: dict[str, Workspace] = {}

    def build(log: list, **overrides) -> Workspace:
        key = repr((log, overrides))
        if key not in built:
            folder = tmp_path_factory.mktemp("coordinator")
            events.deliver(folder / "logs", "all.ndjson", log)
            helpline = events.helpline(folder / "helpline", **overrides)
            built[key] = Workspace(folder / "data", str(folder / "logs"), helpline)
            ingest.pull(built[key])
            models.build_in(built[key])
        return built[key]

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CHATCIJFERS_KEY", events.KEY)
        yield build


def written(workspace: Workspace) -> str:
    path = workspace.data / "coordinator.html"
    with open_warehouse(workspace) as connection:
        write_coordinator(connection, path)
    return path.read_text(encoding="utf-8")


def test_a_shift_has_its_attempts_waits_and_responder_hours(warehouse):
    page = Page(written(warehouse([*A_YEAR_BEFORE, *LAST_WEEK])))

    # Two of four attempts answered, after 120 and 60 seconds; two conversations in six hours.
    tuesday = page.row("shifts", "1 mrt 2022")
    assert tuesday == [
        *("1 mrt 2022", "dinsdag", "19:00–22:00", "2"),
        *("4", "2", "2", "50,0 %", "90", "0,3"),
    ]
    # Nobody came on Wednesday: true zeros, and nothing to divide by.
    wednesday = page.row("shifts", "2 mrt 2022", "woensdag", "14:00–17:00")
    assert wednesday[3:] == ["1", "0", "0", "0", "[/]", "[/]", "0,0"]
    friday = page.row("shifts", "4 mrt 2022")
    assert friday[2:] == ["14:00–17:00", "1", "1", "0", "1", "0,0 %", "[/]", "0,0"]
    assert "[/] Niet te berekenen" in page.text


def test_weeks_and_kinds_of_shifts_add_up_their_shifts(warehouse):
    page = Page(written(warehouse([*A_YEAR_BEFORE, *LAST_WEEK])))

    # Tuesday, twice Wednesday, Thursday and Friday: 15 hours open, 24 hours of responders.
    week = page.row("weeks", "9, vanaf 28 feb 2022")
    assert week[1:] == ["15,0", "24,0", "5", "2", "3", "40,0 %", "90", "0,1"]
    # In both years' March: four and one attempts, three answered; waits of 60, 120 and 300 seconds.
    kind = page.row("kinds", "dinsdag", "19:00–22:00")
    assert kind[2:] == ["2", "12,0", "5", "60,0 %", "120", "0,4", "0,3"]


def test_the_same_weeks_a_year_before_stand_beside_these(warehouse):
    page = Page(written(warehouse([*A_YEAR_BEFORE, *LAST_WEEK])))

    # A year before, Monday is covered too, but it lies 52 weeks before a Monday that is not here.
    assert page.row("compared", "Pogingen")[1:] == ["5", "1", "+400 %"]
    assert page.row("compared", "Beantwoordingsgraad")[1:] == [
        "40,0 %",
        "100,0 %",
        "−60,0 procentpunt",
    ]
    assert page.row("compared", "Wachttijd (s)")[1:] == ["90", "300", "−70 %"]
    assert page.row("compared", "Gemist")[1:] == ["3", "0", "[/]"]


def test_without_the_year_before_nothing_is_compared(warehouse):
    page = Page(written(warehouse(LAST_WEEK)))

    assert page.row("compared", "Pogingen")[1:] == ["5", "[x]", ""]
    assert "[x] Niet volledig geleverd" in page.text


def test_hours_with_most_missed_and_with_most_while_closed_come_first(warehouse):
    weeks = [
        event
        for week in (1, 8, 15, 22)
        for event in (
            events.click(f"a{week}", f"2022-03-{week:02} 20:00"),
            events.click(f"b{week}", f"2022-03-{week:02} 20:05"),
            events.click(f"c{week}", f"2022-03-{week + 1:02} 14:05"),
            events.click(f"d{week}", f"2022-03-{week:02} 23:05"),
        )
    ]
    whole = [events.covered(log, "2022-03-01", "2022-03-29") for log in ("button", "chat")]
    page = Page(written(warehouse([*whole, *weeks])))

    assert page.tables["missed"][1:3] == [
        ["dinsdag 20–21 u.", "2,0", "8", "8", "4,0"],
        ["woensdag 14–15 u.", "1,0", "4", "4", "4,0"],
    ]
    assert page.tables["closed"][1:] == [["dinsdag 23–24 u.", "4", "4", "0,0"]]
    assert page.row("months", "dinsdag 20–21 u.")[1:] == ["0/8"]


def test_a_shift_without_its_log_has_no_zeros(warehouse):
    log = [
        *(events.covered(log, "2022-03-01", "2022-03-03") for log in ("button", "chat")),
        events.click("an", "2022-03-01 19:10"),
        # Something of Thursday came, but nobody says that all of it did.
        events.click("bo", "2022-03-03 19:10"),
    ]
    page = Page(written(warehouse(log)))

    assert page.row("shifts", "3 mrt 2022")[3:] == ["2", *["[x]"] * 6]
    assert page.row("weeks", "9, vanaf 28 feb 2022")[3] == "1"
    assert "Van 1 van de permanenties in deze weken" in page.text
    assert "Cijfers tot en met 2 maart 2022" in page.text


def test_days_still_to_be_cleaned_bear_their_mark(warehouse):
    gap = ["button,2022-03-01,2022-03-01,Nog uit te zuiveren"]
    page = Page(written(warehouse(LAST_WEEK, data_gaps=gap)))

    assert page.row("shifts", "1 mrt 2022")[4] == "4\N{NO-BREAK SPACE}[p]"
    assert page.row("shifts", "4 mrt 2022")[4] == "1"
    assert "[p] Dagen die nog uitgezuiverd worden" in page.text


def test_a_helpline_that_is_always_open_closes_at_24(warehouse):
    always = [f"2020-01-01,,{day},00:00,24:00,1" for day in range(1, 8)]
    page = Page(written(warehouse(LAST_WEEK, opening_hours=always)))

    assert page.row("shifts", "1 mrt 2022")[2:5] == ["00:00–24:00", "1", "5"]
    assert page.tables["closed"] == [["Uur", "Buiten de uren", "Pogingen", "Uren open"]]


def test_the_night_of_the_clock_change_has_the_hours_that_it_had(warehouse):
    always = [f"2020-01-01,,{day},00:00,24:00,2" for day in range(1, 8)]
    log = [events.covered(log, "2022-03-27", "2022-03-28") for log in ("button", "chat")]
    page = Page(written(warehouse(log, opening_hours=always)))

    assert page.row("weeks", "12, vanaf 21 mrt 2022")[1:3] == ["23,0", "46,0"]


def test_responders_that_nobody_counted_are_no_zero(warehouse):
    workspace = warehouse(LAST_WEEK, opening_hours=["2020-01-01,,2,19:00,22:00,1"])
    with duckdb.connect(str(workspace.warehouse)) as connection:
        connection.execute("update marts.shifts set responders = null, responder_hours = null")
    page = Page(written(workspace))

    assert page.row("shifts", "1 mrt 2022")[3] == "–"
    assert page.row("shifts", "1 mrt 2022")[-1] == "[/]"
    assert page.row("compared", "Uren van beantwoorders")[1] == "–"
    assert "– Er staat nergens hoeveel beantwoorders er zijn" in page.text


def test_without_shifts_it_says_so(warehouse):
    later = ["2030-01-01,,2,19:00,22:00,1"]
    page = Page(written(warehouse(LAST_WEEK, opening_hours=later)))

    assert page.tables == {}
    assert "Er is nog geen permanentie" in page.text
    assert "Intern: exacte aantallen" in page.text


def test_an_unfinished_week_is_said(warehouse):
    log = [events.covered(log, "2022-02-21", "2022-03-02") for log in ("button", "chat")]
    assert "tot en met dinsdag" in Page(written(warehouse(log))).text

    whole = [events.covered(log, "2022-02-21", "2022-03-05") for log in ("button", "chat")]
    assert "nog niet volledig" not in Page(written(warehouse(whole))).text


def test_only_the_last_eight_weeks_and_twelve_months_are_shown(warehouse):
    log = [events.covered(log, "2021-01-01", "2022-03-05") for log in ("button", "chat")]
    workspace = warehouse([*log, *LAST_WEEK])
    page = Page(written(workspace))

    assert len(page.tables["weeks"]) == 1 + 8
    assert page.tables["weeks"][-1][0] == "2, vanaf 10 jan 2022"
    assert page.tables["months"][0][1:] == [
        *("apr 2021", "mei 2021", "jun 2021", "jul 2021", "aug 2021", "sep 2021"),
        *("okt 2021", "nov 2021", "dec 2021", "jan 2022", "feb 2022", "mrt 2022"),
    ]
    with open_warehouse(workspace) as connection:
        assert len(read_hours(connection)) == 12
        everything = Tally.of(read_shifts(connection))
    assert everything.attempts == 5
    assert everything.wait_seconds == 90


def test_english_for_a_helpline_of_another_language(warehouse):
    page = Page(written(warehouse(LAST_WEEK, language="en")))

    assert "Internal: exact counts" in page.text
    assert page.row("shifts", "1 Mar 2022")[1] == "Tuesday"


def test_it_is_one_file_that_asks_for_nothing_and_is_the_same_each_time(warehouse):
    workspace = warehouse(LAST_WEEK, name="</title><script>alert(1)</script>")
    html = written(workspace)

    assert written(workspace) == html
    assert "<script" not in html
    assert all(asked.startswith("#") for asked in Page(html).requests)
    assert not re.search(r"url\((?!#)|https?://(?!www\.w3\.org)", html)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
