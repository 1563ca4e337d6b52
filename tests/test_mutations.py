"""A part of `make mutate` that every run of the tests takes, and the count it compares with."""

from __future__ import annotations

import gzip
import json
import lzma
import random

import pytest

from chaos.hostile import hostile_file, hostile_line, line_of, sound_event
from chaos.mutations import carry_out, count_lines
from ingest.event_types import EVENT_TYPES
from tests.plants import MARKS


def test_hostile_lines_and_files_break_nothing_lose_nothing_and_leave_no_mark(tmp_path):
    for outcome in carry_out(tmp_path, lines=5_000, files=120, seed=20_260):
        assert outcome.wrong == []
        assert outcome.lines > 4_000
        assert outcome.counts["events"] > 1_000
        assert outcome.counts["set aside"] > 1_000
        assert len(outcome.reasons) > 8


def test_sound_events_are_of_all_types_and_carry_marks():
    drawn = [sound_event(random.Random(number)) for number in range(200)]
    assert {event["type"] for event in drawn} == set(EVENT_TYPES)
    assert all(any(mark in json.dumps(one, ensure_ascii=False) for mark in MARKS) for one in drawn)


def test_the_same_seed_gives_the_same_bytes():
    def draw(seed):
        lines = [hostile_line(random.Random(f"{seed} {number}")) for number in range(50)]
        return lines, [
            hostile_file(number, random.Random(f"{seed} {number}")) for number in range(9)
        ]

    assert draw(1) == draw(1) != draw(2)


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        (b"", (0, 0)),
        (b"{}", (1, 0)),
        (b"{}\n", (1, 0)),
        (b"{}\n\n \r\n{}", (4, 2)),
        (b"\xef\xbb\xbf\n{}\n", (2, 1)),
        (gzip.compress(b"{}\n{}\n", mtime=0) + gzip.compress(b"{}\n", mtime=0), (3, 0)),
        (gzip.compress(b"{}\n", mtime=0)[:-1], None),
        (lzma.compress(b"{}\n" * 3), (3, 0)),
        (b'[{"a": "\n"}, {}]'.replace(b"\n", b"\\n"), (2, 0)),
        (b'\x1e{"a": 1}\n\x1e{}\n', (2, 0)),
    ],
)
def test_lines_are_counted_by_what_a_file_holds(content, counts):
    assert count_lines(content) == counts


def test_a_line_that_can_be_read_is_on_one_line():
    for number in range(200):
        draw = random.Random(number)
        assert b"\n" not in line_of(sound_event(draw), draw)
