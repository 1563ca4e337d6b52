"""Telling people: an Airflow notifier that mails, or calls a webhook, what needs somebody.

Whatever calls it (a task that failed, a release, the hourly watch), it looks at the state folder
and sends what was not announced before. It runs in the task's own process; for a task that was
killed, in the DAG processor's, which in containers has no state folder to look at: there the hourly
watch tells of it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import cached_property
from html import escape

from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.notifications.http import HttpNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier, Context
from airflow.sdk.exceptions import AirflowException

from dags import channels
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations import runs
from operations.announcing import Send, announce
from operations.findings import Finding
from operations.health import WATCH, Report, examine, of_failure

log = logging.getLogger("chatcijfers.announcements")


class SilentHook(HttpHook):
    """HTTP without a log of its own: it would show the address, which is a secret."""

    log = logging.getLogger("chatcijfers.silent")
    log.disabled = True


class Webhook(HttpNotifier):
    """Airflow's notifier, through a hook that keeps the address to itself."""

    @cached_property
    def hook(self) -> HttpHook:
        """The hook that calls the webhook."""
        return SilentHook(method=self.method, http_conn_id=self.http_conn_id)


class Announcer(BaseNotifier):
    """Announces what needs somebody, once, on the channels that are configured."""

    def notify(self, context: Context) -> None:
        """Look at the state folder, and send what is new; what cannot be sent is logged."""
        workspace = Workspace.from_environment()
        try:
            configured, unusable = _configured()
            if not configured:
                if unusable:
                    raise unusable[0]
                return
            report = examine(workspace)
            report.findings = _with_failure(report.findings, context) + _of_channels(unusable)
            announce(workspace, report, configured)
        except (Problem, OSError) as problem:
            log.error("Nothing could be announced: %s", problem)


def _configured() -> tuple[dict[str, Send], list[Problem]]:
    """Give the channels that can be used, and what is wrong with the others."""
    usable, problems = channels.usable_connections()
    sends = {channels.MAIL: ("mail", _mail), channels.WEBHOOK: ("webhook", _call)}
    return {
        name: send
        for connection, (name, send) in sends.items()
        if f"AIRFLOW_CONN_{connection.upper()}" in usable
    }, problems


def _of_channels(problems: list[Problem]) -> list[Finding]:
    """Have the channel that can be used tell of the one that cannot."""
    return [
        Finding(
            "channel",
            f"channel:{str(problem).split()[0]}",
            True,
            f"Announcements do not go out on every channel. {problem}",
            "Correct it in the settings of this installation, and start the services anew.",
        )
        for problem in problems
    ]


def _with_failure(findings: list[Finding], context: Context) -> list[Finding]:
    """Add the failure of this very task, unless it is known or is what the watch found."""
    error, ti = context.get("exception"), context.get("ti")
    if error is None or ti is None:
        return findings
    is_explained = isinstance(error, AirflowException | Problem)
    if ti.dag_id == WATCH and is_explained:
        return findings
    reason = runs.first_line(str(error)) if is_explained else ""
    failure = of_failure(
        runs.LastTask(ti.dag_id, ti.run_id, ti.task_id, runs.FAILED, datetime.now(UTC), reason)
    )
    if failure.key in {finding.key for finding in findings}:
        return findings
    return [failure, *findings]


def subject_of(report: Report, findings: list[Finding]) -> str:
    """Give the subject of a mail: whose, the first trouble, and how many more."""
    first = findings[0].what.partition(". ")[0].removesuffix(".")
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"Chatcijfers {report.helpline}: {first}{more}"


def _mail(report: Report, findings: list[Finding]) -> None:
    paragraphs = [
        f"<p><b>{escape(finding.what)}</b><br>{escape(finding.remedy)}</p>" for finding in findings
    ]
    SmtpNotifier(
        smtp_conn_id=channels.MAIL,
        from_email=channels.sender(),
        to=channels.recipients(),
        subject=subject_of(report, findings),
        html_content="\n".join([*paragraphs, f"<p>{escape(_signed(report))}</p>"]),
    ).notify({})


def _call(report: Report, findings: list[Finding]) -> None:
    lines = [f"• {finding}" for finding in findings]
    Webhook(
        http_conn_id=channels.WEBHOOK,
        json={
            "text": "\n".join([subject_of(report, findings), *lines, _signed(report)]),
            "helpline": report.helpline,
            "is_well": report.is_well,
            "findings": [
                {"kind": one.kind, "is_critical": one.is_critical, "what": one.what,
                 "remedy": one.remedy}
                for one in findings
            ],
        },
        extra_options={"timeout": channels.SECONDS_TO_ANSWER},
    ).notify({})  # fmt: skip


def _signed(report: Report) -> str:
    return (
        f"Looked at on {report.examined_at:%Y-%m-%d %H:%M} UTC. Each trouble is announced once; "
        "`make health` says all there is."
    )
