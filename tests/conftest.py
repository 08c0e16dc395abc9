"""What tests of every kind may stand on."""

from collections.abc import Iterator

import pytest

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
