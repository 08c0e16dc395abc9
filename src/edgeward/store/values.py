"""The keys and values of one key value store, inside a transaction. Implements `aws.resources.Values`.

The size of each pair is kept beside it, so that a store's total is one sum and not a read of all it holds.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from edgeward.store.tables import key_value


class SqlValues:
    """A view of one store's pairs."""

    def __init__(self, connection: Connection, store: str) -> None:
        self._connection = connection
        self._store = store

    def get(self, key: str) -> str | None:
        """The value of a key."""
        query = select(key_value.c.value).where(self._is_ours(), key_value.c.key == key)
        return self._connection.execute(query).scalar_one_or_none()

    def after(self, key: str | None, limit: int) -> Sequence[tuple[str, str]]:
        """The pairs behind a key, or the first ones, in order of the keys."""
        query = select(key_value.c.key, key_value.c.value).where(self._is_ours()).order_by(key_value.c.key)
        if key is not None:
            query = query.where(key_value.c.key > key)
        return [(row.key, row.value) for row in self._connection.execute(query.limit(limit))]

    def totals(self) -> tuple[int, int]:
        """How many pairs there are, and their bytes."""
        query = select(func.count(), func.coalesce(func.sum(key_value.c.size), 0)).where(self._is_ours())
        count, size = self._connection.execute(query).one()
        return int(count), int(size)

    def put(self, changes: Mapping[str, str | None]) -> None:
        """Sets or, for None, removes the values of keys."""
        self._connection.execute(delete(key_value).where(self._is_ours(), key_value.c.key.in_(changes.keys())))
        rows = [
            {"store": self._store, "key": key, "value": value, "size": len(key.encode()) + len(value.encode())}
            for key, value in changes.items()
            if value is not None
        ]
        if rows:
            self._connection.execute(insert(key_value), rows)

    def clear(self) -> None:
        """Removes every pair."""
        self._connection.execute(delete(key_value).where(self._is_ours()))

    def _is_ours(self) -> ColumnElement[bool]:
        return key_value.c.store == self._store
