"""Random small logs that crowd around the edges of the definitions, and ways to deliver them.

`nights()` gives the nights over which a log's files arrive; `helplines()` gives helplines whose
opening hours, ranges and exclusions meet the logs' edges, and `helpline_of` writes one. Only what
the definitions settle is generated: no log here needs a second reading of them.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import strategies as st

from tests import events

Files = list[tuple[str, bytes]]

# Instants at which something begins, ends or changes: opening and closing times, midnights of a
# week, a month, and a year with its new opening hours, both changes of the clocks, and some of the
# same of the year before. 2021 begins in a week 53, and 2022 in a week 52.
EDGES = [
    datetime.fromisoformat(events.moment(when)).astimezone(UTC)
    for when in (
        "2021-01-01",
        "2021-01-04",
        "2021-02-28 23:59:59.999",
        "2021-03-01",
        "2021-10-06 19:00",
        "2021-12-31 22:00",
        "2021-12-31 23:59:59.999",
        "2022-01-01",
        "2022-01-03",
        "2022-01-05 14:00",
        "2022-01-05 17:00",
        "2022-02-28 22:00",
        "2022-03-01",
        "2022-03-23 19:00",
        "2022-03-27",
        "2022-03-27T00:59:59.999Z",
        "2022-03-27T01:00:00Z",
        "2022-03-27 04:00",
        "2022-10-30 01:00",
        "2022-10-30T00:00:00Z",
        "2022-10-30T01:00:00Z",
        "2022-10-30 04:00",
    )
]

GAP = timedelta(minutes=30)
STEPS = [
    timedelta(0),
    timedelta(microseconds=1),
    timedelta(milliseconds=-1),
    timedelta(seconds=45),
    timedelta(minutes=10),
    timedelta(minutes=20),
    timedelta(minutes=-10),
    GAP - timedelta(microseconds=1),
    GAP - timedelta(milliseconds=1),
    GAP,
    GAP + timedelta(microseconds=1),
    GAP + timedelta(milliseconds=1),
    -GAP,
    timedelta(hours=1),
    timedelta(hours=-2),
    timedelta(days=1),
]

SOURCES = {"button": ["/button", "/button/mobile"], "chat": ["/chat", "/chat/mobile"]}
VISITORS = ["anna", "ben", "cleo", 7, "7", None, "", "null", "undefined", 0, "0"]
SESSIONS = ["s1", "s2", "s3", "s4", "s6", "s7", "s8", "s9", 5, "5"]
VALUES = {
    "visitor": VISITORS,
    "responder": ["r1", "r2", None],
    "button": ["open", "busy", "closed", "not on the list", "", None],
    "page": ["/", "/test", "https://host/test?a=b#c", "https://host?a", "/elsewhere", "", None],
    "campaign": ["spring", "autumn", "not on the list", "", None],
    "channel": ["chat", "chat", "chat", "mail"],
    "scheduled_by": ["responder", "visitor", "not on the list", "", None],
    "client": ["anna", 7, "k1", "k2", None, "", "0"],
    "gender": ["female", "male", "not on the list", "", None],
    "age": [0, 8, 9, 11, 12, "14", 15, 17, 18, 20, 21, 24, 25, 120, 121, -1, "old", None, None],
    "topics": [["home"], ["bullying", "home"], ["no"], [None, "", "violence"], [], "home", None],
    "referred_by": ["awel", "1712", "not on the list", "", None],
}
CLICKED = ("button", "page", "campaign")
REGISTERED = ("client", "gender", "age", "topics", "referred_by")
OFFSETS = ["Z", "+00:00", "+01:00", "+02:00", "-05:00", "+05:30"]

KINDS = {
    "conversation": 4,
    "click": 5,
    "request": 4,
    "answer": 3,
    "register": 3,
    "schedule": 2,
    "end": 2,
    "abandon": 1,
}

MALFORMED = [
    b"",
    b"  \t",
    b"{",
    b"[]",
    b'"helpline.button.clicked"',
    b'{"specversion":"1.0","id":"x","source":"/button","type":"helpline.button.clicked","time"',
    b'{"specversion":"1.0","id":"\xff","source":"/button","type":"helpline.button.clicked"}',
    *events.pack(
        [
            {"id": "x1", "source": "/button", "type": "helpline.button.clicked"},
            {**events.click("zoe", "2022-01-05 15:00", id="x2"), "specversion": "0.3"},
            {**events.click("zoe", "2022-01-05 15:00", id="x3"), "source": None},
            {**events.click("zoe", "2022-01-05 15:00", id="x4"), "type": "helpline.button.seen"},
            {**events.click("zoe", "2022-01-05 15:00", id="x5"), "time": "2022-01-05T15:00:00"},
            {**events.click("zoe", "2022-01-05 15:00", id="x6"), "time": "2022-02-30T15:00:00Z"},
            {**events.click("zoe", "2022-01-05 15:00", id="x7"), "time": None},
            events.click("zoe", "2019-12-31 23:59:59.999", id="x8"),
            events.click("zoe", "2999-01-01", id="x9"),
            events.answer("", "r1", "2022-01-05 15:00", id="x10"),
            events.answer("null", "r1", "2022-01-05 15:00", id="x11"),
            events.answer(0, "r1", "2022-01-05 15:00", id="x12"),
            events.answer(None, "r1", "2022-01-05 15:00", id="x13"),
            events.request("s1", "zoe", "2022-01-05 15:00", channel="phone", id="x14"),
            events.request("s1", "zoe", "2022-01-05 15:00", channel=None, id="x15"),
            events.covered("fax", "2022-01-01", "2022-02-01", id="x16"),
            events.covered("chat", "2022-02-01", "2022-01-01", id="x17"),
            events.covered("button", "2022-02-01", "2022-02-01", id="x18"),
        ]
    ).splitlines(),
]

HELPLINE = {
    "pages": ["/", "/test"],
    "campaigns": ["spring,Spring,2022-03-01,2022-05-31,web", "autumn,Autumn,,,"],
    "opening_hours": [
        *(f"2020-01-01,2021-12-31,{weekday},22:00,24:00,1" for weekday in range(1, 8)),
        *(f"2020-01-01,,{weekday},19:00,22:00,2" for weekday in range(1, 5)),
        "2020-01-01,,3,14:00,17:00,1",
        "2020-01-01,,7,01:00,04:00,1",
        *(f"2022-01-01,,{weekday},23:00,24:00,2" for weekday in range(1, 8)),
        "2022-01-01,,6,00:00,01:30,1",
        "2022-01-01,,7,00:15,02:30,2",
    ],
    "closures": ["2022-03-01,Training"],
    "extra_openings": [
        "2022-03-01,00:00,00:40,3,Night of the students",
        "2022-10-30,02:10,02:20,1,The night with an hour more",
    ],
    "data_gaps": ["button,2022-01-05,2022-01-07,Still to be cleaned"],
}
# Further lines of opening hours: some change the times of a week, some only the responders, and
# some only how the same times are written.
CHANGES_OF_HOURS = [
    ["2021-10-06,2022-02-28,3,09:00,09:20,1", "2022-03-01,,3,09:20,09:40,1"],
    ["2021-03-01,2021-03-01,1,00:00,24:00,4"],
    ["2020-01-01,2022-02-28,5,14:00,17:00,1", "2022-03-01,,5,14:00,17:00,3"],
    ["2020-01-01,2021-12-31,2,08:00,10:00,1", "2022-01-01,,2,08:00,09:00,1"],
    ["2022-01-01,,2,09:00,10:00,1", "2022-01-01,,2,08:30,09:30,1"],
    ["2022-10-30,2022-10-30,7,01:00,04:00,1"],
]
RANGES = [
    "2022-01/2022-03",
    "2021-12/2022-02",
    "2021-01/2021-10",
    "2022-02/2023-06",
    "2020-11/2021-01",
    "2020-01/2022-12",
    "2019-01/2019-06",
]
EXCLUDED = {
    "visitor": ["anna", "ben", 7],
    "page": ["/", "/test"],
    "button": ["open", "busy"],
    "campaign": ["spring", "autumn"],
    "no_visitor": ["", "/", "/test"],
}


@st.composite
def helplines(draw) -> dict:
    """Draw what `helpline_of` takes: the settings and tables of a helpline that meet the edges."""
    further = draw(st.lists(st.sampled_from(CHANGES_OF_HOURS), max_size=3, unique_by=tuple))
    ranges = draw(st.lists(st.sampled_from(RANGES), max_size=2, unique=True))
    names = draw(st.permutations(["bot", "Bot", "staff", "test"]))[: draw(st.integers(0, 4))]
    return HELPLINE | {
        "rotate_keys_from": draw(st.sampled_from([None, None, 2021, 2022])),
        "opening_hours": [*HELPLINE["opening_hours"], *itertools.chain(*further)],
        "published": [events.published("clicks", name, 12) for name in [*ranges, "2022-01"]],
        "exclusions": [(name, *_draw_exclusion(draw)) for name in names],
    }


def _draw_exclusion(draw) -> tuple:
    """Draw field, value, and when the exclusion starts and ends, if it does."""
    field = draw(st.sampled_from(sorted(EXCLUDED)))
    value = draw(st.sampled_from(EXCLUDED[field]))
    bounds = sorted(draw(st.lists(st.sampled_from(EDGES), min_size=2, max_size=2, unique=True)))
    if (field, value) == ("no_visitor", ""):  # without a page it needs both bounds
        return field, value, *bounds
    starts_at, ends_at = (draw(st.sampled_from([None, None, bound])) for bound in bounds)
    return field, value, starts_at, ends_at


def helpline_of(folder: Path, helpline: dict, key: str) -> Path:
    """Write a random helpline; the pseudonyms of its exclusions are those of the key."""
    exclusions = [events.exclusion(*drawn, key=key) for drawn in helpline["exclusions"]]
    return events.helpline(folder, **helpline | {"exclusions": exclusions})


@st.composite
def logs(draw, least: int = 15, most: int = 60) -> list[bytes]:
    """Draw the lines of a log: `least` to `most` events, copies of some, and malformed lines."""
    pools = VALUES | {
        "visitor": ["anna", *draw(st.lists(st.sampled_from(VISITORS), min_size=2, max_size=4))],
        "session": draw(st.lists(st.sampled_from(SESSIONS), min_size=3, max_size=8)),
    }
    draw_time = _clock(draw)
    weighted = [kind for kind, weight in KINDS.items() for _ in range(weight)]
    kinds = draw(st.lists(st.sampled_from(weighted), min_size=least, max_size=most))
    log = [event for kind in kinds for event in _happening(draw, kind, draw_time(), pools)]
    numbers = {name: itertools.count(1) for name in SOURCES}
    for event in log:  # the two logs use the same ids: an event's own are source and id together
        event["id"] = next(numbers["button" if event["source"] in SOURCES["button"] else "chat"])
    originals = draw(st.lists(st.sampled_from(log), max_size=8))
    log += [_copy(draw, original, draw_time, pools) for original in originals]
    log += _coverage(draw)
    malformed = draw(st.lists(st.sampled_from(MALFORMED), max_size=4))
    return [_line(draw, event) for event in log] + malformed


def _clock(draw):
    """Return a function that draws times a step away from an edge, or from one of the last.

    The edges may be those of two years, so that there is something to compare with.
    """
    edges = draw(st.lists(st.sampled_from(EDGES), min_size=1, max_size=3))
    if draw(st.booleans()):
        edges += [edge - timedelta(days=365) for edge in edges if edge.year == 2022]
    times: list[datetime] = []

    def draw_time() -> datetime:
        times.append(draw(st.sampled_from([*edges, *times[-4:]])) + draw(st.sampled_from(STEPS)))
        return times[-1]

    return draw_time


def _happening(draw, kind: str, when: datetime, pools: dict) -> list[dict]:
    """Draw one event; of a conversation what should follow, and perhaps what was noted of it."""
    if kind != "conversation":
        return [_event(draw, kind, when, pools)]
    pools = pools | {"session": [draw(st.sampled_from(pools["session"]))]}
    steps = st.sampled_from([step for step in STEPS if step >= timedelta(0)])
    answered_at = when + draw(steps)
    conversation = [
        _event(draw, "request", when, pools),
        _event(draw, "answer", answered_at, pools),
        _event(draw, "end", answered_at + draw(steps), pools),
    ]
    if draw(st.booleans()):
        conversation.append(_event(draw, "register", answered_at, pools))
    return conversation


def _event(draw, kind: str, when: datetime, pools: dict, **at) -> dict:
    def pick(name: str):
        return draw(st.sampled_from(pools[name]))

    if "source" not in at:
        at["source"] = draw(st.sampled_from(SOURCES["button" if kind == "click" else "chat"]))
    if kind == "click":
        return events.click(pick("visitor"), when, **{name: pick(name) for name in CLICKED}, **at)
    session = pick("session")
    if kind == "request":
        return events.request(session, pick("visitor"), when, channel=pick("channel"), **at)
    if kind == "schedule":
        step = draw(st.sampled_from([*STEPS, None]))
        return events.schedule(
            session,
            pick("visitor"),
            when,
            scheduled_for=None if step is None else when + step,
            scheduled_by=pick("scheduled_by"),
            channel=pick("channel"),
            **at,
        )
    if kind == "answer":
        return events.answer(session, pick("responder"), when, **at)
    if kind == "register":
        return events.register(session, when, **{name: pick(name) for name in REGISTERED}, **at)
    return (events.end if kind == "end" else events.abandon)(session, when, **at)


def _copy(draw, original: dict, draw_time, pools: dict) -> dict:
    """Draw another delivery of the same event, which may say something else."""
    change = draw(st.sampled_from(["nothing", "time", "a field", "a field", "everything"]))
    copy = {**original, "data": dict(original["data"])}
    if change == "time":
        copy["time"] = draw_time().isoformat()
    fields = sorted(original["data"].keys() & VALUES.keys())
    if change == "a field" and fields:
        name = draw(st.sampled_from(fields))
        copy["data"][name] = draw(st.sampled_from(VALUES[name]))
    if change == "everything":
        when = datetime.fromisoformat(original["time"])
        kind = draw(st.sampled_from(["click", "request", "schedule", "answer", "register"]))
        at = {"source": original["source"], "id": original["id"]}
        copy = _event(draw, kind, when, pools, **at)
    return copy


def _coverage(draw) -> list[dict]:
    """Draw what is said of coverage: for each log nothing, everything, or some pieces."""
    said = []
    for log in ("button", "chat"):
        amount = draw(st.sampled_from(["nothing", "everything", "pieces"]))
        if amount == "everything":
            first = draw(st.sampled_from(["2020-12-01", "2020-12-30", "2021-12-01"]))
            intervals = [(first, "2022-12-01")]
        elif amount == "pieces":
            pairs = st.sampled_from(
                [
                    (first, last)
                    for n, first in enumerate(_LIMITS)
                    for last in _LIMITS[n + 1 : n + 6]
                ]
            )
            intervals = draw(st.lists(pairs, min_size=2, max_size=4))
        else:
            intervals = []
        for starts_at, ends_at in intervals:
            source = draw(st.sampled_from(SOURCES[log]))
            number = f"covered {len(said) + 1}"
            said.append(events.covered(log, starts_at, ends_at, id=number, source=source))
    return said


_LIMITS = [
    "2020-12-28",
    "2021-01-01",
    "2021-01-02",
    "2021-01-04",
    "2021-02-01",
    "2021-04-01",
    "2021-10-06",
    "2021-12-20",
    "2021-12-31 23:59:59.999999",
    "2022-01-01",
    "2022-01-02",
    "2022-01-05 12:00",
    "2022-02-01",
    "2022-03-01",
    "2022-03-02",
    "2022-03-11",
    "2022-03-27",
    "2022-03-28",
    "2022-04-10",
    "2022-04-11",
    "2022-10-30",
    "2022-10-31",
    "2022-11-10",
    "2022-11-11",
]


def _line(draw, event: dict) -> bytes:
    """Draw one of the ways to write an event."""
    offset = draw(st.sampled_from(OFFSETS))
    instant = datetime.fromisoformat(event["time"])
    zone = UTC if offset == "Z" else timezone(_parse_offset(offset))
    text = instant.astimezone(zone).isoformat()
    event = {**event, "time": text.replace("+00:00", "Z") if offset == "Z" else text}
    if draw(st.booleans()):
        event = dict(reversed(event.items()))
        return json.dumps(event).encode()
    return events.pack([event])[:-1]


def _parse_offset(text: str) -> timedelta:
    sign = -1 if text.startswith("-") else 1
    return sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))


@st.composite
def nights(draw, lines: st.SearchStrategy[list[bytes]] | None = None, most: int = 3) -> list[Files]:
    """Draw a way to deliver a log over one to `most` nights, each with its files (name, bytes).

    Every line arrives at least once, in any order; some arrive again, some whole files arrive again
    under another name, and some files are compressed. `lines` draws the log, by default `logs()`.
    """
    log = draw(logs() if lines is None else lines)
    number_of_nights = draw(st.integers(1, most))
    chance = draw(st.randoms(use_true_random=False))
    log = log + [line for line in log if chance.random() < 0.15]
    chance.shuffle(log)
    batches = [[[] for _ in range(chance.randint(1, 3))] for _ in range(number_of_nights)]
    for line in log:
        chance.choice(chance.choice(batches)).append(line)
    delivered: list[Files] = []
    seen: list[bytes] = []
    for night, files in enumerate(batches, start=1):
        contents = [b"\n".join(batch) + chance.choice([b"", b"\n"]) for batch in files if batch]
        again = [content for content in seen if chance.random() < 0.3]
        seen += contents
        delivered.append([])
        for number, content in enumerate(contents + again, start=1):
            compress = chance.choice([None, None, "gz", "zst"])
            name = f"night-{night}-{number}.ndjson" + (f".{compress}" if compress else "")
            delivered[-1].append((name, events.compressed(content, compress)))
    return delivered


# --- Losses ---------------------------------------------------------------------------------------

SPOILED = {
    "cut": lambda line: line[: max(1, len(line) * 2 // 3)],
    "cut short": lambda line: line[:12],
    "no UTF-8": lambda line: line.replace(b'"source"', b'"sour\xff\xfece"'),
    "epoch seconds": lambda line: _with(line, time=1646157600),
    "a clock not set": lambda line: _with(line, time="1970-01-01T00:00:12Z"),
    "a clock overrun": lambda line: _with(line, time="2106-02-07T06:28:15Z"),
    "before the start": lambda line: _with(line, time="2019-06-01T12:00:00Z"),
    "no id": lambda line: _with(line, id=None),
    "another type": lambda line: _with(line, type="helpline.button.hovered"),
    "a type of others": lambda line: _with(line, type=OTHER_TYPE),
    "an older version": lambda line: _with(line, specversion="0.3"),
    "data as text": lambda line: _with(line, data="{}"),
    "an id of others": lambda line: _with(line, id=1),
}
OTHER_TYPE = "platform.heartbeat"


def _with(line: bytes, **fields) -> bytes:
    try:
        event = json.loads(line)
    except ValueError:
        return line
    return json.dumps(event | fields).encode() if isinstance(event, dict) else line


@st.composite
def lossy_logs(draw) -> list[bytes]:
    """Draw the lines of a log of which some, or most, were spoiled on the way, in a few ways."""
    lines = draw(logs(least=20, most=80))
    share = draw(st.sampled_from([0, 0.02, 0.1, 0.3, 0.9]))
    ways = draw(st.lists(st.sampled_from(sorted(SPOILED)), min_size=1, max_size=3, unique=True))
    chance = draw(st.randoms(use_true_random=False))
    spoiled = [
        SPOILED[chance.choice(ways)](line) if chance.random() < share else line for line in lines
    ]
    if draw(st.booleans()):  # what was spoiled comes again, sound
        pairs = zip(lines, spoiled, strict=True)
        spoiled += [line for line, other in pairs if line != other and chance.random() < 0.5]
    return spoiled


@st.composite
def lossy_helplines(draw) -> dict:
    """Draw a helpline that tolerates more or less, and has accepted some of what is lost."""
    months = ["2021-03", "2022-01", "2022-03", "2022-10"]
    accepted = [
        f"{log},{month}-01,{month}-{last},{draw(st.integers(0, 12))},seen,the tests,2022-12-01"
        for log in ("button", "chat")
        for month, last in zip(months, (31, 31, 31, 31), strict=True)
        if draw(st.integers(0, 3)) == 0
    ]
    return HELPLINE | {
        "exclusions": [],
        "accepted": accepted,
        "tolerated_loss_percent": draw(st.sampled_from([2, 2, 10.5, 50])),
        "quiet_days": draw(st.sampled_from([14, 3, 1])),
        "other_types": [OTHER_TYPE],
    }


@st.composite
def lossy_nights(draw) -> list[Files]:
    """Draw nights that bring a lossy log, in files that are cut, renamed, grown, delivered twice.

    A file that has grown comes under its name, with all that it held before.
    """
    delivered = draw(nights(lossy_logs()))
    chance = draw(st.randoms(use_true_random=False))
    renamed = [
        [(_renamed(chance, name, content), content) for name, content in night]
        for night in delivered
    ]
    for before, night in itertools.pairwise(renamed):
        for name, content in before:
            if chance.random() < 0.3 and not name.endswith((".gz", ".zst")):
                more = b"\n".join(chance.sample(content.split(b"\n"), 1))
                night.append((name, content + (b"" if content.endswith(b"\n") else b"\n") + more))
    for night in renamed:
        for number, (name, content) in enumerate(night):
            if chance.random() < 0.1 and content.startswith(b"\x1f\x8b"):
                night[number] = (f"cut-{name}", content[: -chance.randint(1, 8)])
    return renamed


def _renamed(chance, name: str, content: bytes) -> str:
    """Give a file another name: of a date, of a rotated log, without an ending, or its own.

    What is not called a log is one if it begins with an event.
    """
    stem, _, ending = name.partition(".")
    if ending.endswith((".gz", ".zst")):
        return chance.choice([name, f"{stem}-2022-01-05.{ending}"])
    others = [f"{stem}.log.1", f"{stem}.txt", stem] if content.startswith(b'{"') else []
    return chance.choice([name, f"{stem}-2022-03-01.ndjson", *others])
