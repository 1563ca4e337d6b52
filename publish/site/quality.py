"""Data quality of a release: what both gates checked, what they found, and what was set aside.

`site/` changes every night, while `public/` waits for closings so that no two releases differ by
one night's callers. So this page tells no exact count of anything that a night adds to. Lines are
told to the nearest thousand, cases to the nearest hundred, deliveries and lines set aside to the
nearest ten, and what is less only as "fewer than". A broken expectation has its mark and no count:
how many days were unusual, or how far final months exceed a year that is still to follow, says
something of what is not public. Of what becomes public and what is hidden, not even the cases are
counted. Nothing is told by delivery, by day or by file; of lost lines by month, to the nearest ten.
"""

from __future__ import annotations

import shutil
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.outcome import CRITICAL, WARNING, Finding, Outcome
from publish.page import render
from publish.site.months import tell_months
from publish.words import Words

HERE = Path(__file__).parent
TEXTS = HERE / "words.toml"
STYLE = HERE / "site.css"
SENTENCES = HERE / "expectations.toml"
PAGES = "great_expectations"

LINES_TO_NEAREST = 1000
CASES_TO_NEAREST = 100
DELIVERIES_TO_NEAREST = 10
SET_ASIDE_TO_NEAREST = 10
# Of these subjects the number of cases tells of what is hidden, or of last night's files alone.
NOT_COUNTED = ("publication", "refusals")


@dataclass(frozen=True)
class Line:
    """One check: its sentence, its result (passed, warned or failed), and roughly its cases."""

    says: str
    language: str
    result: str
    cases: str


@dataclass(frozen=True)
class Group:
    """The checks of one subject, and where Great Expectations' own page on it is, if there is."""

    title: str
    counts: str
    lines: list[Line]
    page: str


@dataclass(frozen=True)
class Gate:
    """What is told of one gate."""

    name: str
    title: str
    says: str
    counts: str
    groups: list[Group]


def write_quality(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    language: str,
    gates: Mapping[str, Outcome],
    pages: Path,
) -> None:
    """Write `index.html` and Great Expectations' own pages into a folder that is not there yet."""
    folder.mkdir()
    for gate in gates:
        if (pages / gate).is_dir():
            shutil.copytree(pages / gate, folder / PAGES / gate)
    words = Words(language, None, TEXTS)
    told = [_gate(outcome, words, folder) for outcome in gates.values()]
    lines = [line for gate in told for group in gate.groups for line in group.lines]
    (folder / "index.html").write_text(
        render(
            HERE / "quality.html.jinja",
            language=words.language,
            title=words["quality_title"],
            style=STYLE,
            words=words,
            gates=told,
            attention=[line for line in lines if line.result != "passed"],
            came_in=_came_in(connection, words),
            set_aside=_set_aside(connection, words),
            months=tell_months(
                connection, words, lambda count: roughly(count, SET_ASIDE_TO_NEAREST, words)
            ),
        ),
        encoding="utf-8",
    )


def about(count: int, nearest: int, words: Words) -> str:
    """Tell a count of deliveries: none as it is, others roughly."""
    return roughly(count, nearest, words) if count else words["exactly_none"]


def roughly(count: int, nearest: int, words: Words) -> str:
    """Tell a count only to the nearest ten or thousand, and less, also none, as `fewer than`."""
    if count < nearest:
        return words.text("fewer", number=words.number(nearest))
    rounded = (count + nearest // 2) // nearest * nearest
    return words.text("about", number=words.number(rounded))


def sentences(language: str) -> Mapping[str, str]:
    """Give the sentences of the expectations by name; in English they say so themselves."""
    return tomllib.loads(SENTENCES.read_text(encoding="utf-8")).get(language, {})


def _gate(outcome: Outcome, words: Words, folder: Path) -> Gate:
    subjects = dict.fromkeys(finding.subject for finding in outcome.findings)
    return Gate(
        name=outcome.gate,
        title=words.group("gates")[outcome.gate],
        says=words.group("gates_say")[outcome.gate],
        counts=_counts(outcome.findings, words),
        groups=[_group(outcome, subject, words, folder) for subject in subjects],
    )


def _group(outcome: Outcome, subject: str, words: Words, folder: Path) -> Group:
    findings = [finding for finding in outcome.findings if finding.subject == subject]
    page = f"{PAGES}/{outcome.gate}/{subject}.html"
    return Group(
        title=words.group("subjects").get(subject, subject),
        counts=words.text(
            "details" if len(findings) > 1 else "details_of_one",
            total=len(findings),
            counts=_counts(findings, words),
        ),
        lines=[_line(finding, words) for finding in findings],
        page=page if (folder / page).exists() else "",
    )


def _line(finding: Finding, words: Words) -> Line:
    translated = sentences(words.language).get(finding.name)
    is_counted = finding.is_about_inputs and finding.subject not in NOT_COUNTED
    return Line(
        says=translated or finding.says,
        language=words.language if translated else "en",
        result=_result(finding),
        cases=about(finding.checked, CASES_TO_NEAREST, words) if is_counted else words["not_told"],
    )


def _result(finding: Finding) -> str:
    if finding.success:
        return "passed"
    return {WARNING: "warned", CRITICAL: "failed"}[finding.severity]


def _counts(findings: Iterable[Finding], words: Words) -> str:
    """Say how many expectations came to which result, those that passed first."""
    found = Counter(map(_result, findings))
    return ", ".join(
        words.text(f"counts.{result}", number=found[result])
        for result in ("passed", "warned", "failed")
        if found[result]
    )


def _came_in(connection: duckdb.DuckDBPyConnection, words: Words) -> list[tuple[str, str]]:
    """Count deliveries and lines, roughly."""
    total, in_use, quarantined, withdrawn, lines, rejects = connection.execute(
        """
        select
            count(*),
            count(*) filter (where status in ('loaded', 'accepted')),
            count(*) filter (where status = 'quarantined'),
            count(*) filter (where status = 'withdrawn'),
            coalesce(sum(lines - blank_lines), 0),
            coalesce(sum(rejects), 0)
        from raw.deliveries
        """
    ).fetchone()
    [(damaged, passed_over)] = connection.execute(
        "select (select count(*) from raw.refusals), (select count(*) from raw.passed_over)"
    ).fetchall()
    counts = {
        "deliveries": (total, DELIVERIES_TO_NEAREST),
        "in_use": (in_use, DELIVERIES_TO_NEAREST),
        "quarantined": (quarantined, DELIVERIES_TO_NEAREST),
        "withdrawn": (withdrawn, DELIVERIES_TO_NEAREST),
        "damaged": (damaged, DELIVERIES_TO_NEAREST),
        "passed_over": (passed_over, DELIVERIES_TO_NEAREST),
        "lines": (lines, LINES_TO_NEAREST),
        "rejects": (rejects, SET_ASIDE_TO_NEAREST),
    }
    labels = words.group("deliveries")
    events = ("lines", "rejects")
    return [
        (labels[name], (roughly if name in events else about)(int(count), to, words))
        for name, (count, to) in counts.items()
    ]


def _set_aside(connection: duckdb.DuckDBPyConnection, words: Words) -> list[tuple[str, str]]:
    """Count the lines that were set aside by reason, roughly.

    By name, and each reason every night, so that neither order nor a new row tells anything.
    """
    reasons = connection.execute(
        "select reason, count(*) from raw.rejects group by reason"
    ).fetchall()
    labels = words.group("reasons")
    counts = dict.fromkeys(labels, 0) | dict(reasons)
    told = [
        (labels.get(reason, reason), roughly(count, SET_ASIDE_TO_NEAREST, words))
        for reason, count in counts.items()
    ]
    return sorted(told)
