"""The command: `python -m bench.door [--cases ...] [--rounds N] [--seconds N] [--connections N]`.

Full and resumed TLS 1.3 handshakes per CPU-second, and memory per idle connection, of Edgeward and nginx, in rounds by
turns. Exit status: 0 when every goal is met, 1 when one is not, 2 when nothing could be measured.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.content import ONE_KILOBYTE
from bench.edgeward import start_edgeward
from bench.failure import BenchError
from bench.measure import Bench, names_in_order
from bench.processes import start
from bench.servers import SERVERS
from bench.site import Running, Site
from bench.tools import ensure_programs
from bench.workplace import end_orderly, prepared, tell, two_cpus

Measure = Callable[[Running, Site, Bench, argparse.Namespace], float]
STARTS = {"edgeward": start_edgeward, "nginx": SERVERS["nginx"].start}


@dataclass(frozen=True, slots=True)
class DoorCase:
    """One row."""

    title: str
    measure: Measure
    goal: float
    """Of the ratio of Edgeward's median to nginx's."""
    at_most: bool = False

    def is_met_by(self, ratio: float) -> bool:
        """Whether the ratio is on the right side of the goal."""
        return ratio <= self.goal if self.at_most else ratio >= self.goal


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit status."""
    return end_orderly(lambda: _run(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.door", description=__doc__)
    parser.add_argument("--cases", nargs="+", metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of handshakes in a round")
    parser.add_argument("--connections", type=int, default=2000, help="idle ones")
    return parser


def _run(given: argparse.Namespace) -> int:
    cpus = two_cpus(None, None)
    programs = ensure_programs(["nginx", "openssl", "setpriv", "taskset"])
    met = []
    with prepared(programs, cpus, given.seconds) as (site, bench):
        for name in names_in_order(given.cases or list(CASES), list(CASES), "case"):
            samples = _sampled(CASES[name], site, bench, given)
            met.append(_told(name, CASES[name], samples))
    return 0 if all(met) else 1


def _sampled(case: DoorCase, site: Site, bench: Bench, given: argparse.Namespace) -> dict[str, list[float]]:
    """Servers are started anew for every sample: memory that one case needed is not another's."""
    samples: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(given.rounds):
        for name, begin in STARTS.items():
            server = begin(site)
            try:
                samples[name].append(case.measure(server, site, bench, given))
            finally:
                server.process.stop()
    return samples


def _told(name: str, case: DoorCase, samples: dict[str, list[float]]) -> bool:
    """Print a row; returns whether its goal is met."""
    tell(f"{name}: {case.title}")
    for server, values in samples.items():
        tell(f"  {server:9} {min(values):10.0f} {statistics.median(values):10.0f} {max(values):10.0f}")
    ratio = statistics.median(samples["edgeward"]) / statistics.median(samples["nginx"])
    side = "at most" if case.at_most else "at least"
    is_met = case.is_met_by(ratio)
    tell(f"  ratio {ratio:.2f}, {side} {case.goal}{'' if is_met else '  MISSED'}")
    return is_met


def _handshakes(flag: str) -> Measure:
    def measure(server: Running, _site: Site, bench: Bench, given: argparse.Namespace) -> float:
        target = f"127.0.0.1:{server.https_port}"
        # With a request each, because tickets of TLS 1.3 come after the handshake.
        words = ["openssl", "s_time", "-connect", target, flag, "-tls1_3", "-time", str(given.seconds)]
        _warm(server, bench)
        began = server.process.cpu_seconds()
        printed = bench.run([*words, "-www", ONE_KILOBYTE.path], given.seconds * 4)
        seconds: float = server.process.cpu_seconds() - began
        return _count(printed, is_resumed=flag == "-reuse") / seconds

    return measure


def _count(printed: str, *, is_resumed: bool) -> int:
    """How many connections s_time made: it prints a `*` for a full handshake, an `r` for a resumed one."""
    marks = re.findall(r"^[*r]+$", printed, re.MULTILINE)
    found = re.search(r"(\d+) connections in \d+ real seconds", printed)
    if found is None:
        raise BenchError(f"s_time printed no figure:\n{printed[-500:]}")
    unwanted = sum(line.count("*" if is_resumed else "r") for line in marks)
    if unwanted > 1:
        raise BenchError(f"{unwanted} handshakes were not {'resumed' if is_resumed else 'full'}")
    return int(found[1])


def _warm(server: Running, bench: Bench) -> None:
    bench.run(["openssl", "s_time", "-connect", f"127.0.0.1:{server.https_port}", "-new", "-tls1_3", "-time", "1"], 30)


def _idle_memory(server: Running, site: Site, bench: Bench, given: argparse.Namespace) -> float:
    def kept(count: int) -> tuple[int, Callable[[], None]]:
        command = [sys.executable, "-m", "bench.door.idle", str(server.https_port), str(count)]
        env = {"PYTHONPATH": str(Path(__file__).parents[2])}
        viewers = start(command, name="idle", cpu=bench.load_cpu, folder=site.folder, env=env)
        while "ready" not in viewers.output.read_text():
            if ending := viewers.ending():
                raise BenchError(ending)
            time.sleep(0.05)
        return _memory(server), viewers.stop

    connections: int = given.connections
    few, end = kept(10)
    end()
    many, end = kept(connections)
    end()
    return (many - few) / connections


def _memory(server: Running) -> int:
    """Of the whole tree: nginx's worker is a child."""
    total = 0
    for pid in server.process.tree():
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"^RssAnon:\s+(\d+)", status, re.MULTILINE)[1]) * 1024  # type: ignore[index] # Linux has it
    return total


CASES = {
    "tls13-full": DoorCase("full TLS 1.3 handshakes with a 1 KB hit each, per CPU-second", _handshakes("-new"), 1.2),
    "tls13-resumed": DoorCase("the same, resumed by a ticket", _handshakes("-reuse"), 1.2),
    "idle-tls": DoorCase("bytes of memory per idle TLS connection", _idle_memory, 0.8, at_most=True),
}

if __name__ == "__main__":
    sys.exit(main())
