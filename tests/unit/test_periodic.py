"""Work that comes again and again: whatever a turn does, the next one comes."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from edgeward.periodic import Backoff, Periodic

EVERY = timedelta(hours=1)
BACKOFF = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=10))
PATIENCE_SECONDS = 20


def periodic(work: Callable[[], object], every: timedelta = EVERY, backoff: Backoff = BACKOFF) -> Periodic:
    return Periodic("the look", work, every=every, backoff=backoff)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10), (10_000, 10), (10**9, 10)]
)
def test_waits_double_up_to_the_longest(failures: int, seconds: int) -> None:
    assert BACKOFF.after(failures) == timedelta(seconds=seconds)


def test_pauses_grow_while_it_fails_and_are_as_before_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    problems = [None, ConnectionError("away"), ConnectionError("away"), None, ConnectionError("away")]

    def work() -> None:
        if (problem := problems.pop(0)) is not None:
            raise problem

    looks = periodic(work)
    seconds = [looks.turn() / timedelta(seconds=1) for _ in range(5)]

    assert seconds == [3600, 1, 2, 3600, 1]
    assert caplog.text.count("the look failed, and will be tried again in 0:00:01") == 2
    assert caplog.text.count("ConnectionError: away") == 3


def test_it_begins_at_once_and_goes_on_after_failures_until_it_is_stopped() -> None:
    turns, third = [threading.current_thread()], threading.Event()

    def work() -> None:
        turns.append(threading.current_thread())
        if len(turns) > 3:
            third.set()
        raise ConnectionError("away")

    none = timedelta(0)
    looks = periodic(work, backoff=Backoff(first=none, longest=none))
    looks.start()
    assert third.wait(PATIENCE_SECONDS)
    looks.stop()

    (thread,) = set(turns[1:])
    assert not thread.is_alive()
    assert thread.name == "the look"


def test_it_stops_in_the_middle_of_a_pause() -> None:
    began = threading.Event()
    looks = periodic(began.set)
    looks.start()
    assert began.wait(PATIENCE_SECONDS)

    looks.stop()

    assert not looks._thread.is_alive()


def test_one_that_was_never_started_can_be_stopped() -> None:
    periodic(lambda: None).stop()
