"""`python -m operations`: what keeps a running installation healthy."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from ingest.problem import Problem
from ingest.workspace import Workspace
from operations.retention import retain


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 if it could not do its work."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.umask(0o077)
    try:
        options.command(Workspace.from_environment(options.data, None, options.helpline))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    one = commands.add_parser(
        "retain", help="delete the events of years that are older than the helpline keeps them"
    )
    one.add_argument("--data", metavar="DIR", help="state folder")
    one.add_argument("--helpline", metavar="DIR", help="the helpline's folder")
    one.set_defaults(command=retain)
    return parser


if __name__ == "__main__":
    sys.exit(main())
