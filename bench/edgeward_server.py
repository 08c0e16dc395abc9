"""The process that runs Edgeward for the benchmark: `python -m bench.edgeward_server PLAN.json LOG_FOLDER`.

Prints the addresses it listens on as one line of JSON, then serves until SIGTERM or SIGINT. On SIGUSR1 it ends the
log segments, so that no work is left over, and prints the engine's status as another line. Python sleeps in between:
what is measured is the engine, with one worker and its access log on.
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
    signal.pthread_sigmask(signal.SIG_BLOCK, {*ending, signal.SIGUSR1})
    edge = EdgeAgent(EdgeSettings(workers=1, memory_bytes=256 << 20, log=LogSettings(directory=log_folder)))
    edge.start()
    edge.load_plan(plan.read_bytes())
    print(json.dumps({"http": edge.http, "https": edge.https}), flush=True)
    while signal.sigwait({*ending, signal.SIGUSR1}) == signal.SIGUSR1:
        edge.flush_logs()
        print(json.dumps(edge.status()), flush=True)
    edge.stop(GRACE_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
