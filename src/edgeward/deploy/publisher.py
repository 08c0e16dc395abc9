"""Publishing: every committed change goes to every edge; what all edges have is marked Deployed or Completed.

Called by the API after each commit (`settle`) and by the control plane at its start and end. Invariant: a row
leaves the outbox in the same transaction that changes its resource's status, after every edge acknowledged
it; so a crash at any point costs a repetition, never a change.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from edgeward.aws.resources import FINAL_STATUS, PendingChange
from edgeward.deploy.channel import Channel
from edgeward.deploy.delivery import Delivery
from edgeward.deploy.planner import Planner, Snapshot, Step
from edgeward.periodic import Backoff, Periodic
from edgeward.store.database import Store


class Publisher:
    """Keeps the edges behind `channels` at the state of the store. Implements `aws.resources.Deployment`."""

    def __init__(
        self,
        store: Store,
        planner: Planner,
        channels: Sequence[Channel],
        *,
        acknowledgement_seconds: float,
        backoff: Backoff,
    ) -> None:
        """`acknowledgement_seconds`: how long `settle` waits for the edges."""
        self._alone = ExitStack()
        self._store = store
        self._planner = planner
        self._deliveries = [Delivery(channel, self, backoff) for channel in channels]
        self._acknowledgement_seconds = acknowledgement_seconds
        self._changed = threading.Condition()
        self._completing = threading.Lock()
        self._steps: deque[Step] = deque()
        self._completed = 0
        self._left_out: set[int] = set()
        self._is_running = False
        self._threads: list[threading.Thread] = []
        self._watch = Periodic("watch on the database", self._advance, every=WATCH_EVERY, backoff=WATCH_BACKOFF)
        """Sends what other processes wrote into the database. Whoever waits is told InProgress while it fails."""

    def start(self) -> None:
        """Compiles everything, sends the whole plan and waits for the edges as `settle` does.

        Raises `AlreadyPublished` when another control plane publishes from the same database.
        """
        if not self._alone.enter_context(self._store.alone()):
            self._alone.close()
            raise AlreadyPublished
        with self._store.read() as transaction:
            self._steps.append(self._planner.load(transaction))
        self._is_running = True
        self._threads = [
            delivery.start(f"delivery-{number}") for number, delivery in enumerate(self._deliveries, start=1)
        ]
        if self._store.is_shared:
            self._watch.start()
        self.acknowledge()
        self._await_completion(self._planner.position)

    def stop(self) -> None:
        """Ends all deliveries; what they did not finish is repeated at the next start."""
        with self._changed:
            self._is_running = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        self._watch.stop()
        self._alone.close()

    def settle(self, position: int) -> bool:
        """Sends the outbox up to `position`; returns whether every edge has it, once waiting takes too long."""
        return self._advance() and self._await_completion(position)

    def chains(self) -> set[str]:
        """The certificate chains that distributions show, PEM."""
        with self._changed:
            return self._planner.chains()

    def renew_certificates(self) -> None:
        """Sends the certificates and staples that are others than those that were compiled, as `settle` does."""
        with self._changed, self._store.read() as transaction:
            renewed = self._planner.renewed(transaction)
        if renewed:
            with self._store.write() as transaction:
                positions = [transaction.enqueue("distribution", each) for each in renewed]
            self.settle(positions[-1])

    def _advance(self) -> bool:
        """Sends what the outbox has; False once publishing has ended."""
        with self._changed:
            if not self._is_running:
                return False
            with self._store.read() as transaction:
                steps = self._planner.advance(transaction)
            self._steps.extend(steps)
            self._left_out.update(*(step.left_out for step in steps))
            self._shorten()
            self._changed.notify_all()
        self.acknowledge()
        return True

    def await_steps(self, after: int, patience_seconds: float) -> Sequence[Step] | None:
        """The steps behind a position; none when there are none for that long, None when publishing ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_running or self._steps_after(after), timeout=patience_seconds)
            return self._steps_after(after) if self._is_running else None

    def whole_plan(self) -> Snapshot:
        """The plan that stands in for all steps so far."""
        with self._changed:
            return self._planner.whole_plan()

    def pause(self, seconds: float) -> None:
        """Returns after that time, or as soon as publishing ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_running, timeout=seconds)

    def acknowledge(self) -> None:
        """Completes the steps that every edge has taken."""
        with self._completing:
            with self._changed:
                position = min((delivery.acknowledged for delivery in self._deliveries), default=self._planner.position)
                done = [step for step in self._steps if step.position <= position]
            if not done:
                return
            self._complete([change for step in done for change in step.completes])
            with self._changed:
                self._steps = deque(step for step in self._steps if step.position > position)
                self._completed = position
                self._changed.notify_all()

    def _complete(self, changes: Sequence[PendingChange]) -> None:
        if not changes:
            return
        with self._store.write(is_repeatable=True) as transaction:
            for change in changes:
                transaction.complete(change, FINAL_STATUS[change.family])

    def _await_completion(self, position: int) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._completed >= position or not self._is_running,
                timeout=self._acknowledgement_seconds,
            )
            return self._completed >= position and position not in self._left_out

    def _steps_after(self, position: int) -> list[Step]:
        return [step for step in self._steps if step.position > position]

    def _shorten(self) -> None:
        """Joins the oldest steps when an edge is far behind: it gets the whole plan in their place."""
        while len(self._steps) > MOST_STEPS:
            oldest, next_oldest = self._steps.popleft(), self._steps.popleft()
            joined = replace(
                next_oldest,
                change=None,
                needs_whole_plan=True,
                orders=oldest.orders + next_oldest.orders,
                completes=oldest.completes + next_oldest.completes,
            )
            self._steps.appendleft(joined)


class AlreadyPublished(RuntimeError):
    """Two control planes on one database would each keep the edges behind what the other sends."""

    def __init__(self) -> None:
        super().__init__(
            "another control plane publishes from this database; stop that one, or let this one serve the API alone"
        )


class PublishedElsewhere:
    """The deployment of a control plane that only serves the API, beside one that publishes from the same database.

    Implements `aws.resources.Deployment`.
    """

    def __init__(self, store: Store, *, acknowledgement_seconds: float) -> None:
        self._store = store
        self._acknowledgement_seconds = acknowledgement_seconds

    def settle(self, position: int) -> bool:
        """Whether the other control plane has brought the change to every edge, once waiting takes too long."""
        deadline = time.monotonic() + self._acknowledgement_seconds
        while is_pending := self._is_pending(position):
            if time.monotonic() >= deadline:
                break
            time.sleep(LOOK_SECONDS)
        return not is_pending

    def _is_pending(self, position: int) -> bool:
        with self._store.read() as transaction:
            return any(change.position <= position for change in transaction.pending())


WATCH_EVERY = timedelta(milliseconds=100)
"""How often a shared database is asked for what others changed."""

WATCH_BACKOFF = Backoff(first=WATCH_EVERY, longest=timedelta(seconds=2))
"""While the database is away."""

LOOK_SECONDS = 0.02
"""How often a change is looked for that another process brings to the edges."""

MOST_STEPS = 256
"""How many steps are kept for an edge that does not acknowledge."""

STOP_SECONDS = 5.0
"""How long the end of publishing waits for a call that an edge does not answer; the thread dies with the process."""
