"""`python -m expectations deliveries|figures`: the two gates, without Airflow."""

from __future__ import annotations

import argparse
import logging
import sys

from ingest.lock import hold
from ingest.problem import Problem
from ingest.workspace import Workspace


def main(arguments: list[str] | None = None) -> int:
    """Run one gate; 0 if it passed, 1 if it failed or something must be put right first."""
    parser = argparse.ArgumentParser(prog="python -m expectations", description=__doc__)
    parser.add_argument(
        "gate",
        choices=["deliveries", "figures"],
        help="deliveries: quarantine what is not fit to transform; "
        "figures: fail if they are not fit to publish",
    )
    parser.add_argument("--data", help="state folder (CHATCIJFERS_DATA, default `data`)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    workspace = Workspace.from_environment(data=options.data)
    try:
        with hold(workspace.data):
            _judge(options.gate, workspace)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _judge(gate: str, workspace: Workspace) -> None:
    # Great Expectations takes seconds to import: only now, and only the gate that was asked for.
    if gate == "deliveries":
        from expectations.deliveries import judge
    else:
        from expectations.figures import judge
    judge(workspace)


if __name__ == "__main__":
    sys.exit(main())
