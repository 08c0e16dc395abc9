"""How fast the servers' CPU is from moment to moment: `python -m bench.yardstick`, pinned beside the servers.

A virtual machine's CPU does 20 to 40 % more or less work in a CPU-second from one second to the next, as its
neighbors come and go. The yardstick does the same small piece of work every 20 ms, about 1 % of the CPU, and
prints the CPU time it took. A server's requests per CPU-second follow it closely (correlation 0.9 and more),
so figures taken at different speeds can be compared.
"""

import hashlib
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.failure import BenchError
from bench.processes import Process, start

INTERVAL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A running yardstick process."""

    process: Process

    def microseconds(self, since: float, until: float) -> float:
        """Return the median CPU time of the work between two readings of `time.monotonic()`."""
        return median_between(self.process.output.read_text(), since, until)


def start_yardstick(cpu: int, folder: Path) -> Yardstick:
    """Start a yardstick on `cpu`; the caller stops its process."""
    command = [sys.executable, "-m", "bench.yardstick"]
    return Yardstick(start(command, name="yardstick", cpu=cpu, folder=folder))


def median_between(printed: str, since: float, until: float) -> float:
    """Return the median of the times printed between `since` and `until`: lines of `<when> <microseconds>`."""
    complete, _newline, _partial = printed.rpartition("\n")
    lines = (line.split() for line in complete.splitlines())
    times = [float(took) for when, took in lines if since <= float(when) <= until]
    if not times:
        raise BenchError("the yardstick took no measure during the run; is its CPU overloaded?")
    return statistics.median(times)


def main() -> None:
    """Do the work forever, printing when and how long."""
    block = bytes(16 * 1024)
    while True:
        time.sleep(INTERVAL_SECONDS)
        before = time.thread_time_ns()
        _work(block)
        print(f"{time.monotonic():.3f} {(time.thread_time_ns() - before) / 1000:.1f}", flush=True)


def _work(block: bytes) -> None:
    """Branches and memory (the interpreter) and arithmetic (the hash), about 0.2 ms in all."""
    total = 0
    hashlib.sha256(block).digest()
    for number in range(1500):
        total += number
    hashlib.sha256(block).digest()


if __name__ == "__main__":
    main()
