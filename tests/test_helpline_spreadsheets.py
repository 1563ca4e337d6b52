"""A helpline's tables as spreadsheets write them: read the same, and said how; or refused."""

from __future__ import annotations

import csv
import io
import re
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import Problem, Workspace, pull
from ingest.cells import instant, read_clock, read_day, read_decimal
from ingest.helpline import RAW_COLUMNS, load_helpline, store_helpline
from ingest.spreadsheets import guess_text
from ingest.warehouse import open_warehouse
from tests.events import click, deliver, helpline

BANDS = ["under_9", "9-11", "12-14", "15-17", "18-20", "21-24", "25_and_over", "unknown"]
DATE = r"(\d{4})-(\d\d)-(\d\d)"
TABLES = {
    "opening_hours": [
        "# the hours, as of the new year",
        "2020-01-01,2020-06-30,1,09:00,24:00,2",
        "2020-07-01,,7,00:00,01:30,1",
    ],
    "closures": ["2020-12-25,Christmas; and the day after", "2020-12-26,"],
    "extra_openings": ["2020-12-26,08:00,12:00,3,"],
    "data_gaps": ["button,2022-07-01,2022-08-31,to be cleaned"],
    "campaigns": ['tv,"TV, late",2022-01-01,,tv'],
    "accepted": ["chat,2022-02-01,2022-02-28,140,an upgrade,me,2022-03-20"],
    "exclusions": [
        f"staff,visitor,{uuid.UUID(int=7)},2022-03-01T14:00:00+01:00,2022-03-02,tests,me,10",
        "monitor,no_visitor,,2022-03-01 09:30,2022-03-08 09:30,beats,me,2000",
        "bots,page,/,,2022-03-01,a crawler,me,0",
    ],
    "published": [
        "a,2023-01-30,answer_rate,2020-01/2020-10,,,7.0,7 %",
        'a,2023-01-30,clicks_per_conversation,2020,,,4.853,"4,9"',
        "a,2023-01-30,callers,2020,age_band,9-11,12,12",
        "a,2023-01-30,clicks,2020,hour_of_week,3-19,12,12",
    ],
    "revisions": ["answer_rate,2020-01/2020-10,,,7.1,r,me,2023-02-01"],
}


def table_of(folder: Path, table: str, *lines: str, header: str | None = None) -> Path:
    text = "".join(f"{line}\n" for line in [header or ",".join(RAW_COLUMNS_OF[table]), *lines])
    (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


# The columns of the files; two have another name in the warehouse.
RAW_COLUMNS_OF = RAW_COLUMNS | {
    "closures": ("date", "reason"),
    "extra_openings": ("date", "opens", "closes", "responders", "reason"),
}


def full_helpline(folder: Path) -> Path:
    """A helpline with lines in every table."""
    helpline(folder)
    for table, lines in TABLES.items():
        table_of(folder, table, *lines)
    return folder


def as_excel_writes(text: str, table: str) -> bytes:
    """Write a table as a Belgian Excel saves it as "CSV UTF-8"."""
    rows = list(csv.reader(io.StringIO(text)))
    columns = next(row for row in rows if not row[0].startswith("#"))
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    for row in rows:
        if row == columns or row[0].startswith("#"):
            writer.writerow([",".join(row)] if row != columns else row)
            continue
        writer.writerow([_cell(cell, column) for column, cell in zip(columns, row, strict=True)])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _cell(cell: str, column: str) -> str:
    if column in ("period", "reason", "code", "as_printed", "document", "category"):
        return cell
    if column == "value":
        return cell.replace(".", ",")
    if not re.search(r"[+-]\d\d:\d\d$", cell.partition(" ")[2] or cell[10:]):
        cell = re.sub(DATE, lambda found: f"{int(found[3])}/{found[2]}/{found[1]}", cell)
    return re.sub(r"(^|(?<= ))0(?=\d:)", "", cell)


def excel_copy(folder: Path, copy: Path) -> Path:
    copy.mkdir()
    for path in folder.iterdir():
        if path.suffix == ".csv":
            content = as_excel_writes(path.read_text(encoding="utf-8"), path.stem)
            (copy / path.name).write_bytes(content)
        elif path.is_file():
            text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
            (copy / path.name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    return copy


def test_what_excel_saves_is_read_as_what_it_opened_and_said(tmp_path):
    plain = load_helpline(full_helpline(tmp_path / "plain"))
    saved = load_helpline(excel_copy(tmp_path / "plain", tmp_path / "saved"))
    assert saved.tables == plain.tables
    assert plain.readings == []
    assert all(plain.tables.values())
    readings = "\n".join(saved.readings)
    for table in plain.tables:
        assert f"{table}.csv: separated by semicolons" in readings
    for said in (
        "closures.csv: 2 dates read day first, such as line 2: 25/12/2020 is 2020-12-25",
        "opening_hours.csv: 3 dates read day first, such as line 3: 1/01/2020 is 2020-01-01",
        "opening_hours.csv: 3 times read with a leading zero, such as line 3: 9:00 is 09:00:00",
        "extra_openings.csv: 1 time read with a leading zero, on line 2: 8:00 is 08:00:00",
        "revisions.csv: 1 number read with a decimal comma, on line 2: 7,1 is 7.1",
        "published.csv: 2 numbers read with a decimal comma, such as line 2: 7,0 is 7.0",
        "exclusions.csv: 4 dates read day first, such as line 2: 2/03/2022 is 2022-03-01 23:00:00",
    ):
        assert said in readings
    assert saved.warnings == [
        warning.replace(str(tmp_path / "plain"), str(tmp_path / "saved"))
        for warning in plain.warnings
    ]


def test_the_default_helpline_saved_by_excel_is_the_same(tmp_path, root):
    folder = root / "helplines" / "nupraatikerover"
    saved = load_helpline(excel_copy(folder, tmp_path / "saved"))
    plain = load_helpline(folder)
    assert saved.tables == plain.tables
    assert saved.pages == plain.pages
    assert saved.warnings == plain.warnings == []


def test_a_run_stores_the_same_of_what_excel_saved(tmp_path, key):
    folder = full_helpline(tmp_path / "plain")
    deliver(tmp_path / "logs", "a.ndjson", [click("v", "2022-03-01")])
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), folder)
    pull(workspace)
    saved = excel_copy(folder, tmp_path / "saved")
    with open_warehouse(workspace.warehouse) as connection:
        assert not store_helpline(connection, load_helpline(saved))
    pull(Workspace(workspace.data, workspace.logs, saved))


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.booleans())
def test_a_date_with_slashes_has_its_day_first(day, is_padded):
    written = f"{day:%d/%m/%Y}" if is_padded else f"{day.day}/{day.month}/{day.year}"
    assert read_day(written) == day.isoformat()


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda t: t.replace(second=0)))
def test_an_instant_is_read_however_its_date_is_written(moment):
    read = instant(UTC)
    year_first = f"{moment:%Y-%m-%d %H:%M}"
    day_first = f"{moment.day}/{moment.month}/{moment.year} {moment.hour}:{moment:%M}"
    assert read(day_first) == read(year_first) == f"{year_first}:00"


@given(st.integers(0, 23 * 60 + 59))
def test_an_hour_needs_no_zero(minutes):
    hours, minutes = divmod(minutes, 60)
    assert read_clock(f"{hours}:{minutes:02}") == f"{hours:02}:{minutes:02}:00"


@given(st.decimals(-(10**6), 10**6, places=2))
def test_a_decimal_comma_is_a_point(number):
    assert read_decimal(f"{number:.2f}".replace(".", ",")) == f"{number:.2f}"


@pytest.mark.parametrize(
    "cell", ["3/25/2022", "31/02/2022", "1-3-2022", "1/3/22", "1.3.2022", "2022/03/01", "0/1/2022"]
)
def test_a_date_that_is_not_clear_is_refused(cell):
    with pytest.raises(ValueError, match="2022-03-01"):
        read_day(cell)


def spreadsheets_take(first: int, second: int) -> set[str]:
    """What spreadsheets make of two numbers with a dash in between, if they can be a date."""
    day_first = {"nov": (11, "nov"), "dec": (12, "dec"), "sep": (9, "sep")}
    made = set()
    for month, name in day_first.values():
        if second == month and first <= 31:
            made |= {f"{first}/{name}", f"{first:02}-{name.title()}", f"{first} {name}."}
            made |= {f"{first}/{second}/2026", f"2026-{second:02}-{first:02}"}
            made.add(str((date(2026, second, first) - date(1899, 12, 30)).days))
        if first == month and second <= 31:
            made |= {f"{second}-{name.title()}", f"{name.title()}-{second}", f"{name}/{second}"}
        if first == month and second > 12:
            made |= {f"1/{first}/20{second}", f"20{second}-{first:02}-01"}
            made.add(str((date(2000 + second, first, 1) - date(1899, 12, 30)).days))
    return made


TURNED = sorted(
    (cell, band)
    for band in ("9-11", "12-14")
    for cell in spreadsheets_take(*(int(part) for part in band.split("-")))
)


@pytest.mark.parametrize(("cell", "band"), TURNED)
def test_a_band_that_became_a_date_is_named_with_what_it_was(tmp_path, cell, band):
    codes = [f"age_band,{cell if known == band else known},x,x,1" for known in BANDS]
    with pytest.raises(Problem) as caught:
        load_helpline(helpline(tmp_path / "h", codes=codes))
    line = BANDS.index(band) + 2
    assert f"codes.csv:{line}: code {cell!r} is none of age_band" in str(caught.value)
    assert f"a spreadsheet probably made it of {band}: write it so" in str(caught.value)
    assert "has a mistake" in str(caught.value)


def test_enough_of_turned_bands_is_tried():
    assert len(TURNED) > 12


def test_a_date_of_no_band_is_said_to_be_a_date(tmp_path):
    with pytest.raises(Problem, match="made this date of a text, such as 9-11 or 12-14, of the"):
        load_helpline(helpline(tmp_path / "h", codes=["age_band,44875,x,x,1"]))


@pytest.mark.parametrize(
    "cell", ["24+", "girls", "9", "9 nov 2", "31/feb", "2022", "nov", "", "1/2"]
)
def test_what_is_no_date_of_a_band_is_not_guessed_at(cell):
    assert guess_text(cell, BANDS) is None


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("callers,2020,age_band,9/nov", "a spreadsheet probably made it of 9-11"),
        ("clicks,2020,hour_of_week,3/jan", "a spreadsheet probably made it of 3-01"),
        ("clicks,jan/20,,", "a spreadsheet probably made it of 2020-01"),
        ("clicks,1/03/2022,,", "a spreadsheet probably made it of 2022-03"),
        ("clicks,44621,,", "a spreadsheet probably made it of 2022-03"),
    ],
)
def test_a_published_cell_that_became_a_date_is_named(tmp_path, cell, meant):
    folder = table_of(helpline(tmp_path / "h"), "published", f"a,2023-01-30,{cell},3,3")
    with pytest.raises(Problem, match=rf"published\.csv:2: .*{meant}"):
        load_helpline(folder)


def test_thousands_are_not_taken_for_decimals(tmp_path):
    folder = helpline(tmp_path / "h")
    line = 'a,2023-01-30,clicks_per_conversation,2022,,,"1,234",x'
    with pytest.raises(Problem, match=r"value '1,234' may be 1\.234 or 1234"):
        load_helpline(table_of(folder, "published", line))
    header = ";".join(RAW_COLUMNS["published"])
    line = "a;2023-01-30;clicks_per_conversation;2022;;;1,234;x"
    found = load_helpline(table_of(folder, "published", line, header=header))
    assert found.tables["published"][0][6] == "1.234"


@pytest.mark.parametrize("start", ["", "sep=;\n", "# a, comment, with, commas\n", ";;\n\n"])
def test_what_separates_cells_is_told_by_the_header(tmp_path, start):
    folder = helpline(tmp_path / "h")
    text = f"{start}date;reason\n2022-12-25;Christmas, and after\n"
    (folder / "closures.csv").write_text(text, encoding="utf-8")
    assert load_helpline(folder).tables["closures"] == [("2022-12-25", "Christmas, and after")]


def test_a_line_that_is_separated_otherwise_than_the_header_is_named(tmp_path):
    folder = helpline(tmp_path / "h")
    table_of(folder, "closures", "2022-12-25;Christmas")
    with pytest.raises(Problem, match=r"closures.csv:2: .* by commas as the header does, not semi"):
        load_helpline(folder)
    table_of(folder, "closures", "2022-12-25,Christmas", header="date;reason")
    with pytest.raises(Problem, match=r"closures.csv:2: .* by semicolons as the header does"):
        load_helpline(folder)


def test_dates_of_a_spreadsheet_in_settings_are_read_and_said(tmp_path):
    folder = helpline(tmp_path / "h")
    settings = folder / "helpline.toml"
    text = settings.read_text().replace("2020-01-01", '"1/02/2020"')
    settings.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    found = load_helpline(folder)
    assert found.starts_on == date(2020, 2, 1)
    assert found.readings == [
        "helpline.toml: 1 date read day first, on line 4: 1/02/2020 is 2020-02-01"
    ]


def test_text_of_windows_and_utf_16_are_refused_with_what_to_do(tmp_path):
    folder = helpline(tmp_path / "h")
    text = "date,reason\n2022-12-25,Noël\n25-12-2022,x\n"
    (folder / "closures.csv").write_bytes(text.encode("cp1252"))
    (folder / "campaigns.csv").write_bytes("code,name\n".encode("utf-16"))
    with pytest.raises(Problem) as caught:
        load_helpline(folder)
    assert 'closures.csv:2: is not UTF-8; save it as UTF-8 (in Excel "CSV UTF-8"' in str(
        caught.value
    )
    assert "closures.csv:3: date '25-12-2022' is not a date" in str(caught.value)
    assert "campaigns.csv: is not UTF-8, but UTF-16" in str(caught.value)
