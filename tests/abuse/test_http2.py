"""HTTP/2 viewers who make work instead of requests: cut off, counted, and what they asked for is logged."""

import socket
import ssl
import time
from collections.abc import Iterator

import hpack
import hyperframe.frame as frames
import pytest

from abuse.conftest import HOST, PATIENCE_SECONDS, LimitedEdge, LimitedEdges
from abuse.test_http1 import connect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LONG = 3_600_000
ENHANCE_YOUR_CALM = 0xB


def open_http2(edge: LimitedEdge, *, window: int | None = None) -> ssl.SSLSocket:
    """A connection after its preface; `window` is the room for content of a stream."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    viewer = context.wrap_socket(connect(edge.tls), server_hostname=HOST)
    settings = {} if window is None else {frames.SettingsFrame.INITIAL_WINDOW_SIZE: window}
    viewer.sendall(PREFACE + frames.SettingsFrame(0, settings).serialize())
    return viewer


def fields(path: str = "/a", *more: tuple[str, str], method: str = "GET") -> bytes:
    lines = [(":method", method), (":scheme", "https"), (":authority", HOST), (":path", path), *more]
    return hpack.Encoder().encode(lines)


def headers(stream: int, block: bytes, *flags: str) -> bytes:
    return frames.HeadersFrame(stream, block, flags=flags).serialize()


def request(stream: int, path: str = "/a") -> bytes:
    return headers(stream, fields(path), "END_HEADERS", "END_STREAM")


def received(viewer: socket.socket) -> Iterator[frames.Frame]:
    """The frames that come, until the connection ends."""
    buffer = b""
    while True:
        while len(buffer) >= 9:
            frame, length = frames.Frame.parse_frame_header(memoryview(buffer[:9]))
            if len(buffer) < 9 + length:
                break
            frame.parse_body(memoryview(buffer[9 : 9 + length]))
            buffer = buffer[9 + length :]
            yield frame
        try:
            piece = viewer.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return
        if not piece:
            return
        buffer += piece


def flood(viewer: socket.socket, data: bytes, times: int) -> None:
    """Sends `data` again and again, until the edge has had enough."""
    try:
        for _ in range(times):
            viewer.sendall(data)
    except OSError:
        pass


PING = frames.PingFrame(0, b"12345678").serialize()
CONTROL = {
    "PING": PING,
    "acknowledged PING": frames.PingFrame(0, b"12345678", flags=("ACK",)).serialize(),
    "SETTINGS": frames.SettingsFrame(0, {}).serialize(),
    "PRIORITY": frames.PriorityFrame(1, depends_on=0, stream_weight=1).serialize(),
    "WINDOW_UPDATE": frames.WindowUpdateFrame(0, window_increment=1).serialize(),
    "empty DATA": frames.DataFrame(1, b"").serialize(),
    "padded DATA": frames.DataFrame(1, b"", pad_length=9, flags=("PADDED",)).serialize(),
    "unknown": b"\0\0\0\xfa\0\0\0\0\0",
}


@pytest.mark.parametrize("frame", CONTROL.values(), ids=CONTROL)
def test_frames_that_bring_nothing_are_bounded(limited: LimitedEdges, frame: bytes) -> None:
    edge = limited(max_control_frames=50)
    with open_http2(edge) as viewer:
        viewer.sendall(headers(1, fields("/a", method="POST"), "END_HEADERS"))
        flood(viewer, frame * 10, 1000)
        edge.eventually_refused("control_frames", 1)


def test_a_continuation_flood_is_cut_off(limited: LimitedEdges) -> None:
    edge = limited(max_control_frames=50)
    with open_http2(edge) as viewer:
        viewer.sendall(headers(1, fields()))
        flood(viewer, frames.ContinuationFrame(1, b"").serialize() * 10, 1000)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while edge.refused("control_frames") + edge.refused("malformed") != 1:
            assert time.monotonic() < deadline
            time.sleep(0.005)


def goodbye(viewer: socket.socket) -> frames.Frame:
    """The last frame before the edge closes."""
    *_, last = received(viewer)
    return last


FLOODS = {
    "PING": ("control_frames", PING),
    "SETTINGS": ("control_frames", frames.SettingsFrame(0, {}).serialize()),
    "RST_STREAM": ("reset_streams", frames.RstStreamFrame(1, error_code=8).serialize()),
}


@pytest.mark.parametrize(("reason", "frame"), FLOODS.values(), ids=FLOODS)
def test_a_flood_is_told_to_calm_down_before_it_is_cut_off(limited: LimitedEdges, reason: str, frame: bytes) -> None:
    edge = limited(max_control_frames=50, max_reset_streams=50)
    with open_http2(edge) as viewer:
        viewer.sendall(request(1) + frame * 60)
        last = goodbye(viewer)
    assert isinstance(last, frames.GoAwayFrame)
    assert last.error_code == ENHANCE_YOUR_CALM
    edge.eventually_refused(reason, 1)


def test_requests_earn_the_frames_that_go_with_them(limited: LimitedEdges) -> None:
    edge = limited(max_control_frames=50)
    window_update = frames.WindowUpdateFrame(0, window_increment=2).serialize()
    with open_http2(edge) as viewer:
        answers = received(viewer)
        for number in range(200):
            stream = 2 * number + 1
            viewer.sendall(request(stream) + window_update * 2)
            while not (isinstance(frame := next(answers), frames.DataFrame) and "END_STREAM" in frame.flags):
                assert not isinstance(frame, frames.GoAwayFrame)
    assert edge.refused("control_frames") == 0


def test_rapid_reset_is_cut_off(limited: LimitedEdges) -> None:
    edge = limited(max_reset_streams=50)
    with open_http2(edge) as viewer:
        try:
            for number in range(5000):
                stream = 2 * number + 1
                viewer.sendall(request(stream, "/large") + frames.RstStreamFrame(stream, error_code=8).serialize())
        except OSError:
            pass
        deadline = time.monotonic() + PATIENCE_SECONDS
        while edge.refused("reset_streams") + edge.refused("malformed") != 1:
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_a_request_that_is_taken_back_at_once_never_reaches_the_origin(limited: LimitedEdges) -> None:
    edge = limited()
    with open_http2(edge) as viewer:
        resets = (request(n, f"/{n}") + frames.RstStreamFrame(n, error_code=8).serialize() for n in range(1, 41, 2))
        viewer.sendall(b"".join(resets) + request(41))
        assert any("END_STREAM" in frame.flags for frame in first(received(viewer), 41))
    assert edge.heard == ["GET /a"]
    edge.eventually_logged(21)


def test_a_viewer_may_take_back_some_requests(limited: LimitedEdges) -> None:
    edge = limited(max_reset_streams=50)
    with open_http2(edge) as viewer:
        for stream in range(1, 61, 2):
            viewer.sendall(request(stream, "/large") + frames.RstStreamFrame(stream, error_code=8).serialize())
        viewer.sendall(request(61))
        assert any(
            frame.stream_id == 61 and isinstance(frame, frames.DataFrame) for frame in first(received(viewer), 61)
        )


def first(answers: Iterator[frames.Frame], stream: int) -> Iterator[frames.Frame]:
    """The frames up to the end of `stream`."""
    for frame in answers:
        yield frame
        if frame.stream_id == stream and "END_STREAM" in frame.flags:
            return


def test_a_head_in_drops_is_given_up(limited: LimitedEdges) -> None:
    edge = limited(header_timeout_ms=200, idle_timeout_ms=LONG, max_control_frames=100_000)
    with open_http2(edge) as viewer:
        viewer.sendall(request(1))
        list(first(received(viewer), 1))
        viewer.sendall(headers(3, fields()))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while edge.refused("slow_head") == 0 and edge.refused("malformed") == 0:
            flood(viewer, frames.ContinuationFrame(3, b"").serialize(), 1)
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert edge.refused("slow_head") == 1


def test_ping_does_not_keep_a_connection_open(limited: LimitedEdges) -> None:
    edge = limited(idle_timeout_ms=200, max_control_frames=100_000)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with open_http2(edge) as viewer:
        viewer.sendall(request(1))
        list(first(received(viewer), 1))
        viewer.settimeout(0.01)
        while True:
            flood(viewer, PING, 1)
            try:
                if not viewer.recv(65536):
                    break
            except TimeoutError:
                assert time.monotonic() < deadline
            except OSError:
                break


def test_content_that_comes_too_slowly_is_a_408(limited: LimitedEdges) -> None:
    edge = limited(content_timeout_ms=100, least_rate=1000)
    with open_http2(edge) as viewer:
        viewer.sendall(headers(1, fields("/a", ("content-length", "1000"), method="POST"), "END_HEADERS"))
        block = next(frame.data for frame in received(viewer) if isinstance(frame, frames.HeadersFrame))
    assert dict(hpack.Decoder().decode(block, raw=True))[b":status"] == b"408"
    assert edge.refused("slow_content") == 1


def test_the_end_of_a_get_is_waited_for_and_no_longer(limited: LimitedEdges) -> None:
    edge = limited(content_timeout_ms=100)
    with open_http2(edge) as viewer:
        viewer.sendall(headers(1, fields(), "END_HEADERS"))
        block = next(frame.data for frame in received(viewer) if isinstance(frame, frames.HeadersFrame))
    assert dict(hpack.Decoder().decode(block, raw=True))[b":status"] == b"408"
    assert edge.refused("slow_content") == 1


def test_a_stream_without_room_for_its_content_is_reset(limited: LimitedEdges) -> None:
    edge = limited(write_timeout_ms=200, least_rate=1 << 30)
    with open_http2(edge, window=1000) as viewer:
        viewer.sendall(request(1, "/large"))
        answers = received(viewer)
        assert any(isinstance(frame, frames.RstStreamFrame) and frame.stream_id == 1 for frame in answers)
        edge.eventually_refused("slow_reading", 1)
        viewer.sendall(request(3))
        assert any(frame.stream_id == 3 for frame in answers), "other streams go on"


def test_the_last_request_of_a_connection_is_told(limited: LimitedEdges) -> None:
    edge = limited(max_requests=2)
    with open_http2(edge) as viewer:
        viewer.sendall(request(1) + request(3))
        got = []
        for frame in received(viewer):
            got.append(frame)
            if isinstance(frame, frames.PingFrame):
                # So that the edge knows which requests may still be on their way.
                viewer.sendall(frames.PingFrame(0, frame.opaque_data, flags=("ACK",)).serialize())
    assert {frame.stream_id for frame in got if isinstance(frame, frames.DataFrame)} == {1, 3}
    assert any(isinstance(frame, frames.GoAwayFrame) and frame.error_code == 0 for frame in got)


def test_a_viewer_who_ignores_goaway_is_cut_off(limited: LimitedEdges) -> None:
    edge = limited(max_requests=2, max_concurrent_streams=1)
    with open_http2(edge) as viewer:
        answers = received(viewer)
        for number in range(20):
            flood(viewer, request(2 * number + 1), 1)
            if not any("END_STREAM" in frame.flags for frame in first(answers, 2 * number + 1)):
                return
    raise AssertionError("the edge goes on")


def test_a_compressed_head_that_grows_without_end_is_refused(limited: LimitedEdges) -> None:
    """An HPACK bomb: one long value in the table, named again and again by one byte each."""
    edge = limited()
    block = fields("/a", ("x-a", "b" * 3000)) + b"\xbe" * 10_000
    with open_http2(edge) as viewer:
        viewer.sendall(headers(1, block, "END_HEADERS", "END_STREAM"))
        kinds = [type(frame) for frame in first(received(viewer), 1)]
    assert frames.DataFrame not in kinds
    assert edge.edge.status()["requests"] == 0


def test_a_flood_logs_the_requests_that_it_broke_off(limited: LimitedEdges) -> None:
    edge = limited(max_control_frames=50)
    with open_http2(edge, window=1000) as viewer:
        viewer.sendall(request(1, "/large"))
        assert any(isinstance(frame, frames.DataFrame) for frame in received(viewer))
        flood(viewer, PING * 10, 1000)
        edge.eventually_refused("control_frames", 1)
    (record,) = edge.logged()
    assert (record["cs-uri-stem"], record["x-edge-detailed-result-type"]) == ("/large", "ClientCommError")
