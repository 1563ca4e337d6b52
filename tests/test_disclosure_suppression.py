"""The cells that are hidden: enough of them, at the least loss, and the same ones every time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from publish.disclosure.attacker import Range, audit
from publish.disclosure.cells import Cell, Definition, Publication
from publish.disclosure.derived import hidden_derived
from publish.disclosure.suppression import Pattern, Proposal, choose, default_weight, publish

COUNTS = {
    "conversations": "sum",
    "answered_sessions": "sum",
    "referrals": "sum",
    "new_callers": "sum",
    "callers": "distinct",
}
DEFINITIONS = {
    **{name: Definition(name, kind, True) for name, kind in COUNTS.items()},
    "clicks": Definition("clicks", "sum"),
    "callers_share_percent": Definition("callers_share_percent", "share", False, ("callers",)),
    "clicks_per_conversation": Definition(
        "clicks_per_conversation", "ratio", False, ("clicks", "conversations")
    ),
    "wait_seconds_median": Definition("wait_seconds_median", "quantile", False, ("conversations",)),
    "conversations_change_percent": Definition(
        "conversations_change_percent", "change", False, ("conversations",)
    ),
}
THRESHOLD = 5
# A relation as a textbook writes it: factors of cells, and what they come to at least and at most.
Row = tuple[dict[Cell, float], float, float]
INF = float("inf")


def equals(whole: Cell, parts: Iterable[Cell]) -> Row:
    return {whole: -1.0, **dict.fromkeys(parts, 1.0)}, 0.0, 0.0


def at_most(small: Iterable[Cell], large: Iterable[Cell]) -> Row:
    return {**dict.fromkeys(large, 1.0), **dict.fromkeys(small, -1.0)}, 0.0, INF


def widths(
    table: Mapping[Cell, int], hidden: AbstractSet[Cell], rows: list[Row]
) -> Iterator[tuple[Cell, float]]:
    """The width of each hidden cell by SciPy's solver, from a textbook's relations alone."""
    names = sorted({cell for row, _, _ in rows for cell in row} | set(hidden))
    index = {cell: number for number, cell in enumerate(names)}
    limits = [
        (1, None) if cell in hidden else (table[cell],) * 2 if cell in table else (0, None)
        for cell in names
    ]
    above, below = [], []
    for row, low, high in rows:
        factors = numpy.zeros(len(names))
        for cell, factor in row.items():
            factors[index[cell]] = factor
        if high < INF:
            above.append((factors, high))
        if low > -INF:
            below.append((-factors, -low))
    matrix = numpy.array([factors for factors, _ in above + below]).reshape(-1, len(names))
    sides = [side for _, side in above + below]
    for cell in sorted(hidden):
        ends = []
        for sign in (1.0, -1.0):
            costs = numpy.zeros(len(names))
            costs[index[cell]] = sign
            result = linprog(costs, matrix, sides, bounds=limits)
            assert result.status in (0, 3), result.message
            ends.append(sign * result.fun if result.status == 0 else sign * -INF)
        yield cell, ends[1] - ends[0]


def hour_of_week(day: int, hour: int) -> Cell:
    return Cell("conversations", "2022", "hour_of_week", f"{day}-{hour}")


def week_table(inner: list[list[int]]) -> tuple[dict[Cell, int], list[Row]]:
    """Conversations by weekday and hour with their margins, and how they add up."""
    total = Cell("conversations", "2022")
    days = range(1, len(inner) + 1)
    hours = range(18, 18 + len(inner[0]))
    table = {hour_of_week(d, h): inner[d - 1][h - 18] for d in days for h in hours}
    rows = []
    for breakdown, one, all_of_it in (
        ("weekday", days, lambda d: [hour_of_week(d, h) for h in hours]),
        ("hour", hours, lambda h: [hour_of_week(d, h) for d in days]),
    ):
        margins = [Cell(*total[:2], breakdown, str(code)) for code in one]
        for margin, code in zip(margins, one, strict=True):
            table[margin] = sum(table[cell] for cell in all_of_it(code))
            rows.append(equals(margin, all_of_it(code)))
        rows.append(equals(total, margins))
    return table | {total: sum(map(sum, inner))}, rows


def referral_table(values: list[int], period: str = "2022") -> tuple[dict[Cell, int], list[Row]]:
    parts = [Cell("referrals", period, "referred_by", str(code)) for code in range(len(values))]
    total = Cell("referrals", period)
    table = dict(zip(parts, values, strict=True)) | {total: sum(values)}
    return table, [equals(total, parts)]


def is_safe(table: Mapping[Cell, int], hidden: AbstractSet[Cell], rows: list[Row]) -> bool:
    return all(width >= THRESHOLD - 1e-6 for _, width in widths(table, hidden, rows))


def least_loss(table: Mapping[Cell, int], rows: list[Row]) -> float | None:
    """The loss of the cheapest safe pattern, by trying all of them in order of their loss."""
    primary = {cell for cell, value in table.items() if 0 < value < THRESHOLD}
    others = sorted(cell for cell, value in table.items() if value >= THRESHOLD)
    costs = {cell: default_weight(cell, table[cell]) for cell in others}
    patterns = [
        (sum(costs[cell] for cell in more), more)
        for size in range(len(others) + 1)
        for more in combinations(others, size)
    ]
    for loss, more in sorted(patterns):
        if is_safe(table, primary | set(more), rows):
            return loss
    return None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=2, max_size=6))
def test_a_total_and_its_parts_lose_the_least(values):
    table, rows = referral_table(values)
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    assert pattern.loss == pytest.approx(least_loss(table, rows))
    assert pattern.gap == 0


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=2))
def test_a_table_with_two_margins_loses_the_least(inner):
    table, rows = week_table(inner)
    expected = least_loss(table, rows)
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    if expected is not None:
        assert pattern.loss == pytest.approx(expected)
        assert is_safe(table, pattern.hidden, rows)


def test_the_threshold_and_the_weights_decide():
    table, _ = referral_table([3, 9, 20, 0])
    parts = sorted(cell for cell in table if cell.breakdown)
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    assert (pattern.primary, pattern.secondary) == ({parts[0]}, {parts[1]})
    assert choose(Proposal(table), DEFINITIONS, 3).hidden == frozenset()
    assert choose(Proposal(table), DEFINITIONS, 10).primary == {parts[0], parts[1]}
    dear = {parts[1]: 100.0}
    pattern = choose(
        Proposal(table), DEFINITIONS, THRESHOLD, weight=lambda cell, _: dear.get(cell, 1.0)
    )
    assert pattern.secondary & dear.keys() == set()
    assert pattern.loss == 1.0


def test_two_small_cells_beside_each_other_may_not_protect_each_other():
    table, rows = referral_table([1, 2, 30, 40])
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    assert len(pattern.primary) == 2
    assert len(pattern.secondary) == 1
    assert is_safe(table, pattern.hidden, rows)
    assert not is_safe(table, pattern.primary, rows)


def test_zeros_are_shown_and_protect_nobody():
    table, _ = referral_table([3, 0, 0, 20])
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    assert {table[cell] for cell in pattern.hidden} == {3, 20}


CHANNELS = ("chat", "mail_only")


@st.composite
def years_of_callers(draw) -> tuple[dict[Cell, int], list[Row]]:
    """Callers of some months and of their year, from persons who come by chat or by mail."""
    months = [f"2022-{month:02}" for month in range(1, draw(st.integers(2, 5)) + 1)]
    usual = st.sampled_from(["", "", "", "chat", "chat", "chat", "mail"])
    visits = draw(st.lists(st.lists(usual, min_size=5, max_size=5), min_size=8, max_size=45))
    table: dict[Cell, int] = {}
    for period, columns in [
        *((m, [i]) for i, m in enumerate(months)),
        ("2022", range(len(months))),
    ]:
        came = [{visit[i] for i in columns} - {""} for visit in visits]
        chat = sum("chat" in one for one in came)
        table[Cell("callers", period)] = sum(map(bool, came))
        table[Cell("callers", period, "channel", "chat")] = chat
        table[Cell("callers", period, "channel", "mail_only")] = sum(map(bool, came)) - chat
        firsts = [next((i for i in range(len(months)) if v[i] == "chat"), None) for v in visits]
        table[Cell("new_callers", period)] = sum(first in columns for first in firsts)
    return table, caller_rows(months)


def caller_rows(months: list[str]) -> list[Row]:
    rows = []
    for period in (*months, "2022"):
        callers, new = Cell("callers", period), Cell("new_callers", period)
        chat, mail = (Cell("callers", period, "channel", one) for one in CHANNELS)
        rows.append(equals(callers, [chat, mail]))
        rows.append(at_most([new], [chat]))
        if period in ("2022", "2022-01"):
            rows.append(equals(chat, [new]))
        if period != "2022":
            rows += [at_most([one], [one._replace(period="2022")]) for one in (callers, chat)]
    new = [Cell("new_callers", month) for month in months]
    rows.append(equals(Cell("new_callers", "2022"), new))
    for one in (
        Cell("callers", "2022"),
        *(Cell("callers", "2022", "channel", c) for c in CHANNELS),
    ):
        rows.append(at_most([one], [one._replace(period=month) for month in months]))
    return rows


@st.composite
def week_tables(draw) -> tuple[dict[Cell, int], list[Row]]:
    size = draw(st.integers(2, 4)), draw(st.integers(2, 5))
    values = st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 6, 8, 12, 20, 40])
    row = st.lists(values, min_size=size[1], max_size=size[1])
    return week_table(draw(st.lists(row, min_size=size[0], max_size=size[0])))


@st.composite
def shares_of_callers(draw) -> tuple[dict[Cell, int], list[Row], Publication]:
    """Callers by gender, of whom a document has printed some percentages."""
    values = draw(st.lists(st.integers(0, 30), min_size=3, max_size=6))
    base = Cell("callers", "2022")
    parts = [Cell("callers", "2022", "gender", str(code)) for code in range(len(values))]
    table = dict(zip(parts, values, strict=True)) | {base: sum(values)}
    rows = [equals(base, parts)]
    shown = {}
    for part in draw(st.sets(st.sampled_from(parts))) if sum(values) else ():
        decimals = draw(st.sampled_from(["1", "0.1"]))
        exact = Decimal(100 * table[part]) / sum(values)
        printed = exact.quantize(Decimal(decimals), rounding=ROUND_HALF_UP)
        half = float(decimals) / 2
        shown[part._replace(figure="callers_share_percent")] = printed
        rows.append(({part: 100.0, base: half - float(printed)}, 0.0, INF))
        rows.append(({part: 100.0, base: -half - float(printed)}, -INF, 0.0))
    return table, rows, Publication("answer", shown)


def check(
    table: dict[Cell, int], rows: list[Row], documents: list[Publication]
) -> tuple[Pattern, dict[Cell, float]]:
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD, documents=documents)
    small = {cell for cell, value in table.items() if 0 < value < THRESHOLD}
    assert pattern.primary == small
    assert not any(table[cell] == 0 for cell in pattern.hidden)
    assert pattern.contradictory == ()
    found = dict(widths(table, pattern.hidden, rows))
    unprotected = {cell for cell, _ in pattern.unprotected}
    for cell, width in found.items():
        assert width >= THRESHOLD - 1e-6 or cell in unprotected, (cell, width)
    return pattern, found


def check_unprotected(pattern: Pattern, table: dict[Cell, int], rows: list[Row]) -> None:
    """What is left unprotected could not be protected by hiding everything."""
    everything = {cell for cell, value in table.items() if value > 0}
    if pattern.unprotected:
        best = dict(widths(table, everything, rows))
        assert any(best[cell] < THRESHOLD + 1 for cell, _ in pattern.unprotected)


many = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(week_tables())
def test_random_tables_of_hours_and_weekdays_are_protected(drawn):
    table, rows = drawn
    pattern, _ = check(table, rows, [])
    assert pattern.unprotected == ()


@many
@given(years_of_callers())
def test_random_months_channels_and_years_are_protected(drawn):
    table, rows = drawn
    pattern, _ = check(table, rows, [])
    check_unprotected(pattern, table, rows)


@many
@given(shares_of_callers())
def test_random_tables_with_printed_percentages_are_protected(drawn):
    table, rows, document = drawn
    pattern, _ = check(table, rows, [document])
    check_unprotected(pattern, table, rows)


def test_what_was_shown_stays_shown_and_what_was_hidden_stays_hidden():
    table, _ = referral_table([3, 9, 20])
    parts = sorted(cell for cell in table if cell.breakdown)
    first = Publication(
        "first",
        {parts[1]: Decimal(9), Cell("referrals", "2022"): Decimal(32)},
        frozenset({parts[0], parts[2]}),
    )
    alone = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    assert alone.secondary == {parts[1]}
    after = choose(Proposal(table), DEFINITIONS, THRESHOLD, contents=[first])
    assert (after.primary, after.secondary) == ({parts[0]}, {parts[2]})
    # Without the first content, the nine would be the cheaper one to hide.
    waiting = replace(first, shown={Cell("referrals", "2022"): Decimal(32)})
    after = choose(Proposal(table), DEFINITIONS, THRESHOLD, contents=[waiting])
    assert after.secondary == {parts[2]}
    answer = Publication("answer", {parts[0]: Decimal(3)})
    assert choose(Proposal(table), DEFINITIONS, THRESHOLD, documents=[answer]).hidden == set()


def test_a_new_year_total_goes_if_its_months_would_tell():
    months = [referral_table([value], f"2022-{month:02}")[0] for month, value in ((1, 3), (2, 9))]
    totals = {cell: value for month in months for cell, value in month.items() if not cell[2]}
    january, february, year = (Cell("referrals", one) for one in ("2022-01", "2022-02", "2022"))
    content = Publication("first", {february: Decimal(9)}, frozenset({january}))
    pattern = choose(Proposal(totals | {year: 12}), DEFINITIONS, THRESHOLD, contents=[content])
    assert pattern.hidden == {january, year}
    answer = Publication("answer", {year: Decimal(12)})
    told = choose(Proposal(totals | {year: 12}), DEFINITIONS, THRESHOLD, [content], [answer])
    assert told.unprotected == ((january, Range(3, 3)),)


def test_a_percentage_in_a_document_is_taken_into_account():
    table = {
        Cell("callers", "2022"): 150,
        Cell("callers", "2022", "gender", "boy"): 17,
        Cell("callers", "2022", "gender", "girl"): 130,
        Cell("callers", "2022", "gender", "x"): 3,
    }
    boys = Cell("callers_share_percent", "2022", "gender", "boy")
    assert choose(Proposal(table), DEFINITIONS, THRESHOLD).secondary == {
        Cell("callers", "2022", "gender", "boy")
    }
    # 11 % of 150 are 16 or 17: boys no longer protect the three, the girls have to.
    answer = Publication("answer", {boys: Decimal(11)})
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD, documents=[answer])
    assert Cell("callers", "2022", "gender", "girl") in pattern.secondary


def test_derived_values_go_with_the_counts_they_are_computed_from():
    conversations = Cell("conversations", "2022-01")
    ratio, wait = (
        Cell(name, "2022-01") for name in ("clicks_per_conversation", "wait_seconds_median")
    )
    change = Cell("conversations_change_percent", "2023-01")
    derived = [ratio, wait, change]
    counts = {conversations: 60, Cell("conversations", "2023-01"): 40}

    def hidden(counts, hidden=frozenset(), **more) -> set[Cell]:
        return set(hidden_derived(derived, counts, hidden, DEFINITIONS, THRESHOLD, **more))

    assert hidden(counts) == set()
    assert hidden(counts, {conversations}) == {ratio, wait, change}
    assert hidden(counts, {conversations}, kept={change}) == {ratio, wait}
    assert hidden(counts, {Cell("conversations", "2023-01")}) == {change}
    # Shown, for a document had it: but the waiting time of three conversations is theirs.
    assert hidden(counts | {conversations: 3}) == {wait}
    later = {Cell("conversations", "2023-01"): 40}
    assert hidden(later, unseen={conversations: 60}) == set()
    assert hidden(later, unseen={conversations: 3}) == {ratio, wait, change}
    assert hidden(later) == {ratio, wait, change}


def test_a_change_against_a_range_that_is_not_public_is_taken_into_account():
    before = {
        Cell("conversations", f"2021-{month:02}"): value for month, value in ((1, 3), (2, 60))
    }
    now = {Cell("conversations", f"2022-{month:02}"): value for month, value in ((1, 30), (2, 33))}
    both = {Cell("conversations", "2022-01/2022-02"): 63}
    unseen = {Cell("conversations", "2021-01/2021-02"): 63}
    change = {Cell("conversations_change_percent", "2022-01/2022-02"): Decimal(0)}
    proposal = Proposal(before | now | both, derived=change, unseen=unseen)
    pattern = choose(proposal, DEFINITIONS, THRESHOLD)
    content = publish("content", proposal, pattern)
    assert audit([content], [], DEFINITIONS).narrower_than(THRESHOLD) == []
    assert pattern.secondary
    harmless = replace(proposal, derived={})
    assert choose(harmless, DEFINITIONS, THRESHOLD).secondary == set()


def test_the_same_input_gives_the_same_pattern_whatever_its_order():
    table, _ = week_table([[1, 8, 8, 0], [8, 8, 2, 40], [3, 8, 8, 8], [8, 1, 8, 8]])
    first = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    backwards = dict(reversed(table.items()))
    assert choose(Proposal(backwards), DEFINITIONS, THRESHOLD) == first


def test_a_node_limit_gives_a_safe_pattern_and_says_how_far_it_may_be_off():
    inner = [[(7 * d * d + 3 * h + d * h) % 11 for h in range(6)] for d in range(1, 8)]
    table, rows = week_table(inner)
    best = choose(Proposal(table), DEFINITIONS, THRESHOLD)
    hasty = choose(Proposal(table), DEFINITIONS, THRESHOLD, nodes=0)
    for pattern in (best, hasty):
        assert is_safe(table, pattern.hidden, rows)
    assert best.gap == 0
    assert hasty.loss >= best.loss
    assert hasty.loss * (1 - hasty.gap) <= best.loss + 1e-6


def test_a_pending_cell_protects_like_a_hidden_one():
    table, _ = referral_table([3, 9, 20])
    pending = frozenset({Cell("referrals", "2022")})
    counts = {cell: value for cell, value in table.items() if cell not in pending}
    pattern = choose(Proposal(counts, pending=pending), DEFINITIONS, THRESHOLD)
    assert pattern.secondary == set()


def test_after_a_revision_the_same_cells_stay_hidden():
    table, _ = referral_table([3, 9, 20])
    first = publish("first", Proposal(table), choose(Proposal(table), DEFINITIONS, THRESHOLD))
    revised, _ = referral_table([2, 40, 28])
    after = choose(Proposal(revised), DEFINITIONS, THRESHOLD, contents=[first])
    assert after.hidden == first.hidden
    assert (after.unprotected, after.contradictory) == ((), ())


def test_a_document_that_is_wrong_does_not_hold_up_the_choice():
    table, _ = referral_table([3, 9, 20, 40])
    parts = sorted(cell for cell in table if cell.breakdown)
    wrong = Publication("answer", {parts[1]: Decimal(90), Cell("referrals", "2022"): Decimal(72)})
    pattern = choose(Proposal(table), DEFINITIONS, THRESHOLD, documents=[wrong])
    assert pattern.hidden == {parts[0], parts[2]}
    assert pattern.contradictory == ()


def test_a_first_year_is_protected_though_its_new_callers_are_all_there_for_the_first_time():
    """In the year in which the logs begin both figures are one: showing either shows the other."""
    new = [6, 20, 25, 3, 22, 24, 27, 21, 23, 26, 28, 30]
    again = [0, 4, 9, 8, 8, 9, 9, 9, 9, 9, 9, 9]
    chats = Cell("callers", "", "channel", "chat")
    counts = {}
    for number, (value, others) in enumerate(zip(new, again, strict=True), start=1):
        month = f"2020-{number:02}"
        counts[Cell("new_callers", month)] = value
        counts[Cell("first_time_callers", month)] = value
        counts[chats._replace(period=month)] = value + others
    for cell in (Cell("new_callers", "2020"), Cell("first_time_callers", "2020")):
        counts[cell] = sum(new)
    counts[chats._replace(period="2020")] = sum(new)

    first_time = Definition("first_time_callers", "sum", is_protected=True)
    pattern = choose(Proposal(counts=counts), DEFINITIONS | {first_time.figure: first_time})

    assert pattern.primary
    assert pattern.unprotected == ()
