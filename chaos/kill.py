"""A trial: a night is killed at a random point, and the next one has to put all right.

After a kill comes a night that is left alone and has to put all right. Now and then it is killed
as well, and the one after it is left alone: what was begun to be mended has to be mendable too.
"""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaos import processes
from chaos.compare import differences
from chaos.reader import Reader
from chaos.scene import Scene, Situation, copy

SHARE_OF_SINGLE_PROCESSES = 0.35
SHARE_KILLED_AGAIN = 0.15
MOST_KILLS = 2  # in one trial
PATIENCE_SECONDS = 120  # for the rest of a night to end when one of its processes was killed
TRIES = 8  # for a night that has ended before its kill
WHOLE = "all processes"
BEGUN = re.compile(r"^  (\w[\w ]*?) {2,}(✓|✗)?", re.MULTILINE)
LAST_LINES = 15


@dataclass
class Kill:
    """One kill of a trial: after which share of a night it comes, and what it hit.

    `single` draws the one process that is killed, whatever its text; without one, all are.
    """

    share: float
    single: str | None = None
    victim: str = WHOLE
    phase: str = ""

    def __str__(self) -> str:
        """Say where it hit and what."""
        return f"{100 * self.share:.0f} % {self.phase} ({self.victim})"


@dataclass
class Trial:
    """The kills that come one after the other, and what was wrong after the night that was left.

    `situation` is a number, to be taken modulo the situations there are.
    """

    number: int
    situation: int
    kills: list[Kill]
    seconds: float = 0
    looks: int = 0
    wrong: list[str] = field(default_factory=list)


def trial(seed: int, number: int) -> Trial:
    """Draw a trial; seed and number decide in which night, where and what is killed."""
    choice = random.Random(f"{seed}:{number}")
    drawn = Trial(number, choice.randrange(2**16), [])
    while not drawn.kills or (
        len(drawn.kills) < MOST_KILLS and choice.random() < SHARE_KILLED_AGAIN
    ):
        is_single = choice.random() < SHARE_OF_SINGLE_PROCESSES
        process = f"{seed}:{number}:{len(drawn.kills)}" if is_single else None
        drawn.kills.append(Kill(choice.random(), process))
    return drawn


def carry_out(scene: Scene, situation: Situation, done: Trial) -> None:
    """Kill nights as the trial says, run the next one, and note in it whatever was wrong."""
    started = time.monotonic()
    scene.restore(situation)
    try:
        for kill in done.kills:
            _strike_until_hit(scene, situation, kill, done)
        with _reading(scene, situation, done) as reader:
            reader.verify()
            _recover(scene, situation, done.wrong)
        done.wrong += differences(situation.after, scene.data)
    finally:
        processes.kill_all(scene.mark)
    done.seconds = time.monotonic() - started


@contextmanager
def _reading(scene: Scene, situation: Situation, done: Trial) -> Iterator[Reader]:
    """Have somebody read `latest` all the while, and note what was seen."""
    releases = {path.name for path in (situation.after / "published" / "releases").iterdir()}
    reader = Reader(scene.data / "published", releases)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
        done.looks += reader.looks
        done.wrong += reader.wrong


def _strike_until_hit(scene: Scene, situation: Situation, kill: Kill, done: Trial) -> None:
    """Kill a night; one that had ended before is done again, on the state folder of before."""
    copy(scene.data, scene.kept)
    for _ in range(TRIES):
        with _reading(scene, situation, done):
            if strike(scene, situation, kill, done.wrong):
                return
        copy(scene.kept, scene.data)
    done.wrong.append(f"{TRIES} nights had ended before they could be killed")


def strike(scene: Scene, situation: Situation, kill: Kill, wrong: list[str]) -> bool:
    """Start a night on the state folder as it is, and kill it; tell whether it still ran.

    If it did not, the situation now knows how long a night takes.
    """
    started = time.monotonic()
    night = scene.start(situation)
    try:
        night.wait(kill.share * situation.seconds)
    except subprocess.TimeoutExpired:
        pass
    else:
        situation.seconds = time.monotonic() - started
        return False
    if kill.single is None:
        processes.kill_all(scene.mark)
    else:
        kill.victim = processes.kill_one(scene.mark, random.Random(kill.single))
    kill.phase = phase_of(scene.said.read_text())
    night.wait()
    if left := processes.wait_for_end(scene.mark, PATIENCE_SECONDS):
        wrong.append(f"went on without {kill.victim}: {', '.join(left.values())}")
        processes.kill_all(scene.mark)
    return True


def _recover(scene: Scene, situation: Situation, wrong: list[str]) -> None:
    """Run the night again, undisturbed, and keep in mind how long a night takes now."""
    started = time.monotonic()
    status = scene.start(situation).wait()
    situation.seconds = time.monotonic() - started
    if status != 0:
        said: Sequence[str] = scene.said.read_text().splitlines()[-LAST_LINES:]
        wrong.append("the next night failed: " + "\n    ".join(said))
    if left := processes.find(scene.mark):
        wrong.append(f"the next night left processes: {', '.join(left.values())}")


def phase_of(said: str) -> str:
    """Name the part of a night that was going on, by what it has printed so far."""
    parts = BEGUN.findall(said)
    if not parts:
        return "before Airflow"
    name, mark = parts[-1]
    return f"after {name}" if mark else name
