"""What the harness hands to a server that it starts, and what it gets back."""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Budget, Protocol
from bench.failure import BenchError
from bench.processes import Process
from bench.tls import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The surroundings of one server under test."""

    origin_port: int
    certificate: Certificate
    programs: Mapping[str, str]
    """Program name -> path."""
    folder: Path
    """Where the server keeps its files: configuration, cache in memory, logs. In memory itself when there is room."""
    content: Path
    """The folder of the origin's files, for servers that serve them themselves."""
    disk_folder: Path
    """Where a cache on disk goes: on a disk, whose pages the kernel may keep in memory."""
    budget: Budget
    cpu: int
    """The CPU the server's whole process tree is pinned to."""


def _nothing_put_off() -> None:
    """What most servers have to do after a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started server."""

    process: Process
    http_port: int
    https_port: int | None
    marks_hits: bool = True
    """Whether its responses say that they came from its cache."""
    lax_cache: Path | None = None
    """The folder of a cache that may grow beyond its limit for a while."""
    growing_files: tuple[Path, ...] = ()
    """Logs the server appends to; emptied between runs so that they do not fill the disk."""
    wrap_up: Callable[[], str | None] = _nothing_put_off
    """Called after each run, before its CPU time is read: does the work put off, and says what the server lost."""

    def port(self, protocol: Protocol) -> int:
        """Return the port that speaks `protocol`."""
        port = self.http_port if protocol is Protocol.H1 else self.https_port
        if port is None:
            raise BenchError(f"{self.process.name} has no port for {protocol}")
        return port

    def held_bytes(self) -> int | None:
        """Return what a lax cache takes at this moment, None where the limit is kept to at once."""
        return None if self.lax_cache is None else bytes_below(self.lax_cache)

    def empty_logs(self) -> None:
        """Cut the growing logs to nothing. Their writers append, so they go on at the new end."""
        for path in self.growing_files:
            path.write_bytes(b"")


def bytes_below(folder: Path) -> int:
    """Return the bytes that the files below `folder` take, those that go away meanwhile aside."""
    total = 0
    for below, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += (Path(below) / name).stat().st_blocks * 512
    return total
