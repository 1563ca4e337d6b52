"""A source that hangs, and a clock that was wrong: the next pull ends as an undisturbed one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingest import Problem, Workspace, pull
from ingest.lock import hold
from ingest.patience import Patience
from ingest.problem import OutOfReach
from tests.events import click, covered, deliver, helpline

# Holds a write lease on a file: the kernel makes everybody else who opens it wait for it to be
# given back, as long as /proc/sys/fs/lease-break-time says. Source: fcntl(2), "Leases".
HOLD_A_LEASE = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)  # somebody wants it: they have to wait
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
sys.stdin.read()
"""
ROWS = "select delivery_id, line_number, event_id from raw.events order by all"


@pytest.fixture
def workspace(tmp_path: Path, key: str) -> Workspace:
    logs = tmp_path / "logs"
    deliver(logs, "a.ndjson", [click("anna", "2022-03-01 19:00", id="1")])
    deliver(logs, "b.ndjson", [click("ben", "2022-03-01 20:00", id="2")])
    return Workspace(tmp_path / "data", str(logs), helpline(tmp_path / "helpline"))


def read(workspace: Workspace, sql: str = ROWS) -> list[tuple]:
    with duckdb.connect(str(workspace.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@contextlib.contextmanager
def blocked_when_opened(log: Path) -> Iterator[None]:
    """Have `open` of a log block in the kernel, as on a share whose server has gone."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_LEASE, str(log)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        if holder.stdout.readline() != "held\n":
            pytest.skip("this file system knows no leases")
        yield
        assert holder.poll() is None
    finally:
        holder.kill()
        holder.communicate()


def test_a_log_that_does_not_answer_is_given_up_and_read_by_the_next_pull(
    workspace, monkeypatch, tmp_path
):
    undisturbed = Workspace(tmp_path / "other", workspace.logs, workspace.helpline)
    pull(undisturbed)
    monkeypatch.setenv("CHATCIJFERS_PATIENCE", "0.5")
    with blocked_when_opened(Path(workspace.logs) / "b.ndjson"):
        with pytest.raises(OutOfReach, match=r"b\.ndjson has not answered for 0\.5 .* Bring back"):
            pull(workspace)
        with hold(workspace.data):  # for the next run, while the log still does not answer
            pass
    assert pull(workspace).refused == 0
    assert len(read(workspace)) == 2
    assert read(workspace) == read(undisturbed)


def test_a_pull_that_gave_up_ends_its_process(workspace, root):
    command = [sys.executable, "-m", "ingest", "pull", "--data", str(workspace.data)]
    command += ["--logs", workspace.logs, "--helpline", str(workspace.helpline)]
    with blocked_when_opened(Path(workspace.logs) / "b.ndjson"):
        done = subprocess.run(
            command,
            cwd=root,
            env=os.environ | {"CHATCIJFERS_PATIENCE": "0.5"},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert done.returncode == 1
    assert "b.ndjson has not answered" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_does_not_answer_is_out_of_reach():
    keyboard, terminal = os.openpty()
    try:
        with pytest.raises(OutOfReach, match="The folder of logs /x has not answered"):
            Patience(0.2).call("The folder of logs /x", os.read, terminal, 1)
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.parametrize("patience", ["0", "-1", "soon", "inf", "nan"])
def test_a_patience_that_is_no_number_of_seconds_is_said(workspace, monkeypatch, patience):
    monkeypatch.setenv("CHATCIJFERS_PATIENCE", patience)
    with pytest.raises(Problem, match=r"CHATCIJFERS_PATIENCE is .* write a number of seconds"):
        pull(workspace)


# --- a clock that was wrong

# The time of day of every process that loads this is behind by SECONDS_BEHIND; nothing else is.
CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long behind(void) { return atol(getenv("SECONDS_BEHIND")); }
int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) at->tv_sec -= behind();
    return failed;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""
LEDGER = (
    "select delivery_id, file, lines, events, rejects, status, reading from raw.deliveries"
    " order by all"
)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that sets the clock of a process."""
    if not shutil.which("cc"):
        pytest.skip("a process gets a clock of its own from a library that has to be compiled")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    library = folder / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "clock.c"], check=True)
    return library


def deliver_yesterday(workspace: Workspace) -> None:
    """Deliver what happened yesterday, and that all of it is there."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = midnight - timedelta(days=1)
    clicks = [click(f"v{n}", yesterday + timedelta(minutes=n), id=f"c{n}") for n in range(200)]
    statement = covered("button", yesterday, midnight, id="covered")
    deliver(Path(workspace.logs), "yesterday.ndjson", [*clicks, statement], "gz")


def test_what_a_clock_that_was_set_back_took_for_the_future_is_read_again(
    workspace, root, clock, tmp_path
):
    deliver_yesterday(workspace)
    undisturbed = Workspace(tmp_path / "other", workspace.logs, workspace.helpline)
    pull(undisturbed)
    command = [sys.executable, "-m", "ingest", "pull", "--data", str(workspace.data)]
    command += ["--logs", workspace.logs, "--helpline", str(workspace.helpline)]
    behind = {"LD_PRELOAD": str(clock), "SECONDS_BEHIND": str(30 * 24 * 3600)}
    done = subprocess.run(
        command, cwd=root, env=os.environ | behind, capture_output=True, text=True, check=False
    )
    assert "in_future 201" in done.stderr
    assert len(read(workspace)) == 2

    summary = pull(workspace)
    assert (summary.read_again, summary.known) == (1, 2)
    assert read(workspace) == read(undisturbed)
    assert read(workspace, LEDGER) == read(undisturbed, LEDGER)
    assert pull(workspace).read_again == 0


def test_a_time_that_is_really_in_the_future_is_not_read_again_until_it_is_delivered_again(
    workspace,
):
    log = deliver(Path(workspace.logs), "wrong.ndjson", [click("cleo", "2999-01-01 12:00")])
    assert pull(workspace).reasons == {"in_future": 1}
    assert pull(workspace).read_again == 0
    later = (datetime.now() + timedelta(hours=1)).timestamp()
    os.utime(log, (later, later))
    assert pull(workspace).read_again == 1


def test_a_clock_that_was_ahead_changes_nothing(workspace, tmp_path):
    deliver_yesterday(workspace)
    undisturbed = Workspace(tmp_path / "other", workspace.logs, workspace.helpline)
    pull(undisturbed)
    pull(workspace, now=datetime.now(UTC) + timedelta(days=400))
    assert pull(workspace).known == 3
    assert read(workspace) == read(undisturbed)
    assert read(workspace, LEDGER) == read(undisturbed, LEDGER)
