"""A store in a fresh database, of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import PostgresServer
from edgeward.store.database import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'control-plane.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A migrated store."""
    store = Store(url)
    store.migrate()
    yield store
    store.close()
