"""Looking at certificates again and again, and trying again what failed after pauses that grow."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edgeward.aws.model import Shape

logger = logging.getLogger(__name__)


class Periodic:
    """Looks at once and then after every pause, until it is stopped."""

    def __init__(self, name: str, look: Callable[[], None], every: timedelta) -> None:
        self._look = look
        self._every = every
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Returns when the look that is going on is over, or takes too long; the thread dies with the process."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        is_running = True
        while is_running:
            try:
                self._look()
            except Exception:
                # The database may be away; nobody waits for this, and the next look comes.
                logger.exception(
                    "%s: a look at the certificates failed; the next is in %s", self._thread.name, self._every
                )
            is_running = not self._end.wait(self._every.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Pauses between attempts: each is twice the one before it."""

    first: timedelta
    longest: timedelta

    def end(self, notes: Shape) -> datetime:
        """When the pause is over that came after the last of the `Failures` of the notes, which was at `UpdatedAt`."""
        failures: int = notes.get("Failures", 0)
        if failures == 0:
            return datetime.min.replace(tzinfo=UTC)
        pause = min(self.first * (1 << min(failures - 1, MOST_DOUBLINGS)), self.longest)
        return datetime.fromisoformat(notes["UpdatedAt"]) + pause


MOST_DOUBLINGS = 16
STOP_SECONDS = 5.0
