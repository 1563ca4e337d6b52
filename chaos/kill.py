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
    choice = random.Random(f"{seed}:{index}")
    situation = choice.choice(scene.situations)
    done = Kill(index, situation.name, choice.random())
    takes_one = choice.random() < SHARE_OF_SINGLE_PROCESSES
    kill_and_recover(scene, situation, done, choice if takes_one else None)
    return done


def kill_and_recover(
    scene: Scene, situation: Situation, done: Kill, single: random.Random | None
) -> None:
    """Kill a night, run the next one, and note in `done` whatever was wrong.

    `single` chooses one process to kill; without it, all are killed.
    """
    started = time.monotonic()
    for _ in range(TRIES):
        scene.restore(situation)
        reader = Reader(scene.data / "published", _releases(situation))
        reader.start()
        try:
            was_hit = strike(scene, situation, done, single)
            if was_hit:
                reader.verify()
                _recover(scene, situation, done)
        finally:
            reader.stop()
            processes.kill_all(scene.mark)
        done.looks += reader.looks
        done.wrong += reader.wrong
        if was_hit:
            done.wrong += differences(situation.after, scene.data)
            break
    else:
        done.wrong.append(f"{TRIES} nights had ended before they could be killed")
    done.seconds = time.monotonic() - started


def _releases(situation: Situation) -> set[str]:
    return {path.name for path in (situation.after / "published" / "releases").iterdir()}


def strike(scene: Scene, situation: Situation, done: Kill, single: random.Random | None) -> bool:
    """Start the night on the state folder as it is, and kill it; tell whether it still ran.

    If it did not, the situation now knows how long a night takes.
    """
    started = time.monotonic()
    night = scene.start(situation)
    try:
        night.wait(done.share * situation.seconds)
    except subprocess.TimeoutExpired:
        pass
    else:
        situation.seconds = time.monotonic() - started
        return False
    if single is None:
        processes.kill_all(scene.mark)
    else:
        done.victim = processes.kill_one(scene.mark, single)
    done.phase = phase_of(scene.said.read_text())
    night.wait()
    if left := processes.wait_for_end(scene.mark, PATIENCE_SECONDS):
        done.wrong.append(f"went on without {done.victim}: {', '.join(left.values())}")
        processes.kill_all(scene.mark)
    return True


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
