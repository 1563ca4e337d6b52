"""Builds the report: what parliament asks, in its order, in tables and charts."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from publish import sections
from publish.page import render
from publish.public import Public
from publish.report.charts import Charts, Drawn
from publish.report.summary import Key, summary
from publish.report.tables import html
from publish.sections import Section
from publish.tables import Table
from publish.words import Words

HERE = Path(__file__).parent
PAGE = "index.html"
# Long tables beside a chart that shows each of their numbers are folded on the screen.
FOLDED = "_by_hour_of_week", "missed_per_open_hour"


@dataclass(frozen=True)
class Block:
    """A table with its chart, if it has one."""

    table: Table
    html: Markup
    chart: Drawn | None
    is_folded: bool


def write_report(public: Public, folder: Path) -> None:
    """Write the report as `index.html` into `folder`, which is made if it is not there.

    The same figures give the same bytes. The page holds all it needs, and links to the files
    beside its folder: figures.csv, figures.xlsx and datapackage.json. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(render_report(public), encoding="utf-8", newline="\n")


def render_report(public: Public) -> str:
    """Give the report as HTML."""
    words = Words(public.about.language, public, sections.TEXTS, HERE / "words.toml")
    found = sections.sections(public, words)
    about = public.about
    fields = {
        "helpline": about.helpline,
        "through": words.date(_last_day(about.closed_through)),
        "timezone": about.timezone,
        "gap": about.attempt_gap_minutes,
        "settling": about.settling_days,
        "largest": about.small_count_threshold - 1,
    }
    return render(
        HERE / "report.html.jinja",
        language=words.language,
        title=words.text("title", **fields),
        style=HERE / "report.css",
        words=words,
        fields=fields,
        public=public,
        year=public.whole_years[-1] if public.whole_years else "",
        keys=_reachable(summary(public, words), found),
        sections=found,
        blocks=_blocks(found, public, words),
        marks=_marks(words),
        definitions=_definitions(found, public, words),
        gaps=_gaps(public, words),
        revisions=_revisions(public, words),
        reasons_language=about.language,
    )


def _last_day(month: str) -> date:
    year, number = map(int, month.split("-"))
    return date(year, number, calendar.monthrange(year, number)[1])


def _reachable(keys: Iterable[Key], found: Iterable[Section]) -> list[Key]:
    """Leave out key figures whose table the report does not have."""
    names = {table.name for section in found for table in section.tables}
    return [key for key in keys if key.table in names]


def _blocks(found: Iterable[Section], public: Public, words: Words) -> Mapping[str, Block]:
    charts = Charts(public, words)
    with debug_mode(False):  # Altair would check every part against Vega-Lite's schema; a test does
        return {
            table.name: Block(
                table, html(table, words), charts.draw(table), table.name.endswith(FOLDED)
            )
            for section in found
            for table in section.tables
        }


def _marks(words: Words) -> Iterator[tuple[str, str, str]]:
    """Give the state, mark and meaning of each mark, and of 0."""
    meanings = words.group("meanings")
    for state, mark in words.group("marks").items():
        yield state, mark, meanings[state]
    yield "zero", "0", meanings["zero"]


def _definitions(
    found: Iterable[Section], public: Public, words: Words
) -> Iterator[tuple[str, str, str, str]]:
    """Give label, definition, unit and base of each figure shown, in the order of the report."""
    shown = (one for section in found for table in section.tables for one in table.figures)
    for figure in dict.fromkeys(shown):
        definition = public.definitions[figure]
        base = words.base(definition["base"]) if definition["base"] else ""
        yield words.figure(figure), words.definition(figure), words.unit(definition["unit"]), base


def _gaps(public: Public, words: Words) -> Iterator[tuple[str, str, str, str]]:
    """Give log, first day, last day and reason of each gap."""
    for gap in public.gaps:
        first, last = words.date(gap.starts_on), words.date(gap.ends_on)
        yield words.group("logs").get(gap.log, gap.log), first, last, gap.reason


def _revisions(public: Public, words: Words) -> Iterator[tuple[str, str, str, str]]:
    """Give figure, period, reason and day of each revision."""
    for cell, revision in public.revisions.items():
        figure = words.figure(cell.figure)
        if cell.category:
            figure += f": {words.category(cell.breakdown, cell.category)}"
        day = words.date(date.fromisoformat(revision.decided_on))
        yield figure, words.period(cell.period), revision.reason, day
