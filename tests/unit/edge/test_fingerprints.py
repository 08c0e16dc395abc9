"""JA3 and JA4 of a real TLS library, against a second implementation of both from their descriptions."""

import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

JA3, JA4 = "cloudfront-viewer-ja3-fingerprint", "cloudfront-viewer-ja4-fingerprint"
PROTOCOLS = [["http/1.1"], ["spdy/3", "http/1.1"], []]


@pytest.mark.parametrize("protocols", PROTOCOLS, ids=["http/1.1", "spdy/3", "no ALPN"])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
def test_fingerprints_are_those_of_the_hello(
    protocols: list[str], newest: ssl.TLSVersion, telling_edge: Callable[..., Any]
) -> None:
    edge = telling_edge(JA3, JA4)
    hello, told = exchange(edge.https, edge.host, context(protocols, newest))

    assert (told[JA3], told[JA4]) == (ja3(hello), ja4(hello))


def context(protocols: list[str], newest: ssl.TLSVersion) -> ssl.SSLContext:
    viewer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    viewer.check_hostname, viewer.verify_mode = False, ssl.CERT_NONE
    viewer.maximum_version = newest
    if protocols:
        viewer.set_alpn_protocols(protocols)
    return viewer


def exchange(address: str, host: str, viewer: ssl.SSLContext) -> tuple[bytes, dict[str, str]]:
    """The ClientHello as it was sent, in its records, and what the origin was told."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = viewer.wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    name, _, port = address.rpartition(":")
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        # In two pieces, as a network may have it.
        connection.sendall(hello[:100])
        connection.sendall(hello[100:])
        pump(connection, incoming, outgoing, tls.do_handshake)
        tls.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        response = b""
        while not response.endswith(b"}"):
            response += pump(connection, incoming, outgoing, lambda: tls.read(65536))
    return hello, json.loads(response.partition(b"\r\n\r\n")[2])


def pump(connection: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, act: Callable[[], Any]) -> Any:
    """The outcome of `act`, for which bytes go back and forth."""
    while True:
        try:
            outcome = act()
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))
        else:
            connection.sendall(outgoing.read())
            return outcome


@dataclass
class Hello:
    version: int
    suites: list[int]
    extensions: dict[int, bytes]


def parse(records: bytes) -> Hello:
    body = b""
    while records:
        length = int.from_bytes(records[3:5])
        body, records = body + records[5 : 5 + length], records[5 + length :]
    at = 4 + 2 + 32
    at += 1 + body[at]
    suites, at = body[at + 2 : at + 2 + int.from_bytes(body[at : at + 2])], at + 2 + int.from_bytes(body[at : at + 2])
    at += 1 + body[at] + 2
    extensions = {}
    while at < len(body):
        length = int.from_bytes(body[at + 2 : at + 4])
        extensions[int.from_bytes(body[at : at + 2])] = body[at + 4 : at + 4 + length]
        at += 4 + length
    return Hello(int.from_bytes(body[4:6]), numbers(suites), extensions)


def numbers(data: bytes) -> list[int]:
    found = [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]
    return [number for number in found if number & 0x0F0F != 0x0A0A or number >> 8 != number & 0xFF]


def ja3(records: bytes) -> str:
    hello = parse(records)
    groups = numbers(hello.extensions.get(10, b"")[2:])
    formats = hello.extensions.get(11, b"")[1:]
    lists = (hello.suites, hello.extensions, groups, formats)
    text = ",".join([str(hello.version), *("-".join(map(str, each)) for each in lists)])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(records: bytes) -> str:
    hello = parse(records)
    versions = numbers(hello.extensions.get(43, b"")[1:]) or [hello.version]
    protocols = hello.extensions.get(16, b"")
    first = protocols[3 : 3 + protocols[2]].decode() if protocols else "00"
    suites = ",".join(f"{each:04x}" for each in sorted(hello.suites))
    kinds = ",".join(f"{each:04x}" for each in sorted(hello.extensions) if each not in (0, 16))
    schemes = ",".join(f"{each:04x}" for each in numbers(hello.extensions.get(13, b"")[2:]))
    version = {0x304: "13", 0x303: "12"}[max(versions)]
    head = f"t{version}d{len(hello.suites):02}{len(hello.extensions):02}{first[0]}{first[-1]}"
    return "_".join(
        [head, *(hashlib.sha256(text.encode()).hexdigest()[:12] for text in (suites, f"{kinds}_{schemes}"))]
    )
