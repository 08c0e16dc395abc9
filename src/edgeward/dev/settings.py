"""What `edgeward dev` is started with. Built by the command line, and by tests that want ports of their own."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DevSettings:
    """Where state lives and which ports are preferred; a busy one gives way to the next free one."""

    state: Path = Path(".edgeward")
    """The folder that keeps everything; made when missing."""
    api_port: int = 4566
    """The CloudFront API's port. The default is the one AWS emulators have made customary."""
    http_port: int = 8080
    """The edge's port for HTTP in clear."""
    https_port: int = 8443
    """The edge's port for TLS."""
    s3_port: int = 8333
    """The S3 server's port. The default is SeaweedFS's own."""
    geo: Path | None = None
    """The folder with MMDB files about addresses; None: `geo` in the state folder."""
    database: str | None = field(default=None, repr=False)
    """URL of a PostgreSQL database for the control plane; None: a file in the state folder."""
    ticket_secrets: Path | None = None
    """`EdgeSettings.ticket_secrets` of the edge."""
    balancers: tuple[str, ...] = ()
    """Networks of the load balancers that connect to the edge in place of viewers; none: viewers connect themselves."""
    edges: tuple[Path, ...] = ()
    """Plan sockets of edges that run on their own (`edgeward edge`), beside the one that is started."""
    account_id: str = "123456789012"
    """The AWS account that owns what is created; 12 digits."""
    private_origins: tuple[str, ...] = ()
    """Networks beside loopback and the public Internet that origins may be in."""
    workers: int = 2
    """Threads of the edge."""
