"""What nights are killed in: logs, a helpline, and the state folder before and after each night.

Three situations that follow each other: the first night ever, a night that closes a month and a
year on top of an earlier release, and an ordinary night on top of that.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dags.processes import die_with_parent
from ingest.lock import make_private_folder
from simulation.files import write_files
from simulation.logs import simulate
from simulation.opening import Calendar
from simulation.targets import read_targets

ROOT = Path(__file__).resolve().parent.parent
HELPLINE = ROOT / "helplines" / "nupraatikerover"
KEY = "only for nights that are killed, and long enough"
STARTS_ON = "2021-11-01"
# The day after the last one whose logs are there. Figures settle in ten days: the second night
# closes December and with it the year 2021, the third closes nothing.
LOGS_UNTIL = {"first": "2021-12-15", "closing": "2022-01-15", "ordinary": "2022-01-17"}
# What another year's documents printed does not fit a helpline that begins in 2021.
EMPTIED = ("published.csv", "revisions.csv", "data_gaps.csv")
# Of the source, what a night does not need.
NOT_COPIED = (".*", "data", "target", "__pycache__", "node_modules")
MARK = "CHAOS"


class NotUndisturbed(RuntimeError):
    """A night that nobody disturbed did not end well, so there is nothing to compare with."""


@dataclass
class Situation:
    """A night to be killed in: its logs, and the state folder before and after it, undisturbed.

    `seconds` is how long the last whole night took here, and so where the next kill can hit.
    """

    name: str
    logs: Path
    before: Path
    after: Path
    seconds: float = 0


@dataclass
class Scene:
    """A folder of its own with all situations, and the one state folder `data` for the nights.

    The state folder has the same path in every night, as it has in real life: dbt reads its
    project anew when a path changes.
    """

    folder: Path
    code: Path
    helpline: Path
    situations: list[Situation] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The state folder that every night of this scene works in."""
        return self.folder / "data"

    @property
    def kept(self) -> Path:
        """The state folder as it was before the last night that was to be killed."""
        return self.folder / "kept"

    @property
    def said(self) -> Path:
        """What the last night printed."""
        return self.folder / "said"

    @property
    def mark(self) -> str:
        """What the processes of this scene's nights carry in their environment."""
        return str(self.folder)

    def prepare(self, logs: Path) -> None:
        """Run the nights of all situations undisturbed, one on top of the other.

        `logs` has a folder of logs for each. Raises NotUndisturbed if one of them fails.
        """
        before = make_first(self.folder / "before")
        for name in LOGS_UNTIL:
            situation = Situation(name, logs / name, before, self.folder / f"after-{name}")
            self.run_undisturbed(situation)
            self.situations.append(situation)
            before = situation.after

    def run_undisturbed(self, situation: Situation, through: Sequence[str] = ()) -> None:
        """Run the night of a situation and keep the state folder as it is afterwards.

        Raises NotUndisturbed if it fails.
        """
        self.restore(situation)
        started = time.monotonic()
        if self.start(situation, through).wait() != 0:
            raise NotUndisturbed(self.said.read_text())
        situation.seconds = time.monotonic() - started
        copy(self.data, situation.after)

    def restore(self, situation: Situation) -> None:
        """Make the state folder what it was before the night."""
        copy(situation.before, self.data)

    def start(self, situation: Situation, through: Sequence[str] = ()) -> subprocess.Popen:
        """Start the night as `make run` does; all its processes carry this scene's mark.

        `through` is a command that starts it, such as `nice`.
        """
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("CHATCIJFERS")
        }
        places = {
            "--data": self.data,
            "--logs": situation.logs,
            "--helpline": self.helpline,
        }
        options = [str(part) for place in places.items() for part in place]
        with self.said.open("wb") as said:
            return subprocess.Popen(
                [*through, sys.executable, "-m", "dags", "run", *options],
                cwd=self.code,
                env=kept | {MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )


def make_first(state: Path) -> Path:
    """Make a state folder before the first night ever: it holds the key, as in every scene."""
    make_private_folder(state)
    (state / "key").write_text(KEY + "\n")
    (state / "key").chmod(0o600)
    return state


def copy(state: Path, to: Path) -> None:
    """Copy a state folder that no process uses to where another one may be."""
    if to.exists():
        shutil.rmtree(to)
    shutil.copytree(state, to, symlinks=True)


def write_source(folder: Path) -> None:
    """Write what all scenes share: logs, a helpline, and a copy of the code as it is now.

    The copy lets people go on working on the code while nights are killed.
    """
    ignore = shutil.ignore_patterns(*NOT_COPIED)
    shutil.copytree(ROOT, folder / "code", ignore=ignore)
    compileall.compile_dir(folder / "code", quiet=2)  # else every process compiles it once more
    targets = read_targets()
    contents = simulate(targets, Calendar(targets.first_day, targets.last_day), seed=1)
    for name, until in LOGS_UNTIL.items():
        days = {file: file.partition("-")[2][:10] for file in contents}
        wanted = {file: contents[file] for file in days if STARTS_ON <= days[file] < until}
        write_files(folder / "logs" / name, wanted)
    _write_helpline(folder / "helpline")


def _write_helpline(folder: Path) -> None:
    shutil.copytree(HELPLINE, folder, ignore=shutil.ignore_patterns("questions"))
    settings = folder / "helpline.toml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    lines = [f"starts_on = {STARTS_ON}" if "starts_on" in line else line for line in lines]
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in EMPTIED:
        header = (folder / name).read_text(encoding="utf-8").splitlines()[0]
        (folder / name).write_text(header + "\n", encoding="utf-8")
