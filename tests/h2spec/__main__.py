"""The command: `make h2spec`, or `python -m h2spec PROGRAM [--report FILE]`.

Runs h2spec, the suite for RFC 9113 and RFC 7541, in strict mode against an edge over TLS, and tells the score.
Exit status: 0 when every test passed, 1 when not, 2 when the suite could not run.
"""

import argparse
import http.server
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.edge import running_edge

ADDRESS = "127.0.0.1"
SECONDS = 600


def main() -> int:
    """Runs the suite and prints what failed."""
    options = argparse.ArgumentParser(prog="h2spec", description=__doc__)
    options.add_argument("program", type=Path, help="the h2spec to run")
    options.add_argument("--report", type=Path, help="keep the JUnit report in this file")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = chosen.report or Path(folder) / "report.xml"
        with answering_origin() as port, running_edge(port, Path(folder), name=ADDRESS) as edge:
            arguments = ["--strict", "--tls", "--insecure", "--host", ADDRESS, "--port", edge.https.rpartition(":")[2]]
            finished = subprocess.run(
                [chosen.program, *arguments, "--junit-report", report],
                stdout=subprocess.PIPE,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        if not report.exists():
            sys.stderr.write(finished.stdout)
            return 2
        passed, failed = score(report)
    lines = [*(f"failed: {name}" for name in failed), f"h2spec: {passed} of {passed + len(failed)} tests passed"]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if failed else 0


def score(report: Path) -> tuple[int, list[str]]:
    """How many tests of a JUnit report passed, and what those that did not say."""
    # The report is our own subprocess's.
    cases = list(ET.parse(report).iter("testcase"))
    failed = [case for case in cases if any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))]
    return len(cases) - len(failed), [f"{case.get('package')}: {case.get('classname')}" for case in failed]


@contextmanager
def answering_origin() -> Iterator[int]:
    """An origin that answers everything with some content."""
    server = _Quiet((ADDRESS, 0), _Answering)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """The suite breaks requests off on purpose."""


class _Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = b"h2spec " * 20
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if self.command != "HEAD" else b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    sys.exit(main())
