"""The dynamic origin's answers."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from edgeward.dev.dynamic_origin import MAX_BODY_BYTES, DynamicOrigin


@pytest.fixture
def connection() -> Iterator[http.client.HTTPConnection]:
    origin = DynamicOrigin()
    origin.start()
    viewer = http.client.HTTPConnection("127.0.0.1", origin.port, timeout=10)
    yield viewer
    viewer.close()
    origin.stop()


def test_each_call_has_its_number_and_the_connection_stays_open(connection: http.client.HTTPConnection) -> None:
    first, second = ask(connection, "GET", "/api/time"), ask(connection, "GET", "/api/time")
    assert (first["call"], second["call"]) == (1, 2)


def test_the_echo_shows_method_target_fields_and_content_length(connection: http.client.HTTPConnection) -> None:
    answer = ask(connection, "POST", "/api/echo?q=1", content=b"four")
    request = answer["request"]
    assert (request["method"], request["target"], request["content_bytes"]) == ("POST", "/api/echo?q=1", 4)
    assert ["X-Seen", "yes"] in request["headers"]


@pytest.mark.parametrize(("query", "waited"), [("?seconds=0", 0.0), ("?seconds=-1", 0.0)])
def test_the_slow_answer_tells_how_long_it_waited(
    connection: http.client.HTTPConnection, query: str, waited: float
) -> None:
    assert ask(connection, "GET", f"/api/slow{query}")["waited_seconds"] == waited


def test_head_has_the_fields_of_get_and_no_content(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/api/time")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")
    assert response.getheader("Cache-Control") == "max-age=5"


def test_an_unknown_path_is_answered_with_the_known_ones(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "GET", "/api/else", status=404)["try"] == ["/api/echo", "/api/slow", "/api/time"]


@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": str(MAX_BODY_BYTES + 1)}, {"Transfer-Encoding": "chunked"}, {"Content-Length": "four"}],
    ids=["too long", "length not told", "no number"],
)
def test_content_it_cannot_bound_is_refused_and_the_connection_closed(
    connection: http.client.HTTPConnection, headers: dict[str, str]
) -> None:
    connection.putrequest("POST", "/api/echo")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert response.read()
    assert connection.sock is None or connection.sock.recv(1) == b""


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    *,
    status: int = 200,
    content: bytes | None = None,
) -> Any:
    connection.request(method, target, body=content, headers={"X-Seen": "yes"})
    response = connection.getresponse()
    assert response.status == status
    return json.loads(response.read())
