"""`python -m simulation`: write the simulated logs into a folder."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from simulation.files import write_files
from simulation.logs import simulate
from simulation.opening import Calendar
from simulation.targets import read_targets

logger = logging.getLogger("chatcijfers.simulation")


def main(arguments: list[str] | None = None) -> int:
    """Write the logs and return the exit code: 1 if the folder cannot be written."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation",
        description="Write the simulated logs of Nupraatikerover, 1 January 2020 to 29 January "
        "2023, one gzipped file per day and log. The same seed gives the same bytes.",
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="another number, other events (1)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    started = time.monotonic()
    targets = read_targets()
    contents = simulate(targets, Calendar(targets.first_day, targets.last_day), options.seed)
    try:
        written = write_files(options.out, contents)
    except OSError as error:
        print(f"The logs cannot be written to {options.out}: {error.strerror}.", file=sys.stderr)
        return 1
    lines = sum(content.count(b"\n") for content in contents.values())
    logger.info(
        "Simulated logs: %d lines in %d files in %s, %d files written, %.1f s.",
        *(lines, len(contents), options.out, written, time.monotonic() - started),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
