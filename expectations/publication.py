"""The second gate's auditor: does `public/` give anybody away, now or together with all before?

It plays the attacker. What each hidden cell could be is bounded by linear programming from
everything that was ever published (publish.disclosure.attacker), and no cell may be pinned to a
range narrower than the threshold. To add a check, add it to `CHECKS` and plant a defect for it in
tests/test_expectations_publication.py.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Literal

import duckdb
import pandas as pd

from expectations.identities import judge_identities
from expectations.outcome import CRITICAL, WARNING, Finding
from ingest.workspace import Workspace
from publish.causes import VALUE
from publish.disclosure import attacker
from publish.disclosure.attacker import Audit, Range
from publish.disclosure.cells import Cell, Definition, Publication
from publish.disclosure.derived import is_protected, operands
from publish.disclosure.periods import block_of
from publish.disclosure.together import followers, follows, tied, waits
from publish.ledger import FINAL, published_documents
from publish.protect import count_durations, read_definitions, read_threshold
from publish.publications import (
    CONFIDENTIAL,
    FREE,
    NOT_YET,
    Publications,
    Row,
    as_publications,
    closes_a_year,
    read_proposed,
)
from publish.seen import read_seen

COLUMNS = [
    "identity", "relation", "figure", "period", "breakdown", "category", "found", "against",
    "compared",
]  # fmt: skip
UNBOUNDED = 10**9
LISTED = 5
log = logging.getLogger("chatcijfers.expectations")
# Which breakdowns `public/` may have, by the form of the period.
BY_MONTH = {"", "channel"}
BY_YEAR = BY_MONTH | {
    "gender", "age_band", "topic", "referred_by", "weekday", "hour", "hour_of_week",
    "part_of_week",
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What the auditor looks at.

    `before` is what readers have had so far, `proposed` the same with the content that is to be
    public now; they are equal while `public/` is carried forward. `figures` are the values of now
    as text, `closed` the periods that are closed, and `durations` tells from how many conversations
    each quantile was taken.
    """

    before: Publications
    proposed: Publications
    documents: list[Publication]
    definitions: Mapping[str, Definition]
    threshold: int
    figures: Mapping[Cell, tuple[str, str]]
    closed: frozenset[str]
    durations: Mapping[Cell, int] = field(default_factory=dict)
    contradictions: list[tuple] = field(default_factory=list)

    @property
    def is_new(self) -> bool:
        """Whether a content is proposed that no reader has seen yet."""
        return len(self.proposed.contents) > len(self.before.contents)

    @cached_property
    def rows(self) -> dict[Cell, Row]:
        """The rows of the content that is to be public."""
        return self.proposed.rows()

    @cached_property
    def new_rows(self) -> dict[Cell, Row]:
        """The rows that no reader has seen yet."""
        latest = len(self.proposed.contents) if self.is_new else -1
        return {row.cell: row for content, row in self.proposed.changes if content == latest}

    @cached_property
    def hidden_counts(self) -> frozenset[Cell]:
        """The protected counts that the content hides, and that nothing else has shown."""
        return frozenset(
            cell
            for cell, row in self.rows.items()
            if row.conf_status == CONFIDENTIAL
            and self.definitions[cell.figure].is_protected
            and cell not in self.seen
        )

    @cached_property
    def contents(self) -> list[Publication]:
        """What a reader has of every content, with the proposed one."""
        return as_publications(self.proposed)

    @cached_property
    def seen(self) -> frozenset[Cell]:
        """Cells that documents and earlier contents have shown: hiding them is of no use."""
        earlier = as_publications(self.before)
        return frozenset(
            cell for publication in (*earlier, *self.documents) for cell in publication.shown
        )

    @cached_property
    def told(self) -> frozenset[Cell]:
        """Cells whose value a reader has: final ones of this content, and all that was seen."""
        return self.seen | {cell for cell, row in self.rows.items() if row.is_shown}

    @cached_property
    def printed(self) -> dict[Cell, Decimal]:
        """What documents printed, the last one first to count."""
        return {cell: value for one in self.documents for cell, value in one.shown.items()}

    @cached_property
    def audit(self) -> Audit:
        """What an attacker concludes from everything that is published with this release."""
        if not self.contents:
            return Audit({}, ())
        return attacker.audit(self.contents, self.documents, self.definitions, self.truth)

    @cached_property
    def truth(self) -> dict[Cell, Fraction]:
        """The true counts, also of what is hidden.

        Those of a year are only known while all that is shown of it is as it was: where it moved
        (its figures wait, or are held back), so may have what is hidden.
        """
        counts = {
            cell: Fraction(value)
            for cell, (value, status) in self.figures.items()
            if value and status == FINAL and self.definitions[cell.figure].is_count
        }
        moved = {
            block_of(cell.period)
            for cell, row in self.rows.items()
            if row.is_shown and cell in counts and Fraction(row.value) != counts[cell]
        }
        return {cell: n for cell, n in counts.items() if block_of(cell.period) not in moved}

    @cached_property
    def width_anyway(self) -> dict[Cell, float]:
        """How narrow hidden cells are whatever this release hides.

        What is out cannot be taken back: earlier contents, documents, and the counts that are no
        secret, such as missed attempts.
        """
        if not self._narrow or not self.is_new:
            return self._narrow
        *earlier, proposed = self.contents
        told = attacker.told_anyway(proposed, self.definitions, earlier, self.documents, self.truth)
        return self._narrow_ones(told)

    @cached_property
    def _narrow(self) -> dict[Cell, float]:
        return self._narrow_ones(self.audit.ranges)

    def _narrow_ones(self, ranges: Mapping[Cell, Range]) -> dict[Cell, float]:
        return {cell: found.width for cell, found in ranges.items() if found.width < self.threshold}

    @property
    def is_yearly(self) -> bool:
        """Whether a year is closed with the proposed content: revisions may go with it."""
        return closes_a_year(self.before, self.proposed.latest.closed_through)


Compared = Iterator[tuple[Cell, float, float]]


@dataclass(frozen=True)
class Check:
    """A sentence on what is public: `found` equals, or is at most, what it is held `against`."""

    name: str
    says: str
    relation: Literal["=", "<="]
    compare: Callable[[Evidence], Compared]
    severity: str = CRITICAL


def _small_counts(evidence: Evidence) -> Compared:
    for cell, row in evidence.rows.items():
        if row.is_shown and evidence.definitions[cell.figure].is_protected:
            is_small = 0 < int(row.value) < evidence.threshold
            yield cell, int(is_small and cell not in evidence.seen), 0


def _pinned(evidence: Evidence) -> Compared:
    for cell in sorted(evidence.audit.ranges.keys() | evidence.hidden_counts):
        least = min(evidence.threshold, evidence.width_anyway.get(cell, UNBOUNDED))
        yield cell, least, _width(evidence, cell)


def _pinned_anyway(evidence: Evidence) -> Compared:
    for cell, width in sorted(evidence.width_anyway.items()):
        yield cell, evidence.threshold, width


def _width(evidence: Evidence, cell: Cell) -> float:
    """Give the width of a hidden cell's range; of one that nobody bounded, less than any."""
    found = evidence.audit.ranges.get(cell)
    return min(found.width, UNBOUNDED) if found else -1


def _differences(evidence: Evidence) -> Compared:
    if evidence.is_new and not evidence.is_yearly and len(evidence.contents) > 1:
        for found in attacker.differences(
            *evidence.contents[-2:], evidence.definitions, evidence.threshold
        ):
            yield found.cell, evidence.threshold, abs(float(found.later - found.earlier))


def _taken_back(evidence: Evidence) -> Compared:
    for cell, row in evidence.before.rows().items():
        if row.is_shown:
            yield cell, int(cell in evidence.rows and evidence.rows[cell].is_shown), 1


def _values(evidence: Evidence) -> Compared:
    for cell, row in evidence.new_rows.items():
        if row.value:
            value, status = evidence.figures.get(cell, ("", "O"))
            is_so = value and status == row.obs_status
            yield cell, float(row.value), float(value) if is_so else float("nan")


def _provisional(evidence: Evidence) -> Compared:
    for cell, row in evidence.new_rows.items():
        if row.is_provisional:
            needed = [cell, *operands(cell, evidence.definitions)]
            counted = [one for one in needed if evidence.definitions[one.figure].is_count]
            persons = [one for one in counted if waits(one, evidence.definitions)]
            untold = [one for one in persons if one not in evidence.told]
            # A count that moved since it was printed would tell by how many.
            has_moved = cell in persons and Decimal(row.value) != evidence.printed.get(cell)
            yield cell, len(untold) + has_moved, 0


def _apart(evidence: Evidence) -> Compared:
    for cell, row in evidence.new_rows.items():
        if row.conf_status == CONFIDENTIAL and is_protected(cell, evidence.definitions):
            along = [one for one in (*tied(cell), *followers(cell)) if one in evidence.rows]
            yield cell, sum(_is_told_first(evidence, one) for one in along), 0


def _is_told_first(evidence: Evidence, cell: Cell) -> bool:
    row = evidence.rows[cell]
    return row.is_shown and Decimal(row.value) != 0 and cell not in evidence.seen


def _never_hidden(evidence: Evidence) -> Compared:
    for cell, row in evidence.new_rows.items():
        definition = evidence.definitions[cell.figure]
        if definition.is_count and not definition.is_protected and not follows(cell):
            yield cell, int(row.conf_status == CONFIDENTIAL), 0


def _not_closed(evidence: Evidence) -> Compared:
    for cell in evidence.new_rows:
        allowed = BY_YEAR if len(cell.period) == 4 else BY_MONTH
        is_fit = cell.period in evidence.closed and cell.breakdown in allowed
        yield cell, int(is_fit), 1


def _without_mark(evidence: Evidence) -> Compared:
    for cell, row in evidence.rows.items():
        is_free = row.conf_status == FREE and row.obs_status in ("A", "P")
        is_marked = row.conf_status in (FREE, CONFIDENTIAL, NOT_YET)
        yield cell, int((row.value != "" and not is_free) or not is_marked), 0


def _parts(evidence: Evidence) -> Compared:
    """Add up each table that report and workbook print: all parts, or those that are shown."""
    tables = defaultdict(list)
    for cell, row in evidence.rows.items():
        if cell.breakdown and evidence.definitions[cell.figure].is_count and row.decimals == "0":
            tables[cell.figure, cell.period, cell.breakdown].append(row)
    for (figure, period, breakdown), parts in tables.items():
        total = evidence.rows.get(Cell(figure, period))
        if total and total.value:
            shown = sum(float(part.value) for part in parts if part.value)
            is_whole = all(part.value for part in parts)
            against = float(total.value) if is_whole else min(shown, float(total.value))
            yield Cell(figure, period, breakdown), shown, against


def _computed(evidence: Evidence) -> Compared:
    hidden = {cell for cell, row in evidence.rows.items() if row.conf_status == CONFIDENTIAL}
    for cell, row in evidence.rows.items():
        if row.value and not evidence.definitions[cell.figure].is_count:
            from_hidden = hidden.intersection(operands(cell, evidence.definitions))
            yield cell, len(from_hidden) if cell not in evidence.seen else 0, 0


def _of_few(evidence: Evidence) -> Compared:
    for cell, row in evidence.new_rows.items():
        if row.value and evidence.definitions[cell.figure].kind == "quantile":
            yield cell, evidence.threshold, evidence.durations.get(cell, 0)


def _without_solution(evidence: Evidence) -> Compared:
    for group in evidence.audit.contradictory:
        yield group[0], len(group), 0


def _untrue(evidence: Evidence) -> Compared:
    for relation, cells in evidence.audit.untrue:
        yield cells[0]._replace(figure=f"{relation}: {cells[0].figure}"), len(cells), 0


def _contradictions(evidence: Evidence) -> Compared:
    told = set()
    for *cell, published, found, cause in evidence.contradictions:
        if cause == VALUE:
            yield Cell(*cell), float(found), float(published)
        elif cause not in told:  # one finding for one cause, however many figures it concerns
            told.add(cause)
            yield Cell(*cell), float("nan"), float(published)


CHECKS = (
    Check(
        "no_small_count_is_public",
        "No count of persons who were answered, or of their conversations, answered attempts and "
        "referrals, is public for the first time below the threshold.",
        "=",
        _small_counts,
    ),
    Check(
        "no_hidden_cell_is_pinned",
        "From all that was ever published, no hidden count can be narrowed down to a range below "
        "the threshold.",
        "<=",
        _pinned,
    ),
    Check(
        "no_hidden_cell_is_pinned_anyway",
        "No hidden count can be narrowed down from what is out whatever this release hides: "
        "earlier contents, documents, and counts that are not protected.",
        "<=",
        _pinned_anyway,
        WARNING,
    ),
    Check(
        "what_tells_of_a_hidden_count_is_hidden_with_it",
        "Where conversations or answered attempts are hidden by time, both are, with the attempts "
        "and clicks; and attempts are hidden wherever the answered ones are.",
        "=",
        _apart,
    ),
    Check(
        "who_only_pressed_is_never_hidden",
        "Missed attempts, attempts outside opening hours, their visitors and hours open are never "
        "hidden.",
        "=",
        _never_hidden,
    ),
    Check(
        "no_two_contents_give_a_person_away",
        "Two contents of public/ between yearly closings differ by no small count of persons who "
        "were answered.",
        "<=",
        _differences,
    ),
    Check(
        "what_was_shown_stays_shown",
        "What public/ has shown once, it shows.",
        "=",
        _taken_back,
    ),
    Check(
        "public_values_are_those_of_the_figures",
        "What is public for the first time is the value of its figure, and provisional if that is.",
        "=",
        _values,
    ),
    Check(
        "only_closed_periods_are_public",
        "What is public for the first time is of a closed period, in a breakdown meant for it.",
        "=",
        _not_closed,
    ),
    Check(
        "only_free_figures_have_a_value",
        "Only free figures, final or provisional, have a value in public; all others have a mark "
        "instead.",
        "=",
        _without_mark,
    ),
    Check(
        "no_provisional_count_of_persons_is_public",
        "A provisional value that is public for the first time counts none who were answered, and "
        "is computed from no such count, and from nothing that goes with one, that a reader does "
        "not have already.",
        "=",
        _provisional,
    ),
    Check(
        "public_parts_add_up_to_their_total",
        "The parts of each public table add up to its total; where some are hidden, those that "
        "are shown do not exceed it.",
        "=",
        _parts,
    ),
    Check(
        "nothing_is_computed_from_hidden_counts",
        "No public share, change, mean, ratio or quantile is computed from a hidden count.",
        "=",
        _computed,
    ),
    Check(
        "no_quantile_is_that_of_a_few",
        "No quantile is public for the first time that rests on fewer conversations than the "
        "threshold.",
        "<=",
        _of_few,
    ),
    Check(
        "all_that_was_published_fits_together",
        "There are figures with which everything that was ever published can be true.",
        "=",
        _without_solution,
        WARNING,
    ),
    Check(
        "what_readers_rely_on_is_true",
        "No relation that always holds is broken by the true figures: the attacker concludes "
        "nothing from one that is.",
        "=",
        _untrue,
        WARNING,
    ),
    Check(
        "published_figures_have_the_same_value",
        "Every published figure still has the value that was published, or that of its revision, "
        "and what was final still is.",
        "=",
        _contradictions,
        WARNING,
    ),
)


def judge_publication(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> list[Finding]:
    """Judge what disclosure control left in the warehouse, and give the finding of each check."""
    evidence = read_evidence(connection, workspace)
    for relation, cells in evidence.audit.untrue[:LISTED]:
        named = ", ".join(" ".join(filter(None, cell)) for cell in cells)
        log.warning("The true figures break the relation %s: %s.", relation, named)
    return judge_evidence(evidence)


def judge_evidence(evidence: Evidence) -> list[Finding]:
    """Hold the evidence against every check."""
    return judge_identities(compare(evidence), CHECKS, subject="publication")


def compare(evidence: Evidence) -> pd.DataFrame:
    """Gather what the checks compare, as `expectations.identities.compare` does.

    A row is a comparison that does not hold, or the first of the `compared` that do.
    """
    rows = []
    for check in CHECKS:
        holding = []
        for cell, found, against in check.compare(evidence):
            row = (check.name, check.relation, *cell, float(found), float(against))
            holds = found == against if check.relation == "=" else found <= against
            if holds:
                holding.append(row)
            else:
                rows.append((*row, 1))
        rows += [(*row, len(holding)) for row in holding[:1]]
    return pd.DataFrame(rows, columns=COLUMNS)


def read_evidence(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> Evidence:
    """Read what the auditor looks at, from the warehouse and the latest release."""
    figures = connection.execute(
        """
        select figure, period, breakdown, category, coalesce(cast(value as varchar), ''), obs_status
        from figures.figures
        where conf_status <> 'N'
        """
    ).fetchall()
    closed = connection.execute("select period from figures.periods where is_closed").fetchall()
    contradictions = connection.execute(
        """
        select figure, period, breakdown, category, published, found, cause
        from disclosure.contradictions
        order by all
        """
    ).fetchall()
    return Evidence(
        before=read_seen(connection, workspace.published),
        proposed=read_proposed(connection),
        documents=published_documents(connection),
        definitions=read_definitions(connection),
        threshold=read_threshold(connection),
        figures={Cell(*row[:4]): (row[4], row[5]) for row in figures},
        closed=frozenset(period for (period,) in closed),
        durations=count_durations(connection),
        contradictions=contradictions,
    )
