"""Bad input over real sockets, to a control plane in a process of its own.

Whatever comes: AWS's code and status or a closed connection, nothing stored, no traceback, the same process, and memory
that does not grow with what was sent.
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from faults.api_process import ACCESS_KEY, SECRET_KEY, ApiProcess, Caller

MEBIBYTE = 1024 * 1024
POLICY = "/2020-05-31/cache-policy"
NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
CONFIG = (f'<CachePolicyConfig xmlns="{NAMESPACE}"><Name>hostile</Name><MinTTL>1</MinTTL></CachePolicyConfig>').encode()
MOST_GROWTH = 200 * MEBIBYTE
"""Above what the process had when it was idle: the room for bodies, and what they are read with."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "stderr"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[ApiProcess]:
    state = tmp_path_factory.mktemp("state")
    running = ApiProcess(state, f"sqlite:///{state / 'api.db'}", "publish", log=log)
    running.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def unharmed(process: ApiProcess, log: Path) -> Iterator[None]:
    """What holds after every test."""
    pid = process.pid
    before = resident(pid)
    yield
    caller = Caller(process.port)
    listed = caller.call("ListCachePolicies")
    caller.close()
    assert {policy["Type"] for policy in listed.members["CachePolicyList"]["Items"]} == {"managed"}
    assert process.pid == pid
    assert "Traceback" not in log.read_text()
    assert resident(pid) - before < MOST_GROWTH


def resident(pid: int) -> int:
    """The most memory that a process had at a time, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def head(
    port: int,
    body: bytes,
    fields: Mapping[str, str] = MappingProxyType({}),
    *,
    path: str = POLICY,
    signed: bytes | None = None,
) -> bytes:
    """The head of a signed POST; `signed`: the body that the signature is for; `fields` replace or add to the head."""
    authority = f"127.0.0.1:{port}"
    request = AWSRequest("POST", f"http://{authority}{path}", {"Host": authority}, body if signed is None else signed)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "cloudfront", "us-east-1").add_auth(request)
    sent = {"Content-Length": str(len(body)), **dict(request.headers.items()), **fields}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode()


def connection(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def exchange(port: int, *pieces: bytes) -> bytes:
    """Sends as much as is taken, and returns all that comes until the other side closes or has answered."""
    with connection(port) as peer:
        with suppress(OSError):
            for piece in pieces:
                peer.sendall(piece)
        return answer_from(peer)


def answer_from(peer: socket.socket) -> bytes:
    received = b""
    with suppress(OSError):
        while not is_whole(received) and (piece := peer.recv(65_536)):
            received += piece
    return received


def is_whole(answer: bytes) -> bool:
    start, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", start)
    return bool(separator) and length is not None and len(body) >= int(length[1])


def code_of(answer: bytes) -> tuple[int, str]:
    """Status and code of a refusal."""
    found = re.search(rb"^HTTP/1\.1 (\d+) .*<Code>(\w+)</Code>", answer, re.DOTALL)
    assert found is not None, answer[:400]
    return int(found[1]), found[2].decode()


def test_the_request_of_these_tests_is_one_that_is_answered(process: ApiProcess) -> None:
    broken = CONFIG.replace(b"<Name>hostile</Name>", b"")

    assert code_of(exchange(process.port, head(process.port, broken), broken)) == (400, "MalformedXML")


def test_a_body_of_64_mebibytes_is_refused_by_its_length(process: ApiProcess) -> None:
    fields = {"Content-Length": str(64 * MEBIBYTE)}
    pieces = [b"x" * MEBIBYTE] * 64

    assert code_of(exchange(process.port, head(process.port, b"", fields))) == (413, "RequestEntityTooLarge")
    answer = exchange(process.port, head(process.port, b"", fields), *pieces)
    assert not answer or code_of(answer) == (413, "RequestEntityTooLarge")


def test_a_chunked_body_without_end_is_refused_at_the_limit(process: ApiProcess) -> None:
    fields = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    endless = [chunk] * (64 * MEBIBYTE // 0x10000)

    answer = exchange(process.port, head(process.port, b"", fields), *endless)
    assert not answer or code_of(answer) == (413, "RequestEntityTooLarge")
    with connection(process.port) as peer:
        peer.sendall(head(process.port, b"", fields) + b"".join([chunk] * 129))
        assert code_of(answer_from(peer)) == (413, "RequestEntityTooLarge")


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
XML = {
    "a billion laughs": b'<!DOCTYPE x [<!ENTITY l0 "lol">' + LAUGHS + b"]><x>&l9;</x>",
    "quadratic blowup": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]><x>' + b"&a;" * 100_000 + b"</x>",
    "a file as entity": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
    "a million levels": b"<x>" * 1_000_000,
    "a million attributes": b"<x " + b" ".join(b'a%d=""' % n for n in range(1_000_000 // 10)) + b"/>",
    "a long name": b"<" + b"x" * 7 * MEBIBYTE + b"/>",
    "no end": CONFIG[:-5],
    "bytes that are no UTF-8": CONFIG.replace(b"hostile", b"\xff\xfe\xc0\x80"),
    "UTF-16": CONFIG.decode().encode("utf-16"),
    "a null": CONFIG.replace(b"hostile", b"\0"),
    "JSON": b'{"Name": "hostile", "MinTTL": 1}',
    "a form": b"Name=hostile&MinTTL=1",
    "random bytes": bytes(range(256)) * 100,
}


@pytest.mark.parametrize("body", XML.values(), ids=XML)
def test_a_body_that_is_no_xml_of_ours_is_malformed(process: ApiProcess, body: bytes) -> None:
    answer = exchange(process.port, head(process.port, body), body)
    assert code_of(answer) in {(400, "MalformedXML"), (400, "MalformedInput")}


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "a" * 4_000])
def test_the_content_type_does_not_make_json_of_a_body(process: ApiProcess, kind: str) -> None:
    body = b'{"Name": "hostile", "MinTTL": 1}'

    answer = exchange(process.port, head(process.port, body, {"Content-Type": kind}), body)
    assert code_of(answer) == (400, "MalformedXML")


def test_a_body_that_was_not_signed_is_refused(process: ApiProcess) -> None:
    answer = exchange(process.port, head(process.port, CONFIG, signed=b""), CONFIG)

    assert code_of(answer) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "value", ["", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=\u00ff", "Basic " + "x" * 4_000]
)
def test_an_authorization_that_is_none_is_refused(process: ApiProcess, value: str) -> None:
    status, code = code_of(exchange(process.port, head(process.port, CONFIG, {"Authorization": value}), CONFIG))

    assert (status, code) in {(403, "MissingAuthenticationToken"), (400, "IncompleteSignature")}


@pytest.mark.parametrize(
    "path", ["/%ff%fe", "/2020-05-31/%00", "/2020-05-31/../../etc/passwd", "/" + "a" * 8_000, "//"]
)
def test_a_path_that_is_none_is_refused(process: ApiProcess, path: str) -> None:
    answer = exchange(process.port, head(process.port, CONFIG, path=path), CONFIG)

    assert code_of(answer)[0] in (400, 403, 404)


def cut_in_the_head(port: int) -> bytes:
    return head(port, CONFIG)[:-20]


def cut_in_the_body(port: int) -> bytes:
    return head(port, CONFIG) + CONFIG[: len(CONFIG) // 2]


def cut_in_a_chunk(port: int) -> bytes:
    fields = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    return head(port, CONFIG, fields) + b"fff\r\n" + CONFIG


HALVES = [cut_in_the_head, cut_in_the_body, cut_in_a_chunk]


@pytest.mark.parametrize("half", HALVES)
def test_a_request_that_is_cut_leaves_nothing(process: ApiProcess, half: Callable[[int], bytes]) -> None:
    for _ in range(50):
        with connection(process.port) as peer:
            peer.sendall(half(process.port))


@pytest.mark.parametrize("half", HALVES)
def test_a_request_whose_sender_stops_sending_is_not_carried_out(
    process: ApiProcess, half: Callable[[int], bytes]
) -> None:
    with connection(process.port) as peer:
        peer.sendall(half(process.port))
        peer.shutdown(socket.SHUT_WR)
        answer = answer_from(peer)

    assert not answer.startswith(b"HTTP/1.1 2")


def test_slow_bodies_keep_nobody_else_waiting(process: ApiProcess) -> None:
    with ExitStack() as peers:
        for _ in range(200):
            peer = peers.enter_context(connection(process.port))
            peer.sendall(cut_in_the_body(process.port))
        caller = Caller(process.port)
        assert caller.call("ListDistributions").status == 200
        caller.close()


def test_large_bodies_that_never_end_have_a_bounded_room(process: ApiProcess) -> None:
    """Thirty times 7 MiB is more than there is room for: some are refused, and the others wait."""
    announced = {"Content-Length": str(8 * MEBIBYTE)}
    with ExitStack() as peers:
        waiting = []
        for _ in range(30):
            peer = peers.enter_context(connection(process.port))
            peer.settimeout(10)
            with suppress(OSError):
                peer.sendall(head(process.port, b"", announced) + b"x" * (7 * MEBIBYTE))
            waiting.append(peer)
        refused = code_of(answer_from(waiting[-1]))
        assert refused == (503, "ServiceUnavailable")
        caller = Caller(process.port)
        assert caller.call("ListDistributions").status == 200
        caller.close()


NOISE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "random bytes": bytes(range(256)) * 40,
    "a head without end": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000,
    "a field of a mebibyte": b"GET / HTTP/1.1\r\nA: " + b"b" * MEBIBYTE + b"\r\n\r\n",
    "a target of a mebibyte": b"GET /" + b"a" * MEBIBYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a chunk that is none": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no host": b"GET /2020-05-31/distribution HTTP/1.1\r\n\r\n",
    "a method of its own": b"BREW /2020-05-31/distribution HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_is_refused_or_hung_up_on(process: ApiProcess, noise: bytes) -> None:
    with connection(process.port) as peer:
        with suppress(OSError):
            peer.sendall(noise)
            peer.shutdown(socket.SHUT_WR)
        answer = answer_from(peer)

    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")) or answer[3:4] in (b"\x04", b"\x07")
