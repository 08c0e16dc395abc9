"""The keys and values of one key value store, inside a transaction. Implements `aws.resources.Values`.

The size of each pair is kept beside it, so that a store's total is one sum and not a read of all it holds.
"""

from collections.abc import Mapping, Sequence

from edgeward.store import statements
from edgeward.store.compiled import Cursor


class SqlValues:
    """A view of one store's pairs."""

    def __init__(self, cursor: Cursor, store: str) -> None:
        self._cursor = cursor
        self._store = store

    def get(self, key: str) -> str | None:
        """The value of a key."""
        value: str | None = self._cursor.value(statements.VALUE, of_store=self._store, of_key=key)
        return value

    def after(self, key: str | None, limit: int) -> Sequence[tuple[str, str]]:
        """The pairs behind a key, or the first ones, in order of the keys."""
        marker = {"of_marker": key} if key is not None else {}
        query = statements.pairs(is_further=key is not None)
        return [(key, value) for key, value in self._cursor.rows(query, of_store=self._store, of_size=limit, **marker)]

    def totals(self) -> tuple[int, int]:
        """How many pairs there are, and their bytes."""
        ((count, size),) = self._cursor.rows(statements.TOTALS, of_store=self._store)
        return int(count), int(size)

    def put(self, changes: Mapping[str, str | None]) -> None:
        """Sets or, for None, removes the values of keys."""
        self._cursor.run_for_each(
            statements.DELETE_VALUE, [{"of_store": self._store, "of_key": key} for key in changes]
        )
        rows = [
            {"store": self._store, "key": key, "value": value, "size": len(key.encode()) + len(value.encode())}
            for key, value in changes.items()
            if value is not None
        ]
        self._cursor.run_for_each(statements.INSERT_VALUE, rows)

    def clear(self) -> None:
        """Removes every pair."""
        self._cursor.run(statements.CLEAR, of_store=self._store)
