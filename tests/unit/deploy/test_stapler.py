"""OCSP responses are fetched in the background, again in time, and never trusted blindly."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from edgeward.deploy import stapler as stapler_module
from edgeward.deploy.stapler import Stapler
from ocsp_responder import HOUR, Responder, responder


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Looks:
    """Looks at the certificates that edges show; counts how often those were sent other staples."""

    def __init__(self, stapler: Stapler, chain: str) -> None:
        self._stapler = stapler
        self.chains = [chain]
        self.changes = 0
        self.problem: Exception | None = None

    def __call__(self) -> None:
        self._stapler.look(self.chains, self._changed)

    def _changed(self) -> None:
        if self.problem:
            raise self.problem
        self.changes += 1


@pytest.fixture
def there() -> Iterator[Responder]:
    with responder() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stapler(clock: Clock) -> Stapler:
    return Stapler(clock)


@pytest.fixture
def look(stapler: Stapler, there: Responder) -> Looks:
    return Looks(stapler, there.chain_pem)


def test_a_staple_is_fetched_and_fetched_again_when_half_its_life_is_over(
    stapler: Stapler, there: Responder, look: Looks, clock: Clock
) -> None:
    assert stapler.staple_for(there.chain_pem) is None
    look()
    assert look.changes == 1
    first = stapler.staple_for(there.chain_pem)
    assert first is not None
    look()
    assert there.requests == 1

    there.life = 48 * HOUR
    clock.now += 13 * HOUR
    look()
    assert look.changes == 2

    second = stapler.staple_for(there.chain_pem)
    assert second is not None
    assert second.expires > first.expires


def test_a_staple_outlives_a_responder_that_fails_but_not_its_own_end(
    stapler: Stapler, there: Responder, look: Looks, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    look()
    assert look.changes == 1
    first = stapler.staple_for(there.chain_pem)

    there.status = 500
    clock.now += 13 * HOUR
    look()
    assert stapler.staple_for(there.chain_pem) == first
    assert there.requests == 2
    assert "no OCSP response" in caplog.text

    clock.now += timedelta(seconds=59)
    look()
    assert there.requests == 2
    clock.now += timedelta(seconds=2)
    look()
    assert there.requests == 3

    clock.now += 24 * HOUR
    assert stapler.staple_for(there.chain_pem) is None


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"x" * (stapler_module.LONGEST_ANSWER + 1)])
def test_an_answer_that_does_not_hold_is_not_shown(
    raw: bytes, stapler: Stapler, there: Responder, look: Looks, caplog: pytest.LogCaptureFixture
) -> None:
    there.raw = raw
    look()

    assert stapler.staple_for(there.chain_pem) is None
    assert (there.requests, look.changes) == (1, 0)
    assert "no OCSP response" in caplog.text


def test_a_revocation_is_told_loudly_and_once(
    stapler: Stapler, there: Responder, look: Looks, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    look()
    assert look.changes == 1
    there.revoked = datetime(2026, 1, 2, tzinfo=UTC)
    for changes in (2, 3):
        clock.now += 13 * HOUR
        there.life += 13 * HOUR
        look()
        assert look.changes == changes

    staple = stapler.staple_for(there.chain_pem)
    assert staple is not None
    assert staple.revoked == there.revoked
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    (error,) = errors
    assert f"{there.leaf.certificate.serial_number:x} is REVOKED since 2026-01-02" in error


def test_a_certificate_that_is_not_shown_any_more_is_forgotten(stapler: Stapler, there: Responder, look: Looks) -> None:
    look()
    assert look.changes == 1
    look.chains = []
    look()

    assert stapler.staple_for(there.chain_pem) is None


def test_staples_that_could_not_be_sent_are_sent_after_the_next_look(there: Responder, look: Looks) -> None:
    look.problem = ConnectionError("the database is away")
    with pytest.raises(ConnectionError):
        look()
    look.problem = None

    look()
    look()

    assert (there.requests, look.changes) == (1, 1)
