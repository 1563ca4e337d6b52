"""What is wrong with a helpline's folder is told all at once; what is only odd is warned of."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from ingest import Problem
from ingest.description import describe
from ingest.helpline import RAW_COLUMNS, load_helpline
from ingest.settings import DEFAULTS, KNOWN_TYPES, languages_with_words
from publish.words import LANGUAGES, chosen
from tests.events import HEADERS, helpline
from tests.test_helpline_spreadsheets import full_helpline

ACCEPTED = "log,starts_on,ends_on,lost_lines,reason,author,decided_on"
OVER_THE_LONGEST = 10**9


def mistakes(folder: Path) -> str:
    with pytest.raises(Problem) as caught:
        load_helpline(folder)
    return str(caught.value)


def with_settings(folder: Path, **settings: str) -> Path:
    """Write settings as TOML text behind, or in the place of, those of a folder."""
    path = folder / "helpline.toml"
    lines = [line for line in path.read_text().splitlines() if line.split(" = ")[0] not in settings]
    lines += [f"{name} = {value}" for name, value in settings.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_table(folder: Path, table: str, *lines: str) -> Path:
    header = ACCEPTED if table == "accepted" else HEADERS[table]
    text = "".join(f"{line}\n" for line in [header, *lines])
    (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


def warnings_of(folder: Path) -> list[str]:
    return [warning.removeprefix(f"{folder}/") for warning in load_helpline(folder).warnings]


def test_one_file_hides_no_mistake_of_another(tmp_path):
    """Each table has a mistake of its own, and its header is wrong in half of them."""
    folder = helpline(tmp_path / "h", timezone="Mars", small_count_threshold=OVER_THE_LONGEST)
    (folder / "opening_hours.csv").write_text(
        "valid_from,valid_till,weekday,opens,closes,responders\n2020-01-01,,9,22:00,19:00,1\n"
    )
    (folder / "closures.csv").write_text("reason,date\nChristmas,yesterday\n")
    (folder / "extra_openings.csv").write_text("a,b,c\n1,2,3\n")
    (folder / "codes.csv").write_text("breakdown,code,label_nl,label_en,sort\nsex,girl,M,G,x\n")
    (folder / "data_gaps.csv").write_text("log,from,until,why\nphone,2020-01-01,2020-01-02,x\n")
    (folder / "campaigns.csv").write_text('code,name,starts_on,ends_on,channel\n"tv,TV,,,\n')
    write_table(folder, "accepted", "chat,2020-02-02,2020-02-01,many,,me,2020-02-03")
    write_table(folder, "exclusions", "x,page,/,2020-02-02,2020-02-01,,,")
    write_table(folder, "published", "a,2020-13-01,clicks,2020,,,-3,x")
    write_table(folder, "revisions", "click,2020,,,-3,,me,2020-02-01")
    found = mistakes(folder)
    for place in (
        "helpline.toml:3: timezone 'Mars'",
        "helpline.toml:7: small_count_threshold has to be a whole number from 0 to 1000",
        "opening_hours.csv:1: the header has to begin with valid_from,valid_to,weekday",
        "opening_hours.csv:2: weekday '9'",
        "opening_hours.csv:2: closes (19:00) is not later than opens (22:00)",
        "closures.csv:1: the header",
        "closures.csv:2: date 'yesterday' is not a date",
        "extra_openings.csv:1: the header",
        "codes.csv:2: breakdown 'sex' is not a breakdown",
        "codes.csv:2: sort 'x' is not a whole number",
        "data_gaps.csv:1: the header",
        "campaigns.csv:2: is not CSV",
        "accepted.csv:2: lost_lines 'many'",
        "accepted.csv:2: reason is empty",
        "accepted.csv:2: ends_on (2020-02-01) is before starts_on (2020-02-02)",
        "exclusions.csv:2: ends_at (2020-02-01 00:00:00 UTC) is not later",
        "exclusions.csv:2: reason is empty",
        "exclusions.csv:2: author is empty",
        "exclusions.csv:2: expected_events is not a whole number",
        "published.csv:2: published_on '2020-13-01' is a date that does not exist",
        "published.csv:2: value '-3' is negative, which clicks cannot be",
        "revisions.csv:2: figure 'click' is not a figure",
        "revisions.csv:2: reason is empty",
    ):
        assert place in found
    assert "has 23 mistakes:" in found


PIECES = st.sampled_from(
    [
        *";,\"'#\n\r\t\0é€½/:.-0129",
        "9/nov",
        "24:00",
        "44875",
        "1/03/2022",
        "9999-12-31",
        '""',
        "[",
        "=",
    ]
)


@trying(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_stands_in_a_folder_it_is_read_or_refused_in_words(tmp_path, data):
    """A folder with something in every file, one of which somebody's hand or program has spoilt."""
    folder = full_helpline(tmp_path / "h")
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = path.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 12))
        content = content[:at] + data.draw(PIECES) + content[at + cut :]
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))
    path.write_bytes(content.encode(encoding))
    try:
        describe(load_helpline(folder))
    except Problem as problem:
        assert f"{path.name}" in str(problem)


def test_an_empty_table_is_told_beside_mistakes_elsewhere(tmp_path):
    folder = helpline(tmp_path / "h", opening_hours=[], closures=["yesterday,x"])
    found = mistakes(folder)
    assert "opening_hours.csv: holds no line; without opening hours nothing can be missed" in found
    assert "closures.csv:2" in found


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("language", '"dutch"', "language has to be a language such as"),
        ("language", '"zz"', 'language \'zz\' is no language; there are words in "en" and "nl"'),
        ("starts_on", "0202-03-01", "starts_on is 0202-03-01; it has to be a date from 1990"),
        ("starts_on", "2203-03-01", "starts_on is 2203-03-01; it has to be a date from 1990"),
        ("attempt_gap_minutes", "0", "attempt_gap_minutes has to be a whole number from 1 to 1440"),
        ("attempt_gap_minutes", "1441", "attempt_gap_minutes has to be a whole number from 1"),
        ("settling_days", "100000", "settling_days has to be a whole number from 0 to 366"),
        ("quiet_days", "0", "quiet_days has to be a whole number from 1 to 366"),
        ("small_count_threshold", "-1", "small_count_threshold has to be a whole number from 0"),
        (
            "tolerated_loss_percent",
            "101",
            "tolerated_loss_percent has to be a number from 0 to 100",
        ),
        ("keep_events_years", "0", "keep_events_years has to be a whole number of years from 1"),
        ("rotate_keys_from", "20270", "rotate_keys_from has to be a year"),
        ("no_identifiers", '["test", "  "]', "no_identifiers has a text that is empty or blank"),
        ("no_identifiers", '"test"', "no_identifiers has to be a list of texts"),
        ("formerly", '[""]', "formerly has a text that is empty"),
        *(
            ("other_types", f'["helpline.x", "{one}"]', f"other_types has '{one}', a type that")
            for one in KNOWN_TYPES
        ),
    ],
)
def test_an_absurd_setting_is_refused(tmp_path, name, value, message):
    found = mistakes(with_settings(helpline(tmp_path / "h"), **{name: value}))
    assert f": {message}" in found
    assert "has a mistake" in found


def test_the_types_that_cannot_be_passed_over_are_those_that_are_read(root):
    reading = (root / "ingest" / "reading.sql").read_text(encoding="utf-8")
    assert len(KNOWN_TYPES) == 8
    assert [one for one in KNOWN_TYPES if f"'{one}'" not in reading] == []


def test_languages_are_those_that_there_are_words_in():
    assert sorted(LANGUAGES) == list(languages_with_words())


@pytest.mark.parametrize("language", ["nl", "en", "nl-BE", "en-GB", "fr", "de-BE", "fy"])
def test_a_language_without_words_is_warned_of(tmp_path, language):
    folder = with_settings(helpline(tmp_path / "h"), language=f'"{language}"')
    warnings = warnings_of(folder)
    has_words = chosen(language) == language[:2]
    assert len(warnings) == (not has_words)
    if warnings:
        assert f"language is {language}: there are words in " in warnings[0]


TOMORROW = date.today() + timedelta(days=1)


@pytest.mark.parametrize(
    ("settings", "tables", "warning"),
    [
        ({"tolerated_loss_percent": "40"}, {}, "helpline.toml:9: tolerated_loss_percent is 40"),
        (
            {"starts_on": str(TOMORROW)},
            {},
            f"helpline.toml:8: starts_on is {TOMORROW}: that is yet to come",
        ),
        (
            {},
            {"opening_hours": ["2020-01-01,,1,19:00,23:59,1"]},
            "opening_hours.csv:2: closes is 23:59, so that it is closed until midnight; the end",
        ),
        (
            {},
            {"opening_hours": ["2020-01-01,,1,19:00,22:00,1", "2020-03-01,,1,21:59,23:00,1"]},
            "opening_hours.csv:3: hours that overlap with others of the same weekday stand on line"
            " 2 already, for dates that overlap",
        ),
        (
            {},
            {"opening_hours": ["2020-01-01,,1,19:00,22:00,0"]},
            "opening_hours.csv:2: responders is 0",
        ),
        (
            {},
            {"opening_hours": ["2021-01-01,,1,19:00,22:00,1"]},
            "opening_hours.csv: there are no opening hours from 2020-01-01 to 2020-12-31: all",
        ),
        (
            {},
            {"opening_hours": ["2018-01-01,2019-12-31,1,19:00,22:00,1"]},
            "opening_hours.csv: there are no opening hours from 2020-01-01 on: all attempts then",
        ),
        (
            {},
            {
                "opening_hours": [
                    "2032-01-01,,1,19:00,22:00,1",  # a slip for 2023
                    "2019-01-01,2021-12-31,1,19:00,22:00,1",
                    "2020-01-01,2022-12-31,2,19:00,22:00,1",
                ]
            },
            "opening_hours.csv: there are no opening hours from 2023-01-01 to 2031-12-31",
        ),
        (
            {},
            {"opening_hours": ["2020-01-01,2022-12-31,1,19:00,22:00,1"]},
            "opening_hours.csv: there are no opening hours from 2023-01-01 on",
        ),
        (
            {},
            {
                "extra_openings": [
                    "2020-02-01,10:00,12:00,1,x",
                    "2020-02-02,11:00,13:00,1,x",
                    "2020-02-01,11:00,13:00,1,x",
                ]
            },
            "extra_openings.csv:4: hours that overlap with others of the same date stand on line 2",
        ),
        (
            {},
            {"closures": ["2019-12-25,Christmas", "2020-01-01,x", "2019-12-26,x"]},
            "closures.csv:2: lies before 2020-01-01, the helpline's starts_on, and has no effect; "
            "the same goes for 1 other line",
        ),
        (
            {},
            {"extra_openings": ["2019-12-25,10:00,12:00,1,x"]},
            "extra_openings.csv:2: lies before 2020-01-01",
        ),
        ({}, {"data_gaps": ["chat,2019-01-01,2019-12-31,x"]}, "data_gaps.csv:2: lies before"),
        (
            {},
            {"accepted": ["chat,2019-01-01,2019-12-31,3,x,me,2020-01-01"]},
            "accepted.csv:2: lies before",
        ),
    ],
)
def test_what_may_be_meant_is_warned_of(tmp_path, settings, tables, warning):
    folder = with_settings(helpline(tmp_path / "h"), **settings)
    for table, lines in tables.items():
        write_table(folder, table, *lines)
    assert [one for one in warnings_of(folder) if one.startswith(warning)]
    if "starts_on" not in settings:  # from which much else follows
        assert len(warnings_of(folder)) == 1


@pytest.mark.parametrize(
    "hours",
    [
        ["2020-01-01,,1,19:00,22:00,1", "2020-01-01,,1,22:00,23:00,1"],
        ["2020-01-01,2020-12-31,1,19:00,22:00,1", "2021-01-01,,1,19:00,23:00,1"],
        ["2020-01-01,,1,19:00,22:00,1", "2020-01-01,,2,19:30,22:00,1"],
        ["2019-01-01,2020-12-31,1,19:00,24:00,1", "2021-01-01,9999-12-31,1,19:00,24:00,1"],
        ["2021-01-01,2021-06-30,1,19:00,22:00,1", "2020-01-01,9999-12-31,3,19:00,22:00,1"],
        ["2020-01-01,2020-12-31,1,19:00,22:00,1", "2021-01-01,,2,19:00,22:00,1"],
    ],
)
def test_hours_that_do_not_overlap_are_not_warned_of(tmp_path, hours):
    assert warnings_of(helpline(tmp_path / "h", opening_hours=hours)) == []


BANDS = ["under_9", "9-11", "12-14", "15-17", "18-20", "21-24", "25_and_over", "unknown"]
CODES = [
    *(f"age_band,{band},{band},{band},1" for band in BANDS),
    *(f"channel,{channel},{channel},{channel},1" for channel in ("chat", "mail", "mail_only")),
    "gender,girl,Meisje,Girl,1",
]


@pytest.mark.parametrize(
    ("codes", "language", "warnings"),
    [
        (CODES, "nl", []),
        (
            [code for code in CODES if "12-14" not in code and "mail_only" not in code],
            "nl",
            [
                "codes.csv: has no label of age_band 12-14; people will read the bare code",
                "codes.csv: has no label of channel mail_only; people will read the bare code",
            ],
        ),
        (
            [code for code in CODES if "unknown" not in code] + ["any,unknown,Onbekend,Unknown,1"],
            "nl",
            [],
        ),
        (
            CODES[:-1],
            "nl",
            ["codes.csv: has no codes of gender, topic, referred_by, scheduled_by: whatever the"],
        ),
        (
            [*CODES, "topic,home,,Home,1", "topic,bullying,,,1"],
            "nl-BE",
            ["codes.csv:14: label_nl of topic home is empty, as of 1 other code"],
        ),
        ([*CODES, "topic,home,,Home,1"], "en", []),
        ([*CODES, "topic,home,Thuis,,1"], "nl", []),
        (
            [*CODES, "topic,home,Thuis,,1"],
            "fr",
            [
                "helpline.toml:8: language is fr: there are words in",
                "codes.csv:14: label_en of topic home is empty",
            ],
        ),
    ],
)
def test_what_people_would_read_bare_is_warned_of(tmp_path, codes, language, warnings):
    folder = with_settings(helpline(tmp_path / "h", codes=codes), language=f'"{language}"')
    found = warnings_of(folder)
    assert len(found) == len(warnings)
    for one, warning in zip(found, warnings, strict=True):
        assert one.startswith(warning)


def test_no_list_of_codes_at_all_is_warned_of(tmp_path):
    folder = helpline(tmp_path / "h")
    (folder / "codes.csv").unlink()
    assert "codes.csv: has no codes of gender, topic" in warnings_of(folder)[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("closure.csv", "Did you mean closures.csv?"),
        ("Closures.csv", "Did you mean closures.csv?"),
        ("closures.xlsx", "is a spreadsheet's own file; it has no effect. Save its table as CSV"),
        ("notes.csv", "is no file of a helpline; it has no effect"),
    ],
)
def test_a_file_under_another_name_is_warned_of(tmp_path, name, said):
    folder = helpline(tmp_path / "h")
    (folder / "closures.csv").rename(folder / name)
    [warning] = warnings_of(folder)
    assert warning.startswith(f"{name}: ")
    assert said in warning


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m,no_visitor,,,,r,me,1", "takes out every event without a visitor"),
        (
            "m,no_visitor,,2022-03-01,,r,me,1",
            "write a page as value, or both starts_at and ends_at",
        ),
        ("m,no_visitor,,,2022-03-01,r,me,1", "takes out every event without a visitor"),
        ("m,no_visitor,/mail,,,r,me,1", "value is not a page that helpline.toml lists; leave it"),
        ("m,visitor,,2022-03-01,2022-03-02,r,me,1", "value is empty; say what the field has to be"),
        ("m,page,,2022-03-01,2022-03-02,r,me,1", "value is empty; say what the field has to be"),
    ],
)
def test_an_exclusion_of_no_visitor_is_bounded(tmp_path, line, message):
    found = mistakes(write_table(helpline(tmp_path / "h"), "exclusions", line))
    assert "exclusions.csv:2: " in found
    assert message in found
    assert "/mail" not in found


def test_new_settings_acceptances_and_exclusions_are_described(tmp_path):
    folder = with_settings(
        helpline(tmp_path / "h"),
        tolerated_loss_percent="0.5",
        quiet_days="21",
        no_identifiers='["probe", "x"]',
        other_types='["helpline.banner.shown"]',
        formerly='["Old name"]',
    )
    write_table(
        folder,
        "accepted",
        "chat,2022-02-01,2022-02-28,140,an upgrade,me,2022-03-20",
        "button,2022-03-01,2022-03-31,0,closed for works,me,2022-04-20",
    )
    write_table(
        folder,
        "exclusions",
        "m,no_visitor,,2022-03-01,2022-03-08,r,me,1",
        "p,no_visitor,/,,,r,me,2",
    )
    found = load_helpline(folder)
    assert (found.tolerated_loss_percent, found.quiet_days) == (0.5, 21)
    assert (found.no_identifiers, found.other_types) == (("probe", "x"), ("helpline.banner.shown",))
    assert found.formerly == ("Old name",)
    assert found.tables["exclusions"][0][2] == ""
    text = describe(found)
    for said in (
        "Lost lines up to 0.5 % of a month are tolerated; more than 21 days without an event",
        "No identifier, besides the usual ones: probe, x",
        "Types of events that are passed over: helpline.banner.shown",
        "Called before: Old name",
        "Accepted in the log chat from 2022-02-01 to 2022-02-28: up to 140 lost lines (me, "
        "2022-03-20: an upgrade)",
        "Accepted in the log button from 2022-03-01 to 2022-03-31: no events (me, 2022-04-20: clos",
        "Exclusion m: events without a visitor from 2022-02-28 23:00:00 UTC until 2022-03-07 23:00",
        "Exclusion p: events without a visitor on page /, 2 events expected",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("phone,2022-02-01,2022-02-28,1,r,me,2022-03-20", "log 'phone' is not a log"),
        ("chat,2022-02-01,,1,r,me,2022-03-20", "ends_on '' is not a date"),
        ("chat,2022-02-01,2022-02-28,-1,r,me,2022-03-20", "lost_lines '-1' is negative"),
        ("chat,2022-02-01,2022-02-28,1,,me,2022-03-20", "reason is empty; say why this is taken"),
        ("chat,2022-02-01,2022-02-28,1,r,,2022-03-20", "author is empty; say who decided so"),
        ("chat,2022-02-01,2022-02-28,1,r,me,", "decided_on '' is not a date"),
        ("chat,2022-01-01,2022-01-31,9,r,me,2022-03-20", "chat 2022-01-01 2022-01-31 stands on"),
    ],
)
def test_a_bad_acceptance_is_named(tmp_path, line, message):
    good = "chat,2022-01-01,2022-01-31,3,r,me,2022-02-20"
    found = mistakes(write_table(helpline(tmp_path / "h"), "accepted", good, line))
    assert f"accepted.csv:3: {message}" in found


def test_every_setting_with_a_default_may_be_left_out(tmp_path):
    folder = tmp_path / "h"
    helpline(folder)
    needed = ("name", "language", "timezone", "starts_on")
    lines = (folder / "helpline.toml").read_text().splitlines()
    kept = [line for line in lines if line.split(" = ")[0] in needed]
    (folder / "helpline.toml").write_text("\n".join(kept) + "\n")
    found = load_helpline(folder)
    for name, default in DEFAULTS.items():
        value = getattr(found, name)
        assert (list(value) if isinstance(value, tuple) else value) == default


def test_the_tables_of_the_code_are_known():
    assert {*HEADERS, "accepted", "settings"} == set(RAW_COLUMNS)
