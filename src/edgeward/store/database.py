"""The database behind the store: opening it, its schema, its transactions.

Invariant: one write transaction at a time, on any database, because each begins alone: SQLite's takes
the write lock, others lock the `counter` rows. Made by `control_plane`; families see only the transactions.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from edgeward.store import statements
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
        self._writing = threading.Lock()
        self.is_shared = not _is_sqlite(url)
        """Whether other control planes may write to it at the same time."""

    def migrate(self) -> None:
        """Brings the schema to the newest version, from nothing or from any earlier one; several may ask at once.

        Raises `DatabaseError` when the database does not answer, or refuses.
        """
        try:
            with self._engine.execution_options(writes=True).begin() as connection:
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
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """A consistent view that only reads."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if self.is_shared else {}
        with self._engine.execution_options(**options).begin() as connection:
            yield SqlTransaction(connection)

    @contextmanager
    def write(self, *, is_repeatable: bool = False) -> Iterator[SqlTransaction]:
        """The one write transaction of the moment: commits on exit, rolls back on an exception.

        One that is repeatable, because what it writes would be found out again, is not waited for to reach the disk.
        """
        options = {"writes": True, "is_repeatable": is_repeatable}
        with self._writing, self._engine.execution_options(**options).begin() as connection:
            if self.is_shared:
                connection.execute(statements.LOCK)
                if is_repeatable:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield SqlTransaction(connection)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether this process, of all that share the database, does what only one may do: publish.

        It goes on being the one until the context ends or the process does.
        """
        if not self.is_shared:
            yield True
            return
        with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            yield bool(connection.execute(statements.lock_if_free(_PUBLISHING)).scalar_one())


def _engine(url: str) -> Engine:
    if _is_sqlite(url):
        _make_private(Path(make_url(url).database or ""))
        engine = create_engine(url, connect_args={"check_same_thread": False})
        _configure_sqlite(engine)
        return engine
    if make_url(url).drivername != POSTGRESQL:
        found = make_url(url).drivername
        raise DatabaseError(f"a database URL begins with sqlite:// or {POSTGRESQL}://, not {found}://")
    # A connection may have been cut since its last use, by a restart of the server.
    return create_engine(url, pool_pre_ping=True)


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
        # By the driver alone: a tenth of what a statement costs through SQLAlchemy.
        execute = connection.connection.cursor().execute
        options = connection.get_execution_options()
        if not options.get("writes", False):
            execute("BEGIN")
            return
        execute(f"PRAGMA synchronous={'NORMAL' if options.get('is_repeatable', False) else 'FULL'}")
        execute("BEGIN IMMEDIATE")


BUSY_TIMEOUT_MILLISECONDS = 10_000
"""How long a write waits for another process's write to the same SQLite file."""

POSTGRESQL = "postgresql+psycopg"
"""The one driver for PostgreSQL that is tested."""
_MIGRATION, _PUBLISHING = 0x45446765_00000001, 0x45446765_00000002
"""What is locked, by numbers that other programs in the same database are not likely to use."""
