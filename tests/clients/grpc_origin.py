"""A gRPC service of gRPC's own library, behind one TLS port that speaks HTTP/1.1 too.

Messages are bytes: nothing is generated, and any edge that looked into them would break them. The service notes what it
is asked; requests over HTTP/1.1 are answered by hand, so that the two can share a cache behavior. Used by `test_grpc`.
"""

import contextlib
import queue
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc

OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
CALLS_AT_ONCE = 160
WAIT_SECONDS = 20

Context = grpc.ServicerContext


@dataclass
class Seen:
    """What reached the origin."""

    metadata: queue.Queue[dict[str, str | bytes]] = field(default_factory=queue.Queue)
    began: queue.Queue[float | None] = field(default_factory=queue.Queue)
    """The time that was left to each call that hangs."""
    cancelled: queue.Queue[str] = field(default_factory=queue.Queue)
    http1: queue.Queue[bytes] = field(default_factory=queue.Queue)
    """The heads of requests over HTTP/1.1."""


class Service(grpc.GenericRpcHandler):
    """`/test/Method`, each of the four kinds and some that go wrong."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._handlers: dict[str, Any] = {
            "Echo": grpc.unary_unary_rpc_method_handler(self._echo),
            "Count": grpc.unary_stream_rpc_method_handler(self._count),
            "Sum": grpc.stream_unary_rpc_method_handler(self._sum),
            "Chat": grpc.stream_stream_rpc_method_handler(self._chat),
            "Fail": grpc.unary_unary_rpc_method_handler(self._fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self._fail_late),
            "Hang": grpc.unary_unary_rpc_method_handler(self._hang),
            "HangLate": grpc.unary_stream_rpc_method_handler(self._hang_late),
            "Drip": grpc.unary_stream_rpc_method_handler(self._drip),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        self._seen.metadata.put(dict(handler_call_details.invocation_metadata))
        return self._handlers.get(handler_call_details.method.rpartition("/")[2])

    def _echo(self, message: bytes, context: Context) -> bytes:
        context.send_initial_metadata((("x-initial", "first"),))
        context.set_trailing_metadata((("x-trailing", "last"), ("x-trailing-bin", b"\x00\xff\x80")))
        return message

    def _count(self, message: bytes, _context: Context) -> Iterator[bytes]:
        return (str(number).encode() for number in range(int(message)))

    def _sum(self, messages: Iterator[bytes], _context: Context) -> bytes:
        return str(sum(len(message) for message in messages)).encode()

    def _chat(self, messages: Iterator[bytes], _context: Context) -> Iterator[bytes]:
        return (b"re: " + message for message in messages)

    def _fail(self, _message: bytes, context: Context) -> bytes:
        context.set_trailing_metadata((("x-reason-bin", b"\x01\x02"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "nicht über 100 %")

    def _fail_late(self, _message: bytes, context: Context) -> Iterator[bytes]:
        yield b"one"
        context.abort(grpc.StatusCode.DATA_LOSS, "half of it")

    def _hang(self, _message: bytes, context: Context) -> bytes:
        self._wait(context, "Hang")
        return b""

    def _hang_late(self, _message: bytes, context: Context) -> Iterator[bytes]:
        yield b"one"
        self._wait(context, "HangLate")

    def _drip(self, _message: bytes, context: Context) -> Iterator[bytes]:
        ended = threading.Event()
        context.add_callback(ended.set)
        while not ended.wait(0.2):
            yield b"one"
        self._seen.cancelled.put("Drip")

    def _wait(self, context: Context, name: str) -> None:
        ended = threading.Event()
        if context.add_callback(ended.set):
            self._seen.began.put(context.time_remaining())
            assert ended.wait(WAIT_SECONDS)
        self._seen.cancelled.put(name)


class GrpcServer:
    """The service in clear, on a port that stays the same over a restart."""

    def __init__(self, seen: Seen, port: int = 0) -> None:
        self._executor = ThreadPoolExecutor(CALLS_AT_ONCE)
        self._server = grpc.server(self._executor, options=OPTIONS)
        self._server.add_generic_rpc_handlers((Service(seen),))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    def stop(self) -> None:
        """Says GOAWAY, gives up what runs, and waits for the end."""
        self._server.stop(0).wait(WAIT_SECONDS)
        self._executor.shutdown()


class Front:
    """TLS that gives each connection to whom ALPN names: HTTP/2 to a port, HTTP/1.1 to itself."""

    def __init__(self, context: ssl.SSLContext, http2: Callable[[ssl.SSLSocket], None], seen: Seen) -> None:
        context.set_alpn_protocols(["h2", "http/1.1"])
        self._context, self._http2, self._seen = context, http2, seen
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Drops everything."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        # An edge that goes away in the middle is nothing to report.
        with contextlib.suppress(OSError), self._context.wrap_socket(stream, server_side=True) as session:
            self._open.add(session)
            if session.selected_alpn_protocol() == "h2":
                self._http2(session)
            else:
                self._answer_http1(session)

    def _answer_http1(self, session: ssl.SSLSocket) -> None:
        with session.makefile("rb") as reader:
            while head := b"".join(iter(reader.readline, b"\r\n")):
                self._seen.http1.put(head)
                if length := re.search(rb"content-length: (\d+)", head.lower()):
                    reader.read(int(length.group(1)))
                session.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nplain")


def piped_to(port: Callable[[], int]) -> Callable[[ssl.SSLSocket], None]:
    """Carries the bytes of a connection to and from a port, which is asked for anew each time."""

    def pipe(session: ssl.SSLSocket) -> None:
        with socket.create_connection(("127.0.0.1", port())) as server:
            threading.Thread(target=_copy, args=(server, session), daemon=True).start()
            _copy(session, server)

    return pipe


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def method(channel: grpc.Channel, name: str) -> Any:
    """A method of the service by its name."""
    kinds: dict[str, Callable[..., Any]] = {
        "Count": channel.unary_stream,
        "FailLate": channel.unary_stream,
        "HangLate": channel.unary_stream,
        "Drip": channel.unary_stream,
        "Sum": channel.stream_unary,
        "Chat": channel.stream_stream,
    }
    return kinds.get(name, channel.unary_unary)(f"/test/{name}")
