"""The annex to the answer to a written question: its tables, marks and form, and its mistakes."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from docx import Document
from docx.oxml.ns import qn

from ingest.problem import Problem
from publish.__main__ import main
from publish.answer import answer
from publish.answer.source import Source
from publish.disclosure.cells import Cell
from publish.public import ABOUT, About
from tests import annexes
from tests.annexes import HELPLINE, QUESTIONS, RANGE, ROOT, differences, read_tables

ABOUT_IT = About("Nupraatikerover", "nl", "Europe/Brussels", "2022-12", 1, 5, 10, 30)
YEARS = ("2020", "2021", "2022")
MONTHS = [f"{year}-{month:02}" for year in YEARS for month in range(1, 13)]
EVERY = [*YEARS, *MONTHS, RANGE]
CATEGORIES = {
    "gender": ["girl", "boy", "x", "unknown", "unlisted"],
    "age_band": ["under_9", "9-11", "12-14", "15-17", "18-20", "21-24", "25_and_over", "unknown"],
    "topic": ["sexual_abuse", "physical_abuse_or_neglect", "emotional_abuse_or_neglect",
              "processing", "other_or_unclear", "unknown", "unlisted"],
    "referred_by": ["1712", "awel", "clb-chat", "1813", "tele-onthaal", "unlisted"],
    "weekday": list("1234567"),
    "channel": ["chat", "mail_only"],
}  # fmt: skip
# Breakdowns by year, and those by month too.
GIVEN = {
    "clicks": [], "clicks_per_conversation": [], "pressers": [], "missed_pressers": [],
    "out_of_hours_attempts": [], "attempts_without_visitor": [], "new_callers": [],
    "conversations": ["weekday"], "referrals": ["referred_by"],
    "callers": ["channel", "gender"],
    "callers_share_percent": ["gender", "age_band"], "topics_share_percent": ["topic"],
    "conversations_share_percent": ["weekday"],
    "conversations_change_percent": [], "new_callers_change_percent": [],
    "missed_pressers_change_percent": [], "conversations_per_month": [],
    "new_callers_per_month": [], "clicks_per_month": [], "answered_sessions": ["channel"],
}  # fmt: skip
HIDDEN = {
    Cell("referrals", "2022", "referred_by", "unlisted"),
    Cell("referrals", "2022"),
    Cell("conversations", "2022", "weekday", "6"),
    Cell("conversations_share_percent", "2022", "weekday", "6"),
    Cell("answered_sessions", "2022-02", "channel", "mail_only"),
    Cell("answered_sessions", "2022-02"),
}
EXACT = {
    Cell("conversations_per_month", RANGE): "76.8",
    Cell("new_callers_per_month", RANGE): "37.5",
    Cell("clicks_per_conversation", RANGE): "4.9",
    Cell("callers", "2022", "gender", "unlisted"): "0",
    Cell("callers_share_percent", "2022", "gender", "unlisted"): "0",
}
PENDING = {Cell("missed_pressers", "2022-07"), Cell("missed_pressers", "2022-08")}
BREAK = "opening hours from 2020-03-16: 27 h a week instead of 15 h"
Row = dict[str, str]


def seed() -> dict[str, Row]:
    path = ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["figure"]: row for row in csv.DictReader(file)}


def cells() -> Iterator[Cell]:
    """The cells of a small release: as dense as a real one."""
    for figure, breakdowns in GIVEN.items():
        is_share, is_mean = figure.endswith("_share_percent"), figure.endswith("_per_month")
        periods = [*YEARS, RANGE] if is_mean else EVERY
        if figure.endswith("_change_percent"):
            periods = [period for period in EVERY if period[:4] != "2020"]
        if not is_share:
            yield from (Cell(figure, period) for period in periods)
        for breakdown in breakdowns:
            given = EVERY if breakdown == "channel" else YEARS
            for period in given:
                yield from (Cell(figure, period, breakdown, one) for one in CATEGORIES[breakdown])


def printed_values() -> dict[Cell, str]:
    return {
        Cell(*(row[name] for name in Cell._fields)): row["value"]
        for document in QUESTIONS
        for row in annexes.printed_rows(document)
    }


def row_of(cell: Cell, values: dict[Cell, str], definition: Row) -> Row:
    value = EXACT.get(cell) or values.get(cell) or "50"
    decimals = definition["decimals"]
    status, conf = "A", "F"
    if (cell.figure, cell.period) in annexes.PROVISIONAL:
        status = "P"
    if cell in HIDDEN:
        conf, value = "C", ""
    if cell in PENDING:
        status, conf, value = "P", "N", ""
    if value:
        value = str(Decimal(value).quantize(Decimal(1).scaleb(-int(decimals))))
    has_break = cell.figure == "missed_pressers" and cell.period in ("2020", "2020-03")
    return cell._asdict() | {
        "value": value, "unit": definition["unit"], "base": definition["base"],
        "obs_status": status, "conf_status": conf, "break": BREAK if has_break else "",
        "decimals": decimals, "version": "1",
    }  # fmt: skip


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def public_rows(**changed: str) -> list[Row]:
    """The rows of the small release; `changed` gives other values of totals of 2022, by figure."""
    values = printed_values() | {Cell(figure, "2022"): value for figure, value in changed.items()}
    definitions = seed()
    return [row_of(cell, values, definitions[cell.figure]) for cell in sorted(cells())]


def write_release(folder: Path, rows: list[Row] | None = None) -> Path:
    """Write the public files of the small release."""
    rows = rows or public_rows()
    public = folder / "public"
    public.mkdir(parents=True)
    definitions = seed()
    figures = {row["figure"] for row in rows}
    write_rows(public / "figures.csv", rows)
    write_rows(public / "figure_definitions.csv", (definitions[one] for one in sorted(figures)))
    shutil.copy(HELPLINE / "codes.csv", public / "codes.csv")
    shutil.copy(HELPLINE / "revisions.csv", public / "revisions.csv")
    shutil.copy(HELPLINE / "data_gaps.csv", public / "data_gaps.csv")
    package = json.dumps({ABOUT: asdict(ABOUT_IT)})
    (public / "datapackage.json").write_text(package, encoding="utf-8")
    return folder


def write_internal(release: Path) -> Path:
    """Add the internal figures: the same, with what public hides, by week and by who scheduled."""
    (release / "internal").mkdir()
    definitions = seed()
    secret = dict.fromkeys(HIDDEN, "3") | dict.fromkeys(PENDING, "58")
    rows = []
    for row in public_rows():
        cell = Cell(*(row[name] for name in Cell._fields))
        status = {"value": secret[cell]} if cell in secret else {}
        rows.append(row | status | {"numerator": "1", "denominator": "1", "left_out": ""})
    extra = [Cell("conversations", "2022-W09"),
             *(Cell("scheduled_conversations", "2022", "scheduled_by", one)
               for one in ("1712", "awel"))]  # fmt: skip
    rows += [row_of(cell, {}, definitions[cell.figure]) | {"conf_status": "N"} for cell in extra]
    write_rows(release / "internal" / "figures.csv", rows)
    with duckdb.connect(str(release / "internal" / "analytics.duckdb")) as connection:
        connection.execute("create schema figures")
        connection.execute("create schema helpline")
        tables = {"helpline.codes": "codes", "helpline.revisions": "revisions",
                  "helpline.data_gaps": "data_gaps"}  # fmt: skip
        paths = {name: HELPLINE / f"{file}.csv" for name, file in tables.items()}
        paths["figures.figure_definitions"] = (
            ROOT / "dbt_project" / "seeds" / "figure_definitions.csv"
        )
        for name, path in paths.items():
            connection.execute(
                f"create table {name} as from read_csv('{path}', all_varchar = true, header = true)"
            )
    settings = {"name": "Nupraatikerover", "language": "nl", "timezone": "Europe/Brussels",
                "small_count_threshold": "5", "settling_days": "10",
                "attempt_gap_minutes": "30"}  # fmt: skip
    manifest = {"settings": settings, "public": {"closed_through": "2022-12", "contents": [{}]}}
    (release / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return release


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    return write_internal(write_release(tmp_path_factory.mktemp("releases") / "0123456789abcdef"))


@pytest.fixture(scope="module")
def made(release, tmp_path_factory) -> dict[str, tuple[Path, str]]:
    """The annexes of both documents, by their names, and what was said of them."""
    folder = tmp_path_factory.mktemp("annexes")
    return {
        document: (
            folder / f"{question.stem}.docx",
            answer(question, release, HELPLINE, output=folder),
        )
        for document, question in QUESTIONS.items()
    }


@pytest.fixture
def ask(tmp_path, release):
    """Write a question with these lines, make its annex, and read its tables back."""

    def make(lines: str, is_internal: bool = False, of: Path = release) -> dict:
        question = tmp_path / "question.toml"
        question.write_text(lines, encoding="utf-8")
        path = tmp_path / f"annex{'-intern' if is_internal else ''}.docx"
        answer(question, of, HELPLINE, is_internal, path)
        return read_tables(path)

    return make


def table(**keys: object) -> str:
    """The lines of a question with one table; texts and lists are written as TOML."""
    keys = {"title": "T", "figure": "conversations", "rows": "months", "years": [2022]} | keys
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
    return "\n".join(['title = "Proef"', "", "[[tables]]", *lines, ""])


def refused(ask, lines: str, is_internal: bool = False) -> str:
    with pytest.raises(Problem) as problem:
        ask(lines, is_internal)
    return str(problem.value)


# What was printed


@pytest.mark.parametrize("document", QUESTIONS)
def test_every_printed_figure_stands_in_the_annex_as_printed_or_with_its_mark(document, made):
    path, _ = made[document]
    assert differences(path, document) == []


def test_the_printed_figures_are_all_of_the_ledger():
    assert sum(len(annexes.printed_rows(document)) for document in QUESTIONS) == 171


def test_a_figure_that_is_not_the_printed_one_is_found(tmp_path):
    other = write_release(tmp_path / "other", public_rows(conversations="1075"))
    path = tmp_path / "annex.docx"
    said = answer(QUESTIONS["answer-363-2023"], other, HELPLINE, output=path)
    [wrong] = differences(path, "answer-363-2023")
    assert "printed 1074, shown 1075 ['[h]']" in wrong
    assert "Herzien (eerder anders afgedrukt): Gesprekken: 2022" in said
    texts = [paragraph.text for paragraph in Document(str(path)).paragraphs]
    assert "Gesprekken, 2022: een eerder document drukte 1074 af." in texts


def test_a_revised_figure_has_its_mark_the_printed_value_and_the_reason(made):
    path, _ = made["answer-189-2020"]
    text = "\n".join(paragraph.text for paragraph in Document(str(path)).paragraphs)
    assert "[h]\N{NO-BREAK SPACE}herzien: een eerder document drukte een andere waarde af" in text
    assert "een eerder document drukte 4,8 af" in text
    assert "375 nieuwe oproepers over 10 maanden is 37,5 en wordt naar boven afgerond" in text


def test_what_a_document_printed_and_no_table_asks_for_is_told(release, tmp_path):
    lines = QUESTIONS["answer-363-2023"].read_text(encoding="utf-8")
    question = tmp_path / "question.toml"
    question.write_text(lines.replace('figure = "pressers"', 'figure = "clicks"'))
    said = answer(question, release, HELPLINE, output=tmp_path)
    assert "answer-363-2023 drukte meer af" in said
    assert "Unieke bezoekers die op de knop drukten: 2022" in said


# States and marks


def test_a_pending_month_shows_its_mark_and_no_number(ask):
    found = ask(table(figure="missed_pressers"))
    assert found["T", "juli", "2022"] == "[volgt]"
    assert found["T", "juni", "2022"] == "291"


def test_pending_confidential_zero_and_nothing_look_different(ask):
    lines = table(figure="referrals", rows="categories", breakdown="referred_by")
    assert ask(lines)["T", "Niet in de codelijst", "2022"] == "[v]"
    lines = table(figure="callers", rows="categories", breakdown="gender",
                  categories=["unlisted"], below=["total"], years=[2022])  # fmt: skip
    assert ask(lines)["T", "Niet in de codelijst", "2022"] == "0"
    lines = table(figures=["clicks_per_conversation", "clicks"], figure=None, below=["mean"])
    assert ask(lines)["T", "Gemiddeld per maand", "Kliks per gesprek"] == "–"


def test_the_meaning_of_each_mark_stands_in_the_annex_and_gaps_are_told(made):
    path, said = made["answer-363-2023"]
    text = "\n".join(paragraph.text for paragraph in Document(str(path)).paragraphs)
    for part in (
        "[volgt]\N{NO-BREAK SPACE}nog niet beschikbaar: dagen van de periode ontbreken",
        "[v]\N{NO-BREAK SPACE}vertrouwelijk: een klein aantal personen",
        "[p]\N{NO-BREAK SPACE}voorlopig",
        "Breuk in de reeks [b]: openingsuren vanaf 16 maart 2020: 27 uur per week",
        "Logboek van de chatknop, 1 juli 2022 tot en met 31 augustus 2022",
        "Aantallen van 1 tot en met 4 personen die antwoord kregen",
        "Pogingen zonder bezoeker, die in geen aantal unieke bezoekers kunnen meetellen: 50 (2020)",
    ):
        assert part in text
    assert "Unieke gemiste bezoekers binnen de openingsuren: juli 2022, augustus 2022" in said
    assert "Vertrouwelijk" in said and "Doorverwijzingen: Niet in de codelijst (2022), 2022" in said


def test_a_category_outside_every_list_is_left_out_while_it_is_zero(ask):
    lines = table(figure="callers", rows="categories", breakdown="gender")
    assert ("T", "Niet in de codelijst", "2022") not in ask(lines)
    assert ("T", "Niet in de codelijst", "2021") in ask(lines.replace("2022", "2021"))


# Periods that no document has used


def test_months_on_end_that_nobody_published_are_added_up(ask):
    found = ask(
        table(years=None, periods=["2020-09/2021-06", "2021-09/2022-06"],
              below=["total", "change", "mean"])
    )  # fmt: skip
    column = "september 2021 t.e.m. juni 2022"
    assert found["T", "september", column] == "86"
    assert found["T", "Totaal", "september 2020 t.e.m. juni 2021"] == "789"
    assert found["T", "Totaal", column] == "946"
    change = "Verandering tegenover het jaar voordien"
    assert found["T", change, column] == f"20{annexes.SPACE}%"
    assert found["T", change, "september 2020 t.e.m. juni 2021"] == "–"
    assert found["T", "Gemiddeld per maand", column] == "94,6"


def test_a_sum_over_a_hidden_month_is_hidden(ask):
    lines = table(figure="answered_sessions", rows="periods", years=None,
                  periods=["2022-01/2022-03", "2022-03/2022-05"])  # fmt: skip
    found = ask(lines)
    assert found["T", "januari 2022 t.e.m. maart 2022", "Beantwoorde sessies"] == "[v]"
    assert found["T", "maart 2022 t.e.m. mei 2022", "Beantwoorde sessies"] == "150"


def test_a_distinct_count_over_months_on_end_is_refused(ask):
    said = refused(ask, table(figure="pressers", rows="figures", years=None,
                              periods=["2021-01/2021-03"]))  # fmt: skip
    assert "question.toml:7: table 1: pressers does not add up over months" in said
    said = refused(ask, table(figure="pressers", years=None, periods=["2021-01/2021-03"],
                              below=["total"]))  # fmt: skip
    assert "pressers does not add up over months" in said and 'leave "total" out' in said


def test_a_mean_is_rounded_once_from_its_sum(release):
    source = Source.read(release)
    assert source.whole_mean(Cell("new_callers_per_month", RANGE)).number == 38
    assert source.whole_mean(Cell("conversations_per_month", RANGE)).number == 77
    # Its sum does not explain it: it keeps its decimals.
    kept = source.whole_mean(Cell("conversations_per_month", "2021"))
    assert (kept.number, kept.decimals) == (Decimal("50.0"), 1)


# Internal


def test_an_internal_annex_says_so_on_every_page_and_in_its_name(release, tmp_path):
    said = answer(QUESTIONS["answer-363-2023"], release, HELPLINE, True, tmp_path / "annex.docx")
    path = tmp_path / "annex-intern.docx"
    assert str(path) in said and not (tmp_path / "annex.docx").exists()
    [section] = Document(str(path)).sections
    for part in (section.header, section.footer):
        [warning] = [one for one in part.paragraphs if one.style.name == "Internal"]
        assert warning.text == "INTERN – niet voor publicatie"
        assert str(warning.style.font.color.rgb) == "B00020"
    assert not section.different_first_page_header_footer
    assert "In het openbaar verborgen, en hier getoond: Doorverwijzingen" in said


def test_a_public_annex_says_nothing_of_the_kind(made):
    with zipfile.ZipFile(made["answer-363-2023"][0]) as package:
        text = b"".join(package.read(name) for name in package.namelist())
    assert b"INTERN \xe2\x80\x93" not in text


def test_an_internal_annex_marks_what_public_hides(ask):
    lines = table(figure="referrals", rows="categories", breakdown="referred_by", below=["total"])
    found = ask(lines, is_internal=True)
    assert found["T", "Niet in de codelijst", "2022"] == f"3{annexes.SPACE}[v]"
    assert found["T", "Tele-Onthaal", "2022"] == "4"
    months = ask(table(figure="missed_pressers"), is_internal=True)
    assert months["T", "juli", "2022"].split(annexes.SPACE) == ["58", "[p]", "[i]"]


def test_weeks_and_who_scheduled_are_internal(ask):
    week = table(rows="periods", years=None, periods=["2022-W09"])
    who = table(figure="scheduled_conversations", rows="categories", breakdown="scheduled_by")
    assert ask(week, is_internal=True)["T", "2022-W09", "Gesprekken"].endswith("[i]")
    assert ask(who, is_internal=True)["T", "Awel", "2022"].endswith("[i]")
    said = refused(ask, week)
    assert "given by month (2022-03), year (2022) only, not of 2022-W09; --internal" in said
    assert "scheduled_conversations is not public; --internal" in refused(ask, who)


def test_nothing_public_yet_is_said_with_the_way_out(tmp_path, release):
    empty = tmp_path / "empty"
    (empty / "public").mkdir(parents=True)
    with pytest.raises(Problem, match="no month has closed"):
        Source.read(empty)
    with pytest.raises(Problem, match="There is no release in"):
        Source.read(tmp_path / "none")


# The file


def test_the_same_question_and_release_give_the_same_bytes(made, release, tmp_path):
    first, again = made["answer-363-2023"][0], tmp_path / "again.docx"
    answer(QUESTIONS["answer-363-2023"], release, HELPLINE, output=again)
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(again) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_an_annex_is_replaced_and_one_that_somebody_worked_on_is_not(release, tmp_path):
    path, question = tmp_path / "annex.docx", QUESTIONS["answer-189-2020"]
    assert "in de plaats" not in answer(question, release, HELPLINE, output=path)
    assert "in de plaats van de bijlage" in answer(question, release, HELPLINE, output=path)
    edited = Document(str(path))
    edited.add_paragraph("Toegevoegd door de minister.")
    edited.save(str(path))
    before = path.read_bytes()
    with pytest.raises(Problem, match="is not as this command writes it"):
        answer(question, release, HELPLINE, output=path)
    assert path.read_bytes() == before
    path.write_text("no document")
    with pytest.raises(Problem, match="is not as this command writes it"):
        answer(question, release, HELPLINE, output=path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["annex.docx"]


def test_tables_have_headings_that_repeat_rows_that_stay_whole_and_descriptions(made):
    path, _ = made["answer-363-2023"]
    document = Document(str(path))
    assert len(document.tables) == 12
    for one in document.tables:
        rows = one._tbl.tr_lst
        assert rows[0].find(f".//{qn('w:tblHeader')}") is not None
        assert all(row.find(f".//{qn('w:cantSplit')}") is not None for row in rows)
        assert one._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))
    [description] = document.tables[0]._tbl.tblPr.findall(qn("w:tblDescription"))
    assert "Kolommen: 2020, 2021, 2022." in description.get(qn("w:val"))


def test_the_document_says_its_title_language_release_and_pages(made):
    path, _ = made["answer-363-2023"]
    document = Document(str(path))
    properties = document.core_properties
    assert properties.title.startswith("Bijlage bij het antwoord op vraag nr.")
    assert properties.language == "nl-BE"
    assert properties.created.date() == properties.modified.date() == date(2022, 12, 31)
    assert document.styles.element.find(f".//{qn('w:lang')}").get(qn("w:val")) == "nl-BE"
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    foot = section.footer.paragraphs[0]
    assert "release 0123456789abcdef · cijfers tot en met december 2022" in foot.text
    codes = [one.text.strip() for one in foot._p.iter(qn("w:instrText"))]
    assert codes == ["PAGE", "NUMPAGES"]
    styles = [paragraph.style.name for paragraph in document.paragraphs]
    assert {"Title", "Heading 1", "Heading 2", "Caption"} <= set(styles)


def test_there_are_no_macros_and_no_links_to_elsewhere(made):
    path, _ = made["answer-363-2023"]
    with zipfile.ZipFile(path) as package:
        names = package.namelist()
        relations = [package.read(name) for name in names if name.endswith(".rels")]
    assert not any("vba" in name.lower() or "thumbnail" in name for name in names)
    assert not any(b"External" in relation for relation in relations)


def test_what_looks_like_markup_or_a_formula_stands_as_it_is_written(ask, tmp_path):
    note = "=HYPERLINK(1) <w:t>&amp; {x}"
    ask(table(notes=[note]))
    texts = [paragraph.text for paragraph in Document(str(tmp_path / "annex.docx")).paragraphs]
    assert f"{note}." in texts


def test_a_title_without_end_is_shortened_in_the_properties_alone(ask, tmp_path):
    lines = table().replace('"Proef"', '"' + "lang " * 80 + '"', 1)
    ask(lines)
    document = Document(str(tmp_path / "annex.docx"))
    assert document.core_properties.title.endswith("…")
    assert any(one.text == ("lang " * 80).strip() for one in document.paragraphs)


def test_an_annex_in_english_has_english_labels_and_numbers(ask):
    lines = table(figure="conversations", below=["total"], title="C")
    found = ask('language = "en"\n' + lines)
    assert found["C", "July", "2022"] == "39"
    assert found["C", "Total", "2022"] == "1,074"


def test_words_have_the_same_keys_in_both_languages():
    content = tomllib.loads((ROOT / "publish" / "answer" / "words.toml").read_text("utf-8"))

    def keys(group: dict) -> set[str]:
        inner = {f"{key}.{one}" for key, value in group.items() if isinstance(value, dict)
                 for one in value}  # fmt: skip
        return set(group) | inner

    assert keys(content["nl"]) == keys(content["en"])


# Mistakes


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (table(figure="conversation"), ":5: table 1: 'conversation' is no figure; did you mean"),
        (table(figure="gesprekken"), "'gesprekken' is no figure; did you mean conversations?"),
        (table(figure="excluded_events"), "excluded_events is not public; --internal"),
        (table(rows="month"), ":6: table 1: rows 'month': did you mean months?"),
        (table(years=[2019]), ":7: table 1: conversations has no row for 2019"),
        (table(years=[2023]), "public figures go through 2022-12"),
        (table(years=["2022-03"]), "'2022-03' is no year; write periods"),
        (table(years=None, periods=["maart"]), "'maart' is no period; write a year as 2022"),
        (table(years=[2022, 2022]), "years has 2022 twice"),
        (table(years=None), ":3: table 1: years is missing; write years = [2021, 2022]"),
        (table(periods=["2021"]), "write years or periods, not both"),
        (table(breakdown="gender"), "conversations is not given by 'gender'; there are weekday"),
        (table(breakdown="weekday"), "given by year (2022) only, not by month"),
        (table(figure="callers_share_percent"), 'no total; write breakdown = "age_band" or'),
        (
            table(figure="callers", rows="categories", breakdown="gender", categories=["girls"]),
            ":9: table 1: callers by gender has no category 'girls'; did you mean girl?",
        ),
        (table(below=["sum"]), "below 'sum': there are total, change, mean"),
        (table(below=["total"], rows="figures"), "below goes with rows"),
        (table(figure="pressers", below=["mean"]), "below 'mean': there is none of pressers"),
        (table(rounded_means=["conversations"]), "the table has no mean of it"),
        (table(note="x"), ":8: table 1: note is no key here; did you mean notes?"),
        (table(figure=None, figures=["conversations"] * 9), "has 9 columns of figures"),
        (
            table(years=None, periods=["2022", "2021-01/2021-03"]),
            "the periods have other months",
        ),
        (table(rows="categories"), "breakdown is missing"),
        (table(title=3, figure=5), "figure has to hold names"),
        (table(notes=["\u0007"]), "has a character that cannot be printed"),
        ('language = "fr"\n' + table(), "language 'fr' has no words"),
        ('documnt = "x"\n' + table(), ":1: documnt is no key here; did you mean document?"),
        ('document = "answer-363-2022"\n' + table(), "did you mean answer-363-2023"),
        ('title = "x"\n', "asks for no table"),
        ('title = "x"\ntables = 3\n', ":2: tables have to be written as [[tables]]"),
        ('title = “x”\n', ":1: is not TOML (Invalid value): it has typographic quotation marks"),
        ('title = "x"\n[[tables]]\nperiods = [2022-03]\n', ":3: is not TOML"),
        ('title = "x"\ntitle = "y"\n', ":2: is not TOML (Cannot overwrite a value): a key stands"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_file_line_and_remedy(lines, said, ask, tmp_path):
    found = refused(ask, lines)
    assert said in found
    assert str(tmp_path / "question.toml") in found
    assert not (tmp_path / "annex.docx").exists()


def test_all_mistakes_are_said_at_once(ask):
    said = refused(
        ask, table(figure="click", years=[2019]) + table(figure="chats").partition("\n")[2]
    )
    assert "has 2 mistakes" in said and "table 1" in said and "table 2" in said


def test_what_is_wrong_with_the_paths_is_said(release, tmp_path):
    question = QUESTIONS["answer-363-2023"]
    for path, output, said in (
        (tmp_path / "none.toml", None, "There is no file"),
        (question, tmp_path / "annex.odt", "an annex is a .docx file"),
        (question, tmp_path / "none" / "annex.docx", "There is no folder"),
    ):
        with pytest.raises(Problem, match=said):
            answer(path, release, HELPLINE, output=output)


def test_the_command_writes_here_and_says_where(release, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    question = str(QUESTIONS["answer-363-2023"])
    options = ["--release", str(release), "--helpline", str(HELPLINE)]
    assert main(["answer", question, *options]) == 0
    assert f"Geschreven: {tmp_path / '363-2023.docx'}" in capsys.readouterr().out
    assert main(["answer", question, *options, "--internal"]) == 0
    assert (tmp_path / "363-2023-intern.docx").exists()
    assert main(["answer", "none.toml", *options]) == 1
    assert "There is no file none.toml" in capsys.readouterr().err


def test_the_figures_of_an_annex_go_into_the_ledger_as_they_are_printed(release, tmp_path, made):
    helpline = shutil.copytree(HELPLINE, tmp_path / "helpline")
    question, table = QUESTIONS["answer-363-2023"], tmp_path / "table.csv"
    answer(question, release, HELPLINE, output=tmp_path, table=table)
    lines = table.read_text(encoding="utf-8").splitlines()
    assert "conversations,2022,,,1074,1074" in lines
    assert "out_of_hours_attempts,2022,,,10166,10.166" in lines
    assert "callers_share_percent,2022,gender,girl,81,81 %" in lines
    assert "missed_pressers,2022-07,,,,[volgt]" in lines
    assert not any(line.startswith("referrals,2022,referred_by,unlisted") for line in lines)
    data = tmp_path / "data"
    (data / "published").mkdir(parents=True)
    (data / "published" / "latest").symlink_to(release)
    options = ("--document", "answer-9", "--published-on", "2023-05-01", "--data", str(data))
    assert main(["record", str(table), *options, "--helpline", str(helpline)]) == 0
    with pytest.raises(Problem, match="exists already"):
        answer(question, release, HELPLINE, output=tmp_path, table=table)
    with pytest.raises(Problem, match="an internal annex is not for print"):
        answer(question, release, HELPLINE, True, tmp_path, tmp_path / "other.csv")
    assert not (tmp_path / "other.csv").exists()


def test_the_example_of_the_documentation_works(ask):
    text = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    found = ask(text.partition("```toml\n")[2].partition("```")[0])
    assert found["Gesprekken per maand", "Totaal", "2022"] == "1074"
    share = found["Oproepers volgens geslacht", "Meisje/vrouw", "Aandeel van de unieke oproepers"]
    assert share == f"81{annexes.SPACE}%"


def test_an_office_suite_opens_it(release, tmp_path):
    office, to_text = (shutil.which(name) for name in ("soffice", "pdftotext"))
    if not (office and to_text):
        why = "no LibreOffice (soffice) and pdftotext on this machine to open the annex with"
        if os.environ.get("CHATCIJFERS_NEEDS_OFFICE") == "1":
            pytest.fail(why)
        pytest.skip(why)
    answer(QUESTIONS["answer-363-2023"], release, HELPLINE, True, tmp_path / "annex.docx")
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    subprocess.run(
        [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path),
         str(tmp_path / "annex-intern.docx")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    done = subprocess.run(
        [to_text, "-layout", str(tmp_path / "annex-intern.pdf"), "-"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    pages = done.stdout.rstrip("\f").split("\f")
    assert any("10.166" in page for page in pages)
    assert all(page.count("INTERN – niet voor publicatie") >= 2 for page in pages)
    assert f"Pagina 2 van {len(pages)}" in pages[1].replace("\N{NO-BREAK SPACE}", " ")
