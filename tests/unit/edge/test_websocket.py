"""WebSocket through an edge: a real client, a real server, and HTTP beside them (RFC 6455)."""

import contextlib
import http.client
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings, LogSettings, OriginLimits
from edgeward.scenario import certificates
from edgeward.scenario.access_log import AccessLog
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution, ShortOriginRequest

PATIENCE_SECONDS = 20
NAME = domain_name_of(MAIN)
RANDOM = random.Random(6455).randbytes(200_000)
"""Does not get shorter by compression."""
NEEDED = ("Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions")


@dataclass
class Origin:
    """Says back what it hears; tells what it was asked, and answers HTTP with its path."""

    port: int = 0
    asked: list[Headers] = field(default_factory=list)

    def handle(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for message in connection:
                connection.send(message)

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request.headers)
        if request.headers.get("Upgrade") == "websocket" and request.path != "/refused":
            return None
        return connection.respond(403 if request.path == "/refused" else 200, request.path)


@dataclass
class Cdn:
    edge: EdgeUnderTest
    http: str
    https: str
    origin: Origin
    log: AccessLog

    @contextlib.contextmanager
    def viewer(self, path: str = "/chat", *, tls: bool = False, **options: Any) -> Iterator[Any]:
        """A WebSocket client that the edge knows by its distribution's name."""
        host, port = (self.https if tls else self.http).split(":")
        stream = socket.create_connection((host, int(port)), PATIENCE_SECONDS)
        if tls:
            context = ssl.create_default_context(cadata=certificates.root_pem())
            options |= {"ssl": context, "server_hostname": NAME}
        scheme = "wss" if tls else "ws"
        with stream, connect(f"{scheme}://{NAME}:{port}{path}", sock=stream, **options) as found:
            yield found

    def records(self, count: int) -> list[Any]:
        """The log, once it has so many records."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.edge.flush_logs()
            records = list(self.log.records())
            if len(records) >= count or time.monotonic() > deadline:
                return records
            time.sleep(0.01)


StartCdn = Callable[..., Cdn]


@pytest.fixture
def start_cdn(tmp_path: Path) -> Iterator[StartCdn]:
    with contextlib.ExitStack() as parts:

        def start(forwarded: tuple[str, ...] = NEEDED, limits: OriginLimits | None = None, **changes: Any) -> Cdn:
            origin = Origin()
            server = parts.enter_context(
                serve(
                    origin.handle,
                    "127.0.0.1",
                    0,
                    process_request=origin.answer,
                    select_subprotocol=lambda _, offered: offered[0] if offered else None,
                )
            )
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            parts.callback(thread.join, PATIENCE_SECONDS)
            parts.callback(server.shutdown)
            origin.port = server.socket.getsockname()[1]
            settings = EdgeSettings(
                workers=1,
                log=LogSettings(directory=tmp_path),
                allowed_private_origins=LOOPBACK_NETWORKS,
                origin_limits=limits or OriginLimits(),
            )
            ports = {MAIN: OriginPorts(origin.port, origin.port)}
            edge = EdgeUnderTest(settings, ports, certificates.edge_certificate([NAME]))
            parts.callback(edge.stop)
            forward = ShortOriginRequest(headers=Selection(mode="whitelist", names=forwarded))
            behavior = ShortBehavior(forward=forward, **changes)
            http, https = edge.start(ShortDistribution(default=behavior))
            return Cdn(edge, http, https, origin, AccessLog(tmp_path))

        yield start


@pytest.mark.parametrize("tls", [False, True])
def test_messages_go_both_ways_and_the_log_tells_of_them_at_the_end(*, tls: bool, start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.viewer(tls=tls, subprotocols=["chat"]) as viewer:
        assert viewer.response.headers["X-Cache"] == "Miss from cloudfront"
        assert viewer.subprotocol == "chat"
        for message in ("hello", RANDOM, ""):
            viewer.send(message)
            assert viewer.recv(timeout=PATIENCE_SECONDS) == message
        cdn.edge.flush_logs()
        assert not list(cdn.log.records())

    (record,) = cdn.records(1)
    assert (record["sc-status"], record["cs-method"], record["cs-uri-stem"]) == ("101", "GET", "/chat")
    assert (record["x-edge-result-type"], record["cs-protocol"]) == ("Miss", "wss" if tls else "ws")
    assert all(int(record[count]) > len(RANDOM) for count in ("sc-bytes", "cs-bytes"))


def test_the_origin_is_asked_to_switch_with_the_edges_own_fields(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.viewer(additional_headers={"X-Private": "1", "Connection": "X-Other"}):
        (asked,) = cdn.origin.asked

    assert asked["Connection"] == "Upgrade"
    assert asked["Via"].endswith("(CloudFront)")
    assert asked["X-Forwarded-For"] == "127.0.0.1"
    assert "X-Private" not in asked


def test_viewers_have_connections_of_their_own_that_do_not_come_back_to_others(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    assert _get(cdn, "/a") == b"/a"
    with cdn.viewer() as first, cdn.viewer() as second:
        for viewer, message in ((first, "one"), (second, "two"), (first, "three")):
            viewer.send(message)
            assert viewer.recv(timeout=PATIENCE_SECONDS) == message
        assert _get(cdn, "/b") == b"/b"
    assert _get(cdn, "/c") == b"/c"


def test_an_origin_that_does_not_switch_is_heard(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with pytest.raises(InvalidStatus) as refused, cdn.viewer("/refused"):
        pass

    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-Cache"] == "Error from cloudfront"


def test_where_the_needed_fields_are_not_forwarded_it_is_a_request_like_any_other(start_cdn: StartCdn) -> None:
    cdn = start_cdn(forwarded=("Sec-WebSocket-Version",))
    with pytest.raises(InvalidStatus) as refused, cdn.viewer():
        pass

    assert refused.value.response.status_code == 200
    assert "Upgrade" not in cdn.origin.asked[0]


def test_the_viewer_protocol_policy_counts(start_cdn: StartCdn) -> None:
    cdn = start_cdn(viewer_protocol="https-only")
    with pytest.raises(InvalidStatus) as refused, cdn.viewer():
        pass
    assert refused.value.response.status_code == 403

    with cdn.viewer(tls=True) as viewer:
        viewer.send("hello")
        assert viewer.recv(timeout=PATIENCE_SECONDS) == "hello"


def test_an_edge_that_stops_ends_what_is_open_and_logs_it(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.viewer() as viewer:
        viewer.send("hello")
        assert viewer.recv(timeout=PATIENCE_SECONDS) == "hello"
        cdn.edge.stop()
        with pytest.raises(ConnectionClosed):
            viewer.recv(timeout=PATIENCE_SECONDS)

    (record,) = cdn.log.records()
    assert record["sc-status"] == "101"


def test_a_viewer_that_vanishes_ends_the_origins_connection(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.viewer() as viewer:
        viewer.send("hello")
        assert viewer.recv(timeout=PATIENCE_SECONDS) == "hello"
        viewer.socket.close()

    (record,) = cdn.records(1)
    assert record["sc-status"] == "101"


class Http2Viewer:
    """One HTTP/2 connection to the edge; its streams are asked for by extended CONNECT (RFC 8441)."""

    def __init__(self, cdn: Cdn) -> None:
        context = ssl.create_default_context(cadata=certificates.root_pem())
        context.set_alpn_protocols(["h2"])
        host, port = cdn.https.split(":")
        plain = socket.create_connection((host, int(port)), PATIENCE_SECONDS)
        self._stream = context.wrap_socket(plain, server_hostname=NAME)
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._http.initiate_connection()
        self._headers: dict[int, dict[str, str]] = {}
        self._content: dict[int, bytes] = {}
        self._ended: set[int] = set()
        self._flush()
        self._until(lambda: self._http.remote_settings.enable_connect_protocol == 1)

    def connect(self, path: str, protocol: str = "websocket") -> tuple[int, dict[str, str]]:
        """A stream, and the fields of the answer."""
        stream = self._http.get_next_available_stream_id()
        pseudo = {":method": "CONNECT", ":protocol": protocol, ":scheme": "https", ":path": path, ":authority": NAME}
        fields = {"sec-websocket-version": "13", "sec-websocket-protocol": "chat"}
        self._http.send_headers(stream, [*pseudo.items(), *fields.items()])
        self._flush()
        self._until(lambda: stream in self._headers)
        return stream, self._headers[stream]

    def say(self, stream: int, message: str) -> None:
        self._http.send_data(stream, Frame(Opcode.TEXT, message.encode()).serialize(mask=True))
        self._flush()

    def hear(self, stream: int) -> str:
        """The next message, one that is shorter than 126 bytes."""
        self._until(lambda: len(self._content.get(stream, b"")) >= 2)
        length = self._content[stream][1]
        self._until(lambda: len(self._content[stream]) >= 2 + length)
        message, self._content[stream] = self._content[stream][2 : 2 + length], self._content[stream][2 + length :]
        return message.decode()

    def end(self, stream: int) -> None:
        """Ends the viewer's side, and waits for the edge to end its own."""
        self._http.end_stream(stream)
        self._flush()
        self._until(lambda: stream in self._ended)

    def close(self) -> None:
        self._stream.close()

    def _until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            received = self._stream.recv(65536)
            assert received, "the connection was closed"
            for event in self._http.receive_data(received):
                self._note(event)
            self._flush()

    def _note(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self._headers[event.stream_id] = {str(name): str(value) for name, value in event.headers}
        elif isinstance(event, h2.events.DataReceived):
            self._content[event.stream_id] = self._content.get(event.stream_id, b"") + event.data
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
            self._ended.add(event.stream_id)

    def _flush(self) -> None:
        self._stream.sendall(self._http.data_to_send())


def test_streams_of_http2_are_connections_of_their_own(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with contextlib.closing(Http2Viewer(cdn)) as viewer:
        (first, answer), (second, _) = viewer.connect("/one"), viewer.connect("/two")
        assert (answer[":status"], answer["sec-websocket-protocol"]) == ("200", "chat")
        assert answer["x-cache"] == "Miss from cloudfront"
        assert not answer.keys() & {"sec-websocket-accept", "upgrade", "connection"}
        for stream, message in ((first, "one"), (second, "two"), (first, "three")):
            viewer.say(stream, message)
            assert viewer.hear(stream) == message
        viewer.end(first)
        viewer.say(second, "four")
        assert viewer.hear(second) == "four"
        viewer.end(second)

    records = cdn.records(2)
    assert {record["cs-uri-stem"] for record in records} == {"/one", "/two"}
    assert {record["cs-protocol"] for record in records} == {"wss"}
    assert {(record["sc-status"], record["x-edge-result-type"]) for record in records} == {("200", "Miss")}


def test_a_stream_is_refused_where_the_origin_does_not_switch(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with contextlib.closing(Http2Viewer(cdn)) as viewer:
        assert viewer.connect("/refused")[1][":status"] == "403"
        assert viewer.connect("/chat", "other")[1][":status"] == "400"
        assert viewer.connect("/chat")[1][":status"] == "200"


def test_a_stream_is_refused_where_the_needed_fields_are_not_forwarded(start_cdn: StartCdn) -> None:
    cdn = start_cdn(forwarded=("Sec-WebSocket-Version",))
    with contextlib.closing(Http2Viewer(cdn)) as viewer:
        assert viewer.connect("/chat")[1][":status"] == "400"
    assert not cdn.origin.asked


def _get(cdn: Cdn, path: str) -> bytes:
    with contextlib.closing(http.client.HTTPConnection(cdn.http, timeout=PATIENCE_SECONDS)) as connection:
        connection.request("GET", path, headers={"Host": NAME})
        return connection.getresponse().read()


def test_a_connection_has_one_of_the_places_at_its_origin_until_it_ends(start_cdn: StartCdn) -> None:
    cdn = start_cdn(limits=OriginLimits(max_requests=1, max_waiting=0))
    with cdn.viewer():
        with pytest.raises(InvalidStatus) as refused, cdn.viewer():
            pass
        assert refused.value.response.status_code == 503
    cdn.records(2)
    with cdn.viewer("/again") as viewer:
        assert viewer.response.status_code == 101
