"""Reads annexes back, and holds them against what the answered documents printed."""

from __future__ import annotations

import csv
from pathlib import Path

from docx import Document
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph

ROOT = Path(__file__).resolve().parent.parent
HELPLINE = ROOT / "helplines" / "nupraatikerover"
QUESTIONS = {
    "answer-189-2020": HELPLINE / "questions" / "189-2020.toml",
    "answer-363-2023": HELPLINE / "questions" / "363-2023.toml",
}
SPACE = "\N{NO-BREAK SPACE}"
MONTHS = (
    "januari", "februari", "maart", "april", "mei", "juni",
    "juli", "augustus", "september", "oktober", "november", "december",
)  # fmt: skip
RANGE = "2020-01/2020-10"
# What an annex shows in place of what was printed: the only cells that may differ.
EXCEPTIONS = {
    ("clicks_per_conversation", RANGE): ("4,8", "4,9", ["[h]"]),
    ("new_callers_per_month", RANGE): ("37", "38", ["[h]"]),
    ("missed_pressers", "2022-07"): ("***", "", ["[volgt]"]),
    ("missed_pressers", "2022-08"): ("***", "", ["[volgt]"]),
}
# Printed without a mark, though two of the year's months were still to be cleaned.
PROVISIONAL = {("pressers", "2022"), ("missed_pressers", "2022"), ("out_of_hours_attempts", "2022")}

CALLS, CLICKS = (
    "Gevoerde gesprekken en nieuwe oproepers",
    "Gevoerde gesprekken en kliks op de chatknop",
)
COLUMNS_OF_189 = {
    "conversations": "Aantal gevoerde gesprekken",
    "new_callers": "Aantal nieuwe oproepers (personen)",
    "clicks": "Kliks op chatknop",
    "clicks_per_conversation": "Aantal kliks per gesprek",
}
TITLES_OF_363 = {
    ("conversations", ""): "Aantal gesprekken per maand",
    ("conversations_change_percent", ""): "Aantal gesprekken per maand",
    ("referrals", "referred_by"): "Doorverwijzingen door andere hulplijnen",
    ("pressers", ""): "Unieke oproepers die op de chatknop drukten",
    ("callers", ""): "Beantwoorde oproepers, per kanaal",
    ("callers", "channel"): "Beantwoorde oproepers, per kanaal",
    ("new_callers", ""): "Aantal nieuwe chatoproepers",
    ("callers_share_percent", "gender"): "Geslacht van de oproepers",
    ("callers_share_percent", "age_band"): "Leeftijd van de oproepers",
    ("topics_share_percent", "topic"): "Meest gemelde problematieken",
    ("missed_pressers", ""): "Oproepers die binnen de openingsuren geen gesprek kregen",
    ("out_of_hours_attempts", ""): "Pogingen buiten de openingsuren",
    ("conversations_share_percent", "weekday"): "Gesprekken per weekdag",
}
ROWS_OF_YEARS = {
    "conversations": "Totaal",
    "new_callers": "Totaal",
    "conversations_change_percent": "Verandering tegenover het jaar voordien",
    "pressers": "Unieke bezoekers die op de knop drukten",
    "callers": "Unieke oproepers",
    "missed_pressers": "Jaar, elk één keer",
    "out_of_hours_attempts": "Pogingen buiten de openingsuren",
}
WEEKDAYS = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")

Place = tuple[str, str, str]


def read_tables(path: Path) -> dict[Place, str]:
    """Give the text of each cell of an annex, by the title of its table and its labels.

    Columns that stand in groups have the group before their label.
    """
    document = Document(str(path))
    found: dict[Place, str] = {}
    title = ""
    for element in document.element.body:
        if element.tag == qn("w:p"):
            paragraph = Paragraph(element, document)
            if paragraph.style.name == "Caption":
                title = paragraph.text.partition(". ")[2]
        elif element.tag == qn("w:tbl"):
            rows = [[cell.text for cell in row.cells] for row in Table(element, document).rows]
            heads = len(element.findall(f".//{qn('w:tblHeader')}"))
            columns = [
                " ".join(dict.fromkeys(labels)) for labels in zip(*rows[:heads], strict=True)
            ]
            for row in rows[heads:]:
                for column, text in zip(columns[1:], row[1:], strict=True):
                    found[title, row[0], column] = text
            title = ""
    return found


def printed_rows(document: str) -> list[dict[str, str]]:
    """Give what a document printed, from the helpline's ledger."""
    with (HELPLINE / "published.csv").open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [row for row in csv.DictReader(lines) if row["document"] == document]


def places_of(row: dict[str, str]) -> list[Place]:
    """Say in which cells of the document's annex a printed figure has to stand."""
    if row["document"] == "answer-189-2020":
        return list(_places_of_189(row["figure"], row["period"]))
    title = TITLES_OF_363[row["figure"], row["breakdown"]]
    year, _, month = row["period"].partition("-")
    if month:
        return [(title, MONTHS[int(month) - 1], year)]
    if row["figure"] == "conversations_share_percent":
        return [(title, WEEKDAYS[int(row["category"]) - 1], "Aandeel van de gesprekken")]
    if row["category"]:
        label = _label(row["breakdown"], row["category"])
        return [
            (title, f"Unieke oproepers: {label}" if row["figure"] == "callers" else label, year)
        ]
    return [(title, ROWS_OF_YEARS[row["figure"]], year)]


def _places_of_189(figure: str, period: str) -> list[Place]:
    counted = figure.removesuffix("_per_month")
    if counted != figure:
        label = "Gemiddeld per maand"
    else:
        label = "Totaal" if period == RANGE else MONTHS[int(period[5:]) - 1]
    titles = {"conversations": [CALLS, CLICKS], "new_callers": [CALLS]}.get(counted, [CLICKS])
    return [(title, label, COLUMNS_OF_189[counted]) for title in titles]


def _label(breakdown: str, code: str) -> str:
    with (HELPLINE / "codes.csv").open(encoding="utf-8", newline="") as file:
        labels = {(row["breakdown"], row["code"]): row["label_nl"] for row in csv.DictReader(file)}
    return labels[breakdown, code]


def split(text: str) -> tuple[str, list[str]]:
    """Split the text of a cell into its value and its marks."""
    parts = text.split(SPACE)
    marks = [part for part in parts if part.startswith("[")]
    return SPACE.join(part for part in parts if part not in marks), marks


def differences(path: Path, document: str) -> list[str]:
    """List the printed figures that an annex does not show as they were printed, or with its mark.

    No other cells than `EXCEPTIONS` may differ, and these have to.
    """
    cells = read_tables(path)
    wrong = []
    for row in printed_rows(document):
        key, printed = (row["figure"], row["period"]), row["as_printed"].replace("%", f"{SPACE}%")
        for place in places_of(row):
            value, marks = split(cells.get(place, "missing"))
            if key in EXCEPTIONS and not row["category"]:
                was_printed, *wanted = EXCEPTIONS[key]
                is_right = printed == was_printed and [value, marks] == wanted
            else:
                rest = [mark for mark in marks if mark != "[b]"]
                is_right = value == printed and rest == (["[p]"] if key in PROVISIONAL else [])
            if not is_right:
                wrong.append(f"{place}: printed {printed}, shown {value} {marks}")
    return wrong
