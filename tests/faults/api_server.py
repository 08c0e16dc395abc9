"""A control plane in a process of its own: `python -m faults.api_server STATE URL PORT publish|serve [SOCKET ...]`.

Its edges are those behind the plan sockets. Prints a line once it answers; ends with SIGTERM, or is killed.
"""

import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from edgeward.authority import PublicKey
from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.deploy.channel import Certificate
from edgeward.deploy.socket_channel import SocketChannel
from edgeward.dev.api_server import ApiServer
from faults.api_process import ACCESS_KEY, SECRET_KEY


class NoCertificates:
    """The edges of these tests serve http alone."""

    def covers(self, _name: str, /) -> bool:
        return False

    def certificate_for(self, _names: Iterable[str], /) -> Certificate:
        raise AssertionError("nothing is covered")

    def sign(self, _names: Iterable[str], _key: PublicKey, /) -> str:
        raise AssertionError("nothing is covered")


def main(state: Path, url: str, port: int, edges: list[Path], *, publishes: bool) -> None:
    """Serves until told to stop."""
    settings = ControlPlaneSettings(
        state_directory=state,
        access_keys={ACCESS_KEY: SECRET_KEY},
        sealing_key="b" * 64,
        database_url=url,
        publishes=publishes,
    )
    plane = ControlPlane(settings, [SocketChannel(edge) for edge in edges], NoCertificates())
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
    state, url, port, role, *edges = sys.argv[1:]
    main(Path(state), url, int(port), [Path(edge) for edge in edges], publishes=role == "publish")
