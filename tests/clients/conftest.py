"""One running Edgeward for all client tests, with the real S3 server; started as a user starts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from types_boto3_cloudfront import CloudFrontClient

from clients.running import RunningCdn, start_cdn


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Client tests start processes: they get more time than unit tests, and it is still bounded."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture(scope="session")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCdn]:
    """A running Edgeward, stopped at the end as with Ctrl-C."""
    running = start_cdn(tmp_path_factory.mktemp("cdn") / "state")
    yield running
    assert running.stop() == 0, running.output


@pytest.fixture(scope="session")
def cloudfront(cdn: RunningCdn) -> CloudFrontClient:
    """boto3 with the keys the program printed."""
    return cdn.cloudfront()
