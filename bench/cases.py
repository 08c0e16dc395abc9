"""The table of benchmark cases: what is asked, over which protocol, by which load.

A new case is one row here; a new kind of load is one class here and its command and parser in `bench.load`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bench.content import ONE_KILOBYTE, ONE_MEGABYTE, Body


class Protocol(StrEnum):
    """How the viewer speaks to the server."""

    H1 = "HTTP/1.1"
    H1_TLS = "HTTP/1.1 over TLS 1.3"
    H2_TLS = "HTTP/2 over TLS 1.3"

    @property
    def scheme(self) -> str:
        """The URL scheme of this protocol."""
        return "http" if self is Protocol.H1 else "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the comparison."""

    name: str
    title: str
    protocol: Protocol
    body: Body
    connections: int
    streams: int = 1
    """Requests in flight on each connection; above 1 only over HTTP/2."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """Server name -> the least ratio of Edgeward's median to that server's median that we accept."""


CASES: tuple[Case, ...] = (
    Case(
        name="h1-1k-hit",
        title="1 KB hit, HTTP/1.1 in clear, 16 connections",
        protocol=Protocol.H1,
        body=ONE_KILOBYTE,
        connections=16,
        goals={"nginx": 1.25, "varnish": 1.5},
    ),
    Case(
        name="h1-tls13-1k-hit",
        title="1 KB hit, HTTP/1.1 over TLS 1.3, 16 connections",
        protocol=Protocol.H1_TLS,
        body=ONE_KILOBYTE,
        connections=16,
        goals={"nginx": 1.2},
    ),
    Case(
        name="h2-tls13-1k-hit-16x8",
        title="1 KB hit, HTTP/2 over TLS 1.3, 16 connections x 8 streams",
        protocol=Protocol.H2_TLS,
        body=ONE_KILOBYTE,
        connections=16,
        streams=8,
        goals={"nginx": 1.25},
    ),
    Case(
        name="h2-tls13-1k-hit-1x1",
        title="1 KB hit, HTTP/2 over TLS 1.3, 1 connection x 1 stream",
        protocol=Protocol.H2_TLS,
        body=ONE_KILOBYTE,
        connections=1,
    ),
    Case(
        name="h1-1m-hit",
        title="1 MB hit, HTTP/1.1 in clear, 16 connections",
        protocol=Protocol.H1,
        body=ONE_MEGABYTE,
        connections=16,
    ),
)
