"""The table of benchmark cases: what is asked, over which protocol, by which load, of which cache.

A new case is one row here; a new kind of traffic is a function in `bench.traffic`; a new kind of load is its
command and parser in `bench.load`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from bench.content import (
    HUNDRED_KILOBYTES,
    HUNDRED_MEGABYTES,
    KILOBYTE,
    MEGABYTE,
    ONE_KILOBYTE,
    ONE_MEGABYTE,
    TEN_MEGABYTES,
    TEXT,
)
from bench.traffic import Traffic, copies, parts, repeated, uncacheable, unique, zipf_mix


class Protocol(StrEnum):
    """How the viewer speaks to the server."""

    H1 = "HTTP/1.1"
    H1_TLS = "HTTP/1.1 over TLS 1.3"
    H2_TLS = "HTTP/2 over TLS 1.3"
    H3 = "HTTP/3"

    @property
    def scheme(self) -> str:
        """The URL scheme of this protocol."""
        return "http" if self is Protocol.H1 else "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The bytes a server's cache may have, the same for all servers that are compared."""

    memory_bytes: int
    disk_bytes: int | None = None
    """None: the cache is in memory alone."""
    has_http3: bool = False
    """Whether the servers speak HTTP/3 too. Those that do tell of it in other responses, which makes them longer."""


class Fleet(Enum):
    """The servers as they are started for a group of cases: how many bytes their caches have, and where."""

    MEMORY = Budget(memory_bytes=512 * MEGABYTE)
    DISK = Budget(memory_bytes=4 * MEGABYTE, disk_bytes=2048 * MEGABYTE)
    """Next to nothing fits into memory, so hits come from the disk, or from the kernel's pages of it."""
    MIX = Budget(memory_bytes=256 * MEGABYTE)
    """A tenth of the bytes of the mix."""
    HTTP3 = Budget(memory_bytes=512 * MEGABYTE, has_http3=True)


class Outcome(Enum):
    """Where the answers have to come from for a run to count."""

    HIT = auto()
    ORIGIN = auto()
    """Each request makes one at the origin."""
    EITHER = auto()
    """Some of each: the share of hits is a figure."""


class Figure(StrEnum):
    """What a case counts for each CPU-second of a server."""

    REQUESTS = "requests"
    MEGABYTES = "megabytes"
    """Of responses that were cut off by the end of the run too: a large share of large ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the comparison."""

    name: str
    title: str
    protocol: Protocol = Protocol.H1
    traffic: Traffic
    outcome: Outcome = Outcome.HIT
    fleet: Fleet = Fleet.MEMORY
    connections: int = 16
    streams: int = 1
    """Requests in flight on each connection; above 1 only over HTTP/2 and HTTP/3."""
    figure: Figure = Figure.REQUESTS
    least_seconds: int = 1
    """A run is at least this long, so that enough responses end in it."""
    warm_up_requests: int = 0
    """How many requests to put on a server before its first run; with 0 a second of load."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """Server name -> the least ratio of Edgeward's median to that server's median that we accept."""
    hit_goals: Mapping[str, float] = field(default_factory=dict)
    """The same for the share of hits."""


MIX_KEYS, MIX_ALPHA = 200_000, 0.9

CASES: tuple[Case, ...] = (
    Case(
        name="h1-1k-hit",
        title="1 KB hit, HTTP/1.1 in clear, 16 connections",
        traffic=repeated(ONE_KILOBYTE),
        goals={"nginx": 1.5, "varnish": 1.7, "haproxy": 1.05, "trafficserver": 1.2},
    ),
    Case(
        name="h1-tls13-1k-hit",
        title="1 KB hit, HTTP/1.1 over TLS 1.3, 16 connections",
        protocol=Protocol.H1_TLS,
        traffic=repeated(ONE_KILOBYTE),
        goals={"nginx": 1.3},
    ),
    Case(
        name="h2-tls13-1k-hit-16x8",
        title="1 KB hit, HTTP/2 over TLS 1.3, 16 connections x 8 streams",
        protocol=Protocol.H2_TLS,
        traffic=repeated(ONE_KILOBYTE),
        streams=8,
        goals={"nginx": 1.5},
    ),
    Case(
        name="h2-tls13-1k-hit-1x1",
        title="1 KB hit, HTTP/2 over TLS 1.3, 1 connection x 1 stream",
        protocol=Protocol.H2_TLS,
        traffic=repeated(ONE_KILOBYTE),
        connections=1,
    ),
    Case(
        name="h1-100k-hit",
        title="100 KB hit, HTTP/1.1 in clear, 16 connections",
        traffic=repeated(HUNDRED_KILOBYTES),
    ),
    Case(
        name="h1-1m-hit",
        title="1 MB hit, HTTP/1.1 in clear, 16 connections",
        traffic=repeated(ONE_MEGABYTE),
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-tls13-1m-hit",
        title="1 MB hit, HTTP/1.1 over TLS 1.3, 16 connections",
        protocol=Protocol.H1_TLS,
        traffic=repeated(ONE_MEGABYTE),
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-100m-hit",
        title="100 MB hit, HTTP/1.1 in clear, 4 connections",
        traffic=repeated(HUNDRED_MEGABYTES),
        connections=4,
        least_seconds=4,
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-tls13-100m-hit",
        title="100 MB hit, HTTP/1.1 over TLS 1.3, 4 connections",
        protocol=Protocol.H1_TLS,
        traffic=repeated(HUNDRED_MEGABYTES),
        connections=4,
        least_seconds=4,
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-64k-range-hit",
        title="64 KB anywhere in 100 MB, hit, HTTP/1.1 in clear, 16 connections",
        traffic=parts(HUNDRED_MEGABYTES, 64 * KILOBYTE),
    ),
    Case(
        name="h1-20k-gzip-hit",
        title="20 KB of text, stored in gzip with Vary, hit, HTTP/1.1 in clear, 16 connections",
        traffic=repeated(TEXT),
    ),
    Case(
        name="h1-1k-miss",
        title="1 KB miss, stored, each of a new path, HTTP/1.1 in clear, 16 connections",
        traffic=unique(ONE_KILOBYTE),
        outcome=Outcome.ORIGIN,
        goals={"nginx": 1.2},
    ),
    Case(
        name="h1-1k-pass",
        title="1 KB passed through uncached, HTTP/1.1 in clear, 16 connections",
        traffic=uncacheable(ONE_KILOBYTE),
        outcome=Outcome.ORIGIN,
    ),
    Case(
        name="h1-1k-disk-hit",
        title="1 KB hit from disk, one of 20,000, HTTP/1.1 in clear, 16 connections",
        fleet=Fleet.DISK,
        traffic=copies(ONE_KILOBYTE, 20_000),
    ),
    Case(
        name="h1-100k-disk-hit",
        title="100 KB hit from disk, one of 500, HTTP/1.1 in clear, 16 connections",
        fleet=Fleet.DISK,
        traffic=copies(HUNDRED_KILOBYTES, 500),
    ),
    Case(
        name="h1-1m-disk-hit",
        title="1 MB hit from disk, one of 64, HTTP/1.1 in clear, 16 connections",
        fleet=Fleet.DISK,
        traffic=copies(ONE_MEGABYTE, 64),
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-tls13-1m-disk-hit",
        title="1 MB hit from disk, one of 64, HTTP/1.1 over TLS 1.3, 16 connections",
        fleet=Fleet.DISK,
        protocol=Protocol.H1_TLS,
        traffic=copies(ONE_MEGABYTE, 64),
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-100m-disk-hit",
        title="100 MB hit from disk, one of 3, HTTP/1.1 in clear, 4 connections",
        fleet=Fleet.DISK,
        traffic=copies(HUNDRED_MEGABYTES, 3),
        connections=4,
        least_seconds=4,
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-tls13-100m-disk-hit",
        title="100 MB hit from disk, one of 3, HTTP/1.1 over TLS 1.3, 4 connections",
        fleet=Fleet.DISK,
        protocol=Protocol.H1_TLS,
        traffic=copies(HUNDRED_MEGABYTES, 3),
        connections=4,
        least_seconds=4,
        figure=Figure.MEGABYTES,
        goals={"nginx": 1.0},
    ),
    Case(
        name="h1-zipf-mix",
        title="200,000 keys of 1 KB to 1 MB by Zipf's law, a tenth of the bytes cached, HTTP/1.1 in clear",
        fleet=Fleet.MIX,
        traffic=zipf_mix(MIX_KEYS, MIX_ALPHA),
        outcome=Outcome.EITHER,
        warm_up_requests=150_000,
        hit_goals={"nginx": 1.0, "varnish": 1.0, "haproxy": 1.0, "trafficserver": 1.0},
    ),
    Case(
        name="h3-1k-hit",
        title="1 KB hit, HTTP/3, 16 connections x 8 streams",
        protocol=Protocol.H3,
        fleet=Fleet.HTTP3,
        traffic=repeated(ONE_KILOBYTE),
        streams=8,
    ),
    Case(
        name="h3-10m",
        title="10 MB hit, HTTP/3, 4 connections",
        protocol=Protocol.H3,
        fleet=Fleet.HTTP3,
        traffic=repeated(TEN_MEGABYTES),
        connections=4,
        least_seconds=4,
        figure=Figure.MEGABYTES,
    ),
)
