"""Requests before each case: everything that is to be a hit is stored, and one answer is looked at by curl.

A load generator cannot tell a hit from a miss, nor one body from another; so nothing is measured before this
check passes, and afterwards the origin's own request count shows that hits stayed hits.
"""

import asyncio
import http.client
import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case, Outcome, Protocol
from bench.content import BROWSER_HEADERS, HOST
from bench.failure import BenchError
from bench.load import CIPHER_SUITE
from bench.tls import CHAIN_NAME
from edgeward.scenario.http3 import http3_session
from edgeward.scenario.message import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What curl, or aioquic, received. Header field names are lower case."""

    status: int
    http_version: str
    headers: Mapping[str, str]
    content: bytes
    cipher_suite: str | None = None
    """What the server chose; looked at for HTTP/3 alone, whose load generator cannot be told."""


def origin_requests(origin_port: int) -> int:
    """Return how many requests the origin has answered, this one included."""
    url = f"http://127.0.0.1:{origin_port}/requests"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return requests_of_stub_status(answer.read().decode())


def requests_of_stub_status(page: str) -> int:
    """Read the requests out of nginx's stub_status page; its third line is accepts, handled, requests."""
    return int(page.splitlines()[2].split()[2])


def fill(case: Case, port: int, origin_port: int) -> None:
    """Ask for all that `case` asks for until none of the requests goes to the origin."""
    targets, asked = case.traffic.distinct(), 0
    for _ in range(FILL_ATTEMPTS):
        before = origin_requests(origin_port)
        fetch_all((target.path for target in targets), _connection(case.protocol, port), f"{HOST}:{port}")
        # The count itself is one request.
        asked = origin_requests(origin_port) - before - 1
        if asked == 0:
            return
    raise BenchError(f"not hits: {asked} of {len(targets)} went to the origin when asked {FILL_ATTEMPTS} times")


def fetch_all(paths: Iterable[str], connection: http.client.HTTPConnection, host: str) -> None:
    """Ask for paths over one connection and read the answers to the end; each must be 200."""
    headers = dict(BROWSER_HEADERS) | {"Host": host}
    try:
        for path in paths:
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as response:
                while response.read(PIECE_BYTES):
                    pass
            if response.status != 200:
                raise BenchError(f"status {response.status} instead of 200 for {path}")
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"could not fetch from port {connection.port}: {error!r}") from error
    finally:
        connection.close()


def check_answer(case: Case, port: int, origin_port: int, folder: Path, *, marks_hits: bool = True) -> None:
    """Make sure that `case`'s sample is answered with the right content, from the cache where that is the case."""
    answer = ask(case, port, folder)
    if case.outcome is Outcome.HIT:
        answer = _answer_without_origin(case, port, origin_port, folder)
    if reason := mistake_in(case, answer, marks_hits=marks_hits):
        raise BenchError(reason)


def _answer_without_origin(case: Case, port: int, origin_port: int, folder: Path) -> Answer:
    for _ in range(FILL_ATTEMPTS):
        before = origin_requests(origin_port)
        answer = ask(case, port, folder)
        if origin_requests(origin_port) - before == 1:
            return answer
    raise BenchError(f"not a hit: every one of {FILL_ATTEMPTS} repeated requests went to the origin")


def ask(case: Case, port: int, folder: Path) -> Answer:
    """Send the sample of `case` once and return the answer."""
    if case.protocol is Protocol.H3:
        return _asked_over_http3(case, port, folder)
    content, target = folder / "probe-content", case.traffic.sample
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
    command += [] if target.part is None else ["--header", f"Range: {target.part}"]
    url = f"{case.protocol.scheme}://{HOST}:{port}{target.path}"
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False, timeout=20)
    if done.returncode != 0:
        raise BenchError(f"curl could not get {url}: {done.stderr.strip()}")
    return _parse_answer(done.stdout, content.read_bytes())


def _asked_over_http3(case: Case, port: int, folder: Path) -> Answer:
    target = case.traffic.sample
    request = Request(method="GET", target=target.path, fields=list(BROWSER_HEADERS), authority=f"{HOST}:{port}")
    try:
        response, suite = asyncio.run(_http3_answer(request, port, (folder / CHAIN_NAME).read_text()))
    except (OSError, TimeoutError) as error:
        raise BenchError(f"no answer over HTTP/3 from port {port}: {error!r}") from error
    if response is None:
        raise BenchError(f"the request for {target.path} over HTTP/3 was not answered")
    fields = dict(response.fields)
    return Answer(
        status=response.status, http_version="3", headers=fields, content=response.content, cipher_suite=suite
    )


async def _http3_answer(request: Request, port: int, root_pem: str) -> tuple[Response | None, str]:
    """The response, and the cipher suite that the server chose of all, in the order that oha offers them too."""
    async with asyncio.timeout(FETCH_SECONDS), http3_session(("127.0.0.1", port), HOST, root_pem) as session:
        session.send([request])
        (response,) = await session.receive()
        return response, session.cipher_suite()


def mistake_in(case: Case, answer: Answer, *, marks_hits: bool = True) -> str | None:
    """Say what is wrong with `answer` to the sample of `case`, or None."""
    target = case.traffic.sample
    if answer.status != target.status:
        return f"status {answer.status} instead of {target.status}"
    if answer.http_version != PROTOCOL_VERSIONS[case.protocol]:
        return f"HTTP/{answer.http_version} instead of {case.protocol}"
    if answer.content != (right := target.content()):
        return f"{len(answer.content)} bytes of content that are not the {len(right)} of {target.line()}"
    if case.protocol is Protocol.H3 and answer.cipher_suite != CIPHER_SUITE:
        return f"{answer.cipher_suite} instead of {CIPHER_SUITE}"
    if case.outcome is Outcome.HIT and marks_hits and not is_marked_hit(answer.headers):
        return f"no header field marks the response as a hit: {dict(answer.headers)}"
    return None


def is_marked_hit(headers: Mapping[str, str]) -> bool:
    """Tell whether a response says that it came from a cache: by X-Cache, X-Cache-Status or Age."""
    marks = [headers[name] for name in ("x-cache", "x-cache-status") if name in headers]
    if marks:
        return all(mark.lower().startswith("hit") for mark in marks)
    return "age" in headers


def _connection(protocol: Protocol, port: int) -> http.client.HTTPConnection:
    if protocol is Protocol.H1:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=FETCH_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the certificate is made for this run; what is checked here is content
    return http.client.HTTPSConnection(HOST, port, timeout=FETCH_SECONDS, context=context)


def _parse_answer(written: str, content: bytes) -> Answer:
    report = json.loads(written)
    headers = {name: values[-1] for name, values in report["headers"].items()}
    return Answer(status=report["status"], http_version=report["version"], headers=headers, content=content)


FILL_ATTEMPTS = 5
FETCH_SECONDS = 20
PIECE_BYTES = 1 << 20

PROTOCOL_FLAGS = {
    Protocol.H1: ["--http1.1"],
    Protocol.H1_TLS: ["--http1.1", "--insecure", "--tlsv1.3"],
    Protocol.H2_TLS: ["--http2", "--insecure", "--tlsv1.3"],
}
PROTOCOL_VERSIONS = {Protocol.H1: "1.1", Protocol.H1_TLS: "1.1", Protocol.H2_TLS: "2", Protocol.H3: "3"}
