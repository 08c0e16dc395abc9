"""An edge adds nothing to WebSocket and takes nothing away.

What a server says to a viewer through it is what it says to one beside it, frame by frame, whatever the viewer sends.
"""

import base64
import contextlib
import hashlib
import select
import socket
import ssl
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution, ShortOriginRequest
from websocket.cases import Case, all_cases
from websocket.echo_server import echo_server

NAME = domain_name_of(MAIN)
KEY = base64.b64encode(bytes(range(16))).decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
PATIENCE_SECONDS = 25
CASES = all_cases()
WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
Way = tuple[int, bool]
"""A port, and whether it speaks TLS."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the server is, and the ways to it through an edge."""

    direct: Way
    through: tuple[Way, Way]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    """A server that says back what it hears, and an edge before it."""
    with contextlib.ExitStack() as parts:
        port = parts.enter_context(echo_server())
        edge = EdgeUnderTest(
            EdgeSettings(workers=1, allowed_private_origins=LOOPBACK_NETWORKS),
            {MAIN: OriginPorts(port, port)},
            certificates.edge_certificate([NAME]),
        )
        parts.callback(edge.stop)
        names = ("Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions")
        forward = ShortOriginRequest(headers=Selection(mode="whitelist", names=names))
        http, https = edge.start(ShortDistribution(default=ShortBehavior(forward=forward)))
        clear, tls = (int(address.rpartition(":")[2]) for address in (http, https))
        yield Stand((port, False), ((clear, False), (tls, True)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_frames_through_an_edge_are_those_of_the_server(stand: Stand, case: Case) -> None:
    direct = play(case, stand.direct)
    assert direct.frames, "every case is answered, if only by the end"
    for way in stand.through:
        assert play(case, way) == direct


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    extensions: bytes | None
    frames: tuple["Frame", ...]
    rest: bytes
    """Of a frame that was cut off."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a server's, which are not masked."""

    first: int
    """FIN, reserved bits and opcode."""
    payload: bytes


def play(case: Case, way: Way) -> Answer:
    """What a viewer gets who sends the bytes of the case."""
    with contextlib.closing(_connected(way)) as viewer:
        head, received = _handshake(viewer, case.extension)
        received += _exchange(viewer, case.pieces)
    frames, rest = _frames(received)
    return Answer(head.get(b"sec-websocket-extensions"), frames, rest)


def _connected(way: Way) -> socket.socket:
    port, is_tls = way
    stream = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not is_tls:
        return stream
    return ssl.create_default_context(cadata=certificates.root_pem()).wrap_socket(stream, server_hostname=NAME)


def _handshake(viewer: socket.socket, extension: str | None) -> tuple[dict[bytes, bytes], bytes]:
    """The fields of the answer, and what followed it."""
    lines = [
        "GET /chat HTTP/1.1",
        f"Host: {NAME}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Extensions: {extension}"] if extension else []),
    ]
    viewer.sendall("\r\n".join([*lines, "", ""]).encode())
    received = b""
    while b"\r\n\r\n" not in received:
        piece = viewer.recv(65536)
        assert piece, received
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    status, *fields = head.split(b"\r\n")
    assert status.startswith(b"HTTP/1.1 101 "), head
    named = {name.lower(): value for name, _, value in (field.partition(b": ") for field in fields)}
    assert named[b"sec-websocket-accept"] == ACCEPT
    return named, rest


def _exchange(viewer: socket.socket, pieces: tuple[bytes, ...]) -> bytes:
    """Sends the pieces, and reads to the end meanwhile; in one thread, as TLS needs it."""
    viewer.setblocking(False)
    unsent, received = deque(pieces), bytearray()
    while True:
        has_sent = bool(unsent) and _send(viewer, unsent)
        read = _read(viewer)
        if read == b"":
            return bytes(received)
        received += read or b""
        if not has_sent and read is None:
            ready = select.select([viewer], [viewer] if unsent else [], [], PATIENCE_SECONDS)
            assert any(ready), "silence"


def _send(viewer: socket.socket, unsent: deque[bytes]) -> bool:
    """Sends of the first piece what it can; returns whether that was anything."""
    piece = unsent.popleft()
    try:
        sent = viewer.send(piece)
    except WAITS:
        sent = 0
    except OSError:
        # The server has had enough before all is sent.
        unsent.clear()
        return False
    if sent < len(piece):
        unsent.appendleft(piece[sent:])
    return sent > 0


def _read(viewer: socket.socket) -> bytes | None:
    """What is there; None: nothing yet; empty: the end."""
    try:
        return viewer.recv(1 << 20)
    except WAITS:
        return None
    except (ConnectionError, ssl.SSLEOFError):
        return b""


def _frames(data: bytes) -> tuple[tuple[Frame, ...], bytes]:
    """The frames of a server's bytes, and what is left over."""
    frames, at = [], 0
    while len(data) - at >= 2:
        start, length = at + 2, data[at + 1]
        if length == 126:
            start, length = at + 4, struct.unpack_from("!H", data, at + 2)[0]
        elif length == 127:
            start, length = at + 10, struct.unpack_from("!Q", data, at + 2)[0]
        if len(data) < start + length:
            break
        frames.append(Frame(data[at], data[start : start + length]))
        at = start + length
    return tuple(frames), data[at:]
