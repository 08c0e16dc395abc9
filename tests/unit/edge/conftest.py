"""An edge whose origin tells which header fields it got."""

import http.client
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution, ShortOriginRequest


@dataclass(frozen=True, slots=True)
class TellingEdge:
    """What `forward` names reaches the origin, which answers with it."""

    edge: EdgeUnderTest
    http: str
    https: str
    host: str = domain_name_of(MAIN)

    def told(self, headers: dict[str, str], address: str = "127.0.0.1") -> dict[str, str]:
        """The header fields that the origin gets for a request with `headers` from `address`, names in lower case."""
        viewer = http.client.HTTPConnection(self.http, timeout=10, source_address=(address, 0))
        viewer.request("GET", "/", headers={"Host": self.host} | headers)
        told: dict[str, str] = json.loads(viewer.getresponse().read())
        viewer.close()
        return told


TellingEdges = Callable[..., TellingEdge]


@pytest.fixture
def telling_edge() -> Iterator[TellingEdges]:
    """Starts an edge with settings and the headers to forward."""
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Telling)
    threading.Thread(target=origin.serve_forever, args=(0.05,), daemon=True).start()
    started = []

    def start(*headers: str, settings: EdgeSettings | None = None) -> TellingEdge:
        port = origin.server_address[1]
        certificate = certificates.edge_certificate({domain_name_of(MAIN)})
        reaching = replace(settings or EdgeSettings(workers=1), allowed_private_origins=LOOPBACK_NETWORKS)
        edge = EdgeUnderTest(reaching, {"main": OriginPorts(port, port)}, certificate)
        started.append(edge)
        forward = ShortOriginRequest(headers=Selection(mode="whitelist", names=headers))
        behavior = ShortBehavior(max_ttl=0, default_ttl=0, forward=forward)
        clear, tls = edge.start(ShortDistribution(default=behavior))
        return TellingEdge(edge, clear, tls)

    yield start
    for edge in started:
        edge.stop()
    origin.shutdown()
    origin.server_close()


class _Telling(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
