"""One edge in this process: start, stop, and the channel on which plans and invalidations reach it.

A facade over the engine; it is the in-process form of `edgeward.deploy`'s channel. Invariant: what
the engine raises (`ValueError`, `OSError`, `RuntimeError`, `PlanRejected`) reaches the caller unchanged.
"""

from edgeward._edge import Edge, PlanRejected
from edgeward.edge.settings import EdgeSettings

__all__ = ["EdgeAgent", "PlanRejected"]


class EdgeAgent:
    """Runs one edge with `settings`. Raises `ValueError` that names the field the engine refuses."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._edge = Edge(settings.encode())
        self._http: tuple[str, ...] = ()
        self._https: tuple[str, ...] = ()

    @property
    def http(self) -> tuple[str, ...]:
        """Where it listens for HTTP in clear, `address:port`; empty until it is started."""
        return self._http

    @property
    def https(self) -> tuple[str, ...]:
        """Where it listens for TLS, `address:port`; empty until it is started."""
        return self._https

    def start(self) -> None:
        """Opens the listeners. Raises `OSError` when an address is in use."""
        addresses = self._edge.start()
        self._http, self._https = tuple(addresses["http"]), tuple(addresses["https"])

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Closes the listeners, lets requests in flight finish for that long, and ends the log segments."""
        self._edge.stop(grace_seconds)
        self._http = self._https = ()

    def plan_sequence(self) -> int:
        """The sequence of the live plan; 0 before the first."""
        return self.status()["plan_sequence"]

    def load_plan(self, update: bytes) -> int:
        """Makes a plan, or a change of the live one, live; returns the sequence now live. Raises `PlanRejected`."""
        return self._edge.load_plan(update)

    def reload_geo(self) -> None:
        """Reads the files about addresses again, whole or not at all. Raises `ValueError` that names a file."""
        self._edge.reload_geo()

    def invalidate(self, order: bytes) -> int:
        """Carries out an invalidation; returns its sequence once no older stored response can be served."""
        return self._edge.invalidate(order)

    def advance_clock(self, milliseconds: int) -> None:
        """Moves the manual clock forward. Raises `RuntimeError` on an edge that runs on the system's clock."""
        self._edge.advance_clock(milliseconds)

    def flush_logs(self) -> None:
        """Finishes the current log segments, so that their files can be read."""
        self._edge.flush_logs()

    def flush_cache(self, patience_seconds: float = 5.0) -> bool:
        """Waits until responses that are arriving are stored, and on the disk; False when that took longer."""
        return self._edge.flush_cache(patience_seconds)

    def list_stored(self, question: bytes) -> bytes:
        """A page of what is stored for a distribution; JSON both ways. Raises `ValueError` for a wrong question."""
        return self._edge.list_stored(question)

    def status(self) -> dict[str, int]:
        """Figures of this moment: plan sequence, stored responses and bytes, requests, connections, log trouble."""
        return self._edge.status()
