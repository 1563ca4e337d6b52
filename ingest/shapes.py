"""What lines look like of which nothing can be read: known names, kinds and counts, never a value.

A first run on logs in another form ends with this instead of with figures.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from ingest.deliveries import Delivery
from ingest.event_types import ATTRIBUTES, DATA_FIELDS, EXAMPLE
from ingest.reading import Reader
from ingest.reasons import REASONS
from ingest.warehouse import fill, run
from ingest.wording import counted

QUERY = Path(__file__).with_name("shapes.sql")
# Lines of a delivery that are looked at, from its first one on. They show what form it has.
LOOKED_AT = 100
LISTED_FIELDS = 24
LISTED_FILES = 3

# Names that logs and webhooks give to fields of their own accord. A name that is in none of these
# lists is never shown, for in some forms a name is somebody's: {"anna": 3}.
COMMON_NAMES = """
    account account_id action actor additional_attributes agent agent_id agents answered_at app
    application assignee assignee_id attachments attributes author body browser bytes category
    changed_attributes changes chat chat_id city client_id client_ip closed_at code comment
    company contact contact_id contact_inbox content content_attributes content_type context
    conversation conversation_id correlation_id count country created created_at
    custom_attributes custom_fields customer customer_id date datetime deleted_at department
    department_id description detail details device direction display_id duration email end
    end_time ended ended_at entries env environment error errors event event_data event_id
    event_info event_name event_time event_type events exception fields first_name form from
    group host hostname http inbox inbox_id initiated_at ip ip_address items kind label labels
    lang language last_name level line locale logger message message_id message_type messages
    meta metadata method model module msg name note number object object_id occurred_at offset
    operator operator_id organization os params parent_id participants partition path payload
    phone pid platform port priority private process properties protocol query queue rating
    reason received_at recipient record records referer referrer region remote_addr request
    request_id resource response result results role room room_id route score sender sender_type
    sent_at service session session_id severity size span_id stack start start_time started
    started_at state status status_code survey tag tags team team_id tenant text thread
    thread_id ticket ticket_id timestamp timezone title to topic trace_id transcript ts updated
    updated_at uri url user user_agent user_id username users uuid value version visit
    visitor_id visitors webhook webhook_id website_id
"""
CLOUDEVENTS = (
    *ATTRIBUTES,
    *("data", "data_base64", "datacontenttype", "dataschema", "traceparent", "tracestate"),
    *("partitionkey", "sequence", "recordedtime"),
)

LINE_KINDS = {
    "object line": "a JSON object",
    "value line": "JSON, but no object (a list, a text, a number)",
    "part line": "a part of JSON that goes over several lines",
    "broken line": "a JSON object that is cut off or broken",
    "markup line": "XML or HTML",
    "access line": "as a web server logs its requests",
    "pairs line": "pairs such as name=value",
    "table line": "a row of a table (CSV)",
    "other line": "another text",
    "not UTF-8 line": "no text in UTF-8",
    "long line": "longer than 1 MiB",
}


def spellings(name: str) -> set[str]:
    """Give the ways in which a name of several words is written: user_id, user-id, userId."""
    words = name.split("_")
    titled = [word.title() for word in words]
    return {name, "-".join(words), "".join(words), words[0] + "".join(titled[1:]), "".join(titled)}


KNOWN_NAMES = frozenset().union(
    *map(spellings, (*COMMON_NAMES.split(), *CLOUDEVENTS, *DATA_FIELDS))
)


class Shapes:
    """Collects the shapes of one pull's deliveries, for as long as nothing of them can be read."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[str, str, str, str]]] = {}
        self._begun: set[str] = set()

    def note(self, reader: Reader) -> None:
        """Look at the lines of the batch that was read last, before the next one is read."""
        names = {"looked_at": LOOKED_AT, "known": sorted(KNOWN_NAMES)}
        rows: dict[str, list[tuple[str, str, str, str]]] = {}
        for delivery_id, field, kind, lines, begins_here in reader.ask(QUERY.read_text(), names):
            rows.setdefault(delivery_id, []).append((delivery_id, field, kind, str(lines)))
            if begins_here:
                self._begun.add(delivery_id)
                self._rows.pop(delivery_id, None)
        for delivery_id, new in rows.items():
            self._rows.setdefault(delivery_id, []).extend(new)

    def of(self, delivery_id: str) -> list[tuple[str, str, int]]:
        """Give what was noted of a delivery: field, kind, lines."""
        rows = self._rows.get(delivery_id, ())
        return [(field, kind, int(lines)) for _, field, kind, lines in rows]

    def store(self, connection, deliveries: Iterable[Delivery]) -> None:
        """Write the shapes of deliveries without any event, within the caller's transaction.

        Those of a delivery that has events by now, or was read anew from its first line, go.
        """
        deliveries = list(deliveries)
        unread = {one.delivery_id for one in deliveries if not one.events}
        gone = [one.delivery_id for one in deliveries if one.events]
        gone += sorted(unread & self._begun)
        forget = "delete from warehouse.raw.shapes where delivery_id = $1"
        for delivery_id in gone if self._are_stored(connection) else ():
            run(connection, forget, [delivery_id])
        rows = [row for one in unread for row in self._rows.get(one, ())]
        fill(connection, "warehouse.raw.shapes (delivery_id, field, kind, lines)", sorted(rows), 4)
        for one in deliveries:
            self._rows.pop(one.delivery_id, None)

    @staticmethod
    def _are_stored(connection) -> bool:
        return bool(run(connection, "select 1 from warehouse.raw.shapes limit 1"))


def nothing_read(connection, logs: str) -> str | None:
    """Say why a warehouse without any event has none; None if it holds one, or ever held one.

    `logs` is where the files lie. The first line says it all; what the lines look like comes below.
    """
    [(events, rejects, deliveries)] = run(
        connection,
        "select coalesce(sum(events), 0), coalesce(sum(rejects), 0),"
        " count(*) filter (rejects > 0) from warehouse.raw.deliveries",
    )
    if events:
        return None
    if not rejects:
        return _no_line(connection)
    reasons = run(
        connection,
        "select reason, count(*) from warehouse.raw.rejects"
        " group by reason order by count(*) desc, reason",
    )
    names = _files(connection)
    file = shlex.quote(f"{logs.rstrip('/')}/{names[0]}")
    lines = [
        f"None of the {counted(rejects, 'line')} of these logs can be read as an event, so there "
        f"is nothing to make figures of: {_said(reasons)}. docs/events.md says what is expected; "
        f"what a file lacks: python -m ingest check-logs {file}",
        f"What the lines look like ({_listed(names, deliveries)}; what they say is never shown):",
        *(f"- {line}" for line in describe(_shapes(connection))),
        "What is expected: one event per line, in the form of CloudEvents 1.0, such as",
        EXAMPLE,
    ]
    return "\n".join(lines)


def _no_line(connection) -> str:
    refusals = run(connection, "select file, reason from warehouse.raw.refusals order by file")
    if not refusals:
        return (
            "There is no event in these logs, so there is nothing to make figures of: all their "
            "lines are blank. docs/events.md says what is expected."
        )
    file, reason = refusals[0]
    return (
        "No event can be read from these logs, so there is nothing to make figures of: "
        f"{counted(len(refusals), 'file')} cannot be read to the end, {file} for one: {reason}. "
        "docs/events.md says what is expected."
    )


def describe(shapes: Iterable[tuple[str, str, int]]) -> list[str]:
    """Put shapes (field, kind, lines) into words: one line for each kind of line, and fields."""
    shapes = list(shapes)
    kinds = [(kind, lines) for field, kind, lines in shapes if kind in LINE_KINDS]
    fields: dict[str, list[tuple[str, int]]] = {}
    for field, kind, lines in shapes:
        if kind not in LINE_KINDS:
            fields.setdefault(field, []).append((kind, lines))
    said = [f"{counted(lines, 'line')}: {LINE_KINDS[kind]}" for kind, lines in kinds]
    named = sorted(
        ((field, kinds) for field, kinds in fields.items() if field),
        key=lambda one: (-sum(lines for _, lines in one[1]), one[0]),
    )
    if named:
        more = len(named) - LISTED_FIELDS
        listed = "; ".join(f"{field} ({_kinds(kinds)})" for field, kinds in named[:LISTED_FIELDS])
        said.append(f"fields: {listed}" + (f"; and {more} more" if more > 0 else ""))
    if "" in fields:
        said.append(f"fields with names that are not shown: {_kinds(fields[''])}")
    return said


def _kinds(kinds: list[tuple[str, int]]) -> str:
    return ", ".join(f"{kind} {lines:,}" for kind, lines in sorted(kinds, key=lambda one: -one[1]))


def _shapes(connection) -> list[tuple[str, str, int]]:
    return run(
        connection,
        "select field, kind, sum(lines) as lines from warehouse.raw.shapes"
        " group by field, kind order by lines desc, field, kind",
    )


def _files(connection) -> list[str]:
    rows = run(
        connection,
        "select file from warehouse.raw.deliveries where rejects > 0 order by file limit $1",
        [LISTED_FILES],
    )
    return [file for (file,) in rows]


def _listed(names: list[str], deliveries: int) -> str:
    more = deliveries - len(names)
    listed = ", ".join(names) + (f" and {more:,} more" if more else "")
    return f"up to {LOOKED_AT} lines of {listed}"


def _said(reasons: list[tuple[str, int]]) -> str:
    """Name all reasons with their lines, and say what the first one means."""
    named = [f"{reason} {lines:,}" for reason, lines in reasons]
    return ", ".join([f"{named[0]} ({REASONS[reasons[0][0]]})", *named[1:]])
