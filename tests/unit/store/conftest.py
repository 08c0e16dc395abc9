"""A store in a fresh file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeward.store.database import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store."""
    store = Store(f"sqlite:///{tmp_path / 'state' / 'control-plane.db'}")
    store.migrate()
    yield store
    store.close()
