"""What a person sees of a run: each part with its duration as it happens, and how it ended."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

STARTED = ("running", "success", "failed", "up_for_retry")
MARKS = {"success": "✓", "failed": "✗", "up_for_retry": "✗"}
SECONDS_BETWEEN_TICKS = 1.0
# Carriage return, and clear the line: on a terminal a line is written anew while its part goes on.
ANEW = "\r\x1b[K"
# How dbt says how far it is, in a line of the log of the task that runs it.
OF_MODELS = re.compile(rb"\b(\d+ of \d+) .*\[chatcijfers\.transform\]")
BYTES_OF_THE_END = 8192


class Parts:
    """The parts of a run, each printed when it begins, and with its seconds when it ends.

    On a terminal the line of the part that goes on shows its seconds, and how far it is if that is
    known; elsewhere nothing is ever written twice.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.is_live = sys.stdout.isatty()
        self._begun: tuple[str, float] | None = None
        self._so_far = ""
        self._ended = threading.Event()
        self._ticking: threading.Thread | None = None

    def begin(self, name: str) -> None:
        """Begin a part; the one before must have ended."""
        self._begun = name, time.monotonic()
        self._so_far = ""
        print(f"  {name:<18}", end="", flush=True)
        if self.is_live:
            self._ended = threading.Event()
            self._ticking = threading.Thread(target=self._tick, args=(self._ended,), daemon=True)
            self._ticking.start()

    def tell(self, so_far: str) -> None:
        """Say how far the part is, as `12 of 60`; it is shown with the next tick."""
        self._so_far = so_far

    def end(self, mark: str = "✓") -> None:
        """End the part that was begun; without one, do nothing. A part can have several turns."""
        if self._begun:
            name, since = self._begun
            if self._ticking:
                self._ended.set()
                self._ticking.join()
                self._ticking = None
            seconds = time.monotonic() - since
            self.seconds[name] = self.seconds.get(name, 0) + seconds
            self._begun = None
            again = f"{ANEW}  {name:<18}" if self.is_live else ""
            print(f"{again} {mark} {seconds:5.1f} s", flush=True)

    def _tick(self, ended: threading.Event) -> None:
        """Write the line anew every second, with the seconds since its part began."""
        name, since = self._begun or ("", 0.0)
        while not ended.wait(SECONDS_BETWEEN_TICKS):
            seconds = time.monotonic() - since
            line = f"{ANEW}  {name:<18}   {seconds:5.0f} s  {self._so_far}"
            print(line.rstrip(), end="", flush=True)

    @contextlib.contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Make a part of the work done inside; an exception marks it as failed."""
        self.begin(name)
        try:
            yield
        except BaseException:
            self.end("✗")
            raise
        self.end()


def models_so_far(log: Path) -> str:
    """Say how far dbt is by the end of a run's log, as `12 of 60`; nothing if it does not say."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - BYTES_OF_THE_END))
            found = OF_MODELS.findall(file.read())
    except OSError:
        return ""
    return found[-1].decode() if found else ""


@dataclass(frozen=True)
class Task:
    """A task of a run as Airflow's database has it."""

    name: str
    state: str
    attempt: int


class Run:
    """The first run after another in Airflow's database, read while Airflow writes there."""

    def __init__(self, database: Path, after: int):
        self._database = database
        self._after = after

    @staticmethod
    def latest(database: Path) -> int:
        """Return the number of the latest run in the database; 0 without any."""
        rows = _read(database, "select coalesce(max(id), 0) from dag_run")
        return rows[0][0] if rows else 0

    def tasks(self) -> list[Task]:
        """Return the tasks that have started (see STARTED), in their order."""
        rows = _read(
            self._database,
            """
            select task_instance.task_id, task_instance.state, task_instance.try_number
            from task_instance
            join dag_run using (dag_id, run_id)
            where dag_run.id > ?
            order by task_instance.start_date
            """,
            self._after,
        )
        tasks = (Task(name.replace("_", " "), state, attempt) for name, state, attempt in rows)
        return [task for task in tasks if task.state in STARTED]

    def reason(self) -> str | None:
        """Return why a task of the run failed, if what it met was no mistake in the software."""
        rows = _read(
            self._database,
            """
            select xcom.value
            from xcom
            join dag_run using (dag_id, run_id)
            where dag_run.id > ? and xcom.key = 'reason'
            """,
            self._after,
        )
        return json.loads(rows[0][0]) if rows else None


def _read(database: Path, query: str, *values: int) -> list[tuple]:
    """Read from a database that another process writes; nothing while there is none."""
    try:
        address = f"file:{quote(str(database))}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if str(error).startswith(("unable to open", "no such table")):
            return []
        raise
