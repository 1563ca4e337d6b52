"""What always holds between the counts of a helpline, whatever their values.

Sources: the definitions of the figures and the identities in docs/definitions.md, and what follows
from them. A relation that did not always hold would be worse than one that is wanting: an attacker
who is misled finds no table at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from ingest.definitions import PARTS_OF_DAY
from publish.disclosure.cells import Cell, Definitions
from publish.disclosure.derived import is_protected
from publish.disclosure.periods import is_month, is_within_a_year, months_of, starts_a_year
from publish.disclosure.relation import Relation
from publish.disclosure.together import ANSWERED, OUTCOMES
from publish.disclosure.together import TOTAL as TOTAL_ATTEMPTS

CHAT = ("channel", "chat")
MAIL = ("channel", "mail")
MAIL_ONLY = ("channel", "mail_only")
TOTAL = ("", "")
IN_HOURS = "answered_in_hours_attempts"

# Within one period, the first counts no more than the second.
ORDERED = (
    ("missed_pressers", TOTAL, "pressers", TOTAL),
    ("out_of_hours_pressers", TOTAL, "pressers", TOTAL),
    ("unreached_pressers", TOTAL, "missed_pressers", TOTAL),
    ("missed_pressers", TOTAL, "missed_attempts", TOTAL),
    ("out_of_hours_pressers", TOTAL, "out_of_hours_attempts", TOTAL),
    ("callers", TOTAL, "answered_sessions", TOTAL),
    ("callers", CHAT, "conversations", TOTAL),
    ("callers", MAIL_ONLY, "answered_sessions", MAIL),
    ("scheduled_conversations", TOTAL, "conversations", TOTAL),
    ("referrals", TOTAL, "answered_sessions", TOTAL),
    ("first_time_callers", TOTAL, "callers", CHAT),
)

# Distinct persons of whom each one of a part of a period is also one of the whole of it.
MONOTONE = frozenset(
    {
        ("pressers", *TOTAL),
        ("missed_pressers", *TOTAL),
        ("out_of_hours_pressers", *TOTAL),
        ("callers", *TOTAL),
        ("callers", *CHAT),
    }
)
# Distinct persons of whom each one of a period is also one of some month of it.
COVERED = MONOTONE | {("unreached_pressers", *TOTAL), ("callers", *MAIL_ONLY)}


@dataclass(frozen=True)
class Universe:
    """The cells that relations are sought between.

    `dense` are those of contents, which leave no category and no month out; a document may.
    """

    cells: AbstractSet[Cell]
    dense: AbstractSet[Cell]

    def months(self, whole: Cell) -> list[Cell] | None:
        """The months that a period's cell counts, or None if not all of them are there.

        A dense period counts the months that have rows at all (a period counts no other); of a
        period that only a document names, all its months have to be there.
        """
        months = months_of(whole.period)
        if whole in self.dense:
            months = [month for month in months if Cell(whole.figure, month) in self.dense]
        parts = [whole._replace(period=month) for month in months]
        return parts if parts and all(part in self.cells for part in parts) else None


def relate(universe: Universe, definitions: Definitions) -> list[Relation]:
    """All relations between the protected counts of a universe, sorted, none twice.

    Counts that are not protected (clicks, attempts) enter as the other side of inequalities.
    """
    protected = sorted(cell for cell in universe.cells if is_protected(cell, definitions))
    found = [
        *_categories(universe, protected),
        *_hours_of_week(universe, protected),
        *_sums_over_time(universe, protected, definitions),
        *_distinct_over_time(universe, protected),
        *_orders(universe, protected),
        *_new_callers(universe, protected),
        *_first_time_callers(universe, protected),
        *_reached(universe, protected),
        *_outcomes(universe),
    ]
    return list(dict.fromkeys(found))


def first_year(universe: Universe, pending: AbstractSet[Cell]) -> list[Relation]:
    """In the year in which the logs begin, who is new is there for the first time.

    Unless they begin in the middle of a month, which is then pending for ever: somebody can have
    come in it before they did. Or unless a month is missing, in which nobody can be new.
    """
    months = sorted(
        cell for cell in universe.dense if cell.figure == "new_callers" and is_month(cell.period)
    )
    if not months or months[0] in pending:
        return []
    of_first_year = [cell for cell in months if cell.period[:4] == months[0].period[:4]]
    until = f"{months[0].period}/{of_first_year[-1].period}"
    if len(of_first_year) != max(1, len(months_of(until))):
        return []
    pairs = [(cell, cell._replace(figure="first_time_callers")) for cell in of_first_year]
    return [Relation.sum(new, [first]) for new, first in pairs if first in universe.cells]


def _categories(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    groups = defaultdict(list)
    for cell in protected:
        if cell.breakdown:
            groups[cell.figure, cell.period, cell.breakdown].append(cell)
    for (figure, period, _), parts in groups.items():
        whole = Cell(figure, period)
        if whole in universe.cells:
            yield _sum_or_less(whole, parts, any(part in universe.dense for part in parts))
    for whole in protected:
        chats = whole._replace(figure="answered_sessions", breakdown=CHAT[0], category=CHAT[1])
        if whole[2:] == TOTAL and whole.figure == "conversations" and chats in universe.cells:
            yield Relation.sum(whole, [chats])


def _hours_of_week(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    """The hours of the week make up weekdays, hours and parts; the parts make up weekdays."""
    groups = defaultdict(list)
    for cell in protected:
        if cell.breakdown == "hour_of_week":
            weekday, hour = cell.category.split("-")
            part = f"{weekday}-{PARTS_OF_DAY[int(hour) // 6]}"
            for margin in (("weekday", weekday), ("hour", hour), ("part_of_week", part)):
                groups[cell[:2], margin, cell.breakdown].append(cell)
        elif cell.breakdown == "part_of_week":
            margin = ("weekday", cell.category.split("-")[0])
            groups[cell[:2], margin, cell.breakdown].append(cell)
    for (figure_and_period, margin, _), parts in groups.items():
        whole = Cell(*figure_and_period, *margin)
        if whole in universe.cells:
            yield _sum_or_less(whole, parts, any(part in universe.dense for part in parts))


def _sums_over_time(
    universe: Universe, protected: list[Cell], definitions: Definitions
) -> Iterator[Relation]:
    for whole in protected:
        if definitions[whole.figure].kind != "sum" or is_month(whole.period):
            continue
        months = universe.months(whole)
        given = [whole._replace(period=month) for month in months_of(whole.period)]
        given = [cell for cell in given if cell in universe.cells]
        if months:
            yield _sum_or_less(whole, months, True)
        elif given:
            yield _sum_or_less(whole, given, False)


def _distinct_over_time(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    series = defaultdict(list)
    for cell in protected:
        key = (cell.figure, cell.breakdown, cell.category)
        if key in COVERED and months_of(cell.period):
            series[key].append(cell)
    for key, cells in series.items():
        for whole in cells:
            if not is_month(whole.period):
                yield from _within(universe, key, whole, cells)


def _within(
    universe: Universe, key: tuple[str, str, str], whole: Cell, cells: list[Cell]
) -> Iterator[Relation]:
    """Parts of a period are at most the whole, the whole at most a part and the other months."""
    months = universe.months(whole)
    if months:
        yield Relation.at_most([whole], months)
    inside = set(months_of(whole.period))
    for part in cells:
        covered = set(months_of(part.period))
        if part != whole and covered <= inside:
            if key in MONOTONE:
                yield Relation.at_most([part], [whole])
            if months and not is_month(part.period):
                others = [month for month in months if month.period not in covered]
                yield Relation.at_most([whole], [part, *others])
            yield from (
                Relation.at_most([whole], [part, other])
                for other in cells
                if part < other != whole
                and set(months_of(other.period)) <= inside <= covered | set(months_of(other.period))
            )


def _orders(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    for small in protected:
        for figure, kind, larger_figure, larger_kind in ORDERED:
            large = Cell(larger_figure, small.period, *larger_kind)
            if (small.figure, small[2:]) == (figure, kind) and large in universe.cells:
                yield Relation.at_most([small], [large])


def _new_callers(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    """A chat caller is new once a year, in the first month with a conversation."""
    for chat in protected:
        if (chat.figure, chat[2:]) == ("callers", CHAT):
            new = Cell("new_callers", chat.period)
            if new in universe.cells and starts_a_year(chat.period):
                yield Relation.sum(chat, [new])
            elif new in universe.cells and is_within_a_year(chat.period):
                yield Relation.at_most([new], [chat])
            if is_month(chat.period):
                yield from _new_so_far(universe, chat)


def _first_time_callers(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    """Who is there for the first time ever is new in the year.

    Not in the first year, though: if the logs begin in the middle of a month, somebody can have
    been new in it before they did.
    """
    years = [cell.period[:4] for cell in universe.dense if cell.figure == "new_callers"]
    for first in protected:
        new = first._replace(figure="new_callers")
        is_known = first.figure == "first_time_callers" and new in universe.cells
        if is_known and is_month(first.period) and years and min(years) < first.period[:4]:
            yield Relation.at_most([first], [new])


def _new_so_far(universe: Universe, chat: Cell) -> Iterator[Relation]:
    """Whoever chats in a month was new in that month or in an earlier one of its year."""
    until = f"{chat.period[:4]}-01/{chat.period}"
    whole = Cell("new_callers", until)
    is_dense = chat in universe.dense
    extended = Universe(universe.cells, universe.dense | {whole}) if is_dense else universe
    months = extended.months(whole)
    if months and len(months) > 1:
        yield Relation.at_most([chat], months)


def _reached(universe: Universe, protected: list[Cell]) -> Iterator[Relation]:
    """Whoever had a missed attempt and is not unreached has an answered attempt as well."""
    for unreached in protected:
        if unreached.figure == "unreached_pressers":
            missed = unreached._replace(figure="missed_pressers")
            answered = unreached._replace(figure="answered_attempts")
            if missed in universe.cells and answered in universe.cells:
                yield Relation.at_most([missed], [unreached, answered])


def _outcomes(universe: Universe) -> Iterator[Relation]:
    """Each attempt has one outcome, in every cell."""
    for whole in sorted(cell for cell in universe.cells if cell.figure == TOTAL_ATTEMPTS):
        parts = [whole._replace(figure=figure) for figure in OUTCOMES]
        given = [part for part in parts if part in universe.cells]
        if whole._replace(figure=ANSWERED) in given:
            yield _sum_or_less(whole, given, len(given) == len(parts))
    for some in sorted(cell for cell in universe.cells if cell.figure == IN_HOURS):
        answered = some._replace(figure=ANSWERED)
        if answered in universe.cells:
            yield Relation.at_most([some], [answered])


def _sum_or_less(whole: Cell, parts: Iterable[Cell], is_complete: bool) -> Relation:
    return Relation.sum(whole, parts) if is_complete else Relation.at_most(parts, [whole])
