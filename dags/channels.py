"""Where announcements go, as settings say: nowhere, unless they name an address.

These become Airflow connections in the environment of its processes (`dags.environment`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ingest.problem import Problem

MAIL = "chatcijfers_smtp"
WEBHOOK = "chatcijfers_webhook"
SECONDS_TO_ANSWER = 10
PORTS = {"starttls": 587, "ssl": 465, "none": 25}


def connections() -> dict[str, str]:
    """Give the environment variables of Airflow's connections for what is configured.

    Raises Problem, naming the variable, for a setting that cannot be used.
    """
    found, problems = usable_connections()
    if problems:
        raise problems[0]
    return found


def usable_connections() -> tuple[dict[str, str], list[Problem]]:
    """Give the connections of the channels that can be used, and what is wrong with the others."""
    found: dict[str, str] = {}
    problems = []
    for name, describe in ((MAIL, _mail), (WEBHOOK, _webhook)):
        try:
            if described := describe():
                found[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(described)
        except Problem as problem:
            problems.append(problem)
    return found, problems


def recipients() -> list[str]:
    """List the addresses that mail goes to."""
    text = os.environ.get("CHATCIJFERS_NOTIFY_EMAIL", "")
    return [one.strip() for one in text.split(",") if one.strip()]


def sender() -> str:
    """Give the address that mail comes from."""
    return os.environ.get("CHATCIJFERS_SMTP_FROM", "").strip() or recipients()[0]


def _webhook() -> dict | None:
    address = _secret("CHATCIJFERS_NOTIFY_WEBHOOK")
    if address and not address.startswith(("https://", "http://")):
        raise Problem(
            "CHATCIJFERS_NOTIFY_WEBHOOK is no address: it begins with https:// or http://."
        )
    return {"conn_type": "http", "host": address} if address else None


def _mail() -> dict | None:
    if not recipients():
        return None
    host = os.environ.get("CHATCIJFERS_SMTP_HOST", "").strip()
    if not host:
        raise Problem(
            "CHATCIJFERS_NOTIFY_EMAIL says whom to write to, but no server: name one in "
            "CHATCIJFERS_SMTP_HOST."
        )
    security = os.environ.get("CHATCIJFERS_SMTP_SECURITY", "").strip().lower() or "starttls"
    if security not in PORTS:
        raise Problem(f"CHATCIJFERS_SMTP_SECURITY is none of {', '.join(PORTS)}.")
    port = os.environ.get("CHATCIJFERS_SMTP_PORT", "").strip() or str(PORTS[security])
    if not port.isdecimal():
        raise Problem("CHATCIJFERS_SMTP_PORT is no number.")
    return {
        "conn_type": "smtp",
        "host": host,
        "port": int(port),
        "login": os.environ.get("CHATCIJFERS_SMTP_USER", "").strip() or None,
        "password": _secret("CHATCIJFERS_SMTP_PASSWORD") or None,
        "extra": {
            "disable_ssl": security != "ssl",
            "disable_tls": security != "starttls",
            "timeout": SECONDS_TO_ANSWER,
            "retry_limit": 1,
        },
    }


def _secret(name: str) -> str:
    """Read a setting from the environment, or from the file that NAME_FILE names."""
    file = os.environ.get(f"{name}_FILE", "").strip()
    if not file:
        return os.environ.get(name, "").strip()
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Problem(f"{name}_FILE names {file}, which cannot be read.") from None
