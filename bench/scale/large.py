"""Files larger than memory: a kilobyte of a great one, and a crowd of viewers of a cold one.

The origin is nginx; how much it sent of a file is in a log of its own, a line a request, written when the request
ends.
"""

import hashlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import Budget
from bench.content import HOST, LARGE_FOLDER, MEGABYTE, SLOW_FOLDER
from bench.failure import BenchError
from bench.scale.edges import Started, site_of, started
from bench.scale.reading import Reading, Unit, at_least, at_most
from bench.site import Running, Site
from bench.workplace import tell

CHUNK = 256 * 1024
"""What the edge fetches of a large file at a time."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that the origin has finished."""

    at: float
    """Unix time of its end."""
    content_bytes: int


def measure_part(site: Site, length: int) -> Iterator[Reading]:
    """A kilobyte far inside a file of `length` bytes, which is all holes."""
    name, start = "sparse", length * 3 // 5 + 7
    with (site.folder / "origin" / name).open("wb") as file:
        file.truncate(length)
    log = OriginLog(site)
    own = site_of(site, "part", Budget(memory_bytes=16 * MEGABYTE, disk_bytes=256 * MEGABYTE))
    with started(own) as edge:
        for _ in range(2):
            status, content = _ask_part(edge.running, f"{LARGE_FOLDER}{name}", start)
            if (status, content) != (206, bytes(1024)):
                raise BenchError(f"status {status} and {len(content)} bytes instead of 206 and 1024")
        sent = log.since(1)
    total = sum(each.content_bytes for each in sent)
    subject = f"read at the origin for 1 KB of {length / 1e9:,.0f} GB"
    yield Reading(subject=subject, value=total, unit=Unit.BYTES, bound=at_most(2 * CHUNK))
    yield Reading(subject="origin requests for asking it twice", value=len(sent), bound=at_most(1))


def measure_crowd(site: Site, length: int, viewers: int) -> Iterator[Reading]:
    """All ask before the origin has sent the file; some read it to the end and compare, the rest only begin."""
    name = "cold"
    right = _write_patterned(site.folder / "origin" / name, length)
    log = OriginLog(site)
    own = site_of(site, "crowd", Budget(memory_bytes=16 * MEGABYTE, disk_bytes=4 * length))
    with started(own) as edge:
        crowd = _gather(edge, f"{SLOW_FOLDER}{name}", length, viewers)
        sent = log.since(1)
    if wrong := [digest for digest in crowd.digests if digest != right]:
        raise BenchError(f"{len(wrong)} of {len(crowd.digests)} viewers read something else than the file")
    early = min(each.at for each in sent) - crowd.all_began_at
    yield Reading(subject=f"origin requests of {viewers:,} viewers", value=len(sent), bound=at_most(1))
    subject = "from the last viewer's first byte to the origin's last"
    yield Reading(subject=subject, value=early, unit=Unit.SECONDS, bound=at_least(0))
    yield Reading(subject="memory the edge grew by", value=crowd.grown, unit=Unit.BYTES, bound=at_most(64 * MEGABYTE))


class OriginLog:
    """Tells what the origin has finished since the last question."""

    def __init__(self, site: Site) -> None:
        self._path = site.folder / "origin-bytes.log"
        self._seen = len(self._lines())

    def since(self, at_least_requests: int) -> list[Sent]:
        """Return the requests that ended since, once there is that many."""
        deadline = time.monotonic() + LOG_SECONDS
        while len(lines := self._lines()) < self._seen + at_least_requests:
            if time.monotonic() > deadline:
                raise BenchError(f"the origin logged {len(lines) - self._seen} requests, not {at_least_requests}")
            time.sleep(0.05)
        news, self._seen = lines[self._seen :], len(lines)
        return [parse_sent(line) for line in news]

    def _lines(self) -> list[str]:
        return self._path.read_text().split("\n")[:-1]


def parse_sent(line: str) -> Sent:
    """Read `<unix time> <bytes of content>`."""
    at, content_bytes = line.split()
    return Sent(float(at), int(content_bytes))


@dataclass(slots=True)
class Crowd:
    """What a crowd of viewers saw."""

    all_began_at: float = 0.0
    """Unix time when the last of them had its first byte."""
    grown: int = 0
    """The most bytes of memory the edge had more than before."""
    digests: list[str] = field(default_factory=list)
    """Of what each reader to the end read."""


def _gather(edge: Started, path: str, length: int, viewers: int) -> Crowd:
    process, crowd = edge.running.process, Crowd()
    before = process.memory_bytes()
    connections = [_send(edge.running, path) for _ in range(viewers)]
    try:
        for connection in connections:
            if not connection.recv(1, socket.MSG_PEEK):
                raise BenchError("the edge closed a viewer's connection before its first byte")
        crowd.all_began_at = time.time()
        readers = [
            threading.Thread(target=lambda each=each: crowd.digests.append(_digest(each, length)))
            for each in connections[:READERS]
        ]
        for reader in readers:
            reader.start()
        while any(reader.is_alive() for reader in readers):
            crowd.grown = max(crowd.grown, process.memory_bytes() - before)
            time.sleep(0.05)
    finally:
        for connection in connections:
            connection.close()
    tell(f"  {len(connections):,} viewers began, {len(crowd.digests)} read to the end")
    return crowd


def _send(running: Running, path: str, *fields: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", running.http_port), timeout=VIEWER_SECONDS)
    head = [f"GET {path} HTTP/1.1", f"Host: {HOST}", *fields]
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    return connection


def _ask_part(running: Running, path: str, start: int) -> tuple[int, bytes]:
    with _send(running, path, f"Range: bytes={start}-{start + 1023}", "Connection: close") as connection:
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), content


def _digest(connection: socket.socket, length: int) -> str:
    """Read one whole response and return the digest of its content, or what stopped it."""
    digest = hashlib.sha256()
    try:
        with connection.makefile("rb") as stream:
            while stream.readline() not in (b"\r\n", b""):
                pass
            left = length
            while left and (piece := stream.read(min(MEGABYTE, left))):
                digest.update(piece)
                left -= len(piece)
    except OSError as error:
        return repr(error)
    return digest.hexdigest() if left == 0 else f"{left} bytes were missing"


def _write_patterned(path: Path, length: int) -> str:
    """Write a file in which no two places look alike, and return its digest."""
    block, digest = random.Random("cold").randbytes(MEGABYTE), hashlib.sha256()  # noqa: S311 - no secret
    with path.open("wb") as file:
        for at in range(0, length, MEGABYTE):
            piece = (at.to_bytes(8, "big") + block[8:])[: length - at]
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


READERS = 3
VIEWER_SECONDS = 120
LOG_SECONDS = 30
