"""What one edge is started with: listeners, cache size, log, origin access, clock.

Settings belong to the machine; what differs from distribution to distribution travels in the plan. The engine checks
them and names the wrong field. Invariant: `encode()` is the only form the engine gets to see.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from edgeward.edge.user_agents import user_agent_regexes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Where access log segments go and when one is finished."""

    directory: Path
    """Made when missing."""
    segment_seconds: int = 60
    """A segment is finished when it is this old. The default is small, so that a log can be read soon."""
    segment_bytes: int = 64 << 20
    """A segment is finished when it has this many bytes before compression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSettings:
    """The cache on disk."""

    directory: Path
    """Made when missing, mode 0700. One edge at a time uses it; its responses outlive a restart."""
    limit_bytes: int
    """Bytes of all its files together, at least 4 MiB; what is asked for least goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerLimits:
    """What one viewer, and all of them together, may take of an edge. Each is at least 1; times in milliseconds.

    A viewer who goes beyond one is cut off and counted in `EdgeAgent.status` under `viewers_refused_...`.
    """

    tls_handshake_timeout_ms: int = 10_000
    """For a TLS handshake."""
    header_timeout_ms: int = 10_000
    """For a request head, from its first byte; for the first one of a connection, from when it was accepted."""
    idle_timeout_ms: int = 60_000
    """A connection without a request in progress is kept open for that long. HTTP/2's PING does not prolong it."""
    stall_timeout_ms: int = 600_000
    """Longest silence in both directions while a request is in progress; slow origins are silent too."""
    write_timeout_ms: int = 60_000
    """For a viewer who takes nothing of what is written, or takes it at less than `least_rate`."""
    content_timeout_ms: int = 20_000
    """A viewer may be waited for that long while it sends content, and a second more for every `least_rate` bytes."""
    least_rate: int = 500
    """Bytes a second at which viewers must send content, and take it over any `write_timeout_ms`."""
    max_connections: int = 65_536
    """Open connections; further ones are closed at once."""
    max_connections_per_address: int = 4_096
    """Of them, from one IPv4 address or one IPv6 network of 64 bits."""
    max_requests: int = 1_000_000
    """Requests on one connection, which is closed in an orderly way with the last."""
    max_concurrent_streams: int = 128
    """Requests at once on one HTTP/2 or HTTP/3 connection; 128 is CloudFront's value."""
    max_control_frames: int = 1_000
    """HTTP/2 frames without request or content: so many at once, a tenth of it more every second, and five for every
    request and every 16 KiB of content."""
    max_reset_streams: int = 200
    """Requests that a viewer takes back on one HTTP/2 or HTTP/3 connection: so many at once, a tenth of it more every
    second."""
    flood_pause_ms: int = 10_000
    """Nothing is accepted for that long from an address (IPv6: a network of 64 bits) of which a viewer was cut off for
    going beyond `max_control_frames` or `max_reset_streams`; twice as long after each further flood. What is open
    already goes on. 0: never."""
    longest_flood_pause_ms: int = 600_000
    """The longest of these pauses; an address that is quiet for so long after one begins anew."""
    held_content: int = 65_536
    """Bytes of a request's content that are awaited before its origin is asked, where its length is known; 0: none."""
    max_held_content: int = 64 << 20
    """Bytes that are so held of all requests together; beyond them content is passed on as it comes."""
    max_unproven_handshakes: int = 256
    """QUIC handshakes in progress, beyond which a viewer proves its address first (Retry); 0: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginLimits:
    """What one origin is asked for at once by all workers of an edge."""

    max_requests: int = 4_096
    """Requests in progress, each on a connection of its own; idle connections, at most 64 a worker, come on top."""
    max_waiting: int = 4_096
    """Requests that wait for one of those to end; further ones are answered 503 at once."""
    wait_timeout_ms: int = 10_000
    """Longest wait, after which the answer is 503."""
    breaker_failures: int = 5
    """Connections that are refused or not answered, one after the other and over a second at least, after which none is
    tried for a moment and requests fail at once; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoFiles:
    """Files in MMDB format that tell where addresses are, in MaxMind's layout or that of ip-location-db.

    Those of a kind are asked in order. All are read into memory, at the start and by `EdgeAgent.reload_geo`.
    """

    country: tuple[Path, ...] = ()
    """Countries."""
    city: tuple[Path, ...] = ()
    """Cities, regions, postal codes, coordinates; countries where none of the files above knows one."""
    asn: tuple[Path, ...] = ()
    """Autonomous systems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """How origins of kind S3 are reached and signed for."""

    endpoint: str
    """The S3 server, such as `http://127.0.0.1:8333`. Requests still carry the origin's own domain name as Host."""
    access_key: str
    """The access key id that signs requests of origins with origin access control."""
    secret_key: str
    """Its secret."""


LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1")
"""What `EdgeSettings.allowed_private_origins` is on a laptop, where origins run beside the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An address that load balancers connect to in place of viewers."""

    address: str
    """`address:port`, IPv6 in brackets; port 0 takes any free one."""
    balancers: tuple[str, ...]
    """Addresses or networks (`192.0.2.0/24`) of the balancers. Every connection has to come from one of them and to
    begin with a PROXY protocol header of version 2, whose addresses count; any other is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """The settings of one edge. Defaults are those of an edge on a laptop."""

    http: tuple[str | Listener, ...] = ("127.0.0.1:0",)
    """Addresses that listen for HTTP in clear, IPv4 or `[IPv6]`; port 0 takes any free one."""
    https: tuple[str | Listener, ...] = ("127.0.0.1:0",)
    """Addresses that listen for TLS (HTTP/2 and HTTP/1.1)."""
    http3: bool = True
    """Whether HTTP/3 is served to distributions that have it, over UDP on the addresses of `https` that are not
    for load balancers."""
    workers: int = 2
    """Threads that serve requests; one per core is best."""
    pop: str = "LCL1-C1"
    """This point of presence, as `x-amz-cf-pop` and the log name it."""
    memory_bytes: int = 256 << 20
    """What stored responses may take in memory."""
    disk: DiskSettings | None = None
    """The cache on disk, below the one in memory; None: the cache is in memory alone and a restart empties it."""
    lock_timeout_ms: int = 5000
    """Requests for what another one is asking the origin for wait for its answer, this many milliseconds at most; then
    one of them asks again, for all who still wait."""
    limits: ViewerLimits = ViewerLimits()
    """What viewers may take."""
    log: LogSettings | None = None
    """None: no access log."""
    s3: S3Access | None = None
    """None: S3 origins are reached at their own domain name, and none may have origin access control."""
    trusted_authorities: tuple[str, ...] = ()
    """CA certificates, PEM, that origins may be certified by, beside the system's."""
    explain_key: str | None = None
    """The key of debug tokens, 64 hexadecimal digits, the control plane has it too; None: nothing is explained."""
    ticket_secrets: Path | None = None
    """File with secrets, 64 hexadecimal digits a line, mode 0600: edges with the same ones take up each other's TLS
    sessions. The first one seals new tickets, all of them open tickets; it is read again when it changes. None: keys
    of this edge alone, gone when it ends."""
    geo: GeoFiles = GeoFiles()
    """Without files, headers about places are left out and distributions with a geo restriction serve nobody."""
    allowed_private_origins: tuple[str, ...] = ()
    """Networks (`10.1.0.0/16`, `fd00::/8`) that origins may be in beside the public Internet. An origin whose domain
    name leads elsewhere, to loopback, a private network or the machine's metadata service, is refused with 502:
    whoever may write a distribution could otherwise read what only the edge's own network reaches. The endpoint of
    `s3` is the operator's own choice and needs no entry."""
    name_servers: tuple[str, ...] = ()
    """Name servers that origins' domain names are looked up at, `address:port`; none: those of /etc/resolv.conf."""
    origin_limits: OriginLimits = OriginLimits()
    """What origins are asked for at once."""
    manual_clock_ms: int | None = None
    """Where a clock that only `advance_clock` moves starts, milliseconds since the epoch; None: the system's clock."""

    def encode(self) -> bytes:
        """The settings as the engine reads them: JSON."""
        return json.dumps(self._document(), separators=(",", ":")).encode()

    def _document(self) -> dict[str, object]:
        return {
            "http": [_listener(each) for each in self.http],
            "https": [_listener(each) for each in self.https],
            "http3": self.http3,
            "workers": self.workers,
            "pop": self.pop,
            "memory_bytes": self.memory_bytes,
            "disk": None if self.disk is None else asdict(self.disk) | {"directory": str(self.disk.directory)},
            "lock_timeout_ms": self.lock_timeout_ms,
            "limits": asdict(self.limits),
            "log": None if self.log is None else asdict(self.log) | {"directory": str(self.log.directory)},
            "s3": None if self.s3 is None else asdict(self.s3),
            "trusted_authorities": self.trusted_authorities,
            "explain_key": self.explain_key,
            "ticket_secrets": None if self.ticket_secrets is None else str(self.ticket_secrets),
            "geo": {kind: [str(path) for path in paths] for kind, paths in asdict(self.geo).items()},
            "user_agents": user_agent_regexes(),
            "allowed_private_origins": self.allowed_private_origins,
            "name_servers": self.name_servers,
            "origin_limits": asdict(self.origin_limits),
            "clock": "system" if self.manual_clock_ms is None else {"manual": self.manual_clock_ms},
        }


def _listener(listener: str | Listener) -> object:
    return listener if isinstance(listener, str) else asdict(listener)
