"""A validated warehouse becomes a release: whole, put in place at once, and never changed again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from expectations.outcome import Outcome
from ingest.problem import Problem, is_damaged, is_full
from ingest.workspace import Workspace
from publish.contents import describe, open_warehouse, published_tables
from publish.identity import input_id
from publish.notes import PLACED, note
from publish.place import make_shared_folder, point, put_in_place, remove_stale, unfinished
from publish.publications import read_proposed
from publish.seen import Noted, note_seen, read_noted
from publish.verify import is_without_database, verify
from publish.write import write

log = logging.getLogger("chatcijfers.publish")

ID_LENGTH = 16


@dataclass(frozen=True)
class Release:
    """A release in place: its id, its folder, and whether this run wrote it."""

    id: str
    folder: Path
    is_new: bool


def release(workspace: Workspace) -> Release:
    """Publish the warehouse of a workspace, if the second gate has passed exactly what lies in it.

    The release is built aside and put in place with one rename; `latest` follows with another. If
    it exists already and is whole, nothing is written. Raises Problem, and leaves `latest` as it
    was, if the gate has not passed or if there is no room to write.
    """
    started_at = datetime.now(UTC)
    with open_warehouse(workspace) as connection:
        inputs = input_id(connection)
        tables = describe(connection, published_tables(connection))
        gates = _require_gates(workspace, inputs, tables)
        with _explaining(workspace.published):
            published = _publish(connection, workspace, inputs, gates, started_at)
        seen, noted = read_proposed(connection), read_noted(connection)
    if noted != Noted.of(seen):
        note_seen(workspace, seen)
    return published


def release_id(inputs: str, tables: dict[str, dict]) -> str:
    """Give the id of a release: a hash of its inputs and of all that was ever public with it.

    What is public depends on what readers have seen before, so the same logs make another release
    where other contents went before.
    """
    public = {name: table for name, table in tables.items() if name.startswith("disclosure.")}
    text = json.dumps({"inputs": inputs, "public": public}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def _publish(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    inputs: str,
    gates: dict[str, Outcome],
    started_at: datetime,
) -> Release:
    published = workspace.published
    releases = published / "releases"
    for shared in (published, releases):
        make_shared_folder(shared)
        remove_stale(shared)
    folder = releases / release_id(inputs, gates["figures"].tables)
    is_new = not _is_whole(folder)
    if is_new:
        with unfinished(releases, folder.name) as building:
            write(
                connection,
                building,
                release_id=folder.name,
                inputs=inputs,
                gates=gates,
                started_at=started_at,
                latest=published / "latest",
                dbt_manifest=workspace.dbt_target / "manifest.json",
                pages=workspace.gates / "great_expectations",
            )
            put_in_place(building, folder)
        log.info("The release %s is in place.", folder.name)
    else:
        log.info("The release %s exists and is whole: nothing is written.", folder.name)
        if (published / "latest").resolve() != folder.resolve():
            note(folder, PLACED, datetime.now(UTC))
    point(published / "latest", folder)
    return Release(folder.name, folder, is_new)


def _require_gates(
    workspace: Workspace, inputs: str, tables: dict[str, dict]
) -> dict[str, Outcome]:
    gates = {gate: Outcome.read(workspace.gates, gate) for gate in ("deliveries", "figures")}
    again = "Run the night again, or its steps from there on."
    for gate, outcome in gates.items():
        if outcome is None:
            raise Problem(f"Nothing is published: the gate `{gate}` has not been run. {again}")
        if outcome.input != inputs:
            raise Problem(
                f"Nothing is published: the gate `{gate}` judged other deliveries, settings or "
                f"code than those of now. {again}"
            )
        if not outcome.passed:
            raise Problem(
                f"Nothing is published: the gate `{gate}` failed. {workspace.gates / gate}.json "
                "says why; mend what it points at and run again."
            )
    if gates["figures"].tables != tables:
        raise Problem(
            "Nothing is published: the figures have changed since the gate `figures` judged them. "
            + again
        )
    return gates


def _is_whole(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    if is_without_database(folder):
        log.info("The release %s comes again: its database is made anew.", folder.name)
        return False
    wrong = verify(folder)
    if wrong:
        log.warning(
            "The release %s is damaged and is built anew: %s.", folder.name, "; ".join(wrong)
        )
    return not wrong


@contextmanager
def _explaining(published: Path) -> Iterator[None]:
    """Turn what a full or unwritable disk does into a Problem."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if is_damaged(str(error)):
            raise  # the warehouse, whose own words are better
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        elif isinstance(error, duckdb.IOException) or is_full(str(error)):
            reason = str(error).splitlines()[0]
        else:
            raise
        raise Problem(
            f"The release could not be written under {published}: {reason}. Nothing was published "
            "and the latest release is as it was. Make room, or make the folder writable, and run "
            "again."
        ) from error
