"""The sheet with all figures, for those who filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gptables import GPWorkbook
from gptables.core.wrappers import GPWorksheet

from publish.public import Public, Value
from publish.words import Words
from publish.workbook.lists import back_to_contents
from publish.workbook.sheets import (
    as_number,
    column_width,
    lines_of,
    number_format,
    print_on_one_width,
    written_marks,
)

COLUMNS = (
    "figure",
    "period_type",
    "period",
    "breakdown",
    "category",
    "value",
    "unit",
    "marks",
    "remark",
)
# Where texts stand, if not on the left: numbers on the right, their unit apart from them.
PLACES = {"value": {"align": "right"}, "unit": {"align": "left", "indent": 1}}
FILTER_BUTTON = 20  # pixels
Row = tuple[str | Value, ...]


def write_all_figures(workbook: GPWorkbook, public: Public, words: Words) -> None:
    """Add a sheet with a row for every row of figures.csv; its columns can be filtered.

    It is written without gptables, whose tables have no filter.
    """
    sheet = workbook.add_worksheet(words.text("sheet.all_figures"))
    first = _write_above(workbook, sheet, words)
    rows = list(_rows(public, words))
    _write_rows(workbook, sheet, rows, first, words)
    headings = [words.text(f"column.{column}") for column in COLUMNS]
    look = workbook.theme.column_heading_format
    sheet.add_table(
        *(first - 1, 0, first + len(rows) - 1, len(COLUMNS) - 1),
        {
            "name": "all_figures",
            "style": None,
            "columns": [
                {
                    "header": heading,
                    "header_format": workbook.add_format(look | PLACES.get(column, {})),
                }
                for column, heading in zip(COLUMNS, headings, strict=True)
            ],
        },
    )
    for column, name in enumerate(headings):
        shown = {_shown(row[column], words) for row in rows}
        sheet.set_column_pixels(
            column, column, column_width(name, shown, wraps=name == headings[-1]) + FILTER_BUTTON
        )
    sheet.freeze_panes(first, 1)
    sheet.repeat_rows(first - 1)
    print_on_one_width(sheet)


def _write_above(workbook: GPWorkbook, sheet: GPWorksheet, words: Words) -> int:
    """Write what stands above the table; return the number of its first row below the headings."""
    theme = workbook.theme
    title = workbook.add_format(theme.title_format)
    line = workbook.add_format(theme.instructions_format)
    link = workbook.add_format(
        theme.instructions_format | {"underline": True, "font_color": "blue"}
    )
    text, contents = back_to_contents(words)
    about = lines_of(words.text("about.all_figures"))
    sheet.write_string(0, 0, words.text("heading.all_figures"), title)
    for row, sentence in enumerate([*about, words["one_table"]], start=1):
        sheet.write_string(row, 0, sentence, line)
    sheet.write_url(len(about) + 2, 0, f"internal:'{contents}'!A1", link, text)
    return len(about) + 4


def _write_rows(
    workbook: GPWorkbook, sheet: GPWorksheet, rows: Sequence[Row], first: int, words: Words
) -> None:
    look = workbook.theme.data_format
    texts = [workbook.add_format(look | PLACES.get(column, {})) for column in COLUMNS]
    for number, row in enumerate(rows, start=first):
        for column, one in enumerate(row):
            if not isinstance(one, Value):
                if one:
                    sheet.write_string(number, column, one, texts[column])
            elif one.number is None:
                sheet.write_string(number, column, words.value(one), texts[column])
            else:
                numbers = workbook.add_format(look | {"num_format": number_format(one.decimals)})
                sheet.write_number(number, column, as_number(one), numbers)


def _rows(public: Public, words: Words) -> Iterator[Row]:
    for cell, value in public.values.items():
        revision = public.revisions.get(cell)
        remarks = [words.break_reason(value.break_reason)] if value.break_reason else []
        remarks += [revision.reason] if revision else []
        yield (
            words.figure(cell.figure),
            _period_type(cell.period, words),
            cell.period,
            _breakdown(cell.breakdown, words),
            words.category(cell.breakdown, cell.category) if cell.breakdown else "",
            value,
            words.unit(value.unit),
            written_marks(value, words),
            "; ".join(remarks),
        )


def _period_type(period: str, words: Words) -> str:
    kinds = {4: "year", 7: "month"}
    return words[kinds.get(len(period), "range")]


def _breakdown(breakdown: str, words: Words) -> str:
    if breakdown in ("hour_of_week", "part_of_week"):
        return words[breakdown]
    return words.group("breakdowns").get(breakdown, breakdown)


def _shown(one: str | Value, words: Words) -> str:
    return words.value(one) if isinstance(one, Value) else one
