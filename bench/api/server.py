"""The process that serves the API for the benchmark: `python -m bench.api.server FOLDER PORT DISTRIBUTIONS`.

A control plane without edges on a fresh SQLite file. Told the id of a distribution on its standard input, it puts
copies of it into the store until there are DISTRIBUTIONS, past the quota of the API. Serves until SIGTERM.
"""

import signal
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench.api.calls import ACCESS_KEY, SECRET_KEY
from edgeward.authority import PublicKey
from edgeward.aws.identifiers import Identifiers
from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.deploy.channel import Certificate
from edgeward.dev.api_server import ApiServer
from edgeward.store.database import Store


class _NoCertificates:
    """No names but the distributions' own, and no edges to want certificates."""

    def covers(self, _name: str, /) -> bool:
        return False

    def certificate_for(self, _names: Iterable[str], /) -> Certificate:
        raise AssertionError("nothing is covered")

    def sign(self, _names: Iterable[str], _key: PublicKey, /) -> str:
        raise AssertionError("nothing is covered")


def main(folder: Path, port: int, distributions: int) -> None:
    """Serves until told to stop."""
    url = f"sqlite:///{folder / 'api.db'}"
    settings = ControlPlaneSettings(
        state_directory=folder, access_keys={ACCESS_KEY: SECRET_KEY}, sealing_key="b" * 64, database_url=url
    )
    plane = ControlPlane(settings, (), _NoCertificates())
    plane.start()
    server = ApiServer(plane.app, port)
    server.start()
    if distributions:
        for line in sys.stdin:
            _multiply(url, line.strip(), distributions)
            print("multiplied", flush=True)
    signal.sigwait({signal.SIGTERM})
    server.stop()
    plane.stop()


def _multiply(url: str, id: str, count: int) -> None:
    """Puts copies of a distribution beside it until there are `count`."""
    store, identifiers = Store(url), Identifiers()
    with store.write() as transaction:
        original = transaction.find("distribution", id)
        assert original is not None, f"there is no distribution {id}"
        for number in range(count - transaction.count("distribution")):
            copy = replace(original, id=identifiers.capital("E"), caller_reference=f"copy {number}")
            transaction.insert(copy, ())
    store.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
