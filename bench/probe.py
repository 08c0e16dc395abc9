"""One request by curl before each case: is the answer whole, right and from the cache?

A load generator cannot tell a hit from a miss, nor one body from another; so nothing is measured before this
check passes, and afterwards the origin's own request count shows that hits stayed hits.
"""

import json
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case, Protocol
from bench.content import BROWSER_HEADERS, HOST
from bench.failure import BenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What curl received. Header field names are lower case."""

    status: int
    http_version: str
    headers: Mapping[str, str]
    content: bytes


def origin_requests(origin_port: int) -> int:
    """Return how many requests the origin has answered, this one included."""
    url = f"http://127.0.0.1:{origin_port}/requests"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return requests_of_stub_status(answer.read().decode())


def requests_of_stub_status(page: str) -> int:
    """Read the requests out of nginx's stub_status page; its third line is accepts, handled, requests."""
    return int(page.splitlines()[2].split()[2])


def check_hit(case: Case, port: int, origin_port: int, folder: Path) -> None:
    """Fill the cache, then make sure that `case`'s request is answered from it with the right content."""
    ask(case, port, folder)
    for _ in range(FILL_ATTEMPTS):
        before = origin_requests(origin_port)
        answer = ask(case, port, folder)
        # The count itself is one request.
        if origin_requests(origin_port) - before == 1:
            break
    else:
        raise BenchError(f"not a hit: every one of {FILL_ATTEMPTS} repeated requests went to the origin")
    if reason := mistake_in(case, answer):
        raise BenchError(reason)


def ask(case: Case, port: int, folder: Path) -> Answer:
    """Send the request of `case` once and return the answer."""
    content = folder / "probe-content"
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "10",
        "--output",
        str(content),
    ]
    command += [
        "--write-out",
        '{"status": %{http_code}, "version": "%{http_version}", "headers": %{header_json}}',
    ]
    command += PROTOCOL_FLAGS[case.protocol]
    command += [word for name, value in BROWSER_HEADERS for word in ("--header", f"{name}: {value}")]
    url = f"{case.protocol.scheme}://{HOST}:{port}{case.body.path}"
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False, timeout=20)
    if done.returncode != 0:
        raise BenchError(f"curl could not get {url}: {done.stderr.strip()}")
    return _parse_answer(done.stdout, content.read_bytes())


def mistake_in(case: Case, answer: Answer) -> str | None:
    """Say what is wrong with `answer` as a hit for `case`, or None."""
    if answer.status != 200:
        return f"status {answer.status} instead of 200"
    if answer.http_version != PROTOCOL_VERSIONS[case.protocol]:
        return f"HTTP/{answer.http_version} instead of {case.protocol}"
    if answer.content != case.body.content():
        return f"{len(answer.content)} bytes of content that are not the {case.body.length} of {case.body.path}"
    if not is_marked_hit(answer.headers):
        return f"no header field marks the response as a hit: {dict(answer.headers)}"
    return None


def is_marked_hit(headers: Mapping[str, str]) -> bool:
    """Tell whether a response says that it came from a cache: by X-Cache, X-Cache-Status or Age."""
    marks = [headers[name] for name in ("x-cache", "x-cache-status") if name in headers]
    if marks:
        return all(mark.lower().startswith("hit") for mark in marks)
    return "age" in headers


def _parse_answer(written: str, content: bytes) -> Answer:
    report = json.loads(written)
    headers = {name: values[-1] for name, values in report["headers"].items()}
    return Answer(status=report["status"], http_version=report["version"], headers=headers, content=content)


FILL_ATTEMPTS = 5

PROTOCOL_FLAGS = {
    Protocol.H1: ["--http1.1"],
    Protocol.H1_TLS: ["--http1.1", "--insecure", "--tlsv1.3"],
    Protocol.H2_TLS: ["--http2", "--insecure", "--tlsv1.3"],
}
PROTOCOL_VERSIONS = {Protocol.H1: "1.1", Protocol.H1_TLS: "1.1", Protocol.H2_TLS: "2"}
