"""A WebSocket server that says back what it hears, frame after frame: its answer hangs on nothing but the bytes.

The protocol is that of the `websockets` package, without its threads: whole frames go into it one by one. Used by
`test_transparency`.
"""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator

from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Event
from websockets.server import ServerProtocol


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """One that listens; gives its port."""
    server = _Threaded(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Threaded(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(socketserver.BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()], max_size=None)
        talk = _Talk(protocol)
        # A viewer may be gone before it has heard all.
        with contextlib.suppress(OSError):
            while data := self.request.recv(1 << 20):
                for answer in talk.hear(data):
                    self._send(answer)

    def _send(self, answer: bytes) -> None:
        if answer:
            self.request.sendall(answer)
        else:
            self.request.shutdown(socket.SHUT_WR)


class _Talk:
    """One connection: what is said in answer to what is heard."""

    def __init__(self, protocol: ServerProtocol) -> None:
        self._protocol = protocol
        self._buffer = bytearray()
        self._is_open = False
        self._message: list[bytes] = []
        self._kind = Opcode.TEXT

    def hear(self, data: bytes) -> Iterator[bytes]:
        """Pieces to send; an empty one for the end."""
        self._buffer += data
        while length := self._next():
            self._protocol.receive_data(bytes(self._buffer[:length]))
            del self._buffer[:length]
            for event in self._protocol.events_received():
                self._answer(event)
            yield from self._protocol.data_to_send()

    def _next(self) -> int:
        """How many bytes the next frame, or the request, has; 0 while it is not whole."""
        if not self._is_open:
            return self._buffer.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in self._buffer else 0
        if len(self._buffer) < 2:
            return 0
        length, head = self._buffer[1] & 127, 6
        if length >= 126:
            form, head = ("!H", 8) if length == 126 else ("!Q", 14)
            if len(self._buffer) < head:
                return 0
            (length,) = struct.unpack_from(form, self._buffer, 2)
        return head + length if len(self._buffer) >= head + length else 0

    def _answer(self, event: Event) -> None:
        if isinstance(event, Request):
            self._protocol.send_response(self._protocol.accept(event))
            self._is_open = True
        elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._take(event)

    def _take(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._kind = frame.opcode
        self._message.append(bytes(frame.data))
        if not frame.fin:
            return
        message, self._message = b"".join(self._message), []
        # Nothing more is said once a close frame has been heard.
        with contextlib.suppress(InvalidState):
            self._say(message)

    def _say(self, message: bytes) -> None:
        if self._kind is Opcode.BINARY:
            self._protocol.send_binary(message)
            return
        try:
            message.decode()
        except UnicodeDecodeError:
            self._protocol.fail(1007, "not UTF-8")
        else:
            self._protocol.send_text(message)
