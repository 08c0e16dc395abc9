"""How an edge looks up its origins: at a name server of ours, and origins on several loopback addresses."""

import http.client
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import ShortBehavior, ShortDistribution, ShortOrigin
from edgeward.scenario.timeline import EPOCH_MS

NAME = "origin.example"
TTL = 60


@dataclass
class NameServer:
    """Answers every question with `addresses`, over UDP; counts the questions."""

    addresses: list[str] = field(default_factory=list)
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    asked: int = 0

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        # An empty datagram: a socket that is closed does not wake who waits for it.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(4096)
            if not question:
                return
            self.asked += 1
            self._socket.sendto(self._answer(dns.message.from_wire(question)).to_wire(), asker)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        answer.set_rcode(self.rcode)
        kind = question.question[0].rdtype
        of_kind = [each for each in self.addresses if (":" in each) == (kind == dns.rdatatype.AAAA)]
        if of_kind and self.rcode == dns.rcode.NOERROR:
            answer.answer.append(dns.rrset.from_text_list(f"{NAME}.", TTL, "IN", dns.rdatatype.to_text(kind), of_kind))
        return answer


class _Naming(http.server.BaseHTTPRequestHandler):
    """Says at which address it was asked."""

    def do_GET(self) -> None:
        where = self.connection.getsockname()[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(where)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(where)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Cdn:
    """An edge whose origin is `NAME`."""

    edge: EdgeUnderTest
    http: str
    names: NameServer

    def get(self) -> tuple[int, str]:
        """Status and content."""
        viewer = http.client.HTTPConnection(self.http, timeout=20)
        viewer.request("GET", "/", headers={"Host": domain_name_of(MAIN)})
        response = viewer.getresponse()
        found = response.status, response.read().decode()
        viewer.close()
        return found


StartCdn = Callable[..., Cdn]


@pytest.fixture
def names() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.stop()


@pytest.fixture
def start_cdn(names: NameServer) -> Iterator[StartCdn]:
    """Starts an edge; its origin listens on 127.0.0.1 and 127.0.0.2."""
    first = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Naming)
    port = first.server_address[1]
    origins = [first, http.server.ThreadingHTTPServer(("127.0.0.2", port), _Naming)]
    for origin in origins:
        threading.Thread(target=origin.serve_forever, args=(0.05,), daemon=True).start()
    started: list[EdgeUnderTest] = []

    def start(*, allowed: tuple[str, ...] = LOOPBACK_NETWORKS, origin: ShortOrigin | None = None) -> Cdn:
        settings = EdgeSettings(
            workers=1, allowed_private_origins=allowed, name_servers=(names.address,), manual_clock_ms=EPOCH_MS
        )
        edge = EdgeUnderTest(
            settings, {MAIN: OriginPorts(port, port)}, certificates.edge_certificate({domain_name_of(MAIN)})
        )
        started.append(edge)
        behavior = ShortBehavior(max_ttl=0, default_ttl=0)
        http_address, _ = edge.start(
            ShortDistribution(default=behavior, origins={MAIN: origin or ShortOrigin(domain_name=NAME)})
        )
        return Cdn(edge, http_address, names)

    yield start
    for edge in started:
        edge.stop()
    for server in origins:
        server.shutdown()
        server.server_close()


def test_an_answer_is_used_for_its_ttl_and_no_longer(names: NameServer, start_cdn: StartCdn) -> None:
    names.addresses = ["127.0.0.1"]
    cdn = start_cdn()
    assert [cdn.get(), cdn.get(), names.asked] == [(200, "127.0.0.1"), (200, "127.0.0.1"), 1]
    names.addresses = ["127.0.0.2"]
    cdn.edge.advance((TTL - 1) * 1000)
    assert cdn.get() == (200, "127.0.0.1")
    cdn.edge.advance(1000)
    assert (cdn.get(), names.asked) == ((200, "127.0.0.2"), 2)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_expired_addresses_stand_in_while_the_name_server_fails(
    rcode: dns.rcode.Rcode, names: NameServer, start_cdn: StartCdn
) -> None:
    names.addresses = ["127.0.0.1"]
    cdn = start_cdn()
    assert cdn.get() == (200, "127.0.0.1")
    names.rcode = rcode
    cdn.edge.advance((TTL + 3600) * 1000)
    assert cdn.get() == (200, "127.0.0.1")
    names.rcode, names.addresses = dns.rcode.NOERROR, ["127.0.0.2"]
    cdn.edge.advance(30_000)
    assert cdn.get() == (200, "127.0.0.2")


def test_a_name_that_is_gone_is_not_stood_in_for_and_is_found_again_soon(
    names: NameServer, start_cdn: StartCdn
) -> None:
    names.addresses = ["127.0.0.1"]
    cdn = start_cdn()
    assert cdn.get()[0] == 200
    names.rcode = dns.rcode.NXDOMAIN
    cdn.edge.advance(TTL * 1000)
    assert cdn.get()[0] == 502
    names.rcode = dns.rcode.NOERROR
    cdn.edge.advance(30_000)
    assert cdn.get() == (200, "127.0.0.1")


def test_an_address_that_refuses_is_left_for_the_next_one_and_tried_last_afterwards(
    names: NameServer, start_cdn: StartCdn
) -> None:
    names.addresses = ["127.0.0.3", "127.0.0.2"]
    cdn = start_cdn()
    assert [cdn.get(), cdn.get()] == [(200, "127.0.0.2")] * 2


def test_both_kinds_of_addresses_are_looked_up_where_the_origin_has_both(
    names: NameServer, start_cdn: StartCdn
) -> None:
    names.addresses = ["::1", "127.0.0.1"]
    cdn = start_cdn(origin=ShortOrigin(domain_name=NAME, ip_address_type="dualstack"))
    assert (cdn.get(), names.asked) == ((200, "127.0.0.1"), 2)


def test_an_origin_without_an_address_of_its_kind_is_not_reached(names: NameServer, start_cdn: StartCdn) -> None:
    names.addresses = ["::1"]
    assert start_cdn().get()[0] == 502


def test_addresses_out_of_reach_are_passed_over(names: NameServer, start_cdn: StartCdn) -> None:
    names.addresses = ["127.0.0.2", "127.0.0.1"]
    assert start_cdn(allowed=("127.0.0.1",)).get() == (200, "127.0.0.1")


def test_a_name_that_moves_into_the_private_network_is_not_followed(names: NameServer, start_cdn: StartCdn) -> None:
    names.addresses = ["127.0.0.1"]
    cdn = start_cdn(allowed=("127.0.0.1",))
    assert cdn.get() == (200, "127.0.0.1")
    for address in ("127.0.0.2", "169.254.169.254", "0.0.0.0"):
        names.addresses = [address]
        cdn.edge.advance(TTL * 1000)
        assert cdn.get()[0] == 502, address


def test_a_name_of_the_hosts_file_is_not_asked_about(names: NameServer, start_cdn: StartCdn) -> None:
    lines = [line.partition("#")[0].split() for line in Path("/etc/hosts").read_text().splitlines()]
    listed = [name for line in lines if line[:1] == ["127.0.0.1"] for name in line[1:]]
    known = next((name for name in listed if name.isalnum() and not name.startswith("localhost")), None)
    if known is None:
        pytest.skip("the hosts file has no other name for this machine")
    cdn = start_cdn(origin=ShortOrigin(domain_name=known))
    assert (cdn.get(), names.asked) == ((200, "127.0.0.1"), 0)
