"""`python -m publish release|show|verify`: from the warehouse to a release, without Airflow."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ingest.lock import hold
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.release import release
from publish.show import show
from publish.verify import verify


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if something must be put right first."""
    parser = argparse.ArgumentParser(prog="python -m publish", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "release": "publish the warehouse, if its figures have passed the gate",
        "show": "print the main figures of the latest release, and where it lies",
        "verify": "say whether the latest release is still what its manifest says",
    }
    for name, help_text in helps.items():
        command = commands.add_parser(name, help=help_text)
        command.add_argument("--data", help="state folder (CHATCIJFERS_DATA, default `data`)")
        if name != "release":
            command.add_argument("--release", type=Path, help="the folder of another release")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    workspace = Workspace.from_environment(data=options.data)
    try:
        if options.command == "release":
            with hold(workspace.data):
                print(release(workspace).folder)
        else:
            folder = options.release or workspace.published / "latest"
            print(show(folder) if options.command == "show" else _verified(folder))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _verified(folder: Path) -> str:
    wrong = verify(folder)
    if wrong:
        raise Problem(
            f"The release {folder.resolve()} is not what its manifest says: {'; '.join(wrong)}. "
            "`python -m publish release` builds it anew from the same inputs."
        )
    return f"{folder.resolve()} is whole."


if __name__ == "__main__":
    sys.exit(main())
