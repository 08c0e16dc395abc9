"""Publishing: every committed change goes to every edge; what all edges have is marked Deployed or Completed.

Called by the API after each commit (`settle`) and by the control plane at its start and end. Invariant: a row
leaves the outbox in the same transaction that changes its resource's status, after every edge acknowledged
it; so a crash at any point costs a repetition, never a change.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from edgeward.aws.resources import PendingChange, Status
from edgeward.deploy.channel import Channel
from edgeward.deploy.delivery import Backoff, Delivery
from edgeward.deploy.planner import Planner, Snapshot, Step
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
        self._store = store
        self._planner = planner
        self._deliveries = [Delivery(channel, self, backoff) for channel in channels]
        self._acknowledgement_seconds = acknowledgement_seconds
        self._changed = threading.Condition()
        self._completing = threading.Lock()
        self._steps: deque[Step] = deque()
        self._completed = 0
        self._is_running = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Compiles everything, sends the whole plan and waits for the edges as `settle` does."""
        with self._store.read() as transaction:
            self._steps.append(self._planner.load(transaction))
        self._is_running = True
        self._threads = [
            delivery.start(f"delivery-{number}") for number, delivery in enumerate(self._deliveries, start=1)
        ]
        self.acknowledge()
        self._await_completion(self._planner.position)

    def stop(self) -> None:
        """Ends all deliveries; what they did not finish is repeated at the next start."""
        with self._changed:
            self._is_running = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def settle(self, position: int) -> None:
        """Sends the outbox up to `position`; returns when every edge has it, or waiting takes too long."""
        with self._changed:
            if not self._is_running:
                return
            with self._store.read() as transaction:
                self._steps.extend(self._planner.advance(transaction))
            self._shorten()
            self._changed.notify_all()
        self.acknowledge()
        self._await_completion(position)

    def await_steps(self, after: int) -> Sequence[Step]:
        """The steps behind a position, once there is one; empty when publishing ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_running or self._steps_after(after))
            return self._steps_after(after) if self._is_running else ()

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

    def _await_completion(self, position: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._completed >= position or not self._is_running,
                timeout=self._acknowledgement_seconds,
            )

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


MOST_STEPS = 256
"""How many steps are kept for an edge that does not acknowledge."""

STOP_SECONDS = 5.0
"""How long the end of publishing waits for a call that an edge does not answer; the thread dies with the process."""

FINAL_STATUS: dict[str, Status] = {"distribution": "Deployed", "invalidation": "Completed"}
"""The status of a resource once every edge has its last change."""
