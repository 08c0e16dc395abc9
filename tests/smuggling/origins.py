"""Origin servers of different make, each with its own idea of where a request ends, and what each of them saw.

nginx and HAProxy run as processes and tell by their logs; `LenientOrigin` is a server that believes everything: the
worst that may stand behind an edge. All keep connections open, so that bytes left over on one become somebody else's
request. Used by the fixtures of this folder.
"""

import http.client
import json
import re
import shutil
import socketserver
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from edgeward.dev.ports import free_ports

PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as an origin understood and answered it."""

    method: str
    target: str
    content: bytes = b""


class Origin(ABC):
    """A running origin server. It answers every request with method and target, as it read them."""

    port: int

    @abstractmethod
    def seen(self) -> list[Seen]:
        """The requests answered so far, in order."""

    @abstractmethod
    def stop(self) -> None:
        """Ends the server."""

    def seen_up_to(self, target: str) -> list[Seen]:
        """The same once the request for `target` is among them: servers write their logs after they have answered."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while target not in {each.target for each in self.seen()}:
            assert time.monotonic() < deadline, f"the origin never saw {target}: {self.seen()}"
            time.sleep(0.005)
        return self.seen()


class ServerProcess(Origin):
    """A server program with its configuration in a folder of its own."""

    program: str
    package: str

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (self.port,) = free_ports(1)
        (folder / "configuration").write_text(self.configuration(folder), encoding="ascii")
        with (folder / "errors.log").open("ab") as errors:
            self._process = subprocess.Popen(self.command(folder), stdout=errors, stderr=errors)
        self._wait_until_it_answers()

    @classmethod
    def why_missing(cls) -> str | None:
        """Why it cannot be started here, or None."""
        return None if shutil.which(cls.program) else f"NOT TESTED against {cls.program}: apt-get install {cls.package}"

    @abstractmethod
    def configuration(self, folder: Path) -> str:
        """The text of its configuration file."""

    @abstractmethod
    def command(self, folder: Path) -> list[str]:
        """What starts it in the foreground."""

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
            try:
                client.request("GET", "/started")
                answer = client.getresponse().read()
                assert answer == b"GET /started", answer
                return
            except ConnectionError:
                errors = (self.folder / "errors.log").read_text()
                assert self._process.poll() is None, f"{self.program} did not start: {errors}"
                assert time.monotonic() < deadline, f"{self.program} does not answer: {errors}"
                time.sleep(0.01)
            finally:
                client.close()


class Nginx(ServerProcess):
    """nginx: reads all of the content before it answers, and logs it."""

    program, package = "nginx", "nginx"

    def configuration(self, folder: Path) -> str:
        temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in _NGINX_TEMPORARY)
        return f"""
            daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr;
            events {{ worker_connections 512; }}
            http {{
              {temporary}
              access_log off; client_body_buffer_size 64k; keepalive_requests 1000000;
              log_format seen escape=json
                '{{"method":"$request_method","target":"$request_uri","content":"$request_body","status":$status}}';
              server {{
                listen 127.0.0.1:{self.port};
                access_log {folder}/seen.log seen;
                location / {{ proxy_pass http://unix:{folder}/back; proxy_http_version 1.1; }}
              }}
              server {{ listen unix:{folder}/back; location / {{ return 200 "$request_method $request_uri"; }} }}
            }}
        """

    def command(self, folder: Path) -> list[str]:
        return ["nginx", "-p", str(folder), "-c", str(folder / "configuration"), "-e", "stderr"]

    def seen(self) -> list[Seen]:
        lines = [json.loads(line) for line in (self.folder / "seen.log").read_bytes().splitlines()]
        return [
            Seen(line["method"], line["target"], line["content"].encode("latin-1"))
            for line in lines
            if line["status"] == 200
        ]


class Haproxy(ServerProcess):
    """HAProxy before a server that believes everything: what HAProxy makes of a request is what that one sees."""

    program, package = "haproxy", "haproxy"

    def __init__(self, folder: Path) -> None:
        self._back = LenientOrigin()
        super().__init__(folder)

    def configuration(self, folder: Path) -> str:
        return f"""
defaults
  mode http
  timeout client 30s
  timeout connect 5s
  timeout server 30s
frontend origin
  bind 127.0.0.1:{self.port}
  default_backend back
backend back
  http-reuse always
  server back 127.0.0.1:{self._back.port}
"""

    def command(self, folder: Path) -> list[str]:
        return ["haproxy", "-db", "-f", str(folder / "configuration")]

    def seen(self) -> list[Seen]:
        return self._back.seen()

    def stop(self) -> None:
        super().stop()
        self._back.stop()


_NGINX_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class LenientOrigin(Origin):
    """Takes a lone LF for an end of line, folded lines, white space and underscores in names, any spelling of chunked,
    and Content-Length before Transfer-Encoding; leaves what it thinks is the next request on the connection.
    """

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        handler = type("Handler", (_Handler,), {"seen": self._seen})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def seen(self) -> list[Seen]:
        return list(self._seen)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(socketserver.StreamRequestHandler):
    seen: list[Seen]

    def handle(self) -> None:
        while (request := self._request()) is not None:
            self.seen.append(request)
            answer = f"{request.method} {request.target}".encode("latin-1")
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer)
            self.wfile.write(head + (answer if request.method != "HEAD" else b""))

    def _request(self) -> Seen | None:
        line = self.rfile.readline().strip()
        if not line:
            return None
        method, _, rest = line.decode("latin-1").partition(" ")
        content = self._content(self._fields())
        return None if content is None else Seen(method, rest.rpartition(" ")[0], content)

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        name = ""
        while line := self.rfile.readline().rstrip(b"\r\n").decode("latin-1"):
            if line[0] in " \t":
                fields[name] += line
            else:
                name = line.partition(":")[0].strip().lower().replace("_", "-")
                fields[name] = line.partition(":")[2].strip()
        return fields

    def _content(self, fields: dict[str, str]) -> bytes | None:
        """None when the connection ends before it does."""
        if "content-length" in fields:
            length = int(re.split("[ ,]", fields["content-length"])[0])
            content = self.rfile.read(length)
            return content if len(content) == length else None
        if "chunked" in fields.get("transfer-encoding", "").lower():
            return self._chunks()
        return b""

    def _chunks(self) -> bytes | None:
        content = b""
        while line := self.rfile.readline():
            size = int(line.partition(b";")[0].strip() or b"0", 16)
            if size == 0:
                self._fields()
                return content
            content += self.rfile.read(size)
            self.rfile.readline()
        return None


SERVERS: dict[str, type[ServerProcess]] = {"nginx": Nginx, "haproxy": Haproxy}
