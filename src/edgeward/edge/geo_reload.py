"""Has an edge read its files about addresses again when they have changed.

Invariant: a file that cannot be used changes nothing, is told of once, and is tried again when it changes. Called
every second or so by whoever runs an edge.
"""

from collections.abc import Callable
from pathlib import Path

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import GeoFiles

Signature = list[tuple[int, int] | None]


class GeoReloader:
    """Watches `files` for `agent`; `say` gets what its operator should know."""

    def __init__(self, agent: EdgeAgent, files: GeoFiles, say: Callable[[str], None]) -> None:
        self._agent = agent
        self._paths = (*files.country, *files.city, *files.asn)
        self._say = say
        self._seen = self._signature()

    def look(self) -> None:
        """Reads the files again if one of them has another size or time than at the last look."""
        now = self._signature()
        if now == self._seen:
            return
        self._seen = now
        try:
            self._agent.reload_geo()
        except ValueError as error:
            self._say(f"Data about addresses stay as they were: {error}")
        else:
            self._say("Data about addresses were read again.")

    def _signature(self) -> Signature:
        return [_signature_of(path) for path in self._paths]


def _signature_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
