"""What a person sees while a run goes on: on a terminal, and where output goes to a file."""

from __future__ import annotations

import time

import pytest

from dags import progress
from dags.progress import Parts, models_so_far


def test_a_file_gets_each_part_once_and_nothing_else(capsys):
    parts = Parts()
    with parts.measure("simulation"):
        parts.tell("1 of 2")

    assert capsys.readouterr().out == "  simulation         ✓   0.0 s\n"
    assert list(parts.seconds) == ["simulation"]


def test_a_terminal_sees_seconds_pass_and_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_TICKS", 0.02)
    parts = Parts()
    parts.begin("transform")
    parts.tell("12 of 60")
    time.sleep(0.2)
    parts.end()
    printed = capsys.readouterr().out
    time.sleep(0.1)

    assert f"{progress.ANEW}  transform                0 s  12 of 60" in printed
    assert printed.endswith(f"{progress.ANEW}  transform          ✓   0.2 s\n")
    assert capsys.readouterr().out == "", "a part that has ended writes no more"


def test_a_part_that_fails_says_so_and_stops_its_clock(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    parts = Parts()
    with pytest.raises(ValueError, match="broken"), parts.measure("pull"):
        raise ValueError("broken")

    assert capsys.readouterr().out.endswith("  pull               ✗   0.0 s\n")


def test_how_far_dbt_is_stands_at_the_end_of_the_log(tmp_path):
    log = tmp_path / "run.log"
    assert models_so_far(log) == ""
    log.write_text(
        "2022 [info] 19:51 1 of 122 START sql view [RUN] [chatcijfers.transform] loc=x\n"
        "2022 [info] 19:52 57 of 122 OK created [OK in 0.5s] [chatcijfers.transform] loc=x\n"
        "2022 [info] 6 of 2191 events [chatcijfers.expectations]\n"
    )
    assert models_so_far(log) == "57 of 122"
    with log.open("a") as file:
        file.write("something else\n" * 1000)
    assert models_so_far(log) == ""
