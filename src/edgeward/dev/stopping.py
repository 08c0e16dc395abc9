"""How a program hears that it should stop: SIGINT, SIGTERM, SIGHUP become `Stopped` where its main thread waits.

A signal handler may run between any two instructions, in the middle of a callback of a C library too, where an
exception is lost or taken for a failure. So the handler only remembers the signal. Invariant: `Stopped` is raised by
`check` and `sleep` alone. Used by `edgeward dev` and `edgeward edge`.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """A signal asked us to stop. Not an Exception: nothing on the way may take it for a failure and go on."""


class StopRequest:
    """Whether a signal has asked us to stop. Main thread only."""

    def __init__(self) -> None:
        self._asked = False
        self._sleeping = False

    def check(self) -> None:
        """Raises `Stopped` when a signal has come."""
        if self._asked:
            raise Stopped

    def forget(self) -> None:
        """Waits for another signal: what was asked for is under way."""
        self._asked = False

    def sleep(self, seconds: float) -> None:
        """Waits; raises `Stopped` as soon as a signal comes, at once when one has come already."""
        self._sleeping = True
        try:
            self.check()
            time.sleep(seconds)
        finally:
            self._sleeping = False

    def hear(self, _signal: int, _frame: FrameType | None) -> None:
        """The signal handler. Python resumes a sleep after a handler that returns, so there it raises."""
        self._asked = True
        if self._sleeping:
            raise Stopped


@contextmanager
def stop_signals() -> Iterator[StopRequest]:
    """Handles the stop signals for as long as the context lasts, and the earlier way after it."""
    request = StopRequest()
    earlier = {number: signal.signal(number, request.hear) for number in _STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, action in earlier.items():
            signal.signal(number, action)


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
