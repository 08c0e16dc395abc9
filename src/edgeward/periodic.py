"""Work that comes again and again on a thread of its own, and how long to wait after what failed.

Invariant: there is one turn at a time, and one that fails is logged and taken again after pauses that grow; nobody
waits for it. Pauses between turns are real time; what a turn does has whatever clock it was given, and `turn` takes one
without a thread. Used by the control plane and the publisher.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait after the n-th failure in a row: doubling from `first` to `longest`."""

    first: timedelta
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """The wait after that many failures, at least one."""
        return min(self.first * (1 << min(failures - 1, MOST_DOUBLINGS)), self.longest)


class Periodic:
    """Does its work at once and then after every pause, until it is stopped."""

    def __init__(self, name: str, work: Callable[[], object], *, every: timedelta, backoff: Backoff) -> None:
        """`name` is told in the log; `backoff` are the pauses after failures, in place of `every`."""
        self._name = name
        self._work = work
        self._every = every
        self._backoff = backoff
        self._failures = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Returns when the turn that is going on is over, or takes too long; the thread dies with the process."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def turn(self) -> timedelta:
        """Does the work once, whatever comes of it; returns the pause before the next time."""
        try:
            self._work()
        except Exception:
            # The database may be away, or somebody else's server: the next turn comes.
            self._failures += 1
            pause = self._backoff.after(self._failures)
            logger.warning("%s failed, and will be tried again in %s", self._name, pause, exc_info=True)
            return pause
        self._failures = 0
        return self._every

    def _run(self) -> None:
        pause = self.turn()
        while not self._end.wait(pause.total_seconds()):
            pause = self.turn()


MOST_DOUBLINGS = 16
STOP_SECONDS = 5.0
