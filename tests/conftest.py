"""What tests of every kind may stand on."""

from collections.abc import Iterator

import pytest

import acme_server as acme_servers
from databases import PostgresServer, why_missing


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests that ask for it."""
    why = why_missing()
    if why is not None:
        pytest.skip(why)
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def acme_server() -> Iterator[acme_servers.AcmeServer]:
    """One ACME CA, with its DNS server, for all tests that ask for it."""
    why = acme_servers.why_missing()
    if why is not None:
        pytest.skip(why)
    server = acme_servers.AcmeServer()
    server.start()
    yield server
    server.stop()
