"""The threads of calls."""

import asyncio
import threading

import pytest

from edgeward.aws.workers import Workers


async def test_what_work_returns_or_raises_comes_back() -> None:
    workers = Workers(2)

    assert await workers.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    assert await workers.run(lambda: 8) == 8


async def test_calls_at_the_same_time_have_a_thread_each_and_no_more_than_allowed() -> None:
    workers, both = Workers(2), threading.Barrier(2)

    names = await asyncio.gather(*(workers.run(lambda: _meet(both)) for _ in range(6)))

    assert len(set(names)) == 2


async def test_a_thread_is_used_again_before_another_is_started() -> None:
    workers = Workers(4)

    names = {await workers.run(lambda: threading.current_thread().name) for _ in range(3)}

    assert "call-4" not in names


async def test_whoever_gave_up_is_not_told() -> None:
    workers, may_end, has_ended = Workers(1), threading.Event(), threading.Event()
    waiting = asyncio.ensure_future(workers.run(may_end.wait))
    await asyncio.sleep(0)

    waiting.cancel()
    may_end.set()
    await workers.run(has_ended.set)

    assert waiting.cancelled()
    assert has_ended.is_set()


def _meet(others: threading.Barrier) -> str:
    others.wait(timeout=10)
    return threading.current_thread().name


async def test_threads_end_after_their_work_and_later_work_has_new_ones() -> None:
    workers = Workers(2)
    first = await workers.run(threading.current_thread)
    workers.end()
    first.join(10)
    assert not first.is_alive()
    later = await workers.run(threading.current_thread)
    assert later is not first
    assert later.is_alive()
