"""What was announced already, by channel: each trouble once, for as long as it is the same one."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ingest.lock import make_private_folder
from ingest.workspace import Workspace
from operations.files import read_json, write_json
from operations.findings import Finding
from operations.health import Report

log = logging.getLogger("chatcijfers.announcements")

SERVER = "Look at the settings CHATCIJFERS_NOTIFY_… and at whether that server is up."
NOT_TRUSTED = "CERTIFICATE_VERIFY_FAILED"  # OpenSSL's reason, whoever hands it on
CERTIFICATE = (
    "Its server's certificate is not trusted here. If your own authority signed it, name a file "
    "with that authority's certificate in SSL_CERT_FILE (mail) or REQUESTS_CA_BUNDLE (webhook)."
)

Send = Callable[[Report, list[Finding]], None]


def announce(workspace: Workspace, report: Report, channels: Mapping[str, Send]) -> None:
    """Send on each channel what it was not told yet; a channel that fails is tried the next time.

    What is well again is forgotten, so that it is announced if it comes back. What could not be
    looked at stays as it was. Never raises for a channel: its failure is logged, without its
    address.
    """
    if not channels:
        return
    with _alone(workspace.operations):
        path = workspace.operations / "announced.json"
        announced = read_json(path)
        for channel, send in channels.items():
            known = set(announced.get(channel, ()))
            fresh = [one for one in report.findings if not one.keys <= known]
            if fresh and _is_sent(channel, send, report, fresh):
                known = known.union(*(one.keys for one in fresh))
            announced[channel] = sorted(key for key in known if _is_still_so(key, report))
        write_json(path, announced)


def _is_sent(channel: str, send: Send, report: Report, fresh: list[Finding]) -> bool:
    try:
        send(report, fresh)
    except Exception as error:  # a mail server that is down is no reason for a night to fail
        log.error(
            "The announcement could not be sent by %s (%s); it is tried again within the hour. %s",
            channel,
            type(error).__name__,
            CERTIFICATE if NOT_TRUSTED in str(error) else SERVER,
        )
        return False
    return True


def _is_still_so(key: str, report: Report) -> bool:
    return key.partition(":")[0] in report.not_looked_at or any(
        key in one.keys for one in report.findings
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for another announcement to be through; the lock of the state folder is not needed."""
    make_private_folder(folder)
    with (folder / "announcing").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
