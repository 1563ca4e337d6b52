"""The start page: through which day there are figures, and where to find what."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from publish.page import render
from publish.words import Words

HERE = Path(__file__).parent
TEXTS = HERE / "words.toml"
STYLE = HERE / "site.css"
# What the start page leads to, by heading, as seen from it. Docs and quality are made with it.
PLACES = {
    "for_whom": {"report": "../public/report/index.html"},
    "for_reuse": {
        "workbook": "../public/figures.xlsx",
        "figures": "../public/figures.csv",
        "datapackage": "../public/datapackage.json",
    },
    "for_trust": {"quality": "quality/index.html", "docs": "docs/index.html"},
}


@dataclass(frozen=True)
class Place:
    """A link with its name and what is found there."""

    href: str
    name: str
    says: str


def write_start(folder: Path, settings: Mapping[str, object], closed_through: str) -> None:
    """Write `index.html` into the site's folder, which lies beside `public/`.

    `closed_through` is the last closed month, as `2022-12`; empty while there is none. What is not
    in `public/` yet has no link.
    """
    words = Words(str(settings["language"]), None, TEXTS)
    (folder / "index.html").write_text(
        render(
            HERE / "start.html.jinja",
            language=words.language,
            title=words.text("start_title", helpline=settings["name"]),
            style=STYLE,
            words=words,
            settings=settings,
            figures_through=_figures_through(words, closed_through),
            has_figures=bool(closed_through),
            headings=_headings(folder, words, bool(closed_through)),
        ),
        encoding="utf-8",
    )


def _headings(folder: Path, words: Words, has_figures: bool) -> dict[str, list[Place]]:
    """Give the places that there are, by the text of their heading."""
    found = {
        words[heading]: [
            Place(href, words[name], words[f"{name}_says"])
            for name, href in places.items()
            if not href.startswith("../") or (has_figures and (folder / href).exists())
        ]
        for heading, places in PLACES.items()
    }
    return {heading: places for heading, places in found.items() if places}


def _figures_through(words: Words, closed_through: str) -> str:
    if not closed_through:
        return words["not_closed"]
    year, month = map(int, closed_through.split("-"))
    last = date(year, month, calendar.monthrange(year, month)[1])
    return words.text("closed", date=words.date(last))
