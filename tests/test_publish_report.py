"""The report: what a reader finds in it, and what nothing in the figures can do to it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from lxml import html as parser

from publish import charts, sections
from publish.disclosure.cells import Cell
from publish.public import Gap, Public, Revision, State, Value
from publish.report.build import HERE, render_report, write_report
from publish.report.charts import BARS, MONTHS, WEEKS, Charts
from publish.words import Words
from tests.browser import NARROW, WIDE, open_browser, visit
from tests.publics import make, parliament, year_of

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>x",
    "=1+1",
    '=HYPERLINK("https://evil.example")',
    "\u202egnorts\u2066",
    "https://evil.example/",
    "{{ 7*7 }}",
    "**vet** _schuin_ `code`",
    "']; datum.x = 1; ['",
    "&lt;b&gt;",
)
# The width of a page without its margins, in pixels of 1/96 inch.
A4 = (680, 970)


@pytest.fixture(scope="module")
def public() -> Public:
    return parliament()


@pytest.fixture(scope="module")
def text(public) -> str:
    return render_report(public)


@pytest.fixture(scope="module")
def page(text) -> parser.HtmlElement:
    return parser.document_fromstring(text)


def said(element: parser.HtmlElement) -> str:
    """What a reader sees of an element, with single spaces."""
    return plain(element.text_content())


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def rows(page: parser.HtmlElement, name: str) -> dict[str, list[str]]:
    """The lines of a table by their label."""
    [section] = page.xpath(f"//section[@aria-labelledby='{name}']")
    return {
        said(row.find("th")): [said(cell) for cell in row.iter("td")]
        for row in section.iterdescendants("tr")
        if row.find("td") is not None
    }


def blocks(page: parser.HtmlElement) -> list[parser.HtmlElement]:
    return page.xpath("//section[@class='block']")


# What a reader of the second parliamentary answer asks, and finds here alone.


def test_question_1_the_conversations_by_month_and_their_growth(page):
    keys = said(page.xpath("//ul[@class='keys']")[0])
    assert "1.074 gesprekken" in keys and "16 % meer dan in 2021" in keys
    table = rows(page, "conversations_by_month")
    assert table["januari"] == ["60", "62", "91"]
    assert table["Totaal"] == ["914", "923", "1.074"]
    assert table["Verandering tegenover het jaar voordien (%)"][2] == "16"


def test_question_3_who_pressed_the_button(page):
    keys = said(page.xpath("//ul[@class='keys']")[0])
    assert "7.038 [p] unieke bezoekers drukten op de chatknop" in keys
    assert rows(page, "pressers_by_month")["Jaar, elk één keer"][-1] == "7.038 [p]"


def test_question_4_the_callers_and_the_new_ones_by_month(page):
    keys = said(page.xpath("//ul[@class='keys']")[0])
    assert "747 unieke oproepers" in keys and "688 via chat, 59 enkel via mail" in keys
    assert rows(page, "callers_by_channel")["Unieke oproepers"][-1] == "747"
    assert rows(page, "new_callers_by_month")["juni"] == ["36", "54", "81"]
    assert rows(page, "new_callers_by_month")["Totaal"] == ["448", "574", "688"]


def test_question_6_the_missed_ones_by_month_with_two_months_to_follow(page):
    table = rows(page, "missed_pressers_by_month")
    of_2022 = {month: cells[-1] for month, cells in table.items()}
    assert [of_2022["juli"], of_2022["augustus"]] == ["[volgt]", "[volgt]"]
    assert [of_2022["maart"], of_2022["december"]] == ["539", "197"]
    assert table["Jaar, elk één keer"] == ["2.380", "1.618", "2.608 [p]"]
    [block] = page.xpath("//section[@aria-labelledby='missed_pressers_by_month']")
    assert "[volgt]" in said(block.xpath(".//div[@class='notes']")[0])
    assert "juli, augustus [volgt]" in said(block.find(".//figcaption"))


def test_question_7_the_day_with_most_conversations(page):
    keys = said(page.xpath("//ul[@class='keys']")[0])
    assert "Woensdag (32 %) dag met de meeste gesprekken" in keys
    [heat] = page.xpath("//section[@aria-labelledby='attempts_by_hour_of_week']//figcaption")
    assert "Het hoogst: zondag 23–24 u. (161)" in said(heat)


@pytest.mark.parametrize(
    ("hidden", "most"),
    [("3", ""), ("7", "Dinsdag (25 %)")],
    ids=["could be more", "is less for sure"],
)
def test_no_day_is_called_the_busiest_that_a_hidden_one_could_exceed(hidden, most):
    days = {"1": 199, "2": 204, "3": 150, "4": 192, "5": 72, "6": 0, "7": 12}
    shown = {day: State.CONFIDENTIAL if day == hidden else count for day, count in days.items()}
    total = sum(days.values()) + (100 if hidden == "3" else 0)
    figures = make(
        {("conversations", "2022"): total, ("conversations", "2022-12"): 5}
        | {("conversations", "2022", "weekday", day): count for day, count in shown.items()}
        | {("conversations_share_percent", "2022", "weekday", day): 25 for day in shown}
    )
    page = parser.fromstring(render_report(figures))
    keys = said(page.xpath("//ul[@class='keys']")[0])
    assert (f"{most} dag met de meeste gesprekken" in keys) is bool(most)
    assert ("dag met de meeste" in keys) is bool(most)


def test_a_caption_says_that_its_highest_is_that_of_the_months_shown(page):
    [block] = page.xpath("//section[@aria-labelledby='missed_pressers_by_month']")
    assert "Van de maanden van 2022 met een getal: het hoogst maart" in said(
        block.find(".//figcaption")
    )


def test_the_top_says_through_which_day_the_figures_go(page):
    assert said(page.xpath("//p[@class='through']")[0]) == "Cijfers tot en met 31 december 2022"
    assert page.get("lang") == "nl"


def test_every_key_figure_leads_to_the_table_that_holds_it(page):
    ids = set(page.xpath("//@id"))
    targets = [href[1:] for href in page.xpath("//a/@href") if href.startswith("#")]
    assert len(targets) > 15
    assert set(targets) <= ids


# What every table and every chart needs.


def test_every_table_has_its_unit_its_headings_and_its_marks_explained(page):
    for block in blocks(page):
        assert re.search(r"\bIn \S|eenheid", said(block.xpath(".//p[@class='subtitle']")[0]))
        [table] = block.iterdescendants("table")
        assert all(head.get("scope") for head in table.iter("th"))
        assert table.find("caption").text == said(block.find("h3"))
        shown = {mark for cell in table.iter("td") for mark in re.findall(r"\[\S+\]", said(cell))}
        explained = set(block.xpath(".//div[@class='notes']//b/text()"))
        assert shown == explained, block.get("aria-labelledby")


def test_every_chart_says_what_it_shows_and_its_numbers_stand_beside_it(page):
    drawn = [block for block in blocks(page) if block.find("figure") is not None]
    names = {block.get("aria-labelledby") for block in drawn}
    known = {block.get("aria-labelledby") for block in blocks(page)}
    # Of these only the year was printed.
    assert names == (MONTHS | BARS | WEEKS) & known - {"pressers_by_month", "out_of_hours_by_month"}
    assert len(names) > 8
    for block in drawn:
        [wide, narrow] = block.find("figure").iter("svg")
        assert wide.get("role") == narrow.get("role") == "img"
        assert wide.get("aria-label") == narrow.get("aria-label")
        assert said(block.find("figure/figcaption/p")) in plain(wide.get("aria-label"))
        assert re.search(r"\d", wide.get("aria-label"))
        assert (wide.get("width"), narrow.get("width")) == ("720", "340")
        assert next(block.iterdescendants("td")) is not None


def test_ids_are_unique_and_headings_leave_no_level_out(page):
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    levels = [int(head.tag[1]) for head in page.iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_asks_no_other_host_and_runs_nothing(text, page):
    assert "http:" not in text and "https:" not in text
    assert not page.xpath("//script | //link | //img | //iframe | //form | //object")
    assert not [
        name for name in page.xpath("//@*/..") if any(k.startswith("on") for k in name.attrib)
    ]
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(page.xpath("//a/@href[not(starts-with(., '#'))]")) == {
        "../figures.xlsx", "../figures.csv", "../datapackage.json"
    }  # fmt: skip


def test_every_figure_shown_is_defined_at_the_end(page, public):
    defined = {said(term) for term in page.xpath("//dl[@class='definitions']/dt")}
    words = Words("nl", public, sections.TEXTS)
    for section in sections.sections(public, words):
        for table in section.tables:
            assert {words.figure(one) for one in table.figures} <= defined


def test_pending_confidential_missing_provisional_and_zero_differ_in_more_than_colour():
    states = [State.PENDING, State.CONFIDENTIAL, State.MISSING, (State.PROVISIONAL, 7), 0, 8]
    page = parser.document_fromstring(render_report(make(year_of("clicks", "2022", states))))
    cells = page.xpath("//section[@aria-labelledby='clicks_by_month']//td")[:7]
    shown = [(cell.get("class").split()[1], said(cell)) for cell in cells]
    assert shown == [
        ("pending", "[volgt]"), ("confidential", "[v]"), ("missing", "[x]"),
        ("provisional", "7 [p]"), ("final", "0"), ("final", "8"), ("absent", ""),
    ]  # fmt: skip


# The same figures give the same page, soon.


def small() -> Public:
    values = {("clicks", "2022", "weekday", str(day)): day for day in range(1, 8)}
    return make(values | year_of("clicks", "2022", range(12)) | {("clicks", "2022"): 66})


def test_the_same_figures_give_the_same_bytes_in_another_process(tmp_path):
    code = (
        "import sys; from tests.test_publish_report import small; "
        "from publish.report.build import render_report; "
        "sys.stdout.buffer.write(render_report(small()).encode())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE.parents[1], capture_output=True, check=True,
        env={"PYTHONHASHSEED": "7", "PATH": "", "TZ": "Asia/Tokyo"},
    ).stdout  # fmt: skip
    write_report(small(), tmp_path)
    assert (tmp_path / "index.html").read_bytes() == other


def test_both_languages_say_the_same():
    texts = tomllib.loads((HERE / "words.toml").read_text(encoding="utf-8"))
    assert texts["nl"].keys() == texts["en"].keys()
    for key, of_nl in texts["nl"].items():
        of_en = texts["en"][key]
        if isinstance(of_nl, dict):
            assert of_nl.keys() == of_en.keys()
        else:
            assert set(re.findall(r"{\w+}", of_nl)) == set(re.findall(r"{\w+}", of_en)), key


# Other helplines, and other times.


def test_with_one_month_closed_there_is_a_page_of_that_month():
    text = render_report(make({("conversations", "2020-01"): 12}, closed_through="2020-01"))
    page = parser.document_fromstring(text)
    assert "Cijfers tot en met 31 januari 2020" in text
    assert "nog geen kalenderjaar afgesloten" in text
    assert not page.xpath("//ul[@class='keys']")
    assert rows(page, "conversations_by_month")["januari"] == ["12"]
    assert rows(page, "conversations_by_month")["februari"] == [""]


def test_an_english_helpline_gets_english_words_and_numbers():
    values = year_of("clicks", "2022", range(1000, 1012)) | {("clicks", "2022"): 12066}
    text = render_report(make(values, language="en", helpline="Someone"))
    page = parser.document_fromstring(text)
    assert page.get("lang") == "en"
    assert "Figures through 31 December 2022" in text.replace(
        "December 31, 2022", "31 December 2022"
    )
    assert rows(page, "clicks_by_month")["Total"] == ["12,066"]
    assert ">1,011<" in text and "Jaar" not in text and "Hoogst" not in text


def test_a_helpline_in_another_language_is_written_about_in_english_and_keeps_its_own_reasons():
    gap = Gap("button", date(2022, 7, 1), date(2022, 7, 3), "serveur en panne")
    page = parser.document_fromstring(
        render_report(make({("clicks", "2022-01"): 5}, language="fr", gaps=(gap,)))
    )
    assert page.get("lang") == "en"
    assert [said(one) for one in page.xpath("//span[@lang='fr']")] == ["serveur en panne"]


def test_a_year_with_everything_to_follow_has_marks_and_no_empty_chart():
    values = year_of("clicks", "2022", [State.PENDING] * 12) | {("clicks", "2022"): State.PENDING}
    page = parser.document_fromstring(render_report(make(values)))
    assert {cells[0] for cells in rows(page, "clicks_by_month").values()} == {"[volgt]"}
    assert not page.xpath("//figure")


def test_a_last_year_to_follow_is_framed_and_said_beside_the_year_before():
    values = year_of("clicks", "2021", range(12)) | year_of("clicks", "2022", [State.PENDING] * 12)
    page = parser.document_fromstring(render_report(make(values)))
    [figure] = page.xpath("//figure")
    assert "Voor 2022 is er nog geen getal." in said(figure)
    assert said(figure.find("div")).count("[volgt]") == 12


def test_without_gaps_revisions_and_a_threshold_the_page_says_so():
    text = render_report(make({("clicks", "2022-01"): 5}, small_count_threshold=1))
    assert "Er zijn geen dagen bekend die ontbreken." in text
    assert "Geen enkel getoond cijfer is herzien." in text
    assert "Er is geen enkel aantal verborgen." in text and "van 1 t.e.m. 0" not in text


def test_a_revision_is_marked_and_its_reason_stands_at_the_end():
    cell = Cell("clicks", "2022-01")
    made = make(
        {("clicks", "2022-01"): 5}, revisions={cell: Revision(cell, "dubbel geteld", "2023-05-06")}
    )
    values = {cell: replace(made.values[cell], is_revised=True)}
    page = parser.document_fromstring(render_report(replace(made, values=values)))
    assert rows(page, "clicks_by_month")["januari"] == ["5 [h]"]
    assert "januari 2022 (beslist op 6 mei 2023): dubbel geteld" in said(page.find("body"))


def hostile(labels: tuple[str, ...]) -> str:
    values: dict = {("callers", "2022"): 100}
    for n, _ in enumerate(labels):
        for figure in ("callers", "topics_share_percent"):
            values[figure, "2022", "topic", f"code{n}"] = 5
    values |= year_of("clicks", "2022", range(12))
    cell = Cell("clicks", "2022-01")
    gap = Gap(labels[0], date(2022, 7, 1), date(2022, 7, 3), " ".join(labels))
    made = make(
        values,
        [("topic", f"code{n}", label) for n, label in enumerate(labels)],
        {cell: Revision(cell, " ".join(labels), "2023-05-06")},
        (gap,),
        helpline=labels[0],
    )
    numbers = {one: replace(v, break_reason=labels[1]) for one, v in made.values.items()}
    return render_report(replace(made, values=made.values | numbers))


def test_markup_formulas_and_signs_that_turn_text_change_nothing_in_the_structure():
    plain = parser.document_fromstring(
        hostile(tuple(f"{n:02}".ljust(len(one), "x") for n, one in enumerate(HOSTILE)))
    )
    text = hostile(HOSTILE)
    page = parser.document_fromstring(text)

    def structure(page):
        return [
            (element.tag, element.get("class"), element.get("id"))
            for element in page.iter()
            if not {"path", "g", "text", "line"} & {element.tag}
        ]

    assert structure(page) == structure(plain)
    assert not page.xpath("//script | //img")
    assert list(rows(page, "callers_by_topic"))[: len(HOSTILE)] == [
        re.sub(r"\s+", " ", label) for label in HOSTILE
    ]
    assert "49" not in said(page.xpath("//section[@aria-labelledby='callers_by_topic']//table")[0])


# The charts.


@pytest.fixture(scope="module")
def words(public) -> Words:
    return Words("nl", public, sections.TEXTS, HERE / "words.toml")


def value(number: object, state: State = State.FINAL) -> Value:
    return Value(state, None if number is None else Decimal(str(number)))


def series(*numbers: object, label: str = "2022") -> charts.Series:
    """A series; None is a month to follow, a string a confidential one."""
    values = [
        Value(State.PENDING) if n is None
        else Value(State.CONFIDENTIAL) if isinstance(n, str) else value(n)
        for n in numbers
    ]  # fmt: skip
    return charts.Series(label, tuple(values))


def texts(drawn: str) -> list[str]:
    return [said(one) for one in parser.fromstring(drawn).iter("text")]


def main_line(drawn: str) -> str:
    [path] = parser.fromstring(drawn).xpath(
        f"//path[@stroke='{charts.COLOURS[0]}' and @stroke-width='3']/@d"
    ) or [""]
    return path


def test_a_month_to_follow_is_a_gap_with_its_mark_and_no_zero(words):
    paths = []
    for july in (30, None):
        numbers = [10, 20, 30, 40, 50, 60, july, 80, 90, 80, 70, 60]
        drawn = charts.svg(charts.by_month([series(*numbers)], words))
        paths.append(
            parser.fromstring(drawn).xpath(
                f"//path[@stroke='{charts.COLOURS[0]}'][@stroke-width='3']/@d"
            )
        )
    assert [len(one) for one in paths] == [1, 2]
    assert "[volgt]" in texts(drawn)
    assert re.search(r'stroke-dasharray="4,3"', drawn)


def test_a_confidential_month_looks_other_than_one_to_follow(words):
    numbers = [10, "", 30, None, 50, 60, 70, 80, 90, 80, 70, 60]
    drawn = charts.svg(charts.by_month([series(*numbers)], words))
    assert {"[v]", "[volgt]"} <= set(texts(drawn))
    assert drawn.count('stroke-dasharray="4,3"') == 1
    assert f'fill="{charts.GRID}"' in drawn


def test_numbers_and_months_are_written_in_the_language(words):
    numbers = [1541, *range(1000, 1011)]
    assert {"1.541", "jan", "mrt"} <= set(
        texts(charts.svg(charts.by_month([series(*numbers)], words)))
    )
    english = Words("en")
    drawn = charts.svg(charts.by_month([series(*numbers)], english))
    assert {"1,541", "Jan", "Mar"} <= set(texts(drawn))


def test_the_specification_of_every_kind_of_chart_is_valid_vega_lite(words):
    week = {(day, hour): float(day * hour) for day in range(1, 8) for hour in range(24)}
    rows = [charts.Bar("a", value(5), "5", value(3)), charts.Bar("b", Value(State.PENDING), "[x]")]
    for width in (charts.WIDE, charts.NARROW):
        charts.by_month([series(*range(12)), series(*range(11), None)], words, width).to_dict()
        charts.bars(rows, words, width).to_dict()
        charts.heatmap(week, {(1, 19): 1.0, (2, 3): 0.1}, words, "kliks", width).to_dict()


def test_the_hours_open_are_drawn_around_and_rare_ones_dotted(words):
    week = {(day, hour): 1.0 for day in range(1, 8) for hour in range(24)}
    drawn = charts.svg(
        charts.heatmap(week, {(1, 19): 1.0, (1, 20): 0.9, (5, 14): 0.02}, words, "u")
    )
    lines = parser.fromstring(drawn).xpath("//line")
    firm = [line for line in lines if line.get("stroke") == charts.OPEN]
    dotted = [line for line in lines if line.get("stroke-dasharray")]
    assert (len(firm), len(dotted)) == (6, 10)


def test_a_cell_without_a_number_differs_from_a_zero(words):
    week = {(day, hour): 0.0 for day in range(1, 8) for hour in range(24)} | {(1, 0): None}
    drawn = charts.svg(charts.heatmap(week, {}, words, "u", marks={(1, 0): "[v]"}))
    shown = texts(drawn)
    assert shown.count("[v]") == 1 and shown.count("0") >= 167


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_all_text_of_a_chart_contrasts_with_what_lies_under_it():
    for colour in (*charts.COLOURS, charts.INK, charts.SOFT):
        assert contrast(colour, charts.PAPER) >= 4.5
    assert contrast(charts.INK, charts.GRID) >= 4.5
    assert contrast(charts.OPEN, charts.PAPER) >= 3
    for n in range(101):
        fill = charts._mixed(n / 100)
        ink = charts.PAPER if charts._is_dark(fill) else "#000000"
        assert contrast(ink, fill) >= 4.5


def test_two_drawings_of_one_page_share_no_id(words, page):
    drawn = [str(one) for one in page.xpath("//svg//@id")]
    assert len(drawn) == len(set(drawn))
    chart = charts.by_month([series(*range(12))], words)
    assert charts.svg(chart) == charts.svg(chart)


def test_a_chart_without_a_single_number_is_not_drawn(words):
    public = make(year_of("clicks", "2022", [State.PENDING]))
    [section] = sections.sections(public, Words("nl", public, sections.TEXTS))
    assert Charts(public, words).draw(section.tables[0]) is None


# What only a browser can tell.

CUT = """
() => [...document.querySelectorAll("figure svg")].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  if (!box.width) return [];
  return [...svg.querySelectorAll("text")].filter(text => {
    const own = text.getBoundingClientRect();
    return own.width && (own.left < box.left - 0.5 || own.right > box.right + 0.5 ||
      own.top < box.top - 0.5 || own.bottom > box.bottom + 0.5);
  }).map(text => text.textContent);
})
"""
COVERED = """
() => [...document.querySelectorAll("figure svg")].flatMap(svg => {
  const texts = [...svg.querySelectorAll("text")].filter(one => one.textContent.trim());
  const boxes = texts.map(one => [one.textContent, one.getBoundingClientRect()])
    .filter(([, box]) => box.width);
  return boxes.flatMap(([a, one], n) => boxes.slice(n + 1).filter(([, other]) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 3 &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 6
  ).map(([b]) => a + " / " + b));
})
"""
# Figures of which not exactly one drawing shows.
SHOWN = """
() => [...document.querySelectorAll("figure")].filter(figure =>
  [...figure.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().width).length != 1
).map(figure => figure.parentElement.getAttribute("aria-labelledby"))
"""


@pytest.fixture(scope="module")
def address(text, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def test_in_a_browser_the_page_is_accessible_whole_and_asks_nobody(address):
    with open_browser() as browser:
        for size in (WIDE, NARROW):
            with visit(browser, size) as seen:
                seen.page.goto(address)
                assert seen.accessibility_violations() == []
                seen.page.evaluate(
                    "document.querySelectorAll('details').forEach(d => d.open = true)"
                )
                assert not seen.is_too_wide()
                assert seen.page.evaluate(CUT) == []
                assert seen.page.evaluate(COVERED) == []
                assert (seen.blocked, seen.complaints) == ([], [])
                assert seen.page.evaluate(SHOWN) == []


def test_on_paper_folded_tables_are_open_and_nothing_has_to_be_scrolled(address):
    with open_browser() as browser, visit(browser, A4) as seen:
        seen.page.emulate_media(media="print")
        seen.page.goto(address)
        hidden = seen.page.locator("table.figures:not(:visible)").count()
        assert (hidden, seen.page.locator("table.figures").count() > 15) == (0, True)
        wide = seen.page.evaluate(
            "[...document.querySelectorAll('.scroll')]"
            ".filter(one => one.scrollWidth > one.clientWidth + 1)"
            ".map(one => one.getAttribute('aria-label'))"
        )
        assert wide == []
        assert seen.page.locator(".narrow svg:visible").count() == 0
