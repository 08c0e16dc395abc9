"""The open connections to a database, one for each transaction under way.

Invariant: a connection has one user at a time, and has no transaction while it waits. Made by `database`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Protocol

from sqlalchemy import Engine, PoolProxiedConnection


class Connections(Protocol):
    """Where transactions get theirs."""

    def one(self) -> AbstractContextManager[PoolProxiedConnection]:
        """A connection of one's own; what was not committed at the end is rolled back."""

    def close(self) -> None:
        """Closes those that nobody uses."""


class PooledConnections:
    """SQLAlchemy's pool, which looks whether a connection still leads to its server before it hands it out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def one(self) -> AbstractContextManager[PoolProxiedConnection]:
        """Of the pool."""
        return closing(self._engine.raw_connection())

    def close(self) -> None:
        """Closes the pool."""
        self._engine.dispose()


class FileConnections:
    """To a file, which is never away. The pool's checks would cost more than most transactions do.

    The connection that came back last goes out first: what it has read is good until another one writes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[PoolProxiedConnection] = []

    @contextmanager
    def one(self) -> Iterator[PoolProxiedConnection]:
        """One that waits, or another."""
        connection = self._taken()
        try:
            yield connection
        finally:
            connection.rollback()  # Does nothing behind a commit.
            self._idle.append(connection)

    def close(self) -> None:
        """Those that are in use close with their last user."""
        while self._idle:
            self._idle.pop().close()

    def _taken(self) -> PoolProxiedConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._engine.raw_connection()
