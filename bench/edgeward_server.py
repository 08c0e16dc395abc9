"""The process that runs Edgeward for the benchmark: `python -m bench.edgeward_server PLAN.json LOG_FOLDER`.

Prints the addresses it listens on as one line of JSON, then serves until SIGTERM or SIGINT. Python sleeps in
between: what is measured is the engine, with one worker and its access log on.
"""

import json
import signal
import sys
from pathlib import Path

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import EdgeSettings, LogSettings

GRACE_SECONDS = 1.0


def main(plan: Path, log_folder: Path) -> None:
    """Starts an edge with the plan in the file and serves until told to stop."""
    ending = {signal.SIGTERM, signal.SIGINT}
    # Before the engine starts threads, which inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    edge = EdgeAgent(EdgeSettings(workers=1, memory_bytes=256 << 20, log=LogSettings(directory=log_folder)))
    edge.load_plan(plan.read_bytes())
    edge.start()
    print(json.dumps({"http": edge.http, "https": edge.https}), flush=True)
    signal.sigwait(ending)
    edge.stop(GRACE_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
