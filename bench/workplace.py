"""What both commands of the benchmark stand on: two CPUs, folders, the origin and the yardstick, an orderly end.

Invariant: when `prepared` is left, for whatever reason, what it started is gone and so are its files.
"""

import contextlib
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import Fleet
from bench.content import write_bodies
from bench.failure import BenchError
from bench.measure import Bench
from bench.processes import free_ports
from bench.servers import start_origin
from bench.site import Site
from bench.tls import make_certificate
from bench.yardstick import start_yardstick

RESULTS = Path(__file__).parent / "results"
ENDINGS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Cpus:
    """The servers' CPU, and that of load generators and origin."""

    server: int
    load: int


def end_orderly(work: Callable[[], int]) -> int:
    """Do the work and return its exit status; 2 when nothing could be measured, 130 after Ctrl-C."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    try:
        return work()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted; everything it started has been stopped", file=sys.stderr)
        return 130


def two_cpus(server_cpu: int | None, load_cpu: int | None) -> Cpus:
    """Return the CPUs asked for, or the first and the last one usable; fail unless they are two."""
    usable = sorted(os.sched_getaffinity(0))
    server, load = (usable[0] if server_cpu is None else server_cpu, usable[-1] if load_cpu is None else load_cpu)
    if server == load or not {server, load} <= set(usable):
        raise BenchError(f"servers and load need a CPU each; usable here are {usable}, chosen {(server, load)}")
    return Cpus(server, load)


@contextlib.contextmanager
def prepared(programs: Mapping[str, str], cpus: Cpus, seconds: int) -> Iterator[tuple[Site, Bench]]:
    """The origin and the yardstick, running, with folders for the servers; `Site.cpu` is the servers'."""
    with _workspace() as (folder, disk_folder), contextlib.ExitStack() as stack:
        (folder / "origin").mkdir()
        write_bodies(folder / "origin")
        (origin_port,) = free_ports(1)
        site = Site(
            origin_port=origin_port,
            certificate=make_certificate(folder),
            programs=programs,
            folder=folder,
            content=folder / "origin",
            disk_folder=disk_folder,
            budget=Fleet.MEMORY.value,
            cpu=cpus.server,
        )
        stack.callback(start_origin(site, folder / "origin", cpus.load).stop)
        yardstick = start_yardstick(cpus.server, folder)
        stack.callback(yardstick.process.stop)
        bench = Bench(
            programs=programs,
            origin_port=origin_port,
            folder=folder,
            load_cpu=cpus.load,
            seconds=seconds,
            yardstick=yardstick,
        )
        yield site, bench


def machine(cpus: Cpus) -> dict[str, Any]:
    """Describe the machine, for the document."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load_average": os.getloadavg(),
        "server_cpu": cpus.server,
        "load_cpu": cpus.load,
    }


def tell(line: str) -> None:
    """Print a line of progress at once."""
    print(line, flush=True)


@contextlib.contextmanager
def _workspace() -> Iterator[tuple[Path, Path]]:
    """Two folders for what servers write: one for all but caches on disk, which is on tmpfs when that has room, so that
    no run waits for a disk, and one for those.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 1024**3
    with (
        tempfile.TemporaryDirectory(prefix="edgeward-bench-", dir=memory if roomy else None) as folder,
        tempfile.TemporaryDirectory(prefix="edgeward-bench-") as disk_folder,
    ):
        yield Path(folder), Path(disk_folder)


def _interrupt(_number: int, _frame: object) -> None:
    for number in ENDINGS:  # an impatient second Ctrl-C must not cut the stopping short; it is bounded anyway
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
