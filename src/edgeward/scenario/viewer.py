"""The viewer of a scenario: sends requests to the edge over HTTP/1.1 in clear, HTTP/1.1 over TLS, HTTP/2 or
HTTP/3.

It sends what the scenario says, sound or not, and reports what came back; the only judgment it makes is
whether a response is whole. Every call opens its own connections, so no step inherits the state of another.
Requests sent at once go out on many connections or streams before the first answer is awaited. Called by
`runner` alone.
"""

import asyncio
import contextlib
import functools
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from edgeward.scenario.format import Door
from edgeward.scenario.http2 import STREAMS_PER_CONNECTION, Http2Session
from edgeward.scenario.http3 import http3_session
from edgeward.scenario.message import READ_LIMIT, MalformedMessage, Request, Response, read_response
from edgeward.scenario.viewer_certificates import Shown, shown

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a viewer got for one step."""

    responses: tuple[Response | None, ...] = ()
    """In the order of the requests; None where the edge closed or reset without a response."""
    closed: bool | None = None
    """Whether the edge closed the connection after the last response; None when that was not watched."""
    tls: str | None = None
    """TLS version, such as TLSv1.3; None in clear."""
    certificate_names: tuple[str, ...] = ()
    failure: str | None = None
    """Why there is no response: refused, reset, no TLS, not HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawExchange:
    """Bytes to send over HTTP/1.1 and how long to read."""

    data: bytes
    method: str = "GET"
    """What the bytes ask with: the response to HEAD has no content."""
    count: int = 1
    """Responses to wait for."""
    watch_close: bool = False
    """Whether to read on until the edge closes the connection or is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Knows where the edge listens and which authority signed its certificates."""

    http: tuple[str, int]
    https: tuple[str, int]
    root_pem: str
    """The authority to trust. The names of a certificate are reported, not checked: a scenario may ask for others."""
    address: str | None = None
    """Where it connects from; None: wherever the system likes."""

    speaks: str | None = None
    """The only TLS version it speaks, such as TLSv1.2; None: TLS 1.2 and newer."""

    shows: Shown | None = None
    """The certificate it shows when it is asked for one."""

    def like(self, *, address: str | None, speaks: str | None, shows: Shown | None) -> "Viewer":
        """The same viewer at another address, with another TLS version or certificate."""
        return replace(self, address=address, speaks=speaks, shows=shows)

    async def send(self, door: Door, request: Request, sni: str, *, watch_close: bool = False) -> Outcome:
        """One request on a connection of its own."""
        if door == "h2":
            return await self._send_http2([request], sni, _ignore)
        if door == "h3":
            return await self._send_http3([request], sni, _ignore)
        exchange = RawExchange(data=request.serialize(), method=request.method, watch_close=watch_close)
        return await self.send_raw(door, exchange, sni)

    async def send_in_turn(self, door: Door, request: Request, sni: str, times: int) -> Outcome:
        """The same request `times` times, one after the other."""
        outcomes = [await self.send(door, request, sni) for _ in range(times)]
        failures = [outcome.failure for outcome in outcomes if outcome.failure]
        responses = tuple(response for outcome in outcomes for response in outcome.responses)
        return Outcome(responses=responses, failure=failures[0] if failures else None)

    async def send_at_once(
        self, door: Door, request: Request, sni: str, times: int, all_sent: Callable[[], None]
    ) -> Outcome:
        """The same request `times` times; `all_sent` is called when every one of them is on its way."""
        if door == "h2":
            return await self._send_http2([request] * times, sni, all_sent)
        if door == "h3":
            return await self._send_http3([request] * times, sni, all_sent)
        async with contextlib.AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(self._connect(door, sni)) for _ in range(times)]
            for _, writer in opened:
                writer.write(request.serialize())
            await asyncio.gather(*(writer.drain() for _, writer in opened))
            all_sent()
            responses = await asyncio.gather(*(read_response(reader, request.method) for reader, _ in opened))
            return Outcome(responses=tuple(responses))

    async def send_raw(self, door: Door, exchange: RawExchange, sni: str) -> Outcome:
        """Bytes as they stand, and the responses to them."""
        async with self._connect(door, sni) as (reader, writer):
            writer.write(exchange.data)
            received: list[Response] = []
            closed = None
            while closed is None and (len(received) < exchange.count or exchange.watch_close):
                patience = _SILENCE_SECONDS if len(received) >= exchange.count else None
                try:
                    response = await asyncio.wait_for(read_response(reader, exchange.method), patience)
                except TimeoutError:
                    closed = False
                else:
                    closed = True if response is None else None
                    received += [response] if response is not None else []
            tls, names = _describe(writer)
            return Outcome(responses=tuple(received), closed=closed, tls=tls, certificate_names=names)

    async def _send_http2(self, requests: list[Request], sni: str, all_sent: Callable[[], None]) -> Outcome:
        async with contextlib.AsyncExitStack() as stack:
            sessions = []
            for start in range(0, len(requests), STREAMS_PER_CONNECTION):
                reader, writer = await stack.enter_async_context(self._connect("h2", sni))
                batch = requests[start : start + STREAMS_PER_CONNECTION]
                sessions.append(Http2Session(reader, writer, batch))
            tls, names = _describe(writer)
            for session in sessions:
                await session.send()
            all_sent()
            answered = await asyncio.gather(*(session.receive() for session in sessions))
            responses = tuple(response for batch in answered for response in batch)
            return Outcome(responses=responses, tls=tls, certificate_names=names)

    async def _send_http3(self, requests: list[Request], sni: str, all_sent: Callable[[], None]) -> Outcome:
        async with contextlib.AsyncExitStack() as stack:
            name = None if sni == NO_SERVER_NAME else sni
            sessions = []
            for start in range(0, len(requests), STREAMS_PER_CONNECTION):
                opening = http3_session(self.https, name, self.root_pem, address=self.address)
                session = await stack.enter_async_context(opening)
                session.send(requests[start : start + STREAMS_PER_CONNECTION])
                sessions.append(session)
            all_sent()
            answered = await asyncio.gather(*(session.receive() for session in sessions))
            responses = tuple(response for batch in answered for response in batch)
            return Outcome(responses=responses, tls="TLSv1.3", certificate_names=sessions[0].certificate_names())

    @contextlib.asynccontextmanager
    async def _connect(self, door: Door, sni: str) -> AsyncIterator[Streams]:
        local = (self.address, 0) if self.address else None
        if door == "h1":
            reader, writer = await asyncio.open_connection(*self.http, limit=READ_LIMIT, local_addr=local)
        else:
            context = _tls_context(self.root_pem, "h2" if door == "h2" else "http/1.1", self.speaks, self.shows)
            # An address is no server name (RFC 6066 section 3): for one, none is sent.
            name = self.https[0] if sni == NO_SERVER_NAME else sni
            reader, writer = await asyncio.open_connection(
                *self.https, limit=READ_LIMIT, local_addr=local, ssl=context, server_hostname=name
            )
        try:
            yield reader, writer
        finally:
            with contextlib.suppress(OSError):
                writer.close()
                await writer.wait_closed()


async def attempt(sending: Coroutine[Any, Any, Outcome]) -> Outcome:
    """The outcome of a call of `Viewer`; a connection that fails is an outcome too."""
    try:
        return await sending
    except (OSError, MalformedMessage, asyncio.IncompleteReadError) as failed:
        return Outcome(failure=f"{type(failed).__name__}: {failed}")


@functools.cache
def _tls_context(root_pem: str, protocol: str, version: str | None, shows: Shown | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=root_pem)
    context.set_alpn_protocols([protocol])
    if version is not None:
        context.minimum_version = context.maximum_version = _TLS_VERSIONS[version]
    if shows is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as chain:
            chain.write(shown(shows).pem)
            chain.flush()
            context.load_cert_chain(chain.name)
    return context


def _describe(writer: asyncio.StreamWriter) -> tuple[str | None, tuple[str, ...]]:
    """TLS version of the connection and the DNS names of the edge's certificate."""
    tls = writer.get_extra_info("ssl_object")
    if tls is None:
        return None, ()
    certificate = tls.getpeercert() or {}
    return tls.version(), tuple(name for kind, name in certificate.get("subjectAltName", ()) if kind == "DNS")


def _ignore() -> None:
    """Nobody waits for a single request to be on its way."""


NO_SERVER_NAME = "none"
"""As the server name of a viewer that sends none."""
_TLS_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_SILENCE_SECONDS = 1.0
"""How long the edge may take to close a connection that it will not use again."""
