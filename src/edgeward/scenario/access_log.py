"""Reads the access log segments an edge has finished: gzip files of W3C records.

The field order is taken from each file's `#Fields:` line, not assumed. Called by `runner` after a flush.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

Record = dict[str, str]


class AccessLog:
    """The records below one directory; each file is read once, since a finished segment never changes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: set[Path] = set()
        self._records: list[Record] = []

    def records(self) -> list[Record]:
        """All records so far, the values as written (percent-encoded)."""
        for path in sorted(self._directory.glob("*.gz")):
            if path not in self._read:
                self._read.add(path)
                self._records += _parse(gzip.decompress(path.read_bytes()).decode())
        return self._records

    def record_of(self, request_id: str) -> Record | None:
        """The record of the request with this id, the value of X-Amz-Cf-Id."""
        return next((record for record in self.records() if record["x-edge-request-id"] == request_id), None)


def _parse(text: str) -> Iterator[Record]:
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("#Fields:"):
            names = line.removeprefix("#Fields:").split()
        elif not line.startswith("#"):
            yield dict(zip(names, line.split("\t"), strict=True))
