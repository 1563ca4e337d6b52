"""Raw text to pseudonymous rows, in a database without a file: it never touches the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from ingest.content import Block
from ingest.helpline import Helpline
from ingest.keys import Keys
from ingest.problem import Problem
from ingest.warehouse import Withheld, connect, run

# Any change to what a stored row looks like for the same line needs a new number here: every
# delivery whose file is still there is then read again.
READING_VERSION = 1
QUERY = Path(__file__).with_name("reading.sql")

EVENT_COLUMNS = (
    "delivery_id",
    "line_number",
    "event_id",
    "source_id",
    "event_type",
    "session_id",
    "visitor_id",
    "client_id",
    "responder_id",
    "channel",
    "button",
    "page",
    "campaign",
    "scheduled_for",
    "scheduled_by",
    "gender",
    "age",
    "topics",
    "referred_by",
    "log",
    "occurred_at",
    "starts_at",
    "ends_at",
    "unfit_fields",
)

# What reading.sql says of lines that are no events to be written, and no rejects either.
NO_REJECTS = "('blank', 'stored', 'expired')"
REJECT_COLUMNS = ("delivery_id", "line_number", "reason")

# RFC 3339, section 5.6: full-date "T" full-time, with an offset; a space may stand for the T. The
# years are those that every tool behind this one can hold.
RFC_3339 = (
    r"[12]\d{3}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
# Everything before the path (scheme and host), the path, and what follows it (query, fragment).
URL = r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)"
WHOLE_NUMBER = r"([0-9]{1,3})(\.0+)?"

MACROS = rf"""
create macro identifier(value) as
    case when value in ('', 'null', 'undefined', '0') then null else value end;
create macro instant(value) as
    case
        when regexp_full_match(value, '{RFC_3339}')
            then make_timestamp(epoch_us(try_cast(upper(value) as timestamptz)))
    end;
create macro path(value) as
    case when value <> '' then coalesce(nullif(regexp_extract(value, '{URL}', 1), ''), '/') end;
create macro whole_number(value) as
    case
        when regexp_full_match(value, '{WHOLE_NUMBER}')
            and try_cast(regexp_extract(value, '{WHOLE_NUMBER}', 1) as smallint) between 0 and 120
            then try_cast(regexp_extract(value, '{WHOLE_NUMBER}', 1) as smallint)
    end;
create macro listed(value, codes) as
    case
        when value is null then null
        when list_contains(codes, value) then value
        else 'unlisted'
    end;
-- HMAC-SHA-256 (RFC 2104) of kind and value, the first 128 bits as a UUID.
create macro pseudonym(inner_pad, outer_pad, kind, value) as
    cast(
        left(sha256(outer_pad || unhex(sha256(inner_pad || encode(kind || ':' || value)))), 32)
        as uuid
    );
"""


def reading_fingerprint(helpline: Helpline) -> str:
    """Return a fingerprint of the reading code and of all settings that decide what a row holds."""
    decisive = {
        "version": READING_VERSION,
        "timezone": helpline.timezone,
        "starts_on": helpline.starts_on.isoformat(),
        "pages": sorted(helpline.pages),
        "codes": {name: sorted(codes) for name, codes in sorted(helpline.coded_fields().items())},
    }
    text = json.dumps(decisive, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(repr=False)
class Batch:
    """Blocks of lines to be read at once. Never shows its text."""

    delivery_ids: list[str] = field(default_factory=list)
    loaded_ats: list[datetime] = field(default_factory=list)
    first_lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, delivery_id: str, loaded_at: datetime, block: Block) -> None:
        """Append a block of a delivery."""
        self.delivery_ids.append(delivery_id)
        self.loaded_ats.append(loaded_at)
        self.first_lines.append(block.first_line)
        self.texts.append(block.text)
        self.size += len(block.text)

    def extend(self, other: Batch) -> None:
        """Append all blocks of another batch."""
        self.delivery_ids += other.delivery_ids
        self.loaded_ats += other.loaded_ats
        self.first_lines += other.first_lines
        self.texts += other.texts
        self.size += other.size

    def extent(self) -> tuple[int, int]:
        """Give the least and the greatest number of a line, of whatever delivery."""
        blocks = zip(self.first_lines, self.texts, strict=True)
        return min(self.first_lines), max(first + text.count("\n") for first, text in blocks)

    def clear(self) -> None:
        """Forget all blocks."""
        self.__init__()


class Reader:
    """Reads batches of raw text into pseudonymous rows that the warehouse can take over."""

    def __init__(
        self,
        keys: Keys,
        helpline: Helpline,
        memory: str,
        closed_before: datetime | None = None,
        new_years: Sequence[datetime] = (),
    ) -> None:
        """Prepare a database in memory. Keys enter it as bound parameters only.

        Events before `closed_before` (UTC, without a zone) are of closed years; `new_years` are the
        first instants of the years that have keys of their own, from the helpline's first one on.
        Neither is part of the fingerprint of the reading: a closing has nothing read again, and
        `ingest.rotation` sees to what has to be when keys rotate from another year.
        """
        self._keys = keys
        self._first_year = helpline.rotate_keys_from
        self._new_years = list(new_years)
        self._connection = connect(memory)
        # Small row groups, so that a batch of some ten thousand lines keeps every core busy.
        run(self._connection, "attach ':memory:' as batch (row_group_size 4096, block_size 16384)")
        run(self._connection, "use batch")
        for macro in MACROS.split(";\n"):
            if macro.strip():
                run(self._connection, macro)
        self._take_keys()
        codes = helpline.coded_fields()
        run(
            self._connection,
            """
            create table helpline as
            select
                $starts_at::timestamp as starts_at,
                $closed_before::timestamp as closed_before,
                $pages::varchar[] as pages,
                $button::varchar[] as buttons,
                $campaign::varchar[] as campaigns,
                $gender::varchar[] as genders,
                $topics::varchar[] as topics,
                $referred_by::varchar[] as referrers,
                $scheduled_by::varchar[] as schedulers
            """,
            {
                "starts_at": helpline.starts_at(),
                "closed_before": closed_before,
                "pages": sorted(helpline.pages),
                **codes,
            },
        )
        run(
            self._connection,
            "create table lines_before (delivery_id varchar, line_number bigint, is_event boolean)",
        )
        self._query = QUERY.read_text(encoding="utf-8")

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def _take_keys(self) -> None:
        """Hand over the keys that there are so far; the pads of a year without one are empty."""
        years = range(len(self._new_years))
        keys = [self._keys.of_years.get(self._first_year + number) for number in years]
        pads = [key.pads() if key else (None, None) for key in keys]
        run(
            self._connection,
            """
            create or replace table pads as
            select
                $1::blob as inner_pad,
                $2::blob as outer_pad,
                $3::timestamp[] as keys_change_at,
                $4::blob[] as inner_pads,
                $5::blob[] as outer_pads
            """,
            [
                *self._keys.lasting.pads(),
                self._new_years or None,
                [inner for inner, _ in pads],
                [outer for _, outer in pads],
            ],
        )

    def _pseudonymise(self) -> None:
        """Make `readings` of `lines`; once more if events of years without a key were met."""
        run(self._connection, self._query)
        if not self._new_years:
            return
        missing = run(
            self._connection, "select distinct missing_key from readings where missing_key > 0"
        )
        for (number,) in sorted(missing):
            self._keys.of(self._first_year + number - 1)
        if missing:
            self._take_keys()
            run(self._connection, self._query)

    def read(
        self,
        batch: Batch,
        what: str,
        again: Iterable[str] = (),
        lines_before: Rows | None = None,
    ) -> None:
        """Read a batch; its rows then wait in `events`, `rejects` and `counts`.

        Of deliveries that are read again, `again`, `lines_before` are the lines whose event of a
        closed year is stored (`is_event`) and the lines that were set aside before: a stored event
        stays as it is, and any other line of a closed year was an event that has expired.

        `what` says in an error which file and lines were being read. Raises Problem if there is not
        enough memory, else Withheld; neither shows a value.
        """
        with _named(what):
            self._take_over(lines_before)
            run(
                self._connection,
                """
                create or replace table lines as
                select
                    delivery_id,
                    loaded_at,
                    first_line + position - 1 as line_number,
                    line,
                    delivery_id in (select unnest($5::varchar[])) as is_read_again,
                from (
                    select
                        delivery_id,
                        loaded_at,
                        first_line,
                        unnest(pieces) as line,
                        unnest(range(1, len(pieces) + 1)) as position,
                    from (
                        select
                            unnest($1::varchar[]) as delivery_id,
                            unnest($2::timestamp[]) as loaded_at,
                            unnest($3::bigint[]) as first_line,
                            string_split(unnest($4::varchar[]), chr(10)) as pieces,
                    )
                )
                """,
                [batch.delivery_ids, batch.loaded_ats, batch.first_lines, batch.texts, list(again)],
            )
            self._pseudonymise()
            run(self._connection, "drop table lines")

    def _take_over(self, lines_before: Rows | None) -> None:
        """Take over what stood in the lines before, for the query to look at."""
        run(self._connection, "truncate lines_before")
        if lines_before:
            self._connection.register("given", lines_before)
            try:
                run(self._connection, "insert into lines_before from given")
            finally:
                with suppress(duckdb.Error):  # after a failure, everything is forgotten anyway
                    self._connection.unregister("given")

    def events(self) -> duckdb.DuckDBPyRelation:
        """Rows of raw.events of the batch that was read last."""
        columns = ", ".join(EVENT_COLUMNS)
        return self._connection.sql(f"select {columns} from readings where reason is null")

    def rejects(self) -> duckdb.DuckDBPyRelation:
        """Rows of raw.rejects of the batch that was read last."""
        return self._connection.sql(
            f"select {', '.join(REJECT_COLUMNS)} from readings where reason not in {NO_REJECTS}"
        )

    def counts(self) -> list[Counts]:
        """Count what the lines of the batch that was read last have become, by delivery."""
        rows = run(
            self._connection,
            f"""
            select
                delivery_id,
                count(*) filter (reason is null),
                count(*) filter (reason not in {NO_REJECTS}),
                count(*) filter (reason = 'blank'),
                count(*) filter (reason = 'stored'),
                count(*) filter (reason = 'expired'),
            from readings
            group by delivery_id
            """,
        )
        return [Counts(*row) for row in rows]


class Counts(NamedTuple):
    """What the lines of one delivery in one batch have become.

    `stored` lines have an event of a closed year in the warehouse already; that of `expired` ones
    has been deleted.
    """

    delivery_id: str
    written: int
    rejects: int
    blank_lines: int
    stored: int
    expired: int

    @property
    def events(self) -> int:
        """Lines that are, or once were, a row of raw.events."""
        return self.written + self.stored + self.expired


class Rows:
    """Rows of one database, for another to take over without Python touching them (Arrow)."""

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation

    def __arrow_c_stream__(self, requested_schema=None):
        """Hand out the rows as the Arrow PyCapsule interface has it."""
        return self._relation.__arrow_c_stream__(requested_schema)


@contextmanager
def _named(what: str) -> Iterator[None]:
    failure = None
    try:
        yield
    except (Problem, Withheld) as error:
        failure = type(error)(f"While reading {what}: {error}")
    if failure:
        raise failure
