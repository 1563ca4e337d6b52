"""What the page on data quality says of months: which are provisional, why, and what is lost."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from publish.site.quality import TEXTS, write_quality
from publish.words import Words
from tests.lacking import Warehouse, lost, month_of

CODES = [
    *("lost_lines", "unreadable_file", "quarantined_delivery", "declared_gap", "empty_month"),
    *("not_covered", "not_settled"),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "data")


def page_of(warehouse: Warehouse, folder: Path, language: str = "nl") -> str:
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        write_quality(connection, folder, language, {}, folder / "none")
    return (folder / "index.html").read_text(encoding="utf-8")


def rows_of(page: str) -> list[list[str]]:
    """The cells of the table of months."""
    table = page.partition('id="months"')[2].partition("</table>")[0]
    return [
        re.findall(r"<td[^>]*>(.*?)</td>", row)
        for row in re.findall(r"<tr>(.*?)</tr>", table)
        if "<td" in row
    ]


def test_months_of_which_the_same_is_told_are_one_row(warehouse, tmp_path):
    warehouse.model(
        months=[
            month_of("button", "2021-12"),
            month_of("button", "2022-01", 900, 9),
            month_of("chat", "2021-12", 600, 4),
            month_of("chat", "2022-01", 600, 140, because="lost_lines unreadable_file"),
            month_of("chat", "2022-02", 600, 142, because="lost_lines unreadable_file"),
            month_of("chat", "2022-03", 600, 0, 32, because="not_settled"),
        ]
    )
    assert rows_of(page_of(warehouse, tmp_path / "nl")) == [
        ["knop", "december 2021 t.e.m. januari 2022", "definitief", "minder dan 10"],
        ["chat", "december 2021", "definitief", "minder dan 10"],
        [
            "chat",
            "januari 2022 t.e.m. februari 2022",
            "voorlopig: er zijn meer regels verloren dan geduld wordt; een bestand was niet te "
            "lezen, en kan over deze dagen gaan",
            "ongeveer 140",
        ],
        [
            "chat",
            "maart 2022",
            "voorlopig: er kunnen nog late leveringen komen",
            "minder dan 10; aanvaard door de hulplijn: ongeveer 30",
        ],
    ]


def test_it_says_the_same_in_english(warehouse, tmp_path):
    warehouse.model(months=[month_of("button", "2022-03", 0, because="empty_month")])
    assert rows_of(page_of(warehouse, tmp_path / "en", "en")) == [
        [
            "button",
            "March 2022",
            "provisional: the log is said to be whole, and holds nothing",
            "fewer than 10",
        ]
    ]


@pytest.mark.parametrize(("before", "after"), [(0, 9), (141, 144)])
def test_one_nights_lost_lines_change_no_byte(tmp_path, before, after):
    pages = []
    for lines in (before, after):
        warehouse = Warehouse(tmp_path / str(lines))
        warehouse.model(
            [lost("2022-02", lines)] if lines else [], [month_of("chat", "2022-02", 600, lines)]
        )
        pages.append(page_of(warehouse, tmp_path / f"page-{lines}"))
    assert pages[0] == pages[1]


def test_a_warehouse_that_does_not_know_has_no_such_table(warehouse, tmp_path):
    assert 'id="months"' not in page_of(warehouse, tmp_path / "page")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_reason_and_every_status_has_words(language):
    words = Words(language, None, TEXTS)
    assert list(words.group("because")) == CODES
    assert list(words.group("standings")) == ["A", "P", "O"]
    assert list(words.group("logs")) == ["button", "chat"]
