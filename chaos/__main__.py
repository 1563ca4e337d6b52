"""`python -m chaos`: kill nights at random points, and check that the next one puts all right.

A night is `python -m dags run` with all its processes. Most kills take all of them at once, as a
power cut does (but for what the disk had not written yet, which only a machine of its own can
lose); the others take one of them. Seed and number of a kill decide which night, where and what:
`--seed 7 --only 42` does the 42nd of seed 7 again, as closely as time can be met.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from chaos.kill import WHOLE, Kill, kill
from chaos.scene import LOGS_UNTIL, NotUndisturbed, Scene, write_source

PHASES = (
    *("before Airflow", "Airflow", "pull", "judge deliveries", "transform", "protect"),
    *("judge figures", "publish"),
)


def main(arguments: list[str] | None = None) -> int:
    """Kill as the command line says and print what came of it; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=200, help="how many nights to kill (200)")
    parser.add_argument("--seed", type=int, help="another number, other kills (drawn, and printed)")
    parser.add_argument("--workers", type=int, default=2, help="nights at a time (2)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="do one kill of a seed again")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10_000) if options.seed is None else options.seed
    numbers = range(1, options.kills + 1) if options.only is None else [options.only]
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        kills = _kill_all(folder, seed, numbers, min(options.workers, len(numbers)))
    except NotUndisturbed as failure:
        print(f"A night failed that nobody had disturbed:\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        if not any(folder.glob("wrong-*")):
            shutil.rmtree(folder, ignore_errors=True)
    print(_summary(kills, seed, folder))
    return 1 if any(one.wrong for one in kills) else 0


def _kill_all(folder: Path, seed: int, numbers: Sequence[int], workers: int) -> list[Kill]:
    started = time.monotonic()
    print(f"{len(numbers)} kills, seed {seed}, {workers} at a time, in {folder}")
    print(f"First the nights to compare with, undisturbed: {', '.join(LOGS_UNTIL)} ...", flush=True)
    write_source(folder)
    kills: list[Kill] = []
    with multiprocessing.Pool(workers, _make_scene, [folder, seed]) as pool:
        for done in pool.imap_unordered(_kill, numbers):
            kills.append(done)
            so_far = f"{len(kills)}/{len(numbers)}"
            print(f"{so_far:>9} {_line(done)} {_clock(time.monotonic() - started)}", flush=True)
            for wrong in done.wrong:
                print(f"            {wrong}", flush=True)
    return kills


_scene: Scene | None = None
_seed = 0


def _make_scene(folder: Path, seed: int) -> None:
    """Begin a worker: a folder of its own, where the nights to compare with are run first."""
    global _scene, _seed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    process = multiprocessing.current_process()
    _scene = Scene(folder / process.name, folder / "code", folder / "helpline")
    _seed = seed


def _kill(number: int) -> Kill:
    if not _scene.situations:
        _scene.prepare(_scene.folder.parent / "logs")
    done = kill(_scene, _seed, number)
    if done.wrong:
        shutil.copytree(_scene.data, _scene.folder.parent / f"wrong-{number}", symlinks=True)
    return done


def _line(done: Kill) -> str:
    mark = "✗" if done.wrong else "✓"
    where = f"{done.situation:<8} at {100 * done.share:3.0f} %, {done.phase}"
    return f"{mark} #{done.index:<4} {where:<38} {done.victim:<14} {done.seconds:5.0f} s "


def _clock(seconds: float) -> str:
    return f"({seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f}:{seconds % 60:02.0f})"


def _summary(kills: list[Kill], seed: int, folder: Path) -> str:
    """Count by phase what was killed and what was wrong; name what went wrong, to do it again."""
    wrong = sorted(one.index for one in kills if one.wrong)
    whole, single = (
        Counter(one.phase for one in kills if (one.victim == WHOLE) is is_whole)
        for is_whole in (True, False)
    )
    failed = Counter(one.phase for one in kills if one.wrong)
    others = sorted((whole.keys() | single.keys()) - set(PHASES))
    lines = ["", f"{'killed in':<24} {WHOLE:>13} {'one process':>12} {'wrong':>6}"]
    lines += [
        f"{phase:<24} {whole[phase]:>13} {single[phase]:>12} {failed[phase]:>6}"
        for phase in (*PHASES, *others)
    ]
    lines.append(f"{'all':<24} {whole.total():>13} {single.total():>12} {failed.total():>6}")
    looks = sum(one.looks for one in kills)
    lines.append(
        f"\n{len(kills)} kills, {len(kills) - len(wrong)} correct recoveries, seed {seed}; "
        f"readers looked at latest {looks:,} times."
    )
    if wrong:
        lines.append(f"Wrong: {', '.join(f'#{number}' for number in wrong)}; left in {folder}")
        lines += [f"  python -m chaos --seed {seed} --only {number}" for number in wrong]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
