"""A helpline's folder: what is wrong with it is said by file and line, all of it at once."""

from __future__ import annotations

import csv
import subprocess
import sys
import uuid
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingest import Problem, Workspace, pull
from ingest.description import describe
from ingest.helpline import RAW_COLUMNS, load_helpline, store_helpline
from ingest.warehouse import open_warehouse
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
        ("opening_hours", "2020-01-01,,1,9:0,22:00,1", "opens '9:0' is not a time"),
        ("opening_hours", "2020-01-01,,1,19:00,22:00,9999", "responders '9999' is more than 500"),
        ("opening_hours", "0202-01-01,,1,19:00,22:00,1", "valid_from '0202-01-01' is in the year"),
        ("opening_hours", "2020-01-01,2201-01-01,1,19:00,22:00,1", "valid_to .* the year 2201"),
        ("closures", "2/13/2022,x", "date '2/13/2022' is a date that does not exist if its day"),
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
        ("codes", "topics,home,Thuis,Home,1", "breakdown 'topics' is not a .*; did you mean topic"),
        (
            "codes",
            "weather,wet,Nat,Wet,1",
            "breakdown 'weather' is not .*; there are age_band, any",
        ),
        ("codes", "channel,phone,Telefoon,Phone,1", "code 'phone' is none of channel; there are"),
        ("codes", "age_band,24+,24+,24+,1", r"code '24\+' is none of age_band; there are under_9"),
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
        ('pages = ["/"]', "rotate_keys_from = 2020", "helpline.toml:8: rotate_keys_from is 2020"),
        ('pages = ["/"]', 'rotate_keys_from = "2027"', "rotate_keys_from has to be a year"),
        ('pages = ["/"]', "rotate_keys_from = true", "rotate_keys_from has to be a year"),
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


def table_of(folder: Path, table: str, *lines: str) -> Path:
    """Write a table of a helpline's folder: the header, then these lines."""
    text = "".join(f"{line}\n" for line in [",".join(RAW_COLUMNS[table]), *lines])
    (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,visiter,v,,,r,me,1", "field is not one that events can be taken out by: visitor, page"),
        (",page,/,,,r,me,1", "exclusion is empty; give it a name"),
        ("x,page,,,,r,me,1", "value is empty; say what"),
        ("x,page,/,,,,me,1", "reason is empty; say why"),
        ("x,page,/,,,r,,1", "author is empty; say who"),
        ("x,page,/,,,r,me,", "expected_events is not a whole number; write how many"),
        ("x,page,/,,,r,me,some", "expected_events is not a whole number"),
        ("x,page,/,,,r,me,1.5", "expected_events is not a whole number"),
        ("x,page,/,,,r,me,-1", "expected_events is not a whole number"),
        ("x,page,/mail,,,r,me,1", "value is not a page that helpline.toml lists"),
        ("x,button,red,,,r,me,1", "value is not a code of button; there are busy, closed, open"),
        ("x,campaign,tv,,,r,me,1", "value is not a code of campaign; there are radio"),
        ("x,page,/,soon,,r,me,1", "starts_at is not a time; write 2022-03-01"),
        ("x,page,/,2022-02-30,,r,me,1", "starts_at '2022-02-30' is a time that does not exist"),
        ("x,page,/,2022-03-01 24:00,,r,me,1", "is a time that does not exist"),
        ("x,page,/,2022-03-01T14:00:00+1,,r,me,1", "is not a time"),
        (
            "x,page,/,2022-03-01,2022-03-01,r,me,1",
            r"ends_at \(2022-02-28 23:00:00 UTC\) is not later",
        ),
        (
            "x,page,/,2022-03-01 14:00,2022-03-01T14:00:00+02:00,r,me,1",
            r"is not later than starts_at \(2022-03-01 13:00:00 UTC\)",
        ),
        (
            "x,page,/,2022-03-27 02:30,,r,me,1",
            r"'2022-03-27 02:30' is skipped when the clocks change in Europe/Brussels; write the "
            r"offset with it, such as 2022-03-27T02:30:00\+01:00",
        ),
        (
            "x,page,/,,2022-10-30 02:30,r,me,1",
            r"'2022-10-30 02:30' comes twice .* 2022-10-30T02:30:00\+02:00 or "
            r"2022-10-30T02:30:00\+01:00",
        ),
        ("first,page,/,,,r,me,1", "first stands on line 2 already; remove one"),
    ],
)
def test_a_bad_exclusion_is_named(tmp_path, line, message):
    folder = helpline(tmp_path / "h", campaigns=["radio,Radio,,,"])
    table_of(folder, "exclusions", "first,page,/,,,bots,me,10", line)
    with pytest.raises(Problem, match=rf"exclusions\.csv:3: .*{message}"):
        load_helpline(folder)


@pytest.mark.parametrize(
    "value",
    [
        "anna-7Q",
        "anna@example.org",
        "0A1B2C3D-0000-0000-0000-00000000077A",
        "{0a1b2c3d-0000-0000-0000-00000000077a}",
        "0a1b2c3d00000000000000000000077a",
        "0a1b2c3d-0000-0000-0000-00000000077",
        " 0a1b2c3d-0000-0000-0000-00000000077g",
    ],
)
def test_what_is_no_pseudonym_is_refused_and_not_repeated(tmp_path, value):
    folder = table_of(helpline(tmp_path / "h"), "exclusions", f"staff,visitor,{value},,,r,me,1")
    found = mistakes(folder)
    assert "exclusions.csv:2: value is not a visitor's pseudonym, and is not shown here" in found
    assert value.strip() not in found
    for line in (
        f"staff,{value},visitor,,,r,me,1",
        f"staff,visitor,r,{value},,r,me,1",
        f"staff,visitor,r,,{value},r,me,1",
        f"staff,visitor,,,,r,me,{value}",
    ):
        found = mistakes(table_of(folder, "exclusions", line))
        assert "exclusions.csv:2: " in found
        assert value.strip() not in found


GOOD_CELL = "clicks,2022-03,,"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("click,2022-03,,", "figure 'click' is not a figure; did you mean clicks\\?"),
        ("zzz,2022-03,,", "figure 'zzz' is not a figure; dbt_project/seeds/figure_definitions.csv"),
        (",2022-03,,", "figure '' is not a figure"),
        ("clicks,,,", "period '' is not a period; write a year as 2022"),
        ("clicks,March 2022,,", "is not a period"),
        ("clicks,2022-13,,", "is not a period"),
        ("clicks,2022-3,,", "is not a period"),
        ("clicks,2022-W00,,", "is not a period"),
        ("clicks,2022-W53,,", "is not a period"),
        ("clicks,2020-10/2020-01,,", "is not a period; .* the earlier one first"),
        ("clicks,2020-01/2020-01,,", "is not a period"),
        ("clicks,2020/2021,,", "is not a period"),
        ("callers,2022-W09,,", "period '2022-W09': callers is given by month"),
        ("clicks_per_month,2022-03,,", "period '2022-03': clicks_per_month is given by year"),
        ("clicks,2022-W09,weekday,1", "a week has totals only"),
        ("clicks,2022-03,gender,female", "breakdown 'gender' is none of clicks; there are weekday"),
        ("pressers,2022-03,weekday,1", "breakdown 'weekday' is none of pressers; leave breakdown"),
        ("clicks,2022-03,,1", "category '1' has no breakdown; clicks has weekday"),
        ("clicks,2022-03,weekday,", "category '' is none of clicks by weekday; there are 1, 2"),
        ("clicks,2022-03,weekday,0", "category '0' is none"),
        ("clicks,2022-03,hour,9", "category '9' is none of clicks by hour; there are 00"),
        ("clicks,2022-03,hour_of_week,3-24", "category '3-24' is none .* there are 1-00, …, 7-23"),
        (
            "callers,2022,channel,mail",
            "category 'mail' is none of callers by channel; .* mail_only",
        ),
        ("answered_sessions,2022,channel,mail_only", "category 'mail_only' is none"),
        ("callers,2022,age_band,24+", r"category '24\+' is none .* 25_and_over"),
        ("callers,2022,gender,girl", "category 'girl' is none .* female, male, other, unknown"),
        ("callers,2022,topic,other", "category 'other' is none"),
        ("referrals,2022,referred_by,unknown", "category 'unknown' is none"),
        ("excluded_events,2022,exclusion,bots", "there are none yet"),
        ("callers_share_percent,2022,,", "is a share and has no total; write gender, age_band"),
    ],
)
def test_a_cell_that_no_figure_has_is_named(tmp_path, cell, message):
    folder = helpline(tmp_path / "h")
    table_of(folder, "published", f"a,2023-01-30,{GOOD_CELL},3,3", f"a,2023-01-30,{cell},4,4")
    with pytest.raises(Problem, match=rf"has a mistake: published\.csv:3: .*{message}"):
        load_helpline(folder)
    table_of(folder, "published", f"a,2023-01-30,{GOOD_CELL},3,3")
    table_of(folder, "revisions", f"{GOOD_CELL},4,r,me,2023-02-01", f"{cell},4,r,me,2023-02-01")
    with pytest.raises(Problem, match=rf"has a mistake: revisions\.csv:3: .*{message}"):
        load_helpline(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f",2023-01-30,{GOOD_CELL},3,3", "document is empty; name"),
        (f"a,,{GOOD_CELL},3,3", "published_on '' is not a date"),
        (f"a,30-01-2023,{GOOD_CELL},3,3", "published_on '30-01-2023' is not a date"),
        (f'a,2023-01-30,{GOOD_CELL},"4,8",x', "value '4.8' has decimals, and clicks counts whole"),
        (f'a,2023-01-30,{GOOD_CELL},"1,074",x', "value '1,074' may be 1.074 or 1074; write it"),
        (f"a,2023-01-30,{GOOD_CELL},10.166.000,x", "value '10.166.000' is not a decimal number"),
        (f"a,2023-01-30,{GOOD_CELL},16%,16%", "value '16%' is not a decimal number"),
        (f"a,2023-01-30,{GOOD_CELL},1e3,x", "value '1e3' is not a decimal number"),
        (f"a,2023-01-30,{GOOD_CELL},007,x", "value '007' is not a decimal number"),
        (f"a,2023-01-30,{GOOD_CELL},-3,-3", "value '-3' is negative, which clicks cannot be"),
        (f"a,2023-01-30,{GOOD_CELL},,", "value and as_printed are both empty"),
        (f"first,2023-02-01,{GOOD_CELL},4,4", "first clicks 2022-03 stands on line 2 already"),
    ],
)
def test_a_bad_published_figure_is_named(tmp_path, line, message):
    folder = helpline(tmp_path / "h")
    table_of(folder, "published", f"first,2023-01-30,{GOOD_CELL},3,3", line)
    with pytest.raises(Problem, match=rf"published\.csv:3: {message}"):
        load_helpline(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"{GOOD_CELL},,r,me,2023-02-01", "value is empty; write the value that holds"),
        (f"{GOOD_CELL},four,r,me,2023-02-01", "value 'four' is not a decimal number"),
        (f"{GOOD_CELL},4,,me,2023-02-01", "reason is empty; say why"),
        (f"{GOOD_CELL},4,r,,2023-02-01", "author is empty; say who"),
        (f"{GOOD_CELL},4,r,me,", "decided_on '' is not a date"),
        (f"{GOOD_CELL},5,r,me,2023-01-31", "clicks 2022-03 2023-01-31 stands on line 2 already"),
    ],
)
def test_a_bad_revision_is_named(tmp_path, line, message):
    folder = table_of(helpline(tmp_path / "h"), "published", f"a,2023-01-30,{GOOD_CELL},3,3")
    table_of(folder, "revisions", f"{GOOD_CELL},4,r,me,2023-01-31", line)
    with pytest.raises(Problem, match=rf"revisions\.csv:3: {message}"):
        load_helpline(folder)


def test_a_mistake_elsewhere_makes_no_others_of_good_lines(tmp_path):
    folder = helpline(
        tmp_path / "h",
        codes=["gender,girl,Meisje,Girl,first"],
        campaigns=[",Radio,,,"],
        timezone="Mars",
        pages="/",
    )
    table_of(folder, "exclusions", "x,campaign,radio,2022-03-01,,r,me,1", "y,page,/,,,r,me,1", "z")
    table_of(
        folder,
        "published",
        "a,2023-01-30,callers,2022,gender,girl,3,3",
        "a,2023-01-30,excluded_events,2022,exclusion,z,3,3",
    )
    assert "has 5 mistakes" in mistakes(folder)


def test_a_revision_may_be_of_what_public_alone_has_shown(tmp_path):
    folder = table_of(helpline(tmp_path / "h"), "revisions", f"{GOOD_CELL},4,r,me,2023-02-01")
    assert load_helpline(folder).warnings == []


def test_every_figure_of_the_answers_stands_in_the_ledger_of_the_default_helpline(root):
    with (root / "tests" / "published" / "answers.csv").open(encoding="utf-8", newline="") as file:
        answers = [
            tuple(row[name] for name in RAW_COLUMNS["published"] if name != "published_on")
            for row in csv.DictReader(file)
        ]
    tables = load_helpline(root / "helplines" / "nupraatikerover").tables
    assert [(row[0], *row[2:]) for row in tables["published"]] == answers
    revised = [("clicks_per_conversation", "4.9"), ("new_callers_per_month", "38")]
    assert [(row[0], row[4]) for row in tables["revisions"]] == revised
    assert {row[1] for row in tables["revisions"]} == {"2020-01/2020-10"}
    assert tables["exclusions"] == []


def test_the_check_tells_of_exclusions_and_published_figures(tmp_path):
    folder = helpline(tmp_path / "h")
    table_of(folder, "exclusions", "bots,page,/,2022-03-01,,a crawler,me,10")
    table_of(
        folder,
        "published",
        f"answer 1,2023-01-30,{GOOD_CELL},3,3",
        "answer 1,2023-01-30,clicks,2022-04,,,,***",
        f"answer 2,2024-01-30,{GOOD_CELL},4,4",
    )
    table_of(folder, "revisions", f"{GOOD_CELL},4,counted anew,me,2023-02-01")
    lines = describe(load_helpline(folder)).splitlines()
    assert lines[-4:] == [
        "Exclusion bots: page / from 2022-02-28 23:00:00 UTC, 10 events expected (me: a crawler)",
        "Published by answer 1, 2023-01-30: 2 figures",
        "Published by answer 2, 2024-01-30: 1 figure",
        "Revised: clicks 2022-03 is 4 (me, 2023-02-01: counted anew)",
    ]


def test_unknown_files_and_settings_are_warned_of(tmp_path):
    folder = helpline(tmp_path / "h")
    for name in ("opening_hour.csv", "README.md"):
        (folder / name).write_text("x\n")
    change(folder, "settling_days", "setling_days")
    warnings = load_helpline(folder).warnings
    assert len(warnings) == 2
    assert "helpline.toml:6: setling_days" in warnings[0]
    assert "Did you mean settling_days?" in warnings[0]
    assert "opening_hour.csv" in warnings[1]


@pytest.mark.parametrize("zone", ["localtime", "right/Europe/Brussels"])
def test_a_zone_that_the_warehouse_does_not_know_is_refused(tmp_path, monkeypatch, zone):
    monkeypatch.setattr("ingest.settings.ZoneInfo", lambda _: None)  # not every system has these
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
        ("2020-01-01,,1,22:00,23:00,1", False),
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
    table_of(
        folder,
        "exclusions",
        f"staff,visitor,{uuid.UUID(int=7)},2022-03-01T14:00:00.250+01:00,2022-03-02,tests,me,10",
        "bots,page,/,,2022-03-01 14:00,a crawler,me,0",
    )
    table_of(
        folder,
        "published",
        "a,2023-01-30,answer_rate,2020-01/2020-10,,,7.0,7 %",
        "a,2023-01-30,excluded_events,2022,exclusion,bots,,***",
    )
    table_of(folder, "revisions", "answer_rate,2020-01/2020-10,,,7.1,r,me,2023-02-01")
    deliver(tmp_path / "logs", "a.ndjson", [click("v", "2022-03-01")])
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), folder)
    for _ in range(2):
        pull(workspace)
    with open_warehouse(workspace.warehouse) as connection:
        assert not store_helpline(connection, load_helpline(folder))
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:

        def table(name):
            sql = f"select columns(*)::varchar from raw.{name} order by all"
            return connection.execute(sql).fetchall()

        assert table("settings") == [
            (
                *("Helpline of the tests", "nl", "Europe/Brussels", "2020-01-01", "30", "10", "5"),
                *(None, "2.00", "14", "false", "false"),
            )
        ]
        assert table("opening_hours") == [
            ("2020-01-01", "2020-06-30", "1", "19:00:00", "24:00:00", "2"),
            ("2020-07-01", None, "7", "00:00:00", "01:30:00", "1"),
        ]
        assert table("closures") == [("2020-12-25", "Christmas")]
        assert table("extra_openings") == [("2020-12-26", "10:00:00", "12:00:00", "3", None)]
        assert table("codes") == [("gender", "girl", "Meisje", "Girl", "1", None, None)]
        assert table("data_gaps") == [("button", "2022-07-01", "2022-08-31", "to be cleaned")]
        assert table("campaigns") == [("tv", "TV", "2022-01-01", None, "tv")]
        visitor = str(uuid.UUID(int=7))
        assert table("exclusions") == [
            ("bots", "page", "/", "a crawler", "me", "0", None, "2022-03-01 13:00:00"),
            ("staff", "visitor", visitor, "tests", "me", "10",
             "2022-03-01 13:00:00.25", "2022-03-01 23:00:00"),
        ]  # fmt: skip
        assert table("published") == [
            ("a", "answer_rate", "2020-01/2020-10", "", "", "7.0", "7 %", "2023-01-30"),
            ("a", "excluded_events", "2022", "exclusion", "bots", "", "***", "2023-01-30"),
        ]
        assert table("revisions") == [
            ("answer_rate", "2020-01/2020-10", "", "", "7.1", "r", "me", "2023-02-01")
        ]


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


def test_a_threshold_that_protects_hardly_anybody_is_warned_of(tmp_path):
    folder = helpline(tmp_path / "h", small_count_threshold=2)
    [warning] = load_helpline(folder).warnings
    assert "small_count_threshold is 2: counts of one or two persons become public" in warning
