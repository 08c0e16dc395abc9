"""Addresses that have flooded: nothing more is accepted from them for a while; what is open goes on."""

import asyncio
import ipaddress
import ssl
import struct

import hyperframe.frame as frames
import pytest

from abuse.conftest import HOST, LimitedEdge, LimitedEdges
from abuse.test_http1 import GET, connect, read_response, read_to_end
from abuse.test_http2 import CONTROL, PREFACE, flood, headers, request
from abuse.test_http3 import flood_with_resets, visit
from edgeward.scenario.certificates import root_pem
from edgeward.scenario.http3 import http3_session

ATTACKER = "127.0.0.2"
BALANCERS = ("127.0.0.0/8",)


def proxied(viewer: str) -> bytes:
    """What a balancer sends first on behalf of a viewer (PROXY protocol, version 2)."""
    addresses = ipaddress.ip_address(viewer).packed * 2 + struct.pack("!HH", 1234, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, len(addresses)) + addresses


def attack(edge: LimitedEdge, frame: bytes, *, first: bytes = b"", source: str = ATTACKER) -> None:
    """Floods, on a connection of its own, until the edge has had enough."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    stream = connect(edge.tls, source)
    stream.sendall(first)
    with context.wrap_socket(stream, server_hostname=HOST) as viewer:
        viewer.sendall(PREFACE + frames.SettingsFrame(0, {}).serialize() + request(1))
        flood(viewer, frame * 10, 1000)


def answer(address: tuple[str, int], source: str, first: bytes = b"") -> bytes:
    """To a request on a new connection; nothing where it is turned away."""
    try:
        with connect(address, source) as viewer:
            viewer.sendall(first + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return read_to_end(viewer)
    except ConnectionError:
        return b""


FLOODS = {
    "SETTINGS": CONTROL["SETTINGS"],
    "PING": CONTROL["PING"],
    "RST_STREAM": frames.RstStreamFrame(1, error_code=8).serialize(),
}


@pytest.mark.parametrize("frame", FLOODS.values(), ids=FLOODS)
def test_an_address_that_flooded_is_turned_away_before_anything_is_read(limited: LimitedEdges, frame: bytes) -> None:
    edge = limited(max_control_frames=50, max_reset_streams=50)
    attack(edge, frame)
    assert edge.refused("control_frames") + edge.refused("reset_streams") == 1
    for number, address in enumerate([edge.clear, edge.tls], 1):
        assert answer(address, ATTACKER) == b""
        edge.eventually_refused("paused", number)
    assert answer(edge.clear, "127.0.0.1").startswith(b"HTTP/1.1 200 ")
    assert edge.refused("paused") == 2


def test_a_continuation_flood_counts_whoever_ends_it(limited: LimitedEdges) -> None:
    edge = limited()
    attack(edge, headers(3, b"") + frames.ContinuationFrame(3, b"").serialize() * 2000, source="127.0.0.3")
    assert answer(edge.clear, "127.0.0.3") == b""
    edge.eventually_refused("paused", 1)


def test_what_is_open_already_goes_on(limited: LimitedEdges) -> None:
    edge = limited(max_control_frames=50)
    with connect(edge.clear, ATTACKER) as viewer:
        attack(edge, CONTROL["PING"])
        assert answer(edge.clear, ATTACKER) == b""
        viewer.sendall(GET)
        assert read_response(viewer).startswith(b"HTTP/1.1 200 ")


def test_without_pauses_a_flood_ends_its_own_connection_alone(limited: LimitedEdges) -> None:
    edge = limited(max_control_frames=50, flood_pause_ms=0)
    attack(edge, CONTROL["PING"])
    assert answer(edge.clear, ATTACKER).startswith(b"HTTP/1.1 200 ")
    assert edge.refused("paused") == 0


def test_behind_a_balancer_it_is_the_viewer_who_is_turned_away(limited: LimitedEdges) -> None:
    edge = limited(balancers=BALANCERS, max_control_frames=50)
    attack(edge, CONTROL["PING"], first=proxied("198.51.100.7"), source="127.0.0.1")
    assert answer(edge.clear, "127.0.0.1", proxied("198.51.100.7")) == b""
    edge.eventually_refused("paused", 1)
    assert answer(edge.clear, "127.0.0.1", proxied("198.51.100.8")).startswith(b"HTTP/1.1 200 ")


def test_a_flood_over_http3_counts_over_tcp_and_over_udp(limited: LimitedEdges) -> None:
    edge = limited(max_reset_streams=50)
    visit(edge.tls, flood_with_resets)
    edge.eventually_refused("reset_streams", 1)

    async def come_again() -> None:
        async with http3_session(edge.tls, HOST, root_pem()):
            raise AssertionError("a second connection was let in")

    with pytest.raises(ConnectionError):
        asyncio.run(come_again())
    edge.eventually_refused("paused", 1)
    assert answer(edge.clear, "127.0.0.1") == b""
    edge.eventually_refused("paused", 2)
