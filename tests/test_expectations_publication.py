"""The auditor of the second gate: each of its checks fails on a leak that is planted for it.

A year of callers, small enough to work out by hand:

    callers 40 = girl 30 + boy 7 + x 3       x is small and hidden; boy is hidden for its sake

so that a reader knows x + boy = 10 and no more: x is 1 to 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from expectations.outcome import CRITICAL, WARNING
from expectations.publication import CHECKS, Evidence, judge_evidence
from publish.disclosure.attacker import Audit, Range
from publish.disclosure.cells import Cell, Publication
from publish.disclosure.registry import definitions_of_project
from publish.publications import Content, Publications, Row

THRESHOLD = 5

CALLERS = Cell("callers", "2022")
GIRL, BOY, X, UNKNOWN, UNLISTED = (
    Cell("callers", "2022", "gender", code) for code in ("girl", "boy", "x", "unknown", "unlisted")
)
SHARE_OF_GIRLS, SHARE_OF_X = (
    Cell("callers_share_percent", "2022", "gender", code) for code in ("girl", "x")
)
JANUARY = Cell("conversations", "2022-01")
PENDING = Cell("callers", "2022-01")
ATTEMPTS, ANSWERED, MISSED, OUT_OF_HOURS, MEDIAN = (
    Cell(figure, "2022-01")
    for figure in (
        "attempts",
        "answered_attempts",
        "missed_attempts",
        "out_of_hours_attempts",
        "wait_seconds_median",
    )
)
WEDNESDAYS, ANSWERED_ON_WEDNESDAYS, CLICKS_ON_WEDNESDAYS, ATTEMPTS_ON_WEDNESDAYS = (
    Cell(figure, "2022", "weekday", "3")
    for figure in ("conversations", "answered_attempts", "clicks", "attempts")
)


def row(cell: Cell, value: str = "", obs: str = "A", conf: str = "F", because: str = "") -> Row:
    return Row(*cell, value, "persons", "", obs, conf, "", "0", "1", because)


ROWS = {
    one.cell: one
    for one in (
        row(CALLERS, "40"),
        row(GIRL, "30"),
        row(BOY, conf="C", because="secondary"),
        row(X, conf="C", because="primary"),
        row(UNKNOWN, "0"),
        row(UNLISTED, "0"),
        row(SHARE_OF_GIRLS, "75"),
        row(SHARE_OF_X, conf="C", because="derived"),
        row(JANUARY, "50"),
        row(PENDING, obs="P", conf="N"),
    )
}
FIGURES = {
    CALLERS: "40", GIRL: "30", BOY: "7", X: "3", UNKNOWN: "0", UNLISTED: "0",
    SHARE_OF_GIRLS: "75", SHARE_OF_X: "8", JANUARY: "50",
}  # fmt: skip


def contents(*rows: Mapping[Cell, Row]) -> Publications:
    """A history of contents, each given by the rows that it has other than the one before."""
    publications = Publications()
    for number, changed in enumerate(rows, start=1):
        has_year = any(cell.period == "2022" for cell in changed)
        closed_through = "2022-12" if has_year else "2022-11"
        content = Content(number, closed_through, len(changed), 0, 0, 0, 0.0, 0.0, 0)
        publications = publications.followed_by(content, changed)
    return publications


def evidence(*rows: Mapping[Cell, Row], documents: Iterable[Publication] = ()) -> Evidence:
    """The evidence on a history whose last content no reader has seen yet."""
    return Evidence(
        before=contents(*rows[:-1]),
        proposed=contents(*rows),
        documents=list(documents),
        definitions=definitions_of_project(),
        threshold=THRESHOLD,
        figures={cell: (value, "A") for cell, value in FIGURES.items()},
        closed=frozenset({"2022", "2022-01"}),
    )


def showing(*shown: Row) -> dict[Cell, Row]:
    """The sound content, with some rows in place of its own."""
    return ROWS | {one.cell: one for one in shown}


def document(cell: Cell, value: str) -> Publication:
    return Publication("an answer", {cell: Decimal(value)})


def with_audit(found: Evidence, audit: Audit) -> Evidence:
    """Put an audit that the attacker did not make in place of his."""
    vars(found)["audit"] = audit
    return found


@dataclass(frozen=True)
class Leak:
    """Evidence with one thing wrong, the check that finds it, and others that cannot but do too."""

    what: str
    plant: Callable[[], Evidence]
    breaks: str
    kin: frozenset[str] = frozenset()


TOPICS = [Cell("callers", "2022", "topic", topic) for topic in ("home", "school", "gone")]
THREE_ANSWERED = (
    row(ANSWERED, conf="C", because="primary"),
    row(ATTEMPTS, conf="C", because="secondary"),
    row(MISSED, "4"),
    row(OUT_OF_HOURS, "2"),
)
LEAKS = (
    Leak(
        "a count of three is shown",
        lambda: evidence(showing(row(X, "3"), row(BOY, "7"))),
        "no_small_count_is_public",
    ),
    Leak(
        "the cell that hides a small one is shown",
        lambda: evidence(showing(row(BOY, "7"))),
        "no_hidden_cell_is_pinned",
    ),
    Leak(
        "the margin was published elsewhere",
        lambda: evidence(ROWS, documents=[document(BOY, "7")]),
        "no_hidden_cell_is_pinned",
    ),
    Leak(
        "a percentage with a known base was published elsewhere",
        lambda: evidence(ROWS, documents=[document(SHARE_OF_X, "8")]),
        "no_hidden_cell_is_pinned",
    ),
    Leak(
        "a hidden count is under nobody's eyes",
        lambda: with_audit(evidence(ROWS), Audit({}, ())),
        "no_hidden_cell_is_pinned",
    ),
    Leak(
        "a document printed the attempts of a month with three answered ones",
        lambda: evidence(showing(*THREE_ANSWERED), documents=[document(ATTEMPTS, "9")]),
        "no_hidden_cell_is_pinned_anyway",
        frozenset({"public_values_are_those_of_the_figures"}),
    ),
    Leak(
        "attempts are shown where the answered ones are hidden",
        lambda: evidence(showing(*THREE_ANSWERED, row(ATTEMPTS, "9"))),
        "what_tells_of_a_hidden_count_is_hidden_with_it",
        frozenset({"no_hidden_cell_is_pinned", "public_values_are_those_of_the_figures"}),
    ),
    *(
        Leak(
            f"{shown.figure} of a weekday are shown where {hidden.figure} are hidden",
            lambda hidden=hidden, shown=shown: evidence(
                showing(row(hidden, conf="C", because="primary"), row(shown, "6"))
            ),
            "what_tells_of_a_hidden_count_is_hidden_with_it",
            frozenset({"public_values_are_those_of_the_figures"}),
        )
        for hidden in (WEDNESDAYS, ANSWERED_ON_WEDNESDAYS)
        for shown in (
            WEDNESDAYS,
            ANSWERED_ON_WEDNESDAYS,
            CLICKS_ON_WEDNESDAYS,
            ATTEMPTS_ON_WEDNESDAYS,
        )
        if hidden != shown
    ),
    *(
        Leak(
            f"{never.figure} are hidden",
            lambda never=never: evidence(showing(row(never, conf="C", because="secondary"))),
            "who_only_pressed_is_never_hidden",
        )
        for never in (MISSED, OUT_OF_HOURS, MISSED._replace(figure="pressers"))
    ),
    Leak(
        "two contents differ by one person",
        lambda: replace(
            evidence(ROWS, {JANUARY: row(JANUARY, "51")}),
            figures={JANUARY: ("51", "A")},
        ),
        "no_two_contents_give_a_person_away",
    ),
    Leak(
        "what a document says later pins a cell that was hidden long ago",
        lambda: replace(evidence(ROWS, documents=[document(BOY, "7")]), before=contents(ROWS)),
        "no_hidden_cell_is_pinned_anyway",
    ),
    Leak(
        "a value that was shown is hidden",
        lambda: evidence(ROWS, {JANUARY: row(JANUARY, conf="C", because="secondary")}),
        "what_was_shown_stays_shown",
    ),
    Leak(
        "another value than that of the figure is shown",
        lambda: evidence(showing(row(JANUARY, "60"))),
        "public_values_are_those_of_the_figures",
    ),
    Leak(
        "a value is shown of a figure that is not final",
        lambda: replace(
            evidence(ROWS),
            figures=evidence(ROWS).figures | {JANUARY: ("50", "P")},
        ),
        "public_values_are_those_of_the_figures",
    ),
    Leak(
        "a month is shown that is not closed",
        lambda: replace(evidence(ROWS), closed=frozenset({"2022"})),
        "only_closed_periods_are_public",
    ),
    Leak(
        "a month is shown by weekday",
        lambda: replace(
            evidence(showing(row(Cell("conversations", "2022-01", "weekday", "3"), "20"))),
            figures=evidence(ROWS).figures
            | {Cell("conversations", "2022-01", "weekday", "3"): ("20", "A")},
        ),
        "only_closed_periods_are_public",
        frozenset({"public_parts_add_up_to_their_total"}),
    ),
    Leak(
        "a pending figure has a value",
        lambda: replace(
            evidence(showing(row(PENDING, "70", obs="P", conf="N"))),
            figures=evidence(ROWS).figures | {PENDING: ("70", "P")},
        ),
        "only_free_figures_have_a_value",
        frozenset({"no_provisional_count_of_persons_is_public"}),
    ),
    Leak(
        "a provisional count of persons is shown that nobody printed",
        lambda: replace(
            evidence(showing(row(PENDING, "70", obs="P"))),
            figures=evidence(ROWS).figures | {PENDING: ("70", "P")},
        ),
        "no_provisional_count_of_persons_is_public",
    ),
    Leak(
        "a provisional count of persons has moved by one since a document printed it",
        lambda: replace(
            evidence(showing(row(PENDING, "71", obs="P")), documents=[document(PENDING, "70")]),
            figures=evidence(ROWS).figures | {PENDING: ("71", "P")},
        ),
        "no_provisional_count_of_persons_is_public",
    ),
    Leak(
        "a provisional value is shown as if it were final",
        lambda: replace(
            evidence(showing(row(PENDING, "70"))),
            figures=evidence(ROWS).figures | {PENDING: ("70", "P")},
        ),
        "public_values_are_those_of_the_figures",
    ),
    Leak(
        "public tells small counts from others",
        lambda: evidence(showing(row(BOY, conf="D", because="secondary"))),
        "only_free_figures_have_a_value",
        # Nobody hides the other one any more, and a sum lacks it.
        frozenset({"no_hidden_cell_is_pinned", "what_readers_rely_on_is_true"}),
    ),
    Leak(
        "a share of a hidden count is shown",
        lambda: evidence(showing(row(SHARE_OF_X, "8"))),
        "nothing_is_computed_from_hidden_counts",
        frozenset({"no_hidden_cell_is_pinned"}),
    ),
    Leak(
        "a median of two conversations is shown",
        lambda: replace(
            evidence(showing(row(MEDIAN, "60"))),
            figures=evidence(ROWS).figures | {MEDIAN: ("60", "A")},
            durations={MEDIAN: 2},
        ),
        "no_quantile_is_that_of_a_few",
    ),
    Leak(
        "documents have told a hidden count between them",
        lambda: evidence(
            ROWS, documents=[document(GIRL, "30"), document(BOY, "7"), document(CALLERS, "40")]
        ),
        "no_hidden_cell_is_pinned_anyway",
    ),
    Leak(
        "what is published cannot all be true",
        lambda: evidence(showing(row(GIRL, "45"))),
        "all_that_was_published_fits_together",
        frozenset(
            {
                "no_hidden_cell_is_pinned",
                "public_values_are_those_of_the_figures",
                "public_parts_add_up_to_their_total",
            }
        ),
    ),
    Leak(
        "topics count more callers than there are",
        lambda: evidence(showing(*(row(topic, "72") for topic in TOPICS), row(CALLERS, "72"))),
        "public_parts_add_up_to_their_total",
        frozenset(
            {
                "public_values_are_those_of_the_figures",
                "all_that_was_published_fits_together",
                "no_hidden_cell_is_pinned",
            }
        ),
    ),
    Leak(
        "the parts are all there and are fewer than their total",
        lambda: evidence(showing(*(row(topic, "12") for topic in TOPICS))),
        "public_parts_add_up_to_their_total",
        frozenset(
            {"public_values_are_those_of_the_figures", "all_that_was_published_fits_together"}
        ),
    ),
    Leak(
        "the true counts do not add up",
        lambda: replace(evidence(ROWS), figures=evidence(ROWS).figures | {BOY: ("8", "A")}),
        "what_readers_rely_on_is_true",
    ),
    Leak(
        "a published figure has another value now",
        lambda: replace(evidence(ROWS), contradictions=[(*JANUARY, "49", "50", "value")]),
        "published_figures_have_the_same_value",
    ),
)


def broken(found: Evidence) -> set[str]:
    """Name the checks that fail, through Great Expectations."""
    findings = judge_evidence(found)
    return {finding.name for finding in findings if not finding.success}


def test_a_sound_content_passes():
    assert broken(evidence(ROWS)) == set()


def test_a_sound_content_passes_when_it_is_carried_forward():
    assert broken(replace(evidence(ROWS), before=contents(ROWS))) == set()


def test_every_check_has_a_planted_leak():
    assert {leak.breaks for leak in LEAKS} == {check.name for check in CHECKS}


@pytest.mark.parametrize("leak", LEAKS, ids=[leak.what for leak in LEAKS])
def test_a_planted_leak_is_caught(leak: Leak):
    found = broken(leak.plant())
    assert leak.breaks in found
    assert found <= {leak.breaks} | leak.kin


def test_what_the_truth_breaks_is_named_with_its_cells_and_misleads_no_attacker():
    found = replace(evidence(ROWS), figures=evidence(ROWS).figures | {BOY: ("8", "A")})
    genders = (CALLERS, BOY, GIRL, UNKNOWN, UNLISTED, X)
    assert found.audit.untrue == (("kinds_of_callers_sum_to_callers", genders),)
    assert found.audit.contradictory == ()
    [finding] = [one for one in judge_evidence(found) if not one.success]
    assert finding.severity == WARNING
    assert finding.examples[0]["figure"] == "kinds_of_callers_sum_to_callers: callers"


def test_the_truth_of_a_year_that_moved_is_not_held_against_what_was_published():
    late = evidence(ROWS).figures | {CALLERS: ("43", "A"), BOY: ("10", "A")}
    found = replace(evidence(ROWS), before=contents(ROWS), figures=late)
    assert found.truth == {}
    assert found.audit.untrue == ()
    assert found.audit.ranges[X] == Range(1, 9)


def test_zeros_beside_a_hidden_count_are_sound():
    found = evidence(
        showing(
            row(WEDNESDAYS, conf="C", because="primary"),
            row(ANSWERED_ON_WEDNESDAYS, "0"),
            row(ATTEMPTS_ON_WEDNESDAYS, conf="C", because="secondary"),
            row(CLICKS_ON_WEDNESDAYS, "0"),
        )
    )
    assert broken(found) == {"public_values_are_those_of_the_figures"}


def test_a_revision_by_one_person_may_go_with_a_yearly_closing():
    before = {JANUARY: row(JANUARY, "50")}
    found = replace(
        evidence(before, ROWS | {JANUARY: row(JANUARY, "51")}),
        figures=evidence(ROWS).figures | {JANUARY: ("51", "A")},
    )
    assert broken(found) == set()


def test_a_document_that_has_shown_a_small_count_leaves_nothing_to_hide():
    found = evidence(showing(row(X, "3"), row(BOY, "7")), documents=[document(X, "3")])
    assert broken(found) == set()


def test_what_was_out_before_only_warns():
    severities = {check.name: check.severity for check in CHECKS}
    assert severities["no_hidden_cell_is_pinned_anyway"] == WARNING
    assert severities["no_hidden_cell_is_pinned"] == CRITICAL
