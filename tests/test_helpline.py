"""A helpline's folder: what is wrong with it is said by file and line, all of it at once."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingest import Problem, Workspace, pull
from ingest.helpline import describe, load_helpline
from tests.events import click, deliver, helpline

HOURS = "valid_from,valid_to,weekday,opens,closes,responders\n"
GOOD_HOURS = "2020-01-01,,1,19:00,22:00,1"


def mistakes(folder: Path) -> str:
    with pytest.raises(Problem) as caught:
        load_helpline(folder)
    return str(caught.value)


def change(folder: Path, before: str, after: str) -> None:
    settings = folder / "helpline.toml"
    text = settings.read_text(encoding="utf-8")
    assert before in text
    settings.write_text(text.replace(before, after), encoding="utf-8")


def test_the_default_helpline_is_sound(root):
    found = load_helpline(root / "helplines" / "nupraatikerover")
    assert found.warnings == []
    assert "15 h a week" in describe(found)
    assert "27 h a week" in describe(found)
    assert "18 h a week" in describe(found)


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("opening_hours", "2020-02-30,,1,19:00,22:00,1", "valid_from '2020-02-30' is a date that"),
        ("opening_hours", "1-1-2020,,1,19:00,22:00,1", "valid_from '1-1-2020' is not a date"),
        ("opening_hours", ",,1,19:00,22:00,1", "valid_from '' is not a date"),
        ("opening_hours", "2020-01-02,2020-01-01,1,19:00,22:00,1", "is before valid_from"),
        ("opening_hours", "2020-01-01,,0,19:00,22:00,1", "weekday '0' is not a weekday"),
        ("opening_hours", "2020-01-01,,8,19:00,22:00,1", "weekday '8' is not a weekday"),
        ("opening_hours", "2020-01-01,,Mon,19:00,22:00,1", "weekday 'Mon' is not a weekday"),
        ("opening_hours", "2020-01-01,,,19:00,22:00,1", "weekday '' is not a weekday"),
        ("opening_hours", "2020-01-01,,12,19:00,22:00,1", "weekday '12' is not a weekday"),
        (
            "opening_hours",
            "2020-01-01,,1,22:00,19:00,1",
            r"closes \(19:00\) is not later than opens",
        ),
        (
            "opening_hours",
            "2020-01-01,,1,19:00,19:00,1",
            r"closes \(19:00\) is not later than opens",
        ),
        (
            "opening_hours",
            "2020-01-01,,1,19:00,00:00,1",
            r"closes \(00:00\) is not later than opens",
        ),
        ("opening_hours", "2020-01-01,,1,24:00,24:00,1", "opens 24:00 is the end of a day"),
        ("opening_hours", "2020-01-01,,1,19:00,24:01,1", "closes '24:01' is not a time"),
        ("opening_hours", "2020-01-01,,1,7pm,22:00,1", "opens '7pm' is not a time"),
        ("opening_hours", "2020-01-01,,1,9:00,22:00,1", "opens '9:00' is not a time"),
        ("opening_hours", "2020-01-01,,1,19:60,22:00,1", "opens '19:60' is not a time"),
        ("opening_hours", "2020-01-01,,1,19:00,22:00,-1", "responders '-1' is negative"),
        (
            "opening_hours",
            "2020-01-01,,1,19:00,22:00,two",
            "responders 'two' is not a whole number",
        ),
        ("opening_hours", "2020-01-01,,1,19:00,22:00,", "responders '' is not a whole number"),
        ("opening_hours", "2020-01-01,,1,19:00,22:00", "has 5 cells, the header has 6"),
        ("opening_hours", "2020-01-01,,1,19:00,22:00,1,1", "has 7 cells, the header has 6"),
        ("closures", "Christmas,2020-12-25", "date 'Christmas' is not a date"),
        ("closures", "2020-12-25,Christmas, whole day", "has 3 cells, the header has 2"),
        ("extra_openings", "2020-12-25,19:00,18:00,1,x", "is not later than opens"),
        ("extra_openings", "2020-12-25,19:00,20:00,-2,x", "responders '-2' is negative"),
        ("codes", "gender,,Meisje,Girl,1", "code is empty"),
        ("codes", ",girl,Meisje,Girl,1", "breakdown is empty"),
        ("codes", "gender,girl,Meisje,Girl,first", "sort 'first' is not a whole number"),
        ("data_gaps", "phone,2020-01-01,2020-01-02,x", "log 'phone' is not a log"),
        ("data_gaps", "chat,2020-01-02,2020-01-01,x", "is before starts_on"),
        ("data_gaps", "chat,2020-01-02,,x", "ends_on '' is not a date"),
        ("campaigns", ",Radio,2020-01-01,,x", "code is empty"),
        ("campaigns", "radio,Radio,2020-01-02,2020-01-01,x", "is before starts_on"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(tmp_path, table, line, message):
    good = {
        "opening_hours": GOOD_HOURS,
        "closures": "2020-01-01,New Year",
        "extra_openings": "2020-01-01,19:00,20:00,1,x",
        "codes": "gender,boy,Jongen,Boy,1",
        "data_gaps": "chat,2020-01-01,2020-01-01,x",
        "campaigns": "tv,TV,,,tv",
    }[table]
    folder = helpline(tmp_path / "h", **{table: [good, line, good.replace("boy", "x")]})
    if table == "campaigns":
        helpline(folder, **{table: [good, line]})
    found = mistakes(folder)
    assert f"{table}.csv:3: " in found
    with pytest.raises(Problem, match=message):
        load_helpline(folder)
    assert "has a mistake" in found


def test_all_mistakes_are_told_at_once(tmp_path):
    folder = helpline(
        tmp_path / "h",
        opening_hours=["2020-01-01,,9,22:00,25:00,1", GOOD_HOURS, "x,,1,19:00,22:00,1"],
        closures=["yesterday,x"],
        timezone="Europe/Brussel",
        settling_days=-1,
    )
    found = mistakes(folder)
    for place in (
        "helpline.toml:3: timezone 'Europe/Brussel'",
        "helpline.toml:6: settling_days",
        "opening_hours.csv:2: weekday",
        "opening_hours.csv:2: closes",
        "opening_hours.csv:4: valid_from",
        "closures.csv:2: date",
    ):
        assert place in found
    assert "has 6 mistakes" in found


@pytest.mark.parametrize(
    ("table", "lines", "message"),
    [
        ("codes", ["gender,girl,M,G,1", "gender,boy,J,B,2", "gender,girl,V,F,3"],
         "codes.csv:4: gender girl stands on line 2 already"),
        ("campaigns", ["tv,TV,,,tv", "tv,Television,,,tv"],
         "campaigns.csv:3: tv stands on line 2 already"),
    ],
)  # fmt: skip
def test_a_code_stands_once(tmp_path, table, lines, message):
    assert message in mistakes(helpline(tmp_path / "h", **{table: lines}))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('name = "Helpline of the tests"\n', "", "name is missing"),
        ('timezone = "Europe/Brussels"\n', "", "timezone is missing"),
        ("starts_on = 2020-01-01\n", "", "starts_on is missing"),
        ('timezone = "Europe/Brussels"', 'timezone = "../zone"', "helpline.toml:3: timezone"),
        ('timezone = "Europe/Brussels"', 'timezone = ""', "helpline.toml:3: timezone"),
        ("starts_on = 2020-01-01", "starts_on = 2020-01-01T00:00:00", "starts_on has to be a date"),
        (
            "starts_on = 2020-01-01",
            'starts_on = "1 January"',
            "starts_on '1 January' is not a date",
        ),
        ("attempt_gap_minutes = 30", "attempt_gap_minutes = 0.5", "attempt_gap_minutes has to be"),
        ("attempt_gap_minutes = 30", "attempt_gap_minutes = true", "attempt_gap_minutes has to be"),
        ('pages = ["/"]', 'pages = "/"', "pages has to be a list"),
        ('pages = ["/"]', 'pages = ["/?visitor"]', "'/\\?visitor' is not a path"),
        ('pages = ["/"]', 'pages = ["https://x.be/"]', "is not a path"),
        ('language = "nl"', 'language = "Dutch"', "language has to be"),
        ('language = "nl"', "language = nl", "is not TOML"),
    ],
)
def test_a_bad_setting_is_named(tmp_path, before, after, message):
    folder = helpline(tmp_path / "h")
    change(folder, before, after)
    with pytest.raises(Problem, match=message):
        load_helpline(folder)


def test_a_missing_folder_or_file_is_named(tmp_path):
    with pytest.raises(Problem, match="no helpline's folder"):
        load_helpline(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    found = mistakes(tmp_path / "empty")
    assert "helpline.toml: is missing" in found
    assert "opening_hours.csv: is missing" in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "opening_hours.csv:1: the header is missing"),
        (b"from,to,weekday,opens,closes,responders\n", "opening_hours.csv:1: the header has to"),
        (GOOD_HOURS.encode(), "opening_hours.csv:1: the header has to begin with valid_from"),
        (HOURS.encode(), "holds no line"),
        (
            HOURS.encode() + b"2020-01-01,,1,19:00,22:00,1\n\xe9\n",
            "opening_hours.csv:3: is not UTF-8",
        ),
        (HOURS.encode() + b'"2020-01-01,,1,19:00\n', "opening_hours.csv:2: is not CSV"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path, content, message):
    folder = helpline(tmp_path / "h")
    (folder / "opening_hours.csv").write_bytes(content)
    assert message in mistakes(folder)


def test_what_spreadsheets_do_to_a_table_is_tolerated(tmp_path):
    folder = helpline(tmp_path / "h")
    content = (
        "\ufeff# dates are assumptions\r\n"
        "valid_from,valid_to,weekday,opens,closes,responders,note\r\n"
        '\r\n2020-01-01, 2020-12-31 ,1,19:00,24:00,1,"a, note"\r\n,,,,,,\r\n'
        "2020-01-01,,1,21:00,23:30:30,1,overlaps\r\n"
    )
    (folder / "opening_hours.csv").write_bytes(content.encode())
    assert load_helpline(folder).tables["opening_hours"] == [
        ("2020-01-01", "2020-12-31", "1", "19:00:00", "24:00:00", "1"),
        ("2020-01-01", None, "1", "21:00:00", "23:30:30", "1"),
    ]


def test_only_settings_and_opening_hours_are_needed(tmp_path):
    folder = helpline(tmp_path / "h")
    for table in ("closures", "extra_openings", "codes", "data_gaps", "campaigns"):
        (folder / f"{table}.csv").unlink()
    for line in ("attempt_gap_minutes = 30\n", "settling_days = 10\n", 'pages = ["/"]\n'):
        change(folder, line, "")
    found = load_helpline(folder)
    assert (found.attempt_gap_minutes, found.settling_days, found.pages) == (30, 10, ())
    assert found.coded_fields()["button"] == ["busy", "closed", "open"]


def test_exclusions_are_not_taken_as_applied(tmp_path):
    folder = helpline(tmp_path / "h")
    header = "exclusion,field,value,starts_at,ends_at,reason,author,expected_events\n"
    (folder / "exclusions.csv").write_text(header)
    load_helpline(folder)
    (folder / "exclusions.csv").write_text(header + "bots,page,/,,,bots,me,10\n")
    assert "exclusions.csv:2: exclusions come with a later version" in mistakes(folder)


def test_unknown_files_and_settings_are_warned_of(tmp_path):
    folder = helpline(tmp_path / "h")
    for name in ("opening_hour.csv", "published.csv", "README.md"):
        (folder / name).write_text("x\n")
    change(folder, "settling_days", "setling_days")
    warnings = load_helpline(folder).warnings
    assert len(warnings) == 2
    assert "helpline.toml:6: setling_days" in warnings[0]
    assert "opening_hour.csv" in warnings[1]


@pytest.mark.parametrize("zone", ["localtime", "right/Europe/Brussels"])
def test_a_zone_that_the_warehouse_does_not_know_is_refused(tmp_path, monkeypatch, zone):
    monkeypatch.setattr("ingest.helpline.ZoneInfo", lambda _: None)  # not every system has these
    found = mistakes(helpline(tmp_path / "h", timezone=zone))
    assert f"helpline.toml:3: timezone {zone!r} is not a time zone that the warehouse" in found
    assert "Europe/Brussels" in found


@pytest.mark.parametrize(
    ("other", "doubles"),
    [
        ("2021-01-01,,1,19:00,22:00,1", True),
        ("2020-12-31,2021-06-30,1,19:00,22:00,3", True),
        ("2019-01-01,2019-12-31,1,19:00,22:00,1", False),
        ("2020-01-01,,2,19:00,22:00,1", False),
        ("2020-01-01,,1,19:00,21:00,1", False),
    ],
)
def test_hours_that_stand_there_twice_are_warned_of(tmp_path, other, doubles):
    hours = ["2020-01-01,2021-01-01,1,19:00,22:00,1", "2020-01-01,,7,19:00,22:00,1", other]
    warnings = load_helpline(helpline(tmp_path / "h", opening_hours=hours)).warnings
    assert len(warnings) == doubles
    if doubles:
        assert "opening_hours.csv:4: the same hours" in warnings[0]
        assert "on line 2 already" in warnings[0]


def test_the_tables_arrive_in_the_warehouse(tmp_path, key):
    folder = helpline(
        tmp_path / "h",
        opening_hours=["2020-01-01,2020-06-30,1,19:00,24:00,2", "2020-07-01,,7,00:00,01:30,1"],
        closures=["2020-12-25,Christmas"],
        extra_openings=["2020-12-26,10:00,12:00,3,"],
        codes=["gender,girl,Meisje,Girl,1"],
        data_gaps=["button,2022-07-01,2022-08-31,to be cleaned"],
        campaigns=["tv,TV,2022-01-01,,tv"],
    )
    deliver(tmp_path / "logs", "a.ndjson", [click("v", "2022-03-01")])
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), folder)
    pull(workspace)
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:

        def table(name):
            sql = f"select columns(*)::varchar from raw.{name} order by all"
            return connection.execute(sql).fetchall()

        assert table("settings") == [
            ("Helpline of the tests", "nl", "Europe/Brussels", "2020-01-01", "30", "10", "5")
        ]
        assert table("opening_hours") == [
            ("2020-01-01", "2020-06-30", "1", "19:00:00", "24:00:00", "2"),
            ("2020-07-01", None, "7", "00:00:00", "01:30:00", "1"),
        ]
        assert table("closures") == [("2020-12-25", "Christmas")]
        assert table("extra_openings") == [("2020-12-26", "10:00:00", "12:00:00", "3", None)]
        assert table("codes") == [("gender", "girl", "Meisje", "Girl", "1")]
        assert table("data_gaps") == [("button", "2022-07-01", "2022-08-31", "to be cleaned")]
        assert table("campaigns") == [("tv", "TV", "2022-01-01", None, "tv")]


def test_every_raw_table_and_column_has_a_comment(tmp_path, key):
    deliver(tmp_path / "logs", "a.ndjson", [click("v", "2022-03-01")])
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), helpline(tmp_path / "h"))
    pull(workspace)
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        bare = connection.execute(
            "select table_name, '' from duckdb_tables() where comment is null"
            " union all select table_name, column_name from duckdb_columns()"
            " where comment is null and not internal"
        ).fetchall()
    assert bare == []


@pytest.mark.parametrize(
    ("text", "utc"),
    [("Europe/Brussels", "2019-12-31 23:00"), ("America/New_York", "2020-01-01 05:00"),
     ("UTC", "2020-01-01 00:00")],
)  # fmt: skip
def test_the_first_day_starts_at_local_midnight(tmp_path, text, utc):
    found = load_helpline(helpline(tmp_path / "h", timezone=text))
    assert found.starts_at() == datetime.fromisoformat(utc)
    assert found.starts_on == date(2020, 1, 1)


def test_the_command_says_what_is_wrong_or_what_there_is(tmp_path, root):
    folder = helpline(tmp_path / "h")

    def check():
        return subprocess.run(
            [sys.executable, "-m", "ingest", "check", "--helpline", folder],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = check()
    assert done.returncode == 0
    assert "from 2020-01-01 on: 18 h a week" in done.stdout
    helpline(folder, opening_hours=["2020-01-01,,1,22:00,19:00,1"])
    done = check()
    assert done.returncode == 1
    assert "opening_hours.csv:2: closes (19:00) is not later than opens (22:00)" in done.stderr
    assert "Traceback" not in done.stderr
