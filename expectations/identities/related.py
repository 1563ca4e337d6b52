"""The identities that the registry of relations gives: one for each of its lines.

What the registry says is turned into SQL here, by kind; `publish/disclosure/links.py` turns the
same lines into what an attacker knows.
"""

from __future__ import annotations

from collections.abc import Callable

from expectations.identities.identity import Identity
from ingest.definitions import PARTS_OF_DAY
from publish.disclosure.registry import Entry, Term, entries

# Of which periods a relation holds, of the cells `cells`.
PERIODS = {
    "any": "true",
    "within_a_year": "period_type <> 'week' and year(starts_on) = year(ends_on)",
    "starts_a_year": """
        period_type <> 'week' and month(starts_on) = 1 and year(starts_on) = year(ends_on)
    """,
    "month_of_first_year": """
        period_type = 'month' and year(starts_on) = (select year(min(starts_on)) from chat_months)
        and (select is_run and is_whole from first_chat_year)
    """,
    "month_after_first_year": """
        period_type = 'month' and year(starts_on) > (select year(min(starts_on)) from chat_months)
    """,
}


def _listed(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{text}'" for text in texts) + "]"


def _is_of(term: Term) -> str:
    """Give the SQL for a cell being one of a term's."""
    return (
        f"(figure, breakdown, category) = ('{term.figure}', '{term.breakdown}', '{term.category}')"
    )


def _is_one_of(entry: Entry) -> str:
    """Give the SQL for a cell being one of the entry's; if it names none, any will do."""
    return " or ".join(_is_of(term) for side in entry.smaller for term in side) or "true"


def _is_figure_of(entry: Entry) -> str:
    figures = tuple(sorted(entry.figures))
    return f"list_contains({_listed(figures)}, figure)" if figures else "true"


def _between(entry: Entry) -> str:
    """Compare the sums of both sides in each period, and in each category of the breakdowns."""
    [smaller] = entry.smaller
    terms = ", ".join(
        f"('{side}', {times}, '{term.figure}', '{term.breakdown}', '{term.category}')"
        for side, counter in (("smaller", smaller), ("larger", entry.larger))
        for term, times in counter.items()
    )
    first = next(iter(smaller))
    shown = "period, if(terms.breakdown = '', cells.breakdown, '') as place_breakdown, "
    shown += "if(terms.breakdown = '', cells.category, '') as place_category"
    straddling = "+ coalesce(any_value(straddling.visitors), 0)" if entry.but_for else ""
    joined = "left join straddling using (period)" if entry.but_for else ""
    known = "where period not in (from unknown_straddling)" if entry.but_for else ""
    return f"""
        with terms as (
            from (values {terms}) as terms (side, times, figure, breakdown, category)
        ),
        sides as (
            select {shown}, side, times * amount as amount
            from cells
            inner join terms
                on cells.figure = terms.figure
                and if(
                    terms.breakdown = '',
                    list_contains({_listed(("", *entry.breakdowns))}, cells.breakdown),
                    (cells.breakdown, cells.category) = (terms.breakdown, terms.category)
                )
            anti join remembered on
                cells.figure = remembered.figure and cells.period = remembered.period
            where {PERIODS[entry.periods]}
        ),
        summed as (
            select period, place_breakdown, place_category,
                sum(amount) filter (where side = 'smaller') as found,
                sum(amount) filter (where side = 'larger') as against
            from sides
            group by all
            having count(amount) = {len(smaller) + len(entry.larger)}
        )
        select '{first.figure}' as figure, period,
            if(place_breakdown = '', '{first.breakdown}', place_breakdown) as breakdown,
            if(place_category = '', '{first.category}', place_category) as category,
            any_value(found) as found, any_value(against) {straddling} as against
        from summed
        {joined}
        {known}
        group by all
    """


def _categories(entry: Entry) -> str:
    """Compare the sums of counted cells with the totals of their periods."""
    return f"""
        select figure, period, breakdown, '' as category, summed as found, total as against
        from sums_of_cells
        where list_contains({_listed(entry.breakdowns)}, breakdown) and {_is_figure_of(entry)}
    """


def _categories_or_none(entry: Entry) -> str:
    return f"""
        select figure, period, '' as breakdown, '' as category,
            sum(amount) filter (where breakdown = '') as found,
            coalesce(
                sum(amount) filter (where list_contains({_listed(entry.breakdowns)}, breakdown)), 0
            ) as against
        from cells
        where {_is_figure_of(entry)} and amount is not null
        group by figure, period
        having count(*) filter (where breakdown = '') > 0
    """


def _coarser(entry: Entry) -> str:
    pairs = ", ".join(
        f"('{finer}', '{coarser}')"
        for finer, coarser in (pair.split(">") for pair in entry.breakdowns)
    )
    return f"""
        with pairs as (from (values {pairs}) as pairs (finer, coarser)),
        fine as (
            select
                figure,
                period,
                finer,
                coarser as breakdown,
                case coarser
                    when 'weekday' then split_part(category, '-', 1)
                    when 'hour' then split_part(category, '-', 2)
                    else split_part(category, '-', 1) || '-' || list_extract(
                        {_listed(PARTS_OF_DAY)},
                        try_cast(split_part(category, '-', 2) as integer) // 6 + 1
                    )
                end as category,
                numerator
            from cells
            inner join pairs on breakdown = finer
        ),
        sums as (
            select figure, period, finer, breakdown, category, sum(numerator) as numerator
            from fine
            group by all
            having count(numerator) = count(*)
        )
        select figure, period, breakdown, category,
            sums.numerator / denominator as found, amount as against
        from sums
        inner join cells using (figure, period, breakdown, category)
        where amount is not null
    """


def _months(entry: Entry) -> str:
    if not entry.smaller:
        return """
            select figure, period, breakdown, category, amount as found, summed as against
            from wholes
            where kind = 'sum' and unknown = 0 and summed is not null
        """
    [[whole]] = entry.smaller
    [part] = entry.larger
    return f"""
        with named as (
            select period, amount
            from cells
            where {_is_of(whole)} and {PERIODS[entry.periods]} and amount is not null
        )
        select wholes.figure, period, '' as breakdown, '' as category,
            wholes.summed as found, named.amount as against
        from wholes
        inner join named using (period)
        where {_is_of(part)} and unknown = 0 and summed is not null
    """


def _monotone(entry: Entry) -> str:
    return f"""
        select figure, period, breakdown, category, largest as found, amount as against
        from wholes
        where largest is not null and ({_is_one_of(entry)})
    """


def _monotone_but(entry: Entry) -> str:
    [[smaller]] = entry.smaller
    [larger] = entry.larger
    return f"""
        with others as (
            select period, summed from wholes where {_is_of(larger)} and unknown = 0
        ),
        own as (
            select starts_on, amount
            from cells
            where {_is_of(larger)} and period_type = 'month' and amount is not null
        ),
        months as (
            select starts_on, amount
            from cells
            where {_is_of(smaller)} and period_type = 'month' and amount is not null
        )
        select wholes.figure, wholes.period, '' as breakdown,
            strftime(months.starts_on, '%Y-%m') as category,
            months.amount as found, wholes.amount + others.summed - own.amount as against
        from comparable as wholes
        inner join others using (period)
        inner join months on months.starts_on between wholes.starts_on and wholes.ends_on
        inner join own on own.starts_on = months.starts_on
        where {_is_of(smaller)} and wholes.period_type in ('year', 'range')
            and wholes.amount is not null
    """


def _covered(entry: Entry) -> str:
    return f"""
        select figure, period, breakdown, category, amount as found, summed as against
        from wholes
        where unknown = 0 and summed is not null and ({_is_one_of(entry)})
    """


def _so_far(entry: Entry, begins: str, is_fit: str) -> str:
    [[smaller]] = entry.smaller
    [larger] = entry.larger
    return f"""
        with months as (
            select starts_on, amount, obs_status
            from cells
            where {_is_of(larger)} and period_type = 'month' and obs_status <> 'O'
        ),
        first as (
            select min(starts_on) as starts_on, arg_min(obs_status, starts_on) as obs_status
            from months
        ),
        wholes as (
            select period, starts_on, ends_on, amount
            from cells
            where {_is_of(smaller)} and amount is not null and {PERIODS[entry.periods]}
        )
        select '{smaller.figure}' as figure, period, '{smaller.breakdown}' as breakdown,
            '{smaller.category}' as category,
            any_value(wholes.amount) as found, sum(months.amount) as against
        from wholes
        cross join first
        inner join months
            on months.starts_on >= {begins} and months.starts_on <= wholes.ends_on
        group by period
        having count(*) = count(months.amount) and any_value({is_fit})
    """


def _so_far_in_year(entry: Entry) -> str:
    return _so_far(entry, "date_trunc('year', wholes.starts_on)", "true")


def _so_far_ever(entry: Entry) -> str:
    """The months run from the first one on; of that itself it is said only if it is final."""
    is_fit = "first.obs_status = 'A' or wholes.starts_on > first.starts_on"
    query = _so_far(entry, "first.starts_on", is_fit)
    return f"""
        {query}
            and count(*) = any_value(
                date_diff('month', first.starts_on, wholes.ends_on) + 1
            )
    """


def _weeks_inside(_entry: Entry) -> str:
    return """
        select wholes.figure, wholes.period, '' as breakdown, '' as category,
            sum(weeks.numerator) / any_value(wholes.denominator) as found,
            any_value(wholes.amount) as against
        from comparable as wholes
        inner join comparable as weeks
            on wholes.figure = weeks.figure
            and weeks.period_type = 'week'
            and weeks.starts_on >= wholes.starts_on
            and weeks.ends_on <= wholes.ends_on
        where wholes.period_type <> 'week' and wholes.kind = 'sum'
            and wholes.breakdown = '' and weeks.breakdown = ''
            and wholes.amount is not null and weeks.amount is not null
        group by wholes.figure, wholes.period
    """


def _weeks_around(_entry: Entry) -> str:
    return """
        select wholes.figure, wholes.period, '' as breakdown, '' as category,
            any_value(wholes.amount) as found,
            sum(weeks.numerator) / any_value(wholes.denominator) as against
        from comparable as wholes
        inner join comparable as weeks
            on wholes.figure = weeks.figure
            and weeks.period_type = 'week'
            and weeks.ends_on >= wholes.starts_on
            and weeks.starts_on <= wholes.ends_on
        where wholes.period_type <> 'week' and wholes.kind = 'sum' and wholes.obs_status = 'A'
            and wholes.breakdown = '' and weeks.breakdown = ''
            and wholes.amount is not null and weeks.amount is not null
        group by wholes.figure, wholes.period
        -- All of them, or there is nothing to compare with.
        having count(distinct weeks.period) = any_value(
            date_diff(
                'week', date_trunc('week', wholes.starts_on), date_trunc('week', wholes.ends_on)
            ) + 1
        )
    """


QUERIES: dict[str, Callable[[Entry], str]] = {
    "equal": _between,
    "at_most": _between,
    "categories": _categories,
    "categories_or_none": _categories_or_none,
    "coarser": _coarser,
    "months": _months,
    "monotone": _monotone,
    "monotone_but": _monotone_but,
    "covered": _covered,
    "so_far_in_year": _so_far_in_year,
    "so_far": _so_far_ever,
    "weeks_inside": _weeks_inside,
    "weeks_around": _weeks_around,
}
EQUALITIES = ("equal", "categories", "categories_or_none", "coarser", "months")

RELATED = tuple(
    Identity(
        entry.relation,
        entry.sentence_en,
        "=" if entry.kind in EQUALITIES else "<=",
        QUERIES[entry.kind](entry),
    )
    for entry in entries()
)
