"""The command: `make attack`, or `python -m bench.attack [--attacks ...] [--seconds N] [--connections N]`.

Puts one attack after the other on an edge with its default limits, with a viewer beside it who only wants a page, and
prints what the viewer and the edge's memory had of it. Exit status: 0 when every bound is kept, 1 when one is not,
or the machine was too busy with other things to tell.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.attack.attacker import ATTACKS
from bench.content import HOST
from bench.edgeward import start_edge
from bench.failure import BenchError
from bench.measure import names_in_order
from bench.processes import Process, free_ports, start, wait_listening
from bench.site import Running, Site
from bench.tools import ensure_programs
from bench.workplace import Cpus, end_orderly, prepared, tell, two_cpus
from edgeward.compiler import encode_plan
from edgeward.scenario.edge_under_test import compile_short, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import ShortBehavior, ShortDistribution

MEMORY_BYTES = 200 << 20
"""By which the edge may grow."""
RATIO = 2.0
"""By which the viewer's 99th percentile may grow."""
STEADY = 1.5
"""By which two 99th percentiles without an attack may differ."""
FLOOD_CONNECTIONS = 50


@dataclass(frozen=True, slots=True)
class Visit:
    """What a viewer had."""

    asked: int
    failed: int
    p99: float
    """Milliseconds."""

    @classmethod
    def of(cls, printed: str) -> "Visit":
        """Read what `bench.attack.viewer` prints."""
        found = json.loads(printed)
        times = sorted(found["microseconds"])
        return cls(len(times), found["failed"], times[int(len(times) * 0.99)] / 1000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    attack: str
    connections: int
    before: Visit
    again: Visit
    """Before the attack, too."""
    beside: Visit
    """While the same attackers attacked a listener that does nothing: what they cost the CPU that the viewer has."""
    during: Visit
    grown_bytes: int
    edge_cpu: float
    """What part of its CPU the edge took during the attack."""

    @property
    def is_kept(self) -> bool:
        """Whether nothing was beyond its bound."""
        return self.during.failed == 0 and self.ratio <= RATIO and self.grown_bytes <= MEMORY_BYTES

    @property
    def verdict(self) -> str:
        """What stands behind the figures."""
        if not self.is_steady:
            return "  UNSTEADY"
        return "" if self.is_kept else "  BEYOND"

    @property
    def is_steady(self) -> bool:
        """Whether the machine was quiet enough to tell: before the attack the viewer had about the same twice."""
        return max(self.before.p99, self.again.p99) <= STEADY * min(self.before.p99, self.again.p99)

    @property
    def ratio(self) -> float:
        """How much longer the slowest hundredth took."""
        return 2 * self.during.p99 / (self.before.p99 + self.again.p99)

    def line(self) -> str:
        """The row."""
        p99s = " ".join(f"{visit.p99:8.2f}" for visit in (self.before, self.again, self.beside, self.during))
        figures = f"{p99s} {self.ratio:6.2f} {self.edge_cpu:6.0%} {self.grown_bytes / (1 << 20):8.1f}"
        counts = f"{self.connections:11} {self.during.asked:6} {self.during.failed:6}"
        return f"{self.attack:16} {counts} {figures}{self.verdict}"


TITLES = (
    f"{'attack':16} {'connections':>11} {'asked':>6} {'failed':>6} "
    f"{'p99 ms':>8} {'again':>8} {'beside':>8} {'then':>8} {'ratio':>6} {'CPU':>6} {'MiB':>8}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit status."""
    return end_orderly(lambda: _run(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.attack", description=__doc__)
    parser.add_argument("--attacks", nargs="+", metavar="NAME", help=f"of {', '.join(ATTACKS)}")
    parser.add_argument("--seconds", type=int, default=15, help="that each attack lasts")
    parser.add_argument("--connections", type=int, default=10_000, help="of the slow ones")
    return parser


def _run(given: argparse.Namespace) -> int:
    cpus = two_cpus(None, None)
    programs = ensure_programs(["nginx", "setpriv", "taskset"])
    outcomes = []
    with prepared(programs, cpus, given.seconds) as (site, _bench):
        tell(TITLES)
        for name in names_in_order(given.attacks or list(ATTACKS), list(ATTACKS), "attack"):
            outcomes.append(_attacked(name, given, site, cpus))
            tell(outcomes[-1].line())
    return 0 if all(outcome.is_kept and outcome.is_steady for outcome in outcomes) else 1


def _attacked(name: str, given: argparse.Namespace, site: Site, cpus: Cpus) -> Outcome:
    """An edge of its own for each attack."""
    connections = FLOOD_CONNECTIONS if ATTACKS[name][0] else given.connections
    edge = start_edge(site, _plan(site))
    try:
        _visit(edge, site, cpus, 1)
        before, again = (_visit(edge, site, cpus, given.seconds) for _ in range(2))
        with _silence(site) as ports, _attackers([name, *ports, str(connections)], site, cpus):
            beside, memory = _visit(edge, site, cpus, given.seconds), edge.process.memory_bytes()
        with _attackers([name, *_ports(edge), str(connections)], site, cpus):
            began, used = time.monotonic(), edge.process.cpu_seconds()
            during = _visit(edge, site, cpus, given.seconds)
            edge_cpu = (edge.process.cpu_seconds() - used) / (time.monotonic() - began)
            grown = edge.process.memory_bytes() - memory
    finally:
        edge.process.stop()
    return Outcome(name, connections, before, again, beside, during, grown, edge_cpu)


@contextlib.contextmanager
def _silence(site: Site) -> Iterator[list[str]]:
    """A listener that does nothing; its ports."""
    ports = free_ports(2)
    arguments = ["silence", *map(str, ports), str(site.certificate.chain), str(site.certificate.key)]
    silence = _start(arguments, site, site.cpu)
    try:
        wait_listening(silence, ports)
        yield [str(port) for port in ports]
    finally:
        silence.stop()


@contextlib.contextmanager
def _attackers(arguments: Sequence[str], site: Site, cpus: Cpus) -> Iterator[None]:
    """The attack, under way."""
    attacker = _start(["attacker", *arguments], site, cpus.load)
    try:
        time.sleep(SETTLING_SECONDS)
        yield
        if ending := attacker.ending():
            raise BenchError(ending)
    finally:
        attacker.stop()


def _visit(edge: Running, site: Site, cpus: Cpus, seconds: int) -> Visit:
    viewer = _start(["viewer", *_ports(edge), str(seconds)], site, cpus.load)
    try:
        if viewer.child.wait(seconds + 60):
            raise BenchError(f"the viewer failed:\n{viewer.printed()}")
        return Visit.of(viewer.output.read_text())
    finally:
        viewer.stop()


def _start(module: Sequence[str], site: Site, cpu: int) -> Process:
    command = [sys.executable, "-m", f"bench.attack.{module[0]}", *module[1:]]
    env = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return start(command, name=f"attack-{module[0]}", cpu=cpu, folder=site.folder, env=env)


def _ports(edge: Running) -> list[str]:
    return [str(edge.http_port), str(edge.https_port)]


def _plan(site: Site) -> bytes:
    """One distribution for `HOST` that takes POST too."""
    behavior = ShortBehavior(
        policy="Managed-CachingOptimized",
        allowed_methods=("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"),
    )
    compiled = compile_short(
        MAIN, ShortDistribution(default=behavior), {MAIN: OriginPorts(site.origin_port, site.origin_port)}
    )
    shown = {"chain_pem": site.certificate.chain.read_text(), "key_pem": site.certificate.key.read_text()}
    return encode_plan(1, None, {id_of(MAIN): compiled | {"aliases": [HOST], "certificate": shown}}, shown)


SETTLING_SECONDS = 3.0
"""Until the attack is under way."""

if __name__ == "__main__":
    sys.exit(main())
