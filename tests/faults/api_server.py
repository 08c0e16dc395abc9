"""A control plane in a process of its own: `python -m faults.api_server STATE URL PORT publish|serve`.

Without edges: what matters is the database. Prints a line once it answers; ends with SIGTERM, or is killed.
"""

import signal
import sys
from pathlib import Path

from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.dev.api_server import ApiServer
from faults.api_process import ACCESS_KEY, SECRET_KEY
from unit.services.conftest import FakeCertificates


def main(state: Path, url: str, port: int, *, publishes: bool) -> None:
    """Serves until told to stop."""
    settings = ControlPlaneSettings(
        state_directory=state, access_keys={ACCESS_KEY: SECRET_KEY}, database_url=url, publishes=publishes
    )
    plane = ControlPlane(settings, (), FakeCertificates())
    plane.start()
    server = ApiServer(plane.app, port)
    server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    server.stop()
    plane.stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), publishes=sys.argv[4] == "publish")
