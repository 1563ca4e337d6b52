"""`python -m operations …`: is all well, backups, restoring one, and what goes with time."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable

from ingest.lock import SECONDS_TO_WAIT, hold
from ingest.problem import Problem
from ingest.wording import counted
from ingest.workspace import Workspace
from operations import aging, nightly, restoring
from operations.backup import backup, tell
from operations.health import examine
from operations.store import Store


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if something must be put right first."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.umask(0o077)
    if options.backups:
        os.environ["CHATCIJFERS_BACKUPS"] = options.backups
    workspace = Workspace.from_environment(options.data, None, options.helpline)
    try:
        return options.carry_out(workspace, options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(
        name: str, carry_out: Callable[[Workspace, argparse.Namespace], int], says: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=says, description=says)
        command.add_argument("--data", help="state folder (CHATCIJFERS_DATA, default `data`)")
        command.add_argument("--helpline", help="the helpline's folder (CHATCIJFERS_HELPLINE)")
        command.add_argument(
            "--backups", help="folder of backups (CHATCIJFERS_BACKUPS, default DATA/backups)"
        )
        command.set_defaults(carry_out=carry_out)
        return command

    health = add("health", _health, "say whether all is well; status 1 if it is not")
    health.add_argument("--json", action="store_true", help="for monitoring")
    add("backup", _backup, "make a backup of all that cannot be made again, but for the key")
    add("backups", _backups, "list the backups, oldest first")
    for name, carry_out, says in (
        ("verify", _verify, "read every file of a backup again, and say whether it is whole"),
        ("restore", _restore, "put a backup into the state folder; what was there is kept aside"),
    ):
        command = add(name, carry_out, says)
        command.add_argument(
            "backup", nargs="?", default="latest", help="its name or number (the last one)"
        )
    add("age", _age, "remove the databases of old releases and backups, and old logs")
    add("retain", _retain, "do all that a night does at its end: age, retire years, destroy keys")
    return parser


def _health(workspace: Workspace, options: argparse.Namespace) -> int:
    report = examine(workspace)
    print(report.as_json() if options.json else report)
    return 0 if report.is_well else 1


def _backup(workspace: Workspace, _options: argparse.Namespace) -> int:
    print(tell(backup(workspace), workspace.backups))
    return 0


def _backups(workspace: Workspace, _options: argparse.Namespace) -> int:
    store = Store(workspace.backups)
    for name in store.names():
        try:
            manifest = store.manifest(name)
        except Problem as problem:
            print(f"{name}  DAMAGED: {problem}")
            continue
        aged = "without warehouse and databases" if manifest.is_aged else "whole"
        releases = counted(len(manifest.releases), "release")
        print(f"{name}  {releases}, latest {manifest.latest}, {aged}")
    return 0


def _verify(workspace: Workspace, options: argparse.Namespace) -> int:
    print(f"The backup {restoring.verify(workspace, options.backup).name} is whole.")
    return 0


def _restore(workspace: Workspace, options: argparse.Namespace) -> int:
    manifest, aside = restoring.restore(workspace, options.backup)
    print(restoring.tell(manifest, aside, workspace))
    return 0


def _age(workspace: Workspace, _options: argparse.Namespace) -> int:
    with hold(workspace.data, SECONDS_TO_WAIT):
        print(aging.age(workspace))
    return 0


def _retain(workspace: Workspace, _options: argparse.Namespace) -> int:
    print(nightly.retain(workspace))
    return 0


if __name__ == "__main__":
    sys.exit(main())
