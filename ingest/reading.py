"""Raw text to pseudonymous rows, in a database without a file: it never touches the disk."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import accumulate
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
READING_VERSION = 2
QUERY = Path(__file__).with_name("reading.sql")
REJECTED = Path(__file__).with_name("rejected.sql")

# A table in memory is one row group, which one thread scans, whatever `row_group_size` says of it.
HALVES = ("lines_1", "lines_2")
LITTLE_MEMORY_KIB = 200 * 1024

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
REJECT_COLUMNS = (
    "delivery_id",
    "line_number",
    "reason",
    "event_type",
    "log",
    "local_date",
    "event_id",
    "line_id",
)

# RFC 3339, section 5.6: full-date "T" full-time, with an offset; a space may stand for the T. The
# years are those that every tool behind this one can hold.
RFC_3339 = (
    r"[12]\d{3}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
)
# No chat helpline is older: a time before is that of a clock that was never set, such as 1970.
FIRST_POSSIBLE = "1990-01-01"
# Everything before the path (scheme and host), the path, and what follows it (query, fragment).
URL = r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)"
WHOLE_NUMBER = r"([0-9]{1,3})(\.0+)?"

KNOWN_TYPE = (
    r"helpline\.(?:button\.clicked|log\.covered"
    r"|session\.(?:scheduled|requested|answered|abandoned|ended|registered))"
)
# What software writes where it has no identifier, in any case; blanks around it make no difference.
NO_IDENTIFIERS = (
    "-", "null", "none", "nil", "nan", "n/a", "undefined", "unknown", "anonymous", "guest", "true",
    "false", "[object object]", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
BLANK = r"[\s\p{Z}]*"
ZERO = r"[-+]?0+(?:[.,]0*)?(?:e[-+]?\d+)?"
# Whatever begins with one of these is none of them; most identifiers are told by that alone.
BEGINS_NO_IDENTIFIER = "123456789bcdehijklmopqrsvwxyzBCDEHIJKLMOPQRSVWXYZ"
NO_IDENTIFIER = rf"(?i){BLANK}(?:|{ZERO}|{'|'.join(map(re.escape, NO_IDENTIFIERS))}){BLANK}"
# What may be another kind of value than text, or a number that can be written otherwise.
NO_PLAIN_TEXT = r"^(?:[{\[]|(?:true|false|-?\d+\.\d+|-?\d+(?:\.\d+)?[eE][-+]?\d+)$)"

MACROS = rf"""
-- A text as it is, a number as it is written shortest; null for what is neither.
-- `value` is what `line` has at `place`.
create macro scalar(value, line, place) as
    case
        when not contains('{{[tf-0123456789', left(value, 1)) then value
        when not regexp_matches(value, '{NO_PLAIN_TEXT}') then value
        when json_type(line, place) = 'VARCHAR' then value
        when json_type(line, place) in ('OBJECT', 'ARRAY', 'BOOLEAN') then null
        else coalesce(
            regexp_replace(try_cast(try_cast(value as decimal(38, 12)) as varchar), '\.?0+$', ''),
            value
        )
    end;
create macro identifier(value, further) as
    case
        when len(further) > 0 and list_contains(further, lower(trim(value))) then null
        when value <> '' and contains('{BEGINS_NO_IDENTIFIER}', left(value, 1)) then value
        when not regexp_full_match(value, '{NO_IDENTIFIER}') then value
    end;
-- A leap second is the last microsecond before the next minute.
create macro without_leap_second(value) as
    if(substr(value, 18, 2) = '60', regexp_replace(value, ':60(\.\d+)?', ':59.999999'), value);
create macro instant(value) as
    case
        when regexp_full_match(value, '{RFC_3339}')
            then make_timestamp(epoch_us(try_cast(
                upper(without_leap_second(value)) as timestamptz
            )))
    end;
create macro first_possible() as timestamp '{FIRST_POSSIBLE}';
create macro text_of_base64(value) as try(decode(from_base64(value)));
create macro with_data(event, data) as
    json_merge_patch(
        event, json_object('data', if(json_valid(data), json(data), json('"no JSON"')))
    );
create macro possible(moment, loaded_at) as
    case
        when moment >= first_possible() and moment <= loaded_at + interval 1 day
            then moment
    end;
create macro time_within(line) as
    instant(nullif(regexp_extract(line, '"time"\s*:\s*"({RFC_3339})"', 1), ''));
create macro type_within(line) as nullif(regexp_extract(line, '{KNOWN_TYPE}'), '');
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
        "no_identifiers": sorted(helpline.no_identifiers),
        "other_types": sorted(helpline.other_types),
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
    reasons: list[str | None] = field(default_factory=list)
    size: int = 0
    lines: int = 0

    def add(self, delivery_id: str, loaded_at: datetime, block: Block) -> None:
        """Append a block of a delivery."""
        self.delivery_ids.append(delivery_id)
        self.loaded_ats.append(loaded_at)
        self.first_lines.append(block.first_line)
        self.texts.append(block.text)
        self.reasons.append(block.reason)
        self.size += len(block.text)
        self.lines += block.text.count("\n") + 1

    def extend(self, other: Batch) -> None:
        """Append all blocks of another batch."""
        self.delivery_ids += other.delivery_ids
        self.loaded_ats += other.loaded_ats
        self.first_lines += other.first_lines
        self.texts += other.texts
        self.reasons += other.reasons
        self.size += other.size
        self.lines += other.lines

    def halves(self) -> tuple[slice, slice]:
        """Share out the blocks, in their order, over two parts of about the same size."""
        starts = accumulate(map(len, self.texts), initial=0)
        middle = sum(start < self.size / 2 for start in starts)
        return slice(middle), slice(middle, None)

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
        self._dates: dict[str, tuple[date | None, date | None]] = {}
        self._connection = connect(memory)
        if memory.endswith("KiB") and int(memory[:-3]) < LITTLE_MEMORY_KIB:
            run(self._connection, "set threads = 1")  # each takes its own
        run(self._connection, "attach ':memory:' as batch (block_size 16384)")
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
                $timezone as timezone,
                $no_identifiers::varchar[] as no_identifiers,
                $other_types::varchar[] as other_types,
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
                "timezone": helpline.timezone,
                "no_identifiers": [value.strip().lower() for value in helpline.no_identifiers],
                "other_types": list(helpline.other_types),
                "pages": sorted(helpline.pages),
                **codes,
            },
        )
        run(
            self._connection,
            "create table lines_before (delivery_id varchar, line_number bigint, is_event boolean)",
        )
        self._query = QUERY.read_text(encoding="utf-8")
        statements = REJECTED.read_text(encoding="utf-8").split(";\n")
        self._rejected = [statement for statement in statements if statement.strip()]

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

        The lines of a delivery come in order. Of one that is read in several batches, the date of
        the last line that has one is carried from batch to batch.
        """
        with _named(what):
            # The batch before goes first: there may be no room for two.
            run(self._connection, "drop view if exists lines")
            for table in (*HALVES, "readings", "spoiled", "dated", "rejected"):
                run(self._connection, f"drop table if exists {table}")
            self._take_over(lines_before)
            for table, half in zip(HALVES, batch.halves(), strict=True):
                run(
                    self._connection,
                    f"""
                    create table {table} as
                    select
                        delivery_id,
                        loaded_at,
                        first_line + position - 1 as line_number,
                        line,
                        given_reason,
                        delivery_id in (select unnest($6::varchar[])) as is_read_again,
                    from (
                        select
                            delivery_id,
                            loaded_at,
                            first_line,
                            given_reason,
                            unnest(pieces) as line,
                            unnest(range(1, len(pieces) + 1)) as position,
                        from (
                            select
                                unnest($1::varchar[]) as delivery_id,
                                unnest($2::timestamp[]) as loaded_at,
                                unnest($3::bigint[]) as first_line,
                                string_split(unnest($4::varchar[]), chr(10)) as pieces,
                                unnest($5::varchar[]) as given_reason,
                        )
                    )
                    """,
                    [
                        batch.delivery_ids[half],
                        batch.loaded_ats[half],
                        batch.first_lines[half],
                        batch.texts[half],
                        batch.reasons[half],
                        list(again),
                    ],
                )
            both = " union all ".join(f"from {table}" for table in HALVES)
            run(self._connection, f"create view lines as {both}")
            self._pseudonymise()
            self._date_rejects(batch)

    def begin(self, delivery_id: str, last_date: date | None = None) -> None:
        """Begin a delivery; of one that is read on, `last_date` is that of the last line so far."""
        self._dates[delivery_id] = (last_date, last_date)

    def first_date(self, delivery_id: str) -> date | None:
        """Give the local date of a delivery's first line that has one, as far as it was read."""
        return self._dates.get(delivery_id, (None, None))[0]

    def _date_rejects(self, batch: Batch) -> None:
        """Make `rejected` of `readings`: lines set aside, each with the date it is counted on."""
        continued = batch.delivery_ids[0] if len(set(batch.delivery_ids)) == 1 else None
        first, last = self._dates.get(continued, (None, None))
        for statement in self._rejected:
            given = {"last_date": last, "is_alone": continued is not None}
            wanted = {name: value for name, value in given.items() if f"${name}" in statement}
            run(self._connection, statement, wanted)
        if continued:
            [(first_here, last_here)] = run(
                self._connection,
                "select arg_min(local_date, line_number), arg_max(local_date, line_number)"
                " from dated",
            )
            self._dates = {continued: (first or first_here, last_here or last)}

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
        return self._connection.sql(f"select {', '.join(REJECT_COLUMNS)} from rejected")

    def ask(self, query: str, parameters: Sequence | dict | None = None) -> list[tuple]:
        """Ask about the batch that was read last: `lines`, `readings` and `rejected`.

        Whoever asks sees to it that no value of a line is in the answer. Raises what `run` raises.
        """
        return run(self._connection, query, parameters)

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
