"""Writes an annex as a Word document (.docx, ISO/IEC 29500), with python-docx.

The same question and release give the same bytes: dates and zip entries are fixed.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.shared import Cm, Pt
from docx.table import Table as WordTable

from publish.answer.look import (
    INTERNAL,
    INTERNAL_TINT,
    NOTE,
    SIZE,
    TINT,
    describe,
    repeat,
    rule_above,
    set_up_table,
    shade,
    style,
    write_cell,
    write_field,
)
from publish.answer.question import Question
from publish.answer.source import Source
from publish.answer.tables import AnswerWords, Made
from publish.disclosure.periods import months_of
from publish.public import Gap, State
from publish.tables import Table

MARGIN, WIDTH = Cm(2.5), Cm(16)
MOST_ROWS_KEPT_TOGETHER = 20
# Tables with more columns have smaller letters, in points.
SMALL_SIZE, MANY_COLUMNS = 8, 4
# What a property of a document can hold (python-docx refuses more).
MOST_LETTERS = 255
# Zip entries know no earlier day.
ZIP_DAY = (1980, 1, 1, 0, 0, 0)
CORE = "docProps/core.xml"


def render(question: Question, made: Sequence[Made], source: Source, words: AnswerWords) -> bytes:
    """Give the bytes of an annex."""
    annex = _Annex(question, made, source, words)
    return _seal(annex.write())


def is_as_written(content: bytes) -> bool:
    """Tell whether a document is an annex as this module wrote it, and nobody changed it since."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = {name: package.read(name) for name in package.namelist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False
    return CORE in parts and f">{_digest(parts)}<".encode() in parts[CORE]


def _digest(parts: dict[str, bytes]) -> str:
    """Digest all parts of a document but for the one that holds the digest."""
    digest = hashlib.sha256()
    for name in sorted(parts.keys() - {CORE}):
        digest.update(f"{name}\0{hashlib.sha256(parts[name]).hexdigest()}\n".encode())
    return f"chatcijfers:{digest.hexdigest()}"


def _seal(document: DocumentType) -> bytes:
    """Save a document with its own digest as its identifier, in a zip file without times."""
    parts = _parts(document)
    document.core_properties.identifier = _digest(parts)
    sealed = io.BytesIO()
    with zipfile.ZipFile(sealed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in _parts(document).items():
            entry = zipfile.ZipInfo(name, ZIP_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0
            package.writestr(entry, content)
    return sealed.getvalue()


def _parts(document: DocumentType) -> dict[str, bytes]:
    saved = io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as package:
        return {name: package.read(name) for name in package.namelist()}


class _Annex:
    """One annex, from its title to the explanations."""

    def __init__(
        self, question: Question, made: Sequence[Made], source: Source, words: AnswerWords
    ) -> None:
        self.question = question
        self.made = made
        self.source = source
        self.words = words
        self.about = source.figures.about
        self.document: DocumentType = Document()

    def write(self) -> DocumentType:
        """Write all of it."""
        self._set_up()
        self._head_and_foot()
        self._title_block()
        self._tables()
        self._explanations()
        return self.document

    # How it looks

    def _set_up(self) -> None:
        style(self.document, self.words["locale"])
        section = self.document.sections[0]
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = MARGIN
        # An internal annex has a second line in header and footer.
        section.top_margin = section.bottom_margin = Cm(3 if self.source.is_internal else 2.2)
        section.header_distance = section.footer_distance = Cm(1)
        core = self.document.core_properties
        core.title = _short(f"{self.name()}: {self.question.title}")
        core.subject = _short(self.question.title)
        core.author = core.last_modified_by = _short(f"Chatcijfers, {self.about.helpline}")
        core.language = self.words["locale"]
        core.comments = self.words["internal"] if self.source.is_internal else ""
        core.keywords = f"release {self.source.release}"
        core.created = core.modified = _end_of(self.about.closed_through)
        core.revision = 1

    def name(self) -> str:
        """Name the annex: `Bijlage bij het antwoord op vraag nr. 363 van 30 januari 2023`."""
        if not self.question.number:
            return self.words["annex_alone"]
        number = self.words.text("annex_number", number=self.question.number)
        day = self.question.date
        said = self.words.date(day) if isinstance(day, date) else day
        return self.words["annex"] + number + (
            self.words.text("annex_date", date=said) if said else ""
        )  # fmt: skip

    def _head_and_foot(self) -> None:
        section = self.document.sections[0]
        head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
        named = self.name() if self.question.number else self.question.title
        head.text = f"{self.about.helpline} · {named}"
        if self.source.is_internal:
            warning = section.header.add_paragraph(self.words["internal"], INTERNAL)
            warning.paragraph_format.space_before = Pt(2)
            section.footer.add_paragraph(self.words["internal"], INTERNAL)
        stops = foot.paragraph_format.tab_stops
        stops.add_tab_stop(WIDTH, WD_TAB_ALIGNMENT.RIGHT)
        foot.add_run(" · ".join(self._standing()) + "\t")
        before, _, rest = self.words["page"].partition("{page}")
        between, _, after = rest.partition("{pages}")
        foot.add_run(before)
        write_field(foot, "PAGE", "1")
        foot.add_run(between)
        write_field(foot, "NUMPAGES", "1")
        foot.add_run(after)

    def _standing(self) -> list[str]:
        said = [self.words.text("footer", release=self.source.release)]
        if self.about.closed_through:
            month = self.words.period(self.about.closed_through)
            said.append(self.words.text("footer_through", month=month))
        return said

    def _title_block(self) -> None:
        self.document.add_paragraph(self.name(), "Title")
        self.document.add_paragraph(self.question.title, "Subtitle")
        if self.source.is_internal:
            self.document.add_paragraph(self.words["internal"], INTERNAL)
            self.document.add_paragraph(self.words["internal_lead"])
        through = "public_through" if self.source.is_internal else "figures_through"
        month = self.about.closed_through
        facts = {
            "asker": self.question.asker,
            "minister": self.question.minister,
            "answer": self.question.document if self.source.is_internal else "",
            "helpline": self.about.helpline,
            through: self.words.period(month) if month else "",
            "release": self.source.release,
        }
        for key, fact in facts.items():
            if fact:
                paragraph = self.document.add_paragraph()
                paragraph.paragraph_format.space_after = Pt(1)
                paragraph.add_run(f"{self.words[key]}: ").bold = True
                paragraph.add_run(fact)

    # The tables

    def _tables(self) -> None:
        last = None
        for number, made in enumerate(self.made, start=1):
            item = made.asked.item
            if item != last:
                heading = self.words.text("question", item=item) if item else self.words["tables"]
                self.document.add_heading(heading, 1)
            last = item
            self._table(number, made)

    def _table(self, number: int, made: Made) -> None:
        table = made.table
        caption = self.document.add_paragraph(style="Caption")
        caption.add_run(f"{self.words['table']} ")
        write_field(caption, "SEQ Table \\* ARABIC", str(number))
        caption.add_run(f". {table.title}")
        if table.subtitle:
            subtitle = self.document.add_paragraph(table.subtitle, NOTE)
            subtitle.paragraph_format.keep_with_next = True
            subtitle.paragraph_format.space_after = Pt(4)
        self._grid(number, made)
        notes = [f"{mark}{chr(0xA0)}{meaning}" for mark, meaning in table.marks]
        for place, note in enumerate((*notes, *(_sentence(one) for one in table.notes))):
            paragraph = self.document.add_paragraph(note, NOTE)
            paragraph.paragraph_format.space_before = Pt(0 if place else 4)
        self.document.add_paragraph(style=NOTE)

    def _grid(self, number: int, made: Made) -> None:
        table = made.table
        has_groups = any(column.group for column in table.columns)
        heads = 2 if has_groups else 1
        grid = self.document.add_table(heads + len(table.lines), 1 + len(table.columns))
        set_up_table(grid, _widths(table))
        describe(
            grid,
            self.words.text("table_of", number=number, title=table.title),
            self.words.text(
                "alternative",
                subtitle=table.subtitle,
                rows=", ".join(line.label for line in table.lines),
                columns=", ".join(
                    " ".join(part for part in (column.group, column.label) if part)
                    for column in table.columns
                ),
            ).strip(),
        )
        self._heads(grid, table, has_groups)
        is_kept = len(table.lines) <= MOST_ROWS_KEPT_TOGETHER
        rows, size = list(grid.rows)[heads:], _size(table)
        for row, line in zip(rows, table.lines, strict=True):
            cells = list(row.cells)
            write_cell(cells[0], line.label, size, is_bold=line.is_total)
            for cell, value in zip(cells[1:], line.values, strict=True):
                text = self.words.shown(value)
                write_cell(cell, text, size, is_bold=line.is_total, is_number=True)
                if self.source.is_internal and value.remark in ("hidden", "not_public", "other"):
                    shade(cell, INTERNAL_TINT)
            if line.is_total:
                rule_above(cells)
            if is_kept or line is table.lines[-1] or line.is_total:
                for cell in cells:
                    cell.paragraphs[0].paragraph_format.keep_with_next = True

    def _heads(self, grid: WordTable, table: Table, has_groups: bool) -> None:
        rows, size = list(grid.rows), _size(table)
        if has_groups:
            write_cell(rows[0].cells[0].merge(rows[1].cells[0]), table.stub, size, is_bold=True)
            first = 0
            while first < len(table.columns):
                group, last = table.columns[first].group, first
                while last + 1 < len(table.columns) and table.columns[last + 1].group == group:
                    last += 1
                merged = rows[0].cells[1 + first].merge(rows[0].cells[1 + last])
                write_cell(merged, group, size, is_bold=True)
                merged.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
                first = last + 1
        else:
            write_cell(rows[0].cells[0], table.stub, size, is_bold=True)
        labels = rows[1 if has_groups else 0]
        for cell, column in zip(labels.cells[1:], table.columns, strict=True):
            write_cell(cell, column.label, size, is_bold=True, is_number=True)
        for row in rows[: 2 if has_groups else 1]:
            repeat(row)
            for cell in row.cells:
                shade(cell, TINT)
                cell.paragraphs[0].paragraph_format.keep_with_next = True

    # The explanations

    def _explanations(self) -> None:
        heading = self.document.add_heading(self.words["explained"], 1)
        heading.paragraph_format.page_break_before = True
        self.document.add_heading(self.words["meanings_of_figures"], 2)
        self._definitions()
        self._paragraph(
            "marks_heading",
            self.words.text("marks_lead", zero=_sentence(self.words.text("meanings.zero"), "")),
        )
        gaps = list(self._gaps())
        if gaps:
            self._paragraph("gaps_heading", *gaps)
        self._paragraph("protection_heading", self._protection())
        name = "internal" if self.source.is_internal else "public"
        self._paragraph(
            "origin_heading",
            self.words.text(
                "origin",
                release=self.source.release,
                source=self.words[f"source_{name}"],
                days=self.about.settling_days,
                timezone=self.about.timezone,
            ),
        )

    def _paragraph(self, heading: str, *texts: str) -> None:
        self.document.add_heading(self.words[heading], 2)
        for text in texts:
            self.document.add_paragraph(text)

    def _definitions(self) -> None:
        """Write a table of the figures that the tables show, and what they mean."""
        shown = [cell.figure for made in self.made for cell, _ in made.pairs()]
        figures = sorted(set(shown), key=self.words.figure)
        grid = self.document.add_table(1 + len(figures), 3)
        set_up_table(grid, [Cm(4.6), Cm(7.4), Cm(4)])
        describe(grid, self.words["meanings_of_figures"], "")
        heads = ("figure_heading", "meaning_heading", "unit_heading")
        for cell, key in zip(grid.rows[0].cells, heads, strict=True):
            write_cell(cell, self.words[key], is_bold=True)
            shade(cell, TINT)
        repeat(grid.rows[0])
        for row, figure in zip(list(grid.rows)[1:], figures, strict=True):
            definition = self.source.figures.definitions[figure]
            unit = _sentence(self.words.unit(definition["unit"]))
            if definition["base"]:
                unit += " " + self.words.text("base", base=self.words.base(definition["base"]))
            texts = (self.words.figure(figure), self.words.definition(figure), unit)
            for cell, text in zip(row.cells, texts, strict=True):
                write_cell(cell, text)

    def _gaps(self) -> Iterable[str]:
        """Tell of the days that are wanting in what is pending or provisional here."""
        months = {
            month
            for made in self.made
            for cell, value in made.pairs()
            if value.state in (State.PENDING, State.PROVISIONAL)
            for month in months_of(cell.period)
        }
        for gap in self.source.figures.gaps:
            if months & set(_months_of_gap(gap)):
                yield self.words.text(
                    "gap",
                    log=self.words.text(f"logs.{gap.log}"),
                    first=self.words.date(gap.starts_on),
                    last=self.words.date(gap.ends_on),
                    reason=gap.reason.rstrip("."),
                )

    def _protection(self) -> str:
        last = self.about.small_count_threshold - 1
        if last < 1:
            return self.words["unprotected"]
        counts = self.words.text("one_to", last=last) if last > 1 else "1"
        return self.words.text("protected", counts=counts)


def _months_of_gap(gap: Gap) -> tuple[str, ...]:
    first, last = (f"{day:%Y-%m}" for day in (gap.starts_on, gap.ends_on))
    return months_of(first if first == last else f"{first}/{last}")


def _short(text: str) -> str:
    """Shorten a text to what the properties of a document can hold."""
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _end_of(month: str) -> datetime:
    """Give the last day of a month: the wall clock has no say in a document."""
    if not month:
        return datetime(2000, 1, 1)
    year, number = int(month[:4]), int(month[5:7])
    return datetime(year, number, calendar.monthrange(year, number)[1])


def _sentence(text: str, end: str = ".") -> str:
    """Write a text as a sentence."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + end


def _widths(table: Table) -> list[int]:
    """Share the width of the page: a wide column of labels, and equal ones of figures."""
    columns = len(table.columns)
    labels = max(Cm(3.4), WIDTH - columns * Cm(2.9 if columns > 2 else 4))
    labels = min(labels, Cm(7.5))
    each = (WIDTH - labels) // columns
    return [labels, *[min(each, Cm(4.2))] * columns]


def _size(table: Table) -> float:
    """Give the size of a table's letters, in points: smaller where there are many columns."""
    return SIZE if len(table.columns) <= MANY_COLUMNS else SMALL_SIZE


def write_whole(content: bytes, path: Path) -> None:
    """Write a file in one move, so that nobody finds half of one. Raises OSError."""
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
