"""docs/events.md, its examples, docs/events.schema.json and the reading of events say the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ingest import Workspace, pull
from ingest.content import Block
from ingest.event_types import ATTRIBUTES, DATA_FIELDS, EVENT_TYPES, EXAMPLE
from ingest.helpline import load_helpline
from ingest.key import Key
from ingest.keys import Keys
from ingest.reading import EVENT_COLUMNS, NO_IDENTIFIERS, QUERY, Batch, Reader
from ingest.reasons import REASONS
from tests.conftest import KEY
from tests.events import deliver, helpline
from tests.reference import pseudonym

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "events.md").read_text(encoding="utf-8")
SCHEMA = json.loads((DOCS / "events.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()
NOW = datetime(2026, 1, 1)
SESSION = [name for name in EVENT_TYPES if ".session." in name]
PERSONS = ("visitor", "client", "responder")
CODES = ("button", "campaign", "gender", "scheduled_by", "referred_by")


# --- schema, page and code have the same fields


def properties_of(event_type: str) -> dict:
    definition = SCHEMA["$defs"][event_type]
    places = [definition["properties"], *(one["properties"] for one in definition.get("anyOf", ()))]
    [data] = [one["data"] for one in places if "properties" in one.get("data", ())]
    return data["properties"]


def test_the_schema_is_one_and_has_the_types_and_fields_that_are_read():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["type"]["enum"] == list(EVENT_TYPES)
    for event_type, fields in EVENT_TYPES.items():
        assert tuple(properties_of(event_type)) == fields, event_type
    subjects = {"subject"} if SESSION else set()
    assert set(SCHEMA["required"]) | subjects == set(ATTRIBUTES)
    for event_type in SESSION:
        assert "subject" in SCHEMA["$defs"][event_type]["required"]


def test_the_types_and_fields_are_those_of_the_query():
    query = QUERY.read_text(encoding="utf-8")
    [structure] = re.findall(r"json_transform\(\s*json,\s*'(\{.*?\})'\s*\)", query, re.DOTALL)
    fields = json.loads(structure)
    assert set(fields.pop("data")) == set(DATA_FIELDS)
    assert set(fields) == set(ATTRIBUTES)
    assert set(re.findall(r"'(helpline\.[a-z.]+)'", query)) == set(EVENT_TYPES)


def test_the_page_has_the_types_fields_and_reasons():
    for event_type, fields in EVENT_TYPES.items():
        [row] = re.findall(rf"^\| `{re.escape(event_type)}` \|.*$", PAGE, re.MULTILINE)
        assert set(re.findall(r"`([a-z_]+)`", row.partition("|")[2])) >= set(fields)
    rows = re.findall(r"^\| (`[a-z_0-9]+`(?:, `[a-z_0-9]+`)*) \| ", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)}
    assert named >= set(REASONS)


def test_what_is_no_identifier_is_none_for_the_schema_too():
    identifier = VALIDATOR.evolve(schema=SCHEMA["$defs"]["identifier"])
    zeros = ["0", "0.0", "00", "-0", "0,00", "0e0", "0E-3"]
    for word in [*NO_IDENTIFIERS, *zeros, "", " "]:
        for written in (word, word.upper(), word.title(), f" {word}\t"):
            assert not identifier.is_valid(written), written
        assert identifier.is_valid(f"x{word}"), word
        assert not word.strip() or identifier.is_valid(f"{word}x"), word
    for other in (0, 0.0, True, False, None, {}, [], ["a"]):
        assert not identifier.is_valid(other), other
    for other in ("a", "7", 7, 7.5, -1, "0x0", "null-1"):
        assert identifier.is_valid(other), other


# --- the examples


def test_there_is_a_valid_example_of_each_type():
    events = [json.loads(line) for line in EXAMPLES]
    assert [event["type"] for event in events] == list(EVENT_TYPES)
    for event in [*events, json.loads(EXAMPLE)]:
        assert not list(VALIDATOR.iter_errors(event)), event


def test_the_examples_become_events_with_the_fields_as_written(tmp_path, key):
    codes = ["button,open,O,O,1", "scheduled_by,visitor,V,V,1", "gender,female,F,F,1",
             "referred_by,awel,A,A,1", "topic,bullying,B,B,1", "topic,home,H,H,2"]  # fmt: skip
    folder = helpline(
        tmp_path / "helpline", codes=codes, campaigns=["tv-spot,Spot,2022-01-01,2022-12-31,tv"]
    )
    workspace = Workspace(tmp_path / "data", str(tmp_path / "logs"), folder)
    deliver(tmp_path / "logs", "examples.ndjson", EXAMPLES)
    summary = pull(workspace)
    assert (summary.events, summary.rejects, summary.blank_lines) == (8, 0, 0)
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        relation = connection.sql("from raw.events order by line_number")
        rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    for line, row in zip(EXAMPLES, rows, strict=True):
        stored = as_text(row)
        assert stored == {**stored, **as_text(expected(json.loads(line), key))}
        assert row["unfit_fields"] == 0
        for field in json.loads(line).get("data", {}):
            column = f"{field}_id" if field in PERSONS else field
            assert row[column] is not None, field


# --- what the schema allows is read


def utc(text: str | None) -> datetime | None:
    if not text:
        return None
    leap = text[17:19] == "60"
    moment = datetime.fromisoformat(
        re.sub(r":60(\.\d+)?", ":59.999999", text).upper().replace(" ", "T")
        if leap
        else re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
    )
    return moment.astimezone(UTC).replace(tzinfo=None)


def number(value: float) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".")


def written(value) -> str | None:
    return value if isinstance(value, str) or value is None else number(value)


def identified(kind: str, value, key: str) -> str | None:
    text = written(value)
    if text is None or not VALIDATOR.evolve(schema=SCHEMA["$defs"]["identifier"]).is_valid(text):
        return None
    return pseudonym(key, kind, text)


def expected(event: dict, key: str) -> dict:
    """What must be stored of a sound event; coded fields are looked at elsewhere."""
    data = event.get("data") or {}
    row = {
        "event_type": event["type"],
        "event_id": pseudonym(key, "event", f"{event['source']}\x1f{written(event['id'])}"),
        "source_id": pseudonym(key, "source", event["source"]),
        "occurred_at": utc(event["time"]),
        "session_id": identified("session", event.get("subject"), key)
        if event["type"] in SESSION
        else None,
    }
    fields = EVENT_TYPES[event["type"]]
    for field in PERSONS:
        row[f"{field}_id"] = identified(field, data.get(field), key) if field in fields else None
    for field in ("channel", "log"):
        row[field] = data.get(field) if field in fields else None
    for field in ("scheduled_for", "starts_at", "ends_at"):
        row[field] = utc(data.get(field)) if field in fields else None
    age = data.get("age") if "age" in fields else None
    row["age"] = int(float(age)) if age not in (None, "") else None
    return row


def as_text(row: dict) -> dict:
    """Give a row with its pseudonyms as text."""
    return {name: str(one) if isinstance(one, UUID) else one for name, one in row.items()}


TEXT = st.text(max_size=12)
OFTEN = st.sampled_from(
    ["null", "0", " ", "", "unknown", "7", "7.0", "a\u0000b", "\u2028", "é'\"\\"]
)
SCALAR = TEXT | OFTEN | st.integers(-(10**12), 10**12) | st.decimals(
    min_value=-1000, max_value=1000, places=3, allow_nan=False
).map(float)  # fmt: skip
IDENTIFIER = SCALAR.filter(VALIDATOR.evolve(schema=SCHEMA["$defs"]["identifier"]).is_valid)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def instants(draw, least=datetime(2020, 1, 2), most=datetime(2025, 12, 31)) -> str:
    moment = draw(st.datetimes(least, most))
    text = moment.isoformat(timespec=draw(st.sampled_from(["seconds", "milliseconds"])))
    if draw(st.integers(0, 19)) == 0:
        text = text[:17] + "60" + text[19:]
    offset = draw(st.sampled_from(["Z", "z", "+01:00", "-03:30", "+14:00", "-12:00", "+00:00"]))
    return draw(st.sampled_from([text, text.replace("T", " "), text.lower()])) + offset


@st.composite
def datas(draw, event_type: str) -> dict | None:
    """Draw the data of an event: each field there, null or missing."""
    code = st.none() | SCALAR
    values = {
        **dict.fromkeys(PERSONS, st.none() | SCALAR),
        **dict.fromkeys(CODES, code),
        "channel": st.sampled_from(["chat", "mail"]),
        "page": st.none() | TEXT,
        "scheduled_for": st.none() | instants(),
        "age": st.none() | st.integers(0, 120) | st.integers(0, 120).map(str) | st.just(""),
        "topics": st.none() | st.lists(code, max_size=3),
        "log": st.sampled_from(["button", "chat"]),
    }
    fields = EVENT_TYPES[event_type]
    if event_type == "helpline.log.covered":
        start = draw(st.datetimes(datetime(2020, 1, 2), datetime(2025, 1, 1)))
        end = start + timedelta(seconds=draw(st.integers(1, 10**6)))
        return {
            "log": draw(values["log"]),
            "starts_at": f"{start.isoformat(timespec='milliseconds')}Z",
            "ends_at": f"{end.isoformat(timespec='milliseconds')}Z",
        }
    required = [field for field in fields if field == "channel"]
    if not required and draw(st.integers(0, 9)) == 0:
        return None
    present = [field for field in fields if field in required or draw(st.booleans())]
    return {field: draw(values[field]) for field in present}


@st.composite
def sound_events(draw) -> dict:
    event_type = draw(st.sampled_from(list(EVENT_TYPES)))
    event = {
        "specversion": "1.0",
        "id": draw(IDENTIFIER),
        "source": draw(st.text(min_size=1, max_size=8)),
        "type": event_type,
        "time": draw(instants()),
    }
    if event_type in SESSION or draw(st.booleans()):
        event["subject"] = draw(IDENTIFIER)
    data = draw(datas(event_type))
    if data is not None or draw(st.booleans()):
        event["data"] = data
    further = draw(st.dictionaries(TEXT, JSON, max_size=2))
    return {**{name: value for name, value in further.items() if name not in event
               and name not in ("data_base64", "subject", "data")}, **event}  # fmt: skip


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Reader:
    folder = tmp_path_factory.mktemp("contract")
    keys = Keys(Key(KEY), folder)
    made = Reader(keys, load_helpline(helpline(folder / "helpline")), "500MB")
    yield made
    made.close()


def read(reader: Reader, events: list[dict]) -> list[tuple]:
    """Read events, one a line; give the reason of each line and its row."""
    batch = Batch()
    lines = [json.dumps(event, ensure_ascii=index % 2 == 0) for index, event in enumerate(events)]
    batch.add("d", NOW, Block(1, "\n".join(line.replace("\n", " ") for line in lines)))
    reader.read(batch, "a test")
    columns = ", ".join(EVENT_COLUMNS)
    rows = reader.ask(f"select reason, {columns} from readings order by line_number")
    return [(row[0], dict(zip(EVENT_COLUMNS, row[1:], strict=True))) for row in rows]


FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


@FEW
@given(events=st.lists(sound_events(), min_size=1, max_size=12))
def test_what_the_schema_allows_becomes_an_event_with_the_fields_as_written(reader, events):
    for event in events:
        assert not list(VALIDATOR.iter_errors(event)), event
    for event, (reason, row) in zip(events, read(reader, events), strict=True):
        assert reason is None, (reason, event)
        assert row["unfit_fields"] == 0, event
        stored = as_text(row)
        assert stored == {**stored, **as_text(expected(event, KEY))}, event
        for field in CODES:
            given_code = (event.get("data") or {}).get(field)
            is_given = field in EVENT_TYPES[event["type"]] and given_code not in (None, "")
            assert (row[field] is not None) == is_given, (field, event)


# --- what the schema refuses of required and typed parts is set aside, or counted as unfit

NO_SCALAR = st.booleans() | st.lists(JSON, max_size=2) | st.dictionaries(TEXT, JSON, max_size=2)
NO_TIME = st.sampled_from(["", "now", "2022-03-01", "2022-03-01T12:00:00", 1646161320, "1646161320",
                           1646161320000, "01/03/2022 12:00", "1970-01-01T00:00:00Z", None, {}, [],
                           True, "2022-03-01T12:00Z", "2022-03-01T25:00:00Z"])  # fmt: skip


@st.composite
def broken_events(draw) -> tuple[dict, bool]:
    """Draw a sound event with one breakage; and whether it must be set aside, or only counted."""
    event = draw(sound_events())
    kind = event["type"]
    data = dict(event.get("data") or {})
    ways = [("specversion", st.sampled_from(["0.3", "", None, 2])), ("time", NO_TIME),
            ("id", NO_SCALAR | st.sampled_from([None, "", 0, "null"])),
            ("source", st.sampled_from([None, ""])), ("type", st.sampled_from([None, "", "x", 7])),
            ("data", st.booleans() | st.integers() | TEXT | st.lists(JSON))]  # fmt: skip
    if kind in SESSION:
        ways.append(("subject", NO_SCALAR | st.sampled_from([None, "", 0, "unknown"])))
    if draw(st.booleans()):
        name, values = draw(st.sampled_from(ways))
        if name != "data" and name != "time" and draw(st.booleans()):
            return {key: value for key, value in event.items() if key != name}, True
        return {**event, name: draw(values)}, True
    inner = {
        **dict.fromkeys(PERSONS, (NO_SCALAR, False)),
        "channel": (st.sampled_from([None, "", "phone", 1, {}]), True),
        "log": (st.sampled_from([None, "", "phone", 1, {}]), True),
        "starts_at": (NO_TIME.filter(lambda one: one != "1970-01-01T00:00:00Z"), True),
        "ends_at": (NO_TIME, True),
        "scheduled_for": (
            NO_TIME.filter(lambda one: one not in (None, "", "1970-01-01T00:00:00Z")), False
        ),
        "age": (st.sampled_from([-1, 121, 15.5, "old", True, {}, [15]]), False),
        "topics": (st.sampled_from(["home", 7, True, {"home": 1}]), False),
    }  # fmt: skip
    possible = [field for field in EVENT_TYPES[kind] if field in inner]
    if not possible:
        return {**event, "specversion": "2.0"}, True
    field = draw(st.sampled_from(possible))
    values, is_set_aside = inner[field]
    return {**event, "data": {**data, field: draw(values)}}, is_set_aside


@FEW
@given(broken=st.lists(broken_events(), min_size=1, max_size=12))
def test_what_the_schema_refuses_is_set_aside_or_counted_as_unfit(reader, broken):
    events = [event for event, _ in broken]
    for (event, is_set_aside), (reason, row) in zip(broken, read(reader, events), strict=True):
        assert not VALIDATOR.is_valid(event), event
        if is_set_aside:
            assert reason in REASONS, event
        else:
            assert (reason, row["unfit_fields"]) == (None, 1), event
