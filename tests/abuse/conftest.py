"""An edge with short limits before an origin with a lot of content."""

import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings, Listener, LogSettings, ViewerLimits
from edgeward.scenario import certificates
from edgeward.scenario.access_log import AccessLog
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution, ShortOriginRequest

HOST = domain_name_of(MAIN)
PATIENCE_SECONDS = 10
LARGE = 256 << 20
"""Bytes of /large: more than sockets hold on the way."""


@dataclass(frozen=True, slots=True)
class LimitedEdge:
    """A running edge, where it listens, and its logs."""

    edge: EdgeUnderTest
    clear: tuple[str, int]
    tls: tuple[str, int]
    logs: Path
    never_asked: threading.Event
    """Set once the origin was asked for /never, which it does not answer."""
    heard: list[str]
    """Method and path of every request that came to the origin, as soon as its head had."""

    def eventually_heard(self, request: str) -> None:
        """Waits until the origin has heard of it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while request not in self.heard:
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.005)

    def refused(self, reason: str) -> int:
        """How often viewers were refused for `reason`."""
        return self.edge.status()[f"viewers_refused_{reason}"]

    def eventually_refused(self, reason: str, times: int) -> None:
        """Waits until viewers were refused so often for `reason`."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.refused(reason) != times:
            assert time.monotonic() < deadline, (reason, self.edge.status())
            time.sleep(0.005)

    def eventually_logged(self, count: int) -> None:
        """Waits until the access log has so many records."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.logged()) != count:
            assert time.monotonic() < deadline, self.edge.status()
            time.sleep(0.02)

    def logged(self) -> list[dict[str, str]]:
        """The records of the access log."""
        self.edge.flush_logs()
        return AccessLog(self.logs).records()


class LimitedEdges(Protocol):
    def __call__(
        self, *, balancers: tuple[str, ...] = (), forwarded: tuple[str, ...] = (), **limits: int
    ) -> LimitedEdge: ...


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[LimitedEdges]:
    """Starts an edge with these limits, the defaults beside them; behind load balancers where there are any, and with
    these fields of viewers forwarded.
    """
    origin = _Origin(("127.0.0.1", 0), _Generous)
    threading.Thread(target=origin.serve_forever, args=(0.05,), daemon=True).start()
    started = []

    def start(*, balancers: tuple[str, ...] = (), forwarded: tuple[str, ...] = (), **limits: int) -> LimitedEdge:
        port = origin.server_address[1]
        listener = Listener(address="127.0.0.1:0", balancers=balancers) if balancers else "127.0.0.1:0"
        settings = EdgeSettings(
            http=(listener,),
            https=(listener,),
            workers=1,
            limits=ViewerLimits(**limits),
            log=LogSettings(directory=tmp_path / "logs", segment_seconds=600),
            allowed_private_origins=LOOPBACK_NETWORKS,
        )
        certificate = certificates.edge_certificate({HOST})
        edge = EdgeUnderTest(settings, {"main": OriginPorts(port, port)}, certificate)
        started.append(edge)
        behavior = ShortBehavior(
            max_ttl=0,
            default_ttl=0,
            allowed_methods=("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"),
            forward=ShortOriginRequest(headers=Selection(mode="whitelist", names=forwarded)) if forwarded else None,
        )
        clear, tls = edge.start(ShortDistribution(default=behavior, http_version="http2and3"))
        return LimitedEdge(edge, _address(clear), _address(tls), tmp_path / "logs", origin.asked, origin.heard)

    yield start
    origin.ended.set()
    for edge in started:
        edge.stop()
    origin.shutdown()
    origin.server_close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


class _Origin(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.asked, self.ended = threading.Event(), threading.Event()
        self.heard: list[str] = []


class _Generous(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._note()
        self._answer()

    def _note(self) -> None:
        self.server.heard.append(f"{self.command} {self.path}")  # type: ignore[attr-defined] # _Origin has it

    def _answer(self) -> None:
        if self.path == "/never":
            self.server.asked.set()  # type: ignore[attr-defined] # _Origin has it
            self.server.ended.wait(60)  # type: ignore[attr-defined] # the same
            self.close_connection = True
            return
        length = LARGE if self.path == "/large" else 2
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        piece = bytes(min(length, 1 << 20))
        try:
            for _ in range(length // len(piece)):
                self.wfile.write(piece)
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        self._note()
        if self._has_content():
            self._answer()
        else:
            self.close_connection = True

    def _has_content(self) -> bool:
        """Whether all of it came."""
        if "Transfer-Encoding" in self.headers:
            return any(line == b"0\r\n" for line in iter(self.rfile.readline, b"")) and bool(self.rfile.readline())
        length = int(self.headers["Content-Length"])
        return len(self.rfile.read(length)) == length

    def log_message(self, *_: object) -> None:
        pass
