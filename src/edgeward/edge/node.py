"""An edge that keeps what it accepts, and shares it with the process it took over from: what plan sockets lead to.

Invariant: a plan is acknowledged once it is live and on the disk; an order once it holds here and in the process
before this one, as long as that has viewers. While another process takes over, nothing is accepted: it will be sent
again, to that one.
"""

import threading
from typing import Protocol

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.kept_plan import DamagedPlan, KeptPlan


class HandingOver(RuntimeError):
    """Another process is taking over."""

    def __init__(self) -> None:
        super().__init__("another process is taking over from this edge; send it again")


class Earlier(Protocol):
    """The process before this one, while it still has viewers."""

    def tell(self, operation: str, content: bytes) -> bool:
        """Has it do the same as this one; False once it is gone. Raises `RuntimeError` when it does not do it."""


class EdgeNode:
    """What a control plane sees of an edge. Thread-safe."""

    def __init__(self, agent: EdgeAgent, kept: KeptPlan) -> None:
        self._agent = agent
        self._kept = kept
        self._earlier: Earlier | None = None
        self._is_handing_over = False
        self._turn = threading.Lock()

    def restore(self) -> int:
        """Goes on with the plan that was kept; returns its sequence, 0 where there is none.

        Raises `DamagedPlan`, also for a plan that this engine does not take, or `OSError`; the edge has none then.
        """
        with self._turn:
            plan = self._kept.read()
            if plan is None:
                return 0
            try:
                return self._agent.load_plan(plan)
            except ValueError as error:
                raise DamagedPlan(self._kept.path, f"is not taken: {error}") from error

    def follow(self, earlier: Earlier) -> None:
        """From now on the process before this one is told the same."""
        with self._turn:
            self._earlier = earlier

    def hand_over(self) -> None:
        """Accepts nothing any more, until `take_back`."""
        with self._turn:
            self._is_handing_over = True

    def take_back(self) -> None:
        """Accepts again what is sent, after nobody took over."""
        with self._turn:
            self._is_handing_over = False

    def plan_sequence(self) -> int:
        """The sequence of the live plan; 0 before the first."""
        return self._agent.plan_sequence()

    def load_plan(self, update: bytes) -> int:
        """As `EdgeAgent.load_plan`. Raises `OSError`, too, where it is live and could not be kept."""
        with self._turn:
            self._check()
            sequence = self._agent.load_plan(update)
            self._kept.keep(update)
            self._tell_earlier("load_plan", update)
            return sequence

    def invalidate(self, order: bytes) -> int:
        """As `EdgeAgent.invalidate`."""
        with self._turn:
            self._check()
            sequence = self._agent.invalidate(order)
            self._tell_earlier("invalidate", order)
            return sequence

    def _check(self) -> None:
        if self._is_handing_over:
            raise HandingOver

    def _tell_earlier(self, operation: str, content: bytes) -> None:
        if self._earlier is not None and not self._earlier.tell(operation, content):
            self._earlier = None
