"""Pages: what the report, the site and the coordinator's page have in common.

A page is one file that asks no other host for anything: style and pictures are in it, it runs no
script, and its own policy forbids both.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent
STYLE = HERE / "page.css"


def render(
    template: Path, *, language: str, title: str, style: Path | None = None, **fields
) -> str:
    """Fill in a template that extends `page.html.jinja`, and give the page as HTML.

    Every field is escaped unless it is Markup. `style` is a style sheet of the page's own, beside
    the common one. Raises jinja2.UndefinedError for a field that is not there.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    sheets = [sheet.read_text(encoding="utf-8") for sheet in (STYLE, style) if sheet]
    return environment.get_template(template.name).render(
        language=language, title=title, style=Markup("\n".join(sheets)), **fields
    )
