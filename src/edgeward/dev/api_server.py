"""Serves the control plane's ASGI application on loopback, from a thread of this process.

Granian, embedded: its listener and HTTP parsing run in Rust threads, the application in one asyncio loop. Invariant:
`start()` returns with the port answering or raises, and `stop()` returns with it closed and its threads gone: one that
is about to call Python while the interpreter ends aborts the process (SIGABRT).
"""

import asyncio
import resource
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from edgeward.aws.app import AsgiApplication
from edgeward.dev.errors import DevError
from edgeward.dev.ports import LOOPBACK


class ApiServer:
    """`application` on `port` of loopback. Start it once."""

    def __init__(self, application: AsgiApplication, port: int) -> None:
        self.port = port
        self._application = application
        self._name = f"api-{port}"
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="api-server", daemon=True)

    @property
    def endpoint(self) -> str:
        """What clients are given as endpoint URL."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Starts to serve, the application's lifespan included. Raises `DevError` when it does not come up."""
        self._thread.start()
        deadline = time.monotonic() + _READY_SECONDS
        while not _answers(self.port):
            if not self._thread.is_alive():
                raise DevError(f"the API could not be served on port {self.port}") from self._failure
            if time.monotonic() > deadline:
                raise DevError(f"the API did not answer on port {self.port} in {_READY_SECONDS:.0f} s")
            time.sleep(0.01)

    def stop(self) -> bool:
        """Closes the listener and lets the application shut down. False where a thread of the server is still there."""
        if self._thread.is_alive() and self._server is not None:
            self._loop.call_soon_threadsafe(self._server.stop)
            self._thread.join(_STOP_SECONDS)
        deadline = time.monotonic() + _STOP_SECONDS
        while self.threads():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def threads(self) -> set[int]:
        """The ids of its threads, those of Granian included, which Python does not know."""
        return {int(task.name) for task in Path("/proc/self/task").glob("*") if _name_of(task) == self._name}

    def _run(self) -> None:
        # Threads have the name of the one that starts them.
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(self._name)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to; start() reports it
            self._failure = error
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._server = Server(
            self._application,
            address=LOOPBACK,
            port=self.port,
            interface=Interfaces.ASGI,
            websockets=False,
            log_level=LogLevels.error,
            backlog=_BACKLOG,
            backpressure=_most_connections(),
        )
        await self._server.serve()


def _name_of(task: Path) -> str | None:
    try:
        return (task / "comm").read_text().rstrip("\n")
    except OSError:
        return None


def _most_connections() -> int:
    """Connections at a time, idle ones included: as many as leave half of the process's files to the rest of it.

    Granian takes 128 unless told, so that as many slow or idle clients kept all others out.
    """
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST_CONNECTIONS, max(1, soft // 2)) if soft != resource.RLIM_INFINITY else _MOST_CONNECTIONS


def _answers(port: int) -> bool:
    """Whether a request gets a response. A connection alone proves nothing: it is accepted before anything serves."""
    probe = HTTPConnection(LOOPBACK, port, timeout=_PROBE_SECONDS)
    try:
        probe.request("GET", "/")
        probe.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        probe.close()
    return True


_BACKLOG = 1_024
_MOST_CONNECTIONS = 4_096
_PROBE_SECONDS = 1.0
_READY_SECONDS = 10.0
_STOP_SECONDS = 10.0
