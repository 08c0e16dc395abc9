"""Resources, history, references, tags and the outbox."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edgeward.aws.resources import Page, Reference, Resource
from edgeward.store.database import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)


def resource(id: str = "E1", **changes: object) -> Resource:
    base = Resource(family="distribution", id=id, etag=f"{id}-1", config={"Comment": "é"}, created=NOW, modified=NOW)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_resource_comes_back_as_it_was_stored(store: Store) -> None:
    stored = resource(
        name="n", caller_reference="r", parent="p", status="Deployed", attributes={"DomainName": "d.localhost"}
    )
    with store.write() as transaction:
        transaction.insert(stored, ())

    with store.read() as transaction:
        assert transaction.find("distribution", "E1") == stored
        assert transaction.find_by_name("distribution", "n") == stored
        assert transaction.find_by_caller_reference("distribution", "r", "p") == stored
        assert transaction.find_by_caller_reference("distribution", "r") is None
        assert transaction.find("cache-policy", "E1") is None


def test_an_update_keeps_the_etags_of_all_versions(store: Store) -> None:
    with store.write() as transaction:
        transaction.insert(resource(), ())
        transaction.update(resource(etag="E1-2", config={}, modified=NOW + timedelta(seconds=1)), ())

    with store.read() as transaction:
        found = transaction.find("distribution", "E1")
        known = [transaction.had_etag("distribution", "E1", etag) for etag in ("E1-1", "E1-2", "E1-3")]

    assert found is not None
    assert (found.etag, found.config, found.created) == ("E1-2", {}, NOW)
    assert known == [True, True, False]


def test_a_deleted_resource_is_gone_with_its_references_and_tags(store: Store) -> None:
    with store.write() as transaction:
        transaction.insert(resource(name="n", caller_reference="r"), [Reference(kind="alias", target="www")])
        transaction.put_tags("distribution", "E1", {"a": "1"})
        transaction.delete("distribution", "E1", NOW)

    with store.read() as transaction:
        assert transaction.find("distribution", "E1") is None
        assert transaction.find_by_name("distribution", "n") is None
        assert transaction.find_by_caller_reference("distribution", "r") is None
        assert transaction.referrers("alias", "www") == []
        assert transaction.tags("distribution", "E1") == {}
        assert transaction.count("distribution") == 0
        assert transaction.all("distribution") == []
        assert transaction.had_etag("distribution", "E1", "E1-1")


def test_references_follow_the_newest_version(store: Store) -> None:
    first, second = Reference(kind="cache-policy", target="1"), Reference(kind="cache-policy", target="2")
    with store.write() as transaction:
        transaction.insert(resource("E2"), [first])
        transaction.insert(resource("E1"), [first, first])
        transaction.update(resource("E2", etag="E2-2"), [second])

    with store.read() as transaction:
        assert transaction.referrers("cache-policy", "1") == ["E1"]
        assert transaction.referrers("cache-policy", "2") == ["E2"]


@pytest.mark.parametrize(
    ("page", "ids"),
    [
        (Page(size=10), ["E1", "E2", "E3"]),
        (Page(size=2), ["E1", "E2"]),
        (Page(size=2, marker="E1"), ["E2", "E3"]),
        (Page(size=2, marker="E15"), ["E2", "E3"]),
        (Page(size=2, marker="E3"), []),
        (Page(size=2, newest_first=True), ["E2", "E1"]),
        (Page(size=2, newest_first=True, marker="E1"), ["E3"]),
        (Page(size=2, newest_first=True, marker="unknown"), []),
        (Page(size=9, parent="other"), ["E3"]),
        (Page(size=9, in_progress=True), ["E1"]),
    ],
)
def test_pages_run_by_id_or_newest_first(store: Store, page: Page, ids: list[str]) -> None:
    with store.write() as transaction:
        transaction.insert(resource("E3", parent="other"), ())
        transaction.insert(resource("E1", status="InProgress"), ())
        transaction.insert(resource("E2"), ())

    with store.read() as transaction:
        assert [found.id for found in transaction.page("distribution", page)] == ids


def test_counts_are_by_family_parent_and_status(store: Store) -> None:
    with store.write() as transaction:
        transaction.insert(resource("E1", parent="p", status="InProgress"), ())
        transaction.insert(resource("E2", parent="p"), ())
        transaction.insert(resource("E3"), ())

    with store.read() as transaction:
        assert transaction.count("distribution") == 3
        assert transaction.count("distribution", "p") == 2
        assert transaction.count("distribution", "p", in_progress=True) == 1
        assert transaction.count("invalidation") == 0


def test_tags_keep_their_order(store: Store) -> None:
    with store.write() as transaction:
        transaction.put_tags("distribution", "E1", {"z": "1", "a": "2"})
        transaction.put_tags("distribution", "E2", {"b": ""})

    with store.read() as transaction:
        assert list(transaction.tags("distribution", "E1").items()) == [("z", "1"), ("a", "2")]


def test_a_change_is_complete_only_when_no_newer_one_is_pending(store: Store) -> None:
    with store.write() as transaction:
        transaction.insert(resource(), ())
        transaction.enqueue("distribution", "E1")
        transaction.enqueue("distribution", "E1")
        first, second = transaction.pending()

    def status_after(change: object) -> str:
        with store.write() as transaction:
            transaction.complete(change, "Deployed")  # type: ignore[arg-type]
            found = transaction.find("distribution", "E1")
            assert found is not None
            return found.status

    assert [status_after(first), status_after(second)] == ["InProgress", "Deployed"]
    with store.read() as transaction:
        assert transaction.pending() == []
        assert transaction.last_change() == second.position


def test_pending_changes_are_read_from_a_position(store: Store) -> None:
    with store.write() as transaction:
        positions = [transaction.enqueue("distribution", each) for each in ("E1", "E2", "E3")]
        assert transaction.last_position == positions[-1]

    with store.read() as transaction:
        assert [change.id for change in transaction.pending(after=positions[0])] == ["E2", "E3"]
