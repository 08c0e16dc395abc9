"""The second origin: a small HTTP server whose answers change, so that one sees what a cache does with them.

Owns one listener on loopback. `/api/time` tells the time (`max-age=5`), `/api/echo` shows the request as the origin got
it (`no-store`), `/api/slow` answers after two seconds, or `?seconds=` up to ten. Every answer has the number of its
call: seen through the edge, it shows what was a hit. Started by `edgeward.dev` alone.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import SplitResult, parse_qs, urlsplit

from edgeward.dev.ports import LOOPBACK

MAX_BODY_BYTES = 1 << 20
"""A longer request content is answered 413 and the connection closed."""
MAX_DELAY_SECONDS = 10.0
"""What `/api/slow` waits at most: less than the 30 s an origin has to respond by default."""


class DynamicOrigin:
    """The server, listening from construction on and answering from `start()` to `stop()`."""

    def __init__(self, port: int = 0) -> None:
        """Binds `port` on loopback (0: any free one). Raises `OSError` when it is busy."""
        self._server = _Server((LOOPBACK, port), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="dynamic-origin", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def start(self) -> None:
        """Starts to answer, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stops to listen; answers under way are abandoned."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024
    calls: "itertools.count[int]"

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.calls = itertools.count(1)

    def server_bind(self) -> None:
        # Not HTTPServer's: that one asks DNS for our name, which nobody needs and which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]


class _Handler(BaseHTTPRequestHandler):
    """One connection. It stays open between requests, because edges keep origin connections alive."""

    protocol_version = "HTTP/1.1"
    server_version = "edgeward-sample-origin"
    sys_version = ""
    timeout = 60
    server: _Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            # The edge hung up, as it may at any time. There is nobody left to tell.
            self.close_connection = True

    def do_GET(self) -> None:
        content = self._read_content()
        if content is None:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": f"at most {MAX_BODY_BYTES} bytes"}, "no-store")
            self.close_connection = True
            return
        url = urlsplit(self.path)
        answer = _ROUTES.get(url.path)
        if answer is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "not found", "try": sorted(_ROUTES)}, "no-store")
            return
        body, cache_control = answer(self, url, content)
        self._answer(HTTPStatus.OK, body, cache_control)

    # http.server looks methods up by these names.
    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by the edge; the terminal stays the user's."""

    def time(self, _url: SplitResult, _content: bytes) -> "_Answer":
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {"time": now, "call": next(self.server.calls)}, "max-age=5"

    def echo(self, _url: SplitResult, content: bytes) -> "_Answer":
        request = {
            "method": self.command,
            "target": self.path,
            "headers": list(self.headers.items()),
            "content_bytes": len(content),
        }
        return {"request": request, "call": next(self.server.calls)}, "no-store"

    def slow(self, url: SplitResult, _content: bytes) -> "_Answer":
        seconds = _seconds(url.query)
        time.sleep(seconds)
        return {"waited_seconds": seconds, "call": next(self.server.calls)}, "max-age=5"

    def _read_content(self) -> bytes | None:
        """The request's content; None when it is too long, or of a length not told in advance."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: HTTPStatus, body: dict[str, object], cache_control: str) -> None:
        content = json.dumps(body, indent=2).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", cache_control)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _seconds(query: str) -> float:
    """The wait asked for; two seconds when nothing sensible was asked."""
    try:
        asked = float(parse_qs(query)["seconds"][0])
    except (KeyError, ValueError):
        asked = 2.0
    return min(max(asked, 0.0), MAX_DELAY_SECONDS)


_Answer = tuple[dict[str, object], str]
_ROUTES: dict[str, Callable[[_Handler, SplitResult, bytes], _Answer]] = {
    "/api/time": _Handler.time,
    "/api/echo": _Handler.echo,
    "/api/slow": _Handler.slow,
}
