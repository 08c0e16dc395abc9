"""A fake origin to talk to, and requests of the viewer, for the parts of the scenario runner."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent

import pytest

from edgeward.scenario import certificates
from edgeward.scenario.format import Scenario, parse_scenario
from edgeward.scenario.origin import Origins
from edgeward.scenario.timeline import Timeline, VirtualClock
from edgeward.scenario.viewer import Viewer

Parse = Callable[[str], Scenario]
NAME = "main.origin.localhost"


@pytest.fixture
def parse() -> Parse:
    """Parse the text of a scenario file as `cache/example.yaml`."""
    return lambda text: parse_scenario(dedent(text), Path("cache/example.yaml"))


@pytest.fixture
async def origins() -> AsyncIterator[Origins]:
    fake = Origins(Timeline(VirtualClock()))
    yield fake
    await fake.close()


@pytest.fixture
async def viewer(origins: Origins) -> Viewer:
    """A viewer that talks to the fake origin `main` as if it were the edge."""
    clear = await origins.listen("main")
    tls = await origins.listen("secure", certificates.origin_context(NAME, "trusted"))
    return Viewer(http=("127.0.0.1", clear), https=("127.0.0.1", tls), root_pem=certificates.root_pem())
