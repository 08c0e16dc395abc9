"""Viewers who take an edge's time and connections: each is cut off by its limit, counted, and logged where it asked."""

import socket
import time

import pytest

from abuse.conftest import HOST, PATIENCE_SECONDS, LimitedEdge, LimitedEdges

GET = f"GET /a HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
GET_LARGE = GET.replace(b"/a", b"/large")
POST = f"POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100000\r\n\r\n".encode()

LONG = 3_600_000


def connect(address: tuple[str, int], source: str = "127.0.0.1", buffer: int | None = None) -> socket.socket:
    viewer = socket.socket()
    if buffer is not None:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    viewer.settimeout(PATIENCE_SECONDS)
    viewer.bind((source, 0))
    try:
        viewer.connect(address)
    except OSError:
        viewer.close()
        raise
    return viewer


def read_response(viewer: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\r\n\r\n\0\0"):
        piece = viewer.recv(65536)
        assert piece, received
        received += piece
    return received


def read_to_end(viewer: socket.socket) -> bytes:
    received = b""
    try:
        while piece := viewer.recv(1 << 20):
            received += piece
    except ConnectionResetError:
        pass
    return received


def drip(viewer: socket.socket, data: bytes, every: float = 0.01) -> None:
    """Sends byte by byte until the edge has had enough."""
    for byte in data:
        try:
            viewer.sendall(bytes([byte]))
        except OSError:
            return
        time.sleep(every)


@pytest.mark.parametrize("sent", [b"", b"GET /a HTTP/1.1\r\nHo"], ids=["nothing", "a part"])
def test_a_head_that_does_not_come_ends_the_connection(limited: LimitedEdges, sent: bytes) -> None:
    edge = limited(header_timeout_ms=100)
    with connect(edge.clear) as viewer:
        viewer.sendall(sent)
        assert read_to_end(viewer) == b""
    edge.eventually_refused("slow_head", 1)


def test_bytes_do_not_prolong_the_time_for_a_head(limited: LimitedEdges) -> None:
    edge = limited(header_timeout_ms=100)
    with connect(edge.clear) as viewer:
        drip(viewer, b"GET /" + b"a" * 10_000)
        assert read_to_end(viewer) == b""
    edge.eventually_refused("slow_head", 1)


def test_nor_the_time_for_a_later_head(limited: LimitedEdges) -> None:
    edge = limited(header_timeout_ms=100, idle_timeout_ms=LONG)
    with connect(edge.clear) as viewer:
        viewer.sendall(GET)
        read_response(viewer)
        drip(viewer, b"GET /" + b"a" * 10_000)
        assert read_to_end(viewer) == b""
    edge.eventually_refused("slow_head", 1)


def test_a_handshake_that_does_not_end_is_given_up(limited: LimitedEdges) -> None:
    edge = limited(tls_handshake_timeout_ms=100)
    with connect(edge.tls) as viewer:
        viewer.sendall(b"\x16\x03\x01")
        assert read_to_end(viewer) == b""
    edge.eventually_refused("handshake", 1)


def test_an_idle_connection_is_closed_and_nothing_to_count(limited: LimitedEdges) -> None:
    edge = limited(idle_timeout_ms=100, header_timeout_ms=LONG)
    with connect(edge.clear) as viewer:
        viewer.sendall(GET)
        read_response(viewer)
        assert read_to_end(viewer) == b""
    assert not any(times for name, times in edge.edge.status().items() if name.startswith("viewers_refused"))


def test_content_that_does_not_come_is_a_408(limited: LimitedEdges) -> None:
    edge = limited(content_timeout_ms=100)
    with connect(edge.clear) as viewer:
        viewer.sendall(POST)
        assert read_to_end(viewer).startswith(b"HTTP/1.1 408 ")
    assert edge.refused("slow_content") == 1


def test_content_that_comes_too_slowly_is_a_408(limited: LimitedEdges) -> None:
    edge = limited(content_timeout_ms=100, least_rate=1000)
    with connect(edge.clear) as viewer:
        viewer.sendall(POST)
        # A byte earns a millisecond, and takes ten.
        drip(viewer, b"x" * 10_000)
    edge.eventually_refused("slow_content", 1)
    (record,) = edge.logged()
    assert (record["sc-status"], record["x-edge-detailed-result-type"]) == ("408", "ClientCommError")


def test_content_at_the_least_rate_is_waited_for(limited: LimitedEdges) -> None:
    edge = limited(content_timeout_ms=50, least_rate=1)
    with connect(edge.clear) as viewer:
        viewer.sendall(POST)
        for _ in range(10):
            viewer.sendall(b"x" * 10_000)
            time.sleep(0.02)
        assert read_response(viewer).startswith(b"HTTP/1.1 200 ")


def test_a_viewer_who_does_not_read_is_cut_off(limited: LimitedEdges) -> None:
    edge = limited(write_timeout_ms=200)
    with connect(edge.clear, buffer=4096) as viewer:
        viewer.sendall(GET_LARGE)
        edge.eventually_refused("slow_reading", 1)
    (record,) = edge.logged()
    assert (record["sc-status"], record["x-edge-detailed-result-type"]) == ("200", "ClientCommError")


def test_a_viewer_who_reads_a_little_now_and_then_is_cut_off(limited: LimitedEdges) -> None:
    edge = limited(write_timeout_ms=200, least_rate=1 << 30)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with connect(edge.clear, buffer=4096) as viewer:
        viewer.sendall(GET_LARGE)
        while edge.refused("slow_reading") == 0:
            viewer.recv(2048)
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_connections_of_one_address_are_bounded(limited: LimitedEdges) -> None:
    edge = limited(max_connections_per_address=2)
    held = [connect(edge.clear) for _ in range(2)]
    for viewer in held:
        viewer.sendall(GET)
        read_response(viewer)
    with connect(edge.clear) as third:
        assert read_to_end(third) == b""
    edge.eventually_refused("connections_of_address", 1)
    with connect(edge.clear, source="127.0.0.2") as other:
        other.sendall(GET)
        assert read_response(other).startswith(b"HTTP/1.1 200 ")
    for viewer in held:
        viewer.close()
    wait_for_a_place(edge)


def wait_for_a_place(edge: LimitedEdge) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with connect(edge.clear) as viewer:
            try:
                viewer.sendall(GET)
                if viewer.recv(65536).startswith(b"HTTP/1.1 200 "):
                    return
            except OSError:
                pass
        assert time.monotonic() < deadline


def test_connections_altogether_are_bounded(limited: LimitedEdges) -> None:
    edge = limited(max_connections=1)
    with connect(edge.clear) as first:
        first.sendall(GET)
        read_response(first)
        with connect(edge.tls, source="127.0.0.2") as second:
            assert read_to_end(second) == b""
        edge.eventually_refused("connections", 1)


def test_the_last_request_of_a_connection_closes_it(limited: LimitedEdges) -> None:
    edge = limited(max_requests=3)
    with connect(edge.clear) as viewer:
        for _ in range(2):
            viewer.sendall(GET)
            assert b"connection: close" not in read_response(viewer)
        viewer.sendall(GET + GET)
        last = read_to_end(viewer)
    assert last.count(b"HTTP/1.1 200 ") == 1
    assert b"connection: close" in last


def test_what_is_not_http_is_counted(limited: LimitedEdges) -> None:
    edge = limited()
    with connect(edge.clear) as viewer:
        viewer.sendall(b"GET /a HTTP/1.1\r\nHost : a\r\n\r\n")
        assert read_to_end(viewer).startswith(b"HTTP/1.1 400 ")
    edge.eventually_refused("malformed", 1)
