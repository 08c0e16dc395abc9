"""Responses of origins that two recipients could read differently: not passed on, not stored, and what follows them on
the connection is nobody's answer.
"""

import contextlib
import http.client
import itertools
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from smuggling.origins import PATIENCE_SECONDS
from smuggling.stand import HOST, start_edge

STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nCache-Control: max-age=60\r\n\r\npoisoned"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def response(head: bytes, content: bytes = b"", *, version: bytes = b"HTTP/1.1", status: bytes = b"200 OK") -> bytes:
    """A response that may be stored, with the lines of `head` as they stand."""
    return version + b" " + status + b"\r\nCache-Control: max-age=60\r\n" + head + b"\r\n" + content


class ScriptedOrigin:
    """Answers the next request with `script`, all others with their target; keeps its connections open."""

    def __init__(self) -> None:
        self.script: bytes | None = None
        self.seen: list[tuple[int, str]] = []
        """Number of the connection and target of each request."""
        self._latest: socket.socket | None = None
        self._closed: list[threading.Event] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def push(self, data: bytes) -> bool:
        """Sends what nobody asked for on the connection of the last request; whether the edge closes it thereupon."""
        assert self._latest is not None
        self._latest.sendall(data)
        return self._closed[self.seen[-1][0]].wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        for number in itertools.count():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._closed.append(threading.Event())
            threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as requests:
            try:
                while line := requests.readline():
                    while requests.readline() not in (b"\r\n", b""):
                        pass
                    target = line.split()[1]
                    self.seen.append((number, target.decode()))
                    self._latest = connection
                    script, self.script = self.script, None
                    connection.sendall(script if script is not None else _answer(target))
            except OSError:
                return
            finally:
                self._closed[number].set()


def _answer(target: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)


@dataclass(slots=True)
class ResponseStand:
    """`origin` behind an edge that keeps what may be kept for a minute."""

    origin: ScriptedOrigin
    clear: str
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def target(self) -> str:
        return f"/{next(self._numbers)}"

    def ask(self, target: str, method: str = "GET") -> tuple[int, bytes]:
        """Status and content of the edge's response."""
        status, _, content = self.ask_for_all(target, method)
        return status, content

    def ask_for_all(self, target: str, method: str = "GET") -> tuple[int, http.client.HTTPMessage, bytes]:
        with contextlib.closing(http.client.HTTPConnection(self.clear, timeout=PATIENCE_SECONDS)) as viewer:
            viewer.request(method, target, headers={"Host": HOST})
            with viewer.getresponse() as answer:
                return answer.status, answer.headers, answer.read()

    def script(self, answer: bytes) -> None:
        self.origin.script = answer

    def connection_of(self, target: str) -> int:
        """Which connection brought the last request for `target`."""
        return [number for number, seen in self.origin.seen if seen == target][-1]

    def assert_next_is_right(self, after: str, *, same_connection: bool) -> None:
        """Another viewer gets the answer for its own target, over the connection that brought `after`, or not."""
        target = self.target()
        assert self.ask(target) == (200, target.encode())
        assert (self.connection_of(target) == self.connection_of(after)) is same_connection


@pytest.fixture(scope="module")
def stand() -> Iterator[ResponseStand]:
    origin = ScriptedOrigin()
    edge, clear, _ = start_edge(origin.port, default_ttl=60)
    yield ResponseStand(origin, clear)
    edge.stop()
    origin.stop()


REFUSED = {
    "two lengths": response(b"Content-Length: 5\r\nContent-Length: 10\r\n", b"helloworld"),
    "a list of lengths": response(b"Content-Length: 5, 10\r\n", b"helloworld"),
    "a length with a sign": response(b"Content-Length: +5\r\n", b"hello"),
    "an empty length": response(b"Content-Length:\r\n", b"hello"),
    "a negative length": response(b"Content-Length: -5\r\n", b"hello"),
    "a length of 2^64": response(b"Content-Length: 18446744073709551616\r\n", b"hello"),
    "CL.TE": response(b"Content-Length: 15\r\n" + CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"),
    "TE.CL": response(CHUNKED + b"Content-Length: 5\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    "an unknown transfer coding": response(b"Transfer-Encoding: xchunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    "a transfer coding before chunked": response(b"Transfer-Encoding: gzip, chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    "chunked twice": response(CHUNKED + CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"),
    "TE in HTTP/1.0": response(CHUNKED, b"5\r\nhello\r\n0\r\n\r\n", version=b"HTTP/1.0"),
    "NUL in a value": response(b"X-A: b\0c\r\nContent-Length: 5\r\n", b"hello"),
    "CR in a value": response(b"X-A: b\rContent-Length: 5\r\n", b"hello"),
    "space before the colon": response(b"Content-Length : 5\r\n", b"hello"),
    "a folded line": response(b"X-A: b\r\n Content-Length: 3\r\nContent-Length: 5\r\n", b"hello"),
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/2.0": response(b"Content-Length: 5\r\n", b"hello", version=b"HTTP/2.0"),
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + STRAY,
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_an_ambiguous_response_is_a_502_and_not_stored(stand: ResponseStand, answer: bytes) -> None:
    target = stand.target()
    stand.script(answer)

    assert stand.ask(target)[0] == 502
    stand.assert_next_is_right(target, same_connection=False)
    assert b"hello" not in stand.ask(target)[1]


CUT = {
    "a chunk size with a sign": response(CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size of 2^64 + 5": response(CHUNKED, b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": response(CHUNKED, b"5\r\nhello!\r\n0\r\n\r\n"),
    "a chunk that ends with a lone LF": response(CHUNKED, b"5\nhello\n0\n\n"),
}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
def test_content_in_broken_chunks_is_not_whole_and_not_stored(stand: ResponseStand, answer: bytes) -> None:
    target = stand.target()
    stand.script(answer)

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        stand.ask(target)
    stand.assert_next_is_right(target, same_connection=False)
    assert stand.ask(target) == (200, target.encode())


WHOLE = {
    "one length": response(b"Content-Length: 5\r\n", b"hello"),
    "two equal lengths": response(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "a list of equal lengths": response(b"Content-Length: 5, 5\r\n", b"hello"),
    "chunks": response(CHUNKED, b"5;a=b\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"),
    "after an early hint": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 99\r\n\r\n"
    + response(b"Content-Length: 5\r\n", b"hello"),
    "a lone LF after each line": response(b"Content-Length: 5\r\n", b"hello").replace(b"\r\n", b"\n"),
}


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_what_has_one_reading_is_stored_as_read(stand: ResponseStand, answer: bytes) -> None:
    target = stand.target()
    stand.script(answer)

    for _ in ("from the origin", "stored"):
        status, headers, content = stand.ask_for_all(target)
        assert (status, content) == (200, b"hello")
        assert headers.get_all("content-length") in (["5"], None)
        assert headers["cache-control"] == "max-age=60"
    assert [seen for _, seen in stand.origin.seen].count(target) == 1
    stand.assert_next_is_right(target, same_connection=True)


BEHIND = {
    "content": ("GET", response(b"Content-Length: 5\r\n", b"hello"), (200, b"hello")),
    "chunks": ("GET", response(CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"), (200, b"hello")),
    "no content": ("GET", response(b"Content-Length: 0\r\n"), (200, b"")),
    "the response to HEAD": ("HEAD", response(b"Content-Length: 5\r\n", b"hello"), (200, b"")),
    "status 204": ("GET", response(b"", status=b"204 No Content"), (204, b"")),
    "status 204 with a length": ("GET", response(b"Content-Length: 5\r\n", b"hello", status=b"204 No"), (204, b"")),
    "status 304": ("GET", response(b'ETag: "a"\r\n', status=b"304 Not Modified"), (304, b"")),
}


@pytest.mark.parametrize(("method", "answer", "expected"), BEHIND.values(), ids=BEHIND)
def test_bytes_behind_a_response_answer_nobody(
    stand: ResponseStand, method: str, answer: bytes, expected: tuple[int, bytes]
) -> None:
    target = stand.target()
    stand.script(answer + STRAY)

    assert stand.ask(target, method) == expected
    stand.assert_next_is_right(target, same_connection=False)
    assert b"poisoned" not in stand.ask(target)[1]


def test_bytes_that_come_between_two_requests_answer_nobody(stand: ResponseStand) -> None:
    target = stand.target()
    assert stand.ask(target) == (200, target.encode())

    assert stand.origin.push(STRAY)
    stand.assert_next_is_right(target, same_connection=False)
