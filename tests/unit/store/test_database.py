"""Opening, migrating and sharing the database."""

import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from edgeward.store.database import DatabaseError, Store
from edgeward.store.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    with store._engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_migrating_again_changes_nothing(store: Store) -> None:
    with store.write() as transaction:
        transaction.enqueue("distribution", "E1")

    store.migrate()

    with store.read() as transaction:
        assert len(transaction.pending()) == 1


def test_several_may_migrate_at_once(url: str) -> None:
    stores = [Store(url) for _ in range(4)]
    threads = [threading.Thread(target=each.migrate) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with stores[0].read() as transaction:
        assert transaction.last_change() == 1
    for each in stores:
        each.close()


def test_a_database_of_another_kind_is_refused_with_what_there_is() -> None:
    with pytest.raises(DatabaseError, match=r"sqlite:// or postgresql\+psycopg://, not mysql://"):
        Store("mysql://somewhere/else")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_only_the_owner_can_read_the_files(store: Store, tmp_path: Path) -> None:
    with store.write() as transaction:
        transaction.enqueue("distribution", "E1")

    files = list((tmp_path / "state").iterdir())

    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as transaction:
            transaction.enqueue("distribution", "E1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with store.read() as transaction:
        assert (transaction.pending(), transaction.last_change()) == ([], 1)


def test_writers_take_turns_and_positions_never_repeat(store: Store) -> None:
    positions = []

    def write() -> None:
        for _ in range(20):
            with store.write() as transaction:
                positions.append(transaction.enqueue("distribution", "E1"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(positions) == list(range(2, 82))


def test_another_process_that_writes_is_waited_for(store: Store, url: str) -> None:
    other = Store(url)
    inside, outcome = threading.Event(), []

    def write() -> None:
        inside.wait()
        with other.write() as transaction:
            outcome.append(transaction.enqueue("distribution", "E2"))

    thread = threading.Thread(target=write)
    thread.start()
    with store.write() as transaction:
        inside.set()
        outcome.append(transaction.enqueue("distribution", "E1"))
    thread.join()
    other.close()

    assert outcome == [2, 3]


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.read() as reader:
        before = reader.last_change()
        with store.write() as writer:
            writer.enqueue("distribution", "E1")

        assert reader.last_change() == before
