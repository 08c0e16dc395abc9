"""An edge before one origin server, hostile viewers, and the innocent viewer who comes after them."""

import http.client
import itertools
import socket
import ssl
from dataclasses import dataclass, field

from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Method, Selection, ShortBehavior, ShortDistribution, ShortOriginRequest
from smuggling.origins import PATIENCE_SECONDS, Origin, Seen

HOST = domain_name_of(MAIN)
EVERY_METHOD: tuple[Method, ...] = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")


def start_edge(origin_port: int, *, default_ttl: int = 0) -> tuple[EdgeUnderTest, str, str]:
    """An edge that lets as much through as a distribution can: every method, header, cookie and query string. It has
    one worker, so that all viewers share its connections to the origin. Returns it and its two addresses.
    """
    everything = Selection(mode="all")
    behavior = ShortBehavior(
        allowed_methods=EVERY_METHOD,
        max_ttl=default_ttl,
        default_ttl=default_ttl,
        forward=ShortOriginRequest(headers=everything, cookies=everything, query_strings=everything),
    )
    certificate = certificates.edge_certificate({HOST})
    ports = {"main": OriginPorts(origin_port, origin_port)}
    edge = EdgeUnderTest(EdgeSettings(workers=1, allowed_private_origins=LOOPBACK_NETWORKS), ports, certificate)
    clear, tls = edge.start(ShortDistribution(default=behavior))
    return edge, clear, tls


@dataclass(slots=True)
class Stand:
    """`origin` behind an edge that listens at `clear` and `tls`."""

    origin: Origin
    clear: str
    tls: str
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def innocent(self) -> str:
        """Another viewer asks for a target of its own, which is returned, and must get the answer for it."""
        target = f"/innocent-{next(self._numbers)}"
        viewer = http.client.HTTPConnection(self.clear, timeout=PATIENCE_SECONDS)
        viewer.request("GET", target, headers={"Host": HOST})
        answer = viewer.getresponse()
        content = answer.read()
        viewer.close()
        assert (answer.status, content) == (200, f"GET {target}".encode()), "another viewer's answer"
        return target

    def seen_between(self, before: str, after: str) -> list[Seen]:
        """What the origin saw between the requests of two innocent viewers."""
        seen = self.origin.seen_up_to(after)
        targets = [each.target for each in seen]
        return seen[targets.index(before) + 1 : targets.index(after)]


def converse(address: str, sent: bytes, *, tls: bool = False) -> bytes:
    """Sends `sent` and returns all that comes until the edge closes the connection."""
    with connect(address, "http/1.1" if tls else None) as viewer:
        viewer.sendall(sent)
        return read_to_end(viewer)


def connect(address: str, protocol: str | None) -> socket.socket:
    """A connection to the edge: in clear, or over TLS for `protocol`."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)
    if protocol is None:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(connection, server_hostname=HOST)


def read_to_end(connection: socket.socket) -> bytes:
    """All bytes until the other side closes or resets."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def statuses(received: bytes) -> list[int]:
    """The status codes of the responses in `received`, whose content has no status line of its own."""
    lines = received.split(b"HTTP/1.1 ")[1:]
    return [int(line[:3]) for line in lines]
