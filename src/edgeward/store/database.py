"""The database behind the store: opening it, its schema, its transactions.

Invariant: one write transaction at a time, on any database, because each begins alone: SQLite's takes
the write lock, others lock the `counter` rows. Made by `control_plane`; families see only the transactions.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from edgeward.store import statements
from edgeward.store.compiled import Compiler, Cursor
from edgeward.store.connections import Connections, FileConnections, PooledConnections
from edgeward.store.transaction import SqlTransaction


class DatabaseError(Exception):
    """A database cannot be used. The message says why, without the URL, which may have a password in it."""


class Store:
    """Resources in a database. Implements `aws.resources.ResourceStore`."""

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's: `sqlite:////var/lib/edgeward/control.db`, `postgresql+psycopg://user@host/name`.

        Nothing is opened yet. Raises `DatabaseError` for another kind, or where the driver is missing.
        """
        try:
            self._engine = _engine(url)
        except ArgumentError as error:
            raise DatabaseError(f"the database has no URL such as {POSTGRESQL}://user@host/name") from error
        except ModuleNotFoundError as error:
            raise DatabaseError(f"the driver {error.name} is missing: pip install 'edgeward[postgres]'") from error
        self._connections: Connections = (
            FileConnections(self._engine) if _is_sqlite(url) else PooledConnections(self._engine)
        )
        self._compile = Compiler(self._engine.dialect)
        self._writing = threading.Lock()
        self._begin = SQLITE if _is_sqlite(url) else SHARED
        self.is_shared = not _is_sqlite(url)
        """Whether other control planes may write to it at the same time."""

    def migrate(self) -> None:
        """Brings the schema to the newest version, from nothing or from any earlier one; several may ask at once.

        Raises `DatabaseError` when the database does not answer, or refuses.
        """
        try:
            with self._engine.execution_options(**self._begin.migration).begin() as connection:
                self._upgrade(connection)
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise DatabaseError(f"the database does not answer as it should: {reason}") from error

    def _upgrade(self, connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        if self.is_shared:
            connection.execute(statements.lock_for_transaction(_MIGRATION))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    def close(self) -> None:
        """Closes all connections."""
        self._connections.close()

    def read(self) -> AbstractContextManager[SqlTransaction]:
        """A consistent view that only reads."""
        return self._transaction(self._begin.read, _BESIDE_OTHERS)

    def write(self, *, is_repeatable: bool = False) -> AbstractContextManager[SqlTransaction]:
        """The one write transaction of the moment: commits on exit, rolls back on an exception.

        One that is repeatable, because what it writes would be found out again, is not waited for to reach the disk.
        """
        return self._transaction(self._begin.repeatable_write if is_repeatable else self._begin.write, self._writing)

    @contextmanager
    def _transaction(self, begin: Sequence[str], turn: AbstractContextManager[Any]) -> Iterator[SqlTransaction]:
        with turn:
            connection = self._connections.take()
            try:
                cursor = connection.cursor()
                for command in begin:
                    cursor.execute(command)
                yield SqlTransaction(Cursor(cursor, self._compile))
                connection.commit()
            finally:
                self._connections.give_back(connection)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process, of all that share the database, does what only one may do: publish.

        It goes on being the one until the context ends or the process does.
        """
        if not self.is_shared:
            yield True
            return
        with self._engine.connect() as connection:
            yield bool(connection.execute(statements.lock_if_free(_PUBLISHING)).scalar_one())


def _engine(url: str) -> Engine:
    if _is_sqlite(url):
        _make_private(Path(make_url(url).database or ""))
        engine = create_engine(url, connect_args={"check_same_thread": False}, poolclass=NullPool)
        _configure_sqlite(engine)
        return engine
    if make_url(url).drivername != POSTGRESQL:
        found = make_url(url).drivername
        raise DatabaseError(f"a database URL begins with sqlite:// or {POSTGRESQL}://, not {found}://")
    # A connection may have been cut since its last use, by a restart of the server.
    return create_engine(url, pool_pre_ping=True, isolation_level="AUTOCOMMIT")


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _make_private(path: Path) -> None:
    """Creates the file readable by its owner only; SQLite gives its -wal and -shm files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # The driver would start transactions late and commit around DDL.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """How a database is told that a transaction begins. Its driver begins none by itself."""

    read: Sequence[str]
    write: Sequence[str]
    repeatable_write: Sequence[str]
    migration: Mapping[str, str]
    """Options of SQLAlchemy's for the transaction of the migrations."""


SQLITE = Beginnings(
    read=("BEGIN",),
    write=("PRAGMA synchronous=FULL", "BEGIN IMMEDIATE"),
    repeatable_write=("PRAGMA synchronous=NORMAL", "BEGIN IMMEDIATE"),
    migration={},
)
LOCK = "SELECT value FROM counter FOR UPDATE"
"""Makes a write transaction the only one, on databases that begin them side by side."""
SHARED = Beginnings(
    read=("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    write=("BEGIN", LOCK),
    repeatable_write=("BEGIN", LOCK, "SET LOCAL synchronous_commit TO OFF"),
    migration={"isolation_level": "READ COMMITTED"},
)

BUSY_TIMEOUT_MILLISECONDS = 10_000
"""How long a write waits for another process's write to the same SQLite file."""

POSTGRESQL = "postgresql+psycopg"
"""The one driver for PostgreSQL that is tested."""
_BESIDE_OTHERS = nullcontext()
_MIGRATION, _PUBLISHING = 0x45446765_00000001, 0x45446765_00000002
"""What is locked, by numbers that other programs in the same database are not likely to use."""
