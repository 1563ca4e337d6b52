"""One kill: a night is killed at a random point, the next one runs, and all is compared."""

from __future__ import annotations

import random
import re
import subprocess
import time
from dataclasses import dataclass, field

from chaos import processes
from chaos.compare import differences
from chaos.reader import Reader
from chaos.scene import Scene, Situation

SHARE_OF_SINGLE_PROCESSES = 0.35
PATIENCE_SECONDS = 120  # for the rest of a night to end when one of its processes was killed
TRIES = 8  # for a night that has ended before the kill
WHOLE = "all processes"
BEGUN = re.compile(r"^  (\w[\w ]*?) {2,}(✓|✗)?", re.MULTILINE)
LAST_LINES = 15


@dataclass
class Kill:
    """What one kill hit, and what was wrong after the next night: nothing, if all is well."""

    index: int
    situation: str
    share: float
    victim: str = WHOLE
    phase: str = ""
    seconds: float = 0
    looks: int = 0
    wrong: list[str] = field(default_factory=list)


def kill(scene: Scene, seed: int, index: int) -> Kill:
    """Kill a night of the scene; seed and index decide which, where, and what of it."""
    started = time.monotonic()
    choice = random.Random(f"{seed}:{index}")
    situation = choice.choice(scene.situations)
    done = Kill(index, situation.name, choice.random())
    takes_one = choice.random() < SHARE_OF_SINGLE_PROCESSES
    scene.restore(situation)
    reader = Reader(scene.data / "published", _releases(situation))
    reader.start()
    try:
        _strike(scene, situation, done, choice if takes_one else None)
        reader.verify()
        _recover(scene, situation, done)
    finally:
        reader.stop()
        processes.kill_all(scene.mark)
    done.looks = reader.looks
    done.wrong += reader.wrong or differences(situation.after, scene.data)
    done.seconds = time.monotonic() - started
    return done


def _releases(situation: Situation) -> set[str]:
    return {path.name for path in (situation.after / "published" / "releases").iterdir()}


def _strike(scene: Scene, situation: Situation, done: Kill, single: random.Random | None) -> None:
    """Start the night and kill it; if it has ended before, again, by how long it took."""
    for _ in range(TRIES):
        started = time.monotonic()
        night = scene.start(situation)
        try:
            night.wait(done.share * situation.seconds)
        except subprocess.TimeoutExpired:
            if single is None:
                processes.kill_all(scene.mark)
            else:
                done.victim = processes.kill_one(scene.mark, single)
            done.phase = phase_of(scene.said.read_text())
            night.wait()
            if left := processes.wait_for_end(scene.mark, PATIENCE_SECONDS):
                done.wrong.append(f"went on without {done.victim}: {', '.join(left.values())}")
                processes.kill_all(scene.mark)
            return
        situation.seconds = time.monotonic() - started
        scene.restore(situation)
    done.wrong.append(f"{TRIES} nights had ended before they could be killed")


def _recover(scene: Scene, situation: Situation, done: Kill) -> None:
    """Run the night again, undisturbed, and keep in mind how long a night takes now."""
    started = time.monotonic()
    status = scene.start(situation).wait()
    situation.seconds = time.monotonic() - started
    if status != 0:
        said = scene.said.read_text().splitlines()[-LAST_LINES:]
        done.wrong.append("the next night failed: " + "\n    ".join(said))
    if left := processes.find(scene.mark):
        done.wrong.append(f"the next night left processes: {', '.join(left.values())}")


def phase_of(said: str) -> str:
    """Name the part of a night that was going on, by what it has printed so far."""
    parts = BEGUN.findall(said)
    if not parts:
        return "before Airflow"
    name, mark = parts[-1]
    return f"after {name}" if mark else name
