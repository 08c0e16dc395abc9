"""A plain viewer over HTTP/1.1: asks for content and says whether what came is what the origin has."""

import http.client
from dataclasses import dataclass

from faults.edge_process import HOST
from faults.origin import content


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What one request brought."""

    status: int
    cache: str
    """X-Cache: Hit, Miss, RefreshHit, Error."""
    is_right: bool
    """Whether all of the content came and every byte of it is the origin's."""


def fetch(port: int, seed: int, length: int, *, start: int = 0, end: int | None = None) -> Got:
    """The content `/seed/length`, or the range of it. Raises OSError or HTTPException when the connection breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        headers = {"Host": HOST}
        if end is not None:
            headers["Range"] = f"bytes={start}-{end - 1}"
        connection.request("GET", f"/{seed}/{length}", headers=headers)
        response = connection.getresponse()
        received = response.read()
        return Got(
            status=response.status,
            cache=(response.getheader("x-cache") or "").partition(" ")[0],
            is_right=received == content(seed, start, length if end is None else end),
        )
    finally:
        connection.close()
