"""Files larger than memory: a part costs its chunks, and a thousand viewers of a cold file cost one origin request."""

import socket
import threading
from pathlib import Path

import pytest

from faults.edge_process import HOST, EdgeProcess, running
from faults.origin import Origin, content, running_origin
from faults.viewer import Got, fetch

MEBIBYTE = 1 << 20
CHUNK = 256 * 1024


def test_a_kilobyte_of_twenty_gigabytes_costs_a_chunk(tmp_path: Path) -> None:
    length = 20_000_000_000
    with running_origin() as origin, running(EdgeProcess(tmp_path, origin.port, disk_bytes=64 << 20)) as edge:
        got = fetch(edge.port, 1, length, start=12_345_678_901, end=12_345_679_925)
        assert (got.status, got.cache, got.is_right) == (206, "Miss", True)
        assert origin.requests == 1
        assert origin.sent <= 2 * CHUNK
        got = fetch(edge.port, 1, length, start=12_345_678_901, end=12_345_679_925)
        assert (got.cache, got.is_right, origin.requests) == ("Hit", True, 1)
        last = fetch(edge.port, 1, length, start=length - 10, end=length)
        assert last.is_right


def test_many_viewers_of_a_cold_file_share_one_origin_request(tmp_path: Path) -> None:
    share(tmp_path, length=48 * MEBIBYTE, viewers=100)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_viewers_of_a_cold_gigabyte_share_one_origin_request(tmp_path: Path) -> None:
    share(tmp_path, length=1_000_000_000, viewers=1_000)


def share(folder: Path, length: int, viewers: int) -> None:
    """All viewers ask; while the origin still holds back the second half, every one of them has its first bytes; some
    read to the end and compare every byte, the others leave.
    """
    with running_origin() as origin:
        edge = EdgeProcess(folder, origin.port, disk_bytes=4 * length)
        with running(edge):
            before = edge.memory_bytes()
            origin.gate.clear()
            connections = [ask(edge.port, length) for _ in range(viewers)]
            for connection in connections:
                assert connection.recv(64 * 1024, socket.MSG_PEEK), "nothing came before the last byte did"
            origin.gate.set()
            readers = connections[:3]
            wrong: list[int] = []
            threads = [threading.Thread(target=read_all, args=(reader, length, wrong)) for reader in readers]
            for thread in threads:
                thread.start()
            grown = 0
            while any(thread.is_alive() for thread in threads):
                grown = max(grown, edge.memory_bytes() - before)
                threads[0].join(0.05)
            for connection in connections:
                connection.close()
            assert not wrong
            assert (origin.requests, origin.sent) == (1, length)
            assert grown <= 64 * MEBIBYTE, f"the edge grew by {grown >> 20} MiB"
            after = fetch_range(edge, origin, length)
            assert after.is_right


def fetch_range(edge: EdgeProcess, origin: Origin, length: int) -> Got:
    got = fetch(edge.port, 1, length, start=length - 1_000, end=length)
    assert origin.requests == 1
    return got


def ask(port: int, length: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    connection.sendall(f"GET /1/{length} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    return connection


def read_all(connection: socket.socket, length: int, wrong: list[int]) -> None:
    """Notes where the content is not the origin's."""
    with connection.makefile("rb") as stream:
        while stream.readline() not in (b"\r\n", b""):
            pass
        at = 0
        while at < length:
            piece = stream.read(min(MEBIBYTE, length - at))
            if not piece or piece != content(1, at, at + len(piece)):
                wrong.append(at)
                return
            at += len(piece)
