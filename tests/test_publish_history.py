"""What readers have seen cannot be lost in silence: each way to lose it is refused, or harmless."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest.key import Key
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations.backup import backup
from operations.restoring import restore
from publish.__main__ import main
from publish.protect import protect
from publish.publications import Publications, read_publications
from publish.seen import Noted, forget
from tests.conftest import KEY
from tests.test_expectations_clean import change
from tests.test_publish_protect import (  # noqa: F401
    CLOSE_JANUARY,
    closed_through_december,
    code_that_stays_the_same,
    latest,
    publish,
    workspace,
)

ROOT = Path(__file__).parent.parent
HISTORY = "internal/publications.csv"
MANIFEST = "manifest.json"


@pytest.fixture(scope="module")
def two_closings(tmp_path_factory, closed_through_december: Path) -> Path:  # noqa: F811
    """A state folder with two releases, of which the second has one content more."""
    data = tmp_path_factory.mktemp("closings") / "data"
    shutil.copytree(closed_through_december, data, symlinks=True)
    workspace = Workspace(data=data, logs="", helpline=data)  # noqa: F811
    change(workspace, CLOSE_JANUARY)
    publish(workspace)
    return data


@pytest.fixture
def state(tmp_path, two_closings: Path) -> Workspace:
    data = tmp_path / "closings"
    shutil.copytree(two_closings, data, symlinks=True)
    return Workspace(data=data, logs="", helpline=data)


def newest(state: Workspace) -> Path:
    return latest(state)


def older(state: Workspace) -> Path:
    [release] = set((state.published / "releases").iterdir()) - {newest(state)}
    return release


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def edit_history(change: Callable[[bytes], bytes]) -> Callable[[Workspace], None]:
    return lambda state: rewrite(newest(state) / HISTORY, change)


def without_last_content(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"2,"))


def edit_manifest(change: Callable[[dict], None]) -> Callable[[Workspace], None]:
    def edited(state: Workspace) -> None:
        path = newest(state) / MANIFEST
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))

    return edited


def forge_both(state: Workspace, change: Callable[[bytes], bytes], contents: int) -> None:
    """Make a history and its manifest say the same untruth, hashes and all."""
    folder = newest(state)
    rewrite(folder / HISTORY, change)
    manifest = json.loads((folder / MANIFEST).read_text())
    text = (folder / HISTORY).read_bytes()
    manifest["files"][HISTORY]["sha256"] = hashlib.sha256(text).hexdigest()
    public = manifest["public"]
    public["contents"] = public["contents"][:contents]
    public.pop("history")
    (folder / MANIFEST).write_text(json.dumps(manifest))
    left = read_publications(folder)
    public["history"] = {"contents": contents, "sha256": left.digest()}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert read_publications(folder).contents == left.contents


def raise_first_value(text: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(text.decode())))
    place = rows[0].index("value")
    row = next(row for row in rows[1:] if row[place].isdigit())
    row[place] = str(int(row[place]) + 8)
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()


def point_latest(state: Workspace, target: str) -> None:
    link = state.published / "latest"
    link.unlink()
    link.symlink_to(target)


def in_place_of_a_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


def remove_both_releases(state: Workspace) -> None:
    shutil.rmtree(state.published / "releases")
    (state.published / "latest").unlink()


def remove_newest(state: Workspace) -> None:
    left = older(state)
    shutil.rmtree(newest(state))
    point_latest(state, f"releases/{left.name}")


def copy_older_over_newest(state: Workspace) -> None:
    folder = newest(state)
    left = older(state)
    shutil.rmtree(folder)
    shutil.copytree(left, folder)


REFUSED = {
    "history deleted": lambda state: (newest(state) / HISTORY).unlink(),
    "history emptied": edit_history(lambda _: b""),
    "history left with its header": edit_history(lambda text: text.partition(b"\n")[0] + b"\n"),
    "history cut in a line": edit_history(lambda text: text[: len(text) // 2]),
    "last line cut off": edit_history(lambda text: text[: text[:-1].rindex(b"\n") + 1]),
    "last line halved": edit_history(lambda text: text[:-9]),
    "last content cut out": edit_history(without_last_content),
    "a line appended": edit_history(lambda text: text + text.splitlines(keepends=True)[-1]),
    "a value changed": edit_history(raise_first_value),
    "with CRLF": edit_history(lambda text: text.replace(b"\n", b"\r\n")),
    "with semicolons": edit_history(lambda text: text.replace(b",", b";")),
    "with a byte order mark": edit_history(lambda text: b"\xef\xbb\xbf" + text),
    "history that cannot be read": lambda state: in_place_of_a_file(newest(state) / HISTORY),
    "manifest deleted": lambda state: (newest(state) / MANIFEST).unlink(),
    "manifest that is no JSON": lambda state: (newest(state) / MANIFEST).write_text("{"),
    "manifest with a content less": edit_manifest(lambda one: one["public"]["contents"].pop()),
    "manifest without what is public": edit_manifest(lambda one: one.pop("public")),
    "both cut, and fitting": lambda state: forge_both(state, without_last_content, 1),
    "both changed, and fitting": lambda state: forge_both(state, raise_first_value, 2),
    "newest release removed": remove_newest,
    "newest release removed, latest dangling": lambda state: shutil.rmtree(newest(state)),
    "newest release moved away": lambda state: newest(state).rename(state.data / "away"),
    "newest release hidden": lambda state: newest(state).rename(newest(state).with_name(".x")),
    "older release over the newest": copy_older_over_newest,
    "all releases removed": remove_both_releases,
    "published removed": lambda state: shutil.rmtree(state.published),
    "latest points nowhere": lambda state: point_latest(state, "releases/none"),
}
HARMLESS = {
    "nothing": lambda state: None,
    "latest at the older release": lambda state: point_latest(
        state, f"releases/{older(state).name}"
    ),
    "latest removed": lambda state: (state.published / "latest").unlink(),
    "older release removed": lambda state: shutil.rmtree(older(state)),
    "a file among the releases": lambda state: (
        state.published / "releases" / "notes.txt"
    ).write_text("?"),
}


@pytest.mark.parametrize("lost", REFUSED)
def test_a_history_that_is_lost_or_changed_is_refused_with_the_remedy(state, lost):
    before = state.warehouse.read_bytes()
    REFUSED[lost](state)
    with pytest.raises(Problem, match=r"make restore.*publish forget .*--reason") as told:
        protect(state)
    # Each command is for this state folder: without it, another one would be restored.
    for command in ("make restore DATA=", "publish forget --data "):
        assert f"{command}{state.data} " in str(told.value).replace("`", " ")
    assert state.warehouse.read_bytes() == before


@pytest.mark.parametrize("touched", HARMLESS)
def test_what_loses_nothing_changes_nothing(state, touched):
    seen = read_publications(newest(state))
    HARMLESS[touched](state)
    assert protect(state).publications == seen


@pytest.mark.parametrize(
    "lost",
    ["history deleted", "both cut, and fitting", "all releases removed", "latest points nowhere"],
)
def test_only_in_so_many_words_what_is_left_counts_as_all(state, lost, capsys):
    REFUSED[lost](state)
    asked = ["forget", "--data", str(state.data), "--author", "A. Peeters", "--reason", "a test"]
    assert main(asked) == 0
    told = capsys.readouterr().out
    left = protect(state).publications
    assert "contents of public/" in told
    manifest = json.loads((publish(state) / MANIFEST).read_text())["public"]
    [decision] = manifest["decisions"]
    assert (decision["kind"], decision["author"], decision["reason"]) == (
        "forgotten", "A. Peeters", "a test",
    )  # fmt: skip
    assert decision["contents_before"] == "2"
    assert manifest["history"]["contents"] == len(left.contents)
    with pytest.raises(Problem, match="nothing to forget"):
        forget(state, "once more", "A. Peeters")


def test_the_warehouse_and_the_manifest_know_the_last_content(state):
    manifest = json.loads((newest(state) / MANIFEST).read_text())
    seen = read_publications(newest(state))
    with duckdb.connect(str(state.warehouse), read_only=True) as warehouse:
        noted = warehouse.execute("select contents, sha256 from raw.public_history").fetchall()
    assert noted == [(2, seen.digest())]
    assert manifest["public"]["history"] == {"contents": 2, "sha256": seen.digest()}


def test_a_release_that_was_placed_by_a_killed_night_counts(state):
    """It was killed before it could note it: the history is longer than what was noted."""
    seen = read_publications(newest(state))
    first = Noted(1, seen.digest(1))
    change(state, f"update raw.public_history set contents = 1, sha256 = '{first.sha256}'")
    assert protect(state).publications == seen
    publish(state)
    with duckdb.connect(str(state.warehouse), read_only=True) as warehouse:
        noted = warehouse.execute("select contents from raw.public_history").fetchall()
    assert noted == [(2,)]


def restored_after_a_closing(workspace: Workspace, spoil) -> Workspace:  # noqa: F811
    """Back up, close a month, spoil something, and restore what the backup holds."""
    own = Workspace(workspace.data, "", ROOT / "helplines" / "nupraatikerover")
    fingerprint = Key(KEY).fingerprint
    change(own, f"update raw.warehouse set key_fingerprint = '{fingerprint}'")
    backup(own)
    change(own, CLOSE_JANUARY)
    publish(own)
    spoil(own)
    restore(own)
    return own


def test_a_restored_backup_forgets_nothing_that_readers_saw_since(workspace, key):  # noqa: F811
    seen = []
    own = restored_after_a_closing(
        workspace, lambda state: seen.append(read_publications(latest(state)))
    )
    assert len(seen[0].contents) == 2
    assert protect(own).publications == seen[0]


def test_what_cannot_be_read_stays_aside_and_the_restored_history_counts(workspace, key):  # noqa: F811
    first = read_publications(latest(workspace))
    own = restored_after_a_closing(workspace, REFUSED["history deleted"])
    assert protect(own).publications == first


def test_a_history_is_known_by_its_beginning():
    nothing = Publications()
    assert Noted.of(nothing).is_kept_in(nothing)
    assert nothing.digest() == nothing.digest(0)
