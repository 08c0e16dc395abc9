"""The viewer's HTTP/3: one QUIC connection that carries a batch of requests, each on a stream of its own.

QUIC, framing and QPACK are the `aioquic` package's. Called by `viewer`; decides nothing about what is expected.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection, H3Stream
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset
from aioquic.tls import verify_certificate
from cryptography import x509

from edgeward.scenario.message import FieldLines, Request, Response


class _Http3(H3Connection):
    """Leaves it to the exchange whether content is as long as Content-Length says: it knows the request's method."""

    def _check_content_length(self, _stream: H3Stream) -> None:
        """Never raises: aioquic would end the connection for a response to HEAD."""


@dataclass(slots=True)
class _Exchange:
    """One stream: what has arrived, and whether more will."""

    method: str
    status: int | None = None
    fields: FieldLines = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    has_ended: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def response(self) -> Response | None:
        if self.status is None:
            return None
        complete = self.has_ended and self._has_its_length()
        return Response(status=self.status, fields=self.fields, content=bytes(self.content), complete=complete)

    def end(self) -> None:
        """Nothing more will arrive."""
        self.begun.set()
        self.over.set()

    def _has_its_length(self) -> bool:
        length = dict(self.fields).get("content-length")
        is_without_content = self.method == "HEAD" or self.status == HTTPStatus.NOT_MODIFIED
        return length is None or is_without_content or int(length) == len(self.content)


class Http3Session(QuicConnectionProtocol):
    """Sends requests together, then collects their responses in the same order."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self._http = _Http3(quic)
        self._exchanges: dict[int, _Exchange] = {}
        self._closed_with: int | None = None

    def send(self, requests: list[Request]) -> None:
        """Puts every request on its way."""
        for request in requests:
            stream = self._quic.get_next_available_stream_id()
            self._exchanges[stream] = _Exchange(method=request.method)
            self._http.send_headers(stream, _header_list(request), end_stream=not request.content)
            if request.content:
                self._http.send_data(stream, request.content, end_stream=True)
        self.transmit()

    def take_back(self, request: Request) -> None:
        """Puts a request on its way and gives it up at once (RFC 9114 section 4.1.1)."""
        stream = self._quic.get_next_available_stream_id()
        self._exchanges[stream] = _Exchange(method=request.method)
        self._http.send_headers(stream, _header_list(request))
        self._quic.reset_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
        self.transmit()

    def promise(self, request: Request) -> None:
        """Puts the header section of a request on its way, and nothing after it."""
        stream = self._quic.get_next_available_stream_id()
        self._exchanges[stream] = _Exchange(method=request.method)
        self._http.send_headers(stream, _header_list(request))
        self.transmit()

    def stop_receiving(self) -> None:
        """Tells the edge that no response is wanted any more (STOP_SENDING, RFC 9000 section 3.5)."""
        for stream in self._exchanges:
            self._quic.stop_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
        self.transmit()

    async def begin(self) -> None:
        """Waits until every response has begun, or ended without one."""
        for exchange in self._exchanges.values():
            await exchange.begun.wait()

    async def receive(self) -> list[Response | None]:
        """The responses once every stream is over; None for a stream that ended without one."""
        for exchange in self._exchanges.values():
            await exchange.over.wait()
        return [exchange.response() for exchange in self._exchanges.values()]

    def closed_with(self) -> int | None:
        """The error code that the connection ended with; None while it lasts."""
        return self._closed_with

    def certificate_names(self) -> tuple[str, ...]:
        """The DNS names of the edge's certificate."""
        extension = self._certificate().extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return tuple(extension.value.get_values_for_type(x509.DNSName))

    def cipher_suite(self) -> str:
        """What packets are protected by, e.g. `TLS_AES_128_GCM_SHA256`."""
        keys = self._quic.tls.key_schedule
        assert keys is not None, "a connection has agreed on a cipher suite"
        return f"TLS_{keys.cipher_suite.name}"

    def verify(self, root_pem: str) -> None:
        """Raises OSError unless `root_pem` is who signed the edge's certificate; its names are not looked at."""
        try:
            chain = self._quic.tls._peer_certificate_chain  # noqa: SLF001 - aioquic shows it nowhere else
            verify_certificate(self._certificate(), chain, cadata=root_pem.encode())
        except Exception as error:
            raise ConnectionError(f"the edge's certificate cannot be trusted: {error}") from error

    def quic_event_received(self, event: QuicEvent) -> None:
        """What aioquic calls with everything that happens."""
        if isinstance(event, ConnectionTerminated):
            self._closed_with = event.error_code
            for exchange in self._exchanges.values():
                exchange.end()
        elif isinstance(event, StreamReset) and event.stream_id in self._exchanges:
            self._exchanges[event.stream_id].end()
        for http_event in self._http.handle_event(event):
            self._take(http_event)

    def _take(self, event: H3Event) -> None:
        if not isinstance(event, HeadersReceived | DataReceived):
            return
        exchange = self._exchanges[event.stream_id]
        if isinstance(event, DataReceived):
            exchange.content += event.data
        elif exchange.status is None:
            lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            exchange.status = int(dict(lines)[":status"])
            exchange.fields = [(name, value) for name, value in lines if not name.startswith(":")]
        exchange.begun.set()
        if event.stream_ended:
            exchange.has_ended = True
            exchange.end()

    def _certificate(self) -> x509.Certificate:
        certificate = self._quic.tls._peer_certificate  # noqa: SLF001 - aioquic shows it nowhere else
        assert certificate is not None, "an edge shows a certificate in every handshake"
        return certificate


@contextlib.asynccontextmanager
async def http3_session(
    edge: tuple[str, int], sni: str | None, root_pem: str, *, address: str | None = None
) -> AsyncIterator[Http3Session]:
    """A connection to the edge, from `address` where that is given. Raises OSError when there is none to be had."""
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, server_name=sni, verify_mode=ssl.CERT_NONE
    )
    loop = asyncio.get_running_loop()
    _transport, session = await loop.create_datagram_endpoint(
        lambda: Http3Session(QuicConnection(configuration=configuration)), local_addr=(address or edge[0], 0)
    )
    try:
        session.connect(edge)
        try:
            await asyncio.wait_for(session.wait_connected(), _HANDSHAKE_SECONDS)
        except TimeoutError as silent:
            raise ConnectionError("no QUIC handshake: the edge does not answer") from silent
        session.verify(root_pem)
        yield session
    finally:
        session.close()
        await session.wait_closed()
        _transport.close()


def _header_list(request: Request) -> list[tuple[bytes, bytes]]:
    pseudo = [(":method", request.method), (":scheme", "https"), (":path", request.target)]
    if request.authority is not None:
        pseudo.insert(2, (":authority", request.authority))
    lines = pseudo + [(name.lower(), value) for name, value in request.fields]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]


_HANDSHAKE_SECONDS = 10.0
