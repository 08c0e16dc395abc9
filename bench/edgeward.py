"""Edgeward as one of the servers under test: one edge with one worker, its log segments on, fed a whole plan.

The control plane takes no part in serving, so it is not started; the plan comes from the real compiler. The engine
runs in a process of its own, `bench.edgeward_server`, which is asked things line by line.
"""

import importlib.util
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from bench.content import HOST, UNCACHEABLE_FOLDER
from bench.failure import BenchError
from bench.processes import START_SECONDS, Process, start
from bench.site import Running, Site
from edgeward.compiler import encode_plan
from edgeward.scenario.edge_under_test import compile_short, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import ShortBehavior, ShortDistribution

Document = dict[str, Any]
HttpVersion: TypeAlias = Literal["http2", "http2and3"]


@dataclass(frozen=True, slots=True)
class Edge:
    """A running edge that answers questions."""

    process: Process

    def ask(self, line: str, patience_seconds: float = START_SECONDS) -> Any:
        """Send one line to the edge and return its answer."""
        pipe, printed = self.process.child.stdin, len(_complete_lines(self.process))
        if pipe is None:
            raise BenchError(f"{self.process.name} was started without a standard input")
        if ending := self.process.ending():
            raise BenchError(ending)
        pipe.write(line.encode() + b"\n")
        pipe.flush()
        return json.loads(_wait_line(self.process, printed, patience_seconds))


class LogWatch:
    """Makes an edge write out its log after each run, and tells when it lost records rather than write them."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._lost = 0

    def __call__(self) -> str | None:
        """Say how many records were lost since the last call, or None."""
        if ending := self._edge.process.ending():
            return ending
        status = self._edge.ask("flush-logs")
        before, self._lost = self._lost, status["log_records_dropped"] + status["log_errors"]
        return f"{self._lost - before} log records were lost" if self._lost > before else None


def is_built() -> bool:
    """Tell whether the engine can be imported here."""
    return importlib.util.find_spec("edgeward") is not None and importlib.util.find_spec("edgeward._edge") is not None


def start_edgeward(site: Site) -> Running:
    """Start an edge that serves the site's origin."""
    return start_edge(site, plan(site))


def start_edge(site: Site, document: bytes) -> Running:
    """Start an edge with the site's budget and the plan in `document`."""
    plan_file, settings_file = site.folder / "plan.json", site.folder / "settings.json"
    plan_file.write_bytes(document)
    settings_file.write_text(json.dumps(_settings(site)))
    command = [sys.executable, "-m", "bench.edgeward_server", str(settings_file), str(plan_file)]
    env = {"PYTHONPATH": str(_copied_package(site.folder))}
    process = start(command, name="edgeward", cpu=site.cpu, folder=site.folder, env=env, is_asked=True)
    try:
        ports = listening_ports(_wait_line(process, 0, PLAN_SECONDS))
    except BaseException:
        process.stop()
        raise
    wrap_up = LogWatch(Edge(process))
    return Running(process=process, http_port=ports["http"], https_port=ports["https"], wrap_up=wrap_up)


def plan(site: Site) -> bytes:
    """Return a whole plan: one distribution for `HOST`, CachingOptimized but for the folder that is never cached."""
    return encode_plan(1, None, _named(site), _certificate(site))


def plan_of_many(site: Site, count: int) -> bytes:
    """Return a whole plan of `count` distributions; one of them is that of `plan`."""
    names = [f"d{number:08d}" for number in range(count - 1)]
    others = {id_of(name): compiled(name, site.origin_port) for name in names}
    return encode_plan(1, None, _named(site) | others, _certificate(site))


def compiled(name: str, origin_port: int, *, has_http3: bool = False) -> Document:
    """Return one distribution as the compiler gives it, with the rules of the policy CachingOptimized."""
    uncacheable = ShortBehavior(path=f"{UNCACHEABLE_FOLDER}*", policy="Managed-CachingDisabled")
    default = ShortBehavior(policy="Managed-CachingOptimized")
    version: HttpVersion = "http2and3" if has_http3 else "http2"
    distribution = ShortDistribution(default=default, behaviors=(uncacheable,), http_version=version)
    return compile_short(name, distribution, {MAIN: OriginPorts(origin_port, origin_port)})


def listening_ports(line: str) -> dict[str, int]:
    """Read scheme -> port out of what the edge said it listens on: `{"http": ["127.0.0.1:8080"], ...}`."""
    try:
        addresses = json.loads(line)
        return {scheme: int(addresses[scheme][0].rpartition(":")[2]) for scheme in ("http", "https")}
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BenchError(f"edgeward printed {line!r} instead of the addresses it listens on") from error


def _named(site: Site) -> Document:
    """The distribution that viewers ask for by `HOST`, by its id."""
    # The API takes no alias of a single label; the load generators have to resolve it.
    named = {"aliases": [HOST], "certificate": _certificate(site)}
    return {id_of(MAIN): compiled(MAIN, site.origin_port, has_http3=site.budget.has_http3) | named}


def _certificate(site: Site) -> Document:
    return {"chain_pem": site.certificate.chain.read_text(), "key_pem": site.certificate.key.read_text()}


def _settings(site: Site) -> Document:
    return {
        "memory_bytes": site.budget.memory_bytes,
        "disk_bytes": site.budget.disk_bytes,
        "disk_folder": str(site.disk_folder / "edgeward-cache"),
        "log_folder": str(site.folder / "log"),
    }


def _copied_package(folder: Path) -> Path:
    """Copy the package, so that an engine rebuilt meanwhile neither changes nor crashes what is being measured."""
    spec = importlib.util.find_spec("edgeward")
    if spec is None or spec.origin is None:
        raise BenchError("the package edgeward is not installed here; run `make build`")
    copies = folder / "packages"
    if not copies.exists():
        shutil.copytree(Path(spec.origin).parent, copies / "edgeward", ignore=shutil.ignore_patterns("__pycache__"))
    return copies


def _wait_line(process: Process, number: int, patience_seconds: float) -> str:
    """Return the line of that number, counted from 0, once the process has printed it."""
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        lines = _complete_lines(process)
        if len(lines) > number:
            return lines[number]
        if ending := process.ending():
            raise BenchError(ending)
        time.sleep(0.02)
    raise BenchError(f"edgeward said nothing for {patience_seconds:.0f} s. It printed:\n{process.printed()}")


def _complete_lines(process: Process) -> list[str]:
    return process.output.read_text().split("\n")[:-1]


PLAN_SECONDS = 60.0
"""To start with a large plan or a large cache on disk."""
