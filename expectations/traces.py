"""Text that looks as if it named somebody: looked for in all that would be published.

Only how often, where and which kind is ever said; never the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb
import pandas as pd

from publish.contents import Table, literal, published_tables, quoted

# Types that cannot hold a name, an address or a number to call. A UUID column holds pseudonyms.
NO_TEXT = re.compile(
    r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BOOLEAN|DECIMAL\([0-9,]+\)|DOUBLE|FLOAT|UUID"
    r"|DATE|INTERVAL|TIME|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?)(\[\])*"
)
# What looks like a trace and is none, where a whole text of a column is that and nothing else: the
# keyed id of a delivered file, as the manifest has it, and the pseudonym of an excluded visitor.
NO_TRACE = {
    "delivery_id": "^[0-9a-f]{16}$",
    "helpline.exclusions.value": "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$",
}
# Dates are taken out before numbers to call are looked for.
DATES = r"\b(\d{4}-\d{2}(-\d{2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})\b"
BYTE = r"(25[0-5]|2[0-4]\d|1?\d?\d)"


@dataclass(frozen=True)
class Kind:
    """One kind of trace, and the SQL condition that finds it in `text`.

    A condition may read `undated` too, the text without its dates.
    """

    name: str
    called: str
    condition: str


def _matches(pattern: str, text: str = "text") -> str:
    return f"regexp_matches({text}, '{pattern}')"


KINDS = (
    Kind(
        "e_mail_address",
        "an e-mail address",
        _matches(r"[^\s@,;<>]+@[^\s@,;<>]+\.[A-Za-z]{2,}"),
    ),
    Kind(
        "phone_number",
        "a phone number",
        # Belgian: 02 123 45 67, 0475/12.34.56, 32475123456; international: +31 6 12345678, 0031…
        _matches(r"\b0[1-9]([ ./-]?\d){7,8}\b", "undated")
        + " or "
        + _matches(r"\b32[ ./-]?4([ ./-]?\d){8}\b", "undated")
        + " or "
        + _matches(r"(\+|\b00)[1-9]\d{0,2}([ ./()-]{0,3}\d){6,12}\b", "undated"),
    ),
    Kind(
        "ip_address",
        "an IP address",
        _matches(rf"\b({BYTE}\.){{3}}{BYTE}\b")
        + " or "
        + _matches(r"(?i)\b([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b")
        + " or "
        + _matches(r"(?i)(^|[^0-9a-z:])([0-9a-f]{1,4}:){0,6}(:[0-9a-f]{1,4}){1,7}\b")
        + " and text like '%::%'",
    ),
    Kind(
        "uuid",
        "a UUID",
        _matches(r"(?i)[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"),
    ),
    Kind(
        "long_code",
        "a long code",
        # Hexadecimal, or letters and digits that change places more often than in any word or name.
        _matches(r"(?i)\b[0-9a-f]{16,}\b")
        + """ or len(list_filter(
            regexp_extract_all(text, '[0-9A-Za-z]{16,}'),
            lambda word: regexp_matches(word, '([0-9]+[A-Za-z]+){2}[0-9]')
                or regexp_matches(word, '([a-z]+[A-Z]+){3}') and regexp_matches(word, '[0-9]')
        )) > 0""",
    ),
    Kind(
        "long_number",
        "a long number",
        # Eleven digits and more, also as a national register number writes them.
        _matches(r"\b\d{11,}\b") + " or " + _matches(r"\b\d\d\.\d\d\.\d\d-\d{3}\.\d\d\b"),
    ),
)


def find_traces(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Count, for each text column that would be published and each kind, the texts that hold one.

    Columns: table_name, column_name, kind, texts. Each distinct text of a column counts once.
    """
    texts = " union all ".join(
        _texts(table, column)
        for table in published_tables(connection)
        for column in _text_columns(table)
    )
    counts = ", ".join(f"count(*) filter (where {kind.condition}) as {kind.name}" for kind in KINDS)
    return connection.execute(
        f"""
        with texts (table_name, column_name, text) as ({texts}),
        undated as (
            select *, regexp_replace(text, '{DATES}', ' ', 'g') as undated
            from texts
        ),
        counted as (select table_name, column_name, {counts} from undated group by all)
        unpivot counted
        on {", ".join(kind.name for kind in KINDS)}
        into name kind value texts
        order by all
        """
    ).df()


def _text_columns(table: Table) -> list[str]:
    return [name for name, kind in table.columns if not NO_TEXT.fullmatch(kind)]


def _texts(table: Table, column: str) -> str:
    """Give the SQL for a column's distinct texts, and for one row without text if it has none."""
    name = f"{literal(table.published)}, {literal(column)}"
    text = f"cast({quoted(column)} as varchar)"
    harmless = NO_TRACE.get(column) or NO_TRACE.get(f"{table.published}.{column}")
    if harmless:
        text = f"nullif({text}, regexp_extract({text}, '{harmless}'))"
    return f"""
        select {name}, null
        union all
        (select distinct {name}, {text} from {table.source})
    """
