"""The command: `python -m bench.api [--rounds N] [--calls N] [--distributions N] [--json PATH]`.

Both servers on one CPU, the caller on another; rounds take turns. Exit status: 0 when every goal is met, 1 when one is
not, 2 when nothing could be measured.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.api.calls import HOST, Caller, SignedCall
from bench.failure import BenchError
from bench.processes import Process, free_ports, start, wait_listening
from bench.workplace import RESULTS, Cpus, end_orderly, machine, tell, two_cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server, a caller of it, and the distribution that calls are about."""

    name: str
    process: Process
    caller: Caller
    distribution_id: str

    def calls_per_cpu_second(self, prepare: Callable[["Server"], SignedCall], count: int) -> float:
        """Send so many calls, signed beforehand, and return how many a CPU-second of the server answers."""
        calls = [prepare(self) for _ in range(count)]
        before = self.process.cpu_seconds()
        for call in calls:
            self.caller.send(call)
        return count / (self.process.cpu_seconds() - before)


@dataclass(frozen=True, slots=True)
class Case:
    """Calls of one kind."""

    name: str
    goal: float
    """How many times the calls of moto's per CPU-second."""
    prepare: Callable[[Server], SignedCall]


CASES = (
    Case("GetDistribution", 5, lambda server: server.caller.prepare("GetDistribution", Id=server.distribution_id)),
    Case("CreateInvalidation", 5, lambda server: server.caller.create_invalidation(server.distribution_id)),
    Case("CreateDistribution", 2, lambda server: server.caller.create_distribution()),
)
LONGEST_PAGE_SECONDS = 0.05
PAGES = 20
MOTO = Path(".venv-moto/bin/moto_server")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit status."""
    return end_orderly(lambda: _run(_parser().parse_args(arguments)))


def _run(given: argparse.Namespace) -> int:
    if not MOTO.exists():
        raise BenchError(f"{MOTO} is missing; run `make bench-api`")
    cpus = two_cpus(given.server_cpu, given.load_cpu)
    with _servers(cpus, given.distributions) as (edgeward, moto):
        results = {case.name: _compare(case, edgeward, moto, given.rounds, given.calls) for case in CASES}
        pages = _time_pages(edgeward, given.distributions)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(cpus),
        "calls_per_cpu_second": results,
        "list_distributions": {"distributions": given.distributions, "seconds": pages},
    }
    path: Path = given.json or RESULTS / f"api-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    met = [_tell_ratio(case, results[case.name]) for case in CASES]
    met.append(_tell_pages(pages, given.distributions))
    tell(f"\nevery number: {path}")
    return 0 if all(met) else 1


@contextlib.contextmanager
def _servers(cpus: Cpus, distributions: int) -> Iterator[tuple[Server, Server]]:
    ports = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="edgeward-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        module = (sys.executable, "-m", "bench.api.server", str(folder), str(ports[0]), str(distributions))
        edgeward = start(module, name="edgeward", cpu=cpus.server, folder=folder, is_asked=True)
        stack.callback(edgeward.stop)
        command = (str(MOTO), "-H", HOST, "-p", str(ports[1]))
        moto = start(command, name="moto", cpu=cpus.server, folder=folder)
        stack.callback(moto.stop)
        yield _ready(edgeward, ports[0]), _ready(moto, ports[1])


def _ready(process: Process, port: int) -> Server:
    wait_listening(process, [port])
    caller = Caller(port)
    return Server(name=process.name, process=process, caller=caller, distribution_id=caller.created())


def _compare(case: Case, edgeward: Server, moto: Server, rounds: int, count: int) -> Mapping[str, list[float]]:
    """Calls per CPU-second in interleaved rounds, after one that counts for nothing."""
    figures: dict[str, list[float]] = {edgeward.name: [], moto.name: []}
    for number in range(rounds + 1):
        for server in (edgeward, moto):
            figure = server.calls_per_cpu_second(case.prepare, count)
            if number > 0:
                figures[server.name].append(figure)
                tell(f"{case.name} round {number}/{rounds} {server.name}: {figure:,.0f} per CPU-second")
    return figures


def _time_pages(edgeward: Server, distributions: int) -> list[float]:
    """How long pages of a long list take, the later ones included."""
    assert edgeward.process.child.stdin is not None, "the server is asked over its standard input"
    edgeward.process.child.stdin.write(f"{edgeward.distribution_id}\n".encode())
    edgeward.process.child.stdin.close()
    while "multiplied" not in edgeward.process.printed():
        if ending := edgeward.process.ending():
            raise BenchError(ending)
        time.sleep(0.1)
    marker, seconds = "", []
    for _ in range(min(PAGES, distributions // 100)):
        members = {"Marker": marker} if marker else {}
        call = edgeward.caller.prepare("ListDistributions", **members)
        began = time.perf_counter()
        answer = edgeward.caller.send(call)
        seconds.append(time.perf_counter() - began)
        marker = answer.partition(b"<NextMarker>")[2].partition(b"<")[0].decode()
    return seconds


def _tell_ratio(case: Case, figures: Mapping[str, list[float]]) -> bool:
    ours, theirs = figures["edgeward"], figures["moto"]
    ratio = statistics.median(ours) / statistics.median(theirs)
    by_round = [one / other for one, other in zip(ours, theirs, strict=True)]
    tell(f"\n{case.name} (calls per CPU-second: min, median, max)")
    for name, each in figures.items():
        tell(f"  {name:<9} {min(each):>8,.0f} {statistics.median(each):>8,.0f} {max(each):>8,.0f}")
    verdict = "met" if ratio >= case.goal else "MISSED"
    tell(f"  {ratio:.2f} x (rounds {min(by_round):.2f} to {max(by_round):.2f}), goal {case.goal:.2f}: {verdict}")
    return ratio >= case.goal


def _tell_pages(seconds: Sequence[float], distributions: int) -> bool:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    verdict = "met" if middle <= LONGEST_PAGE_SECONDS else "MISSED"
    tell(f"\nListDistributions, a page of 100 of {distributions:,} (milliseconds: min, median, max)")
    tell(f"  {low * 1e3:.1f} {middle * 1e3:.1f} {high * 1e3:.1f}, goal {LONGEST_PAGE_SECONDS * 1e3:.0f}: {verdict}")
    return middle <= LONGEST_PAGE_SECONDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description="Compare the API with moto's server.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each case and server (default 5)")
    parser.add_argument("--calls", type=int, default=30, help="calls of a round (default 30)")
    parser.add_argument("--distributions", type=int, default=10_000, help="length of the list (default 10,000)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where every number goes (default bench/results/)")
    parser.add_argument("--server-cpu", type=int, metavar="N", help="CPU of the servers (default the first usable)")
    parser.add_argument("--load-cpu", type=int, metavar="N", help="CPU of the caller (default the last usable)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
