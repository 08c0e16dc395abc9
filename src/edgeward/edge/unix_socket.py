"""Unix sockets that only the owner of a folder can open, and addresses for them.

A path may be longer than the 107 bytes that such an address holds. Invariant: the folder has mode 0700 and the socket
0600 before anything is answered. Used by the admin socket and the plan socket of an edge, and by whoever asks them.
"""

import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

Conversation = Callable[[BufferedIOBase, BufferedIOBase], None]
"""Answers one connection: reads from the first, writes to the second. Returns when there are no more questions."""


class UnixSocketServer:
    """Listens at `path`; each connection has a conversation on a thread of its own. Start it once."""

    def __init__(
        self, path: Path, conversation: Conversation, *, name: str, patience_seconds: float | None = 60.0
    ) -> None:
        """`patience_seconds`: how long the other side may say nothing; None: for ever."""
        self._patience_seconds = patience_seconds
        self._path = path
        self._conversation = conversation
        self._server: _Server | None = None
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> None:
        """Opens the socket, in place of one that a killed process left. Raises `OSError` when it cannot."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.parent.chmod(0o700)
        self._path.unlink(missing_ok=True)
        with reachable(self._path) as address:
            self._server = _Server(address, _Connection)
        self._path.chmod(0o600)
        self._server.conversation = self._conversation
        self._server.patience_seconds = self._patience_seconds
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
    conversation: Conversation
    patience_seconds: float | None


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.connection.settimeout(self.server.patience_seconds)
        try:
            self.server.conversation(self.rfile, self.wfile)
        except OSError:
            # Whoever asked has left, or said nothing for too long.
            return


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """What to bind or connect to for `path`, while entered: a long path goes by way of its open folder (Linux)."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


_LONGEST = 107
_POLL_SECONDS = 0.1
