"""The admin socket of an edge: what its operator asks it on the same machine.

A Unix socket in a folder of mode 0700; one line of JSON asks, `{"operation": ..., ...members}`, one line answers,
`{"answer": ...}` or `{"error": ...}`, and the connection may go on. Invariant: whoever can connect owns the process's
files already; nothing here changes what viewers get. Started by whoever runs an edge; in a fleet the control plane
would carry the same questions to every edge.
"""

import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.unix_socket import reachable

Operation = Callable[[Mapping[str, Any]], Any]


class AdminSocket:
    """Answers questions about `agent` at `path`. Start it once."""

    def __init__(self, agent: EdgeAgent, path: Path) -> None:
        self._path = path
        self._operations: dict[str, Operation] = {
            "status": lambda _members: agent.status(),
            "list": lambda members: json.loads(agent.list_stored(json.dumps(members).encode())),
            "flush_logs": lambda _members: agent.flush_logs(),
            "reload_geo": lambda _members: agent.reload_geo(),
        }
        self._server: _Server | None = None
        self._thread = threading.Thread(target=self._serve, name="edge-admin", daemon=True)

    def start(self) -> None:
        """Opens the socket, in place of one that a killed process left. Raises `OSError` when it cannot."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.parent.chmod(0o700)
        self._path.unlink(missing_ok=True)
        with reachable(self._path) as address:
            self._server = _Server(address, _Connection)
        self._path.chmod(0o600)
        self._server.operations = self._operations
        self._thread.start()

    def stop(self) -> None:
        """Closes the socket. One that was not started stays so."""
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._path.unlink(missing_ok=True)
            self._server = None

    def _serve(self) -> None:
        assert self._server is not None
        self._server.serve_forever(poll_interval=_POLL_SECONDS)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    operations: Mapping[str, Operation]


class _Connection(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self) -> None:
        """Answers line by line until the other side has no more questions."""
        assert isinstance(self.server, _Server)
        try:
            while line := self.rfile.readline(LONGEST_LINE):
                self.wfile.write(json.dumps(_answer(self.server.operations, line)).encode() + b"\n")
        except OSError:
            # Whoever asked has left, or said nothing for a minute.
            return


def _answer(operations: Mapping[str, Operation], line: bytes) -> dict[str, Any]:
    try:
        question = json.loads(line)
        name = question.pop("operation")
        operation = operations[name]
    except (ValueError, AttributeError, KeyError, TypeError):
        known = ", ".join(operations)
        return {"error": f'a question is one line of JSON, {{"operation": ...}}, with one of the operations {known}'}
    try:
        return {"answer": operation(question)}
    except (ValueError, RuntimeError) as error:
        return {"error": str(error)}


LONGEST_LINE = 64 * 1024
_POLL_SECONDS = 0.1
