"""`python -m chaos`: kill nights at random points, and check that the next one puts all right.

A night is `python -m dags run` with all its processes. Most kills take all of them at once, as a
power cut does (but for what the disk had not written yet, which only a machine of its own can
lose); the others take one of them. After each kill comes a night that is left alone and has to put
all right; some of these are killed as well, and the next one is left alone. Seed and number of a
trial decide which night, where and what: `--seed 7 --only 42` does the 42nd of seed 7 again, as
closely as time can be met. A run that is stopped says how to go on with the trials that are left.
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
from collections.abc import Iterator
from pathlib import Path

from chaos.kill import Trial, carry_out, trial
from chaos.scene import LOGS_UNTIL, NotUndisturbed, Scene, write_source

PHASES = (
    *("before Airflow", "Airflow", "pull", "judge deliveries", "transform", "protect"),
    *("judge figures", "publish", "retain"),
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
    parser.add_argument("--only", type=int, metavar="NUMBER", help="do one trial of a seed again")
    parser.add_argument(
        "--from", type=int, default=1, dest="first", metavar="NUMBER",
        help="go on with this trial of a seed, where a run was stopped (1)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.seed is None and (options.only or options.first > 1):
        parser.error("which seed? It is in the first line that the other run printed: --seed")
    if not 1 <= options.first <= options.kills:
        parser.error(f"--from is a trial of the {options.kills}: 1 to {options.kills}")
    seed = random.SystemRandom().randrange(10_000) if options.seed is None else options.seed
    numbers = [options.only] if options.only else range(options.first, options.kills + 1)
    planned = [trial(seed, number) for number in numbers]
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    workers = min(options.workers, len(planned))
    print(f"{len(planned)} kills, seed {seed}, {workers} at a time, in {folder}")
    print(f"First the nights to compare with, undisturbed: {', '.join(LOGS_UNTIL)} ...", flush=True)
    started = time.monotonic()
    ended: list[Trial] = []
    try:
        for done in _carry_out_all(folder, planned, workers):
            ended.append(done)
            so_far = f"{len(ended)}/{len(planned)}"
            print(f"{so_far:>9} {_line(done)} {_clock(time.monotonic() - started)}", flush=True)
            for wrong in done.wrong:
                print(f"            {wrong}", flush=True)
    except NotUndisturbed as failure:
        print(f"A night failed that nobody had disturbed:\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(_summary(ended, seed, folder))
        print("\nStopped.")
        left = {one.number for one in planned} - {one.number for one in ended}
        if left and not options.only:
            print(f"The rest: make chaos KILLS={options.kills} SEED={seed} FROM={min(left)}")
        return 128 + signal.SIGINT
    finally:
        if not any(folder.glob("wrong-*")):
            shutil.rmtree(folder, ignore_errors=True)
    print(_summary(ended, seed, folder))
    return 1 if any(one.wrong for one in ended) else 0


def _carry_out_all(folder: Path, planned: list[Trial], workers: int) -> Iterator[Trial]:
    """Carry the trials out, so many at a time, and give each when it has ended."""
    write_source(folder)
    with multiprocessing.Pool(workers, _make_scene, [folder]) as pool:
        yield from pool.imap_unordered(_carry_out, planned)


_scene: Scene | None = None


def _make_scene(folder: Path) -> None:
    """Begin a worker: a folder of its own, where the nights to compare with are run first."""
    global _scene
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    process = multiprocessing.current_process()
    _scene = Scene(folder / process.name, folder / "code", folder / "helpline")


def _carry_out(planned: Trial) -> Trial:
    if not _scene.situations:
        _scene.prepare(_scene.folder.parent / "logs")
    situation = _scene.situations[planned.situation % len(_scene.situations)]
    carry_out(_scene, situation, planned)
    if planned.wrong:
        wrong = _scene.folder.parent / f"wrong-{planned.number}"
        shutil.copytree(_scene.data, wrong, symlinks=True)
    return planned


def _line(done: Trial) -> str:
    mark = "✗" if done.wrong else "✓"
    night = list(LOGS_UNTIL)[done.situation % len(LOGS_UNTIL)]
    kills = ", ".join(map(str, done.kills))
    return f"{mark} #{done.number:<4} {night:<8} at {kills} {done.seconds:5.0f} s"


def _clock(seconds: float) -> str:
    return f"({seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f}:{seconds % 60:02.0f})"


def _summary(done: list[Trial], seed: int, folder: Path) -> str:
    """Count by phase what was killed and what was wrong; name what went wrong, to do it again."""
    kills = [(kill, bool(one.wrong)) for one in done for kill in one.kills]
    whole = Counter(kill.phase for kill, _ in kills if kill.single is None)
    single = Counter(kill.phase for kill, _ in kills if kill.single is not None)
    failed = Counter(kill.phase for kill, is_wrong in kills if is_wrong)
    others = sorted((whole.keys() | single.keys()) - set(PHASES))
    lines = ["", f"{'killed in':<24} {'all processes':>13} {'one process':>12} {'wrong':>6}"]
    lines += [
        f"{phase:<24} {whole[phase]:>13} {single[phase]:>12} {failed[phase]:>6}"
        for phase in (*PHASES, *others)
    ]
    lines.append(f"{'all':<24} {whole.total():>13} {single.total():>12} {failed.total():>6}")
    wrong = sorted(one.number for one in done if one.wrong)
    lines.append(
        f"\n{len(done)} kills, {len(done) - len(wrong)} correct recoveries, seed {seed}; "
        f"{len(kills) - len(done)} nights that were to put all right were killed as well. "
        f"Readers looked at latest {sum(one.looks for one in done):,} times."
    )
    if wrong:
        lines.append(f"Wrong: {', '.join(f'#{number}' for number in wrong)}; left in {folder}")
        lines += [f"  python -m chaos --seed {seed} --only {number}" for number in wrong]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
