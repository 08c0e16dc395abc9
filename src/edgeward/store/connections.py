"""The open connections to a database, one for each transaction under way.

Invariant: a connection has one user at a time, and has no transaction while it waits. Made by `database`.
"""

from typing import Protocol

from sqlalchemy import Engine, PoolProxiedConnection


class Connections(Protocol):
    """Where transactions get theirs."""

    def take(self) -> PoolProxiedConnection:
        """A connection that nobody else uses until it is given back."""

    def give_back(self, connection: PoolProxiedConnection) -> None:
        """Rolls back what was not committed, and keeps the connection for whoever comes next."""

    def close(self) -> None:
        """Closes those that nobody uses."""


class PooledConnections:
    """SQLAlchemy's pool, which looks whether a connection still leads to its server before it hands it out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self) -> PoolProxiedConnection:
        """One of the pool."""
        return self._engine.raw_connection()

    def give_back(self, connection: PoolProxiedConnection) -> None:
        """To the pool, which rolls back."""
        connection.close()

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

    def take(self) -> PoolProxiedConnection:
        """One that waits, or another."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._engine.raw_connection()

    def give_back(self, connection: PoolProxiedConnection) -> None:
        """One that cannot roll back does not wait for others: it closes with its last user."""
        connection.rollback()  # Does nothing behind a commit.
        self._idle.append(connection)

    def close(self) -> None:
        """Those that are in use close with their last user."""
        while self._idle:
            self._idle.pop().close()
