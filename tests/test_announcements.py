"""What needs somebody is announced: by a mail server and a webhook that really answer."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from dags import channels, environment
from ingest import lock
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations import runs

SETTINGS = ("CHATCIJFERS_NOTIFY", "CHATCIJFERS_SMTP", "AIRFLOW_CONN")


class MailServer(socketserver.ThreadingTCPServer):
    """Takes in mail, without encryption, as RFC 5321 has it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailSession)
        self.mails: list[email.message.EmailMessage] = []
        self.recipients: list[str] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class MailSession(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 ready")
        for line in self.rfile:
            command = line.decode().strip()
            verb = command[:4].upper()
            if verb == "DATA":
                self.say("354 go on")
                self.take_in()
            elif verb == "QUIT":
                self.say("221 bye")
                return
            elif verb == "RCPT":
                self.server.recipients.append(command.partition("<")[2].rstrip(">"))
            if verb != "DATA":
                self.say("250 fine")

    def take_in(self) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        parsed = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.mails.append(parsed)
        self.say("250 taken in")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(HTTPServer):
    """Takes in JSON, and answers with a status."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), WebhookCall)
        self.calls: list[tuple[str, dict]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/s3cret?channel=1"


class WebhookCall(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments) -> None:
        pass


@contextlib.contextmanager
def serving(server) -> Iterator:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        yield server


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        yield server


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mail_settings(server: MailServer) -> dict[str, str]:
    return {
        "CHATCIJFERS_NOTIFY_EMAIL": "it@example.org, analyst@example.org",
        "CHATCIJFERS_SMTP_HOST": "127.0.0.1",
        "CHATCIJFERS_SMTP_PORT": str(server.port),
        "CHATCIJFERS_SMTP_SECURITY": "none",
        "CHATCIJFERS_SMTP_FROM": "chatcijfers@example.org",
    }


@pytest.fixture(scope="module")
def failed_run(tmp_path_factory, mail_server: MailServer):
    """A night through Airflow whose logs are nowhere, with a mail server, and a webhook down."""
    folder = tmp_path_factory.mktemp("announced")
    down = f"http://127.0.0.1:{closed_port()}/hooks/s3cret"
    done = subprocess.run(
        [sys.executable, "-m", "dags", "run", "--data", folder / "data", "--logs", folder / "none"],
        cwd=environment.ROOT,
        env=os.environ | mail_settings(mail_server) | {"CHATCIJFERS_NOTIFY_WEBHOOK": down},
        capture_output=True,
        text=True,
    )
    (log,) = (folder / "data/airflow/logs").glob("run-*.log")
    return SimpleNamespace(done=done, log=log.read_text(), data=folder / "data", folder=folder)


def test_a_task_that_fails_is_announced_with_its_reason_and_what_to_do(failed_run, mail_server):
    mail = mail_server.mails[0]
    assert mail_server.recipients[:2] == ["it@example.org", "analyst@example.org"]
    assert mail["From"] == "chatcijfers@example.org"
    assert mail["Subject"].startswith("Chatcijfers nupraatikerover: The last run of `nightly` fail")
    text = mail.get_body(("html",)).get_content()
    assert "in the task `pull`" in text
    assert "There is no folder of logs" in text
    assert "CHATCIJFERS_LOGS" in text
    assert "The latest release stays as it was" in text


def test_a_webhook_that_is_down_changes_nothing_but_the_log(failed_run):
    assert failed_run.done.returncode == 1
    assert "The run failed in the task `pull`. There is no folder of logs" in failed_run.done.stderr
    assert "could not be sent by webhook" in failed_run.log
    assert "s3cret" not in failed_run.log


WATCH = """
from dags import metadata
from airflow.dag_processing.dagbag import DagBag
import os
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
metadata.prepare()
states = [bag.dags["watch"].test().state.value for _ in range(2)]
print("STATES", *states)
"""


def test_the_watch_fails_each_time_and_announces_once(failed_run, mail_server, monkeypatch):
    for name, value in mail_settings(mail_server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHATCIJFERS_BACKUP_HOURS", "1000000")
    workspace = Workspace(failed_run.data, str(failed_run.folder / "none"), failed_run.folder)
    (workspace.operations / "since.json").write_text('{"since": "2020-01-01T00:00:00+00:00"}')
    before = len(mail_server.mails)
    done = subprocess.run(
        [sys.executable, "-c", WATCH],
        env=environment.for_airflow(workspace),
        capture_output=True,
        text=True,
    )
    assert "STATES failed failed" in done.stdout, done.stdout + done.stderr
    (mail,) = mail_server.mails[before:]
    assert "There is no release yet" in mail["Subject"]


@pytest.fixture
def announcer(failed_run, monkeypatch):
    """The notifier in this process, on a state folder with a run that failed."""
    workspace = Workspace(failed_run.folder / "here" / "data", "", failed_run.folder / "a_helpline")
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        monkeypatch.delenv(name)
    with lock.hold(workspace.data):
        reason = "It {{ 1 / 0 }} failed <b>so</b>.\n- somebody@example.org"
        last = runs.LastTask(
            "nightly", os.urandom(4).hex(), "pull", runs.FAILED, datetime.now(UTC), reason
        )
        runs.note(workspace, last)
    for name, value in environment.for_airflow(workspace).items():
        monkeypatch.setenv(name, value)
    from dags.announcements import Announcer

    def announce(context: dict | None = None, **settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        for name, value in channels.usable_connections()[0].items():
            monkeypatch.setenv(name, value)
        Announcer()(context or {})

    return announce


def test_a_webhook_gets_words_and_fields_once(announcer, webhook):
    announcer(CHATCIJFERS_NOTIFY_WEBHOOK=webhook.address)
    announcer()
    ((path, content),) = webhook.calls
    assert path == "/hooks/s3cret?channel=1"
    assert content["helpline"] == "a_helpline"
    assert [one["kind"] for one in content["findings"]] == ["failed"]
    assert "It {{ 1 / 0 }} failed <b>so</b>." in content["text"]
    assert "somebody" not in json.dumps(content)


def test_a_webhook_that_answers_with_an_error_is_tried_again(announcer, webhook, caplog):
    webhook.status = 500
    announcer(CHATCIJFERS_NOTIFY_WEBHOOK=webhook.address)
    webhook.status = 204
    announcer()
    announcer()
    assert len(webhook.calls) == 2


def test_mail_is_text_and_never_markup_or_a_template(announcer, mail_server):
    before = len(mail_server.mails)
    announcer(**mail_settings(mail_server))
    (mail,) = mail_server.mails[before:]
    assert "It {{ 1 / 0 }} failed &lt;b&gt;so&lt;/b&gt;." in mail.get_body(("html",)).get_content()


def test_a_channel_that_cannot_be_used_is_told_of_by_the_other(announcer, mail_server):
    before = len(mail_server.mails)
    gone = {"CHATCIJFERS_NOTIFY_WEBHOOK_FILE": "/run/notify/gone"}
    announcer(**mail_settings(mail_server), **gone)
    (mail,) = mail_server.mails[before:]
    said = mail.get_body(("html",)).get_content()
    assert "failed in the task `pull`" in said
    assert "CHATCIJFERS_NOTIFY_WEBHOOK_FILE names /run/notify/gone, which cannot be read" in said


def test_a_mistake_in_the_software_is_announced_without_its_words(announcer, webhook):
    ti = SimpleNamespace(dag_id="backup", run_id="r", task_id="back_up")
    context = {"ti": ti, "exception": KeyError("visitor-4711")}
    announcer(context, CHATCIJFERS_NOTIFY_WEBHOOK=webhook.address)
    ((_, content),) = webhook.calls
    assert "`backup` failed in the task `back_up`" in content["text"]
    assert "mistake in the software" in content["text"]
    assert "4711" not in content["text"]


def test_nothing_is_sent_unless_an_address_is_named(announcer, webhook, mail_server, monkeypatch):
    def refuse(*_arguments, **_named):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    announcer(CHATCIJFERS_SMTP_HOST="127.0.0.1", CHATCIJFERS_SMTP_PORT=str(mail_server.port))
    assert channels.connections() == {}
    assert webhook.calls == []


def test_secrets_come_from_files(tmp_path, monkeypatch):
    for name, text in (
        ("CHATCIJFERS_SMTP_PASSWORD", "pw"),
        ("CHATCIJFERS_NOTIFY_WEBHOOK", "https://x/y"),
    ):
        (tmp_path / name).write_text(f"{text}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    monkeypatch.setenv("CHATCIJFERS_NOTIFY_EMAIL", "it@example.org")
    monkeypatch.setenv("CHATCIJFERS_SMTP_HOST", "mail.example.org")
    made = {name: json.loads(value) for name, value in channels.connections().items()}
    mail = made["AIRFLOW_CONN_CHATCIJFERS_SMTP"]
    assert (mail["password"], mail["port"]) == ("pw", 587)
    assert mail["extra"]["disable_tls"] is False
    assert made["AIRFLOW_CONN_CHATCIJFERS_WEBHOOK"]["host"] == "https://x/y"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"CHATCIJFERS_NOTIFY_EMAIL": "it@example.org"}, "CHATCIJFERS_SMTP_HOST"),
        ({"CHATCIJFERS_NOTIFY_WEBHOOK": "ftp://x"}, "CHATCIJFERS_NOTIFY_WEBHOOK"),
        ({"CHATCIJFERS_NOTIFY_WEBHOOK_FILE": "/none"}, "CHATCIJFERS_NOTIFY_WEBHOOK_FILE"),
        (
            {"CHATCIJFERS_NOTIFY_EMAIL": "i@x", "CHATCIJFERS_SMTP_HOST": "h",
             "CHATCIJFERS_SMTP_SECURITY": "some"},
            "CHATCIJFERS_SMTP_SECURITY",
        ),
        (
            {"CHATCIJFERS_NOTIFY_EMAIL": "i@x", "CHATCIJFERS_SMTP_HOST": "h",
             "CHATCIJFERS_SMTP_PORT": "smtp"},
            "CHATCIJFERS_SMTP_PORT",
        ),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(settings, named, monkeypatch):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Problem, match=named):
        channels.connections()
