"""The content every server under test serves, and the request every load generator sends.

Bodies are generated from a fixed seed, so two runs compare the same bytes; all but the text do not compress, so a
server that compresses gains nothing. The request is a Chrome navigation: short synthetic requests flatter servers
that are slow at parsing header fields. Where a path leads is what `configs/origin.conf` says.
"""

import gzip
import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One file of the origin: its path there and its length in bytes."""

    path: str
    length: int

    @property
    def name(self) -> str:
        """The path without its first slash."""
        return self.path.lstrip("/")

    def content(self) -> bytes:
        """Return the bytes of this body: the same on every run and machine."""
        return random.Random(self.path).randbytes(self.length)  # noqa: S311 - no secret: the same bytes every time


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Body):
    """Words, which the origin has compressed with gzip and serves in no other form. `length` is before compression."""

    def content(self) -> bytes:
        """Return the compressed bytes."""
        draw = random.Random(self.path)  # noqa: S311 - no secret: the same bytes every time
        words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz-", k=draw.randint(3, 9))) for _ in range(400)]
        text = " ".join(draw.choices(words, k=self.length))[: self.length]
        return gzip.compress(text.encode(), mtime=0)


KILOBYTE, MEGABYTE = 1024, 1024 * 1024

ONE_KILOBYTE = Body(path="/1k.html", length=KILOBYTE)
HUNDRED_KILOBYTES = Body(path="/100k.bin", length=100 * KILOBYTE)
ONE_MEGABYTE = Body(path="/1m.bin", length=MEGABYTE)
TEN_MEGABYTES = Body(path="/10m.bin", length=10 * MEGABYTE)
HUNDRED_MEGABYTES = Body(path="/100m.bin", length=100 * MEGABYTE)
TEXT = Text(path="/text.css", length=20 * KILOBYTE)

BODIES = (ONE_KILOBYTE, HUNDRED_KILOBYTES, ONE_MEGABYTE, TEN_MEGABYTES, HUNDRED_MEGABYTES, TEXT)

SIZE_CLASSES: tuple[int, ...] = tuple(round(KILOBYTE * 2.0 ** (10 * number / 63)) for number in range(64))
"""Lengths from 1 KB to 1 MB, each 1.12 times the one before: the sizes of the mix."""
MIX_BODIES = tuple(Body(path=f"/classes/{number:02d}", length=length) for number, length in enumerate(SIZE_CLASSES))

COPIES_FOLDER = "/copies/"
"""`/copies/<file>/<anything>` is that file: as many stored responses of one content as one likes."""
MIX_FOLDER = "/mix/"
"""`/mix/<class>/<anything>` is the file of that size class."""
UNCACHEABLE_FOLDER = "/private/"
"""`/private/<anything>` is the kilobyte with `Cache-Control: no-store`; every server is told to pass it through."""
LARGE_FOLDER = "/large/"
"""`/large/<name>` is a file of the scale measurements; the origin logs how much it sent of it."""
SLOW_FOLDER = "/slow/"
"""The same, sent at 64 MB a second."""

HOST = "localhost"
"""The name viewers ask for. wrk takes the TLS server name from its URL, so it must resolve to loopback."""

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
ACCEPT = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)

BROWSER_HEADERS: tuple[tuple[str, str], ...] = (
    ("sec-ch-ua", '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"'),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", '"Linux"'),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", USER_AGENT),
    ("accept", ACCEPT),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"),
    ("referer", "https://www.example.com/catalog/shoes?page=2"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-US,en;q=0.9"),
    ("cookie", "_ga=GA1.1.1402715293.1732230012; session=8f14e45fceea167a5a36dedd4bea2543; theme=dark"),
)
"""Field names and values of a Chrome navigation, in Chrome's order, besides Host or `:authority`."""


def write_bodies(folder: Path) -> None:
    """Write every body below `folder`, at its path, for the origin to serve; text under the name of its coding."""
    for body in (*BODIES, *MIX_BODIES):
        path = folder / (f"{body.name}.gz" if isinstance(body, Text) else body.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.content())
