"""Is all well? For a person, for monitoring, and for what is announced.

What is found says what happened and what to do, and holds no content of a log, no value and no
identifier: it may be sent by mail. It may name places of this machine and, where a task failed over
one, a file that was delivered. What the logs lack is told by `operations.losses`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest import lock, modes
from ingest.damage import damage_of_airflow, damage_of_latest, damage_of_lock
from ingest.patience import Patience
from ingest.problem import Damaged, OutOfReach, Problem
from ingest.settings import name_of
from ingest.warehouse import Outdated, Withheld
from ingest.wording import counted
from ingest.workspace import Workspace
from operations import losses, overdue, restoring, runs
from operations.findings import Finding, digest
from operations.limits import Limit
from operations.losses import Story
from operations.store import Store
from publish.contradictions import tell_causes
from publish.ledger import Contradiction
from publish.notes import placed_at
from publish.verify import MANIFEST

NIGHTLY = "nightly"
# The watch itself: that it failed is what it found.
WATCH = "watch"
LEAST_FREE = 500_000_000  # bytes
SECONDS_TO_LOOK = 60
WAREHOUSES_FREE = 3  # a night writes a warehouse anew, and a release
DAYS_ASIDE = timedelta(days=30)
CLOCK_TOLERANCE = timedelta(hours=1)
# What only the warehouse says, which cannot be opened while a run has it.
OF_THE_WAREHOUSE = losses.KINDS


Look = Callable[[], "Iterator[Finding]"]


@dataclass
class Report:
    """What was found, worst first; `not_looked_at` names the kinds that could not be judged."""

    helpline: str
    examined_at: datetime
    release: str | None = None
    placed_at: datetime | None = None
    findings: list[Finding] = field(default_factory=list)
    not_looked_at: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing critical was found."""
        return not any(finding.is_critical for finding in self.findings)

    def __str__(self) -> str:
        """Say all of it in plain words."""
        lines = []
        if self.release and self.placed_at:
            when = f"{self.placed_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            lines.append(f"The latest release is {self.release}, put in place on {when}.")
        lines += [
            f"{'FAILS' if finding.is_critical else 'note '}  {finding}" for finding in self.findings
        ]
        if self.not_looked_at:
            why = "the warehouse is in use, unreadable, or of an earlier version"
            lines.append(f"Not looked at, for {why}: what the logs lack.")
        if not self.findings:
            lines.append("All else is well." if self.not_looked_at else "All is well.")
        return "\n".join(lines)

    def as_json(self) -> str:
        """Give it for monitoring."""
        content = asdict(self) | {"is_well": self.is_well}
        for finding in content["findings"]:
            del finding["parts"]  # names of files may be among them
        return json.dumps(content, indent=2, ensure_ascii=False, default=_isoformat)


def examine(workspace: Workspace, now: datetime | None = None) -> Report:
    """Look at a state folder without changing it, and without waiting for a run that is on.

    `now` is aware; without one it is the present. Raises Problem if there is no state folder.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC)
    if not workspace.data.is_dir():
        raise Problem(
            f"There is no state folder {workspace.data}. `make run` makes one; another one is "
            "named with --data or CHATCIJFERS_DATA."
        )
    latest = workspace.published / "latest"
    has_release = (latest / MANIFEST).is_file()
    report = Report(_name_of(workspace.helpline), now)
    if has_release:
        report.release, report.placed_at = latest.resolve().name, placed_at(latest.resolve())
    story, damage = _read_story(workspace)
    if story is None and os.path.lexists(workspace.warehouse):
        report.not_looked_at = OF_THE_WAREHOUSE
    looks: list[Look] = [
        _look_at_settings,
        lambda: _look_at_the_release(workspace, report, story, now),
        lambda: iter(damage),
        lambda: _look_at_damage(workspace),
        lambda: _look_at_modes(workspace),
        lambda: _look_at_the_disk(workspace),
        lambda: _look_at_backups(workspace, now),
        lambda: _look_at_what_lies_aside(workspace, now),
        lambda: _look_at_a_restore(workspace),
        lambda: _look_at_runs(workspace),
        lambda: iter(story.findings if story else ()),
        lambda: _look_at_the_overdue(workspace),
        lambda: _look_at_public(latest) if has_release else iter(()),
    ]
    found = [finding for look in looks for finding in _looked(look)]
    report.findings = sorted(found, key=lambda finding: not finding.is_critical)
    return report


def _name_of(helpline: Path) -> str:
    try:
        return Patience(SECONDS_TO_LOOK).call("The helpline's folder", name_of, helpline)
    except OutOfReach:
        return helpline.name


def _looked(look: Look) -> list[Finding]:
    """Give what a look finds, or that it cannot look: a share that is away must silence nobody."""
    try:
        return Patience(SECONDS_TO_LOOK).call("A place", lambda: list(look()))
    except OutOfReach:
        reason = f"A place has not answered for {SECONDS_TO_LOOK:g} seconds."
    except OSError as error:
        reason = f"{error.filename or 'A disk'}: {error.strerror or error}."
    return [
        Finding(
            "out_of_reach",
            "out_of_reach:" + digest([reason]),
            True,
            f"Not everything could be looked at. {reason}",
            "Bring the disk or the share back: that of the backups, or of the state folder.",
        )
    ]


def _read_story(workspace: Workspace) -> tuple[Story | None, list[Finding]]:
    """Read what the logs lack if no run has the warehouse, and say what is wrong if it is damaged.

    There is no story if the warehouse was not read, as one of an earlier version, or if there is
    none.
    """
    if not os.path.lexists(workspace.warehouse) or not _is_free(workspace):
        return None, []
    try:
        with lock.hold(workspace.data):
            return losses.read_story(workspace.warehouse, workspace.data), []
    except Outdated:
        return None, []  # the next run brings it up to date
    except Damaged as damage:
        remedy = "No run can go on until then."
        return None, [
            Finding("damaged_state", "damaged_state:warehouse", True, str(damage), remedy)
        ]
    except (Problem, Withheld) as problem:
        what = f"The ledger in the warehouse could not be read. {problem}"
        remedy = "Runs will meet the same; docs/operations.md says when to restore a backup."
        return None, [Finding("warehouse", "warehouse", False, what, remedy)]


def _look_at_damage(workspace: Workspace) -> Iterator[Finding]:
    """Fail for what is damaged in the state folder beside the warehouse, which is read itself."""
    looks = {
        "latest": damage_of_latest(workspace.published),
        "airflow.db": damage_of_airflow(workspace.airflow_home),
        "lock": damage_of_lock(workspace.data),
        "airflow/lock": damage_of_lock(workspace.airflow_home),
    }
    for name, damage in looks.items():
        if damage:
            key = f"damaged_state:{name}"
            yield Finding("damaged_state", key, True, damage, "No run can go on until then.")


def _look_at_settings() -> Iterator[Finding]:
    """Fail for a limit that cannot be read; what goes by it here goes by the usual one."""
    for limit in Limit:
        try:
            limit.read()
        except Problem as problem:
            yield Finding(
                "setting",
                f"setting:{limit.name}",
                True,
                str(problem),
                "Correct it where the settings of this installation are (.env of the stack), and "
                "start the services anew.",
            )


def _hours(limit: Limit) -> int:
    """Give a limit in hours, or the usual one if it cannot be read, which is found apart."""
    try:
        return limit.read()
    except Problem:
        return limit.usual


def _look_at_the_release(
    workspace: Workspace, report: Report, story: Story | None, now: datetime
) -> Iterator[Finding]:
    """Fail if `latest` has not been given a new release for too long, or if nobody can tell."""
    hours = _hours(Limit.HEALTH_HOURS)
    since = report.placed_at or runs.first_seen(workspace, now)
    if since > now + CLOCK_TOLERANCE:
        yield Finding(
            "clock",
            f"clock:{report.release}",
            True,
            f"By this machine's clock, the latest release will only be made on "
            f"{since:%Y-%m-%d %H:%M} UTC.",
            "The clock is wrong now, or was wrong then: set it (timedatectl), and see that it is "
            "kept by the network's time.",
        )
    elif now - since >= timedelta(hours=hours):
        yield _stale(workspace, report, story, now, since)


def _stale(
    workspace: Workspace, report: Report, story: Story | None, now: datetime, since: datetime
) -> Finding:
    """Say since when there is no new release, and as far as is known, why."""
    past = int((now - since).total_seconds() // 3600)
    last = runs.read(workspace, NIGHTLY)
    succeeded_at = last.succeeded_at if last else None
    what = (
        f"There has been no new release for {past} hours: the latest is of "
        f"{since:%Y-%m-%d %H:%M} UTC."
        if report.release
        else f"There is no release yet, {past} hours after this state folder was first seen."
    )
    if (
        report.release
        and succeeded_at
        and now - succeeded_at < timedelta(hours=_hours(Limit.HEALTH_HOURS))
    ):
        brought = _last_delivery(story)
        remedy = (
            f"The last run went well, on {succeeded_at:%Y-%m-%d %H:%M} UTC: the sources brought "
            f"nothing new since {brought}. Ask whoever delivers the logs, and look whether they "
            "still arrive where CHATCIJFERS_LOGS points."
        )
    elif last and last.state == runs.FAILED:
        remedy = f"The last run failed in the task `{last.task}`: {last.reason or 'see its log'}"
    else:
        remedy = (
            "No run has come to its end: see that Airflow is up (`make up`, or `docker compose "
            "ps`), that the DAG `nightly` is not paused, and what DATA/airflow/logs says."
        )
    return Finding("stale", f"stale:{report.release}", True, what, remedy)


def _last_delivery(story: Story | None) -> str:
    loaded_at = story and story.last_loaded_at
    return f"{loaded_at:%Y-%m-%d %H:%M} UTC" if loaded_at else "then"


def _look_at_modes(workspace: Workspace) -> Iterator[Finding]:
    found = modes.find_opened(workspace)
    if found:
        yield Finding(
            "modes",
            "modes:" + digest(str(one.path) for one in found),
            True,
            f"Others than the owner can get at {counted(len(found), 'place')} in the state folder; "
            f"first: {found[0]}.",
            "No run starts until it is closed. Find out who opened it, and whether somebody read "
            "it: it holds pseudonymous data.",
        )


def _look_at_the_disk(workspace: Workspace) -> Iterator[Finding]:
    """Fail while there is still a night's room, and not when it is gone."""
    warehouse = workspace.warehouse.stat().st_size if workspace.warehouse.exists() else 0
    needed = max(LEAST_FREE, WAREHOUSES_FREE * warehouse)
    disks = {
        place.stat().st_dev: place
        for place in (workspace.backups, workspace.published, workspace.data)
        if place.is_dir()
    }
    for place in disks.values():
        free = shutil.disk_usage(place).free
        if free < needed:
            yield Finding(
                "disk",
                f"disk:{place}",
                True,
                f"The disk of {place} is nearly full: {_size(free)} are free, and a night can need "
                f"{_size(needed)}.",
                "Make room or enlarge it. What may go, and what may not, is in docs/operations.md.",
            )


def _look_at_backups(workspace: Workspace, now: datetime) -> Iterator[Finding]:
    """Fail if the last backup is too old, or if there is none that long after the beginning."""
    hours = _hours(Limit.BACKUP_HOURS)
    last = Store(workspace.backups).last_before(now)
    made_at = last and last.made_at
    since = made_at or runs.first_seen(workspace, now)
    if now - since >= timedelta(hours=hours):
        past = f"The last backup is of {made_at:%Y-%m-%d %H:%M} UTC." if made_at else (
            "There is no backup."
        )  # fmt: skip
        yield Finding(
            "backup",
            f"backup:{made_at and made_at.isoformat()}",
            True,
            f"{past} What readers have seen of public/ cannot be made again without one.",
            f"`make backup` makes one in {workspace.backups}; see that the DAG `backup` is not "
            "paused.",
        )


def _look_at_what_lies_aside(workspace: Workspace, now: datetime) -> Iterator[Finding]:
    """Say that what a restore put aside is still there: a whole old warehouse, and old releases."""
    for place in (workspace.data, workspace.published):
        for folder in sorted(place.glob(f"{restoring.ASIDE}*")):
            since = restoring.put_aside_at(folder)
            if since and now - since >= DAYS_ASIDE:
                yield Finding(
                    "aside",
                    f"aside:{folder.name}:{place.name}",
                    False,
                    f"{folder} still holds what was there before a restore on {since:%Y-%m-%d}: "
                    "pseudonymous data, which nothing else removes.",
                    "If all is well, remove it.",
                )


def _look_at_a_restore(workspace: Workspace) -> Iterator[Finding]:
    if restoring.is_interrupted(workspace):
        yield Finding(
            "restore",
            "restore",
            False,
            "A restore was interrupted.",
            "Nothing is lost, and the next run carries it through first.",
        )


def _look_at_runs(workspace: Workspace) -> Iterator[Finding]:
    """Say which DAG's last run failed, or was cut off."""
    for dag in runs.dags(workspace):
        last = runs.read(workspace, dag)
        if last is None or dag == WATCH:
            continue
        if last.state == runs.FAILED:
            yield of_failure(last)
        elif (
            last.state == runs.RUNNING
            and _is_free(workspace)
            and runs.read(workspace, dag) == last  # it has not ended meanwhile
        ):
            yield Finding(
                "failed",
                f"failed:{last.key}",
                False,
                f"The last run of `{dag}` was cut off in the task `{last.task}`, on "
                f"{last.at:%Y-%m-%d %H:%M} UTC: it was killed, or the machine stopped.",
                "Nothing was lost and nothing published by half; the next run goes on from there. "
                "If it happens again, look at memory and disk.",
            )


def _what_became(last: runs.LastTask) -> str:
    """Say what a failed task means for the latest release."""
    if last.task == "retain":
        return "The night's release is in place; what has had its time stays until the next night."
    return "The latest release stays as it was."


def of_failure(last: runs.LastTask) -> Finding:
    """Give what is said of a task that failed."""
    reason = last.reason or "It is a mistake in the software: please report it."
    return Finding(
        "failed",
        f"failed:{last.key}",
        False,
        f"The last run of `{last.dag}` failed in the task `{last.task}`, on "
        f"{last.at:%Y-%m-%d %H:%M} UTC. {reason}",
        f"{_what_became(last)} The whole story is in that task's log, in Airflow or "
        "under DATA/airflow/logs; docs/operations.md lists troubles by what one sees.",
    )


def _is_free(workspace: Workspace) -> bool:
    """Tell whether no run has the state folder now."""
    try:
        with lock.hold(workspace.data):
            return True
    except Problem:
        return False


def _look_at_the_overdue(workspace: Workspace) -> Iterator[Finding]:
    """Say what should have gone by now, and why it has not."""
    for one in overdue.read(workspace):
        yield Finding(
            "overdue",
            f"overdue:{one.what}",
            False,
            f"What should have gone since {one.since} is still there ({one.what}): {one.reason}",
            "Mend that, and the next night lets go of it.",
        )


def _look_at_public(latest: Path) -> Iterator[Finding]:
    """Say what does not hold of what was public, and whether it holds newer figures back.

    Without the values. A figure that is final no more needs a person also where nothing is due.
    """
    try:
        public = json.loads((latest / MANIFEST).read_text(encoding="utf-8"))["public"]
        is_held, through = public["is_held"], public["closable_through"]
        contradictions = [Contradiction(**one) for one in public["contradictions"]]
        cells = {(one.figure, one.period) for one in contradictions}
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not cells:
        return
    kind = "held" if is_held else "contradicted"
    due = f"public/ is held back: figures through {through} are due, but " if is_held else ""
    named = _join([" ".join(cell) for cell in sorted(cells)[:5]])
    yield Finding(
        kind,
        f"{kind}:" + digest(f"{cell}" for cell in cells) + f":{through}" * is_held,
        False,
        f"{due}what was published does not hold any more of {counted(len(cells), 'figure')}: "
        + " ".join([f"{named}.", *tell_causes(contradictions)]),
        "`.venv/bin/python -m publish contradictions` writes the lines that revisions.csv "
        "needs, for a person to give the reason; or mend the logs.",
    )


def _join(names) -> str:
    return ", ".join(names)


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB"


def _isoformat(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
