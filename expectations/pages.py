"""Great Expectations' own pages of a gate: what was declared, and whether it holds.

They go into the site of a release, which everybody sees every night. So they are rendered from what
was declared and a yes or a no; not one number, value or name that was found goes in. Great
Expectations' renderer makes the sections, a template of ours the page around them: its own loads
styles and scripts from other hosts and carries the time and random ids.
"""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path

from great_expectations.core import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render import RenderedDocumentContent, RenderedTableContent
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from expectations.outcome import Finding, Outcome, explaining
from publish.page import HERE as COMMON
from publish.page import STYLE as COMMON_STYLE

HERE = Path(__file__).parent
TEMPLATE = "pages.html.jinja"
STYLE = HERE / "pages.css"
FOLDER = "great_expectations"


def write_pages(outcome: Outcome, gates: Path) -> list[Path]:
    """Write a page for each subject of a gate into `<gates>/great_expectations/<gate>/`.

    They take the place of those of the gate's last run, all or none. The same findings give the
    same bytes. Raises Problem if the pages cannot be written.
    """
    folder = gates / FOLDER / outcome.gate
    unfinished = gates / FOLDER / f".{outcome.gate}-{os.getpid()}"
    view = _PageView()
    with explaining(folder):
        try:
            for left_over in (gates / FOLDER).glob(
                f".{outcome.gate}-*"
            ):  # by a run that was killed
                shutil.rmtree(left_over)
            unfinished.mkdir(parents=True)
            for subject in dict.fromkeys(finding.subject for finding in outcome.findings):
                findings = [found for found in outcome.findings if found.subject == subject]
                page = _render(view, outcome.gate, subject, findings)
                (unfinished / f"{subject}.html").write_text(page, encoding="utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return sorted(folder.iterdir())


def _render(view: _PageView, gate: str, subject: str, findings: list[Finding]) -> str:
    """Render the page of one subject: each expectation in their words, and in ours beside it."""
    theirs = _document(subject, [_result(finding, says=None) for finding in findings])
    ours = _document(subject, [_result(finding, says=finding.says) for finding in findings])
    for table, in_plain_words in zip(_tables(theirs), _tables(ours), strict=True):
        # The last column of theirs, what was observed, is empty and left out.
        status, expectation, _ = table.header_row
        table.header_row = [status, expectation, "In plain words"]
        table.table = [
            [*row[:2], plain[1]]
            for row, plain in zip(table.table, in_plain_words.table, strict=True)
        ]
    return view.render(
        theirs,
        language="en",
        title=f"Great Expectations: {gate}, {subject}",
        style=Markup(COMMON_STYLE.read_text("utf-8") + STYLE.read_text("utf-8")),
        gate=gate,
        subject=subject,
    )


def _result(finding: Finding, says: str | None) -> ExpectationValidationResult:
    """Make a result that says yes or no and nothing else; `says` stands in for their words."""
    declared = {name: finding.declared[name] for name in ("type", "kwargs", "severity")}
    return ExpectationValidationResult(
        success=finding.success,
        expectation_config=ExpectationConfiguration(**declared, description=says),
        result={},
    )


def _document(subject: str, results: list[ExpectationValidationResult]) -> RenderedDocumentContent:
    """Have Great Expectations lay out results, without what a run would add: time and links."""
    held = sum(bool(result.success) for result in results)
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(
        ExpectationSuiteValidationResult(
            success=held == len(results),
            results=results,
            suite_name=subject,
            suite_parameters={},
            statistics={
                "evaluated_expectations": len(results),
                "successful_expectations": held,
                "unsuccessful_expectations": len(results) - held,
                "success_percent": 100 * held / len(results),
            },
            meta={},
        )
    )
    overview, *sections, _run = document.sections
    overview.content_blocks = overview.content_blocks[1:]  # without the link to a page of the suite
    document.sections = [overview, *sections]
    return document


def _tables(document: RenderedDocumentContent) -> list[RenderedTableContent]:
    """List the tables of expectations of a document."""
    return [
        block
        for section in document.sections[1:]
        for block in section.content_blocks
        if isinstance(block, RenderedTableContent)
    ]


class _PageView(DefaultJinjaPageView):
    """Great Expectations' view in our template, with ids that are counted instead of random."""

    _template = TEMPLATE

    def __init__(self) -> None:
        super().__init__()
        self.env.loader = ChoiceLoader([FileSystemLoader([HERE, COMMON]), self.env.loader])
        numbers = count(1)
        self.env.filters["generate_html_element_uuid"] = lambda prefix: f"{prefix}{next(numbers)}"
