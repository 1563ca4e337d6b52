"""A whole night where nothing outside can be reached, two at once, and nights that are killed.

`make chaos` kills by the hundred; here is a handful, on the same logs, one after the other.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from chaos import processes
from chaos.compare import differences
from chaos.kill import Kill, Trial, carry_out, phase_of, strike
from chaos.reader import Reader
from chaos.scene import Scene, Situation, copy, make_first

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "a_whole_month"
# A network whose only way out leads nowhere, and counts what is sent: anything but loopback, look-
# ups of names among it, and that of this machine's own name, which no file of hosts knows. In the
# end one look-up is tried, to see that it would have been counted.
APART = """
set -e
hostname chatcijfers-apart
ip link set lo up
ip link add outside type veth peer name nowhere
for end in outside nowhere; do
    echo 1 > /proc/sys/net/ipv6/conf/$end/disable_ipv6 || true
    ip link set $end up
done
ip address add 192.0.2.1/24 dev outside
ip neighbour add 192.0.2.254 lladdr 02:00:00:00:00:01 dev outside
ip route add default via 192.0.2.254
mount --bind "$RESOLVER" /etc/resolv.conf
packets() { awk '$1 == "outside:" { print $11 }' /proc/net/dev; }
before=$(packets)
"$@"
after=$(packets)
timeout 1 getent hosts somewhere.example || true
echo "$((after - before)) $(($(packets) - after))" > "$SENT"
"""
THROUGH = ["unshare", "--net", "--mount", "--uts", "sh", "-c", APART, "sh"]


class Second:
    """A run that begins once another one has locked the state folder, and what it says of that."""

    def __init__(self, said: Path) -> None:
        self.said = said
        self.status: int | None = None

    def begin(self, data: Path) -> None:
        deadline = time.monotonic() + 120
        while not _is_locked(data) and time.monotonic() < deadline:
            time.sleep(0.05)
        command = [sys.executable, "-m", "dags", "run", "--data", str(data)]
        command += ["--logs", str(GOLDEN / "logs"), "--helpline", str(GOLDEN / "helpline")]
        with self.said.open("wb") as said:
            done = subprocess.run(command, cwd=ROOT, stdout=said, stderr=said, check=False)
        self.status = done.returncode


def _is_locked(data: Path) -> bool:
    return (data / "lock").exists() and "process" in (data / "lock").read_text()


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """Where the night writes how many packets it sent; None if no network can be made for it."""
    folder = tmp_path_factory.mktemp("network")
    (folder / "resolv.conf").write_text("nameserver 192.0.2.254\noptions timeout:1 attempts:1\n")
    sent = folder / "sent"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESOLVER", str(folder / "resolv.conf"))
        environment.setenv("SENT", str(sent))
        there = shutil.which("unshare") and shutil.which("ip")
        tried = there and subprocess.run([*THROUGH, "true"], capture_output=True, check=False)
        yield sent if tried and tried.returncode == 0 else None


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Second:
    """A second run on the scene's state folder, begun while the night is on."""
    return Second(tmp_path_factory.mktemp("second") / "said")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, sent: Path | None, second: Second) -> Scene:
    """The night of the golden logs: without a network if that can be, and with a second one."""
    folder = tmp_path_factory.mktemp("scene")
    scene = Scene(folder, ROOT, GOLDEN / "helpline")
    before = make_first(folder / "before")
    night = Situation("first", GOLDEN / "logs", before, folder / "after")
    other = threading.Thread(target=second.begin, args=(scene.data,))
    other.start()
    scene.run_undisturbed(night, THROUGH if sent else ())
    other.join()
    scene.situations.append(night)
    return scene


def test_a_night_needs_no_network_and_tries_to_reach_nobody(scene: Scene, sent: Path | None):
    if sent is None:
        pytest.skip("only root can make a network of its own, with `unshare` and `ip`")
    by_the_night, by_one_look_up = map(int, sent.read_text().split())
    assert by_one_look_up > 0
    assert by_the_night == 0


def test_a_second_run_says_that_there_is_one_and_leaves_it_alone(scene: Scene, second: Second):
    """That the first is as it should be, the other tests say."""
    assert second.status == 1
    said = second.said.read_text()
    assert "Another run is using" in said
    assert "Traceback" not in said


def rows_of(figures: Path) -> dict[tuple[str, ...], dict[str, str]]:
    with figures.open(newline="", encoding="utf-8") as lines:
        names = ("figure", "period", "breakdown", "category")
        return {tuple(row[name] for name in names): row for row in csv.DictReader(lines)}


def test_logs_made_by_hand_give_the_figures_worked_out_by_hand(scene: Scene):
    [night] = scene.situations
    counted = rows_of(night.after / "published" / "latest" / "internal" / "figures.csv")
    expected = rows_of(GOLDEN / "expected.csv")
    assert len(expected) > 1000
    for cell, row in expected.items():
        found = counted[cell]
        assert (found["value"], found["obs_status"]) == (row["value"], row["obs_status"]), cell


def leave_what_few_kills_leave(state: Path) -> None:
    """Put into a state folder what is there for an instant only, so that hardly a kill hits it."""
    process = 2**22 + 1  # no process has such a number
    folders = [
        "tmp/left",
        f"gates/great_expectations/.figures-{process}",
        f"published/releases/.building-x-{process}",
    ]
    files = [
        "key.1234.tmp",
        f"gates/.figures-{process}.json",
        "tmp/left/over",
    ]
    for folder in folders:
        if (state / folder).parent.is_dir():
            (state / folder).mkdir()
    for file in files:
        if (state / file).parent.is_dir():
            (state / file).touch()


def test_after_a_handful_of_kills_the_next_night_puts_all_right(scene: Scene):
    """Each kill comes in the night after the one before; what few leave is added in between."""
    [night] = scene.situations
    wrong: list[str] = []
    first = [Kill(0.15), Kill(0.4, single="one of its processes")]
    scene.restore(night)
    while not all(strike(scene, night, kill, wrong) for kill in first):
        scene.restore(night)
    assert wrong == []
    killed = replace(night, before=scene.folder / "killed")
    copy(scene.data, killed.before)
    leave_what_few_kills_leave(killed.before)
    trial = Trial(1, 0, [Kill(0.7)])
    carry_out(scene, killed, trial)
    assert trial.wrong == []
    assert trial.looks > 0
    assert all(kill.phase for kill in (*first, *trial.kills))


# --- the tools themselves: what they would find


def test_what_a_kill_could_leave_is_found(scene: Scene, tmp_path: Path):
    [night] = scene.situations
    state = tmp_path / "state"
    copy(night.after, state)
    read_ahead = state / "dbt" / "perf_info.json"
    read_ahead.unlink() if read_ahead.exists() else read_ahead.touch()
    assert differences(night.after, state) == []
    release = (state / "published" / "latest").resolve()
    (state / "published" / "releases" / ".building-x-1").mkdir()
    (state / "warehouse.duckdb.new").touch()
    (state / "lock").write_text("process 1")
    (release / "public" / "figures.csv").open("a").write("one more\n")
    (release / "internal" / "figures.csv").chmod(0o644)
    with duckdb.connect(str(state / "warehouse.duckdb")) as warehouse:
        warehouse.execute("insert into raw.events from raw.events limit 1")
        warehouse.execute("delete from raw.delivery_files")
        warehouse.execute("insert into raw.public_months values ('chat', '1999-01')")
    found = "\n".join(differences(night.after, state))
    for sign in (
        ".building-x-1 was left behind",
        "warehouse.duckdb.new was left behind",
        "lock still names a run",
        "public/figures.csv has other content",
        "public/figures.csv has changed",
        "internal/figures.csv has another type, mode or target",
        "1 rows of raw.events are lost, doubled or changed",
        "2 rows of raw.delivery_files are lost, doubled or changed",
    ):
        assert sign in found
    assert "public_months" not in found


def test_what_was_public_before_a_night_may_not_be_wanting_after_it(scene: Scene, tmp_path: Path):
    [night] = scene.situations
    noted = tmp_path / "noted"
    copy(night.after, noted)
    with duckdb.connect(str(noted / "warehouse.duckdb")) as warehouse:
        warehouse.execute("insert into raw.public_months values ('chat', '1999-01')")
    assert differences(night.after, noted) == []
    [said] = differences(noted, night.after)
    assert "1 rows of raw.public_months are lost" in said


def test_a_reader_notices_a_release_that_is_not_whole(scene: Scene, tmp_path: Path):
    [night] = scene.situations
    shutil.copytree(night.after / "published", tmp_path / "published", symlinks=True)
    reader = Reader(tmp_path / "published", {"another"})
    ((tmp_path / "published" / "latest").resolve() / "public" / "figures.csv").unlink()
    reader.start()
    reader.stop()
    found = "\n".join(reader.wrong)
    assert "public/figures.csv is missing" in found


def test_kills_reach_every_process_of_a_night_and_nobody_else(tmp_path: Path):
    mark = str(tmp_path)
    children = [
        subprocess.Popen(["sh", "-c", "sleep 60 & wait"], env=os.environ | {"CHAOS": name})
        for name in (mark, "another")
    ]
    try:
        while len(processes.find(mark)) < 2:
            time.sleep(0.01)
        processes.kill_all(mark)
        assert children[0].wait() == -9
        assert processes.wait_for_end(mark, 10) == {}
        assert children[1].poll() is None
    finally:
        processes.kill_all("another")
        for child in children:
            child.wait()


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        ("The night of x, into y\n", "before Airflow"),
        ("The night of x, into y\n  Airflow           ", "Airflow"),
        ("  Airflow            ✓   1.0 s\n  judge deliveries  ", "judge deliveries"),
        ("  pull               ✓   1.0 s\n", "after pull"),
    ],
)
def test_the_phase_is_read_from_what_a_night_prints(said: str, phase: str):
    assert phase_of(said) == phase
