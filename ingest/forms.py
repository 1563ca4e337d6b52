"""What the lines of each of a helpline's tables have to be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from ingest.cells import (
    instant,
    optional,
    or_nothing,
    read_clock,
    read_closing_clock,
    read_count,
    read_day,
    read_decimal,
    read_last_day,
    read_log,
    read_period,
    read_responders,
    read_text,
    read_weekday,
    required,
)
from ingest.definitions import (
    FigureCells,
    describe_mistake_of_code,
    read_breakdown,
    read_definitions,
    read_figure,
)
from ingest.tables import Form, Row

# A pseudonym as analysts see it: DuckDB's text of a UUID.
PSEUDONYM = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
EXCLUDED_FIELDS = ("visitor", "page", "button", "campaign", "no_visitor")


def _opens_before_it_closes(row: Row) -> str | None:
    if row["opens"] < row["closes"]:
        return None
    return (
        f"closes ({row['closes'][:5]}) is not later than opens ({row['opens'][:5]}); "
        "write a night as two lines, the first to 24:00, the second from 00:00"
    )


def _in_order(first: str, last: str) -> Callable[[Row], str | None]:
    def check(row: Row) -> str | None:
        if row[first] and row[last] and row[last] < row[first]:
            return f"{last} ({row[last]}) is before {first} ({row[first]})"
        return None

    return check


OPENING_HOURS = Form(
    "opening_hours.csv",
    {
        "valid_from": read_day,
        "valid_to": optional(read_last_day),
        "weekday": read_weekday,
        "opens": read_clock,
        "closes": read_closing_clock,
        "responders": read_responders,
    },
    checks=(_opens_before_it_closes, _in_order("valid_from", "valid_to")),
    nothing="without opening hours nothing can be missed",
)
CLOSURES = Form("closures.csv", {"date": read_day, "reason": optional(read_text)})
EXTRA_OPENINGS = Form(
    "extra_openings.csv",
    {
        "date": read_day,
        "opens": read_clock,
        "closes": read_closing_clock,
        "responders": read_responders,
        "reason": optional(read_text),
    },
    checks=(_opens_before_it_closes,),
)


def _is_known_code(row: Row) -> str | None:
    return describe_mistake_of_code(row["breakdown"], row["code"])


CODES = Form(
    "codes.csv",
    {
        "breakdown": read_breakdown,
        "code": read_text,
        "label_nl": optional(read_text),
        "label_en": optional(read_text),
        "sort": read_count,
    },
    checks=(_is_known_code, _in_order("valid_from", "valid_to")),
    unique=("breakdown", "code"),
    optional_columns={
        "valid_from": optional(read_day),
        "valid_to": optional(read_last_day),
    },
)
DATA_GAPS = Form(
    "data_gaps.csv",
    {
        "log": read_log,
        "starts_on": read_day,
        "ends_on": read_last_day,
        "reason": optional(read_text),
    },
    checks=(_in_order("starts_on", "ends_on"),),
)
ACCEPTED = Form(
    "accepted.csv",
    {
        "log": read_log,
        "starts_on": read_day,
        "ends_on": read_day,
        "lost_lines": read_count,
        "reason": required("say why this is taken as it is"),
        "author": required("say who decided so"),
        "decided_on": read_day,
    },
    checks=(_in_order("starts_on", "ends_on"),),
    unique=("log", "starts_on", "ends_on"),
)
CAMPAIGNS = Form(
    "campaigns.csv",
    {
        "code": read_text,
        "name": read_text,
        "starts_on": optional(read_day),
        "ends_on": optional(read_last_day),
        "channel": optional(read_text),
    },
    checks=(_in_order("starts_on", "ends_on"),),
    unique=("code",),
)


def exclusions(zone: tzinfo, listed: Mapping[str, Sequence[str] | None]) -> Form:
    """Give the form of exclusions.csv for a helpline.

    Wall times are those of `zone`; `listed` are the pages, buttons and campaigns that the helpline
    knows, None for those that could not be read.
    """
    read_instant = instant(zone)
    return Form(
        "exclusions.csv",
        {
            "exclusion": required("give it a name"),
            "field": _read_excluded_field,
            "value": or_nothing(read_text),
            "starts_at": optional(read_instant),
            "ends_at": optional(read_instant),
            "reason": required("say why these events are taken out"),
            "author": required("say who decided so"),
            "expected_events": _read_expectation,
        },
        checks=(_value_is_known(listed), _ends_later_than_it_starts, _takes_out_a_part),
        unique=("exclusion",),
    )


def _read_excluded_field(cell: str) -> str:
    # The cell is not repeated: with cells in a wrong order it may be an identifier.
    if cell not in EXCLUDED_FIELDS:
        raise ValueError(
            f"is not one that events can be taken out by: {', '.join(EXCLUDED_FIELDS)}"
        )
    return cell


def _read_expectation(cell: str) -> str:
    if not re.fullmatch(r"\d{1,9}", cell):
        raise ValueError(
            "is not a whole number; write how many events it is expected to take out, such as 250"
        )
    return read_count(cell)


def _value_is_known(
    listed: Mapping[str, Sequence[str] | None],
) -> Callable[[Row], str | None]:
    def check(row: Row) -> str | None:
        # The value is never repeated: it may be an identifier in clear.
        field, value = row["field"], row["value"]
        if not value:
            return None if field == "no_visitor" else "value is empty; say what the field has to be"
        if field == "visitor":
            if re.fullmatch(PSEUDONYM, value):
                return None
            return (
                "value is not a visitor's pseudonym, and is not shown here, for it may be an "
                "identifier in clear; write the visitor_id that analysts see in analytics.duckdb, "
                "8-4-4-4-12 hexadecimal digits in lower case"
            )
        known = listed["page" if field == "no_visitor" else field]
        if known is None or value in known:
            return None
        if field == "page":
            return "value is not a page that helpline.toml lists; no event holds another"
        if field == "no_visitor":
            return "value is not a page that helpline.toml lists; leave it empty for every page"
        return f"value is not a code of {field}; there are {', '.join(known) or 'none yet'}"

    return check


def _ends_later_than_it_starts(row: Row) -> str | None:
    starts_at, ends_at = row["starts_at"], row["ends_at"]
    if not starts_at or not ends_at or starts_at < ends_at:
        return None
    return (
        f"ends_at ({ends_at} UTC) is not later than starts_at ({starts_at} UTC); "
        "a date is its midnight, so write the day after the last one"
    )


def _takes_out_a_part(row: Row) -> str | None:
    """Refuse to take out every event without a visitor, whenever it comes."""
    if row["field"] != "no_visitor" or row["value"] or (row["starts_at"] and row["ends_at"]):
        return None
    return (
        "takes out every event without a visitor, also those to come; write a page as value, or "
        "both starts_at and ends_at"
    )


def published(cells: FigureCells) -> Form:
    """Give the form of published.csv: `cells` knows which cells the figures have."""
    return Form(
        "published.csv",
        {
            "document": required("name the document that published the figure"),
            "published_on": read_day,
            **_CELL,
            "value": or_nothing(read_decimal),
            "as_printed": str,
        },
        checks=(
            cells.describe_mistake,
            _something_was_printed,
            _only_changes_are_negative,
            _counts_are_whole,
        ),
        unique=("document", "figure", "period", "breakdown", "category"),
    )


def revisions(cells: FigureCells) -> Form:
    """Give the form of revisions.csv: `cells` knows which cells the figures have."""
    return Form(
        "revisions.csv",
        {
            **_CELL,
            "figure": str,
            "value": _read_revised_value,
            "reason": required("say why the published figure is revised"),
            "author": required("say who decided so"),
            "decided_on": read_day,
        },
        checks=(
            _revised(_describe_unknown_figure),
            *map(_revised, (cells.describe_mistake, _only_changes_are_negative, _counts_are_whole)),
        ),
        unique=("figure", "period", "breakdown", "category", "decided_on"),
    )


_CELL = {"figure": read_figure, "period": read_period, "breakdown": str, "category": str}


# Of a revision: there is no final value any more, and public/ goes on showing what it showed.
STAYS_AS_IT_WAS = "-"


def _read_revised_value(cell: str) -> str:
    if not cell:
        raise ValueError("is empty; write the value that holds from now on, such as 4.9")
    return "" if cell == STAYS_AS_IT_WAS else read_decimal(cell)


def _revised(check: Callable[[Row], str | None]) -> Callable[[Row], str | None]:
    """Hold only revisions with a value of a known figure to a check that goes by its definition.

    What stays as it was may be a cell that figures do not have any more.
    """

    def check_revised(row: Row) -> str | None:
        is_known = row["figure"] in read_definitions()
        is_asked = is_known or check is _describe_unknown_figure
        return check(row) if row.get("value") != "" and is_asked else None

    return check_revised


def _describe_unknown_figure(row: Row) -> str | None:
    try:
        read_figure(row["figure"])
    except ValueError as mistake:
        return f"figure {mistake}"
    return None


def _something_was_printed(row: Row) -> str | None:
    if row["value"] or row["as_printed"]:
        return None
    return (
        "value and as_printed are both empty; write the value, or in as_printed what the document "
        "has instead of one, such as ***"
    )


def _counts_are_whole(row: Row) -> str | None:
    definition = read_definitions()[row["figure"]]
    if definition.kind not in ("sum", "distinct") or definition.decimals or "." not in row["value"]:
        return None
    return (
        f"value {row['value']!r} has decimals, and {row['figure']} counts whole ones; write "
        "thousands without a point"
    )


def _only_changes_are_negative(row: Row) -> str | None:
    kind = read_definitions()[row["figure"]].kind
    if not row["value"].startswith("-") or kind == "change":
        return None
    return f"value {row['value']!r} is negative, which {row['figure']} cannot be"
