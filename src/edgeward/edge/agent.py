"""One edge in this process: start, stop, and the channel on which plans and invalidations reach it.

A facade over the engine; it is the in-process form of `edgeward.deploy`'s channel. Invariant: what
the engine raises (`ValueError`, `OSError`, `RuntimeError`, `PlanRejected`) reaches the caller unchanged.
"""

from pathlib import Path

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
        """Opens the listeners and serves. Raises `OSError` when an address is in use."""
        self.open()
        self.serve()

    def expect_sockets(self, path: Path) -> None:
        """Has `open` go on with the sockets that another process sends to the Unix socket `path`."""
        self._edge.expect_sockets(str(path))

    def open(self) -> None:
        """Opens the listeners; viewers who connect wait for `serve`. Raises `OSError` when an address is in use."""
        addresses = self._edge.open()
        self._http, self._https = tuple(addresses["http"]), tuple(addresses["https"])

    def serve(self) -> None:
        """Begins to answer."""
        self._edge.serve()

    def hand_over(self, path: Path) -> None:
        """Sends copies of all sockets to the process that listens at `path`, and leaves the cache on disk to it.

        This one goes on serving. Raises `OSError` when the process cannot be reached.
        """
        self._edge.hand_over(str(path))

    def release(self) -> None:
        """Has the other process read the packets of QUIC; it sends on those of connections that are here."""
        self._edge.release()

    def take_back(self) -> None:
        """Goes on as before `hand_over`. Raises `OSError` when the cache on disk cannot be had back."""
        self._edge.take_back()

    def leave(self, patience_seconds: float) -> bool:
        """Stops accepting and has viewers go on elsewhere after their next response: `Connection: close`, GOAWAY.

        Returns when all are gone, or after that time; whether all are.
        """
        return self._edge.leave(patience_seconds)

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
