"""Viewers who keep their content back: until there is enough of it their origin hears nothing of them."""

import hyperframe.frame as frames
import pytest

from abuse.conftest import HOST, LimitedEdges
from abuse.test_http1 import GET, connect, read_response
from abuse.test_http2 import fields, first, headers, open_http2, received

LONG_CONTENT = 100_000


def post(*lines: str) -> bytes:
    return "\r\n".join(["POST /post HTTP/1.1", f"Host: {HOST}", *lines, "", ""]).encode()


def test_small_content_is_awaited_whole(limited: LimitedEdges) -> None:
    edge = limited()
    with connect(edge.clear) as viewer, connect(edge.clear) as other:
        viewer.sendall(post("Content-Length: 1000") + b"x" * 999)
        other.sendall(GET)
        read_response(other)
        assert edge.heard == ["GET /a"]
        viewer.sendall(b"x")
        assert read_response(viewer).startswith(b"HTTP/1.1 200 ")
    assert edge.heard == ["GET /a", "POST /post"]


def test_a_viewer_who_gives_up_meanwhile_never_reaches_the_origin(limited: LimitedEdges) -> None:
    edge = limited()
    with connect(edge.clear) as viewer:
        viewer.sendall(post("Content-Length: 1000") + b"x" * 999)
    edge.eventually_logged(1)
    assert edge.logged()[0]["x-edge-detailed-result-type"] == "ClientCommError"
    assert edge.heard == []


def test_of_long_content_the_beginning_is_awaited(limited: LimitedEdges) -> None:
    edge = limited()
    with connect(edge.clear) as viewer, connect(edge.clear) as other:
        viewer.sendall(post(f"Content-Length: {LONG_CONTENT}") + b"x" * 65_535)
        other.sendall(GET)
        read_response(other)
        assert edge.heard == ["GET /a"]
        viewer.sendall(b"x")
        edge.eventually_heard("POST /post")
        viewer.sendall(b"x" * (LONG_CONTENT - 65_536))
        assert read_response(viewer).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("limits", "line", "sent", "rest"),
    [
        ({}, "Transfer-Encoding: chunked", b"", b"1\r\nx\r\n0\r\n\r\n"),
        ({"held_content": 0}, "Content-Length: 1000", b"", b"x" * 1000),
        ({"max_held_content": 10}, "Content-Length: 1000", b"x" * 20, b"x" * 980),
    ],
    ids=["of unknown length", "turned off", "no room"],
)
def test_what_is_not_held_is_passed_on_as_it_comes(
    limited: LimitedEdges, limits: dict[str, int], line: str, sent: bytes, rest: bytes
) -> None:
    edge = limited(balancers=(), forwarded=(), **limits)
    with connect(edge.clear) as viewer:
        viewer.sendall(post(line) + sent)
        edge.eventually_heard("POST /post")
        viewer.sendall(rest)
        assert read_response(viewer).startswith(b"HTTP/1.1 200 ")


def test_an_origin_that_is_asked_for_its_consent_is_asked_first(limited: LimitedEdges) -> None:
    edge = limited(forwarded=("Expect",))
    with connect(edge.clear) as viewer:
        viewer.sendall(post("Content-Length: 10", "Expect: 100-continue"))
        edge.eventually_heard("POST /post")
        viewer.sendall(b"x" * 10)
        assert read_response(viewer).startswith(b"HTTP/1.1 ")


def test_content_of_http2_is_awaited_too(limited: LimitedEdges) -> None:
    edge = limited()
    with open_http2(edge) as viewer, connect(edge.clear) as other:
        viewer.sendall(headers(1, fields("/post", ("content-length", "3"), method="POST"), "END_HEADERS"))
        viewer.sendall(frames.DataFrame(1, b"xx").serialize())
        other.sendall(GET)
        read_response(other)
        assert edge.heard == ["GET /a"]
        viewer.sendall(frames.DataFrame(1, b"x", flags=("END_STREAM",)).serialize())
        assert any("END_STREAM" in frame.flags for frame in first(received(viewer), 1))
    assert edge.heard == ["GET /a", "POST /post"]
