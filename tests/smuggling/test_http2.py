"""HTTP/2 requests that would mean something else once they are written as HTTP/1.1: refused before that.

HTTP/2 has its own framing, so lengths, codings and line ends in its fields are only words; a server that writes them
into an HTTP/1.1 request lets the viewer frame it (H2.CL, H2.TE, header injection).
"""

from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events
import pytest

from smuggling.origins import Seen
from smuggling.stand import HOST, Stand, connect

SMUGGLED = f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()

Lines = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One stream: its fields, its content, and what becomes of it."""

    fields: Lines
    content: bytes | None = None
    """None: the stream ends with its fields."""
    status: int | None = None
    """None: the stream or the connection is reset without a response."""
    meant: tuple[Seen, ...] = ()


def fields(*more: tuple[str, str], method: str = "POST", **pseudo: str | None) -> Lines:
    """A request for /meant with `more`; `pseudo` replaces pseudo-header fields, None leaves one out."""
    all_pseudo = {"method": method, "scheme": "https", "authority": HOST, "path": "/meant"} | pseudo
    return [(f":{name}", value) for name, value in all_pseudo.items() if value is not None] + list(more)


def length(value: object) -> tuple[str, str]:
    return ("content-length", str(value))


H2_CL = {
    "H2.CL shorter than the content": Case(fields(length(0)), SMUGGLED),
    "H2.CL shorter by some": Case(fields(length(3)), b"abc" + SMUGGLED),
    "H2.CL longer than the content": Case(fields(length(len(SMUGGLED) + 50)), SMUGGLED),
    "H2.CL without content": Case(fields(length(len(SMUGGLED)))),
    "H2.CL without content of GET": Case(fields(length(len(SMUGGLED)), method="GET")),
    "H2.CL without content of OPTIONS": Case(fields(length(len(SMUGGLED)), method="OPTIONS")),
    "H2.CL that is no number": Case(fields(length("x")), SMUGGLED),
    "H2.CL that is no number, without content": Case(fields(length("x"))),
    "H2.CL with a sign": Case(fields(length(f"+{len(SMUGGLED)}")), SMUGGLED),
    "H2.CL twice": Case(fields(length(len(SMUGGLED)), length(0)), SMUGGLED),
    "H2.CL twice, 0 first": Case(fields(length(0), length(len(SMUGGLED)))),
    "H2.CL as a list": Case(fields(length(f"{len(SMUGGLED)}, 0")), SMUGGLED),
    "H2.CL that is right": Case(fields(length(len(SMUGGLED))), SMUGGLED, 200, (Seen("POST", "/meant", SMUGGLED),)),
    "no length": Case(fields(), SMUGGLED, 200, (Seen("POST", "/meant", SMUGGLED),)),
    "no length of DELETE": Case(fields(method="DELETE"), SMUGGLED, 200, (Seen("DELETE", "/meant", SMUGGLED),)),
    "content of GET": Case(fields(method="GET"), SMUGGLED, status=403),
    "an empty frame at the end of GET": Case(fields(method="GET"), b"", 200, (Seen("GET", "/meant"),)),
    "an empty frame at the end of HEAD": Case(fields(method="HEAD"), b"", 200, (Seen("HEAD", "/meant"),)),
    "an underscore": Case(fields(("content_length", "40")), b"hello", 200, (Seen("POST", "/meant", b"hello"),)),
}

H2_TE = {
    f"H2.TE {name}": Case(fields(*lines), content)
    for name, lines, content in [
        ("chunked", [("transfer-encoding", "chunked")], b"0\r\n\r\n" + SMUGGLED),
        ("chunked without content", [("transfer-encoding", "chunked")], None),
        ("identity", [("transfer-encoding", "identity")], SMUGGLED),
        ("beside a length", [("transfer-encoding", "chunked"), length(5)], b"0\r\n\r\n"),
        ("connection", [("connection", "transfer-encoding")], None),
        ("keep-alive", [("keep-alive", "timeout=5")], None),
        ("upgrade", [("connection", "upgrade"), ("upgrade", "h2c")], None),
        ("proxy-connection", [("proxy-connection", "keep-alive")], None),
        ("te other than trailers", [("te", "chunked")], None),
    ]
} | {
    "H2.TE an underscore": Case(
        fields(("transfer_encoding", "chunked")), b"0\r\n\r\n", 200, (Seen("POST", "/meant", b"0\r\n\r\n"),)
    ),
}

INJECTED = "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nX: "

INJECTION = {
    f"CR LF in {name}": Case(lines, b"hello")
    for name, lines in {
        "a value": fields(("x-a", f"b{INJECTED}")),
        "a name": fields((f"x-a: b{INJECTED}", "c")),
        "the path": fields(path=f"/meant HTTP/1.1{INJECTED}"),
        "the method": fields(method=f"POST /meant HTTP/1.1{INJECTED}"),
        "the authority": fields(authority=f"{HOST}{INJECTED}"),
        "the scheme": fields(scheme=f"https{INJECTED}"),
        "the length": fields(length(f"5{INJECTED}")),
    }.items()
} | {
    f"{name}": Case(lines, None)
    for name, lines in {
        "CR alone in a value": fields(("x-a", "b\rc")),
        "LF alone in a value": fields(("x-a", "b\nTransfer-Encoding: chunked")),
        "NUL in a value": fields(("x-a", "b\0c")),
        "a colon in a name": fields(("transfer-encoding: chunked\r\nx", "b")),
        "a colon that begins a name": fields((":x", "b")),
        "a space in a name": fields(("content-length 5", "b")),
        "a space at the end of a name": fields(("content-length ", "5")),
        "upper case in a name": fields(("Content-Length", "5")),
        "an empty name": fields(("", "b")),
        "NUL in a name": fields(("x\0a", "b")),
    }.items()
}

PADDED = {
    "a space at the start of a value": Case(fields(("x-a", " b")), status=400),
    "a tab at the end of a value": Case(fields(("x-a", "b\t")), status=400),
}

PSEUDO = {
    f"pseudo-header: {name}": Case(lines, None, status)
    for name, lines, status in [
        ("a space in the path", fields(path="/meant HTTP/1.1"), None),
        ("two paths", [*fields(), (":path", "/smuggled")], None),
        ("two methods", [(":method", "GET"), *fields()], None),
        ("two authorities", [(":authority", "nobody.example.com"), *fields()], None),
        ("two schemes", [(":scheme", "http"), *fields()], None),
        ("after a field", [*fields(path=None), ("x-a", "b"), (":path", "/meant")], None),
        ("of a response", [*fields(), (":status", "200")], None),
        ("unknown", [(":x-a", "b"), *fields()], None),
        ("no path", fields(path=None), None),
        ("an empty path", fields(path=""), None),
        ("a path without slash", fields(path="meant"), None),
        ("a path in absolute form", fields(path=f"https://{HOST}/meant"), None),
        ("no method", fields(method=None), None),  # type: ignore[arg-type]
        ("a method with a space", fields(method="GET /smuggled"), None),
        ("an empty method", fields(method=""), None),
        ("no scheme", fields(scheme=None), None),
        ("a scheme that is a URL", fields(scheme="https://nobody.example.com/?"), None),
        ("an asterisk", fields(path="*", method="OPTIONS"), 400),
        ("CONNECT", [(":method", "CONNECT"), (":authority", HOST)], 400),
        ("extended CONNECT to something else", [*fields(method="CONNECT"), (":protocol", "connect-udp")], 400),
        ("an authority with user information", fields(authority=f"a@{HOST}"), 400),
        ("an authority with a path", fields(authority=f"{HOST}/x"), None),
        ("an authority with a space", fields(authority=f"{HOST} x"), None),
        ("an empty authority", fields(authority=""), None),
        ("a Host of another name", fields(("host", "nobody.example.com")), 400),
        ("two Hosts", fields(("host", HOST), ("host", "nobody.example.com")), 400),
        ("a Host in place of the authority, twice", fields(("host", HOST), ("host", HOST), authority=None), 400),
        ("neither authority nor Host", fields(authority=None), 400),
    ]
} | {
    "pseudo-header: another scheme": Case(fields(scheme="ftp"), None, 200, (Seen("POST", "/meant"),)),
    "pseudo-header: a Host of the same name": Case(fields(("host", HOST)), None, 200, (Seen("POST", "/meant"),)),
    "pseudo-header: a Host in place of the authority": Case(
        fields(("host", HOST), authority=None), None, 200, (Seen("POST", "/meant"),)
    ),
}

CASES = H2_CL | H2_TE | INJECTION | PADDED | PSEUDO


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_origin_sees_more_than_was_meant(stand: Stand, case: Case) -> None:
    before = stand.innocent()
    status = ask(stand.tls, case)
    after = stand.innocent()

    assert tuple(stand.seen_between(before, after)) == case.meant
    assert status == case.status


def ask(address: str, case: Case) -> int | None:
    """The status of the response; None where the edge resets stream or connection."""
    session = h2.connection.H2Connection(SENDS_ANYTHING)
    session.initiate_connection()
    session.send_headers(1, case.fields, end_stream=case.content is None)
    if case.content is not None:
        session.send_data(1, case.content, end_stream=True)
    with connect(address, "h2") as viewer:
        viewer.sendall(session.data_to_send())
        status = None
        while received := viewer.recv(65536):
            for event in session.receive_data(received):
                match event:
                    case h2.events.ResponseReceived():
                        status = int(dict(event.headers)[b":status"])
                    case h2.events.StreamEnded() | h2.events.StreamReset() | h2.events.ConnectionTerminated():
                        return status
            viewer.sendall(session.data_to_send())
    return status


SENDS_ANYTHING = h2.config.H2Configuration(
    header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
)


def test_a_switch_to_websocket_is_one_request(stand: Stand) -> None:
    before = stand.innocent()
    ask(stand.tls, Case([*fields(method="CONNECT"), (":protocol", "websocket")], None, None, ()))
    after = stand.innocent()

    assert tuple(stand.seen_between(before, after)) == (Seen("GET", "/meant"),)
