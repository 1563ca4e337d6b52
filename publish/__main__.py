"""`python -m publish …`: from the warehouse to a release, and questions to a release."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from ingest.damage import damage_of_latest
from ingest.lock import hold
from ingest.problem import Damaged, Problem
from ingest.workspace import Workspace
from publish import answer, explain
from publish.analyst import open_shell
from publish.protect import protect
from publish.record import lines_to_decide, record
from publish.release import release
from publish.seen import forget
from publish.serve import serve
from publish.show import show
from publish.verify import is_without_database, say_without_database, verify


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if something must be put right first."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        said = options.carry_out(options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        if said is not None:
            print(said, end="" if said.endswith("\n") else "\n", flush=True)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m publish", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(
        name: str, carry_out: Callable[[argparse.Namespace], str | None], help_text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.add_argument("--data", help="state folder (CHATCIJFERS_DATA, default `data`)")
        command.set_defaults(carry_out=carry_out)
        return command

    add("protect", _protect, "decide what becomes public, and what is hidden (after dbt)")
    add("release", _release, "publish the warehouse, if its figures have passed the gate")
    asked = [
        add("show", _show, "print the main figures of the latest release, and where it lies"),
        add("verify", _verify, "say whether the latest release is what its manifest says"),
        add("explain", _explain, "say where a figure comes from, and what became of it"),
        add(
            "contradictions",
            _contradictions,
            "write the lines for revisions.csv that contradicted published figures need",
        ),
        add("answer", _answer, "write the annex with the tables that answer a written question"),
        add("sql", _sql, "ask the latest release in SQL, read-only: a shell, or one query"),
    ]
    for command in asked:
        command.add_argument("--release", type=Path, help="the folder of another release")
    explain.add_options(asked[2])
    asked[3].add_argument("--reason", default="", help="the reason, if all have the same")
    asked[3].add_argument("--author", default="", help="who decides")
    answer.add_options(asked[4])
    asked[5].add_argument(
        "query", nargs="?", default="", help="SQL, a query of dbt_project/analyses, or a file"
    )
    forgetting = add(
        "forget", _forget, "take what is left of what was public for all that there was"
    )
    forgetting.add_argument("--reason", required=True, help="why what readers have does not count")
    forgetting.add_argument("--author", required=True, help="who decides")
    serving = add("serve", _serve, "show the latest release's pages on 127.0.0.1, until Ctrl-C")
    serving.add_argument("--port", type=int, default=8080, help="of 127.0.0.1 (8080)")
    recording = add("record", _record, "add a document's figures to the helpline's published.csv")
    recording.add_argument(
        "table", type=Path, help="CSV file: figure,period,breakdown,category[,value[,as_printed]]"
    )
    recording.add_argument("--document", required=True, help="name of the document")
    recording.add_argument(
        "--published-on", required=True, type=_day, help="day of the document, as 2023-01-30"
    )
    for command in (recording, asked[4]):
        command.add_argument("--helpline", help="the helpline's folder (CHATCIJFERS_HELPLINE)")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2023-01-30") from None


def _workspace(options: argparse.Namespace) -> Workspace:
    return Workspace.from_environment(
        data=options.data, helpline=getattr(options, "helpline", None)
    )


def _latest(options: argparse.Namespace) -> Path:
    if options.release:
        return options.release
    published = _workspace(options).published
    damage = damage_of_latest(published)
    if damage:
        raise Damaged(damage)
    return published / "latest"


def _protect(options: argparse.Namespace) -> str:
    workspace = _workspace(options)
    with hold(workspace.data):
        latest = protect(workspace).publications.latest
    return f"closed through {latest.closed_through}" if latest else "nothing is public yet"


def _release(options: argparse.Namespace) -> str:
    workspace = _workspace(options)
    with hold(workspace.data):
        return str(release(workspace).folder)


def _forget(options: argparse.Namespace) -> str:
    workspace = _workspace(options)
    with hold(workspace.data):
        return forget(workspace, options.reason, options.author)


def _show(options: argparse.Namespace) -> str:
    return show(_latest(options))


def _verify(options: argparse.Namespace) -> str:
    folder = _latest(options)
    if not folder.is_dir():
        raise Problem(
            f"There is no release in {folder}. Name another state folder with --data, or the "
            "folder of a release with --release; `make run` makes one."
        )
    wrong = verify(folder)
    if wrong:
        raise Problem(
            f"The release {folder.resolve()} is not what its manifest says: {'; '.join(wrong)}. "
            "`python -m publish release` builds it anew from the same inputs."
        )
    removed = f" {say_without_database(folder)}" if is_without_database(folder) else ""
    return f"{folder.resolve()} is whole.{removed}"


def _explain(options: argparse.Namespace) -> str:
    return explain.explain(
        _latest(options),
        options.figure,
        options.period,
        options.breakdown,
        options.category,
        has_every_delivery=options.all,
    )


def _contradictions(options: argparse.Namespace) -> str:
    return lines_to_decide(_latest(options), options.reason, options.author, date.today())


def _answer(options: argparse.Namespace) -> str:
    return answer.answer(
        options.question,
        _latest(options),
        _workspace(options).helpline,
        is_internal=options.internal,
        output=options.output,
        table=options.table,
    )


def _sql(options: argparse.Namespace) -> None:
    open_shell(_latest(options), options.query, _workspace(options).data / "sql_history")


def _serve(options: argparse.Namespace) -> None:
    serve(_latest(options), options.port)


def _record(options: argparse.Namespace) -> str:
    workspace = _workspace(options)
    with hold(workspace.data):
        recorded = record(workspace, options.table, options.document, options.published_on)
    said = [
        f"Added to {workspace.helpline / 'published.csv'} for {options.document}: "
        f"{recorded.added}. There already: {recorded.known}."
    ]
    if recorded.revealed:
        said.append(
            "These are hidden in public/, for they would give somebody away. If they have been "
            "printed, they stay shown from now on; if not, take their lines out again:"
        )
        said += [f"- {one}" for one in recorded.revealed]
    if recorded.contradictions:
        said.append(
            "These are not what the latest release has. Until revisions.csv says why, public/ is "
            "held back:"
        )
        said += [f"- {one}" for one in recorded.contradictions]
    return "\n".join(said)


if __name__ == "__main__":
    sys.exit(main())
