"""`python -m chaos.attack`: does anybody follow from what random helplines would have published?

Each helpline closes its months one after the other; an attacker who shares no code with disclosure
control (chaos/attacker.py) then reads all its contents. One line a helpline, a last one for all;
fails if a hidden count is pinned. `--large` asks instead how long protecting and auditing take for
64 topics over six years.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from chaos.attacker import Pinned, pinned
from chaos.helplines import Helpline, Size, draw, write
from publish.disclosure.attacker import audit
from publish.publications import as_publications

THRESHOLD = 5


def sizes(helplines: int) -> list[Size]:
    """The sizes of the helplines: 5 to 500 conversations a month, 6 to 24 contents."""
    chance = random.Random(13)
    return [
        Size(
            monthly=round(5 * 100 ** (number / max(1, helplines - 1))),
            months=chance.choice([6, 12, 18, 24, 24]),
            topics=chance.choice([4, 8, 20]),
            starts_in=chance.choice(["2021-01", "2021-01", "2021-08"]),
        )
        for number in range(helplines)
    ]


def attack(size: Size, seed: int, folder: Path) -> tuple[list[Pinned], int]:
    """Publish a helpline's contents into a folder, and attack them all.

    Gives what is pinned, and how many protected counts are hidden.
    """
    helpline = Helpline(draw(size, seed), THRESHOLD)
    contents = []
    for month in helpline.months:
        contents.append(folder / f"{month}.csv")
        write(helpline.close(month), contents[-1])
    return pinned(contents, THRESHOLD)


def _attack_all(helplines: int) -> int:
    given_away = counted = 0
    for seed, size in enumerate(sizes(helplines)):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found, hidden = attack(size, seed, Path(folder))
        given_away, counted = given_away + len(found), counted + hidden
        print(
            f"{seed:3} {size.monthly:4} a month, {size.months:2} contents, {size.topics:2} topics: "
            f"{hidden:4} hidden, {len(found)} pinned ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
        for one in found[:5]:
            print(f"    {' '.join(filter(None, one.cell))}: {one.least} to {one.greatest}")
    print(f"{helplines} helplines: {counted} hidden counts, {given_away} pinned.")
    return int(given_away > 0)


def _time_large() -> int:
    helpline = Helpline(draw(Size(monthly=300, months=72, topics=64), 0), THRESHOLD)
    slowest = 0.0
    for month in helpline.months:
        if not month.endswith("-12"):
            continue
        for closing in (one for one in helpline.months if one[:4] == month[:4]):
            started = time.monotonic()
            publications = helpline.close(closing)
            protecting = time.monotonic() - started
            slowest = max(slowest, protecting)
        started = time.monotonic()
        audit(as_publications(publications), [], helpline.definitions)
        auditing = time.monotonic() - started
        slowest = max(slowest, auditing)
        print(f"{month}: protected in {protecting:.1f} s, audited in {auditing:.1f} s", flush=True)
    print(f"The slowest took {slowest:.1f} s.")
    return int(slowest > 30)


def main() -> int:
    """Attack, or time, as asked."""
    parser = argparse.ArgumentParser(prog="python -m chaos.attack", description=__doc__)
    parser.add_argument("--helplines", type=int, default=30)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    return _time_large() if arguments.large else _attack_all(arguments.helplines)


if __name__ == "__main__":
    sys.exit(main())
