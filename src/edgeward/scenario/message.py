"""HTTP/1.1 messages as the fake origin and the viewer read and write them: raw, and lenient on purpose.

Neither corrects what it sees: the edge is the only HTTP implementation under test, so this one does no more
than find where a message ends (RFC 9112 section 6). Used by `origin` and `viewer`.
"""

import asyncio
from dataclasses import dataclass

FieldLines = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; `target` is what stands in the request line, or :path.

    `authority` is what a viewer sends as Host or :authority; in a received request Host is one of the fields.
    """

    method: str
    target: str
    fields: FieldLines
    authority: str | None = None
    content: bytes = b""

    def serialize(self) -> bytes:
        """The whole request as HTTP/1.1."""
        host = [("host", self.authority)] if self.authority is not None else []
        return serialize_head(f"{self.method} {self.target} HTTP/1.1", host + self.fields) + self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response; `complete` is False when the connection or stream ended before its framing said so."""

    status: int
    fields: FieldLines
    content: bytes = b""
    complete: bool = True

    def field(self, name: str) -> str | None:
        """The field's value, its lines joined by `, `; None when there is none."""
        return field_value(self.fields, name)


def field_value(fields: FieldLines, name: str) -> str | None:
    """The value of the field `name` (lower case), its lines joined by `, `."""
    values = [value for given, value in fields if given.lower() == name]
    return ", ".join(values) if values else None


def serialize_head(start_line: str, fields: FieldLines) -> bytes:
    """A start line and field lines as they stand, ended by an empty line."""
    lines = [start_line, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> tuple[str, FieldLines] | None:
    """The start line and fields of the next message; None when the peer closed instead."""
    try:
        block = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if ended.partial.strip():
            raise MalformedMessage(f"the connection ended inside a header section: {ended.partial[:80]!r}") from ended
        return None
    except asyncio.LimitOverrunError as too_long:
        raise MalformedMessage("the header section is larger than the reader's limit") from too_long
    start_line, *lines = block[:-4].decode("latin-1").split("\r\n")
    return start_line, [_field(line) for line in lines]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request with its content; None when the peer closed."""
    head = await read_head(reader)
    if head is None:
        return None
    start_line, fields = head
    parts = start_line.split(" ")
    if len(parts) != 3:
        raise MalformedMessage(f"not a request line: {start_line!r}")
    content, _ = await read_content(reader, fields, until_close=False)
    return Request(method=parts[0], target=parts[1], fields=fields, content=content)


async def read_response(reader: asyncio.StreamReader, method: str) -> Response | None:
    """The next final response to a `method` request; None when the peer closed without one."""
    status = 100
    while 100 <= status < 200:
        head = await read_head(reader)
        if head is None:
            return None
        start_line, fields = head
        status = _status(start_line)
    if method == "HEAD" or status in (204, 304):
        return Response(status=status, fields=fields)
    content, complete = await read_content(reader, fields, until_close=True)
    return Response(status=status, fields=fields, content=content, complete=complete)


async def read_content(reader: asyncio.StreamReader, fields: FieldLines, *, until_close: bool) -> tuple[bytes, bool]:
    """Content by chunks, by length or, for a response, until the connection closes; and whether it is whole."""
    if "chunked" in (field_value(fields, "transfer-encoding") or "").lower():
        return await _read_chunks(reader)
    length = field_value(fields, "content-length")
    if length is not None:
        return await _read_exactly(reader, int(length))
    return (await reader.read(-1), True) if until_close else (b"", True)


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    content = bytearray()
    try:
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            chunk = await reader.readexactly(size)
            content += chunk
            await reader.readuntil(b"\r\n")
            if size == 0:
                return bytes(content), True
    except asyncio.IncompleteReadError as ended:
        return bytes(content) + ended.partial, False


async def _read_exactly(reader: asyncio.StreamReader, length: int) -> tuple[bytes, bool]:
    try:
        return await reader.readexactly(length), True
    except asyncio.IncompleteReadError as ended:
        return ended.partial, False


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


def _status(start_line: str) -> int:
    parts = start_line.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
        raise MalformedMessage(f"not a status line: {start_line!r}")
    return int(parts[1])


class MalformedMessage(ValueError):
    """The peer sent something that is not an HTTP/1.1 message."""


READ_LIMIT = 128 * 1024
"""The largest header section the readers take, in bytes."""
