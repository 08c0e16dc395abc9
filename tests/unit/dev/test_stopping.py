"""A stop signal is heard where the program waits, and nowhere else."""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from edgeward.dev.stopping import Stopped, stop_signals

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_remembered_until_it_is_asked_for(number: signal.Signals) -> None:
    with stop_signals() as stop:
        stop.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            stop.check()
        with pytest.raises(Stopped):
            stop.sleep(600)


def test_a_sleep_ends_at_the_signal() -> None:
    with stop_signals() as stop, alarm(0.01, stop.hear), pytest.raises(Stopped):
        stop.sleep(600)


def test_a_signal_in_a_callback_of_a_library_breaks_nothing() -> None:
    with stop_signals() as stop:
        compare: Callable[..., int] = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(interrupted)
        numbers = (ctypes.c_int * 2)(2, 1)
        ctypes.CDLL(None).qsort(numbers, 2, ctypes.sizeof(ctypes.c_int), compare)
        assert list(numbers) == [1, 2]
        with pytest.raises(Stopped):
            stop.check()


def interrupted(_left: int, _right: int) -> int:
    """A comparison during which a signal comes; what it raises would be lost in C, and its answer with it."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0)
    return 1


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stop_signals():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


@contextmanager
def alarm(seconds: float, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Has a signal handled in a moment, as if from outside."""
    earlier = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, earlier)
