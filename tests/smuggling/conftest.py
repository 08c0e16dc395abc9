"""One edge before each make of origin server, for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smuggling.origins import SERVERS, LenientOrigin, Origin
from smuggling.stand import Stand, start_edge


@pytest.fixture(scope="session", params=[*SERVERS, "lenient"])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """An edge before a running origin server."""
    origin = _start(request.param, tmp_path_factory.mktemp(request.param) / "origin")
    edge, clear, tls = start_edge(origin.port)
    yield Stand(origin, clear, tls)
    edge.stop()
    origin.stop()


def _start(kind: str, folder: Path) -> Origin:
    if kind == "lenient":
        return LenientOrigin()
    server = SERVERS[kind]
    why = server.why_missing()
    if why is not None:
        pytest.skip(why)
    return server(folder)
