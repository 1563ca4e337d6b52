"""`python -m dags`: run the night once, keep Airflow up, or be a container of the stack."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from dags import run, stack, up
from ingest.problem import Problem
from ingest.workspace import Workspace

ENDED_BY_SIGNAL = 128


def main(arguments: list[str] | None = None) -> int:
    """Do as the command line says; return the exit status. A Problem is told without traceback."""
    options = _parser().parse_args(arguments)
    workspace = Workspace.from_environment(options.data, options.logs, options.helpline)
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _end)
    try:
        if options.command == "run":
            run.run(workspace, options.anew)
        elif options.command == "service":
            stack.serve(options.name, workspace, options.arguments)
        else:
            up.serve(workspace, options.port)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return ENDED_BY_SIGNAL + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dags", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="run the nightly DAG once, now, through Airflow")
    run_parser.add_argument(
        "--anew", metavar="WHY", help="make a new warehouse where one is gone; the reason is kept"
    )
    up_parser = commands.add_parser("up", help="start Airflow with its UI and the schedule active")
    up_parser.add_argument("--port", type=int, default=8080, help="of the UI on 127.0.0.1 (8080)")
    stack_parser = commands.add_parser("service", help="what a container of the stack runs")
    stack_parser.add_argument("name", choices=stack.NAMES)
    stack_parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of Airflow's own")
    for command in (run_parser, up_parser, stack_parser):
        command.add_argument("--data", help="the state folder (CHATCIJFERS_DATA, else data)")
        command.add_argument(
            "--logs", help="the event logs (CHATCIJFERS_LOGS, else simulated ones)"
        )
        command.add_argument("--helpline", help="the helpline's folder (CHATCIJFERS_HELPLINE)")
    return parser


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(ENDED_BY_SIGNAL + number)


if __name__ == "__main__":
    sys.exit(main())
