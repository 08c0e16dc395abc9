"""HTTP/1.1 requests that two servers could read differently: refused, or passed on in a form that leaves no choice.

Each case is a known way to smuggle a request, by the names of the literature (CL.TE: the first server goes by
Content-Length, the second by Transfer-Encoding; 0: it takes the content for the next request). What counts is what the
origin saw, and that the next viewer on its connection gets the right answer.
"""

import contextlib
from dataclasses import dataclass

import pytest

from smuggling.origins import Seen
from smuggling.stand import HOST, Stand, connect, converse, read_to_end, statuses

SMUGGLED = f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


@dataclass(frozen=True, slots=True)
class Case:
    """What a viewer sends and what that means."""

    sent: bytes
    statuses: tuple[int, ...]
    """Of the edge's responses; it closes the connection after the last."""
    meant: tuple[Seen, ...] = ()
    """What the origin must see: nothing of what is refused."""


def post(*lines: str, content: bytes = b"", method: str = "POST", version: str = "HTTP/1.1") -> bytes:
    """A request for /meant with these lines after Host, as they stand."""
    head = "\r\n".join([f"{method} /meant {version}", f"Host: {HOST}", *lines])
    return head.encode("latin-1") + b"\r\n\r\n" + content


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def refused(sent: bytes, status: int = 400) -> Case:
    return Case(sent, (status,))


def accepted(sent: bytes, content: bytes = b"", method: str = "POST") -> Case:
    return Case(sent, (200,), (Seen(method, "/meant", content),))


CLOSE = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

TWO_FRAMINGS = {
    "CL.TE": refused(post(f"Content-Length: {len(END + SMUGGLED)}", CHUNKED, content=END + SMUGGLED)),
    "TE.CL": refused(post(CHUNKED, "Content-Length: 4", content=chunk(SMUGGLED) + END)),
    "CL.TE with a length of 0": refused(post("Content-Length: 0", CHUNKED, content=END + SMUGGLED)),
    "CL.TE in HTTP/1.0": refused(post("Content-Length: 5", CHUNKED, content=END + SMUGGLED, version="HTTP/1.0")),
    "TE in HTTP/1.0": refused(post(CHUNKED, content=END + SMUGGLED, version="HTTP/1.0")),
    "CL.TE with a wrong length": refused(post("Content-Length: x", CHUNKED, content=END + SMUGGLED)),
    "TE.0": accepted(post(CHUNKED, CLOSE, content=chunk(SMUGGLED) + END), SMUGGLED),
    "CL.0": accepted(post(f"Content-Length: {len(SMUGGLED)}", CLOSE, content=SMUGGLED), SMUGGLED),
    "0.CL": refused(post("Content-Length:", content=SMUGGLED)),
    "two lengths": refused(post("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", content=SMUGGLED)),
    "two lengths, the longer first": refused(
        post(f"Content-Length: {len(SMUGGLED)}", "Content-Length: 0", content=SMUGGLED)
    ),
    "two lengths in one line": refused(post(f"Content-Length: 0, {len(SMUGGLED)}", content=SMUGGLED)),
    "two equal lengths": accepted(post("Content-Length: 5", "Content-Length: 5", CLOSE, content=b"hello"), b"hello"),
    "more content than its length": Case(
        post("Content-Length: 5", content=b"hello" + SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")),
        (200, 200),
        (Seen("POST", "/meant", b"hello"), Seen("GET", "/smuggled")),
    ),
}
"""The last is no smuggling: pipelined requests of one viewer are its own."""

CODINGS = {
    f"TE.TE {name}": refused(post(*lines, content=END + SMUGGLED))
    for name, lines in {
        "unknown coding": ["Transfer-Encoding: xchunked"],
        "identity": ["Transfer-Encoding: identity"],
        "empty": ["Transfer-Encoding:"],
        "chunked twice": [CHUNKED, CHUNKED],
        "chunked twice in one line": ["Transfer-Encoding: chunked, chunked"],
        "chunked is not last": [CHUNKED, "Transfer-Encoding: identity"],
        "chunked is last of two": ["Transfer-Encoding: identity", CHUNKED],
        "a comma before": ["Transfer-Encoding: ,chunked"],
        "a parameter": ["Transfer-Encoding: chunked;q=1"],
        "quotes": ['Transfer-Encoding: "chunked"'],
        "a vertical tab": ["Transfer-Encoding: \x0bchunked"],
        "a form feed": ["Transfer-Encoding: chunked\x0c"],
        "a no-break space": ["Transfer-Encoding: \xa0chunked"],
        "space before the colon": ["Transfer-Encoding : chunked"],
        "tab before the colon": ["Transfer-Encoding\t: chunked"],
        "space before the name": [" Transfer-Encoding: chunked"],
        "folded": ["Transfer-Encoding:\r\n chunked"],
        "folded after the name of another field": ["X-A: b\r\n\tTransfer-Encoding: chunked"],
        "CR within": ["X-A: b\rTransfer-Encoding: chunked"],
        "NUL": ["Transfer-Encoding: chunked\0"],
        "NUL before the colon": ["Transfer-Encoding\0: chunked"],
        "no colon": ["Transfer-Encoding chunked"],
    }.items()
} | {
    "TE.TE another case": accepted(post("tRANSFER-eNCODING: cHUNKED", CLOSE, content=chunk(b"hello") + END), b"hello"),
    "TE.TE white space around": accepted(
        post("Transfer-Encoding: \t chunked \t", CLOSE, content=chunk(b"hello") + END), b"hello"
    ),
    "TE.TE an underscore": accepted(
        post("Transfer_Encoding: chunked", "Content-Length: 5", CLOSE, content=b"hello"), b"hello"
    ),
    "CL.CL an underscore": accepted(post("Content_Length: 4", "Content-Length: 5", CLOSE, content=b"hello"), b"hello"),
    "0.CL an underscore": accepted(post(f"Content_Length: {len(SMUGGLED)}", CLOSE)),
    "0.TE an underscore": accepted(post("Transfer_Encoding: chunked", CLOSE)),
    "0.TE named by Connection": accepted(
        post("Content-Length: 5", "Connection: close, content-length", content=b"hello"), b"hello"
    ),
}

CHUNKS = {
    f"chunk {name}": refused(post(CHUNKED, content=content + SMUGGLED))
    for name, content in {
        "size with a plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "size with a minus": b"-1\r\nhello\r\n0\r\n\r\n",
        "size in hexadecimal notation": b"0x5\r\nhello\r\n0\r\n\r\n",
        "size with an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
        "size with space before": b" 5\r\nhello\r\n0\r\n\r\n",
        "size with space within": b"0 5\r\nhello\r\n0\r\n\r\n",
        "size of 2^64": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
        "size of 2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "size of 2^32 + 5 with a sign": b"+100000005\r\nhello\r\n0\r\n\r\n",
        "size missing": b"\r\nhello\r\n0\r\n\r\n",
        "size of no digits": b"five\r\nhello\r\n0\r\n\r\n",
        "ending with a lone LF": b"5\nhello\r\n0\r\n\r\n",
        "ending with a lone CR": b"5\rhello\r\n0\r\n\r\n",
        "data longer than its size": b"5\r\nhello!\r\n0\r\n\r\n",
        "data ending with LF": b"5\r\nhello\n0\r\n\r\n",
        "extension with a lone LF": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        "extension with a lone CR": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        "last one ending with a lone LF": b"5\r\nhello\r\n0\n\n",
        "extensions without end": b"5;" + b"a" * 20_000 + b"\r\nhello\r\n0\r\n\r\n",
        "trailers without end": b"0\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n",
        "trailer that is no field": b"5\r\nhello\r\n0\r\nno field\r\n\r\n",
    }.items()
} | {
    "chunk size with leading zeros": accepted(
        post(CHUNKED, CLOSE, content=b"0000005\r\nhello\r\n000\r\n\r\n"), b"hello"
    ),
    "chunk size with space after": accepted(post(CHUNKED, CLOSE, content=b"5 \t\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "chunk extensions": accepted(post(CHUNKED, CLOSE, content=b'5;a=b;c="0\\"d"\r\nhello\r\n0;e\r\n\r\n'), b"hello"),
    "framing fields in trailers": accepted(
        post(
            CHUNKED,
            "Trailer: Content-Length, Transfer-Encoding, Host",
            CLOSE,
            content=b"5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: a.example\r\n\r\n",
        ),
        b"hello",
    ),
}

LINES = {
    "NUL in a name": refused(post("X\0A: b")),
    "NUL in a value": refused(post("X-A: b\0c")),
    "NUL in the target": refused(b"GET /me\0ant HTTP/1.1\r\nHost: %b\r\n\r\n" % HOST.encode()),
    "CR in a value": refused(post("X-A: b\rc")),
    "CR at the end of the head": refused(post("X-A: b\r")),
    "CR in the target": refused(b"GET /me\rant HTTP/1.1\r\nHost: %b\r\n\r\n" % HOST.encode()),
    "a folded line": refused(post("X-A: b", " c")),
    "a folded line before all fields": refused(b"GET /meant HTTP/1.1\r\n Host: %b\r\n\r\n" % HOST.encode()),
    "space before the colon": refused(post("Content-Length : 5", content=b"hello")),
    "space within a name": refused(post("Content Length: 5", content=b"hello")),
    "an empty name": refused(post(": 5")),
    "no colon": refused(post("Content-Length")),
    "two spaces in the request line": refused(b"POST  /meant HTTP/1.1\r\nHost: %b\r\n\r\n" % HOST.encode()),
    "a tab in the request line": refused(b"POST\t/meant HTTP/1.1\r\nHost: %b\r\n\r\n" % HOST.encode()),
    "another request line in the target": refused(
        b"GET /meant HTTP/1.1\tGET /smuggled HTTP/1.1\r\nHost: %b\r\n\r\n" % HOST.encode()
    ),
    "HTTP/0.9": refused(b"GET /meant\r\n\r\n"),
    "HTTP/1.2": refused(post(version="HTTP/1.2")),
    "HTTP/2.0": refused(post(version="HTTP/2.0")),
    "a lone LF after each line": accepted(
        f"POST /meant HTTP/1.1\nHost: {HOST}\nContent-Length: 5\n{CLOSE}\n\nhello".encode(), b"hello"
    ),
    "a lone LF hides no field": accepted(post(f"X-A: b\nContent-Length: 5\n{CLOSE}", content=b"hello"), b"hello"),
    "a lone LF hides no second framing": refused(post(f"X-A: b\nContent-Length: 5\n{CHUNKED}", content=b"hello")),
    "empty lines before the request": accepted(
        b"\r\n\r\n" + post("Content-Length: 5", CLOSE, content=b"hello"), b"hello"
    ),
}

TARGETS = {
    "a target in absolute form for another host": refused(
        f"GET http://nobody.example.com/meant HTTP/1.1\r\nHost: {HOST}\r\n{CLOSE}\r\n\r\n".encode(), 403
    ),
    "an authority with user information": refused(
        f"GET http://a@{HOST}/meant HTTP/1.1\r\nHost: {HOST}\r\n{CLOSE}\r\n\r\n".encode()
    ),
    "two Hosts": refused(post("Host: nobody.example.com", CLOSE)),
    "two equal Hosts": refused(post(f"Host: {HOST}", CLOSE)),
    "a list of Hosts": refused(f"GET /meant HTTP/1.1\r\nHost: {HOST}, {HOST}\r\n{CLOSE}\r\n\r\n".encode()),
    "CONNECT": refused(f"CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}\r\n{CLOSE}\r\n\r\n".encode() + SMUGGLED),
    "an asterisk": refused(f"OPTIONS * HTTP/1.1\r\nHost: {HOST}\r\n{CLOSE}\r\n\r\n".encode()),
    "no slash": refused(f"GET meant HTTP/1.1\r\nHost: {HOST}\r\n{CLOSE}\r\n\r\n".encode()),
}

CONTENT = {
    "content of GET": refused(post(f"Content-Length: {len(SMUGGLED)}", CLOSE, content=SMUGGLED, method="GET"), 403),
    "chunked content of GET": refused(post(CHUNKED, CLOSE, content=chunk(SMUGGLED) + END, method="GET"), 403),
    "content of HEAD": refused(post(f"Content-Length: {len(SMUGGLED)}", CLOSE, content=SMUGGLED, method="HEAD"), 403),
} | {
    f"{kind} content of {method}": accepted(post(framing, CLOSE, content=content, method=method), SMUGGLED, method)
    for method in ["OPTIONS", "DELETE", "PUT", "PATCH"]
    for kind, framing, content in [
        ("fixed", f"Content-Length: {len(SMUGGLED)}", SMUGGLED),
        ("chunked", CHUNKED, chunk(SMUGGLED) + END),
    ]
}

UPGRADES = {
    "h2c": accepted(
        post(
            "Connection: Upgrade, HTTP2-Settings, close",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__",
            method="GET",
        ),
        method="GET",
    ),
    "h2c with content": accepted(
        post(
            "Connection: Upgrade, HTTP2-Settings, close",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__",
            f"Content-Length: {len(SMUGGLED)}",
            content=SMUGGLED,
        ),
        SMUGGLED,
    ),
    "h2c with prior knowledge": Case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED, ()),
    "an early websocket": accepted(
        post(
            "Connection: Upgrade, close",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            method="GET",
        ),
        method="GET",
    ),
    "a request right behind an Upgrade": Case(
        post("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 777", method="GET")
        + SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        (200, 200),
        (Seen("GET", "/meant"), Seen("GET", "/smuggled")),
    ),
}
"""The edge upgrades nothing: every byte after the head of such a request is content or the viewer's next request."""

EXPECTATIONS = {
    "Expect: 100-continue": Case(
        post("Expect: 100-continue", "Content-Length: 5", CLOSE, content=b"hello"),
        (100, 200),
        (Seen("POST", "/meant", b"hello"),),
    ),
    "Expect: 100-continue, chunked": Case(
        post("Expect: 100-continue", CHUNKED, CLOSE, content=chunk(SMUGGLED) + END),
        (100, 200),
        (Seen("POST", "/meant", SMUGGLED),),
    ),
    "Expect: 100-continue without content": accepted(post("Expect: 100-continue", CLOSE, method="GET"), method="GET"),
    "Expect: 100-continue of a refused request": refused(
        post("Expect: 100-continue", f"Content-Length: {len(SMUGGLED)}", CLOSE, content=SMUGGLED, method="GET"), 403
    ),
    "an unknown expectation": refused(post("Expect: y", "Content-Length: 5", CLOSE, content=b"hello"), 417),
    "Expect: 100-continue beside another": refused(
        post("Expect: y 100-continue", f"Content-Length: {len(SMUGGLED)}", CLOSE, content=SMUGGLED), 417
    ),
    "two expectations": refused(
        post("Expect: 100-continue", "Expect: y", f"Content-Length: {len(SMUGGLED)}", CLOSE, content=SMUGGLED), 417
    ),
}

CASES = TWO_FRAMINGS | CODINGS | CHUNKS | LINES | TARGETS | CONTENT | UPGRADES | EXPECTATIONS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_origin_sees_more_than_was_meant(stand: Stand, case: Case) -> None:
    before = stand.innocent()
    received = converse(stand.clear, case.sent)
    after = stand.innocent()

    assert tuple(statuses(received)) == case.statuses, received
    assert tuple(stand.seen_between(before, after)) == case.meant


@pytest.mark.parametrize("case", TWO_FRAMINGS.values(), ids=TWO_FRAMINGS)
def test_nor_over_tls(stand: Stand, case: Case) -> None:
    before = stand.innocent()
    received = converse(stand.tls, case.sent, tls=True)
    after = stand.innocent()

    assert tuple(statuses(received)) == case.statuses, received
    assert tuple(stand.seen_between(before, after)) == case.meant


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("name", ["CL.TE", "TE.CL", "TE.0", "CL.0"])
def test_how_bytes_are_cut_into_packets_changes_nothing(stand: Stand, name: str, pieces: int) -> None:
    case = TWO_FRAMINGS[name]
    before = stand.innocent()
    with connect(stand.clear, None) as viewer:
        # Once the edge has refused it resets the connection, and with it perhaps its own answer.
        with contextlib.suppress(OSError):
            for start in range(0, len(case.sent), pieces):
                viewer.sendall(case.sent[start : start + pieces])
        received = read_to_end(viewer)
    after = stand.innocent()

    assert not case.meant or tuple(statuses(received)) == case.statuses, received
    assert tuple(stand.seen_between(before, after)) == case.meant
