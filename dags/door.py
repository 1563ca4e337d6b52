"""Who may ask Airflow's UI on this machine, and how often a password may be wrong.

The address is the loopback interface's, but any page in a browser here can ask for it, under a name
of its own that leads to 127.0.0.1 (DNS rebinding). And its simple login takes as many guesses as
somebody has time for. In the stack, FAB counts wrong passwords.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus

Message = dict
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOGIN = "/auth/"
# As many as FAB's login allows in the stack: 5 in 40 seconds.
MOST_WRONG = 5
SECONDS = 40.0


class Door:
    """ASGI middleware: refuses other hosts' names, and waits after wrong passwords."""

    def __init__(
        self, app, hosts: frozenset[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._clock = clock
        self._wrong: deque[float] = deque(maxlen=MOST_WRONG)

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        names = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if len(names) != 1 or names[0].decode("latin-1").lower() not in self._hosts:
            await _refuse(scope, receive, send, HTTPStatus.MISDIRECTED_REQUEST, {})
            return
        is_login = scope.get("method") == "POST" and scope["path"].startswith(LOGIN)
        if not is_login:
            await self._app(scope, receive, send)
            return
        seconds = self._seconds_to_wait()
        if seconds > 0:
            wait = {b"retry-after": str(int(seconds) + 1).encode()}
            await _refuse(scope, receive, send, HTTPStatus.TOO_MANY_REQUESTS, wait)
            return
        # Counted before the answer: of guesses at the same time, none gets past the count.
        self._wrong.append(self._clock())

        async def note(message: Message) -> None:
            is_answer = message["type"] == "http.response.start"
            if is_answer and message["status"] < HTTPStatus.BAD_REQUEST:
                self._wrong.clear()
            await send(message)

        await self._app(scope, receive, note)

    def _seconds_to_wait(self) -> float:
        if len(self._wrong) < MOST_WRONG:
            return 0
        return self._wrong[0] + SECONDS - self._clock()


async def _refuse(
    scope: dict, receive: Receive, send: Send, status: HTTPStatus, headers: dict[bytes, bytes]
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    text = {b"content-type": b"text/plain"}
    sent = list((text | headers).items())
    await send({"type": "http.response.start", "status": status.value, "headers": sent})
    await send({"type": "http.response.body", "body": f"{status.phrase}\n".encode()})
