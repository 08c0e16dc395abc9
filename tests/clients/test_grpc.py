"""gRPC through an edge: gRPC's own library on both sides, and HTTP beside it (guide, distribution-using-grpc)."""

import contextlib
import os
import queue
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
import urllib3
from types_boto3_cloudfront import CloudFrontClient

from clients.grpc_origin import OPTIONS, WAIT_SECONDS, Front, GrpcServer, Seen, method, piped_to
from clients.running import RunningCdn
from edgeward.authority import LocalAuthority
from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings, LogSettings, ViewerLimits
from edgeward.scenario import certificates
from edgeward.scenario.access_log import AccessLog
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import (
    Method,
    Selection,
    ShortBehavior,
    ShortDistribution,
    ShortOrigin,
    ShortOriginRequest,
)

NAME = domain_name_of(MAIN)
ALL_METHODS: tuple[Method, ...] = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")
FORWARDED = ("x-mine", "x-mine-bin")


@dataclass
class Cdn:
    """An edge with a gRPC origin; the behavior allows gRPC."""

    edge: EdgeUnderTest
    https: str
    seen: Seen
    log: AccessLog
    servers: list[GrpcServer]
    front: Front

    @contextlib.contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc_channel(self.https, NAME, certificates.root_pem()) as channel:
            yield channel

    def restart_origin(self) -> None:
        """Says GOAWAY, and is back at another port behind the same front."""
        self.servers[-1].stop()
        self.servers.append(GrpcServer(self.seen))

    def record(self) -> dict[str, str]:
        """The one record of the log, once it is there."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (records := self.log.records()):
            assert time.monotonic() < deadline, "no record was written"
            self.edge.flush_logs()
            time.sleep(0.01)
        (record,) = records
        return record


StartCdn = Callable[..., Cdn]


@contextlib.contextmanager
def grpc_channel(address: str, name: str, root: str) -> Iterator[grpc.Channel]:
    """A channel of its own, that the edge knows by the distribution's name."""
    options = (
        *OPTIONS,
        ("grpc.ssl_target_name_override", name),
        ("grpc.default_authority", name),
        ("grpc.use_local_subchannel_pool", 1),
    )
    credentials = grpc.ssl_channel_credentials(root.encode())
    with grpc.secure_channel(address, credentials, options) as channel:
        yield channel


@pytest.fixture
def start_cdn(tmp_path: Path) -> Iterator[StartCdn]:
    with contextlib.ExitStack() as parts:

        def start(
            http2: Any = None,
            origin: ShortOrigin | None = None,
            limits: ViewerLimits = ViewerLimits(),  # noqa: B008 - frozen
            *,
            grpc: bool = True,
        ) -> Cdn:
            seen = Seen()
            servers = [GrpcServer(seen)]
            parts.callback(lambda: servers.pop().stop())
            context = certificates.origin_context("main.origin.localhost", "trusted")
            front = Front(context, http2 or piped_to(lambda: servers[-1].port), seen)
            parts.callback(front.close)
            trusted = (certificates.root_pem(),)
            settings = EdgeSettings(
                workers=1,
                log=LogSettings(directory=tmp_path),
                trusted_authorities=trusted,
                allowed_private_origins=LOOPBACK_NETWORKS,
                limits=limits,
            )
            ports = {MAIN: OriginPorts(front.port, front.port)}
            edge = EdgeUnderTest(settings, ports, certificates.edge_certificate([NAME]))
            parts.callback(edge.stop)
            forward = ShortOriginRequest(headers=Selection(mode="whitelist", names=FORWARDED))
            behavior = ShortBehavior(forward=forward, grpc=grpc, allowed_methods=ALL_METHODS)
            origins = {MAIN: origin or ShortOrigin(protocol="https-only")}
            _http, https = edge.start(ShortDistribution(default=behavior, origins=origins))
            return Cdn(edge, https, seen, AccessLog(tmp_path), servers, front)

        yield start


def test_a_unary_call_carries_metadata_both_ways(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    sent = (("x-mine", "yes"), ("x-mine-bin", b"\x00\xfe\xff"), ("x-private", "no"))
    with cdn.channel() as channel:
        answer, call = method(channel, "Echo").with_call(b"hello", metadata=sent, timeout=WAIT_SECONDS)

    assert answer == b"hello"
    assert dict(call.initial_metadata())["x-initial"] == "first"
    trailing = dict(call.trailing_metadata())
    assert (trailing["x-trailing"], trailing["x-trailing-bin"]) == ("last", b"\x00\xff\x80")
    got = cdn.seen.metadata.get(timeout=WAIT_SECONDS)
    assert (got["x-mine"], got["x-mine-bin"]) == ("yes", b"\x00\xfe\xff")
    assert "x-private" not in got
    assert got["x-forwarded-for"] == "127.0.0.1"


def test_the_log_has_one_record_with_the_bytes_of_both_directions(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    message = os.urandom(100_000)
    with cdn.channel() as channel:
        method(channel, "Echo")(message, timeout=WAIT_SECONDS)

    record = cdn.record()
    told = {name: record[name] for name in ("cs-method", "sc-status", "cs-uri-stem", "cs-protocol-version")}
    assert told == {
        "cs-method": "POST",
        "sc-status": "200",
        "cs-uri-stem": "/test/Echo",
        "cs-protocol-version": "HTTP/2.0",
    }
    assert (record["x-edge-result-type"], record["sc-content-type"]) == ("Miss", "application/grpc")
    assert all(int(record[name]) > len(message) for name in ("sc-bytes", "cs-bytes"))


def test_a_server_streams(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel:
        numbers = list(method(channel, "Count")(b"20000", timeout=WAIT_SECONDS))

    assert numbers == [str(number).encode() for number in range(20000)]


def test_a_client_streams(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel:
        total = method(channel, "Sum")((b"x" for _ in range(20000)), timeout=WAIT_SECONDS)

    assert total == b"20000"


def test_both_stream_and_wait_for_each_other(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel:
        chat = Chat(channel)
        for number in range(50):
            assert chat.say(f"{number}".encode()) == f"re: {number}".encode()
        assert chat.end() == grpc.StatusCode.OK


def test_a_hundred_streams_are_open_at_once(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel, ThreadPoolExecutor(100) as threads:
        chats = [Chat(channel) for _ in range(100)]
        for turn in range(3):
            answers = list(threads.map(lambda chat, turn=turn: chat.say(f"{turn}".encode()), chats))
            assert answers == [f"re: {turn}".encode()] * 100
        assert {chat.end() for chat in chats} == {grpc.StatusCode.OK}


@pytest.mark.parametrize("size", [0, 1, 4 * 1024 * 1024, 9_000_001])
def test_messages_of_any_size_come_back_whole(size: int, start_cdn: StartCdn) -> None:
    message = os.urandom(size)
    with start_cdn().channel() as channel:
        assert method(channel, "Echo")(message, timeout=WAIT_SECONDS) == message


def test_compressed_messages_can_be_read(start_cdn: StartCdn) -> None:
    message = b"again and " * 100_000
    with start_cdn().channel() as channel:
        answer = method(channel, "Echo")(message, timeout=WAIT_SECONDS, compression=grpc.Compression.Gzip)

    assert answer == message


def test_an_error_has_its_message_and_metadata(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel, pytest.raises(grpc.RpcError) as failed:
        method(channel, "Fail")(b"", timeout=WAIT_SECONDS)

    call: Any = failed.value
    assert (call.code(), call.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "nicht über 100 %")
    assert dict(call.trailing_metadata())["x-reason-bin"] == b"\x01\x02"


def test_an_error_after_content_is_told(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel:
        call = method(channel, "FailLate")(b"", timeout=WAIT_SECONDS)
        assert next(call) == b"one"
        with pytest.raises(grpc.RpcError):
            next(call)

    assert (call.code(), call.details()) == (grpc.StatusCode.DATA_LOSS, "half of it")


def test_a_method_that_is_not_there_is_unimplemented(start_cdn: StartCdn) -> None:
    with start_cdn().channel() as channel, pytest.raises(grpc.RpcError) as failed:
        method(channel, "Nothing")(b"", timeout=WAIT_SECONDS)

    assert code_of(failed) == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("name", "logged"), [("Hang", ("000", "ClientHungUpRequest")), ("HangLate", ("200", "ClientCommError"))]
)
def test_a_deadline_reaches_the_server_and_ends_the_call_on_both_sides(
    name: str, logged: tuple[str, str], start_cdn: StartCdn
) -> None:
    cdn = start_cdn()
    with cdn.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        list(method(channel, name)(b"", timeout=1))

    assert code_of(failed) == grpc.StatusCode.DEADLINE_EXCEEDED
    assert cdn.seen.began.get(timeout=WAIT_SECONDS) is not None
    assert cdn.seen.cancelled.get(timeout=WAIT_SECONDS) == name
    record = cdn.record()
    assert (record["sc-status"], record["x-edge-detailed-result-type"]) == logged


@pytest.mark.parametrize("name", ["Hang", "HangLate"])
def test_a_client_that_cancels_is_heard_by_the_server(name: str, start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.channel() as channel:
        if name == "Hang":
            call = method(channel, name).future(b"", timeout=WAIT_SECONDS)
        else:
            call = method(channel, name)(b"", timeout=WAIT_SECONDS)
            assert next(call) == b"one"
        cdn.seen.began.get(timeout=WAIT_SECONDS)
        assert call.cancel()
        assert cdn.seen.cancelled.get(timeout=WAIT_SECONDS) == name
        assert call.code() == grpc.StatusCode.CANCELLED
        # The connection goes on.
        assert method(channel, "Echo")(b"on", timeout=WAIT_SECONDS) == b"on"


def test_a_server_that_restarts_is_found_again(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.channel() as channel:
        for turn in (b"one", b"two", b"three"):
            assert method(channel, "Echo")(turn, timeout=WAIT_SECONDS) == turn
            cdn.restart_origin()
        assert method(channel, "Echo")(b"four", timeout=WAIT_SECONDS) == b"four"


def test_a_server_that_goes_away_in_the_middle_ends_the_call_and_is_found_again(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.channel() as channel:
        chat = Chat(channel)
        assert chat.say(b"hello") == b"re: hello"
        cdn.restart_origin()
        with pytest.raises(grpc.RpcError):
            chat.say(b"still there?")
        chat.hang_up()
        assert method(channel, "Echo")(b"on", timeout=WAIT_SECONDS) == b"on"


def test_a_stream_in_progress_is_finished_while_the_edge_stops(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.channel() as channel, ThreadPoolExecutor(1) as threads:
        chat = Chat(channel)
        assert chat.say(b"one") == b"re: one"
        stopping = threads.submit(cdn.edge.stop, WAIT_SECONDS)
        assert chat.say(b"two") == b"re: two"
        assert chat.end() == grpc.StatusCode.OK
        stopping.result(WAIT_SECONDS)

    assert cdn.record()["x-edge-result-type"] == "Miss"


def test_a_client_may_be_silent_for_longer_than_others_may_with_content(start_cdn: StartCdn) -> None:
    cdn = start_cdn(limits=ViewerLimits(content_timeout_ms=200))
    with cdn.channel() as channel:
        chat = Chat(channel)
        assert chat.say(b"one") == b"re: one"
        assert status_of_slow_content(cdn) == b"HTTP/1.1 408 Request Timeout"
        assert chat.say(b"two") == b"re: two"
        assert chat.end() == grpc.StatusCode.OK


def test_an_origin_that_is_not_there_is_unavailable(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    cdn.front.close()
    with cdn.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        method(channel, "Echo")(b"", timeout=WAIT_SECONDS)

    assert code_of(failed) == grpc.StatusCode.UNAVAILABLE
    record = cdn.record()
    assert (record["sc-status"], record["x-edge-detailed-result-type"]) == ("502", "OriginConnectError")


@pytest.mark.parametrize("origin", [ShortOrigin(protocol="http-only"), ShortOrigin(kind="s3")])
def test_grpc_does_not_go_to_an_origin_in_clear(origin: ShortOrigin, start_cdn: StartCdn) -> None:
    cdn = start_cdn(origin=origin)
    with cdn.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        method(channel, "Echo")(b"", timeout=WAIT_SECONDS)

    assert code_of(failed) == grpc.StatusCode.UNAVAILABLE
    assert cdn.record()["sc-status"] == "502"


def test_a_server_that_says_nothing_in_time_is_unavailable(start_cdn: StartCdn) -> None:
    cdn = start_cdn(origin=ShortOrigin(protocol="https-only", response_timeout=1))
    with cdn.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        method(channel, "Hang")(b"", timeout=WAIT_SECONDS)

    assert code_of(failed) == grpc.StatusCode.UNAVAILABLE
    assert cdn.seen.cancelled.get(timeout=WAIT_SECONDS) == "Hang"
    record = cdn.record()
    assert (record["sc-status"], record["x-edge-detailed-result-type"]) == ("504", "OriginCommError")


def test_a_call_that_is_not_over_in_time_is_ended(start_cdn: StartCdn) -> None:
    cdn = start_cdn(origin=ShortOrigin(protocol="https-only", response_timeout=1, completion_timeout=1))
    with cdn.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        list(method(channel, "Drip")(b"", timeout=WAIT_SECONDS))

    assert code_of(failed) != grpc.StatusCode.DEADLINE_EXCEEDED
    assert cdn.seen.cancelled.get(timeout=WAIT_SECONDS) == "Drip"


def test_requests_that_are_not_grpc_are_served_as_usual(start_cdn: StartCdn) -> None:
    cdn = start_cdn()
    with cdn.channel() as channel:
        assert method(channel, "Echo")(b"grpc", timeout=WAIT_SECONDS) == b"grpc"
        assert [get(cdn, "/page") for _ in range(2)] == [
            (b"plain", "Miss from cloudfront"),
            (b"plain", "Hit from cloudfront"),
        ]
        assert method(channel, "Echo")(b"grpc", timeout=WAIT_SECONDS) == b"grpc"


def test_grpc_is_a_request_like_any_other_where_it_is_not_enabled(start_cdn: StartCdn) -> None:
    cdn = start_cdn(grpc=False)
    with cdn.channel() as channel, pytest.raises(grpc.RpcError):
        method(channel, "Echo")(b"", timeout=WAIT_SECONDS)

    assert cdn.seen.http1.get(timeout=WAIT_SECONDS).startswith(b"POST /test/Echo HTTP/1.1")


def test_an_origin_without_http2_is_unavailable(start_cdn: StartCdn) -> None:
    def nobody(_session: ssl.SSLSocket) -> None:
        raise OSError

    cdn = start_cdn(http2=nobody)
    with cdn.channel() as channel, pytest.raises(grpc.RpcError) as failed:
        method(channel, "Echo")(b"", timeout=WAIT_SECONDS)

    assert code_of(failed) == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (h2.errors.ErrorCodes.CANCEL, grpc.StatusCode.CANCELLED),
        (h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (h2.errors.ErrorCodes.INTERNAL_ERROR, grpc.StatusCode.INTERNAL),
    ],
)
def test_an_origin_that_gives_up_in_the_middle_is_heard_with_its_code(
    sent: h2.errors.ErrorCodes, heard: grpc.StatusCode, start_cdn: StartCdn
) -> None:
    cdn = start_cdn(http2=giving_up_with(sent))
    with cdn.channel() as channel:
        chat = Chat(channel)
        assert chat.say(b"first") == b"one"
        with pytest.raises(grpc.RpcError) as failed:
            chat.say(b"second")
        assert code_of(failed) == heard
        chat.hang_up()
    assert cdn.record()["x-edge-detailed-result-type"] == "AbortedOrigin"


def test_a_refused_stream_is_sent_again(start_cdn: StartCdn) -> None:
    refused: list[int] = []
    with start_cdn(http2=answering_after_refusing(2, refused)).channel() as channel:
        assert list(method(channel, "Count")(b"message", timeout=WAIT_SECONDS)) == [b"one"]

    assert len(refused) == 2


def test_the_api_takes_grpc_config_and_the_edge_serves_it(
    cdn: RunningCdn, cloudfront: CloudFrontClient, tmp_path: Path
) -> None:
    seen = Seen()
    server = GrpcServer(seen)
    front = Front(server_context(cdn.state / "authority", tmp_path), piped_to(lambda: server.port), seen)
    with contextlib.closing(front), contextlib.ExitStack() as parts:
        parts.callback(server.stop)
        made = cloudfront.create_distribution(DistributionConfig=api_config(cdn, cloudfront, front.port))
        distribution = made["Distribution"]
        behavior = distribution["DistributionConfig"]["DefaultCacheBehavior"]
        assert behavior.get("GrpcConfig") == {"Enabled": True}
        address = cdn.https_url.rpartition("/")[2]
        root = Path(cdn.ca_file).read_text()
        with grpc_channel(f"127.0.0.1:{address.rpartition(':')[2]}", distribution["DomainName"], root) as channel:
            assert method(channel, "Echo")(b"hello", timeout=WAIT_SECONDS) == b"hello"


def server_context(authority: Path, folder: Path) -> ssl.SSLContext:
    """Of the API's origin, which the running edge trusts."""
    certificate = LocalAuthority(authority).certificate_for(["grpc.localhost"])
    bundle = folder / "origin.pem"
    bundle.write_text(certificate.key_pem + certificate.chain_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)
    return context


def api_config(cdn: RunningCdn, cloudfront: CloudFrontClient, port: int) -> Any:
    sample: Any = cloudfront.get_distribution_config(Id=cdn.distribution_id)["DistributionConfig"]
    origin = {
        "Id": "grpc",
        "DomainName": "grpc.localhost",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": port, "OriginProtocolPolicy": "https-only"},
    }
    behavior = {
        "TargetOriginId": "grpc",
        "ViewerProtocolPolicy": "https-only",
        "CachePolicyId": CACHING_DISABLED,
        "AllowedMethods": {"Quantity": 7, "Items": list(ALL_METHODS)},
        "GrpcConfig": {"Enabled": True},
    }
    return {
        "CallerReference": "grpc",
        "Comment": "grpc",
        "Enabled": True,
        "HttpVersion": sample["HttpVersion"],
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
    }


class Chat:
    """A call in which each side waits for the other."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._call = method(channel, "Chat")(iter(self._said.get, None), timeout=60)

    def say(self, message: bytes) -> bytes:
        """Says it, and returns the answer."""
        self._said.put(message)
        answer: bytes = next(self._call)
        return answer

    def hang_up(self) -> None:
        """Lets the library's thread that sends go."""
        self._said.put(None)

    def end(self) -> grpc.StatusCode:
        """Ends the client's side, and returns the status."""
        self._said.put(None)
        assert list(self._call) == []
        code: grpc.StatusCode = self._call.code()
        return code


def code_of(failed: pytest.ExceptionInfo[grpc.RpcError]) -> grpc.StatusCode:
    call: Any = failed.value
    code: grpc.StatusCode = call.code()
    return code


def get(cdn: Cdn, path: str) -> tuple[bytes, str | None]:
    """Content and X-Cache over HTTP/1.1."""
    context = ssl.create_default_context(cadata=certificates.root_pem())
    host, port = cdn.https.split(":")
    with urllib3.HTTPSConnectionPool(
        host, int(port), server_hostname=NAME, assert_hostname=NAME, ssl_context=context
    ) as pool:
        response = pool.request("GET", path, headers={"Host": NAME}, retries=False, timeout=WAIT_SECONDS)
        return response.data, response.headers["X-Cache"]


def status_of_slow_content(cdn: Cdn) -> bytes:
    """What a viewer gets that says it has content, and sends none."""
    context = ssl.create_default_context(cadata=certificates.root_pem())
    host, port = cdn.https.split(":")
    with (
        socket.create_connection((host, int(port)), WAIT_SECONDS) as stream,
        context.wrap_socket(stream, server_hostname=NAME) as session,
    ):
        session.sendall(f"POST /slow HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\n".encode())
        return session.makefile("rb").readline().strip()


Act = Callable[[h2.connection.H2Connection, int], None]


def acting(act: Act) -> Callable[[ssl.SSLSocket], None]:
    """An origin that does something with each piece of content that it gets."""

    def serve(session: ssl.SSLSocket) -> None:
        http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        http2.initiate_connection()
        session.sendall(http2.data_to_send())
        while received := session.recv(65536):
            for event in http2.receive_data(received):
                if isinstance(event, h2.events.DataReceived) and event.data:
                    act(http2, event.stream_id)
            session.sendall(http2.data_to_send())

    return serve


HEAD: Sequence[tuple[str, str]] = ((":status", "200"), ("content-type", "application/grpc"))
MESSAGE = b"\x00\x00\x00\x00\x03one"


def giving_up_with(code: h2.errors.ErrorCodes) -> Callable[[ssl.SSLSocket], None]:
    """Answers one message, and gives up at the next."""
    answered: list[int] = []

    def give_up(http2: h2.connection.H2Connection, stream: int) -> None:
        if answered:
            http2.reset_stream(stream, code)
        else:
            answered.append(stream)
            http2.send_headers(stream, HEAD)
            http2.send_data(stream, MESSAGE)

    return acting(give_up)


def answering_after_refusing(times: int, refused: list[int]) -> Callable[[ssl.SSLSocket], None]:
    """Refuses the first streams, and answers the next with one message."""

    def answer(http2: h2.connection.H2Connection, stream: int) -> None:
        if len(refused) < times:
            refused.append(stream)
            http2.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
        else:
            http2.send_headers(stream, HEAD)
            http2.send_data(stream, MESSAGE)
            http2.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    return acting(answer)


CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
