"""Bringing one edge up to date, on a thread of its own.

Starts with the whole plan, then sends step after step; whenever something fails, or the edge has another plan than it
was sent, it begins again with the whole plan, later and later. Invariants: an edge that serves gets an invalidation
order only after the plan that was live when it was made; one that has no plan yet gets the orders it lacks before its
first, so that what it kept on disk is never served past them.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from edgeward.deploy.channel import Channel
from edgeward.deploy.planner import Snapshot, Step
from edgeward.periodic import Backoff

logger = logging.getLogger(__name__)


class Course(Protocol):
    """Where deliveries learn what to send. `publisher` implements it."""

    def await_steps(self, after: int, patience_seconds: float) -> Sequence[Step] | None:
        """The steps behind a position; none when there are none for that long, None when publishing ends."""

    def whole_plan(self) -> Snapshot:
        """The plan that stands in for all steps so far."""

    def acknowledge(self) -> None:
        """Some delivery's `acknowledged` has grown."""

    def pause(self, seconds: float) -> None:
        """Returns after that time, or as soon as publishing ends."""


class Delivery:
    """The way of one edge through the steps."""

    def __init__(self, channel: Channel, course: Course, backoff: Backoff) -> None:
        self._channel = channel
        self._course = course
        self._backoff = backoff
        self._plan_position: int | None = None
        self._plan_sequence = 0
        self.acknowledged = 0
        """The outbox position up to which the edge has everything."""

    def start(self, name: str) -> threading.Thread:
        """Runs until publishing ends."""
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        failures = 0
        while (steps := self._course.await_steps(self.acknowledged, LOOK_SECONDS)) is not None:
            had_plan = self._plan_position is not None
            try:
                if steps or not self._has_its_plan():
                    self._take(steps)
                failures = 0
            except Exception:
                self._plan_position = None
                failures += 1
                # An edge that is away while nothing changes is worth one line.
                if steps or failures == 1:
                    logger.warning("an edge did not take what comes after %d", self.acknowledged, exc_info=True)
                if not had_plan:
                    self._course.pause(self._backoff.after(failures).total_seconds())

    def _has_its_plan(self) -> bool:
        """False for an edge that was started anew, with an older plan or none, and gets the whole plan then."""
        if self._plan_position is not None and self._channel.plan_sequence() != self._plan_sequence:
            self._plan_position = None
        return self._plan_position is not None

    def _take(self, steps: Sequence[Step]) -> None:
        plan_position = self._plan_position
        if plan_position is None:
            self._bring_up_to_orders(steps)
        if plan_position is None or any(step.needs_whole_plan and step.position > plan_position for step in steps):
            plan_position = self._load_whole_plan()
        for step in steps:
            if step.change is not None and step.position > plan_position:
                self._load(step.change, step.sequence)
                plan_position = self._plan_position = step.position
            for order in step.orders:
                self._channel.invalidate(order)
            self.acknowledged = step.position
            self._course.acknowledge()

    def _bring_up_to_orders(self, steps: Sequence[Step]) -> None:
        """An order taken twice counts once, so they go out again in their place among the steps."""
        if self._channel.plan_sequence() == 0:
            for order in (order for step in steps for order in step.orders):
                self._channel.invalidate(order)

    def _load_whole_plan(self) -> int:
        snapshot = self._course.whole_plan()
        self._load(snapshot.document, snapshot.sequence)
        self._plan_position = snapshot.position
        return snapshot.position

    def _load(self, document: bytes, sequence: int) -> None:
        live = self._channel.load_plan(document)
        if live != sequence:
            raise RuntimeError(f"the edge is at plan {live}, not {sequence}")
        self._plan_sequence = sequence


LOOK_SECONDS = 1.0
"""How often an edge is asked for its plan while nothing changes."""
