"""How the fake origin answers one request: a response as scripted, or a misbehavior.

Owns the bytes after the origin request was read; decides nothing about which answer is given. Called by
`origin`.
"""

import asyncio
import http
import socket
import struct
from collections import deque
from dataclasses import dataclass, field

from edgeward.scenario.message import FieldLines, Request, field_value, serialize_head
from edgeward.scenario.origin_script import Answer
from edgeward.scenario.partial import Part, requested_part
from edgeward.scenario.timeline import Timeline
from edgeward.scenario.values import http_date


@dataclass(slots=True)
class Performance:
    """What the origins do during one step, and what went wrong."""

    answers: deque[Answer]
    gate: asyncio.Event | None = None
    """Awaited before every answer: lets many viewers send before anyone is answered."""
    problems: list[str] = field(default_factory=list)
    exhausted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the last answer has been asked for."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once an answer is being held back."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One answer to one request on one connection."""

    timeline: Timeline
    performance: Performance
    answer: Answer
    request: Request
    writer: asyncio.StreamWriter

    async def run(self) -> bool:
        """Send the answer; False when the connection must not be used again."""
        if self.performance.gate is not None:
            await self.performance.gate.wait()
        if self.answer.slow.milliseconds:
            await asyncio.sleep(self.answer.slow.seconds)
        if self.answer.hold == "head":
            await self._hold_back()
        if self.answer.fault is not None or self.answer.raw is not None:
            await self._misbehave()
            return False
        await self._respond()
        return self._may_continue()

    async def _misbehave(self) -> None:
        self.timeline.note("origin", f"> {self.answer.fault or 'raw bytes'}")
        if self.answer.fault == "never":
            await self.performance.ended.wait()
        if self.answer.fault in ("reset", "never"):
            reset(self.writer)
        elif self.answer.fault == "garbage":
            await self._send(_GARBAGE)
        elif self.answer.raw is not None:
            await self._send(self.answer.raw.encode("latin-1"))

    async def _respond(self) -> None:
        part = self._part()
        status = self.answer.status if part is None else part.status
        content = self._content() if part is None else self._content()[part.start : part.end]
        fields = self._fields() if part is None else part.describe(self._fields())
        self.timeline.note("origin", f"> {status} {brief(fields)}")
        await self._send(serialize_head(f"HTTP/1.1 {status} {_reason(status)}", fields))
        middle = len(content) // 2 if self.answer.hold == "content" else 0
        await self._send_content(content[:middle])
        if self.answer.hold == "content":
            await self._hold_back()
        await self._drip(content[middle:])
        if self.answer.stall is not None:
            await self.performance.ended.wait()
            reset(self.writer)
        elif self._is_chunked() and self.answer.truncate is None:
            await self._send(b"0\r\n\r\n")

    async def _hold_back(self) -> None:
        self.performance.held.set()
        await self.performance.released.wait()

    async def _send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def _drip(self, content: bytes) -> None:
        step = -(-len(content) // _DRIPS) if self.answer.drip.milliseconds else len(content)
        for start in range(0, len(content), step or 1):
            await asyncio.sleep(self.answer.drip.seconds)
            await self._send_content(content[start : start + step])

    async def _send_content(self, data: bytes) -> None:
        if data and self._is_chunked():
            data = f"{len(data):x}\r\n".encode() + data + b"\r\n"
        await self._send(data)

    def _fields(self) -> FieldLines:
        """The scripted fields after the ones every origin sends, unless the script says otherwise."""
        headers, content = self.answer.headers, self.answer.content
        fields: FieldLines = []
        if not headers.named("date"):
            fields.append(("date", http_date(self.timeline.clock.now_ms)))
        if self.answer.framing == "length" and self._may_have_content() and not headers.named("content-length"):
            fields.append(("content-length", str(len(content.data) if content else 0)))
        if self.answer.framing == "chunked":
            fields.append(("transfer-encoding", "chunked"))
        if self.answer.framing == "close":
            fields.append(("connection", "close"))
        return fields + headers.at(self.timeline.clock.now_ms)

    def _part(self) -> Part | None:
        if not self.answer.ranges or self.answer.content is None or self.request.method != "GET":
            return None
        validators = self.answer.headers.at(self.timeline.clock.now_ms)
        return requested_part(self.request.fields, validators, len(self._content()))

    def _content(self) -> bytes:
        if self.answer.content is None or self.request.method == "HEAD":
            return b""
        end = self.answer.truncate if self.answer.stall is None else self.answer.stall
        return self.answer.content.data[:end]

    def _may_have_content(self) -> bool:
        return self.answer.status >= 200 and self.answer.status not in (204, 304)

    def _is_chunked(self) -> bool:
        return self.answer.framing == "chunked" and self.request.method != "HEAD"

    def _may_continue(self) -> bool:
        wants_close = "close" in (field_value(self.request.fields, "connection") or "").lower()
        is_cut = self.answer.truncate is not None or self.answer.stall is not None
        return self.answer.framing != "close" and not is_cut and not wants_close


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def brief(fields: FieldLines, limit: int = 320) -> str:
    """Fields on one line of the timeline."""
    text = "; ".join(f"{name}: {value}" for name, value in fields)
    return text if len(text) <= limit else text[:limit] + "..."


_DRIPS = 5
_GARBAGE = b"\x16\x03\x01 this is not HTTP \x00\xff\r\n\r\n"
