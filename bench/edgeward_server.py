"""The process that runs the engine for the benchmark: `python -m bench.edgeward_server ORDERS.json`.

Prints the addresses it listens on as one line of JSON, then serves until SIGTERM or SIGINT. Python sleeps in
between: what is measured is the engine.
"""

import json
import signal
import sys
from pathlib import Path

from edgeward._edge import Edge

GRACE_SECONDS = 1.0


def main(orders_path: str) -> None:
    """Start the edge with the settings and the plan in the file, and serve until told to stop."""
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(
        signal.SIG_BLOCK, ending
    )  # before the engine starts threads, which inherit the mask
    orders = json.loads(Path(orders_path).read_text())
    edge = Edge(json.dumps(orders["settings"]).encode())
    addresses = edge.start()
    edge.load_plan(json.dumps(orders["plan"]).encode())
    print(json.dumps(addresses), flush=True)
    signal.sigwait(ending)
    edge.stop(GRACE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
