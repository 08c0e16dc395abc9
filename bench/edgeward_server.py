"""The process that runs Edgeward for the benchmark: `python -m bench.edgeward_server SETTINGS.json PLAN.json`.

Prints the addresses it listens on as one line of JSON, then answers each line of standard input with one of JSON:
`status`; `flush-logs` (ends the log segments, so that no work is left over, then the status); `flush-cache` (waits
until all that arrived is stored); or an invalidation order, answered by the nanoseconds it took. Serves until SIGTERM.
Python sleeps in between: what is measured is the engine.
"""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import LOOPBACK_NETWORKS, DiskSettings, EdgeSettings, LogSettings

GRACE_SECONDS = 1.0
STORE_SECONDS = 60.0


def main(settings_file: Path, plan_file: Path) -> None:
    """Starts an edge with the plan in the file and serves until told to stop."""
    edge = EdgeAgent(edge_settings(json.loads(settings_file.read_text())))
    signal.signal(signal.SIGTERM, _end)
    edge.start()
    try:
        edge.load_plan(plan_file.read_bytes())
        _print({"http": edge.http, "https": edge.https})
        for line in sys.stdin:
            _print(_answer(edge, line.strip()))
        signal.pause()
    finally:
        edge.stop(GRACE_SECONDS)


def edge_settings(document: dict[str, Any]) -> EdgeSettings:
    """Settings with one worker, their log in `log_folder`; `disk_bytes`, when there is a disk, in `disk_folder`."""
    folder, limit = document["disk_folder"], document["disk_bytes"]
    return EdgeSettings(
        workers=1,
        memory_bytes=document["memory_bytes"],
        disk=None if limit is None else DiskSettings(directory=Path(folder), limit_bytes=limit),
        log=LogSettings(directory=Path(document["log_folder"])),
        allowed_private_origins=LOOPBACK_NETWORKS,
    )


def _answer(edge: EdgeAgent, line: str) -> Any:
    if line == "status":
        return edge.status()
    if line == "flush-logs":
        edge.flush_logs()
        return edge.status()
    if line == "flush-cache":
        return edge.flush_cache(STORE_SECONDS)
    began = time.perf_counter_ns()
    edge.invalidate(line.encode())
    return time.perf_counter_ns() - began


def _print(value: Any) -> None:
    print(json.dumps(value), flush=True)


def _end(_number: int, _frame: object) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
