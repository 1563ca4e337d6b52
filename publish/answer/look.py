"""How an annex looks in Word: its styles, tables and fields (WordprocessingML, ISO/IEC 29500)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docx.document import Document as DocumentType
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

FONT = "Calibri"
INK = RGBColor(0x1C, 0x27, 0x33)
ACCENT = RGBColor(0x0B, 0x5C, 0x7A)
SOFT = RGBColor(0x4D, 0x5C, 0x6B)
WARN = RGBColor(0xB0, 0x00, 0x20)
LINE, STRONG_LINE, TINT, INTERNAL_TINT = "C9D1D9", "1C2733", "F2F5F8", "FBE3E4"
NOTE, INTERNAL = "Table note", "Internal"
SIZE = 9.5  # points, in tables


def style(document: DocumentType, language: str) -> None:
    """Set fonts, colours, spaces and the language of all styles that are used."""
    styles = document.styles
    notes = styles.add_style(NOTE, WD_STYLE_TYPE.PARAGRAPH)
    warning = styles.add_style(INTERNAL, WD_STYLE_TYPE.PARAGRAPH)
    notes.base_style = warning.base_style = styles["Normal"]
    # name: size, bold, colour, space before, space after
    looks = {
        "Normal": (10.5, False, INK, 0, 6),
        "Title": (20, True, ACCENT, 0, 4),
        "Subtitle": (13, False, INK, 0, 14),
        "Heading 1": (15, True, ACCENT, 20, 6),
        "Heading 2": (12, True, INK, 14, 4),
        "Caption": (11, True, INK, 10, 2),
        "Header": (9, False, SOFT, 0, 0),
        "Footer": (9, False, SOFT, 0, 0),
        NOTE: (9, False, SOFT, 0, 2),
        INTERNAL: (13, True, WARN, 4, 4),
    }
    for name, (size, is_bold, colour, before, after) in looks.items():
        one = styles[name]
        font, form = one.font, one.paragraph_format
        font.name, font.size, font.bold, font.italic = FONT, Pt(size), is_bold, False
        font.color.rgb = colour
        _name_all_fonts(one.element.get_or_add_rPr())
        form.space_before, form.space_after = Pt(before), Pt(after)
        form.keep_with_next = name in ("Title", "Heading 1", "Heading 2", "Caption")
        for path in ("w:pPr/w:pBdr", "w:rPr/w:spacing", "w:rPr/w:kern"):
            for element in one.element.xpath(path):
                element.getparent().remove(element)
    styles[INTERNAL].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for spoken in styles.element.iter(qn("w:lang")):
        spoken.set(qn("w:val"), language)
    settings = document.settings.element
    settings.find(qn("w:themeFontLang")).set(qn("w:val"), language)
    for mode in settings.iter(qn("w:compatSetting")):
        if mode.get(qn("w:name")) == "compatibilityMode":
            mode.set(qn("w:val"), "15")
    _drop_thumbnail(document)


def _name_all_fonts(properties) -> None:
    """Name the font for every script, in place of the template's theme."""
    fonts = properties.find(qn("w:rFonts"))
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), FONT)


def _drop_thumbnail(document: DocumentType) -> None:
    """Leave out the template's picture of an empty page."""
    relations = document.part.package.rels
    for key in [k for k, one in relations.items() if one.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del relations[key]


def set_up_table(grid: Table, widths: Sequence[int]) -> None:
    """Give a table its widths and lines, and keep its rows whole."""
    grid.autofit = False
    grid.alignment = WD_TABLE_ALIGNMENT.LEFT
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
        for cell in column.cells:
            cell.width = width
    properties = grid._tbl.tblPr
    properties.get_or_add_tblStyle().set(qn("w:val"), "TableNormal")
    borders = OxmlElement("w:tblBorders")
    for side, size, colour in (
        ("top", "8", STRONG_LINE), ("bottom", "8", STRONG_LINE), ("insideH", "4", LINE),
    ):  # fmt: skip
        borders.append(_line(side, size, colour))
    _insert(properties, borders, after=("tblStyle", "tblW", "jc", "tblInd"))
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "70")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    _insert(properties, margins, after=("tblBorders", "tblLayout"))
    for row in grid.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def describe(grid: Table, title: str, text: str) -> None:
    """Give a table its title and its description for those who do not see it."""
    properties = grid._tbl.tblPr
    look = properties.find(qn("w:tblLook"))
    for name in ("lastRow", "lastColumn", "noHBand", "noVBand", "firstRow", "firstColumn"):
        look.set(qn(f"w:{name}"), "1" if name.startswith(("first", "no")) else "0")
    look.set(qn("w:val"), "06A0")
    for name, value in (("w:tblCaption", title), ("w:tblDescription", text)):
        if value:
            element = OxmlElement(name)
            element.set(qn("w:val"), value)
            properties.append(element)


def _insert(parent, element, after: Iterable[str]) -> None:
    """Put an element behind those that the format wants before it."""
    before = [child for name in after for child in parent.findall(qn(f"w:{name}"))]
    last = max((parent.index(child) for child in before), default=-1)
    parent.insert(last + 1, element)


def _line(side: str, size: str, colour: str):
    line = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", size), ("space", "0"), ("color", colour)):
        line.set(qn(f"w:{name}"), value)
    return line


def rule_above(cells: Iterable[_Cell]) -> None:
    """Draw a line above the cells of a total."""
    for cell in cells:
        borders = OxmlElement("w:tcBorders")
        borders.append(_line("top", "8", STRONG_LINE))
        _insert(cell._tc.get_or_add_tcPr(), borders, ("tcW", "gridSpan", "vMerge"))


def shade(cell: _Cell, colour: str) -> None:
    """Give a cell a ground, unless it has one."""
    properties = cell._tc.get_or_add_tcPr()
    if properties.find(qn("w:shd")) is None:
        shading = OxmlElement("w:shd")
        for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
            shading.set(qn(f"w:{name}"), value)
        _insert(properties, shading, ("tcW", "gridSpan", "vMerge", "tcBorders"))


def repeat(row) -> None:
    """Let a row of headings stand on every page of its table."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def write_cell(
    cell: _Cell, text: str, size: float = SIZE, is_bold: bool = False, is_number: bool = False
) -> None:
    """Write the text of an empty cell; numbers stand to the right."""
    paragraph = cell.paragraphs[0]
    run = paragraph.add_run(text)
    run.bold = is_bold or None
    run.font.size = Pt(size)
    form = paragraph.paragraph_format
    form.space_before = form.space_after = Pt(2)
    if is_number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def write_field(paragraph: Paragraph, code: str, shown: str) -> None:
    """Write a field that the word processor counts itself; `shown` stands there until it does."""
    for kind in ("begin", code, "separate", None, "end"):
        run = paragraph.add_run()
        if kind is None:
            run.text = shown
        elif kind == code:
            text = OxmlElement("w:instrText")
            text.set(qn("xml:space"), "preserve")
            text.text = f" {code} "
            run._r.append(text)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)
