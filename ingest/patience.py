"""Patience with a source: a call that may never come back is given up after a while.

A share whose server has died blocks in the kernel, where no signal and no time limit of Python ends
it. All one can do is to make the call in a thread, and to leave the thread behind.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from ingest.problem import OutOfReach, Problem

SETTING = "CHATCIJFERS_PATIENCE"
DEFAULT_SECONDS = 300


class Patience:
    """Makes calls one by one, and waits no longer than `seconds` for each."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._calls: SimpleQueue = SimpleQueue()
        self._answers: SimpleQueue = SimpleQueue()
        # As a daemon, so that a thread that is left behind keeps no process from its end.
        Thread(target=_carry_out, args=(self._calls, self._answers), daemon=True).start()
        weakref.finalize(self, self._calls.put, None)

    @classmethod
    def from_environment(cls) -> Patience:
        """Read CHATCIJFERS_PATIENCE, in seconds (300). Raises Problem if it is no such number."""
        text = os.environ.get(SETTING) or str(DEFAULT_SECONDS)
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0
        if not 0 < seconds < float("inf"):
            raise Problem(f"{SETTING} is {text!r}: write a number of seconds, such as 300.")
        return cls(seconds)

    def call(self, what: str, function: Callable, *arguments):
        """Call a function and return what it returns, or raise what it raises.

        Raises OutOfReach, naming `what`, if it does not come back in time. Then this has lost its
        thread, and is of no more use.
        """
        self._calls.put((function, arguments))
        try:
            answer, error = self._answers.get(timeout=self.seconds)
        except Empty:
            raise OutOfReach(
                f"{what} has not answered for {self.seconds:g} seconds. Bring back the disk or the "
                f"share that it lies on, or, if that is only slow, allow more with {SETTING}."
            ) from None
        if error is not None:
            raise error
        return answer


def _carry_out(calls: SimpleQueue, answers: SimpleQueue) -> None:
    while call := calls.get():
        function, arguments = call
        answer, error = None, None
        try:
            answer = function(*arguments)
        except Exception as raised:
            error = raised
        answers.put((answer, error))
        del function, arguments, call, answer, error  # keep no text of a log while waiting
