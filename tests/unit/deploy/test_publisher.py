"""Publishing to edges that acknowledge, are late, fail, forget or never answer."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from edgeward.deploy import publisher as publisher_module


def test_every_edge_gets_the_whole_plan_first_and_then_changes(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edges = [new_edge(), new_edge()]
    account.put("E1")
    publisher = publish(*edges)

    publisher.settle(account.put("E2"))
    publisher.settle(account.invalidate("E2", "/a"))

    assert [edge.log for edge in edges] == [["whole 2", "change 2-3", "order /a"]] * 2
    assert [account.status("distribution", each) for each in ("E1", "E2")] == ["Deployed", "Deployed"]
    assert account.status("invalidation", "I/a") == "Completed"
    assert account.pending == 0


def test_without_edges_everything_is_deployed_at_once(publish: Callable[..., Any], account: Any) -> None:
    publisher = publish()

    publisher.settle(account.put("E1"))

    assert account.status("distribution", "E1") == "Deployed"


def test_one_late_edge_keeps_the_change_in_progress_until_it_acknowledges(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    prompt, late = new_edge(), new_edge()
    publisher = publish(prompt, late)
    late.is_open.clear()
    position = account.put("E1")
    publisher._acknowledgement_seconds = 0.0

    was_settled, before = publisher.settle(position), account.status("distribution", "E1")
    late.is_open.set()
    publisher._acknowledgement_seconds = 10.0
    is_settled = publisher.settle(position)

    assert (was_settled, before) == (False, "InProgress")
    assert (is_settled, account.status("distribution", "E1")) == (True, "Deployed")


def test_a_change_that_cannot_be_compiled_is_never_settled(
    publish: Callable[..., Any], account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = publish()
    monkeypatch.setattr(publisher._planner, "_compile_one", _fail)

    is_settled = publisher.settle(account.put("E1"))

    assert (is_settled, account.status("distribution", "E1")) == (False, "InProgress")


def _fail(*_: object) -> None:
    raise ZeroDivisionError


def test_a_change_made_meanwhile_keeps_the_distribution_in_progress(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    publisher = publish(edge)

    first = account.put("E1")
    publisher.settle(first)
    account.put("E1", Enabled=False)

    assert account.status("distribution", "E1") == "InProgress"


def test_a_failed_change_is_followed_by_the_whole_plan(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    publisher = publish(edge)
    edge.failures = 1

    publisher.settle(account.put("E1"))

    assert edge.log == ["whole 1", "change 1-2 failed", "whole 2"]
    assert account.status("distribution", "E1") == "Deployed"


def test_an_edge_that_lost_its_plan_is_given_the_whole_one(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    publisher = publish(edge)
    publisher.settle(account.put("E1"))
    edge.sequence, edge.distributions = 0, {}

    publisher.settle(account.put("E2"))

    assert edge.log[-2:] == ["change 2-3 refused", "whole 3"]
    assert sorted(edge.distributions) == ["E1", "E2"]


def test_a_whole_plan_is_tried_again_and_again(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge(failures=5)
    account.put("E1")

    publish(edge)

    assert edge.log == ["whole 2 failed"] * 5 + ["whole 2"]
    assert account.status("distribution", "E1") == "Deployed"


def test_a_failed_order_is_sent_again_after_the_whole_plan(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    account.put("E1")
    publisher = publish(edge)
    edge.failures = 1

    publisher.settle(account.invalidate("E1", "/a"))

    assert edge.log[1:] == ["order /a failed", "whole 2", "order /a"]
    assert account.status("invalidation", "I/a") == "Completed"


def test_what_happened_while_an_edge_was_away_arrives_in_order(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    publisher = publish(edge, acknowledgement_seconds=0.0)
    edge.is_open.clear()
    for position in (
        account.put("E1"),
        account.invalidate("E1", "/a"),
        account.put("E1", Enabled=False),
        account.invalidate("E1", "/b"),
    ):
        publisher.settle(position)
    edge.is_open.set()
    publisher._acknowledgement_seconds = 10.0
    publisher.settle(position)

    orders = [entry for entry in edge.log if entry.startswith("order")]
    assert orders == ["order /a", "order /b"]
    assert edge.distributions["E1"]["enabled"] is False
    assert account.pending == 0


def test_nothing_is_lost_when_the_control_plane_dies_between_commit_and_publishing(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    publish(new_edge()).stop()
    account.put("E1")
    account.invalidate("E1", "/a")
    edge = new_edge()

    publish(edge)

    assert edge.log == ["order /a", "whole 3", "order /a"]
    assert account.status("distribution", "E1") == "Deployed"
    assert account.status("invalidation", "I/a") == "Completed"


def test_an_edge_without_a_plan_gets_the_orders_it_lacks_before_its_first(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    account.put("E1")
    publisher = publish(edge)
    edge.sequence, edge.distributions, edge.failures = 0, {}, 1  # it restarts, with its cache on disk

    publisher.settle(account.invalidate("E1", "/a"))

    assert edge.log[1:] == ["order /a failed", "order /a", "whole 2", "order /a"]


def test_an_edge_that_serves_gets_the_plan_before_the_orders_made_under_it(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    account.put("E1")
    edge = new_edge()
    publish(edge).stop()
    account.put("E1", Enabled=False)
    account.invalidate("E1", "/a")

    publish(edge)

    assert edge.log[1:] == ["whole 4", "order /a"]


def test_an_order_that_could_not_be_sent_before_the_plan_keeps_the_plan_back(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    account.put("E1")
    account.invalidate("E1", "/a")
    edge = new_edge(failures=2)

    publish(edge)

    assert edge.log == ["order /a failed"] * 2 + ["order /a", "whole 3", "order /a"]
    assert account.status("invalidation", "I/a") == "Completed"


def test_an_edge_far_behind_gets_the_whole_plan_in_place_of_the_steps(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "MOST_STEPS", 2)
    edge = new_edge()
    publisher = publish(edge, acknowledgement_seconds=0.0)
    publisher._acknowledgement_seconds = 10.0
    publisher.settle(account.put("E0"))
    publisher._acknowledgement_seconds = 0.0
    edge.is_open.clear()
    for number in range(6):
        position = account.put("E1", Enabled=bool(number % 2))
        publisher.settle(position)
        position = account.invalidate("E1", f"/{number}")
        publisher.settle(position)
    edge.is_open.set()
    publisher._acknowledgement_seconds = 10.0
    publisher.settle(position)

    assert [entry for entry in edge.log if entry.startswith("order")][-6:] == [
        f"order /{number}" for number in range(6)
    ]
    assert edge.distributions["E1"]["enabled"] is True
    assert account.pending == 0


def test_writers_at_the_same_time_all_find_their_change_live(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    edge = new_edge()
    publisher = publish(edge)
    seen: list[str | None] = []

    def write(number: int) -> None:
        publisher.settle(account.put(f"E{number}"))
        seen.append(account.status("distribution", f"E{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == ["Deployed"] * 8
    assert len(edge.distributions) == 8


def test_stopping_does_not_wait_for_an_edge_that_keeps_failing(
    publish: Callable[..., Any], account: Any, new_edge: Callable[..., Any]
) -> None:
    account.put("E1")
    publisher = publish(new_edge(failures=1_000_000), acknowledgement_seconds=0.0)

    publisher.stop()

    assert account.status("distribution", "E1") == "InProgress"
