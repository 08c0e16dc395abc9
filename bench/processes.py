"""Child processes of the harness: started on one CPU, measured as a whole tree, always stopped.

Invariant: every process started here is gone when `Process.stop` returns. Each runs in a session of its own,
so that Ctrl-C reaches the harness alone and the harness ends its children in order.
"""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.failure import BenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running child and the file that holds what it printed."""

    name: str
    child: subprocess.Popen[bytes]
    output: Path

    def tree(self) -> list[int]:
        """Return the ids of this process and of all its living descendants."""
        return process_tree(self.child.pid, _parents())

    def cpu_seconds(self) -> float:
        """Return the CPU seconds used so far by the tree, children that have exited included."""
        return sum(_cpu_seconds(pid) for pid in self.tree())

    def memory_bytes(self) -> int:
        """Return what the first process of the tree has in memory of its own, the pages of files on disk aside."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return own_memory(status)

    def printed(self) -> str:
        """Return the last lines the process printed, for an error message."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-10:])

    def ending(self) -> str | None:
        """Say how the process ended, or None while it runs."""
        status = self.child.poll()
        if status is None:
            return None
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"{self.name} {how}. It printed:\n{self.printed()}"

    def stop(self) -> None:
        """Ask the tree to end, and kill what is left of it after five seconds."""
        tree = self.tree()
        self._signal_session(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal_session(signal.SIGKILL)
            self.child.wait(STOP_SECONDS)
        if self.child.stdin is not None:
            self.child.stdin.close()
        _wait_gone(tree)

    def _signal_session(self, number: int) -> None:
        if self.child.poll() is None:
            os.killpg(self.child.pid, number)


def start(  # noqa: PLR0913 - each says one thing about the child
    command: Sequence[str],
    *,
    name: str,
    cpu: int,
    folder: Path,
    env: Mapping[str, str] | None = None,
    is_asked: bool = False,
) -> Process:
    """Start `command` pinned to `cpu`, with `env` added to ours; its output goes to `<folder>/<name>.out`.

    A process that `is_asked` things reads them from its standard input, a pipe; others have none.
    """
    output = folder / f"{name}.out"
    with output.open("wb") as sink:
        child = subprocess.Popen(
            [*ENDS_WITH_HARNESS, "taskset", "--cpu-list", str(cpu), *command],
            stdin=subprocess.PIPE if is_asked else subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    return Process(name=name, child=child, output=output)


def wait_listening(process: Process, ports: Sequence[int]) -> None:
    """Return once every one of `ports` accepts a connection; fail when the process ends or time runs out."""
    deadline = time.monotonic() + START_SECONDS
    for port in ports:
        while not _accepts(port):
            if ending := process.ending():
                raise BenchError(ending)
            if time.monotonic() > deadline:
                raise BenchError(
                    f"{process.name} did not listen on port {port} within {START_SECONDS} s. It printed:\n"
                    f"{process.printed()}"
                )
            time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Return loopback ports nobody listens on, below the range that outgoing connections take theirs from."""
    candidates = random.sample(range(10_000, 30_000), 2000)
    ports = [port for port in candidates if _is_free(port)][:count]
    if len(ports) < count:
        raise BenchError(f"found {len(ports)} free loopback ports between 10000 and 30000, need {count}")
    return ports


def process_tree(root: int, parents: Mapping[int, int]) -> list[int]:
    """Return `root` and its descendants, given the parent of every process."""
    tree = [root]
    for pid in tree:
        tree.extend(child for child, parent in parents.items() if parent == pid)
    return tree


def stat_fields(stat: str) -> list[str]:
    """Return the fields of a `/proc/<pid>/stat` line after the command name, which may hold blanks, `)`."""
    return stat.rpartition(")")[2].split()


def own_memory(status: str) -> int:
    """Return the bytes of memory in a `/proc/<pid>/status` page that no file on disk stands behind."""
    figures = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return sum(int(figures[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))


def _parents() -> dict[int, int]:
    return {pid: int(fields[PARENT]) for pid, fields in _all_stats()}


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            yield int(folder.name), fields


def _stat(pid: int) -> list[str] | None:
    try:
        return stat_fields(Path(f"/proc/{pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError):  # it ended since the folder was listed
        return None


def _cpu_seconds(pid: int) -> float:
    """CPU seconds of all threads of one process, dead ones included, and of the children it has waited for.

    utime and stime are the scheduler's own nanosecond count, cut to ticks of 10 ms each; the process CPU
    clock is that count uncut. Only children waited for have no clock: theirs is cutime and cstime.
    """
    fields = _stat(pid)
    if fields is None:
        return 0.0
    try:
        own = time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
    except OSError:  # it ended since its stat was read; its parent's cutime has it from now on
        own = (int(fields[UTIME]) + int(fields[STIME])) / TICKS_PER_SECOND
    return own + (int(fields[CUTIME]) + int(fields[CSTIME])) / TICKS_PER_SECOND


def _wait_gone(pids: Sequence[int]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while left := [pid for pid in pids if _is_running(pid)]:
        if time.monotonic() > deadline:
            raise BenchError(f"processes {left} outlived the server that started them; end them by hand")
        time.sleep(0.02)


def _is_running(pid: int) -> bool:
    fields = _stat(pid)
    return fields is not None and fields[STATE] != "Z"


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


START_SECONDS = 20
STOP_SECONDS = 5
ENDS_WITH_HARNESS = ("setpriv", "--pdeathsig", "TERM")
"""Should the harness be killed outright, the kernel asks its children to end."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CPUCLOCK_SCHED = 2
"""A process CPU clock has the id `(~pid << 3) | CPUCLOCK_SCHED`, as clock_getcpuclockid(3) computes it."""

# Places in stat_fields, which begins with proc(5)'s third field.
STATE, PARENT, UTIME, STIME, CUTIME, CSTIME = 0, 1, 11, 12, 13, 14
