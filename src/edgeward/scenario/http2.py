"""The viewer's HTTP/2: one connection that carries a batch of requests, each on a stream of its own.

Framing and HPACK are the `h2` package's, with its checks of outgoing fields off, so that a scenario can
send what the specification forbids. Called by `viewer`; decides nothing about what is expected.
"""

import asyncio
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from edgeward.scenario.message import FieldLines, MalformedMessage, Request, Response


@dataclass(slots=True)
class _Exchange:
    """One stream: what is left to send and what has arrived."""

    unsent: bytes
    status: int | None = None
    fields: FieldLines = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    is_over: bool = False
    is_complete: bool = False

    def response(self) -> Response | None:
        if self.status is None:
            return None
        return Response(status=self.status, fields=self.fields, content=bytes(self.content), complete=self.is_complete)


class Http2Session:
    """Sends `requests` together, then collects their responses in the same order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[Request]) -> None:
        self._reader = reader
        self._writer = writer
        self._requests = requests
        self._exchanges: dict[int, _Exchange] = {}
        self._connection = h2.connection.H2Connection(_CONFIGURATION)

    async def send(self) -> None:
        """Put every request on its way, content as far as flow control allows."""
        self._connection.initiate_connection()
        for request in self._requests:
            stream = self._connection.get_next_available_stream_id()
            self._connection.send_headers(stream, _header_list(request), end_stream=not request.content)
            self._exchanges[stream] = _Exchange(request.content)
            self._send_content(stream)
        await self._flush()

    async def receive(self) -> list[Response | None]:
        """The responses once every stream is over; None for a stream that ended without one."""
        while not all(exchange.is_over for exchange in self._exchanges.values()):
            data = await self._reader.read(65536)
            if not data:
                break
            try:
                events = self._connection.receive_data(data)
            except h2.exceptions.ProtocolError as broken:
                raise MalformedMessage(f"the edge broke HTTP/2: {broken}") from broken
            for event in events:
                self._take(event)
            await self._flush()
        return [exchange.response() for exchange in self._exchanges.values()]

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            self._end_all()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for stream in self._exchanges:
                self._send_content(stream)
        elif isinstance(event, h2.events.ResponseReceived | h2.events.DataReceived):
            self._take_message(event)
        elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
            exchange = self._exchanges[event.stream_id]
            exchange.is_over = True
            exchange.is_complete = isinstance(event, h2.events.StreamEnded)

    def _take_message(self, event: h2.events.ResponseReceived | h2.events.DataReceived) -> None:
        exchange = self._exchanges[event.stream_id]
        if isinstance(event, h2.events.ResponseReceived):
            lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            exchange.status = int(dict(lines)[":status"])
            exchange.fields = [(name, value) for name, value in lines if not name.startswith(":")]
        else:
            exchange.content += event.data
            self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _send_content(self, stream: int) -> None:
        exchange = self._exchanges[stream]
        while exchange.unsent and not exchange.is_over:
            room = min(self._connection.local_flow_control_window(stream), self._connection.max_outbound_frame_size)
            if room <= 0:
                return
            part, exchange.unsent = exchange.unsent[:room], exchange.unsent[room:]
            self._connection.send_data(stream, part, end_stream=not exchange.unsent)

    def _end_all(self) -> None:
        for exchange in self._exchanges.values():
            exchange.is_over = True

    async def _flush(self) -> None:
        self._writer.write(self._connection.data_to_send())
        await self._writer.drain()


def _header_list(request: Request) -> list[tuple[str, str]]:
    pseudo = [(":method", request.method), (":scheme", "https"), (":path", request.target)]
    if request.authority is not None:
        pseudo.insert(2, (":authority", request.authority))
    return pseudo + [(name.lower(), value) for name, value in request.fields]


STREAMS_PER_CONNECTION = 100
"""RFC 9113 section 6.5.2 recommends that no server allow fewer."""
_CONFIGURATION = h2.config.H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    validate_inbound_headers=False,
)
