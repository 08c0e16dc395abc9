"""The request and the answer as plain values, between the ASGI server and everything that decides.

One invariant: the raw path and query are kept exactly as they came, because signatures and routes are
computed over them. Made and consumed by `aws.app`; read by routing, sigv4 and the protocols.
"""

from dataclasses import dataclass, field
from typing import Protocol

from edgeward.aws.errors import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One HTTP request to the API, its body read in full."""

    method: str
    raw_path: str
    """The path as sent, still percent-encoded, without the query."""
    raw_query: str
    """The query as sent, without the question mark."""
    headers: tuple[tuple[str, str], ...]
    """Field lines in order; names in lower case."""
    body: bytes
    scheme: str = "http"
    client: str = ""
    """The address it came from."""

    def header(self, name: str) -> str | None:
        """The combined value of a header field (RFC 9110 section 5.2), or None when it is absent."""
        values = [value for field_name, value in self.headers if field_name == name]
        return ", ".join(values) if values else None

    @property
    def origin(self) -> str:
        """Scheme and authority by which the caller reached the API, for Location headers."""
        return f"{self.scheme}://{self.header('host') or 'localhost'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireResponse:
    """One HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Answering(Protocol):
    """An API: whatever it is asked, it answers."""

    def answer(self, request: WireRequest) -> WireResponse:
        """Does what the request asks for."""

    def refuse(self, error: ApiError) -> WireResponse:
        """The answer to a request that was refused before it was read."""
