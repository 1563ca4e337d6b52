"""The door before Airflow's UI: whose names it answers to, and how fast passwords are guessed."""

from __future__ import annotations

import asyncio

import pytest

from dags.door import MOST_WRONG, SECONDS, Door

HOSTS = frozenset({"127.0.0.1:8080", "localhost:8080"})


class Asked:
    """A door before an application that answers every login with one status."""

    def __init__(self) -> None:
        self.now, self.status, self.passed = 100.0, 401, 0
        self.door = Door(self._app, HOSTS, clock=lambda: self.now)

    async def _app(self, _scope, _receive, send) -> None:
        self.passed += 1
        await send({"type": "http.response.start", "status": self.status, "headers": []})

    def ask(self, path="/auth/token", method="POST", *, hosts=(b"127.0.0.1:8080",), kind="http"):
        sent = []

        async def send(message) -> None:
            sent.append(message)

        async def receive() -> dict:
            return {"type": "websocket.connect"}

        headers = [(b"host", host) for host in hosts]
        scope = {"type": kind, "method": method, "path": path, "headers": headers}
        asyncio.run(self.door(scope, receive, send))
        return sent[0].get("status", sent[0]["type"])


@pytest.mark.parametrize(
    "hosts",
    [
        (b"attacker.example:8080",), (b"127.0.0.1",), (b"127.0.0.1:80",), (b"",), (),
        (b"127.0.0.1:8080.attacker.example",), (b"127.0.0.1:8080", b"attacker.example"),
        (b"0.0.0.0:8080",), (b"\xff",),
    ],
)  # fmt: skip
def test_other_names_are_not_answered(hosts):
    asked = Asked()
    assert asked.ask("/", "GET", hosts=hosts) == 421
    assert asked.ask("/", "GET", hosts=hosts, kind="websocket") == "websocket.close"
    assert asked.passed == 0


@pytest.mark.parametrize("host", [b"127.0.0.1:8080", b"localhost:8080", b"LOCALHOST:8080"])
def test_own_names_are(host):
    asked = Asked()
    asked.status = 200
    assert asked.ask("/", "GET", hosts=(host,)) == 200


def test_a_password_is_guessed_slowly_however_often_somebody_asks():
    asked = Asked()
    guesses = 0
    for _ in range(1000):
        guesses += asked.ask() == 401
        asked.now += 1
    assert asked.passed == guesses
    assert guesses <= MOST_WRONG * (1000 / SECONDS + 1)
    assert asked.ask("/api/v2/dags", "GET") == 401  # all else is let through
    asked.now += SECONDS
    assert asked.ask() == 401


def test_who_knows_the_password_is_let_in_and_begins_anew():
    asked = Asked()
    for _ in range(MOST_WRONG - 1):
        assert asked.ask() == 401
    asked.status = 201
    assert asked.ask() == 201
    asked.status = 401
    for _ in range(MOST_WRONG):
        assert asked.ask() == 401
    assert asked.ask() == 429
