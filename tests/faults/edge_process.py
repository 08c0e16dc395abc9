"""An edge in a process of its own, with a cache on disk: started, asked, killed, started again at the same place."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeward.compiler import encode_plan
from edgeward.scenario.edge_under_test import compile_short, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import Selection, ShortBehavior, ShortDistribution

HOST = "d111111abcdef8.cloudfront.localhost"
SERVER = Path(__file__).with_name("edge_server.py")


class EdgeProcess:
    """One edge; `folder` holds its settings, plan and cache."""

    def __init__(self, folder: Path, origin_port: int, *, disk_bytes: int, disk: Path | None = None) -> None:
        self.disk = disk or folder / "cache"
        self._files = folder / "settings.json", folder / "plan.json"
        settings, plan = self._files
        document = {"disk": [str(self.disk), disk_bytes], "memory_bytes": 16 << 20, "workers": 1}
        settings.write_text(json.dumps(document))
        distribution = ShortDistribution(default=ShortBehavior(query_strings=Selection(mode="all")))
        compiled = compile_short(MAIN, distribution, {MAIN: OriginPorts(origin_port, origin_port)})
        plan.write_bytes(encode_plan(1, None, {id_of(MAIN): compiled}, None))
        self.port = 0
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it, and waits until it serves."""
        command = [sys.executable, str(SERVER), *map(str, self._files)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._read()["http"].rpartition(":")[2])

    def ask(self, line: str) -> Any:
        """Sends one line and returns the answer."""
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        return self._read()

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        child = self._running()
        child.send_signal(signal.SIGKILL)
        self._reap(child)

    def stop(self) -> None:
        """An orderly end; one that was killed stays so."""
        if self._child is not None:
            assert self._child.stdin is not None
            self._child.stdin.close()
            self._reap(self._child)

    def limit_file_size(self, length: int | None) -> None:
        """Lets writes beyond `length` fail (EFBIG), or succeed again."""
        import resource

        limit = resource.RLIM_INFINITY if length is None else length
        resource.prlimit(self._running().pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    @contextlib.contextmanager
    def failing_disk(self, error: str) -> Iterator[None]:
        """Its reads and writes of files fail meanwhile, as strace injects it: `EIO`, `EROFS`."""
        calls = "pread64,preadv,preadv2,pwrite64,pwritev,pwritev2,fsync,fdatasync,ftruncate"
        injection = ["-e", f"trace={calls}", "-e", f"inject={calls}:error={error}"]
        command = ["strace", "-f", "-o", os.devnull, *injection, "-p", str(self._running().pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr is not None
            attached = strace.stderr.readline()
            try:
                assert "attached" in attached, attached
                yield
            finally:
                strace.send_signal(signal.SIGINT)

    def memory_bytes(self) -> int:
        """What it has in memory of its own, the pages of files on disk aside."""
        figures = dict(
            line.split(":", 1) for line in Path(f"/proc/{self._running().pid}/status").read_text().splitlines()
        )
        return sum(int(figures[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))

    def _running(self) -> subprocess.Popen[str]:
        assert self._child is not None, "it is started before it is used"
        return self._child

    def _read(self) -> Any:
        child = self._running()
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line, f"the edge ended with status {child.wait()}"
        return json.loads(line)

    def _reap(self, child: subprocess.Popen[str]) -> None:
        child.wait(20)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._child = None


@contextlib.contextmanager
def running(edge: EdgeProcess) -> Iterator[EdgeProcess]:
    """Started, and stopped at the end whatever happens."""
    edge.start()
    try:
        yield edge
    finally:
        edge.stop()
