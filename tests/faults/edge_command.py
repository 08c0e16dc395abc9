"""`edgeward edge` as its operator runs it: started, taken over from, killed.

Plans come to its plan socket, as from a control plane.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgeward.compiler import encode_plan
from edgeward.deploy.socket_channel import SocketChannel
from edgeward.dev.admin_client import ask
from edgeward.dev.ports import free_ports
from edgeward.edge.settings import LOOPBACK_NETWORKS
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import compile_short, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution

HOST = "d111111abcdef8.cloudfront.localhost"
ROOT = Path(__file__).parents[2]


class EdgeCommand:
    """The processes of one edge, one after the other, with the state folder `folder`."""

    def __init__(self, folder: Path, *options: str, drain_seconds: float = 20.0, **environment: str) -> None:
        self.folder = folder
        self.http, self.https = free_ports(2)
        self.channel = SocketChannel(folder / "edge" / "plans.sock")
        self._options = [
            *("--state", str(folder), "--http", f"127.0.0.1:{self.http}", "--https", f"127.0.0.1:{self.https}"),
            *("--drain-seconds", str(drain_seconds), "--memory-mib", "16", "--disk-mib", "64", "--workers", "1"),
            *(option for network in LOOPBACK_NETWORKS for option in ("--private-origins", network)),
            *options,
        ]
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}",
            **environment,
        }
        self.processes: list[subprocess.Popen[str]] = []
        self.said: list[str] = []
        """What the processes said while they started."""

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Starts a process; returns once it serves."""
        process = self._begin("edgeward.cli", "edge", *self._options, *options)
        self.processes.append(process)
        assert process.stdout is not None
        while line := process.stdout.readline():
            self.said.append(line)
            if line.startswith("Serving at"):
                return process
        raise AssertionError(f"the edge ended with status {process.wait()}: {self.said}")

    def hang(self, moment: str) -> subprocess.Popen[str]:
        """Starts a process that takes over and hangs at a moment of that (`faults.hanging_edge`)."""
        return self._begin("faults.hanging_edge", moment, *self._options, "--takeover")

    def _begin(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._environment)

    def until_said(self, process: subprocess.Popen[str], what: str) -> str:
        """The next line of `process` with these words."""
        assert process.stdout is not None
        return next(line for line in process.stdout if what in line)

    def take_over(self) -> None:
        """Another process goes on; the one before ends once its viewers are gone, and says how."""
        self.start("--takeover")

    def ended(self) -> list[int]:
        """The statuses of all processes but the last, once they have ended."""
        return [finish(process) for process in self.processes[:-1]]

    def status(self) -> dict[str, int]:
        """Of the process that serves."""
        answer: dict[str, int] = ask(self.folder, "status")
        return answer

    def stop(self) -> None:
        """Ends all processes."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            finish(process)


def finish(process: subprocess.Popen[str]) -> int:
    """The status of a process that ends by itself."""
    try:
        status = process.wait(60)
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            assert process.stdout is not None
            process.stdout.close()
    return status


@contextmanager
def running(edge: EdgeCommand) -> Iterator[EdgeCommand]:
    """Started, and stopped at the end whatever happens."""
    try:
        edge.start()
        yield edge
    finally:
        edge.stop()


def plan(sequence: int, origin_port: int, base: int | None = None, *, distribution: Any = None) -> bytes:
    """One distribution for `HOST`, with a certificate of its own that was not there before."""
    short = distribution or ShortDistribution(
        default=ShortBehavior(query_strings=Selection(mode="all")), http_version="http2and3"
    )
    compiled = compile_short(MAIN, short, {MAIN: OriginPorts(origin_port, origin_port)})
    issued = certificates.edge_certificate({HOST, f"plan-{sequence}.cloudfront.localhost"})
    compiled["certificate"] = {"chain_pem": issued.chain_pem, "key_pem": issued.key_pem}
    return encode_plan(sequence, base, {id_of(MAIN): compiled}, None)


def order(sequence: int, *patterns: str) -> bytes:
    """An invalidation."""
    members = {"format": 1, "distribution": id_of(MAIN), "sequence": sequence, "patterns": patterns}
    return json.dumps(members).encode()
