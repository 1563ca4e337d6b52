"""Compressed files: what lies behind the first stream is another one, or the file is damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
from backports import zstd

from ingest import Workspace, pull
from tests.events import click, deliver, helpline, pack

COMPRESS = {"gz": gzip.compress, "zst": zstd.compress, "bz2": bz2.compress, "xz": lzma.compress}
WRONG = "its compressed data or its checksum is wrong"


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    logs = tmp_path / "logs"
    deliver(logs, "sound.ndjson", [click("anna", "2022-03-01 19:00")])
    return Workspace(tmp_path / "data", str(logs), helpline(tmp_path / "helpline"))


def put(workspace: Workspace, content: bytes):
    (Path(workspace.logs) / "file.ndjson").write_bytes(content)
    return pull(workspace)


def streams(compression: str) -> tuple[bytes, bytes]:
    return tuple(
        COMPRESS[compression](pack([click("ben", f"2022-03-01 19:0{minute}")] * 3))
        for minute in (1, 2)
    )


@pytest.mark.parametrize("compression", COMPRESS)
def test_several_streams_are_one_file(workspace, compression):
    assert put(workspace, b"".join(streams(compression))).events == 7


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("more", [b"what is no stream\n", b'{"a": 1}\n' * 9_000])
def test_what_is_no_stream_behind_the_first_is_not_left_out_in_silence(
    workspace, compression, more
):
    summary = put(workspace, streams(compression)[0] + more)
    assert summary.events == 1
    assert summary.refusals == {"file.ndjson": WRONG}


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_stream_that_is_cut_off_behind_the_first_is_damage(workspace, compression):
    first, second = streams(compression)
    summary = put(workspace, first + second[: len(second) // 2])
    assert summary.events == 1
    assert list(summary.refusals) == ["file.ndjson"]


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_zeros_that_fill_up_a_block_are_nothing(workspace, compression):
    assert put(workspace, streams(compression)[0] + bytes(512)).events == 4


def test_empty_elements_of_a_text_sequence_are_none(workspace):
    lines = pack([click("ben", "2022-03-01 19:01")] * 3).splitlines(keepends=True)
    summary = put(workspace, b"\x1e\n\x1e\x1e \n" + b"".join(b"\x1e" + line for line in lines))
    assert (summary.events, summary.rejects, summary.blank_lines) == (4, 0, 0)
