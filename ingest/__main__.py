"""`python -m ingest`: pull logs, check a helpline's folder, look at the ledger and decide."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import nullcontext
from getpass import getpass
from pathlib import Path

from ingest.belonging import begin_anew
from ingest.deliveries import (
    Delivery,
    list_deliveries,
    list_passed_over,
    list_rejects,
    set_status,
)
from ingest.description import describe
from ingest.helpline import load_helpline
from ingest.key import Key, make_key, read_key
from ingest.keys import read_key_of, years_with_keys
from ingest.lock import hold
from ingest.new_helpline import make_helpline
from ingest.problem import Problem
from ingest.pull import DEFAULT_MEMORY, LEAST_MEMORY, pull
from ingest.settings import SETTINGS
from ingest.trial import describe_trial, try_logs
from ingest.warehouse import private_files
from ingest.wording import counted
from ingest.workspace import DEFAULT_DATA, DEFAULT_HELPLINE, Workspace

MEMORY_LIMITS = f"{DEFAULT_MEMORY}, at least {LEAST_MEMORY}"
DESCRIPTION = """\
Logs of a chat helpline to the raw tables of a warehouse: exactly once, and pseudonymised before
anything is written. Needs no scheduler.

  python -m ingest key                                   once: make a key for the pseudonyms
  python -m ingest new --helpline helplines/mine         begin a helpline's folder, with a sample
  python -m ingest check --helpline helplines/mine       what is wrong with a helpline's folder
  python -m ingest check-logs chat.ndjson                what of it would be read, without a trace
  python -m ingest pull --logs /var/log/chat             load what is new there
  python -m ingest deliveries                            what was loaded, problems first
  python -m ingest rejects 3f9a41c2                      why lines of it were set aside
  python -m ingest accept 3f9a41c2 --reason "seen with the chat's supplier"
  python -m ingest pseudonym visitor                     under which pseudonym somebody is kept
"""
EPILOG = f"""\
environment (an option comes first):
  CHATCIJFERS_DATA      state folder (default: {DEFAULT_DATA})
  CHATCIJFERS_LOGS      folder of logs (default: the simulated ones in the state folder)
  CHATCIJFERS_HELPLINE  the helpline's folder (default: {DEFAULT_HELPLINE})
  CHATCIJFERS_KEY       the key itself, at least 32 characters; or
  CHATCIJFERS_KEY_FILE  a file with the key, mode 0600 (default: key in the state folder)
  CHATCIJFERS_KEYS_FOLDER  a folder for the keys of years, mode 0700, where keys rotate
                        (default: keys in the state folder)
  CHATCIJFERS_MEMORY    memory that pull may take (default: {MEMORY_LIMITS})

Logs are the files with events as JSON in the folder and below it, plain or compressed with gzip,
zstd, bzip2 or xz, whatever they are called; others are named as passed over. A file that was loaded
before is known by its content; of one that has grown, what is new is loaded. Ends with status 1 if
it could not do its work, and says why; a damaged file stops nothing: it is named, and tried again.
"""
PERSONS = ("visitor", "client", "responder")
STATUS_ORDER = {"quarantined": 0, "withdrawn": 1, "accepted": 2, "loaded": 3}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 if it could not do its work."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.umask(0o077)
    try:
        options.command(options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m ingest", description=DESCRIPTION, epilog=EPILOG, formatter_class=plain
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function, summary: str) -> argparse.ArgumentParser:
        one = commands.add_parser(
            name, help=summary, description=function.__doc__, formatter_class=plain
        )
        one.set_defaults(command=function, data=None, logs=None, helpline=None)
        return one

    def data(one: argparse.ArgumentParser) -> None:
        one.add_argument("--data", metavar="DIR", help=f"state folder (default: {DEFAULT_DATA})")

    def folder(one: argparse.ArgumentParser) -> None:
        one.add_argument(
            "--helpline", metavar="DIR", help=f"the helpline's folder (default: {DEFAULT_HELPLINE})"
        )

    one = command("pull", _pull, "load the logs that are not loaded yet")
    data(one)
    one.add_argument("--logs", metavar="DIR", help="folder of logs (default: DATA/simulated)")
    folder(one)
    one.add_argument(
        "--memory",
        metavar="SIZE",
        help=f"memory it may take, such as 2GB (default: {MEMORY_LIMITS})",
    )
    one.add_argument(
        "--anew",
        metavar="WHY",
        help="make a new warehouse beside releases of one that is gone, and keep the reason",
    )
    folder(command("check", _check, "say what is wrong with a helpline's folder, or what it holds"))
    one = command("check-logs", _check_logs, "try logs without loading them, and say what is read")
    one.add_argument("path", metavar="PATH", type=Path, help="a file, or a folder of logs")
    folder(one)
    folder(command("new", _new, "begin a new helpline's folder, with a sample of logs of its own"))
    data(command("deliveries", _deliveries, "list what was loaded, problems first"))
    for name, summary in (
        ("accept", "let a quarantined delivery count after all"),
        ("withdraw", "take a delivery out of all figures; it stays in the ledger"),
    ):
        one = command(name, _accept if name == "accept" else _withdraw, summary)
        one.add_argument("id", metavar="ID", help="the delivery's id, or how it begins")
        one.add_argument("--reason", required=True, help="why; kept in the ledger")
        data(one)
    one = command("rejects", _rejects, "say why lines of a delivery were set aside")
    one.add_argument("id", metavar="ID", help="the delivery's id, or how it begins")
    data(one)
    data(command("key", _key, "make a key for the pseudonyms, unless there is one"))
    one = command("pseudonym", _pseudonym, "say under which pseudonym somebody is kept")
    one.add_argument("kind", choices=PERSONS, help="as what: a visitor's and a client's differ")
    data(one)
    return parser


def _workspace(options: argparse.Namespace) -> Workspace:
    return Workspace.from_environment(options.data, options.logs, options.helpline)


def _pull(options: argparse.Namespace) -> None:
    """Load every log that is not loaded yet, each in one transaction with its ledger entry.

    A damaged file is refused whole and tried again next time; a line that does not fit is set aside
    with its reason. Afterwards: `python -m ingest deliveries`.
    """
    workspace = _workspace(options)
    if options.anew is not None:
        with private_files(), hold(workspace.data):
            begin_anew(workspace, options.anew)
    pull(workspace, memory=options.memory)


def _check(options: argparse.Namespace) -> None:
    """Check a helpline's folder: everything that is wrong, by file and line, or what it holds.

    Says as well how it read what is not written the usual way: tables separated by semicolons,
    dates such as 1/03/2022, times such as 9:00, decimal commas.
    """
    helpline = load_helpline(_workspace(options).helpline)
    for reading in helpline.readings:
        print(f"Read: {reading}")
    for warning in helpline.warnings:
        print(f"Warning: {warning}")
    print(describe(helpline))


def _check_logs(options: argparse.Namespace) -> None:
    """Try a file, or all logs of a folder: what would be read, type by type, and what would not.

    Writes nothing, needs no key and no state folder, and shows no value of any line. Ends with
    status 1 if nothing of a file would count.
    """
    workspace = _workspace(options)
    helpline = load_helpline(workspace.helpline)
    trial = try_logs(options.path.absolute(), helpline, workspace.data)
    print(describe_trial(trial, helpline.timezone))
    if trial.left_out:
        names = ", ".join(one.name for one in trial.left_out[:3])
        more = " …" if len(trial.left_out) > 3 else ""
        raise Problem(
            f"\nNothing of {counted(len(trial.left_out), 'file')} would count: {names}{more}. "
            "docs/events.md says what is expected."
        )


def _new(options: argparse.Namespace) -> None:
    """Begin a new helpline's folder: every file, commented, and a small sample of logs.

    A folder that holds anything stays as it is. The sample runs at once; the commands are printed.
    """
    folder = _workspace(options).helpline
    sample = make_helpline(folder)
    here, logs = _short(folder), _short(sample)
    print(
        f"Wrote a helpline into {here}, and a sample of logs for it into {logs}. Try it:\n\n"
        f"  make check HELPLINE={here}\n"
        f"  make run HELPLINE={here} LOGS={logs} DATA=data/sample-of-{folder.name}\n\n"
        f"Then change its files ({SETTINGS} first; docs/helpline.md describes them all) and run it "
        f"on your own logs:\n\n"
        f"  make run HELPLINE={here} LOGS=<folder> DATA=data/{folder.name}"
    )


def _deliveries(options: argparse.Namespace) -> None:
    """List all deliveries: damaged files and such as are no logs, then quarantined ones first."""
    warehouse = _workspace(options).warehouse
    deliveries, refusals = list_deliveries(warehouse)
    for file, reason, refused_at in refusals:
        print(f"damaged: {file}: {reason} (tried {refused_at:%Y-%m-%d %H:%M} UTC)")
    for file, reason, seen_at in list_passed_over(warehouse):
        print(f"passed over: {file}: {reason} (since {seen_at:%Y-%m-%d %H:%M} UTC)")
    rows = sorted(deliveries, key=lambda one: (STATUS_ORDER[one.status], one.file))
    header = (
        "id",
        "status",
        "loaded (UTC)",
        "lines",
        "events",
        "rejects",
        "blank",
        "expired",
        "file",
    )
    _print_table([header, *(_cells(one) for one in rows)])


def _cells(one: Delivery) -> tuple[str, ...]:
    reason = f" ({one.status_reason})" if one.status_reason else ""
    return (
        one.keyed_id,
        one.status,
        f"{one.loaded_at:%Y-%m-%d %H:%M}",
        f"{one.lines:,}",
        f"{one.events:,}",
        f"{one.rejects:,}",
        f"{one.blank_lines:,}",
        f"{one.expired:,}",
        one.file + reason,
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [
            cell.rjust(width) if 3 <= column <= 7 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        print("  ".join([*cells, row[-1]]))


def _accept(options: argparse.Namespace) -> None:
    """Let a quarantined or withdrawn delivery count: its rows enter the next run's figures."""
    _decide(options, "accepted")


def _withdraw(options: argparse.Namespace) -> None:
    """Take a delivery out of all figures from the next run on; its file may be replaced."""
    _decide(options, "withdrawn")


def _decide(options: argparse.Namespace, status: str) -> None:
    workspace = _workspace(options)
    with hold(workspace.data) if workspace.warehouse.exists() else nullcontext():
        one = set_status(workspace.warehouse, options.id, status, options.reason)
    print(f"{one.file} ({one.keyed_id}) is {status}: {one.status_reason}")


def _key(options: argparse.Namespace) -> None:
    """Make a key for the pseudonyms, unless there is one: a file that only you can read.

    Keep a copy in a safe place. With another key everyone would be somebody else, and the warehouse
    refuses it.
    """
    workspace = _workspace(options)
    is_made = make_key(workspace)
    fingerprint = read_key(workspace).fingerprint
    if is_made:
        print(f"Made a key in {_short(workspace.key_file)}. Keep a copy in a safe place.")
    else:
        print(f"There is a key already; it stays as it is. Its fingerprint: {fingerprint}")


def _rejects(options: argparse.Namespace) -> None:
    """Say why lines of a delivery were set aside: how many for each reason, and the first ones."""
    one, reasons = list_rejects(_workspace(options).warehouse, options.id)
    print(f"{one.file} ({one.keyed_id}): {one.rejects:,} of {one.lines:,} lines set aside")
    for reason, lines, first in reasons:
        print(f"  {lines:>9,}  {reason}: {', '.join(map(str, first))}{' …' * (lines > len(first))}")


def _pseudonym(options: argparse.Namespace) -> None:
    """Say under which pseudonym somebody is kept, by year where keys rotate.

    For a line of exclusions.csv, or for somebody who asks what is kept of them. The identifier, as
    the logs give it, is typed or comes on standard input: so it stands in no list of commands.
    """
    workspace = _workspace(options)
    keys: dict[str, Key] = {"the lasting key": read_key(workspace)}
    for year in years_with_keys(workspace.keys_folder):
        keys[f"the key of {year}"] = read_key_of(workspace.keys_folder, year)
    is_typed = sys.stdin.isatty()
    typed = getpass("Identifier (is not shown): ") if is_typed else sys.stdin.readline()
    identifier = typed.rstrip("\r\n")
    for name, key in keys.items():
        print(f"{key.pseudonym(options.kind, identifier)}  with {name}")


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
