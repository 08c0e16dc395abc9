"""OCSP responses are fetched in the background, again in time, and never trusted blindly."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from edgeward.deploy import stapler as stapler_module
from edgeward.deploy.stapler import Stapler
from ocsp_responder import HOUR, Responder, responder

PATIENCE_SECONDS = 20


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Shown:
    """The certificates that edges show, and how often they were sent other staples."""

    def __init__(self) -> None:
        self.chains: list[str] = []
        self.changes = 0
        self.problem: Exception | None = None
        self._changed = threading.Condition()

    def current(self) -> list[str]:
        with self._changed:
            self._changed.notify_all()
        if self.problem:
            raise self.problem
        return self.chains

    def changed(self) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def await_changes(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.changes >= count, PATIENCE_SECONDS)

    def await_looks(self) -> None:
        """Returns once a whole look has begun and ended."""
        with self._changed:
            for _ in range(3):
                assert self._changed.wait(PATIENCE_SECONDS)


@pytest.fixture
def there() -> Iterator[Responder]:
    with responder() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shown(there: Responder) -> Shown:
    shown = Shown()
    shown.chains = [there.chain_pem]
    return shown


@pytest.fixture
def stapler(clock: Clock, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stapler]:
    monkeypatch.setattr(stapler_module, "LOOK_SECONDS", 0.01)
    stapler = Stapler(clock)
    yield stapler
    stapler.stop()


def test_a_staple_is_fetched_and_fetched_again_when_half_its_life_is_over(
    stapler: Stapler, there: Responder, shown: Shown, clock: Clock
) -> None:
    assert stapler.staple_for(there.chain_pem) is None
    stapler.start(shown.current, shown.changed)
    shown.await_changes(1)
    first = stapler.staple_for(there.chain_pem)
    assert first is not None
    shown.await_looks()
    assert there.requests == 1

    there.life = 48 * HOUR
    clock.now += 13 * HOUR
    shown.await_changes(2)

    second = stapler.staple_for(there.chain_pem)
    assert second is not None
    assert second.expires > first.expires


def test_a_staple_outlives_a_responder_that_fails_but_not_its_own_end(
    stapler: Stapler, there: Responder, shown: Shown, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    stapler.start(shown.current, shown.changed)
    shown.await_changes(1)
    first = stapler.staple_for(there.chain_pem)

    there.status = 500
    clock.now += 13 * HOUR
    shown.await_looks()
    assert stapler.staple_for(there.chain_pem) == first
    assert there.requests == 2
    assert "no OCSP response" in caplog.text

    clock.now += timedelta(seconds=59)
    shown.await_looks()
    assert there.requests == 2
    clock.now += timedelta(seconds=2)
    shown.await_looks()
    assert there.requests == 3

    clock.now += 24 * HOUR
    assert stapler.staple_for(there.chain_pem) is None


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"x" * (stapler_module.LONGEST_ANSWER + 1)])
def test_an_answer_that_does_not_hold_is_not_shown(
    raw: bytes, stapler: Stapler, there: Responder, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    there.raw = raw
    stapler.start(shown.current, shown.changed)
    shown.await_looks()

    assert stapler.staple_for(there.chain_pem) is None
    assert (there.requests, shown.changes) == (1, 0)
    assert "no OCSP response" in caplog.text


def test_a_revocation_is_told_loudly_and_once(
    stapler: Stapler, there: Responder, shown: Shown, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    stapler.start(shown.current, shown.changed)
    shown.await_changes(1)
    there.revoked = datetime(2026, 1, 2, tzinfo=UTC)
    for changes in (2, 3):
        clock.now += 13 * HOUR
        there.life += 13 * HOUR
        shown.await_changes(changes)

    staple = stapler.staple_for(there.chain_pem)
    assert staple is not None
    assert staple.revoked == there.revoked
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    (error,) = errors
    assert f"{there.leaf.certificate.serial_number:x} is REVOKED since 2026-01-02" in error


def test_a_certificate_that_is_not_shown_any_more_is_forgotten(
    stapler: Stapler, there: Responder, shown: Shown
) -> None:
    stapler.start(shown.current, shown.changed)
    shown.await_changes(1)
    shown.chains = []
    shown.await_looks()

    assert stapler.staple_for(there.chain_pem) is None


def test_a_database_that_is_away_ends_nothing(
    stapler: Stapler, there: Responder, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    shown.problem = ConnectionError("away")
    stapler.start(shown.current, shown.changed)
    shown.await_looks()
    assert "cannot be looked after" in caplog.text

    shown.problem = None
    shown.await_changes(1)
