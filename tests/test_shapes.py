"""What is kept and said of deliveries of which nothing can be read: no value, no unknown name."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ingest import Problem, Workspace, pull
from ingest.shapes import LOOKED_AT, spellings
from operations.runs import LONGEST_REASON, first_line
from tests.events import click, deliver, helpline
from tests.plants import find_in_bytes, find_in_files, find_in_tables

MARK = "PLANTED-7Q"


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    return Workspace(tmp_path / "data", str(tmp_path / "logs"), helpline(tmp_path / "helpline"))


def shapes(workspace: Workspace) -> dict[tuple[str, str], int]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select field, kind, sum(lines)::bigint from raw.shapes group by all"
        ).fetchall()
    return {(field, kind): lines for field, kind, lines in rows}


def refused(workspace: Workspace) -> str:
    with pytest.raises(Problem) as raised:
        pull(workspace)
    return str(raised.value)


def webhooks(number: int) -> list[dict]:
    """Bodies as a platform sends them, with what somebody said and who they are."""
    return [
        {
            "event": "message_created", "createdAt": 1646247780 + index, "payload": {"text": MARK},
            "user-id": f"{MARK}-{index}", "tags": [MARK], "private": False, "note": None,
            MARK: MARK, f"{MARK}-{index}": index,
        }
        for index in range(number)
    ]  # fmt: skip


def test_known_names_are_kept_with_kinds_and_counts_and_others_only_counted(workspace):
    deliver(Path(workspace.logs), "bodies.ndjson", webhooks(7))
    refused(workspace)
    assert shapes(workspace) == {
        ("", "object line"): 7, ("event", "text"): 7, ("createdAt", "number"): 7,
        ("payload", "object"): 7, ("user-id", "text"): 7, ("tags", "list"): 7,
        ("private", "boolean"): 7, ("note", "null"): 7, ("", "text"): 7, ("", "number"): 7,
    }  # fmt: skip


def test_the_message_says_what_was_found_and_what_is_expected_and_no_value(workspace):
    deliver(Path(workspace.logs), "bodies.ndjson", webhooks(7))
    message = refused(workspace)
    file = f"{workspace.logs}/bodies.ndjson"
    for part in (
        "None of the 7 lines", "not_an_event 7", f"python -m ingest check-logs {file}",
        "docs/events.md", "event (text 7)", "createdAt (number 7)", "names that are not shown",
        '"specversion": "1.0"',
    ):  # fmt: skip
        assert part in message
    assert not find_in_bytes([MARK], message.encode())
    assert not find_in_tables([MARK], workspace.warehouse)
    assert not find_in_files([MARK], [workspace.data])


def test_the_first_line_of_the_message_is_whole_where_it_is_shortened(workspace):
    lines = [
        *webhooks(3), b"\xff", "no json", {**click("anna", "2022-03-01 19:00"), "time": "soon"},
        {**click("anna", "2022-03-01 19:00"), "type": "another"},
        click("anna", "2019-03-01 19:00"), click("anna", "2999-03-01 19:00"),
        {**click("anna", "2022-03-01 19:00"), "data": "text"},
    ]  # fmt: skip
    deliver(Path(workspace.logs), "bodies.ndjson", lines)
    message = refused(workspace)
    shortened = first_line(message)
    assert len(shortened) < LONGEST_REASON
    assert shortened == message.splitlines()[0]
    assert shortened.endswith("check-logs " + f"{workspace.logs}/bodies.ndjson")


def test_the_next_runs_say_the_same_until_an_event_comes(workspace):
    deliver(Path(workspace.logs), "bodies.ndjson", webhooks(3))
    first = refused(workspace)
    assert refused(workspace) == first
    deliver(Path(workspace.logs), "sound.ndjson", [click("anna", "2022-03-01 19:00")])
    assert pull(workspace).loaded == 1


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("time;visitor;page", "table line"),
        ("2022-03-01 19:00\tanna\t/", "table line"),
        ('1.2.3.4 - - [01/Mar/2022:19:00:00 +0100] "GET /chat HTTP/1.1" 200 5', "access line"),
        ("time=2022-03-01 level=info msg=clicked", "pairs line"),
        ("<event><time>now</time></event>", "markup line"),
        ('  "event": "message_created",', "part line"),
        ("}", "part line"),
        ('{"event": "message_created", "id": ', "broken line"),
        ('[{"event": "message_created"}, 1]', "value line"),
        ('"text"', "value line"),
        ("somebody pressed the button", "other line"),
        ('\ufeff{"event": "message_created"}', "object line"),
        (b"a byte that is no letter: \xff", "not UTF-8 line"),
        ('{"event": "' + "long" * 300_000 + '"}', "long line"),
    ],
)
def test_a_line_of_another_kind_is_called_what_it_is(workspace, line, kind):
    deliver(Path(workspace.logs), "a.ndjson", [click("anna", "2022-03-01 19:00")])
    deliver(Path(workspace.logs), "b.ndjson", ['{"event": 1}', line])
    pull(workspace)
    kinds = {name: lines for (_, name), lines in shapes(workspace).items() if "line" in name}
    assert kinds == ({"object line": 2} if kind == "object line" else {"object line": 1, kind: 1})


def test_only_the_first_lines_are_looked_at_and_blank_ones_are_none(workspace):
    deliver(Path(workspace.logs), "bodies.ndjson", ["", *webhooks(LOOKED_AT + 50)])
    refused(workspace)
    assert shapes(workspace)["", "object line"] == LOOKED_AT - 1


def test_a_delivery_of_which_a_line_can_be_read_has_no_shape(workspace):
    deliver(Path(workspace.logs), "a.ndjson", [*webhooks(5), click("anna", "2022-03-01 19:00")])
    deliver(Path(workspace.logs), "b.ndjson", [*webhooks(4)])
    pull(workspace)
    assert shapes(workspace)["", "object line"] == 4


def test_a_large_delivery_that_can_be_read_after_its_first_batch_has_no_shape(workspace):
    padded = [{**body, "padding": "x" * 20_000} for body in webhooks(900)]
    deliver(Path(workspace.logs), "a.ndjson", [*padded, click("anna", "2022-03-01 19:00")])
    deliver(Path(workspace.logs), "b.ndjson", [*padded, *webhooks(1)])
    pull(workspace)
    assert shapes(workspace)["", "object line"] == LOOKED_AT


def test_what_is_read_again_has_its_shapes_once_and_none_when_it_can_be_read(workspace):
    early = [click("anna", "2021-03-01 19:00"), click("ben", "2021-03-01 19:00")]
    deliver(Path(workspace.logs), "early.ndjson", early)
    folder = workspace.helpline
    for starts_on in ("2022-01-01", "2022-02-01"):
        (folder / "helpline.toml").write_text(
            (folder / "helpline.toml").read_text().replace("2020-01-01", starts_on)
            .replace("2022-01-01", starts_on)
        )  # fmt: skip
        assert "before_start 2 (before the helpline's starts_on)" in refused(workspace)
        assert shapes(workspace)["specversion", "text"] == 2
    settings = (folder / "helpline.toml").read_text().replace("2022-02-01", "2021-02-01")
    (folder / "helpline.toml").write_text(settings)
    assert pull(workspace).events == 2
    assert shapes(workspace) == {}


def test_logs_without_any_line_are_refused_as_well(workspace):
    deliver(Path(workspace.logs), "a.ndjson", [])
    assert "all their lines are blank" in refused(workspace)
    whole = deliver(Path(workspace.logs), "b.ndjson", webhooks(50), compress="gz")
    whole.write_bytes(whole.read_bytes()[:-9])
    assert "b.ndjson.gz for one: it is cut off before its end" in refused(workspace)


def test_a_name_is_known_in_each_of_its_spellings():
    assert spellings("user_id") == {"user_id", "user-id", "userid", "userId", "UserId"}
    assert json.dumps(sorted(spellings("event"))) == '["Event", "event"]'
