"""The viewer through its doors, against the fake origin and a small HTTP/2 server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import h2.config
import h2.connection
import h2.events
import pytest

from edgeward.scenario import certificates
from edgeward.scenario.message import Request
from edgeward.scenario.origin import Origins
from edgeward.scenario.origin_script import Answer, Script
from edgeward.scenario.values import Content
from edgeward.scenario.viewer import RawExchange, Viewer, attempt

NAME = "main.origin.localhost"
GET = Request(method="GET", target="/a", fields=[("x-a", "1")], authority=NAME)


def answering(content: bytes, times: int = 1) -> Script:
    return Script(answers=(Answer(content=Content(content), times=times),))


@pytest.mark.parametrize(("door", "tls"), [("h1", None), ("h1-tls", "TLSv1.3")])
async def test_a_request_over_http1(origins: Origins, viewer: Viewer, door: str, tls: str | None) -> None:
    performance = await origins.begin(answering(b"hello"))
    outcome = await viewer.send("h1" if door == "h1" else "h1-tls", GET, NAME)

    assert await origins.end(performance) == []
    assert outcome.responses[0] is not None
    assert outcome.responses[0].content == b"hello"
    assert outcome.tls == tls
    assert outcome.certificate_names == ((NAME,) if tls else ())


async def test_a_kept_connection_is_reported_as_open(origins: Origins, viewer: Viewer) -> None:
    await origins.begin(answering(b"hello"))
    outcome = await viewer.send("h1", GET, NAME, watch_close=True)

    assert outcome.closed is False


async def test_raw_bytes_may_hold_several_requests(origins: Origins, viewer: Viewer) -> None:
    await origins.begin(answering(b"x", times=2))
    data = b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n"
    outcome = await viewer.send_raw("h1", RawExchange(data=data, count=2, watch_close=True), NAME)

    assert len(outcome.responses) == 2
    assert outcome.closed is True


async def test_requests_at_once_are_all_sent_before_the_first_is_answered(origins: Origins, viewer: Viewer) -> None:
    gate = asyncio.Event()
    performance = await origins.begin(answering(b"x", times=50), gate=gate)
    outcome = await viewer.send_at_once("h1", GET, NAME, 50, gate.set)

    assert len([response for response in outcome.responses if response and response.content == b"x"]) == 50
    assert await origins.end(performance) == []


async def test_a_connection_that_fails_is_an_outcome() -> None:
    nobody = Viewer(http=("127.0.0.1", 9), https=("127.0.0.1", 9), root_pem=certificates.root_pem())

    assert "ConnectionRefusedError" in ((await attempt(nobody.send("h1", GET, NAME))).failure or "")


@pytest.fixture
async def http2_viewer() -> AsyncIterator[Viewer]:
    """A viewer of a server that answers /reset with a reset stream, /cut with half its content, else an echo."""
    context = certificates.origin_context(NAME, "trusted")
    context.set_alpn_protocols(["h2"])
    server = await asyncio.start_server(_serve_http2, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    yield Viewer(http=("127.0.0.1", port), https=("127.0.0.1", port), root_pem=certificates.root_pem())
    server.close()


async def _serve_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    connection.initiate_connection()
    targets: dict[int, str] = {}
    received: dict[int, bytes] = {}
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                targets[event.stream_id] = dict(event.headers)[b":path"].decode()
                received[event.stream_id] = b""
            elif isinstance(event, h2.events.DataReceived):
                received[event.stream_id] += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                _answer(connection, event.stream_id, targets[event.stream_id], received[event.stream_id])
        writer.write(connection.data_to_send())
    writer.close()
    await writer.wait_closed()


def _answer(connection: h2.connection.H2Connection, stream: int, target: str, content: bytes) -> None:
    if target == "/reset":
        connection.reset_stream(stream)
        return
    connection.send_headers(stream, [(":status", "200"), ("x-target", target), ("content-length", str(len(content)))])
    if target == "/cut":
        connection.send_data(stream, content[: len(content) // 2])
        connection.reset_stream(stream)
    else:
        connection.send_data(stream, content[:16000], end_stream=len(content) <= 16000)
        for start in range(16000, len(content), 16000):
            connection.send_data(stream, content[start : start + 16000], end_stream=start + 16000 >= len(content))


async def test_a_request_over_http2(http2_viewer: Viewer) -> None:
    outcome = await http2_viewer.send("h2", replace(GET, method="PUT", content=b"a" * 30000), NAME)

    (response,) = outcome.responses
    assert response is not None
    assert (response.status, len(response.content), response.complete) == (200, 30000, True)
    assert response.field("x-target") == "/a"
    assert outcome.certificate_names == (NAME,)


async def test_a_reset_stream_has_no_response(http2_viewer: Viewer) -> None:
    assert (await http2_viewer.send("h2", replace(GET, target="/reset"), NAME)).responses == (None,)


async def test_a_stream_reset_inside_its_content_is_incomplete(http2_viewer: Viewer) -> None:
    outcome = await http2_viewer.send("h2", replace(GET, target="/cut", method="PUT", content=b"abcd"), NAME)

    assert outcome.responses[0] is not None
    assert (outcome.responses[0].content, outcome.responses[0].complete) == (b"ab", False)


async def test_many_streams_at_once_share_few_connections(http2_viewer: Viewer) -> None:
    sent: list[bool] = []
    outcome = await http2_viewer.send_at_once("h2", GET, NAME, 250, lambda: sent.append(True))

    assert sent == [True]
    assert len([response for response in outcome.responses if response]) == 250
