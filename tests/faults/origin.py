"""An origin whose content can be told from its URL: `/SEED/LENGTH` is LENGTH bytes of a pattern that SEED begins.

Serves ranges, gives every response a strong entity tag, and counts requests and bytes.
One thread a connection; `gate` holds back the second half of a response.
"""

import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeward.scenario.partial import requested_part

PIECE = 1 << 20


@dataclass(slots=True)
class Origin:
    """A running origin."""

    port: int = 0
    requests: int = 0
    sent: int = 0
    """Bytes of content."""
    gate: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, requests: int, sent: int) -> None:
        with self._lock:
            self.requests += requests
            self.sent += sent


@contextlib.contextmanager
def running_origin() -> Iterator[Origin]:
    """Listens on a free port until the end; the gate is open."""
    origin = Origin()
    origin.gate.set()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        origin.port = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(listener, origin), daemon=True).start()
        yield origin
        listener.shutdown(socket.SHUT_RDWR)


def content(seed: int, start: int, end: int) -> bytes:
    """Bytes `start` to `end` of the content that begins with `seed`: no two places in it look alike for long."""
    first, last = start // 32, (end + 31) // 32
    blocks = b"".join(b"%015d %015d\n" % (seed, block) for block in range(first, last))
    return blocks[start - first * 32 : end - first * 32]


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _accept(listener: socket.socket, origin: Origin) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, origin), daemon=True).start()


def _serve(connection: socket.socket, origin: Origin) -> None:
    with connection, contextlib.suppress(OSError):
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                received = connection.recv(65536)
                if not received:
                    return
                buffer += received
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            _answer(connection, origin, head.decode("latin-1"))


def _answer(connection: socket.socket, origin: Origin, head: str) -> None:
    lines = head.split("\r\n")
    target = lines[0].split(" ")[1].partition("?")[0]
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    seed, length = (int(text) for text in target.strip("/").split("/"))
    etag = f'"{seed}-{length}"'
    part = requested_part(fields, [("etag", etag)], length)
    start, end, status, extra = 0, length, "200 OK", ""
    if part is not None and part.status == 206:
        start, end, status = part.start, part.end, "206 Partial Content"
        extra = f"content-range: {part.content_range}\r\n"
    response = (
        f"HTTP/1.1 {status}\r\ncontent-length: {end - start}\r\ncontent-type: application/octet-stream\r\n"
        f"cache-control: max-age=3600\r\netag: {etag}\r\n{extra}\r\n"
    )
    origin.count(1, 0)
    connection.sendall(response.encode())
    for at in range(start, end, PIECE):
        if at >= (start + end) // 2:
            origin.gate.wait()
        piece = content(seed, at, min(at + PIECE, end))
        connection.sendall(piece)
        origin.count(0, len(piece))
