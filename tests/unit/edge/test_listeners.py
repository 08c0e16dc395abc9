"""Listeners behind load balancers (PROXY protocol, version 2), and listeners of IPv6."""

import ipaddress
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from edgeward.edge.settings import EdgeSettings, Listener
from edgeward.scenario import certificates

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOOPBACK = Listener(address="127.0.0.1:0", balancers=("127.0.0.0/8",))
PATIENCE_SECONDS = 20


def header(viewer: str, port: int) -> bytes:
    """What a balancer sends first on behalf of a viewer."""
    address = ipaddress.ip_address(viewer)
    family = 0x11 if address.version == 4 else 0x21
    addresses = address.packed * 2 + struct.pack("!HH", port, 443)
    more = b"\x04\x00\x02\x00\x00"
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(addresses + more)) + addresses + more


def ask(address: str, first: bytes, host: str, *, tls: bool = False, source: str = "127.0.0.1") -> bytes:
    """The response to a request after these bytes; what came until the edge closed."""
    name, _, port = address.rpartition(":")
    stream = socket.create_connection((name.strip("[]"), int(port)), PATIENCE_SECONDS, source_address=(source, 0))
    received = b""
    with ExitStack() as open_streams, suppress(ConnectionError, ssl.SSLError):
        open_streams.callback(stream.close)
        stream.sendall(first)
        if tls:
            context = ssl.create_default_context(cadata=certificates.root_pem())
            stream = open_streams.enter_context(context.wrap_socket(stream, server_hostname=host))
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while part := stream.recv(65536):
            received += part
    return received


@pytest.mark.parametrize("tls", [False, True])
def test_the_viewer_is_whom_the_balancer_names(*, tls: bool, telling_edge: Callable[..., Any]) -> None:
    edge = telling_edge(
        "CloudFront-Viewer-Address", settings=EdgeSettings(workers=1, http=(LOOPBACK,), https=(LOOPBACK,))
    )
    address = edge.https if tls else edge.http
    host = edge.host
    for viewer, port, told in [
        ("198.51.100.7", 1234, b"198.51.100.7:1234"),
        ("2001:db8::7", 4321, b"2001:db8::7:4321"),
    ]:
        response = ask(address, header(viewer, port), host, tls=tls)
        assert response.startswith(b"HTTP/1.1 200 ")
        assert b'"cloudfront-viewer-address": "' + told + b'"' in response
        assert f'"x-forwarded-for": "{viewer}"'.encode() in response


def test_a_balancer_that_speaks_for_itself_is_the_viewer(telling_edge: Callable[..., Any]) -> None:
    edge = telling_edge(settings=EdgeSettings(workers=1, http=(LOOPBACK,)))
    local = SIGNATURE + struct.pack("!BBH", 0x20, 0x00, 0)

    response = ask(edge.http, local, edge.host)

    assert b'"x-forwarded-for": "127.0.0.1"' in response


def test_whoever_is_no_balancer_or_does_not_say_for_whom_is_turned_away(telling_edge: Callable[..., Any]) -> None:
    listener = Listener(address="127.0.0.1:0", balancers=("127.0.0.2",))
    edge = telling_edge(settings=EdgeSettings(workers=1, http=(listener,), https=(listener,)))
    http, https, host = edge.http, edge.https, edge.host
    good = header("198.51.100.7", 1234)

    assert ask(http, good, host, source="127.0.0.1") == b""
    assert ask(http, b"", host, source="127.0.0.2") == b""
    assert ask(https, b"", host, tls=True, source="127.0.0.2") == b""
    assert ask(http, SIGNATURE + b"\x11" * 300, host, source="127.0.0.2") == b""
    assert ask(http, good, host, source="127.0.0.2").startswith(b"HTTP/1.1 200 ")

    deadline = time.monotonic() + PATIENCE_SECONDS
    while edge.edge.status()["strangers"] != 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")
def test_an_edge_listens_on_addresses_of_both_families(telling_edge: Callable[..., Any]) -> None:
    both = EdgeSettings(workers=1, http=("[::1]:0", "127.0.0.1:0"), https=("[::1]:0",))
    edge = telling_edge("CloudFront-Viewer-Address", settings=both)
    assert edge.http.startswith("[::1]:")

    for address, tls in ((edge.http, False), (edge.https, True)):
        response = ask(address, b"", edge.host, tls=tls, source="::1")
        assert response.startswith(b"HTTP/1.1 200 ")
        assert b'"x-forwarded-for": "::1"' in response
        assert b'"cloudfront-viewer-address": "::1:' in response
