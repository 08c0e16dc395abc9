"""The process that runs an edge for the fault tests: `python edge_server.py SETTINGS.json PLAN.json`.

Prints the addresses it listens on as one line of JSON, then answers one line of standard input with one of JSON:
`status`, `flush`, or an invalidation order. Ends when standard input does. It is also killed without warning.
"""

import json
import sys
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import LOOPBACK_NETWORKS, DiskSettings, EdgeSettings


def main(settings_file: Path, plan_file: Path) -> None:
    """Serves until standard input ends."""
    edge = EdgeAgent(edge_settings(json.loads(settings_file.read_text())))
    edge.start()
    edge.load_plan(plan_file.read_bytes())
    answer({"http": edge.http[0], "https": edge.https[0]})
    for line in sys.stdin:
        if line.strip() == "status":
            answer(edge.status())
        elif line.strip() == "flush":
            answer(edge.flush_cache())
        else:
            answer(edge.invalidate(line.encode()))
    edge.stop(1.0)


def edge_settings(document: dict[str, Any]) -> EdgeSettings:
    """Settings in which `disk` is a pair of directory and limit."""
    directory, limit = document.pop("disk")
    disk = DiskSettings(directory=Path(directory), limit_bytes=limit)
    return EdgeSettings(disk=disk, allowed_private_origins=LOOPBACK_NETWORKS, **document)


def answer(value: Any) -> None:
    """One line to whoever asked."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
