"""An edge in a process of its own that gets its plans over a plan socket: `python -m faults.socket_edge SOCKET`.

Prints the port it listens on for http; ends when standard input does.
"""

import subprocess
import sys
from pathlib import Path

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.plan_socket import PlanSocket
from edgeward.edge.settings import LOOPBACK_NETWORKS, EdgeSettings

ROOT = Path(__file__).parents[2]


class SocketEdge:
    """The process, and where it is."""

    def __init__(self, plans: Path) -> None:
        self.plans = plans
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.socket_edge", str(plans)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}", "PATH": ""},
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        """In order; it must not have ended before."""
        with self._process as process:
            assert process.poll() is None
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(30) == 0


def main(plans: Path) -> None:
    """Serves until standard input ends."""
    edge = EdgeAgent(EdgeSettings(workers=1, allowed_private_origins=LOOPBACK_NETWORKS))
    edge.start()
    socket = PlanSocket(edge, plans)
    socket.start()
    sys.stdout.write(edge.http[0].rpartition(":")[2] + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    socket.stop()
    edge.stop(1.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
