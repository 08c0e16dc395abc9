"""Edges for the scale measurements: started in folders of their own, and stopped at the end whatever happens."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.cases import Budget
from bench.edgeward import Edge, plan, start_edge
from bench.probe import origin_requests
from bench.site import Running, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A running edge."""

    running: Running
    edge: Edge
    seconds: float
    """From the start of its process until it said that it listens."""
    began: float
    """`time.monotonic()` of that start."""


@contextlib.contextmanager
def started(site: Site, document: bytes | None = None) -> Iterator[Started]:
    """An edge in the site's folders, with the plan in `document` or that of the comparison."""
    document = document or plan(site)
    began = time.monotonic()
    running = start_edge(site, document)
    try:
        seconds = time.monotonic() - began
        yield Started(running=running, edge=Edge(running.process), seconds=seconds, began=began)
    finally:
        running.process.stop()


def site_of(site: Site, name: str, budget: Budget) -> Site:
    """Return a site with folders of its own below those of `site`."""
    folder, disk_folder = site.folder / name, site.disk_folder / name
    folder.mkdir()
    disk_folder.mkdir()
    return replace(site, folder=folder, disk_folder=disk_folder, budget=budget)


@dataclass(slots=True)
class OriginCount:
    """Counts the requests that reach the origin from now on."""

    port: int
    before: int = 0

    def __post_init__(self) -> None:
        self.before = origin_requests(self.port)

    def since(self) -> int:
        """Return how many came since, those that only asked for the count aside."""
        now = origin_requests(self.port)
        came, self.before = now - self.before - 1, now
        return came
