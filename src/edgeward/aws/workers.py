"""The threads that calls run on, beside the event loop that reads them and sends their answers.

A call waits for the database and for the edges, so it has a thread while it lasts. Invariant: a thread is started only
when none is idle, and stays until `end`. Used by `aws.app`, from one event loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

Answer = TypeVar("Answer")
_Queue = SimpleQueue[Callable[[], None] | None]
"""None has a thread end."""


class Workers:
    """At most so many threads; who comes while all are busy waits for one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._begin()

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """What `work` returns or raises, on one of the threads."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Answer] = loop.create_future()
        self._waiting.put(lambda: _do(work, loop, done))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            shared = (self._waiting, self._idle)
            threading.Thread(target=_work, args=shared, name=f"call-{self._started}", daemon=True).start()
        return await done

    def end(self) -> None:
        """Has all threads end, each after what it is at and what waits; later work has threads of its own."""
        for _ in range(self._started):
            self._waiting.put(None)
        self._begin()

    def _begin(self) -> None:
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._waiting: _Queue = SimpleQueue()


def _work(waiting: _Queue, idle: threading.Semaphore) -> None:
    while (work := waiting.get()) is not None:
        work()
        idle.release()


def _do(work: Callable[[], Answer], loop: asyncio.AbstractEventLoop, done: "asyncio.Future[Answer]") -> None:
    try:
        answer = work()
    except BaseException as error:  # noqa: BLE001 - it is raised to whoever waits
        _tell(loop, done, done.set_exception, error)
    else:
        _tell(loop, done, done.set_result, answer)


def _tell(
    loop: asyncio.AbstractEventLoop, done: "asyncio.Future[Any]", tell: Callable[[Any], None], outcome: Any
) -> None:
    """Nobody waits any more when the caller has hung up, or when the loop has ended."""

    def tell_whoever_waits() -> None:
        if not done.done():
            tell(outcome)

    with contextlib.suppress(RuntimeError):  # of a loop that has been closed
        loop.call_soon_threadsafe(tell_whoever_waits)
