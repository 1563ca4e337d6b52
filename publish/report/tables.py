"""Tables as HTML: laid out by Great Tables, with a class for the state of each value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pandas
from great_tables import GT
from lxml import etree
from lxml import html as parser
from markupsafe import Markup

from publish.public import State
from publish.tables import Line, Table
from publish.words import Words, marks_of

STUB, UNIT = "stub", "unit"
# From so many columns a table is set smaller on paper.
MANY = 7
# From so many characters the labels of the lines get more room.
LONG = 30


def html(table: Table, words: Words) -> Markup:
    """Give a table as a `<table>` whose cells name their headings.

    Every text is escaped. The look is left to the page: Great Tables' own style sheet, one for
    each table, is taken out.
    """
    has_units = any(line.unit for line in table.lines)
    drawn = parser.fromstring(_laid_out(table, words, has_units).as_raw_html())
    [found] = drawn.iter("table")
    for name in list(found.attrib):
        del found.attrib[name]
    found.set("class", " ".join(["figures", *_size(table)]))
    caption = etree.Element("caption")
    caption.text = table.title
    found.insert(0, caption)
    for element in found.iter("th", "td"):
        element.set("class", _sides(element.get("class", "")))
        element.attrib.pop("style", None)
    [body] = found.iter("tbody")
    body.attrib.pop("class", None)
    for row, line in zip(body.iter("tr"), table.lines, strict=True):
        _fill(row, line, words, has_units)
    _set_slots(found, table)
    return Markup(etree.tostring(found, method="html", encoding="unicode", with_tail=False))


def _size(table: Table) -> Iterator[str]:
    if len(table.columns) >= MANY:
        yield "many"
    if max((len(line.label) for line in table.lines), default=0) >= LONG:
        yield "wordy"


def _laid_out(table: Table, words: Words, has_units: bool) -> GT:
    columns = {f"c{n}": column for n, column in enumerate(table.columns)}
    content = {STUB: [line.label for line in table.lines]}
    labels = {name: column.label for name, column in columns.items()}
    if has_units:
        content[UNIT] = [line.unit for line in table.lines]
        labels[UNIT] = words["unit_column"]
    for n, name in enumerate(columns):
        content[name] = [words.value(line.values[n]) for line in table.lines]
    laid_out = (
        GT(pandas.DataFrame(content, dtype=str), rowname_col=STUB, id=f"{table.name}-table")
        .tab_stubhead(table.stub)
        .cols_label(labels)
        .cols_align("right", columns=list(columns))
    )
    for n, (group, members) in enumerate(groupby(columns, lambda name: columns[name].group)):
        if group:
            laid_out = laid_out.tab_spanner(group, columns=list(members), id=f"group{n}")
    return laid_out


def _sides(classes: str) -> str:
    """Keep of Great Tables' classes what says on which side the content stands."""
    sides = {"gt_right": "number", "gt_center": "group", "gt_left": "label"}
    return " ".join(sides[one] for one in classes.split() if one in sides)


def _fill(row: etree._Element, line: Line, words: Words, has_units: bool) -> None:
    """Put the values of a line into its row, with their marks set apart."""
    if line.is_total:
        row.set("class", "total")
    cells = list(row.iter("td"))[1 if has_units else 0 :]
    for cell, value in zip(cells, line.values, strict=True):
        cell.set("class", f"number {value.state.value}")
        cell.text = words.number(value.number, value.decimals) if value.number is not None else ""
        if value.number is None:
            if value.state is not State.ABSENT:
                _mark(cell, value.state.value, words)
            continue
        if marks := marks_of(value):
            after = etree.SubElement(cell, "span")
            after.set("class", "after")
            for name in marks:
                _mark(after, name, words)


def _mark(parent: etree._Element, name: str, words: Words) -> None:
    mark = etree.SubElement(parent, "span")
    mark.set("class", f"mark {name}")
    # A space of its own, so that a number and its mark stay apart where they are copied.
    mark.text = words.group("marks")[name]
    if parent.get("class") == "after":
        before = mark.getprevious()
        if before is None:
            parent.text = "\N{NO-BREAK SPACE}"
        else:
            before.tail = "\N{NO-BREAK SPACE}"


def _set_slots(found: etree._Element, table: Table) -> None:
    """Leave room for marks in all cells of a column that has them, so that digits stay aligned."""
    count = len(table.columns)
    [head] = found.iter("thead")
    rows = [list(head.iter("tr"))[-1], *next(found.iter("tbody")).iter("tr")]
    for n in range(count):
        values = [line.values[n] for line in table.lines]
        most = max((len(marks_of(one)) for one in values if one.number is not None), default=0)
        if most:
            for row in rows:
                cell = list(row)[n - count]
                cell.set("class", f"{cell.get('class')} slot{most}")
