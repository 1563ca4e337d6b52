"""What needs somebody is announced: by a mail server and a webhook that really answer."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import ipaddress
import json
import os
import socket
import socketserver
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dags import channels, environment
from ingest import lock
from ingest.problem import Problem
from ingest.workspace import Workspace
from operations import runs
from tests import events

SETTINGS = ("CHATCIJFERS_NOTIFY", "CHATCIJFERS_SMTP", "AIRFLOW_CONN")


class MailServer(socketserver.ThreadingTCPServer):
    """Takes in mail as RFC 5321 has it, with TLS after STARTTLS (RFC 3207) or from the start."""

    daemon_threads = True

    def __init__(self, security: str = "none", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), MailSession)
        self.security = security
        self.tls = tls
        self.mails: list[email.message.EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[tuple[bool, str]] = []  # whether encrypted, and what was said

    @property
    def port(self) -> int:
        return self.server_address[1]


class MailSession(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):  # a certificate that is turned away ends the session
            if self.server.security == "ssl":
                self.encrypt()
            self.converse()

    def encrypt(self) -> None:
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)

    def converse(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline():
            command = line.decode().strip()
            verb = command[:4].upper()
            is_encrypted = isinstance(self.connection, ssl.SSLSocket)
            if verb == "EHLO" and self.server.tls:
                self.say("250-mail")
                self.say("250-AUTH PLAIN" if is_encrypted else "250-STARTTLS")
            elif verb == "STAR":
                self.say("220 go on")
                self.encrypt()
                continue
            elif verb == "AUTH":
                said = base64.b64decode(command.split()[-1]).decode()
                self.server.logins.append((is_encrypted, said))
                self.say("235 welcome")
                continue
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
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        parsed = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.mails.append(parsed)
        self.say("250 taken in")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(HTTPServer):
    """Takes in JSON, and answers with a status."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), WebhookCall)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.calls: list[tuple[str, dict]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/hooks/s3cret?channel=1"


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that its own key has signed, and that key: two PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server")])
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@pytest.fixture(scope="module")
def tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture(params=["starttls", "ssl"])
def encrypted_server(request, tls) -> Iterator[MailServer]:
    with serving(MailServer(request.param, tls)) as server:
        yield server


@pytest.fixture
def encrypted_webhook(tls) -> Iterator[Webhook]:
    with serving(Webhook(tls)) as server:
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
        "CHATCIJFERS_SMTP_SECURITY": server.security,
        "CHATCIJFERS_SMTP_FROM": "chatcijfers@example.org",
    }


@pytest.fixture(scope="module")
def failed_run(tmp_path_factory, mail_server: MailServer):
    """A night through Airflow that fails, with a mail server, and a webhook that is down.

    Only the logs tell that a line of exclusions.csv holds an identifier in clear.
    """
    folder = tmp_path_factory.mktemp("announced")
    data = folder / "state of mine"
    down = f"http://127.0.0.1:{closed_port()}/hooks/s3cret"
    visitor = "1d6b3c1e-7a52-4a0b-9d3e-2f6c8a4b5e7d"
    events.deliver(folder / "logs", "a.ndjson", [events.click(visitor, "2022-03-01 18:42")])
    line = f"staff,visitor,{visitor},,,Not a visitor,The tests,1"
    helpline = events.helpline(folder / "helpline", name="Nupraatikerover", exclusions=[line])
    places = ["--data", data, "--logs", folder / "logs", "--helpline", helpline]
    done = subprocess.run(
        [sys.executable, "-m", "dags", "run", *places],
        cwd=environment.ROOT,
        env=os.environ | mail_settings(mail_server) | {"CHATCIJFERS_NOTIFY_WEBHOOK": down},
        capture_output=True,
        text=True,
    )
    (log,) = (data / "airflow/logs").glob("run-*.log")
    return SimpleNamespace(done=done, log=log, said=log.read_text(), data=data, folder=folder)


def test_a_task_that_fails_is_announced_with_its_reason_and_what_to_do(failed_run, mail_server):
    mail = mail_server.mails[0]
    assert mail_server.recipients[:2] == ["it@example.org", "analyst@example.org"]
    assert mail["From"] == "chatcijfers@example.org"
    assert mail["Subject"].startswith("Chatcijfers Nupraatikerover: The last run of `nightly` fail")
    text = mail.get_body(("html",)).get_content()
    assert "in the task `pull`" in text
    assert "exclusions.csv:2: value is an identifier in clear" in text
    assert "1d6b3c1e" not in text
    assert "The latest release stays as it was" in text


def test_a_webhook_that_is_down_changes_nothing_but_the_log(failed_run):
    assert failed_run.done.returncode == 1
    assert "The run failed in the task `pull`. The helpline's folder" in failed_run.done.stderr
    assert "could not be sent by webhook" in failed_run.said
    assert "s3cret" not in failed_run.said


def test_a_run_that_fails_says_so_in_plain_words_and_leaves_a_log_and_a_record(failed_run):
    done, data, log = failed_run.done, failed_run.data, failed_run.log
    assert "pull               ✗" in done.stdout
    assert "exclusions.csv:2" in done.stderr
    assert "The log `chat` was never delivered" in done.stderr
    assert "Traceback" not in done.stderr
    assert str(log) in done.stderr
    assert (data.stat().st_mode & 0o777, log.stat().st_mode & 0o777) == (0o710, 0o600)
    with sqlite3.connect(data / "airflow/airflow.db") as connection:
        runs_of = "select state from dag_run where dag_id = 'nightly'"
        assert connection.execute(runs_of).fetchall() == [("failed",)]
        found = {name for (name,) in connection.execute("select dag_id from dag")}
        assert found == {"nightly", "watch", "backup", "backfill", "restore"}
        slots = "select slots from slot_pool where pool = 'warehouse'"
        assert connection.execute(slots).fetchall() == [(1,)]


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
    workspace = Workspace(failed_run.data, str(failed_run.folder / "nowhere"), failed_run.folder)
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


LOGIN = {"CHATCIJFERS_SMTP_USER": "nightly", "CHATCIJFERS_SMTP_PASSWORD": "pw"}


def test_mail_and_its_login_go_encrypted(announcer, encrypted_server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    announcer(**mail_settings(encrypted_server), **LOGIN)
    (mail,) = encrypted_server.mails
    assert "failed in the task `pull`" in mail.get_body(("html",)).get_content()
    assert encrypted_server.logins == [(True, "\0nightly\0pw")]


def test_a_mail_server_that_nobody_vouches_for_is_told_nothing(announcer, encrypted_server, caplog):
    announcer(**mail_settings(encrypted_server), **LOGIN)
    assert (encrypted_server.mails, encrypted_server.logins) == ([], [])
    assert "could not be sent by mail (SSLCertVerificationError)" in caplog.text
    assert "SSL_CERT_FILE" in caplog.text


def test_a_mail_server_without_encryption_is_not_blamed_for_its_certificate(
    announcer, mail_server, caplog
):
    announcer(**mail_settings(mail_server) | {"CHATCIJFERS_SMTP_SECURITY": "ssl"})
    assert "could not be sent by mail (SSLError)" in caplog.text
    assert "SSL_CERT_FILE" not in caplog.text


def test_a_webhook_is_called_encrypted(announcer, encrypted_webhook, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    announcer(CHATCIJFERS_NOTIFY_WEBHOOK=encrypted_webhook.address)
    assert len(encrypted_webhook.calls) == 1


def test_a_webhook_that_nobody_vouches_for_is_told_nothing(announcer, encrypted_webhook, caplog):
    announcer(CHATCIJFERS_NOTIFY_WEBHOOK=encrypted_webhook.address)
    assert encrypted_webhook.calls == []
    assert "could not be sent by webhook (SSLError)" in caplog.text
    assert "REQUESTS_CA_BUNDLE" in caplog.text
    assert "s3cret" not in caplog.text


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
