"""What a viewer sends over WebSocket, byte by byte: the families of the Autobahn test suite, in its numbering.

The suite itself needs Python 2. Its cases are written here as data: well-formed and malformed frames, cut as the suite
cuts them. Invariant: every case ends by a close frame or by what makes the server end the connection, so that reading
to the end of the stream is all of the answer. Played by `test_transparency`.
"""

import random
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"


@dataclass(frozen=True, slots=True)
class Case:
    """The bytes that a viewer sends after the handshake, in these pieces, and the extension that it asks for before."""

    pieces: tuple[bytes, ...]
    extension: str | None = None


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """One masked frame (RFC 6455 section 5.2)."""
    length = len(payload)
    head = bytes([(fin << 7) | (rsv << 4) | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, length)
    else:
        head += struct.pack("!BQ", 0x80 | 127, length)
    return head + MASK + masked(payload)


def masked(payload: bytes) -> bytes:
    """The payload under the one mask that all cases use."""
    key = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def close(code: int = 1000, reason: bytes = b"") -> bytes:
    """A close frame with a code."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


def chopped(data: bytes, size: int) -> tuple[bytes, ...]:
    """The same bytes in pieces."""
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def fragments(opcode: int, payload: bytes, size: int) -> bytes:
    """One message in frames of `size` bytes."""
    pieces = chopped(payload, size) or (b"",)
    last = len(pieces) - 1
    return b"".join(
        frame(opcode if index == 0 else CONTINUATION, piece, fin=index == last) for index, piece in enumerate(pieces)
    )


def all_cases() -> Mapping[str, Case]:
    """Every case by its name, which begins with the number of its family."""
    families = (_framing, _pings, _reserved_bits, _opcodes, _fragmentation, _utf8, _closing, _limits, _compression)
    return {name: case for family in families for name, case in family()}


def _ended(*data: bytes) -> Case:
    return Case((*data, close()))


Named = Iterator[tuple[str, Case]]


def _framing() -> Named:
    for opcode, letter in ((TEXT, b"*"), (BINARY, b"\xfe")):
        for length in (0, 125, 126, 127, 128, 65535, 65536):
            yield f"1.{opcode} length {length}", _ended(frame(opcode, letter * length))
        whole = frame(opcode, letter * 65536)
        yield f"1.{opcode} length 65536 in pieces of 997", _ended(*chopped(whole, 997))


def _pings() -> Named:
    payloads = {
        "empty": b"",
        "text": b"Hello, world!",
        "binary": b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff",
        "125": b"\xfe" * 125,
    }
    for name, payload in payloads.items():
        yield f"2 ping {name}", _ended(frame(PING, payload))
        yield f"2 pong {name} nobody asked for", _ended(frame(PONG, payload))
    yield "2 ping of 126", _ended(frame(PING, b"\xfe" * 126))
    yield "2 ping byte by byte", _ended(*chopped(frame(PING, b"\xfe" * 125), 1))
    yield "2 pong, then ping", _ended(frame(PONG, b"unasked"), frame(PING, b"ping"))
    ten = b"".join(frame(PING, b"payload-%d" % number) for number in range(10))
    yield "2 ten pings", _ended(ten)
    yield "2 ten pings byte by byte", _ended(*chopped(ten, 1))


def _reserved_bits() -> Named:
    hello = frame(TEXT, b"Hello, world!")
    for rsv in range(1, 8):
        for opcode, name in ((TEXT, "text"), (BINARY, "binary"), (PING, "ping"), (CLOSE, "close")):
            payload = struct.pack("!H", 1000) if opcode == CLOSE else b"x"
            yield f"3 bits {rsv} in {name}", _ended(frame(opcode, payload, rsv=rsv))
        yield f"3 bits {rsv} after a message", _ended(hello, frame(TEXT, b"x", rsv=rsv), frame(PING))
        whole = hello + frame(TEXT, b"x", rsv=rsv)
        yield f"3 bits {rsv} byte by byte", _ended(*chopped(whole, 1))


def _opcodes() -> Named:
    hello = frame(TEXT, b"Hello, world!")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"4 opcode {opcode}", _ended(frame(opcode))
        yield f"4 opcode {opcode} with content", _ended(frame(opcode, b"reserved opcode payload"))
        yield f"4 opcode {opcode} after a message", _ended(hello, frame(opcode), frame(PING))
        yield f"4 opcode {opcode} byte by byte", _ended(*chopped(hello + frame(opcode, b"x"), 1))


def _fragmentation() -> Named:
    one, two = frame(TEXT, b"fragment1", fin=False), frame(CONTINUATION, b"fragment2")
    ping = frame(PING, b"ping payload")
    lone = frame(CONTINUATION, b"non-continuation")
    open_end = frame(CONTINUATION, b"fragment", fin=False)
    sequences = {
        "ping in two": (frame(PING, b"fragment1", fin=False), two),
        "pong in two": (frame(PONG, b"fragment1", fin=False), two),
        "text in two": (one, two),
        "ping between": (one, ping, two),
        "pings between three": (one, ping, open_end, ping, two),
        "continuation of nothing": (lone, frame(TEXT, b"Hello")),
        "open continuation of nothing": (open_end, two),
        "continuation after a message": (one, two, lone),
        "a second beginning": (one, frame(TEXT, b"fragment2")),
        "binary within text": (one, frame(BINARY, b"fragment2")),
        "close within a message": (one, close()),
        "empty pieces": (frame(TEXT, b"", fin=False), frame(CONTINUATION, b"", fin=False), frame(CONTINUATION)),
        "two messages": (one, two, one, two),
    }
    for name, frames in sequences.items():
        yield f"5 {name}", _ended(b"".join(frames))
        yield f"5 {name}, frame by frame", _ended(*frames)
        yield f"5 {name}, byte by byte", _ended(*chopped(b"".join(frames), 1))


VALID = (
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\x00",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
    "￾",
)
INVALID = tuple(
    bytes.fromhex(text)
    for text in (
        "80 bf 80bf 80bf80bf c0 df e0 ef f0 f7 f8 fc fe ff fefeffff c020 e08020 f0808020 c0af e080af f08080af "
        "f8808080af fc80808080af c1bf e09fbf f08fbfbf f887bfbfbf c080 e08080 eda080 edafbf edb080 edbfbf eda080edb080 "
        "f4908080 f7bfbfbf f888808080 fc8480808080 cebae1bdb9cf83cebcceb5eda080656469746564"
    ).split()
)


def _utf8() -> Named:
    for index, text in enumerate(VALID):
        yield f"6 valid {index}", _ended(frame(TEXT, text.encode()))
        yield f"6 valid {index} in fragments of a byte", _ended(fragments(TEXT, text.encode(), 1))
    for index, data in enumerate(INVALID):
        yield f"6 invalid {data.hex()} {index}", _ended(frame(TEXT, data))
        yield f"6 invalid {data.hex()} {index} in fragments of a byte", _ended(fragments(TEXT, data, 1))
        yield f"6 invalid {data.hex()} {index} byte by byte", _ended(*chopped(frame(TEXT, b"ok" + data + b"ok"), 1))


def _closing() -> Named:
    hello = frame(TEXT, b"Hello World!")
    yield "7 message", Case((hello, close()))
    yield "7 two closes", Case((close(), close()))
    yield "7 ping after close", Case((close(), frame(PING)))
    yield "7 message after close", Case((close(), hello))
    yield "7 rest of a message after close", Case((frame(TEXT, b"a", fin=False), close(), frame(CONTINUATION, b"b")))
    yield "7 large message, then close", Case((frame(TEXT, b"BAsd7&jh23" * 26_214), close(), frame(PING)))
    yield "7 close with nothing", Case((frame(CLOSE),))
    yield "7 close with a byte", Case((frame(CLOSE, b"a"),))
    for length in (0, 1, 123, 124):
        yield f"7 reason of {length}", Case((close(1000, b"*" * length),))
    yield "7 reason that is no text", Case((close(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80"),))
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    invalid = (0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    for code in valid + invalid:
        yield f"7 code {code}", Case((close(code),))
        yield f"7 code {code} with a reason", Case((close(code, b"reason"),))


def _limits() -> Named:
    for opcode, name in ((TEXT, "text"), (BINARY, "binary")):
        for kilobytes in (64, 256, 1024, 4096, 10_240):
            yield f"9 {name} of {kilobytes} KiB", _ended(frame(opcode, b"*" * (kilobytes << 10)))
        large = b"*" * (1 << 20)
        for size in (64, 1024, 65536, 1 << 20):
            yield f"9 {name} of 1 MiB in fragments of {size}", _ended(fragments(opcode, large, size))
        for size in (64, 1024, 65536):
            yield f"9 {name} of 1 MiB in pieces of {size}", _ended(*chopped(frame(opcode, large), size))
        for length in (0, 16, 64, 256, 1024):
            messages = b"".join(frame(opcode, b"*" * length) for _ in range(1000))
            yield f"9 a thousand {name} of {length}", _ended(messages)
    yield "10 text of 64 KiB in frames of 1300", _ended(fragments(TEXT, b"*" * 65536, 1300))


OFFERS = (
    "permessage-deflate",
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
)


def _compression() -> Named:
    for index, offer in enumerate(OFFERS):
        for length in (16, 256, 8192, 131_072):
            yield f"12 offer {index}, ten of {length}", _compressed(offer, [_text(length)] * 10)
        yield f"12 offer {index}, a thousand of 64", _compressed(offer, [_text(64)] * 1000)
        yield f"12 offer {index}, plain within", Case((frame(TEXT, _text(64)), close()), offer)
        yield f"12 offer {index}, in fragments", Case((_deflated_in_fragments(_text(8192)), close()), offer)
        yield f"12 offer {index}, broken", Case((frame(TEXT, b"\xff" * 40, rsv=4), close()), offer)
        yield f"12 offer {index}, compressed ping", Case((frame(PING, b"x", rsv=4), close()), offer)


def _text(length: int) -> bytes:
    letters = random.Random(length).choices(b"abcdefgh \n{}", k=length)
    return bytes(letters)


def _compressed(offer: str, messages: Iterable[bytes]) -> Case:
    """Each message by itself, with the smallest window, as every offer allows."""
    frames = (frame(TEXT, _deflated(message), rsv=4) for message in messages)
    return Case((b"".join(frames), close()), offer)


def _deflated(message: bytes) -> bytes:
    """RFC 7692 section 7.2.1."""
    compressor = zlib.compressobj(wbits=-9)
    return (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _deflated_in_fragments(message: bytes) -> bytes:
    data = _deflated(message)
    return frame(TEXT, data[:100], fin=False, rsv=4) + frame(PING) + frame(CONTINUATION, data[100:])
