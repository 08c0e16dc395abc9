"""The content every server under test serves, and the request every load generator sends.

Bodies are generated from a fixed seed, so two runs compare the same bytes; they do not compress, so a server
that compresses gains nothing. The request is a Chrome navigation: short synthetic requests flatter servers
that are slow at parsing header fields.
"""

import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One stored response of the benchmark: its path on the origin and its length in bytes."""

    path: str
    length: int

    def content(self) -> bytes:
        """Return the bytes of this body: the same on every run and machine."""
        return random.Random(self.path).randbytes(self.length)  # noqa: S311 - no secret: the same bytes every time


ONE_KILOBYTE = Body(path="/1k.html", length=1024)
ONE_MEGABYTE = Body(path="/1m.bin", length=1024 * 1024)

BODIES = (ONE_KILOBYTE, ONE_MEGABYTE)

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
    """Write every body below `folder`, at its path, for the origin to serve."""
    for body in BODIES:
        (folder / body.path.lstrip("/")).write_bytes(body.content())
